"""What a small move of a number does to the columns of the model: a change that vanishes with it, or a jump."""

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.pipelines.probe import Probe

# A move, and a share of it: of a smooth column the change falls with it, to a share between these two.
SHARE = 1 / 16
_LEAST_SHARE, _MOST_SHARE = 1e-4, 1 / 2
# A jump is a change of so many times what is a change.
_CLEAR = 50.0
# A jump is looked for at so many places at a time, so many times, and is no smaller share of what a column spans.
_PLACES, _LOOKS, _NO_JUMP = 33, 6, 0.01
# The step is this power of the precision, in units of the spread: differences lose as much, and their error, of third
# order, is negligible even where a column bends on a far smaller scale, as logarithms of incomes do near 0.
_POWER = 0.4
# The interquartile range of a normal distribution.
_QUARTILES = 1.349


def step_of(column: FloatArray, precision: int) -> float:
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


def smooth_and_jumping(probe: Probe, answer: FloatArray) -> tuple[BoolArray, BoolArray]:
    """Tell which columns change smoothly, and which jump, with moves of (0, 1, -1, share, -share) steps."""
    here, *moved = answer
    unit = probe.least_change
    smooth = np.zeros(answer.shape[-1], dtype=bool)
    jumps = smooth.copy()
    with np.errstate(invalid="ignore", divide="ignore"):
        for whole, part in zip(moved[:2], moved[2:], strict=True):
            change = np.abs(whole - here)
            share = np.abs(part - here) / change
            # A column that jumps between the two moves does not change with the smaller one; at the top of a curve it
            # changes by the square of the share, or its cube.
            is_smooth = (share < _MOST_SHARE) & (share > _LEAST_SHARE) & (change > unit * np.sqrt(SHARE))
            is_jump = ((share >= _MOST_SHARE) | (share <= _LEAST_SHARE)) & (change > unit * _CLEAR)
            smooth |= is_smooth.any(axis=(0, 1))
            jumps |= is_jump.any(axis=(0, 1))
    return smooth, jumps


def jumps_between(probe: Probe, position: int, columns: npt.NDArray[np.intp], low: float, high: float) -> BoolArray:
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
