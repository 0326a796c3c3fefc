"""What the columns of a model depend on: found out by asking the fitted steps before it.

No step is known by its class. A few rows, spread over the data, are sent through the steps with one input set to
several of its values, and moved a little from each:

    no change of a column of the model            it does not depend on this input
    changes that vanish with the move             smoothly: the input is a number, and has derivatives
    changes between values, none with a move      by steps: the input is a factor, its levels what is told apart
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray, Matrix
from softglm.frames import Frame, is_missing
from softglm.inference.inputs import Level, Variable

# An input, and values to set it to.
Job: TypeAlias = tuple[int, npt.NDArray[Any]]

# Rows that are sent through the steps: spread over the data, and added where columns of the model would not move.
_SPREAD, _ADDED, _SEARCHED = 6, 10, 2000
# Quantiles of a number, and entries of a batch.
_QUANTILES, _BATCH = 7, 2**21
# More levels are no factor; nor are more than a few of which there are as many as rows, or half of that.
_MOST_LEVELS, _FEW_LEVELS, _MOST_SHARE_OF_ROWS = 250, 20, 0.5
# Relative to the values of a column of the model, what is a change, and what is no straight line, in both precisions.
_CHANGE, _BENT = {4: 1e-5, 8: 1e-11}, {4: 1e-4, 8: 1e-9}
# A move, and a share of it: of a smooth column the change falls with it, to a share between these two.
_SHARE, _LEAST_SHARE, _MOST_SHARE = 1 / 16, 1 / 50, 1 / 2
# A jump is looked for at so many places at a time, so many times, and is no smaller share of what a column spans.
_PLACES, _LOOKS, _NO_JUMP = 33, 6, 0.01
# The step is this power of the precision, in units of the spread: differences lose as much, and their error, of third
# order, is negligible even where a column bends on a far smaller scale, as logarithms of incomes do near 0.
_POWER = 0.4
# The interquartile range of a normal distribution.
_QUARTILES = 1.349
_BOTH = "it acts smoothly and by steps at once"
_TOO_MANY = f"it has more than {_MOST_LEVELS} levels"
# Numbers that the name of a level lists.
_MOST_NAMED = 5
_TEXT = "hardly any of its values is repeated"


class UntakenError(Exception):
    """Steps raised: they do not take such rows."""


@final
@dataclass(frozen=True, eq=False)
class Probe:
    """A few rows to ask the steps about.

    Attributes
    ----------
    frame : Frame
        All rows.
    base : array of shape (B,)
        Which of them are sent through the steps, changed.
    transform : callable
    counted : bool array of shape (n,)
        Rows of positive weight.
    weights : array of shape (n,) or None
    scale : array of shape (p,)
        The largest absolute value of each column of the model.
    precision : {4, 8}
        Bytes of the numbers that reach the model.
    is_telling : bool
        Whether every column of the model that varies does so among these rows: then none escapes notice.
    """

    frame: Frame
    base: npt.NDArray[np.intp]
    transform: Callable[[Frame], Matrix]
    counted: BoolArray
    weights: FloatArray | None
    scale: FloatArray
    precision: int
    is_telling: bool

    @classmethod
    def of(
        cls, frame: Frame, transform: Callable[[Frame], Matrix], made: Matrix, weights: FloatArray | None
    ) -> "Probe | None":
        """Choose the rows; None if the steps make of them, alone, something else than of all."""
        counted = np.ones(len(frame), dtype=bool) if weights is None else weights > 0.0
        sample = _spread(np.flatnonzero(counted), _SEARCHED)
        rows = _dense(made[sample])
        precision = made.dtype.itemsize if made.dtype == np.float32 else 8
        scale = np.maximum(np.abs(rows).max(axis=0, initial=0.0), np.finfo(np.float32).tiny)
        chosen = _telling(rows, _CHANGE[precision] * scale)
        base = sample[chosen]
        alone = _dense(transform(frame.take(base)))
        if alone.shape != rows[chosen].shape or (np.abs(alone - rows[chosen]) > _BENT[precision] * scale).any():
            return None
        change = _CHANGE[precision] * scale
        is_telling = bool((np.ptp(rows[chosen], axis=0) > change)[np.ptp(rows, axis=0) > change].all())
        return cls(frame, base, transform, counted, weights, scale, precision, is_telling)

    def ask(self, jobs: Sequence[Job]) -> Iterator[FloatArray | None]:
        """Yield for each job the columns of the model, shape (values, B, p); None where the steps raise.

        Many jobs share a batch; one that fails is done again, job by job.
        """
        for batch in self._batches(jobs):
            try:
                yield from self._answers(batch)
            except UntakenError:
                for job in batch:
                    try:
                        (answer,) = self._answers([job])
                    except UntakenError:
                        yield None
                    else:
                        yield answer

    def _batches(self, jobs: Sequence[Job]) -> Iterator[list[Job]]:
        most = max(_BATCH // (len(self.base) * max(len(self.scale), len(self.frame.names))), 1)
        batch: list[Job] = []
        for job in jobs:
            if batch and sum(len(values) for _, values in batch) + len(job[1]) > most:
                yield batch
                batch = []
            batch.append(job)
        if batch:
            yield batch

    def _answers(self, batch: Sequence[Job]) -> list[FloatArray]:
        n_base, n_values = len(self.base), sum(len(values) for _, values in batch)
        frame = self.frame.take(np.tile(self.base, n_values))
        columns: dict[int, npt.NDArray[Any]] = {}
        bounds, first = [], 0
        for position, values in batch:
            column = columns.setdefault(position, frame.column(position).copy())
            last = first + n_base * len(values)
            column[first:last] = np.repeat(values, n_base)
            bounds.append((first, last))
            first = last
        made = _dense(self.transform(frame.replaced(columns)))
        return [made[first:last].reshape(-1, n_base, made.shape[1]) for first, last in bounds]

    def differs(self, answer: FloatArray, other: FloatArray) -> bool:
        """Tell whether answers to the same question differ."""
        return bool((np.abs(answer - other) > _BENT[self.precision] * self.scale).any())

    def varied(self, answer: FloatArray) -> BoolArray:
        """Tell which columns of the model differ between values by more than rounding, in any of the rows, (p,)."""
        with np.errstate(invalid="ignore"):
            changes = np.abs(answer - answer[:1]) > _CHANGE[self.precision] * self.scale
        return np.asarray(changes.any(axis=(0, 1)))


def _dense(made: Matrix) -> FloatArray:
    return np.asarray(made.toarray() if hasattr(made, "toarray") else made, dtype=np.float64)


def _spread(rows: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.intp]:
    """Return about so many of the rows, evenly spread."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, most).astype(np.intp))]


