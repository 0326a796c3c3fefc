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
from softglm.data.block import dense
from softglm.frames import Frame, is_missing
from softglm.inference.inputs import Level, Variable
from softglm.levels import ValueGroups, levels_of

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
_SHARE, _LEAST_SHARE, _MOST_SHARE = 1 / 16, 1e-4, 1 / 2
# A jump is a change of so many times what is a change.
_CLEAR = 50.0
# A jump is looked for at so many places at a time, so many times, and is no smaller share of what a column spans.
_PLACES, _LOOKS, _NO_JUMP = 33, 6, 0.01
# The step is this power of the precision, in units of the spread: differences lose as much, and their error, of third
# order, is negligible even where a column bends on a far smaller scale, as logarithms of incomes do near 0.
_POWER = 0.4
# The interquartile range of a normal distribution.
_QUARTILES = 1.349
_BOTH = "it acts smoothly and by steps at once"
_TOO_MANY = f"it has more than {_MOST_LEVELS} levels"
_TEXT = "hardly any of its values is repeated"


class TransformError(Exception):
    """The steps raised an error: they do not take such rows."""


@final
@dataclass(frozen=True, eq=False)
class Probe:
    """A few rows to ask the steps about.

    Attributes
    ----------
    frame : Frame
        All rows.
    transformed : array or CSR matrix of shape (n, p)
        What the steps make of them.
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
    """

    frame: Frame
    transformed: Matrix
    base: npt.NDArray[np.intp]
    transform: Callable[[Frame], Matrix]
    counted: BoolArray
    weights: FloatArray | None
    scale: FloatArray
    precision: int

    @classmethod
    def of(
        cls, frame: Frame, transform: Callable[[Frame], Matrix], transformed: Matrix, weights: FloatArray | None
    ) -> "Probe | None":
        """Choose the rows.

        Parameters
        ----------
        frame : Frame
        transform : callable
            The steps before the model.
        transformed : array or CSR matrix of shape (n, p)
            What they make of the frame.
        weights : array of shape (n,) or None

        Returns
        -------
        Probe or None
            None if the steps make of these rows, alone, something else than of all.

        Raises
        ------
        TransformError
            If they do not take them alone.
        """
        counted = np.ones(len(frame), dtype=bool) if weights is None else weights > 0.0
        sample = _spread(np.flatnonzero(counted), _SEARCHED)
        rows = dense(transformed[sample])
        precision = transformed.dtype.itemsize if transformed.dtype == np.float32 else 8
        scale = np.maximum(np.abs(rows).max(axis=0, initial=0.0), np.finfo(np.float32).tiny)
        chosen = _telling(rows, _CHANGE[precision] * scale)
        base = sample[chosen]
        alone = dense(transform(frame.take(base)))
        if alone.shape != rows[chosen].shape or (np.abs(alone - rows[chosen]) > _BENT[precision] * scale).any():
            return None
        return cls(frame, transformed, base, transform, counted, weights, scale, precision)

    def ask(self, jobs: Sequence[Job]) -> Iterator[FloatArray | None]:
        """Yield for each job the columns of the model, with an input set to each of several values in all rows.

        Many jobs share a batch; one that fails is done again, job by job.

        Parameters
        ----------
        jobs : sequence of (int, array)
            Inputs, and their values.

        Yields
        ------
        array of shape (values, B, p) or None
            None where the steps do not take the values.
        """
        for batch in self._batches(jobs):
            try:
                yield from self._answers(batch)
            except TransformError:
                for job in batch:
                    try:
                        (answer,) = self._answers([job])
                    except TransformError:
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
        transformed = dense(self.transform(frame.replaced(columns)))
        return [transformed[first:last].reshape(-1, n_base, transformed.shape[1]) for first, last in bounds]

    def confirms(self, lines: "Sequence[_Dependence]") -> bool:
        """Tell whether the steps make of all rows, with these inputs exchanged between them, what the slopes say."""
        rng = np.random.default_rng(0)
        rows = np.flatnonzero(self.counted)
        columns, expected = {}, dense(self.transformed[rows])
        for each in lines:
            assert each.slope is not None  # noqa: S101 - of lines
            column = self.frame.column(each.position)
            columns[each.position] = column.copy()
            columns[each.position][rows] = column[rng.permutation(rows)]
            expected += np.outer(columns[each.position][rows] - column[rows], each.slope)
        try:
            transformed = dense(self.transform(self.frame.replaced(columns).take(rows)))
        except TransformError:
            return False
        return bool((np.abs(transformed - expected) <= _BENT[self.precision] * self.scale).all())

    def differs(self, answer: FloatArray, other: FloatArray) -> bool:
        """Tell whether answers to the same question differ."""
        return bool((np.abs(answer - other) > _BENT[self.precision] * self.scale).any())

    def varied(self, answer: FloatArray) -> BoolArray:
        """Tell which columns of the model differ between values by more than rounding, in any of the rows, (p,)."""
        with np.errstate(invalid="ignore"):
            changes = np.abs(answer - answer[:1]) > _CHANGE[self.precision] * self.scale
        return np.asarray(changes.any(axis=(0, 1)))


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
class _Dependence:
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
    found = sorted(_dependences(probe, observed), key=lambda each: each.position)
    dependences = list(_with_missing(probe, found, observed))
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
    places = {_key(value): place for place, value in enumerate(_distinct(values.astype(object)))}
    codes = np.array([places[_key(value)] for value in values.tolist()], dtype=np.intp)
    rows = np.flatnonzero(probe.counted)
    rows = rows[np.argsort(codes[rows], kind="stable")]
    is_same = np.diff(codes[rows]) == 0
    change = _CHANGE[probe.precision] * probe.scale
    varies = [
        bool((np.abs(np.diff(dense(probe.transformed[:, [column]])[rows, 0]))[is_same] > change[column]).any())
        for column in candidates
    ]
    return np.asarray(candidates[~np.array(varies, dtype=bool)])


