"""What users name to be set: inputs of a pipeline, columns of a model, or the dummies of one factor."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.inference.estimate import Estimate
from softglm.inference.factors import BASE, are_dummies, dummy_settings
from softglm.inference.groups import GroupedColumns, Groups
from softglm.inference.inputs import Inputs, Move, Setting, Variable
from softglm.inference.means import Counterfactual
from softglm.inference.model_columns import ModelColumns, check_finite, chosen_levels, grid_of, no_dummies
from softglm.inference.names import Name, Names
from softglm.inference.states import Means, States, Subject

At: TypeAlias = Literal["average", "means"] | Mapping[Name, Any]


def subject_of(
    names: Sequence[Name],
    at: At = "average",
    *,
    estimate: Estimate,
    columns: GroupedColumns,
    groups: Groups | None = None,
    base: str = BASE,
) -> Subject:
    """Return what is set: inputs, if all that is named are; else columns of the model.

    Parameters
    ----------
    names : sequence of str or int, length g
        Columns, or a single group.
    at : {"average", "means"} or dict from name to value
        The other columns: as they are, averaged over the rows; at their means; or some at these values.
    estimate : Estimate
    columns : GroupedColumns
        Of the model, and of the inputs, where they are known.
    groups : mapping from str to names of columns, or None
        Dummies of one factor.
    base : str
        The name of the level of such a factor that has no column.

    Raises
    ------
    ValueError
        If there is no such column, one is named twice, inputs are named beside columns of the model, or `at` is wrong.
    """
    if not isinstance(at, Mapping) and at not in {"average", "means"}:
        raise ValueError(f'at must be "average", "means" or a dict from columns to values, got {at!r}.')
    features, inputs = columns.features, columns.known_inputs
    named_groups = {} if groups is None else columns.named(groups)
    group = named_groups.get(str(names[0])) if len(names) == 1 else None
    factor = None if group is None else str(names[0])
    asked = names if group is None else group
    fixed = at if isinstance(at, Mapping) else {}
    check_finite(fixed.values(), "at")
    named = [*asked, *fixed]
    taken = _among_inputs(named, inputs)
    positions = _among_features(named, features, inputs) if taken is None else taken
    chosen, others = positions[: len(asked)], positions[len(asked) :]
    place = dict(zip(others, fixed.values(), strict=True)) if isinstance(at, Mapping) else at
    if inputs is None or taken is None:
        _check_once(positions, features)
        found = np.array(chosen, dtype=np.intp)
        return ModelColumns(estimate, found, tuple(features[j] for j in chosen), factor, base, place)
    _check_once(positions, inputs.names)
    return _Inputs(estimate, inputs, tuple(chosen), factor, base, place)


def listed_values(values: Any) -> list[Any]:  # noqa: ANN401
    """Return values as a list of what they are, one by one or row by row.

    Raises
    ------
    ValueError
        If they are one value.
    """
    is_frame = hasattr(values, "columns") and hasattr(values, "to_numpy")  # as a list it would be its names
    values = values.to_numpy() if is_frame else values
    values = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ValueError(f"values holds {values!r}, expected a list: pass [{values!r}].")
    return list(values)


def _among_inputs(names: Sequence[Name], inputs: Inputs | None) -> list[int] | None:
    """Return the positions of columns among the inputs, if all of them are."""
    if inputs is None:
        return None
    found = [position for name in names if (position := inputs.position(name)) is not None]
    return found if len(found) == len(names) else None


def _among_features(names: Sequence[Name], features: Sequence[str], inputs: Inputs | None) -> list[int]:
    """Return the positions of columns in the model; where inputs are known it has no others than those with names."""
    known = Names(tuple(features))
    found = {name: known.find(name) if inputs is None or isinstance(name, str) else None for name in names}
    made = [name for name in names if inputs is None or inputs.position(name) is None]
    for name in made:
        if found[name] is None:
            raise _no_column(name, features, inputs)
    for name in names:
        if found[name] is None and inputs is not None:
            taken = name if isinstance(name, str) else inputs.names[name]
            raise ValueError(
                f"{taken!r} is a column that the pipeline takes and {made[0]!r} one that it makes: set columns of one "
                "kind."
            )
    return [position for name in names if (position := found[name]) is not None]


def _no_column(name: Name, features: Sequence[str], inputs: Inputs | None) -> ValueError:
    if not isinstance(name, str):
        return ValueError(f"There is no column {name!r}: X has {len(features if inputs is None else inputs.names)}.")
    where = f"the features {list(features[:10])}"
    if inputs is not None:
        where = f"the columns {list(inputs.names[:10])} of X, nor among {where} of the model"
    return ValueError(f"There is no column {name!r} among {where}.")


def _check_once(positions: Sequence[int], names: Sequence[str]) -> None:
    for place, position in enumerate(positions):
        if position in positions[:place]:
            raise ValueError(f"{names[position]!r} is named twice; set each column once, in columns or in at.")


@final
@dataclass(frozen=True, eq=False)
class _InputStates(States):
    """Inputs set in each of several ways."""

    estimate: Estimate
    inputs: Inputs
    settings: tuple[Setting, ...]
    place: Setting | None

    def means(self, groups: Sequence[BoolArray] | None = None) -> Means:
        """Return the means: what the pipeline makes of each setting serves all groups."""
        chosen = [None] if groups is None else groups
        counterfactuals = [Counterfactual(self.estimate, self.inputs, self.place, group) for group in chosen]
        found = [[each.mean(setting) for each in counterfactuals] for setting in self.settings]
        probability = np.array([[mean for mean, _, _ in of_setting] for of_setting in found])
        gradients = np.array([[slopes for _, slopes, _ in of_setting] for of_setting in found])
        known = np.array([[is_known for _, _, is_known in of_setting] for of_setting in found], dtype=bool)
        return probability.swapaxes(0, 1), gradients.swapaxes(0, 1), known.T


@final
@dataclass(frozen=True, eq=False)
class _Inputs(Subject):
    """Inputs, to be set or moved; or the dummies of a factor among them."""

    estimate: Estimate
    inputs: Inputs
    positions: tuple[int, ...]
    factor: str | None
    base: str
    at: Literal["average", "means"] | Setting

    @property
    def number(self) -> FloatArray | None:
        """The values of a single input, unless it has levels."""
        if self.factor is not None or len(self.positions) > 1:
            return None
        values = self.inputs.observed(self.positions[0])
        has_levels = self._variable(self.positions[0]).kind in {"switch", "factor"}
        return None if has_levels or values.dtype != np.float64 else values

    def states(self, values: list[Any] | None) -> States:
        """Return the inputs set to values, or the dummies to levels."""
        if self.factor is not None:
            return self._of_dummies(self.factor, values)
        positions, variables = self.positions, [self._variable(position) for position in self.positions]
        terms = tuple(self.inputs.names[position] for position in positions)
        if values is None:
            shown, states = _default(self.inputs, terms, variables)
        else:
            states = _states(values, len(positions))
            shown = _array(states, len(positions))
        is_number = len(positions) == 1 and shown.dtype.kind == "f"
        observed = self.inputs.observed(positions[0]) if is_number else np.empty(0)
        if observed.dtype != np.float64:  # such as of a factor that is set to numbers, which the pipeline will refuse
            observed = np.empty(0)
        return self._set(
            terms,
            shown,
            [dict(zip(positions, state, strict=True)) for state in states],
            observed[~np.isnan(observed)],
        )

    def moved(self, by: float) -> States:
        """Return the input as it is, or at its place, and moved."""
        (position,) = self.positions
        place = self._place
        settings: list[Setting] = [{}, {position: Move(by)}]
        if place is not None:
            settings = [{position: place[position]}, {position: place[position] + by}]
        return replace(
            self._set((self.inputs.names[position],), np.array([0.0, by]), settings, np.empty(0)), is_moved=True
        )

    def _of_dummies(self, factor: str, values: list[Any] | None) -> States:
        if not are_dummies(self.inputs, self.positions):
            raise no_dummies(factor)
        settings = dict(dummy_settings(self.inputs, factor, self.positions, self.base))
        levels = chosen_levels(factor, values, list(settings))
        shown = np.array(levels, dtype=object)
        return self._set((factor,), shown, [settings[name] for name in levels], np.empty(0))

    def _set(
        self, terms: tuple[str, ...], shown: npt.NDArray[Any], settings: Sequence[Setting], observed: FloatArray
    ) -> States:
        return _InputStates(
            terms,
            shown,
            observed,
            is_moved=False,
            estimate=self.estimate,
            inputs=self.inputs,
            settings=tuple(settings),
            place=self._place,
        )

    @property
    def _place(self) -> Setting | None:
        if self.at == "average":
            return None
        return self.inputs.means() | dict(self.at if isinstance(self.at, Mapping) else {})

    def _variable(self, position: int) -> Variable:
        variable = self.inputs.variable(position)
        if variable is None:
            raise ValueError(
                f"No column of the model depends on {self.inputs.names[position]!r}, as far as its values in the data "
                "tell."
            )
        return variable


def _default(
    inputs: Inputs, terms: tuple[str, ...], variables: Sequence[Variable]
) -> tuple[npt.NDArray[Any], list[list[Any]]]:
    """Return what an input is set to if nobody says: as it is shown, and as it is."""
    if len(variables) > 1:
        raise ValueError(f"values is missing, the values of {list(terms)}: pass an array of shape (v, {len(terms)}).")
    variable = variables[0]
    if variable.kind == "factor":
        names = [level.name for level in variable.levels]
        return np.array(names, dtype=object), [[level.value] for level in variable.levels]
    observed = inputs.observed(variable.position)
    if observed.dtype != np.float64:
        raise ValueError(f"values is missing: {variable.name!r} has no levels, since {variable.reason}.")
    grid = grid_of(observed[~np.isnan(observed)])
    return grid, grid[:, np.newaxis].tolist()


def _states(values: list[Any], g: int) -> list[list[Any]]:
    """Return values as a list for each of the v, with a value for each of g inputs."""
    rows = values
    if g == 1:
        rows = [value if isinstance(value, list | tuple) else [value] for value in values]
    if not rows or not all(isinstance(row, list | tuple) and len(row) == g for row in rows):
        raise ValueError(
            f"values has shape {np.shape(np.array(values, dtype=object))}, expected (v, {g}): a column for each of "
            "those that are set."
        )
    check_finite((value for row in rows for value in row), "values")
    return [list(row) for row in rows]


def _array(states: list[list[Any]], g: int) -> npt.NDArray[Any]:
    """Return values for a reader: float64 if all are numbers, of whatever type."""
    rows = states if g > 1 else [row[0] for row in states]
    if all(isinstance(value, Real | np.bool_) for row in states for value in row):
        return np.array(rows, dtype=np.float64)
    shown = np.empty((len(states), g), dtype=object)
    for position, row in enumerate(states):
        shown[position] = row
    return shown if g > 1 else shown[:, 0]
