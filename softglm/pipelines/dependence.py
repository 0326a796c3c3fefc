"""What the columns of a model depend on: found out by asking the fitted steps before it.

No step is known by its class. A few rows, spread over the data, are sent through the steps with one input set to
several of its values, and moved a little from each:

    no change of a column of the model            it does not depend on this input
    changes that vanish with the move             smoothly: the input is a number, and has derivatives
    changes between values, none with a move      by steps: the input is a factor, its levels what is told apart
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.inference.missing import is_missing
from softglm.pipelines.levels import MOST_LEVELS, ValueGroups
from softglm.pipelines.moves import SHARE, jumps_between, smooth_and_jumping, step_of
from softglm.pipelines.probe import BATCH, Job, Probe, TransformError

# Quantiles of a number, at which it is asked about.
_QUANTILES = 7


@final
@dataclass(frozen=True, eq=False)
class Dependence:
    """How the columns of the model depend on one input, as far as the steps were asked.

    Attributes
    ----------
    position : int
    values : array of shape (v,)
        Those observed that were tried.
    moves : bool array of shape (p,)
        Which columns of the model depend on it.
    smooth, stepped : bool array of shape (p,)
        Which do so smoothly, and by steps.
    slope : array of shape (p,) or None
        Of a straight line, the same in all rows.
    groups : ValueGroups or None
        All values, of what acts by steps only; None if too many are told apart.
    """

    position: int
    values: npt.NDArray[Any]
    moves: BoolArray
    smooth: BoolArray
    stepped: BoolArray
    slope: FloatArray | None = None
    groups: ValueGroups | None = None


def dependences_of(probe: Probe, observed: Mapping[int, npt.NDArray[Any]]) -> list[Dependence]:
    """Return how the columns of the model depend on each input.

    Parameters
    ----------
    probe : Probe
    observed : mapping from position to array of shape (counted rows,)
        The values of each input in rows of positive weight.

    Returns
    -------
    list of Dependence
        In the order of the positions.

    Raises
    ------
    TransformError
        If the steps do not take an observed value in other rows than its own.
    """
    found = sorted(_asked(probe, observed), key=lambda each: each.position)
    return list(_with_missing(probe, found, observed))


def _asked(probe: Probe, observed: Mapping[int, npt.NDArray[Any]]) -> Iterator[Dependence]:
    """Yield what the steps say of each input, but for whether one is missing."""
    jobs = [(position, _values(column)) for position, column in observed.items()]
    small = [(position, values[: MOST_LEVELS + 1]) for position, values in jobs]
    bent: list[Job] = []
    lines: list[Dependence] = []
    for (position, values), (_, few), answer in zip(jobs, small, probe.ask(small), strict=True):
        if answer is None:
            raise TransformError("The steps do not take an observed value in other rows.")
        moves = probe.varied(answer)
        slope = _slope(probe, values, answer)
        if observed[position].dtype != np.float64:
            groups = _grouped(probe, values, [answer]) if len(few) == len(values) else None
            yield Dependence(position, values, moves, np.zeros_like(moves), moves, groups=groups)
        elif slope is not None and len(values) > 2 and not np.isnan(observed[position]).any():
            lines.append(Dependence(position, values, moves, moves, np.zeros_like(moves), slope))
        else:
            bent.append((position, values))
    straight = _straight(probe, lines)
    yield from straight
    bent += [(each.position, each.values) for each in lines if each not in straight]
    yield from _moved(probe, bent, observed)


def _straight(probe: Probe, lines: Sequence[Dependence]) -> Sequence[Dependence]:
    """Return those of the inputs that are straight lines in all rows, from any value to any other: mostly all of them.

    All are moved at once, in each row to the values of some other row: what a few values in a few rows did not tell,
    a place where a line bends or a row in which it has another slope, is seen there.
    """
    slopes = {each.position: each.slope for each in lines if each.slope is not None}
    if not lines or probe.confirms(slopes):
        return lines
    return [each for each in lines if probe.confirms({each.position: slopes[each.position]})]


def _grouped(probe: Probe, values: npt.NDArray[Any], answers: Iterable[FloatArray]) -> ValueGroups | None:
    """Return which of the values, in the order of the answers, are told apart; None if too many are."""
    found: dict[bytes, list[int]] = {}
    first: list[FloatArray] = []
    position = 0
    for answer in answers:
        for rows, rounded in zip(answer, np.round(answer / probe.least_bend), strict=True):
            key = (rounded + 0.0).tobytes()  # not -0.0
            if key not in found:
                first.append(rows.copy())
            found.setdefault(key, []).append(position)
            position += 1
        if len(found) > MOST_LEVELS:
            return None
    return ValueGroups(values, tuple(np.array(group) for group in found.values()), np.stack(first))


def _by_steps(
    probe: Probe, position: int, values: npt.NDArray[Any], column: FloatArray, moves: BoolArray
) -> Dependence:
    """Return what the steps say of a number that acts by steps, of all of its values, the missing one too."""
    every = np.unique(column)  # a single NaN at the end, if any
    size = max(BATCH // (2 * len(probe.scale)), 1)
    n_base = max(BATCH // (len(every) * len(probe.scale)), 2)
    few = replace(probe, base=probe.base[:n_base])
    jobs = [(position, every[start : start + size]) for start in range(0, len(every), size)]
    groups = _grouped(probe, every, (answer for answer in few.ask(jobs) if answer is not None))
    moves = moves if groups is None else moves | probe.varied(groups.transformed)
    return Dependence(position, values, moves, np.zeros_like(moves), moves, groups=groups)


def _with_missing(
    probe: Probe, dependences: Sequence[Dependence], observed: Mapping[int, npt.NDArray[Any]]
) -> Iterator[Dependence]:
    """Add the columns of the model that tell only whether a number is missing."""
    has_missing = [each for each in dependences if each.smooth.any() and np.isnan(observed[each.position]).any()]
    jobs = [(each.position, np.append(each.values[:1], np.nan)) for each in has_missing]
    tell = dict(zip((position for position, _ in jobs), probe.ask(jobs), strict=True))
    for each in dependences:
        answer = tell.get(each.position)
        yield each if answer is None else replace(each, moves=each.moves | probe.varied(answer))


def _values(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a few of the numbers of a column, least and largest included, or all of its other values."""
    if column.dtype == np.float64:
        known = np.unique(column[~np.isnan(column)])
        if not len(known):
            return column[:1]
        if len(known) <= 2 * _QUANTILES:
            return known
        levels = np.linspace(0.0, 1.0, _QUANTILES)
        return np.unique(np.quantile(column[~np.isnan(column)], levels, method="inverted_cdf"))
    return distinct(column)


