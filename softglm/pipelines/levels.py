"""The levels of a factor: what they are called, and which order they have, the base first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.inference.inputs import Level
from softglm.inference.missing import is_missing

# What has more levels is no factor.
MOST_LEVELS = 250
# Numbers that the name of a level lists.
_MOST_NAMED = 5


@final
@dataclass(frozen=True, eq=False)
class ValueGroups:
    """Which values of an input the steps of a pipeline tell apart.

    Attributes
    ----------
    values : array of shape (v,)
    groups : tuple of int arrays
        Positions of the values that they do not tell from one another.
    transformed : array of shape (groups, B, p)
        The columns of the model at one of each.
    """

    values: npt.NDArray[Any]
    groups: tuple[npt.NDArray[np.intp], ...]
    transformed: FloatArray


def levels_of(found: ValueGroups, columns: Sequence[int], categories: Sequence[Any] | None) -> tuple[Level, ...]:
    """Return the levels of a factor, the base first.

    Parameters
    ----------
    found : ValueGroups
        A level for each group.
    columns : sequence of int
        The columns of the model that depend on the factor alone, and whose order theirs is.
    categories : sequence or None
        In the order that decides where the columns do not; None for the order of numbers, or of names.

    Returns
    -------
    tuple of Level
    """
    order = _order(found.transformed[:, 0, list(columns)], _natural_order(found, categories))
    return tuple(_level(found.values, found.groups[level]) for level in order)


def _natural_order(found: ValueGroups, categories: Sequence[Any] | None) -> list[int]:
    """Return the order of levels that their values have: of categories, of numbers, or of names."""
    values = found.values
    if categories is not None:
        known = {category: rank for rank, category in enumerate(categories)}
        ranks = [float(known.get(value, len(known))) for value in values]
    elif values.dtype == np.float64:
        ranks = np.nan_to_num(values, nan=np.inf).tolist()
    else:
        names = sorted({str(value) for value in values if not is_missing(value)})
        ranks = [float("inf") if is_missing(value) else float(names.index(str(value))) for value in values]
    firsts = [min(ranks[value] for value in group) for group in found.groups]
    return sorted(range(len(found.groups)), key=firsts.__getitem__)


def _order(transformed: FloatArray, natural: list[int]) -> list[int]:
    """Return the order of levels that their columns have, shape (levels, g), or else their natural one.

    Dummies: the level that has none, then the others as their columns come. One column: by its value.
    """
    n_levels, g = transformed.shape
    if g == 0 or n_levels < 2:
        return natural
    if g == 1:
        return sorted(range(n_levels), key=lambda level: (transformed[level, 0], natural.index(level)))
    on = transformed > (transformed.max(axis=0) + transformed.min(axis=0)) / 2.0
    if (on.sum(axis=0) == 1).all() and (on.sum(axis=1) <= 1).all():
        column = np.where(on.any(axis=1), on.argmax(axis=1), -1)
        return sorted(range(n_levels), key=lambda level: (column[level], natural.index(level)))
    return natural


def _level(values: npt.NDArray[Any], group: npt.NDArray[np.intp]) -> Level:
    """Return a level by which of all values belong to it."""
    own = values[group]
    known = own[~np.array([is_missing(value) for value in own])]
    if not len(known):
        return Level("missing", own[0])
    if values.dtype != np.float64:
        return Level(", ".join(sorted(map(str, known))), min(known, key=str))
    names = [f"{value:.6g}" for value in known]
    if len(names) > 1 and group[len(known) - 1] - group[0] == len(known) - 1:
        names = [f"[{names[0]}, {names[-1]}]"]
    elif len(names) > _MOST_NAMED:
        names = [*names[:_MOST_NAMED], "..."]
    return Level(", ".join(names), float(known[len(known) // 2]))