def _key(value: Any) -> Any:
    """Return what stands for a value in a dict: all missing ones are one."""
    return None if is_missing(value) else value


def _dependences(probe: Probe, observed: Mapping[int, npt.NDArray[Any]]) -> Iterator[_Dependence]:
    jobs = [(position, _values(column)) for position, column in observed.items()]
    small = [(position, values[: _MOST_LEVELS + 1]) for position, values in jobs]
    bent: list[Job] = []
    lines: list[_Dependence] = []
    for (position, values), (_, few), answer in zip(jobs, small, probe.ask(small), strict=True):
        if answer is None:
            raise TransformError("The steps do not take an observed value in other rows.")
        moves = probe.varied(answer)
        slope = _slope(probe, values, answer)
        if observed[position].dtype != np.float64:
            groups = _grouped(probe, values, [answer]) if len(few) == len(values) else None
            yield _Dependence(position, values, moves, np.zeros_like(moves), moves, groups=groups)
        elif slope is not None and len(values) > 2 and not np.isnan(observed[position]).any():
            lines.append(_Dependence(position, values, moves, moves, np.zeros_like(moves), slope))
        else:
            bent.append((position, values))
    straight = _straight(probe, lines)
    yield from straight
    bent += [(each.position, each.values) for each in lines if each not in straight]
    yield from _moved(probe, bent, observed)


def _straight(probe: Probe, lines: Sequence[_Dependence]) -> Sequence[_Dependence]:
    """Return those of the inputs that are straight lines in all rows, from any value to any other: mostly all of them.

    All are moved at once, in each row to the values of some other row: what a few values in a few rows did not tell,
    a place where a line bends or a row in which it has another slope, is seen there.
    """
    if not lines or probe.confirms(lines):
        return lines
    return [each for each in lines if probe.confirms([each])]


def _grouped(probe: Probe, values: npt.NDArray[Any], answers: Iterable[FloatArray]) -> ValueGroups | None:
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
    return ValueGroups(values, tuple(np.array(group) for group in found.values()), np.stack(first))


