"""Coefficients over the strengths of a path, a panel for each class, with the names of the largest."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray, IntArray
from softglm.fitted_path import Path
from softglm.optional import pandas
from softglm.path import softglm_path
from softglm.plots.panels import PanelDisplay, columns_of
from softglm.plots.style import COLORS, GREY, LINES, SMALL, literal, panel_of, shortened, tidy_axis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Scale: TypeAlias = Literal["alpha", "l1", "deviance"]
_NAMES: dict[Scale, str] = {
    "alpha": "alpha, falling to the right",
    "l1": "sum of the sizes of the coefficients",
    "deviance": "share of the deviance explained",
}
_ABOVE = "above: coefficients other than 0"
# Panels beside each other: names take half of each. And inches: the least height.
_COLUMNS, _LEAST_HEIGHT = 4, 3.0
# Named lines: of a panel alone, and of one of many; and characters of a name there.
_NAMED, _NAMED_OF_MANY = 8, 4
_NAME, _SHORT_NAME = 24, 18
# Points between the middles of two names.
_APART = 11.0
# Ticks on the upper axis.
_COUNTS = 5
_OTHERS = "0.8"


@final
@dataclass(eq=False)
class PathDisplay(PanelDisplay):
    """Coefficients of the features over the strengths of the penalty. Made by `from_path` or `from_estimator`.

    Attributes
    ----------
    classes : tuple
        A panel for each; of two classes the second.
    features : tuple of str
    alphas, l1, deviance : array of shape (s,)
        The strengths; the sums of the sizes of all coefficients that are drawn; the shares of the deviance.
    coef : array of shape (s, K, p), or (s, 1, p) for two classes
        As they are drawn.
    is_per_deviation : bool
        Whether that is per standard deviation of a feature.
    figure_ : matplotlib Figure
    axes_ : list of matplotlib Axes
        One for each panel; `ax_` is the first.
    artists_ : list of lists of Line2D
        For each panel, the lines of the features that are named.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from softglm import softglm_path
    >>> from softglm.plots import PathDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> display = PathDisplay.from_path(softglm_path(X, y, standardize=True, n_alphas=40))
    >>> display.coef.shape, display.is_per_deviation
    ((40, 3, 4), True)
    """

    classes: tuple[Any, ...]
    features: tuple[str, ...]
    alphas: FloatArray
    l1: FloatArray
    deviance: FloatArray
    coef: FloatArray
    is_per_deviation: bool

    @classmethod
    def from_path(cls, path: Path, **options: Any) -> Self:
        """Draw a path.

        Parameters
        ----------
        path : Path
            Of `softglm_path`. With ``standardize=True`` coefficients are drawn per standard deviation of their feature,
            as the penalty has them; otherwise as they are.
        **options
            Of `plot`.

        Raises
        ------
        ValueError
            If the path has one strength only.
        ImportError
            If matplotlib is not installed.
        """
        if len(path) < 2:
            raise ValueError(f"The path has {len(path)} strength, expected at least two: there is no line to draw.")
        coef = np.stack([one.toarray() for one in path.coefs])
        if path.scale is not None:
            coef *= path.scale
        names = [f"x{j}" for j in range(coef.shape[2])] if path.feature_names is None else path.feature_names
        return cls(
            classes=tuple((path.classes if len(path.classes) > 2 else path.classes[1:]).tolist()),
            features=tuple(map(str, names)),
            alphas=path.alphas,
            l1=np.abs(coef).sum(axis=(1, 2)),
            deviance=path.deviance_explained,
            coef=coef,
            is_per_deviation=path.scale is not None,
        ).plot(**options)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, sample_weight: Any = None, **options: Any) -> Self:
        """Fit a path with the parameters of an estimator, and draw it.

        Parameters
        ----------
        estimator : SoftmaxGLM
            Whose penalty is drawn over its strengths; it need not be fitted, and is not modified.
        X, y, sample_weight : array-like
            As `softglm_path` takes them.
        **options
            Of `plot`.

        Raises
        ------
        ValueError, TypeError
            As `softglm_path` does, or if this is no `SoftmaxGLM`.
        """
        if not hasattr(estimator, "l1_ratio") or not hasattr(estimator, "penalty_factors"):
            raise TypeError(
                f"PathDisplay got a {type(estimator).__name__}, expected a SoftmaxGLM. Of others draw a path that "
                "softglm_path has fitted: from_path."
            )
        kept = (
            "l1_ratio",
            "penalty_factors",
            "grouped",
            "groups",
            "within_ratio",
            "lower",
            "upper",
            "standardize",
            "fit_intercept",
            "class_weight",
        )
        parameters = {name: getattr(estimator, name) for name in kept}
        return cls.from_path(softglm_path(X, y, sample_weight=sample_weight, **parameters), **options)

    def plot(
        self,
        ax: Any = None,
        *,
        against: Scale = "alpha",
        n_named: int | None = None,
    ) -> Self:
        """Draw the display.

        Above each panel is how many coefficients of the class are not 0.

        Parameters
        ----------
        ax : Axes, array of Axes or None
            One for each class; None makes a new figure.
        against : {"alpha", "l1", "deviance"}, default="alpha"
            The strength on a logarithmic axis; or what it lets through.
        n_named : int or None, default=None
            How many lines of a panel have the name of their feature: those that are largest at the end of the path;
            the rest are grey. None is 8 for a single panel, else 4.

        Returns
        -------
        PathDisplay
            Itself.

        Raises
        ------
        ValueError
            If `against` is not one of these, or the number of axes is not that of the panels.
        """
        if against not in _NAMES:
            raise ValueError(f"against must be one of {list(_NAMES)}, got {against!r}.")
        n_panels = len(self.classes)
        is_alone = n_panels == 1
        n_named = (_NAMED if is_alone else _NAMED_OF_MANY) if n_named is None else n_named
        n_columns = min(columns_of(n_panels), _COLUMNS)
        width, height = panel_of(n_columns)
        panel = (width, max(height, _LEAST_HEIGHT))
        self._open(ax, n_panels, n_columns=n_columns, panel=panel, sharex=True, sharey=True)
        places = {"alpha": self.alphas, "l1": self.l1, "deviance": self.deviance}[against]
        chosen = [_largest(self.coef[-1, k], n_named) for k in range(n_panels)]
        styles = {feature: rank for rank, feature in enumerate(dict.fromkeys(np.concatenate(chosen).tolist()))}
        self.artists_ = [self._draw(axis, places, k, chosen[k], styles) for k, axis in enumerate(self.axes_)]
        for k, axis in enumerate(self.axes_):
            self._dress(axis, places, k, against)
        unit = "log odds per standard deviation" if self.is_per_deviation else "log odds per unit"
        self._name_axes(f"{_NAMES[against]}; {_ABOVE}", unit, once=ax is None and not is_alone)
        self.figure_.draw_without_rendering()
        for k, axis in enumerate(self.axes_):
            self._name_lines(axis, k, places[-1], self.artists_[k], chosen[k])
        return self

    def to_frame(self) -> "pd.DataFrame":
        """Return a data frame with the columns alpha, class, feature, coefficient: as drawn, 0 left out."""
        strength, row, column = np.nonzero(self.coef)
        return pandas().DataFrame(
            {
                "alpha": self.alphas[strength],
                "class": np.asarray(self.classes, dtype=object)[row],
                "feature": np.asarray(self.features, dtype=object)[column],
                "coefficient": self.coef[strength, row, column],
            }
        )

    def _draw(self, axis: "Axes", places: FloatArray, k: int, chosen: IntArray, styles: dict[int, int]) -> list[Any]:
        """Draw the lines of a class; return those of the features that are to be named."""
        others = np.setdiff1d(np.flatnonzero(self.coef[:, k].any(axis=0)), chosen)
        axis.plot(places, self.coef[:, k, others], color=_OTHERS, linewidth=0.7, zorder=1)
        lines = []
        for feature in chosen.tolist():
            rank = styles[feature]
            style = {"color": COLORS[rank % len(COLORS)], "linestyle": LINES[rank // len(COLORS) % len(LINES)]}
            lines += axis.plot(
                places,
                self.coef[:, k, feature],
                linewidth=1.4,
                zorder=2,
                label=shortened(self.features[feature]),
                **style,
            )
        return lines

    def _dress(self, axis: "Axes", places: FloatArray, k: int, against: Scale) -> None:
        tidy_axis(axis)
        axis.axhline(0.0, color="0.7", linewidth=0.6, zorder=0)
        if against == "alpha":
            axis.set_xscale("log")
            axis.set_xlim(places.max(), places.min())
            axis.minorticks_off()
        else:
            axis.set_xlim(places.min(), places.max())
        axis.set_title(literal(self.classes[k]), fontsize=SMALL, pad=18.0)
        above = axis.secondary_xaxis("top")
        ticks = _spread_over(places, is_log=against == "alpha")
        counts = (self.coef[:, k] != 0.0).sum(axis=1)
        above.set_xticks(places[ticks], [str(counts[tick]) for tick in ticks], minor=False)
        above.set_xticks([], minor=True)
        above.tick_params(labelsize=SMALL, length=2, pad=1, colors=GREY)
        above.spines["top"].set_visible(False)

    def _name_lines(self, axis: "Axes", k: int, end: float, lines: list[Any], chosen: IntArray) -> None:
        """Write the names of lines beside their ends, apart from each other."""
        is_alone = len(self.axes_) == 1
        low, high = axis.get_ylim()
        middles = (self.coef[-1, k, chosen] - low) / (high - low)
        heights = _apart(middles, _APART / 72.0 * self.figure_.dpi / axis.get_window_extent().height)
        for feature, line, height, value in zip(chosen.tolist(), lines, heights, self.coef[-1, k, chosen], strict=True):
            axis.annotate(
                literal(self.features[feature], _NAME if is_alone else _SHORT_NAME),
                xy=(end, value),
                xytext=(1.05, height),
                textcoords=axis.transAxes,
                fontsize=SMALL,
                va="center",
                annotation_clip=False,
                arrowprops={"arrowstyle": "-", "color": line.get_color(), "linewidth": 0.5, "shrinkA": 1, "shrinkB": 0},
            )


def _largest(values: FloatArray, count: int) -> IntArray:
    """Return the places of so many values that are largest in size, and not 0, in that order."""
    order = np.argsort(-np.abs(values), kind="stable")[: max(count, 0)]
    return np.asarray(order[values[order] != 0.0], dtype=np.int32)


def _spread_over(places: FloatArray, *, is_log: bool) -> npt.NDArray[np.intp]:
    """Return a few indices of places that are about evenly spread over their axis, the first and the last in."""
    along = np.log(places) if is_log else places
    wanted = np.linspace(along[0], along[-1], _COUNTS)
    return np.unique(np.abs(along - wanted[:, np.newaxis]).argmin(axis=1))


def _apart(middles: FloatArray, least: float) -> FloatArray:
    """Return heights near these, in their order, no two closer than `least`; within 0 and 1 if they fit."""
    order = np.argsort(middles, kind="stable")
    heights = middles[order].copy()
    for place in range(1, len(heights)):
        heights[place] = max(heights[place], heights[place - 1] + least)
    if len(heights):
        # Where they were pushed up, half of the way back; and not out of the panel.
        heights -= min(float(np.mean(heights - middles[order])), max(float(heights[0]), 0.0))
        heights -= max(float(heights[-1]) - 1.0, 0.0)
    result = np.empty_like(heights)
    result[order] = heights
    return result
