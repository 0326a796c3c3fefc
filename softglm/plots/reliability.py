"""Predicted probabilities against how often the classes occurred."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.inference.reliability import ReliabilityBins, Strategy, reliability_bins
from softglm.optional import pandas
from softglm.plots.panels import PanelDisplay, columns_of
from softglm.plots.style import COLORS, GREY, MARKERS, SMALL, bars_of, literal, panel_of, tidy_axis
from softglm.response import response_of
from softglm.validation.parameters import check_count, number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# Where the axes of a panel may end: above all that is in it. Ticks as shares of that; one more where it is 1.
_ENDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
_TICKS, _WIDENED_TICKS, _UPPER_TICK = (0.0, 0.5, 1.0), (0.0, 0.05, 0.2, 0.5, 1.0), 0.8
# Points are crowded where most of them are within this share of the axes of 0 or 1.
_CORNER, _MOST = 0.1, 0.5
# Inches: the least height of panels that are as wide.
_LEAST_HEIGHT = 3.0
# More bins are nobody's, and their edges would fill the memory.
_MOST_BINS = 10_000
# Rows of probabilities sum to 1 up to this.
_SUM = 1e-3


@final
@dataclass(eq=False)
class ReliabilityDisplay(PanelDisplay):
    """Calibration, class by class: of rows of probability 0.7, 0.7 should be of the class.

    Made by `from_estimator` or `from_predictions`. scikit-learn's CalibrationDisplay draws two classes, and no
    intervals.

    Attributes
    ----------
    classes : array of shape (c,)
        Those that are drawn: of two classes the second, of more all.
    bins : list of ReliabilityBins, length c
    level : float
        Of the intervals.
    figure_ : matplotlib Figure
    axes_ : list of matplotlib Axes
        One for each class; `ax_` is the first.
    artists_ : list of ErrorbarContainer
        One for each class.

    References
    ----------
    .. [1] Wilson, Journal of the American Statistical Association 22 (1927), doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from softglm import SoftmaxGLM
    >>> from softglm.plots import ReliabilityDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> display = ReliabilityDisplay.from_estimator(SoftmaxGLM().fit(X, y), X, y, n_bins=5)
    >>> [int(bins.n_rows.sum()) for bins in display.bins]
    [150, 150, 150]
    """

    classes: npt.NDArray[Any]
    bins: list[ReliabilityBins]
    level: float

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, **options: Any) -> Self:
        """Predict with a fitted classifier, and draw.

        Parameters
        ----------
        estimator : classifier
            Fitted, with predict_proba.
        X, y : array-like
            Rows that it was not fitted on, and their labels.
        **options
            Of `from_predictions`, but for `classes`.

        Raises
        ------
        TypeError
            If the estimator predicts no probabilities.
        ValueError
            As `from_predictions` does.
        """
        if not hasattr(estimator, "predict_proba") or not hasattr(estimator, "classes_"):
            raise TypeError(
                f"ReliabilityDisplay got a {type(estimator).__name__}, expected a fitted classifier with predict_proba."
            )
        return cls.from_predictions(y, estimator.predict_proba(X), classes=estimator.classes_, **options)

    @classmethod
    def from_predictions(
        cls,
        y: npt.ArrayLike,
        probability: npt.ArrayLike,
        *,
        classes: Sequence[Any] | npt.NDArray[Any] | None = None,
        n_bins: int = 10,
        strategy: Strategy = "quantile",
        level: float = 0.95,
        **options: Any,
    ) -> Self:
        """Draw predicted probabilities.

        Parameters
        ----------
        y : array-like of shape (n,)
            Labels.
        probability : array-like of shape (n, K), or (n,) for the second of two classes
            What was predicted, from 0 to 1.
        classes : array-like of shape (K,), default=None
            The labels of the columns; by default those in y, sorted.
        n_bins : int, default=10
            The most bins of a class.
        strategy : {"quantile", "uniform"}, default="quantile"
            Bins of (nearly) as many rows each, or of the same width.
        level : float, default=0.95
            Of the intervals.
        **options
            Of `plot`.

        Raises
        ------
        ValueError
            If these do not belong together, or an option is not one of those.
        ImportError
            If matplotlib is not installed.
        """
        labels = np.asarray(y)
        names = response_of(labels.ravel()).classes if classes is None else np.asarray(classes)
        shares = np.asarray(probability, dtype=np.float64)
        if shares.ndim == 1:
            shares = np.column_stack([1.0 - shares, shares])
        if labels.ndim != 1 or shares.shape != (len(labels), len(names)) or not len(labels):
            raise ValueError(
                f"y has shape {labels.shape}, and probability {np.shape(probability)}, expected (n,) and (n, "
                f"{len(names)}): labels, and a column for each of the classes {names[:10].tolist()}."
            )
        response = response_of(labels, names)
        if response.is_unknown.any():
            strangers = np.unique(labels[response.is_unknown])
            raise ValueError(f"y has the labels {strangers[:10].tolist()}, which are not among {names[:10].tolist()}.")
        if not (shares >= 0.0).all() or np.abs(shares.sum(axis=1) - 1.0).max() > _SUM:
            raise ValueError(
                "probability has rows that are no probabilities: expected numbers from 0 to 1 that sum to 1."
            )
        check_count(n_bins, "n_bins")
        if not 0.0 < number(level) < 1.0 or n_bins > _MOST_BINS or strategy not in ("quantile", "uniform"):
            raise ValueError(
                f'expected 0 < level < 1, n_bins of at most {_MOST_BINS:,} and strategy "quantile" or "uniform", got '
                f"{level!r}, {n_bins!r} and {strategy!r}."
            )
        drawn = range(1, 2) if len(names) == 2 else range(len(names))
        bins = [reliability_bins(shares[:, k], response.observed_at(k), n_bins, strategy, level) for k in drawn]
        return cls(names[list(drawn)], bins, level).plot(**options)

    def plot(self, ax: Any = None, *, zoom: bool = True) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : Axes, array of Axes or None
            One for each class; None makes a new figure.
        zoom : bool, default=True
            Whether the axes of a panel end above its last point, and, where most of its points would be in the
            corners, as those of rare classes are, go by the arcsine of the square root of probabilities. It widens
            what is near 0 and near 1, and keeps the diagonal straight. Otherwise all go evenly from 0 to 1.

        Returns
        -------
        ReliabilityDisplay
            Itself.

        Raises
        ------
        ValueError
            If the number of axes is not that of the classes.
        """
        c = len(self.classes)
        ends = [_end_of(bins) if zoom else 1.0 for bins in self.bins]
        is_widened = zoom and any(map(_is_crowded, self.bins, ends))
        is_shared = min(ends) == max(ends)
        n_columns = columns_of(c)
        width, height = panel_of(n_columns)
        panel = (width, max(height, min(width, _LEAST_HEIGHT)))
        self._open(ax, c, n_columns=n_columns, panel=panel, sharex=is_shared, sharey=is_shared)
        self.artists_ = []
        for k, (axis, bins) in enumerate(zip(self.axes_, self.bins, strict=True)):
            _dress(axis, ends[k], is_widened=is_widened)
            self.artists_.append(
                axis.errorbar(
                    bins.predicted,
                    bins.observed,
                    yerr=bars_of(bins.observed, bins.lower, bins.upper),
                    color=COLORS[k % len(COLORS)],
                    marker=MARKERS[k % len(MARKERS)],
                    linestyle="none",
                    markersize=4,
                    elinewidth=1.2,
                    zorder=3,
                    clip_on=False,
                )
            )
            axis.set_title(literal(self.classes[k]), fontsize=SMALL)
        scale = " (arcsine square-root axes)" if is_widened else ""
        self._name_axes(f"predicted probability{scale}", "observed share", once=ax is None and c > 1)
        return self

    def to_frame(self) -> "pd.DataFrame":
        """Return a data frame with the columns class, predicted, observed, lower, upper, n_rows: a row for each bin."""
        columns = ("predicted", "observed", "lower", "upper", "n_rows")
        return pandas().DataFrame(
            {
                "class": np.repeat(self.classes, [len(bins.n_rows) for bins in self.bins]),
                **{name: np.concatenate([getattr(bins, name) for bins in self.bins]) for name in columns},
            }
        )