def _telling(rows: FloatArray, change: FloatArray) -> npt.NDArray[np.intp]:
    """Choose a few rows among which every column varies, as far as possible."""
    chosen = _spread(np.arange(len(rows)), _SPREAD)
    for _ in range(_ADDED):
        still = (np.abs(rows[chosen] - rows[chosen[0]]) <= change).all(axis=0)
        varied = (np.abs(rows[:, still] - rows[chosen[0], still]) > change[still]).sum(axis=1)
        if not varied.any():
            break
        chosen = np.append(chosen, varied.argmax())
    return chosen


@final
@dataclass(frozen=True, eq=False)
class _Told:
    """Which values of an input the steps tell apart.

    Attributes
    ----------
    values : array of shape (v,)
    groups : tuple of int arrays
        Positions of the values that they do not tell from one another.
    answer : array of shape (groups, B, p)
        The columns of the model at one of each.
    """

    values: npt.NDArray[Any]
    groups: tuple[npt.NDArray[np.intp], ...]
    answer: FloatArray


@final
@dataclass(frozen=True, eq=False)
class _Seen:
    """What the steps said of one input.

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
    told : _Told or None
        All values, of what acts by steps only; None if too many are told apart.
    """

    position: int
    values: npt.NDArray[Any]
    moves: BoolArray
    smooth: BoolArray
    stepped: BoolArray
    slope: FloatArray | None = None
    told: _Told | None = None


def variables_of(probe: Probe) -> Iterator[Variable]:
    """Yield the inputs on which columns of the model depend."""
    observed = {position: probe.frame.column(position)[probe.counted] for position in range(len(probe.frame.names))}
    found = sorted(_seen(probe, observed), key=lambda each: each.position)
    seen = list(_with_missing(probe, found, observed))
    n_inputs = np.sum([each.moves for each in seen], axis=0, initial=0)
    for each in seen:
        if each.moves.any():
            alone = tuple(np.flatnonzero(each.moves & (n_inputs == 1)).tolist())
            yield _variable(probe, each, observed[each.position], alone)