def distinct(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the different objects of a column, the missing ones as one, in the order in which they come."""
    try:
        found = list(dict.fromkeys(value for value in column if not is_missing(value)))
    except TypeError as error:  # such as of lists, which have no hash
        raise TransformError(str(error)) from error
    distinct = [*found, *[value for value in column if is_missing(value)][:1]]
    values = np.empty(len(distinct), dtype=object)
    values[:] = distinct
    return values


def _slope(probe: Probe, values: npt.NDArray[Any], answer: FloatArray) -> FloatArray | None:
    """Return what a unit of a number adds to the columns, shape (p,), if it is the same everywhere."""
    if values.dtype != np.float64 or len(values) < 2 or not np.isfinite(answer).all():
        return None
    length = values[-1] - values[0]
    slope = (answer[-1] - answer[0]).mean(axis=0) / length
    line = answer[:1, :, :] + (values - values[0])[:, np.newaxis, np.newaxis] * slope
    if (np.abs(answer - line) > probe.least_bend).any():
        return None
    slope[np.abs(slope) * length <= probe.least_change] = 0.0
    return np.asarray(slope)


def _moved(probe: Probe, jobs: Sequence[Job], observed: Mapping[int, npt.NDArray[Any]]) -> Iterator[Dependence]:
    """Tell how numbers act, by moving them a little from their values, and from between these."""
    places = [np.sort(np.concatenate([values, (values[1:] + values[:-1]) / 2.0])) for _, values in jobs]
    steps = [step_of(observed[position], probe.precision) for position, _ in jobs]
    moves = np.array([0.0, 1.0, -1.0, SHARE, -SHARE])
    for (position, values), place, step, known in zip(jobs, places, steps, probe.ask(jobs), strict=True):
        assert known is not None  # noqa: S101 - it was taken before
        moved = np.clip(place + step * moves[:, np.newaxis], place[0], place[-1])
        # In a batch of its own: whole numbers that become floats might mean something else to others.
        (answer,) = probe.ask([(position, np.ravel(moved))])
        changed = probe.varied(known)
        shape = len(moves), len(place), len(probe.base), len(probe.scale)
        by_move = None if answer is None else answer.reshape(shape)
        if by_move is None or probe.differs(by_move[0, np.isin(place, values)], known):
            # What is between the values is not taken, or whole numbers that are floats are not: they are codes.
            yield _by_steps(probe, position, values, observed[position], changed)
            continue
        smooth, jumps = smooth_and_jumping(probe, by_move)
        changed |= probe.varied(by_move[0]) | smooth | jumps
        if smooth.any() and not jumps.any():
            jumps = jumps | jumps_between(probe, position, np.flatnonzero(changed), place[0], place[-1])
        if smooth.any():
            yield Dependence(position, values, changed, smooth, jumps)
        else:
            yield _by_steps(probe, position, values, observed[position], changed)
