"""Factors as their dummies: columns of zeros and ones of which at most one is on in any row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Block, Rows
from softglm.inference.inputs import Inputs, Setting
from softglm.sums import Sum

Columns: TypeAlias = npt.NDArray[np.intp]
# A level and the one that it is compared with.
Levels: TypeAlias = tuple[str, str]
# What the level of a factor is called that has no column.
BASE = "(base)"
# What a transformer of columns writes between its name and theirs.
_SEPARATOR = "__"


def level_of(feature: str, factor: str) -> str:
    """Return the level that a dummy column stands for.

    Parameters
    ----------
    feature : str
        The column, such as ``"ses_low"`` or ``"encoder__ses_low"``: what a transformer wrote before is left out.
    factor : str
        The name of its factor, such as ``"ses"``.

    Returns
    -------
    str
        What comes after the name of the factor; the whole name of a column that does not begin with it.
    """
    start, rest = f"{factor}_", feature
    while not rest.startswith(start) and _SEPARATOR in rest:
        rest = rest.partition(_SEPARATOR)[2]
    return rest.removeprefix(start) or feature if rest.startswith(start) else feature


@final
@dataclass(frozen=True)
class Switch:
    """Columns of zeros and ones of which at most one is on; each is compared with the base.

    Attributes
    ----------
    columns : array of shape (g,)
    base : int or None
        The position of the column that is on in the base; None where all are off.
    name : str or None
        That of the factor; None of a column by itself.
    """

    columns: Columns
    base: int | None
    name: str | None

    @property
    def states(self) -> FloatArray:
        """What the columns are in the base, and then with each of them on, shape (1 + g, g)."""
        on = np.identity(len(self.columns))
        off = np.zeros_like(on[:1]) if self.base is None else on[self.base : self.base + 1]
        return np.concatenate([off, on])

    def levels(self, features: Sequence[str]) -> list[Levels]:
        """Return the level of each column, and the base."""
        if self.name is None:
            return [("1", "0")]
        names = [level_of(features[column], self.name) for column in self.columns]
        return [(name, BASE if self.base is None else names[self.base]) for name in names]


def are_dummies(inputs: Inputs, positions: Sequence[int]) -> bool:
    """Tell whether inputs are switches, of which no two are on in any row."""
    variables = [inputs.variable(position) for position in positions]
    if not all(variable is not None and variable.kind == "switch" for variable in variables):
        return False
    n_on = np.sum([inputs.observed(position) for position in positions], axis=0)
    return bool((n_on <= 1.0).all())


def dummy_settings(inputs: Inputs, name: str, positions: Sequence[int], base: str = BASE) -> list[tuple[str, Setting]]:
    """Return the levels of a factor of switches, the base first, and what they are then."""
    n_on = np.sum([inputs.observed(position) for position in positions], axis=0)
    settings: list[tuple[str, Setting]] = [] if n_on.min() > 0.0 else [(base, dict.fromkeys(positions, 0.0))]
    for on in positions:
        setting = {position: float(position == on) for position in positions}
        settings.append((level_of(inputs.names[on], name), setting))
    return settings


@final
@dataclass(frozen=True)
class Extremes(Sum):
    """The extremes of the columns, and of how many of each group are on, over the rows of any weight: a maximum.

    Attributes
    ----------
    groups : tuple of arrays of columns
    """

    groups: tuple[Columns, ...]

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        """Return the largest x, -x, and whether x is neither 0 nor 1, (p,); the most, and minus the least, on, (g,)."""
        X = block.counted
        is_number = (X != 0.0) & (X != 1.0)
        n_on = [X[:, group].sum(axis=1) for group in self.groups]
        return (
            X.max(axis=0, initial=-np.inf),
            (-X).max(axis=0, initial=-np.inf),
            is_number.max(axis=0, initial=False).astype(np.float64),
            np.array([on.max(initial=0.0) for on in n_on]),
            np.array([-on.min(initial=1.0) for on in n_on]),
        )


def survey(rows: Rows, factors: Mapping[str, Columns]) -> tuple[BoolArray, list[Switch]]:
    """Tell which columns vary over the rows of any weight, shape (p,), and which are switched, together or alone."""
    most, minus_least, is_number, most_on, minus_least_on = rows.max(Extremes(tuple(factors.values())))
    varies = most > -minus_least
    is_dummy = varies & (is_number == 0.0)
    alone, switches = is_dummy.copy(), []
    for (name, group), at_most, minus_at_least in zip(factors.items(), most_on, minus_least_on, strict=True):
        # A level that does not occur is no alternative.
        columns = group[varies[group]]
        if is_dummy[columns].all() and at_most <= 1.0 and len(columns) > 0:
            switches.append(Switch(columns, 0 if minus_at_least < 0.0 else None, name))
            alone[columns] = False
    return varies, switches + [Switch(np.array([column]), None, None) for column in np.flatnonzero(alone)]