def _seen(probe: Probe, observed: Mapping[int, npt.NDArray[Any]]) -> Iterator[_Seen]:
    jobs = [(position, _values(column)) for position, column in observed.items()]
    small = [(position, values[: _MOST_LEVELS + 1]) for position, values in jobs]
    bent: list[Job] = []
    for (position, values), (_, few), answer in zip(jobs, small, probe.ask(small), strict=True):
        if answer is None:
            raise UntakenError("The steps do not take an observed value in other rows.")
        moves = probe.varied(answer)
        slope = _slope(probe, values, answer)
        if observed[position].dtype != np.float64:
            told = _told(probe, values, [answer]) if len(few) == len(values) else None
            yield _Seen(position, values, moves, np.zeros_like(moves), moves, told=told)
        elif slope is not None and len(values) > 2:
            yield _Seen(position, values, moves, moves, np.zeros_like(moves), slope)
        else:
            bent.append((position, values))
    yield from _moved(probe, bent, observed)


def _told(probe: Probe, values: npt.NDArray[Any], answers: Iterable[FloatArray]) -> _Told | None:
    """Return which of the values, in the order of the answers, are told apart; None if too many are."""
    found: dict[bytes, list[int]] = {}
    first: list[FloatArray] = []
    position = 0
    for answer in answers:
        for rows, rounded in zip(answer, np.round(answer / (_BENT[probe.precision] * probe.scale)), strict=True):
            key = (rounded + 0.0).tobytes()  # not -0.0
            if key not in found:
                first.append(rows.copy())
            found.setdefault(key, []).append(position)
            position += 1
        if len(found) > _MOST_LEVELS:
            return None
    return _Told(values, tuple(np.array(group) for group in found.values()), np.stack(first))


