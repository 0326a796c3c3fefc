"""Which rows decide the fit: leverage, residual and Cook's distance."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.inference.inference import Inference
from softglm.inference.influence import influence
from softglm.optional import pandas
from softglm.plots.legends import legend_of
from softglm.plots.style import (
    COLORS,
    GREY,
    SMALL,
    axes_of,
    figure_of,
    literal,
    tidy_axis,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Square points: the areas of the least and the largest Cook's distance.
_LEAST_AREA, _MOST_AREA = 4.0, 220.0
# Leverages beyond this many times the mean are usually looked at.
_HIGH = 2.0
# Where a label may be, in points from its row, from the best place to the worst.
_DIRECTIONS = ((1, 1), (-1, 1), (1, -1), (-1, -1), (1, 2), (-1, 2), (1, -2), (-1, -2))
_PLACES = tuple((x * far, y * far) for far in (7, 13, 20, 28) for x, y in _DIRECTIONS)


@final
@dataclass(eq=False)
class InfluenceDisplay:
    """Residuals over leverages, the area of a point being Cook's distance. Made by `from_inference`.

    Attributes
    ----------
    names : array of shape (n,)
        Of the rows.
    leverage : array of shape (n,)
    residual : array of shape (n,)
        The length of the Pearson residual: over K classes the root of the sum of its squares, its size for two.
    cooks_distance : array of shape (n,)
        inf where the fit without the row does not exist.
    figure_ : matplotlib Figure
    ax_ : matplotlib Axes
    points_ : PathCollection
    labels_ : list of Annotation
        Of the most influential rows, the most influential first.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from softglm import SoftmaxGLM, infer
    >>> from softglm.plots import InfluenceDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> display = InfluenceDisplay.from_inference(infer(SoftmaxGLM().fit(X, y), X, y), n_labels=2)
    >>> [label.get_text() for label in display.labels_]
    ['106', '119']
    """

    names: npt.NDArray[Any]
    leverage: FloatArray
    residual: FloatArray
    cooks_distance: FloatArray
    figure_: "Figure" = field(init=False, repr=False)
    ax_: "Axes" = field(init=False, repr=False)
    points_: Any = field(init=False, repr=False)
    labels_: list[Any] = field(init=False, repr=False)

    @classmethod
    def from_inference(cls, inference: Inference, *, names: Sequence[Any] | None = None, **options: Any) -> Self:
        """Draw the diagnostics of an inference.

        Parameters
        ----------
        inference : Inference
            Of `softglm.infer`.
        names : sequence of length n, default=None
            Of the rows, for the labels; by default their positions, from 0.
        **options
            Of `plot`.

        Raises
        ------
        ValueError
            If there are not as many names as rows.
        ImportError
            If matplotlib is not installed.
        """
        found = influence(inference.estimate, inference.sample)
        n = len(found["residual"])
        known = np.arange(n).astype(object) if names is None else np.array(list(names), dtype=object)
        if known.shape != (n,):
            raise ValueError(f"names has {len(known)} entries, expected {n}: one for each row of the fit.")
        return cls(known, **found).plot(**options)

    def plot(self, ax: "Axes | None" = None, *, n_labels: int = 5) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : Axes or None
            Where to; None makes a new figure.
        n_labels : int, default=5
            How many rows to name: those of the largest Cook's distances.

        Returns
        -------
        InfluenceDisplay
            Itself.
        """
        (self.ax_,) = axes_of(ax)
        self.figure_ = figure_of(self.ax_)
        axis, distance = self.ax_, self.cooks_distance
        is_finite = np.isfinite(distance)
        most = float(distance[is_finite].max(initial=0.0))
        share = np.divide(distance, most, out=np.ones_like(distance), where=is_finite & (most > 0.0))
        areas = _LEAST_AREA + (_MOST_AREA - _LEAST_AREA) * share
        self.points_ = axis.scatter(
            self.leverage[is_finite],
            self.residual[is_finite],
            s=areas[is_finite],
            color=COLORS[0],
            alpha=0.45,
            linewidth=0.0,
        )
        if not is_finite.all():
            axis.plot(
                self.leverage[~is_finite],
                self.residual[~is_finite],
                "X",
                color=COLORS[1],
                markersize=8,
                label="no fit without it",
            )
        high = _HIGH * float(self.leverage.mean())
        axis.axvline(high, color=GREY, linewidth=0.9, linestyle="--", label=f"{_HIGH:g} times the mean leverage")
        axis.plot(
            [],
            [],
            "o",
            color=COLORS[0],
            alpha=0.45,
            markeredgewidth=0.0,
            markersize=np.sqrt(0.75 * _LEAST_AREA + 0.25 * _MOST_AREA),
            label=f"Cook's distance {most / 4.0:.2g}",
        )
        tidy_axis(axis)
        axis.margins(0.1)
        axis.set_xlim(left=0.0)
        axis.set_ylim(bottom=0.0)
        axis.set_xlabel("leverage")
        axis.set_ylabel("Pearson residual, length")
        legend_of(axis)
        influential = np.argsort(-distance, kind="stable")[:n_labels]
        self.labels_ = self._label(influential[distance[influential] > 0.0])
        return self

    def to_frame(self) -> "pd.DataFrame":
        """Return a data frame of the rows with the columns row, leverage, residual, cooks_distance."""
        return pandas().DataFrame(
            {
                "row": self.names,
                "leverage": self.leverage,
                "residual": self.residual,
                "cooks_distance": self.cooks_distance,
            }
        )

    def _label(self, rows: npt.NDArray[np.intp]) -> list[Any]:
        """Name rows where the names hide neither each other nor the other rows that are named."""
        self.figure_.draw_without_rendering()
        inside = self.ax_.get_window_extent()
        points = self.ax_.transData.transform(np.column_stack([self.leverage[rows], self.residual[rows]]))
        labels: list[Any] = []
        taken: list[Any] = []
        for row in rows:
            label = self.ax_.annotate(
                literal(self.names[row], 16),
                (self.leverage[row], self.residual[row]),
                xytext=_PLACES[0],
                textcoords="offset points",
                fontsize=SMALL,
                va="center",
                arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 1},
                zorder=5,
            )
            boxes = _boxes_at_places(label)
            hidden = [
                sum(box.overlaps(other) for other in taken)
                + box.count_contains(points)
                + sum(not inside.containsx(x) for x in box.intervalx)
                + sum(not inside.containsy(y) for y in box.intervaly)
                for box in boxes
            ]
            best = int(np.argmin(hidden))
            label.set_position(_PLACES[best])
            label.set_horizontalalignment("left" if _PLACES[best][0] > 0 else "right")
            taken.append(boxes[best])
            labels.append(label)
        return labels


def _boxes_at_places(label: Any) -> list[Any]:
    """Return where on the canvas the text of an annotation would be at each of the places; it is at the first."""
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

    label.get_window_extent()  # moves the text to its place
    here = Text.get_window_extent(label)  # the line to the row left out
    pixels = label.figure.dpi / 72.0
    row_x, row_y = here.x0 - pixels * _PLACES[0][0], (here.y0 + here.y1) / 2.0 - pixels * _PLACES[0][1]
    return [
        Bbox.from_bounds(
            row_x + pixels * x - (0.0 if x > 0 else here.width),
            row_y + pixels * y - here.height / 2.0,
            here.width,
            here.height,
        )
        for x, y in _PLACES
    ]
