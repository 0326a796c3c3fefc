"""Groups of columns, as users name them: columns of the model, or of those that a pipeline makes them of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np

from softglm.inference.inputs import Inputs
from softglm.inference.names import Name, Names

# Of each group the columns, of which there may be one.
Groups: TypeAlias = Mapping[str, Sequence[Name] | Name]


def listed(columns: Sequence[Name] | Name) -> Sequence[Name]:
    """Return the columns of a group, of which there may be one."""
    return [columns] if isinstance(columns, str | int | np.integer) else columns


@final
@dataclass(frozen=True, eq=False)
class GroupedColumns:
    """The columns of the model and of the inputs, to be grouped.

    Attributes
    ----------
    features : tuple of str, length p
        The names of the columns of the model.
    inputs : Inputs or None
        What a pipeline makes them of.
    """

    features: tuple[str, ...]
    inputs: Inputs | None

    @property
    def factors(self) -> dict[str, tuple[int, ...]]:
        """The columns of the model that are made of one input each, by steps, under its name."""
        return {} if self.inputs is None else self.inputs.factors

    @property
    def split(self) -> dict[str, tuple[str, ...]]:
        """The names of the columns of the model that are made of one number each, where it has several: of a spline."""
        variables = () if self.known_inputs is None else self.known_inputs.variables
        return {
            each.name: tuple(self.features[column] for column in each.columns)
            for each in variables
            if not each.acts_by_steps and len(each.columns) > 1
        }

    @property
    def known_inputs(self) -> Inputs | None:
        """The inputs, if it could be found out what they do."""
        return self.inputs if self.inputs is not None and self.inputs.is_known else None

    def of_model(self, groups: Groups | None) -> dict[str, tuple[int, ...]]:
        """Return the columns of the model in each group; by default of every factor, and each of the others alone.

        Parameters
        ----------
        groups : dict from name to columns, or None

        Raises
        ------
        ValueError
            If the groups are no dict, or there is no such column.
        """
        if groups is not None:
            position = Names(self.features).position
            return {name: tuple(map(position, listed(columns))) for name, columns in _checked(groups).items()}
        grouped = {column: name for name, columns in self.factors.items() for column in columns}
        result: dict[str, tuple[int, ...]] = {}
        for column, feature in enumerate(self.features):
            name = grouped.get(column, f"{feature} (column)" if feature in self.factors else feature)
            result[name] = (*result.get(name, ()), column)
        return result

    def of_terms(self, names: Sequence[str] | str) -> tuple[int, ...]:
        """Return the columns of the model in terms: factors, or single columns.

        Parameters
        ----------
        names : str, or sequence of str

        Raises
        ------
        ValueError
            If there is no such term.
        """
        terms, position = self.of_model(None), Names(self.features).position
        found = (
            terms[name] if name in terms else (position(name),)
            for name in ([names] if isinstance(names, str) else names)
        )
        return tuple(sorted({column for columns in found for column in columns}))

    def of_variables(self, groups: Groups | None) -> dict[str, tuple[int, ...]]:
        """Return the columns of the model that each variable enters: each input, or each group.

        Parameters
        ----------
        groups : dict from name to columns, or None

        Raises
        ------
        ValueError
            As `of_model` does; without groups, if it is not known what the inputs do.
        """
        if groups is not None:
            return self.of_model(groups)
        inputs = self.known_inputs
        if inputs is None:
            raise ValueError(
                'by="variable" asks which columns of the model each variable enters, which only a pipeline tells whose '
                "steps transform rows one by one. Pass groups, such as "
                '{"x0": ["x0", "x0 x1"], "x1": ["x1", "x0 x1"]}: what is in two of them is their interaction.'
            )
        return inputs.entered

    def named(self, groups: Groups) -> dict[str, tuple[str, ...]]:
        """Return the names of the columns of each group: of inputs, or of columns of the model.

        Parameters
        ----------
        groups : dict from name to columns

        Raises
        ------
        ValueError
            As `of_model` does.
        """
        return {name: tuple(map(self._name_of, listed(columns))) for name, columns in _checked(groups).items()}

    def of_inputs(self, groups: Groups | None) -> dict[str, tuple[int, ...]]:
        """Return the columns of each group: of the inputs, if these are known and all of them are, or of the model.

        Parameters
        ----------
        groups : dict from name to columns, or None
            None for no groups.

        Raises
        ------
        ValueError
            As `of_model` does.
        """
        if groups is None:
            return {}
        inputs = self.known_inputs
        if inputs is None:
            return self.of_model(groups)
        found = {name: [inputs.position(column) for column in names] for name, names in self.named(groups).items()}
        # What a pipeline makes of an input moves with it, grouped or not.
        return {
            name: tuple(position for position in positions if position is not None)
            for name, positions in found.items()
            if None not in positions
        }

    def _name_of(self, column: Name) -> str:
        inputs = self.known_inputs
        if isinstance(column, str) and inputs is not None and inputs.position(column) is not None:
            return str(column)
        return self.features[Names(self.features).position(column)]


def _checked(groups: Groups) -> Groups:
    if not isinstance(groups, Mapping):
        raise ValueError(
            f'groups must be a dict from names to lists of columns, such as {{"x0": ["x0"]}}, got {groups!r}.'
        )
    return groups
