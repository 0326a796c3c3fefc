"""Estimates with their intervals, a row for each and a mark for each class: what several displays draw."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.plots.legends import legend_of
from softglm.plots.panels import PanelDisplay, grid_of
from softglm.plots.style import (
    COLORS,
    GREY,
    MARKERS,
    SMALL,
    bars_of,
    keep_inside,
    literal,
    name_ticks,
    names_that_fit,
    shortened,
    space_ticks,
    tidy_axis,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Inches: from one class to the next, of a row, and of what is around the rows.
_STEP, _ROW, _AROUND = 0.1, 0.2, 0.95
# The share of a row that its classes take.
_BAND = 0.7
# Classes in one panel, and marks of all of them, before they get one each; and rows in a picture: nobody reads more.
_MOST_CLASSES, _MOST_MARKS, _MOST_ROWS = 6, 60, 100
# Characters of the name of a row.
_NAME = 36


@final
@dataclass(frozen=True, eq=False)
class Rows:
    """What is drawn.

    Attributes
    ----------
    names : sequence of str, length c
        Of the rows.
    classes : array of shape (K,)
    estimate, lower, upper : arrays of shape (c, K)
        NaN where there is none.
    unit : str
        What they are, and what their intervals.
    what : str
        What the rows are.
    nothing : float or None
        Where a line says that there is no effect.
    is_logarithmic : bool
    """

    names: list[str]
    classes: npt.NDArray[Any]
    estimate: FloatArray
    lower: FloatArray
    upper: FloatArray
    unit: str
    what: str = ""
    nothing: float | None = 0.0
    is_logarithmic: bool = False

    def first(self, most: int) -> "Rows":
        """Return the first rows: so many at most."""
        if len(self.names) <= most:
            return self
        return replace(
            self,
            names=self.names[:most],
            estimate=self.estimate[:most],
            lower=self.lower[:most],
            upper=self.upper[:most],
            unit=f"{self.unit}; the first {most} of {len(self.names):,}",
        )


@dataclass(eq=False)
class RowsDisplay(PanelDisplay, ABC):
    """A display of rows of estimates.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : list of matplotlib Axes
        One, or one for each class; `ax_` is the first.
    artists_ : list of ErrorbarContainer
        One for each class; none of what the data do not determine.
    """

    @property
    @abstractmethod
    def _rows(self) -> Rows:
        """What is drawn."""

    def plot(self, ax: Any = None, *, layout: Literal["panels", "together"] | None = None) -> Self:
        """Draw the display: ratios on a logarithmic axis. Of more than 100 rows the first are drawn.

        Parameters
        ----------
        ax : Axes, array of Axes or None
            Where to; None makes a new figure.
        layout : {"panels", "together"}, default=None
            A panel for each class, or all in one, told apart by color and marker. By default panels where there are
            more than six classes, or many rows, and no single `ax` is given.

        Returns
        -------
        display
            Itself.

        Raises
        ------
        ValueError
            If `layout` is not one of these, or the number of axes is not that of the panels.
        """
        found = self._rows.first(_MOST_ROWS)
        c, K = found.estimate.shape
        if layout is None:
            is_crowded = K > _MOST_CLASSES or K * c > _MOST_MARKS
            layout = "panels" if is_crowded and (ax is None or np.size(ax) == K) else "together"
        if layout not in {"panels", "together"}:
            raise ValueError(f'layout must be "panels" or "together", got {layout!r}.')
        is_split = layout == "panels"
        row = _ROW if is_split else max(_ROW, _STEP * K / _BAND)
        grid = grid_of(K if is_split else 1, _AROUND + row * c)
        self._open(ax, K if is_split else 1, **grid, sharex=True, sharey=True)
        self.artists_ = [_draw(self.axes_[k] if is_split else self.ax_, found, k, is_split=is_split) for k in range(K)]
        for k, axis in enumerate(self.axes_):
            _dress(axis, found)
            _say_what_is_unknown(axis, found.estimate[:, [k]] if is_split else found.estimate)
            if is_split:
                axis.set_title(literal(found.classes[k]), fontsize=SMALL)
        self._name_axes(found.unit, literal(found.what, _NAME), once=ax is None and is_split)
        if not is_split:
            legend_of(self.ax_)
            if not found.is_logarithmic:
                self.figure_.draw_without_rendering()
                space_ticks(self.ax_)
        keep_inside(self.axes_)
        return self


def name_rows(axis: "Axes", places: npt.NDArray[Any], names: Sequence[str]) -> None:
    """Make rows of axes, from 0 at the top, with their names beside them and a faint line along each."""
    tidy_axis(axis)
    for place in places.tolist():
        axis.axhline(place, color="0.92", linewidth=0.6, zorder=0)
    axis.set_yticks(places, names_that_fit(axis, places, names))
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(max(len(places), 1) - 0.5, -0.5)


def draw_intervals(
    axis: "Axes",
    places: npt.NDArray[Any],
    intervals: tuple[FloatArray, FloatArray, FloatArray],
    name: object,
    style: int,
) -> Any:
    """Draw the estimates of a class at these heights, with the lower and upper ends of their intervals."""
    centre, low, high = intervals
    return axis.errorbar(
        centre,
        places,
        xerr=bars_of(centre, low, high),
        color=COLORS[style % len(COLORS)],
        marker=MARKERS[style % len(MARKERS)],
        markersize=4.5,
        linestyle="none",
        elinewidth=1.4,
        label=shortened(name),
        zorder=3,
    )


def _dress(axis: "Axes", found: Rows) -> None:
    if found.nothing is not None:
        axis.axvline(found.nothing, color=GREY, linewidth=0.8, zorder=1)
    name_rows(axis, np.arange(len(found.names)), [literal(name, _NAME) for name in found.names])
    if found.is_logarithmic:
        axis.set_xscale("log")
        name_ticks(axis.xaxis)
    else:
        space_ticks(axis)


def _say_what_is_unknown(axis: "Axes", estimate: FloatArray) -> None:
    """Write where there is nothing to draw in a row."""
    across = axis.get_yaxis_transform()
    for place in np.flatnonzero(np.isnan(estimate).all(axis=1)).tolist():
        axis.text(0.5, place, "not determined", transform=across, ha="center", va="center", color=GREY, size=SMALL)


def _draw(axis: "Axes", found: Rows, k: int, *, is_split: bool) -> Any:
    """Draw a class, beside the others if they share axes, with its intervals; what has none as a point."""
    centre, low, high = (part[:, k] for part in (found.estimate, found.lower, found.upper))
    known = np.isfinite(centre) & ~np.isinf(low) & ~np.isinf(high)
    if found.is_logarithmic:
        known &= centre != 0.0
    shift = 0.0 if is_split else _BAND * ((k + 0.5) / len(found.classes) - 0.5)
    intervals = centre[known], low[known], high[known]
    return draw_intervals(axis, np.flatnonzero(known) + shift, intervals, found.classes[k], 0 if is_split else k)
