"""Log odds, or odds ratios, in rows of axes: what is finite as points with intervals, the rest as arrows and words."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.plots.limits import MOST_NATS
from softglm.plots.rows import draw_intervals
from softglm.plots.style import COLORS, GREY, SMALL, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# So many terms can be read.
_MOST_TERMS = 100
# Characters of a term.
TERM = 32
# Characters of a title: of a line, and of a name in it.
_TITLE_LINE, _TITLE_NAME = 24, 16


def draw_log_odds(
    axis: "Axes",
    places: npt.NDArray[Any],
    intervals: tuple[FloatArray, FloatArray, FloatArray],
    may_go_either_way: BoolArray,
    *,
    name: object,
    style: int,
    odds_ratios: bool,
) -> Any:
    """Draw estimates at these heights, with the lower and upper ends of their intervals, all of shape (t,)."""
    color, estimate = COLORS[style % len(COLORS)], intervals[0]
    is_finite = np.isfinite(estimate)
    centre, low, high = (part[is_finite] for part in intervals)
    if odds_ratios:
        centre, low, high = (np.exp(np.clip(part, -MOST_NATS, MOST_NATS)) for part in (centre, low, high))
    bars = draw_intervals(axis, places[is_finite], (centre, low, high), name, style)
    across = axis.get_yaxis_transform()
    for place, value, either in zip(
        places[~is_finite], estimate[~is_finite], may_go_either_way[~is_finite], strict=True
    ):
        if np.isnan(value):
            axis.text(0.5, place, "not determined", transform=across, ha="center", va="center", **_word(GREY))
            continue
        ends = ((0.03, "<", "left"), (0.97, ">", "right"))
        for end, arrow, side in ends if either else ends[int(value > 0.0) :][:1]:
            axis.plot(end, place, marker=arrow, color=color, transform=across, markersize=6, zorder=3)
            sign = "" if odds_ratios and value > 0.0 else "+" if value > 0.0 else "\u2212"
            text = "0" if odds_ratios and side == "left" else f"{sign}\u221e"
            if either:
                text = "0 or \u221e" if odds_ratios else "\u00b1\u221e"
            inside = end + (0.05 if side == "left" else -0.05)
            axis.text(inside, place, text, transform=across, ha=side, va="center", **_word(color))
    return bars


def check_can_be_drawn(estimate: FloatArray, *, odds_ratios: bool) -> None:
    """Raise if an odds ratio would overflow."""
    if odds_ratios and np.abs(estimate[np.isfinite(estimate)]).max(initial=0.0) > MOST_NATS:
        raise ValueError("Some odds ratio is too large to draw. Draw log odds: odds_ratios=False.")


def by_size(estimate: FloatArray) -> npt.NDArray[np.intp]:
    """Return the terms, the last axis, by their largest estimate: infinite ones first and undetermined ones last."""
    each = tuple(range(estimate.ndim - 1))
    size = np.where(np.isnan(estimate), -1.0, np.abs(estimate)).max(axis=each, initial=-1.0)
    return np.argsort(-size, kind="stable")


def legible(estimate: FloatArray) -> npt.NDArray[np.intp]:
    """Return which terms, the last axis, are drawn by default, in order: of more than can be read the largest."""
    return np.sort(by_size(estimate)[:_MOST_TERMS])


def title_of(name: object, reference: object) -> str:
    """Return which classes a panel compares, in one line or two; of symmetric coefficients the class."""
    first = literal(name, _TITLE_NAME)
    if reference is None:
        return first
    second = f"vs {literal(reference, _TITLE_NAME)}"
    between = " " if len(first + second) < _TITLE_LINE else "\n"
    return f"{first}{between}{second}"


def _word(color: str) -> dict[str, Any]:
    return {"color": color, "fontsize": SMALL, "zorder": 4}
