"""Class probabilities over one feature, with their intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.inference.averages import AveragePredictions
from softglm.inference.factors import BASE
from softglm.inference.inference import Inference
from softglm.plots.legends import legend_of
from softglm.plots.panels import PanelDisplay, columns_of
from softglm.plots.style import (
    COLORS,
    GREY,
    HATCHES,
    SMALL,
    bars_of,
    keep_inside,
    line_style,
    literal,
    shortened,
    tidy_axis,
    turn_crowded_ticks,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# Lines in one panel before they get one each.
_MOST_LINES = 6
# Characters of a level, in one of several panels and in one alone.
_SHORT, _LONG = 14, 24
# Ticks of a rug, which take the quantiles of more values.
_TICKS = 200
# Where all probabilities are below the first, the axis ends where they do, with some room.
_FULL, _HEADROOM = 0.6, 1.08
# Markers on a curve.
_MARKED = 6
# The curves of the other classes, behind that of a panel.
_OTHERS = "0.85"


@final
@dataclass(eq=False)
class EffectDisplay(PanelDisplay):
    """Predicted probabilities of the classes over one feature. Made by `from_inference` or `from_predictions`.

    Attributes
    ----------
    feature : str
        The column, or the factor.
    grid : array of shape (v,)
        Where the probabilities are: numbers, or the names of the levels of a factor.
    predictions : AveragePredictions
        A row for each of them.
    observed : array of shape (n,)
        The values in the rows of the fit, for the rug; empty for a factor.
    figure_ : matplotlib Figure
    axes_ : list of matplotlib Axes
        One, or one for each class; `ax_` is the first.
    artists_ : list
        One for each class: its line, its points, or its area.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from softglm import SoftmaxGLM, infer
    >>> from softglm.plots import EffectDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> display = EffectDisplay.from_inference(infer(SoftmaxGLM().fit(X, y), X, y), "petal width (cm)")
    >>> display.predictions.probability.shape
    (51, 3)
    """

    feature: str
    grid: npt.NDArray[Any]
    predictions: AveragePredictions
    observed: FloatArray

    @classmethod
    def from_inference(
        cls,
        inference: Inference,
        feature: str | int,
        *,
        grid: Any = None,
        at: Literal["average", "means"] | Mapping[str | int, Any] = "average",
        groups: Mapping[str, Sequence[str | int] | str | int] | None = None,
        base: str = BASE,
        **options: Any,
    ) -> Self:
        """Draw the probabilities over a number, or over the levels of a factor.

        Parameters
        ----------
        inference : Inference
            Of `softglm.infer`. After a pipeline the features are the columns that it takes, and all that it makes of
            one moves with it: see `Inference.average_predictions`.
        feature : str or int
            A column, by its name or position; or the name of a group.
        grid : array-like of shape (v,), default=None
            Its values, or levels; by default numbers from the least to the largest one of the data, 0 and 1 where there
            are no others, and all levels of a factor.
        at : {"average", "means"} or dict from column to value, default="average"
            The other columns: as they are, averaged over the rows; at their means; or those in the dict at its values
            and the rest at their means.
        groups : dict from name to columns, default=None
            Columns of zeros and ones that are the dummies of one factor, as `Inference.test_terms` takes them.
        base : str, default="(base)"
            The name of the level of such a factor that has no column.
        **options
            Of `plot`.

        Raises
        ------
        ValueError
            If there is no such feature, or the columns of the group are not zeros and ones.
        ImportError
            If matplotlib is not installed.
        """
        if grid is not None and np.ndim(grid) != 1:
            raise ValueError(f"grid has shape {np.shape(grid)}, expected (v,): the values of the column.")
        return cls.from_predictions(inference.average_predictions(feature, grid, at, groups, base=base), **options)

    @classmethod
    def from_predictions(cls, predictions: AveragePredictions, **options: Any) -> Self:
        """Draw average predictions.

        Parameters
        ----------
        predictions : AveragePredictions
            What `Inference.average_predictions` returns for a feature.
        **options
            Of `plot`.

        Raises
        ------
        ValueError
            If several features were set: `PredictionDisplay` draws those.
        ImportError
            If matplotlib is not installed.
        """
        if len(predictions.terms) != 1:
            raise ValueError(
                f"Predictions over {list(predictions.terms)} are no curve. Draw them with "
                "PredictionDisplay.from_predictions."
            )
        return cls(predictions.terms[0], predictions.grid, predictions, predictions.observed).plot(**options)

    @property
    def is_discrete(self) -> bool:
        """Whether there is nothing between the values: the levels of a factor, or 0 and 1."""
        return not len(self.observed) or bool(np.isin(self.grid, (0.0, 1.0)).all())

    def plot(
        self,
        ax: Any = None,
        *,
        kind: Literal["lines", "panels", "stacked"] | None = None,
        rug: bool = True,
    ) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : Axes, array of Axes or None
            Where to, one for each panel; None makes a new figure.
        kind : {"lines", "panels", "stacked"}, default=None
            A line for each class with its interval, points for a factor: all in one panel, or each in a panel of its
            own; or shares of a whole, without intervals. By default lines, and panels where there are more than six
            classes and no single `ax` is given.
        rug : bool, default=True
            Whether to show where the data are, by ticks at the bottom: of more than 200 values their quantiles.

        Returns
        -------
        EffectDisplay
            Itself.

        Raises
        ------
        ValueError
            If `kind` is not one of these, or the number of axes is not that of the panels.
        """
        K = len(self.predictions.classes)
        if kind is None:
            kind = "panels" if K > _MOST_LINES and (ax is None or np.size(ax) == K) else "lines"
        if kind not in {"lines", "panels", "stacked"}:
            raise ValueError(f'kind must be "lines", "panels" or "stacked", got {kind!r}.')
        is_split = kind == "panels" and K > 1
        if is_split:
            self._open(ax, K, n_columns=columns_of(K), sharex=True, sharey=True)
        else:
            self._open(ax)
        numbers = np.arange(len(self.grid)) if self.is_discrete else self.grid
        places = np.asarray(numbers, dtype=np.float64)
        self.artists_ = self._stacked(places) if kind == "stacked" else self._lines(places)
        top = 1.0 if kind == "stacked" else float(np.nanmax(self.predictions.upper, initial=0.0))
        for axis in self.axes_:
            self._dress(axis, places, margin=0.0 if kind == "stacked" else 0.02, rug=rug)
            axis.set_ylim(0.0, 1.0 if top > _FULL else _HEADROOM * top or 1.0)
        if is_split:
            for label, axis in zip(self.predictions.classes, self.axes_, strict=True):
                axis.set_title(literal(label), fontsize=SMALL)
        else:
            legend_of(self.ax_)
        self._name_axes(literal(self.feature, 40), "probability", once=ax is None and is_split)
        if self.is_discrete:
            turn_crowded_ticks(self.axes_)
        keep_inside(self.axes_)
        return self

    def to_frame(self) -> "pd.DataFrame":
        """Return a data frame with the columns value, class, probability, std_error, lower, upper."""
        return self.predictions.to_frame()

    def _dress(self, axis: "Axes", places: FloatArray, *, margin: float, rug: bool) -> None:
        is_split = len(self.axes_) > 1
        tidy_axis(axis)
        if np.isnan(self.predictions.probability).all():
            axis.text(0.5, 0.5, "not determined\nby the data", transform=axis.transAxes, ha="center", color=GREY)
        if self.is_discrete:
            axis.set_xticks(places, [_level_name(value, _SHORT if is_split else _LONG) for value in self.grid])
            axis.set_xlim(-0.5, len(places) - 0.5)
            return
        if len(places) > 1:
            axis.margins(x=margin)
        if not rug or not len(self.observed):
            return
        ticks = np.unique(self.observed)
        if len(ticks) > _TICKS:
            ticks = np.quantile(self.observed, np.linspace(0.0, 1.0, _TICKS))
        inside = ticks[(ticks >= places.min()) & (ticks <= places.max())]
        axis.plot(
            inside,
            np.zeros(len(inside)),
            "|",
            color="black",
            alpha=0.3 if is_split else 0.5,
            markersize=4 if is_split else 7,
            transform=axis.get_xaxis_transform(),
            zorder=1 if is_split else 4,
        )

    def _lines(self, places: FloatArray) -> list[Any]:
        found = self.predictions
        K, is_split = len(found.classes), len(self.axes_) > 1
        artists: list[Any] = []
        for k, label in enumerate(found.classes):
            axis = self.axes_[k] if is_split else self.ax_
            style, name = line_style(k), shortened(label)
            if is_split:
                style["linestyle"] = "-"
            centre, low, high = found.probability[:, k], found.lower[:, k], found.upper[:, k]
            if self.is_discrete:
                dodged = places + (0.0 if is_split else 0.5 * ((k + 0.5) / K - 0.5))
                bars = bars_of(centre, low, high)
                style["linestyle"] = "none"
                size = 4 if is_split else 5
                artists.append(
                    axis.errorbar(dodged, centre, yerr=bars, label=name, markersize=size, elinewidth=1.4, **style)
                )
                continue
            if is_split:
                others = np.delete(found.probability, k, axis=1)
                axis.plot(places, others, color=_OTHERS, linewidth=0.8, zorder=1)
            axis.fill_between(places, low, high, color=style["color"], alpha=0.18, linewidth=0.0)
            step = max(len(places) // _MARKED, 1)
            # Markers of different classes at different places, or they would hide each other.
            first = (k * step // max(K, 1)) % step
            if is_split:
                style["marker"] = "none"
            artists += axis.plot(
                places, centre, label=name, markersize=4, markevery=(first, step), linewidth=1.6, **style
            )
        return artists

    def _stacked(self, places: FloatArray) -> list[Any]:
        found = self.predictions
        bottom = np.zeros(len(places))
        artists: list[Any] = []
        for k, label in enumerate(found.classes):
            top = bottom + found.probability[:, k]
            style: dict[str, Any] = {
                "color": COLORS[k % len(COLORS)],
                "alpha": 0.75,
                "edgecolor": "white",
                "hatch": HATCHES[k % len(HATCHES)],
                "linewidth": 0.8,
                "label": shortened(label),
            }
            if self.is_discrete:
                artists.append(self.ax_.bar(places, top - bottom, bottom=bottom, width=0.7, **style))
            else:
                artists.append(self.ax_.fill_between(places, bottom, top, **style))
            bottom = top
        return artists


def _level_name(value: Any, most: int) -> str:
    return literal(value if isinstance(value, str) else f"{value:g}", most)
