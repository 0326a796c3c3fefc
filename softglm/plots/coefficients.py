"""Coefficients with their intervals, one row per term."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.inference.coefficients import Coefficients, OddsRatios
from softglm.inference.deviations import standard_deviations
from softglm.inference.inference import Inference
from softglm.optional import pandas
from softglm.plots.legends import legend_of
from softglm.plots.limits import limit
from softglm.plots.log_odds import TERM, by_size, check_can_be_drawn, draw_log_odds, legible, title_of
from softglm.plots.panels import PanelDisplay, grid_of
from softglm.plots.rows import name_rows
from softglm.plots.style import (
    GREY,
    SMALL,
    keep_inside,
    literal,
    space_ticks,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# Inches: of a term, of one of many, and of what is around the terms.
_TERM_HEIGHT, _LEAST_TERM_HEIGHT, _AROUND = 0.2, 0.155, 0.95
_MANY_TERMS = 25
# Of terms with many contrasts each, the height for which these give way.
_TALL = 20.0
# When contrasts share axes: inches from one to the next, more where there are words, and the share of a term's row.
_STEP, _WORDY_STEP, _BAND = 0.08, 0.12, 0.7
# Characters of a name above a legend, for which there is little room beside the terms.
_LEGEND_NAME = 16


@final
@dataclass(eq=False)
class CoefficientDisplay(PanelDisplay):
    """Log odds or odds ratios, with intervals. Made by `from_inference` or `from_coefficients`.

    Attributes
    ----------
    classes : array of shape (K - 1,)
        Without the base class.
    reference : object
        The base class; None where each class is compared with the mean of all.
    terms : tuple of str, length t
    estimate, lower, upper : array of shape (K - 1, t)
        Log odds; infinite where the classes are separated, NaN where the data do not determine them.
    may_go_either_way : bool array of shape (K - 1, t)
        Which infinite estimates may as well have the other sign.
    level : float
        Of the intervals.
    is_per_deviation : bool
        Whether the features count in their standard deviations.
    units : dict from str to str
        What a unit of a term is, where a scaler in a pipeline made it: its row is then called "per SD of age".
    n_left_out : int
        The number of terms whose coefficients are too small to be among the 100 that are drawn.
    figure_ : matplotlib Figure
    axes_ : list of matplotlib Axes
        One for each panel; `ax_` is the first.
    artists_ : list of ErrorbarContainer
        One for each contrast of classes.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from softglm import SoftmaxGLM, infer
    >>> from softglm.plots import CoefficientDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> display = CoefficientDisplay.from_inference(infer(SoftmaxGLM().fit(X, y), X, y), odds_ratios=True)
    >>> len(display.axes_), display.ax_.get_xscale()
    (2, 'log')
    """

    classes: npt.NDArray[Any]
    reference: Any
    terms: tuple[str, ...]
    estimate: FloatArray
    lower: FloatArray
    upper: FloatArray
    may_go_either_way: BoolArray
    level: float
    is_per_deviation: bool = False
    units: Mapping[str, str] = field(default_factory=dict)
    n_left_out: int = 0

    @classmethod
    def from_inference(
        cls,
        inference: Inference,
        *,
        terms: Sequence[str] | None = None,
        intercept: bool = False,
        per_deviation: bool = False,
        **options: Any,
    ) -> Self:
        """Draw the coefficients of an inference.

        Parameters
        ----------
        inference : Inference
            Of `softglm.infer`. Its base class is the one of the picture (`Inference.rebase`).
        terms : sequence of str, default=None
            Which to draw, in this order; all by default, of more than 100 the largest.
        intercept : bool, default=False
            Whether to draw the intercepts, where `terms` does not say.
        per_deviation : bool, default=False
            Whether to multiply coefficients by the (weighted) standard deviations of their columns, which makes columns
            of different units comparable.
        **options
            Of `plot`.

        Raises
        ------
        ValueError
            If there is no such term.
        ImportError
            If matplotlib is not installed.
        """
        features, every = inference.features, inference.terms
        scale = np.ones(len(every))
        if per_deviation:
            scale[len(every) - len(features) :] = standard_deviations(inference.estimate.objective.rows)
        display = cls._of(inference.coefficients, terms, every if intercept else features, scale)
        display.is_per_deviation = per_deviation
        return display.plot(**options)

    @classmethod
    def from_coefficients(
        cls,
        table: Coefficients | OddsRatios,
        *,
        terms: Sequence[str] | None = None,
        intercept: bool = False,
        **options: Any,
    ) -> Self:
        """Draw a table of coefficients, profiled, pooled or symmetric ones included, or of odds ratios.

        Parameters
        ----------
        table : Coefficients or OddsRatios
            As `Inference.coefficients` is.
        terms : sequence of str, default=None
            Which to draw, in this order; all by default, of more than 100 the largest.
        intercept : bool, default=False
            Whether to draw the intercepts, where `terms` does not say.
        **options
            Of `plot`; odds ratios are drawn as such.

        Raises
        ------
        ValueError, ImportError
            As `from_inference` does.
        """
        if isinstance(table, OddsRatios):
            options = {"odds_ratios": True, **options}
        features = [term for term in table.terms if intercept or term != "Intercept"]
        return cls._of(table, terms, features, np.ones(len(table.terms))).plot(**options)

    @classmethod
    def _of(
        cls,
        table: Coefficients | OddsRatios,
        terms: Sequence[str] | None,
        by_default: Sequence[str],
        scale: FloatArray,
    ) -> Self:
        """Take some terms of a table, or those that are drawn by default: of very many the largest."""
        every = list(table.terms)
        wanted = list(by_default) if terms is None else terms
        unknown = [term for term in wanted if term not in every]
        if unknown or isinstance(terms, str):
            raise ValueError(f"terms has {unknown or terms!r}, expected a list of some of {every[:10]}.")
        chosen = np.array([every.index(term) for term in wanted], dtype=np.intp)
        estimate, lower, upper = (np.where(np.isfinite(part), part * scale, part) for part in _log_odds(table))
        if terms is None:
            chosen = chosen[legible(estimate[:, chosen])]
        return cls(
            classes=table.classes,
            reference=table.reference,
            terms=tuple(every[place] for place in chosen),
            estimate=estimate[:, chosen],
            lower=lower[:, chosen],
            upper=upper[:, chosen],
            may_go_either_way=table.may_go_either_way[:, chosen],
            level=table.level,
            units=table.units,
            n_left_out=len(wanted) - len(chosen),
        )

    def plot(
        self,
        ax: Any = None,
        *,
        layout: Literal["panels", "together"] | None = None,
        order: Literal["given", "size"] = "given",
        odds_ratios: bool = False,
    ) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : Axes, array of Axes or None
            Where to; None makes a new figure.
        layout : {"panels", "together"}, default=None
            A panel for each contrast of classes, or all in one, told apart by color and marker. By default panels,
            unless a single `ax` is given.
        order : {"given", "size"}, default="given"
            The order of the terms from the top: as they are, or by their largest estimate, infinite ones first and
            undetermined ones last.
        odds_ratios : bool, default=False
            Whether to draw exp(estimate) on a logarithmic axis. For three classes and more Stata calls them
            relative-risk ratios.

        Returns
        -------
        CoefficientDisplay
            Itself.

        Raises
        ------
        ValueError
            If an option is not one of these, the number of axes is not that of the panels, or an odds ratio overflows.
        """
        n_contrasts, t = len(self.classes), len(self.terms)
        if layout is None:
            layout = "panels" if ax is None or np.size(ax) == n_contrasts else "together"
        self._check_options(layout, order, odds_ratios=odds_ratios)
        n_panels = n_contrasts if layout == "panels" else 1
        step = _STEP if np.isfinite(self.estimate).all() else _WORDY_STEP
        per_term = _TERM_HEIGHT if t < _MANY_TERMS else _LEAST_TERM_HEIGHT
        if layout == "together":
            per_term = max(per_term, min(step * n_contrasts / _BAND, _TALL / max(t, 1)))
        self._open(ax, n_panels, **grid_of(n_panels, _AROUND + per_term * t), sharex=True, sharey=True)
        self.artists_ = []
        positions = np.empty(t)
        positions[self._order(order)] = np.arange(t)
        for axis in self.axes_:
            axis.axvline(1.0 if odds_ratios else 0.0, color=GREY, linewidth=0.8, zorder=1)
            axis.set_xscale("log" if odds_ratios else "linear")
        for k in range(n_contrasts):
            if layout == "panels":
                artist = self._draw(self.axes_[k], k, positions, 0, odds_ratios=odds_ratios)
            else:
                shifted = positions + _BAND * ((k + 0.5) / n_contrasts - 0.5)
                artist = self._draw(self.ax_, k, shifted, k, odds_ratios=odds_ratios)
            self.artists_.append(artist)
        for axis in self.axes_:
            self._dress(axis, positions, odds_ratios=odds_ratios)
        self._name_unit(odds_ratios=odds_ratios, once=ax is None)
        keep_inside(self.axes_)
        if layout == "together":
            base = None if self.reference is None else f"against {literal(self.reference, _LEGEND_NAME)}"
            legend_of(self.ax_, title=base)
            if not odds_ratios:
                # Beside long names and a long legend there may be little room.
                self.figure_.draw_without_rendering()
                space_ticks(self.ax_)
            return self
        for name, axis in zip(self.classes, self.axes_, strict=True):
            axis.set_title(title_of(name, self.reference), fontsize=SMALL)
        return self

    def to_frame(self) -> "pd.DataFrame":
        """Return a data frame with the columns class, term, estimate, lower, upper, in log odds."""
        K, t = self.estimate.shape
        return pandas().DataFrame(
            {
                "class": np.repeat(self.classes, t),
                "term": np.tile(np.array(self.terms, dtype=object), K),
                "estimate": self.estimate.ravel(),
                "lower": self.lower.ravel(),
                "upper": self.upper.ravel(),
            }
        )

    def _check_options(self, layout: str, order: str, *, odds_ratios: bool) -> None:
        if layout not in {"panels", "together"}:
            raise ValueError(f'layout must be "panels" or "together", got {layout!r}.')
        if order not in {"given", "size"}:
            raise ValueError(f'order must be "given" or "size", got {order!r}.')
        check_can_be_drawn(self.estimate, odds_ratios=odds_ratios)

    def _order(self, order: str) -> npt.NDArray[np.intp]:
        """Return the terms from the top to the bottom."""
        if order == "given":
            return np.arange(len(self.terms))
        return by_size(self.estimate)

    def _draw(self, axis: "Axes", k: int, places: FloatArray, style: int, *, odds_ratios: bool) -> Any:
        """Draw a contrast."""
        intervals = self.estimate[k], self.lower[k], self.upper[k]
        return draw_log_odds(
            axis,
            places,
            intervals,
            self.may_go_either_way[k],
            name=self.classes[k],
            style=style,
            odds_ratios=odds_ratios,
        )

    def _dress(self, axis: "Axes", positions: FloatArray, *, odds_ratios: bool) -> None:
        name_rows(axis, positions, self._names)
        if not odds_ratios:
            space_ticks(axis)
        limit(axis, self.estimate, self.lower, self.upper, odds_ratios=odds_ratios)

    @property
    def _names(self) -> list[str]:
        """What stands beside each row; where all count in standard deviations the axis says so."""
        units = {} if self.is_per_deviation else self.units
        return [literal(f"per {units[term]}" if term in units else term, TERM) for term in self.terms]

    def _name_unit(self, *, odds_ratios: bool, once: bool) -> None:
        """Say below the axes what they measure: once, in a figure of ours, which is wide enough for one line."""
        unit = "odds ratio" if odds_ratios else "log odds"
        interval = f"{100 * self.level:g}% interval"
        if self.is_per_deviation:
            unit += " per standard deviation"
        if self.n_left_out:
            interval += f"; the {len(self.terms)} largest of {len(self.terms) + self.n_left_out:,} terms"
        if once:
            self.figure_.supxlabel(f"{unit}, {interval}", fontsize=SMALL)
            return
        for axis in self.axes_:
            axis.set_xlabel(f"{unit}\n{interval}" if self.is_per_deviation else f"{unit}, {interval}", fontsize=SMALL)


def _log_odds(table: Coefficients | OddsRatios) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the estimates of a table with the ends of their intervals."""
    if isinstance(table, Coefficients):
        return table.estimate, table.lower, table.upper
    with np.errstate(divide="ignore"):
        return np.log(table.ratio), np.log(table.lower), np.log(table.upper)