def _end_of(bins: ReliabilityBins) -> float:
    """Return where the axes of a panel end."""
    most = max(float(bins.predicted.max()), float(bins.upper.max()))
    return next((end for end in _ENDS if end >= most), 1.0)


def _is_crowded(bins: ReliabilityBins, end: float) -> bool:
    """Tell whether most points of a panel would be in its corners."""
    from_corner = np.minimum(bins.predicted, 1.0 - bins.predicted)
    return bool(np.mean(from_corner < _CORNER * end) > _MOST)


def _dress(axis: "Axes", end: float, *, is_widened: bool) -> None:
    """Make the axes of a panel square, from 0 to their end, with the diagonal."""
    tidy_axis(axis)
    axis.plot([0.0, end], [0.0, end], color=GREY, linewidth=0.8, zorder=1)
    ticks = end * np.array(_WIDENED_TICKS if is_widened else _TICKS)
    if is_widened:
        axis.set_xscale("function", functions=(_widened, _narrowed))
        axis.set_yscale("function", functions=(_widened, _narrowed))
        axis.grid(color="0.92", linewidth=0.6)
        ticks = np.append(ticks, _UPPER_TICK) if end == 1.0 else ticks
    names = [f"{tick:g}" for tick in ticks]
    axis.set_xticks(ticks, names)
    axis.set_yticks(ticks, names)
    axis.set(xlim=(0.0, end), ylim=(0.0, end), box_aspect=1.0)


def _widened(probability: FloatArray) -> FloatArray:
    return np.asarray(np.arcsin(np.sqrt(np.clip(probability, 0.0, 1.0))))


def _narrowed(angle: FloatArray) -> FloatArray:
    return np.asarray(np.sin(angle) ** 2)
