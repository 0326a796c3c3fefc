"""The inputs of a model, as its inference sees them: numbers, switches and factors with their levels."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from softglm.data.block import dense
from softglm.inference.inputs import Level, Variable
from softglm.inference.missing import is_missing
from softglm.pipelines.dependence import Dependence, dependences_of, distinct
from softglm.pipelines.levels import MOST_LEVELS, levels_of
from softglm.pipelines.moves import step_of
from softglm.pipelines.probe import Probe

# Of which there are as many as rows, or half of that, more than a few levels are no factor.
_FEW_LEVELS, _MOST_SHARE_OF_ROWS = 20, 0.5
_BOTH = "it acts smoothly and by steps at once"
_TOO_MANY = f"it has more than {MOST_LEVELS} levels"
_TEXT = "hardly any of its values is repeated"


def variables_of(probe: Probe) -> Iterator[Variable]:
    """Yield the inputs on which columns of the model depend.

    Parameters
    ----------
    probe : Probe

    Yields
    ------
    Variable
        In the order of the columns of the frame.

    Raises
    ------
    TransformError
        If the steps do not take an observed value in other rows than its own.
    """
    observed = {position: probe.frame.column(position)[probe.counted] for position in range(len(probe.frame.names))}
    dependences = dependences_of(probe, observed)
    n_inputs = np.sum([each.moves for each in dependences], axis=0, initial=0)
    for each in dependences:
        if each.moves.any():
            candidates = np.flatnonzero(each.moves & (n_inputs == 1))
            alone = candidates if each.smooth.any() else _made_of_one(probe, each.position, candidates)
            yield _variable(probe, each, observed[each.position], tuple(alone.tolist()))


def _made_of_one(probe: Probe, position: int, candidates: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return those columns of the model that are the same in all rows in which an input is the same.

    The few rows that are asked about may be blind to a product with another input, which is 0 in all of them.
    """
    values = probe.frame.column(position)
    places = {_key(value): place for place, value in enumerate(distinct(values.astype(object)))}
    codes = np.array([places[_key(value)] for value in values.tolist()], dtype=np.intp)
    rows = np.flatnonzero(probe.counted)
    rows = rows[np.argsort(codes[rows], kind="stable")]
    is_same = np.diff(codes[rows]) == 0
    change = probe.least_change
    varies = [
        bool((np.abs(np.diff(dense(probe.transformed[:, [column]])[rows, 0]))[is_same] > change[column]).any())
        for column in candidates
    ]
    return np.asarray(candidates[~np.array(varies, dtype=bool)])


def _key(value: Any) -> Any:
    """Return what stands for a value in a dict: all missing ones are one."""
    return None if is_missing(value) else value


def _variable(probe: Probe, found: Dependence, column: npt.NDArray[Any], alone: tuple[int, ...]) -> Variable:
    """Return the input, its levels included."""
    is_number = column.dtype == np.float64
    first = Variable(
        name=probe.frame.names[found.position],
        position=found.position,
        kind="number",
        columns=alone,
        acts_by_steps=bool((found.stepped | ~found.moves).all()) and not found.smooth.any(),
        slope=found.slope,
        mean=_mean(probe, found.position) if is_number else float("nan"),
        step=step_of(column, probe.precision) if is_number else float("nan"),
    )
    if is_number and len(found.values) == 2 and np.isin(found.values, (0.0, 1.0)).all():
        return replace(first, kind="switch", levels=(Level("0", 0.0), Level("1", 1.0)))
    if (found.smooth & found.moves).any():
        is_both = bool(found.stepped.any())
        return replace(first, kind="undetermined" if is_both else "number", reason=_BOTH if is_both else "")
    if not is_number and len(found.values) > max(_FEW_LEVELS, _MOST_SHARE_OF_ROWS * len(column)):
        return replace(first, kind="undetermined", reason=_TEXT)
    if found.groups is None:
        return replace(first, kind="undetermined", reason=_TOO_MANY)
    levels = levels_of(found.groups, alone, probe.frame.categories(found.position))
    return replace(first, kind="factor", levels=levels)


def _mean(probe: Probe, position: int) -> float:
    values = probe.frame.column(position)
    known = probe.counted & ~np.isnan(values)
    return float(np.average(values[known], weights=None if probe.weights is None else probe.weights[known]))