def _by_steps(
    probe: Probe, position: int, values: npt.NDArray[Any], column: FloatArray, moves: BoolArray
) -> _Dependence:
    """Return what the steps say of a number that acts by steps, of all of its values, the missing one too."""
    every = np.unique(column)  # a single NaN at the end, if any
    size = max(_BATCH // (2 * len(probe.scale)), 1)
    n_base = max(_BATCH // (len(every) * len(probe.scale)), 2)
    few = replace(probe, base=probe.base[:n_base])
    jobs = [(position, every[start : start + size]) for start in range(0, len(every), size)]
    groups = _grouped(probe, every, (answer for answer in few.ask(jobs) if answer is not None))
    moves = moves if groups is None else moves | probe.varied(groups.transformed)
    return _Dependence(position, values, moves, np.zeros_like(moves), moves, groups=groups)


def _with_missing(
    probe: Probe, dependences: Sequence[_Dependence], observed: Mapping[int, npt.NDArray[Any]]
) -> Iterator[_Dependence]:
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
    return _distinct(column)


def _distinct(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
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
    if (np.abs(answer - line) > _BENT[probe.precision] * probe.scale).any():
        return None
    slope[np.abs(slope) * length <= _CHANGE[probe.precision] * probe.scale] = 0.0
    return np.asarray(slope)


def _moved(probe: Probe, jobs: Sequence[Job], observed: Mapping[int, npt.NDArray[Any]]) -> Iterator[_Dependence]:
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
        smooth, jumps = _kinds(probe, by_move)
        changed |= probe.varied(by_move[0]) | smooth | jumps
        if smooth.any() and not jumps.any():
            jumps = jumps | _jumps_between(probe, position, np.flatnonzero(changed), place[0], place[-1])
        if smooth.any():
            yield _Dependence(position, values, changed, smooth, jumps)
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
            # A column that jumps between the two moves does not change with the smaller one; at the top of a curve it
            # changes by the square of the share, or its cube.
            is_smooth = (share < _MOST_SHARE) & (share > _LEAST_SHARE) & (change > unit * np.sqrt(_SHARE))
            is_jump = ((share >= _MOST_SHARE) | (share <= _LEAST_SHARE)) & (change > unit * _CLEAR)
            smooth |= is_smooth.any(axis=(0, 1))
            jumps |= is_jump.any(axis=(0, 1))
    return smooth, jumps


def _jumps_between(probe: Probe, position: int, columns: npt.NDArray[np.intp], low: float, high: float) -> BoolArray:
    """Tell which columns jump between two values of a number: where one changes most, it is looked at ever closer."""
    jumps = np.zeros(len(probe.scale), dtype=bool)
    lows, highs = np.full(len(columns), low), np.full(len(columns), high)
    # Of a column that is nearly 0 but between a few values the first look may see next to nothing.
    span = _NO_JUMP * probe.scale[columns]
    for _ in range(_LOOKS):
        if not len(columns):
            return jumps
        places = np.linspace(lows, highs, _PLACES, axis=1)
        changes = np.empty((len(columns), _PLACES - 1))
        answers = probe.ask([(position, place) for place in places])
        for row, (column, answer) in enumerate(zip(columns, answers, strict=True)):
            if answer is None or not np.isfinite(answer).all():
                return jumps
            span[row] = max(span[row], np.ptp(answer[:, :, column]))
            changes[row] = np.abs(np.diff(answer[:, :, column], axis=0)).max(axis=1)
        steepest = changes.argmax(axis=1)
        may_jump = changes.max(axis=1) > _NO_JUMP * span
        rows = np.flatnonzero(may_jump)
        lows, highs = places[rows, steepest[rows]], places[rows, steepest[rows] + 1]
        columns, span = columns[rows], span[rows]
    jumps[columns] = True
    return jumps


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


def _variable(probe: Probe, found: _Dependence, column: npt.NDArray[Any], alone: tuple[int, ...]) -> Variable:
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
        step=_step(column, probe.precision) if is_number else float("nan"),
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