def _by_steps(probe: Probe, position: int, values: npt.NDArray[Any], column: FloatArray, moves: BoolArray) -> _Seen:
    """Return what the steps say of a number that acts by steps, of all of its values, the missing one too."""
    every = np.unique(column)  # a single NaN at the end, if any
    size = max(_BATCH // (2 * len(probe.scale)), 1)
    n_base = max(_BATCH // (len(every) * len(probe.scale)), 2)
    few = replace(probe, base=probe.base[:n_base])
    jobs = [(position, every[start : start + size]) for start in range(0, len(every), size)]
    told = _told(probe, every, (answer for answer in few.ask(jobs) if answer is not None))
    moves = moves if told is None else moves | probe.varied(told.answer)
    return _Seen(position, values, moves, np.zeros_like(moves), moves, told=told)


def _with_missing(probe: Probe, seen: Sequence[_Seen], observed: Mapping[int, npt.NDArray[Any]]) -> Iterator[_Seen]:
    """Add the columns of the model that tell only whether a number is missing."""
    has_missing = [each for each in seen if each.smooth.any() and np.isnan(observed[each.position]).any()]
    jobs = [(each.position, np.append(each.values[:1], np.nan)) for each in has_missing]
    tell = dict(zip((position for position, _ in jobs), probe.ask(jobs), strict=True))
    for each in seen:
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
    return _distinct(column)


def _distinct(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the different objects of a column, the missing ones as one, in the order in which they come."""
    try:
        found = list(dict.fromkeys(value for value in column if not is_missing(value)))
    except TypeError as error:  # such as of lists, which have no hash
        raise UntakenError(str(error)) from error
    distinct = [*found, *[value for value in column if is_missing(value)][:1]]
    values = np.empty(len(distinct), dtype=object)
    values[:] = distinct
    return values


def _slope(probe: Probe, values: npt.NDArray[Any], answer: FloatArray) -> FloatArray | None:
    """Return what a unit of a number adds to the columns, shape (p,), if it is the same everywhere."""
    if values.dtype != np.float64 or len(values) < 2 or not np.isfinite(answer).all() or not probe.is_telling:
        return None
    length = values[-1] - values[0]
    slope = (answer[-1] - answer[0]).mean(axis=0) / length
    line = answer[:1, :, :] + (values - values[0])[:, np.newaxis, np.newaxis] * slope
    if (np.abs(answer - line) > _BENT[probe.precision] * probe.scale).any():
        return None
    slope[np.abs(slope) * length <= _CHANGE[probe.precision] * probe.scale] = 0.0
    return np.asarray(slope)


def _moved(probe: Probe, jobs: Sequence[Job], observed: Mapping[int, npt.NDArray[Any]]) -> Iterator[_Seen]:
    """Tell how numbers act, by moving them a little from their values, and from between these."""
    places = [np.sort(np.concatenate([values, (values[1:] + values[:-1]) / 2.0])) for _, values in jobs]
    steps = [_step(observed[position], probe.precision) for position, _ in jobs]
    moves = np.array([0.0, 1.0, -1.0, _SHARE, -_SHARE])
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
        slope = _slope(probe, place, by_move[0])
        if slope is not None:
            yield _Seen(position, values, slope != 0.0, slope != 0.0, np.zeros_like(changed), slope)
            continue
        smooth, jumps = _kinds(probe, by_move)
        if smooth.any() and not jumps.any():
            jumps = jumps | _jumps_between(probe, position, place[0], place[-1])
        changed |= probe.varied(by_move[0]) | smooth | jumps
        if smooth.any():
            yield _Seen(position, values, changed, smooth, jumps | (changed & ~smooth))
        else:
            yield _by_steps(probe, position, values, observed[position], changed)


def _kinds(probe: Probe, answer: FloatArray) -> tuple[BoolArray, BoolArray]:
    """Tell which columns change smoothly, and which jump, with moves of (0, 1, -1, share, -share) steps."""
    here, *moved = answer
    unit = _CHANGE[probe.precision] * probe.scale
    smooth = np.zeros(answer.shape[-1], dtype=bool)
    jumps = smooth.copy()
    with np.errstate(invalid="ignore", divide="ignore"):
        for whole, part in zip(moved[:2], moved[2:], strict=True):
            change = np.abs(whole - here)
            share = np.abs(part - here) / change
            # A column that jumps between the two moves does not change with the smaller one.
            is_smooth = (share < _MOST_SHARE) & (share > _LEAST_SHARE) & (change > unit * np.sqrt(_SHARE))
            is_jump = ((share >= _MOST_SHARE) | (share <= _LEAST_SHARE)) & (change > unit / _LEAST_SHARE)
            smooth |= is_smooth.any(axis=(0, 1))
            jumps |= is_jump.any(axis=(0, 1))
    return smooth, jumps


def _jumps_between(probe: Probe, position: int, low: float, high: float) -> BoolArray:
    """Tell which columns jump between two values of a number: where one changes most, it is looked at ever closer."""
    jumps = np.zeros(len(probe.scale), dtype=bool)
    span: FloatArray | None = None
    for _ in range(_LOOKS):
        places = np.linspace(low, high, _PLACES)
        (answer,) = probe.ask([(position, places)])
        if answer is None or not np.isfinite(answer).all():
            return jumps
        if span is None:
            span = np.maximum(np.ptp(answer, axis=(0, 1)), _CHANGE[probe.precision] * probe.scale)
        changes = np.abs(np.diff(answer, axis=0)).max(axis=1) / span
        steepest = int(changes.max(axis=1).argmax())
        low, high = places[steepest], places[steepest + 1]
        if changes[steepest].max() < _NO_JUMP:
            return jumps
    return np.asarray(changes[steepest] >= _NO_JUMP)


def _step(column: FloatArray, precision: int) -> float:
    """Return the shift of a number whose differences are derivatives: a power of two, which is added exactly."""
    known = column[~np.isnan(column)]
    if not len(known):
        return 1.0
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    spread = float(known.std())
    if high > low:
        spread = min(spread, float(high - low) / _QUARTILES)
    spread = spread or abs(float(middle)) or 1.0
    eps = float(np.finfo(np.float32 if precision == 4 else np.float64).eps)
    step = eps**_POWER * spread * (1.0 + abs(float(middle)) / spread) ** (1.0 - _POWER)
    return float(2.0 ** np.round(np.log2(step)))


def _variable(probe: Probe, seen: _Seen, column: npt.NDArray[Any], alone: tuple[int, ...]) -> Variable:
    """Return the input, its levels included."""
    is_number = column.dtype == np.float64
    first = Variable(
        name=probe.frame.names[seen.position],
        position=seen.position,
        kind="number",
        columns=alone,
        acts_by_steps=bool((seen.stepped | ~seen.moves).all()) and not seen.smooth.any(),
        slope=seen.slope,
        mean=_mean(probe, seen.position) if is_number else float("nan"),
        step=_step(column, probe.precision) if is_number else float("nan"),
    )
    if is_number and len(seen.values) == 2 and np.isin(seen.values, (0.0, 1.0)).all():
        zero, one = (column[column == value] for value in (0.0, 1.0))
        return replace(first, kind="switch", levels=(Level("0", 0.0, zero[:1]), Level("1", 1.0, one[:1])))
    if (seen.smooth & seen.moves).any():
        is_both = bool(seen.stepped.any())
        return replace(first, kind="undetermined" if is_both else "number", reason=_BOTH if is_both else "")
    if not is_number and len(seen.values) > max(_FEW_LEVELS, _MOST_SHARE_OF_ROWS * len(column)):
        return replace(first, kind="undetermined", reason=_TEXT)
    if seen.told is None:
        return replace(first, kind="undetermined", reason=_TOO_MANY)
    order = _level_order(probe, seen.position, seen.told, alone)
    levels = tuple(_level(seen.told.values, seen.told.groups[level]) for level in order)
    if not probe.is_telling or len(alone) < seen.moves.sum():
        return replace(first, kind="factor", levels=levels)
    answer = seen.told.answer[order, 0]
    return replace(first, kind="factor", levels=levels, shifts=answer - answer[0])


def _mean(probe: Probe, position: int) -> float:
    values = probe.frame.column(position)
    known = probe.counted & ~np.isnan(values)
    return float(np.average(values[known], weights=None if probe.weights is None else probe.weights[known]))


def _level_order(probe: Probe, position: int, told: _Told, alone: tuple[int, ...]) -> list[int]:
    """Return the order of the levels of a factor, the base first."""
    natural = _natural(probe, position, told.values, told.groups)
    return _order(told.answer[:, 0, list(alone)], natural)


def _natural(
    probe: Probe, position: int, values: npt.NDArray[Any], groups: Sequence[npt.NDArray[np.intp]]
) -> list[int]:
    """Return the order of levels that their values have: of categories, of numbers, or of names."""
    categories = _categories(probe.frame, position)
    if categories is not None:
        ranks = [float(categories.get(value, len(categories))) for value in values]
    elif values.dtype == np.float64:
        ranks = np.nan_to_num(values, nan=np.inf).tolist()
    else:
        names = sorted({str(value) for value in values if not is_missing(value)})
        ranks = [float("inf") if is_missing(value) else float(names.index(str(value))) for value in values]
    firsts = [min(ranks[value] for value in group) for group in groups]
    return sorted(range(len(groups)), key=firsts.__getitem__)


def _categories(frame: Frame, position: int) -> dict[Any, int] | None:
    """Return the ranks of the categories of a column that has some."""
    data = frame.data
    dtype = data.dtypes.iloc[position] if hasattr(data, "iloc") else getattr(data, "dtypes", [None] * (position + 1))
    dtype = dtype[position] if isinstance(dtype, list) else dtype
    categories: Iterable[Any] | None = getattr(dtype, "categories", None)
    if categories is None or not len(categories := list(categories)):
        return None
    return {value: rank for rank, value in enumerate(categories)}


def _order(answer: FloatArray, natural: list[int]) -> list[int]:
    """Return the order of levels that their columns have, shape (levels, g), or else their natural one.

    Dummies: the level that has none, then the others as their columns come. One column: by its value.
    """
    n_levels, g = answer.shape
    if g == 0 or n_levels < 2:
        return natural
    if g == 1:
        return sorted(range(n_levels), key=lambda level: (answer[level, 0], natural.index(level)))
    on = answer > (answer.max(axis=0) + answer.min(axis=0)) / 2.0
    if (on.sum(axis=0) == 1).all() and (on.sum(axis=1) <= 1).all():
        column = np.where(on.any(axis=1), on.argmax(axis=1), -1)
        return sorted(range(n_levels), key=lambda level: (column[level], natural.index(level)))
    return natural


def _level(values: npt.NDArray[Any], group: npt.NDArray[np.intp]) -> Level:
    """Return a level by which of all values belong to it."""
    own = values[group]
    known = own[~np.array([is_missing(value) for value in own])]
    if not len(known):
        return Level("missing", own[0], own)
    if values.dtype != np.float64:
        return Level(", ".join(sorted(map(str, known))), min(known, key=str), own)
    names = [f"{value:.6g}" for value in known]
    if len(names) > 1 and group[len(known) - 1] - group[0] == len(known) - 1:
        names = [f"[{names[0]}, {names[-1]}]"]
    elif len(names) > _MOST_NAMED:
        names = [*names[:_MOST_NAMED], "..."]
    return Level(", ".join(names), float(known[len(known) // 2]), own)
