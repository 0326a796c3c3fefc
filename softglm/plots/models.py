"""Coefficients of several models with their intervals: a row for each term, and a mark in it for each model."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.inference.side_by_side import RegressionTable
from softglm.plots.legends import legend_of, put_legend
from softglm.plots.limits import limit
from softglm.plots.log_odds import TERM, check_can_be_drawn, draw_log_odds, legible, title_of
from softglm.plots.panels import PanelDisplay, grid_of
from softglm.plots.rows import name_rows
from softglm.plots.style import GREY, SMALL, keep_inside, literal, space_ticks

if TYPE_CHECKING:
    import pandas as pd

# Inches from a model to the next, more where there are words; of a term; and of what is around the terms.
_STEP, _WORDY_STEP, _TERM, _AROUND = 0.1, 0.13, 0.2, 1.1
# The share of a row that its models take.
_BAND = 0.7


@final
@dataclass(eq=False)
class RegressionTableDisplay(PanelDisplay):
    """Log odds or odds ratios of several models side by side. Made by `from_table`.

    Attributes
    ----------
    table : RegressionTable
        What is drawn.
    contrasts : tuple of pairs of classes, length c
        Those that some model has; the second is the base class, None where each class is compared with the mean of all.
    terms : tuple of str, length t
    estimate, lower, upper : arrays of shape (c, m, t)
        Log odds of m models; infinite where the classes are separated, NaN where there are none.
    may_go_either_way, is_there : bool arrays of shape (c, m, t)
        Which infinite estimates may as well have the other sign; and which terms a model has.
    n_left_out : int
        The number of terms whose coefficients are too small to be among the 100 that are drawn.
    figure_ : matplotlib Figure
    axes_ : list of matplotlib Axes
        One for each contrast; `ax_` is the first.
    artists_ : list of ErrorbarContainer
        One for each contrast and model.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from softglm import SoftmaxGLM, infer, regression_table
    >>> from softglm.plots import RegressionTableDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> some = X[["petal length (cm)", "petal width (cm)"]]
    >>> results = [infer(SoftmaxGLM().fit(Z, y), Z, y) for Z in (some, X)]
    >>> display = RegressionTableDisplay.from_table(regression_table(results, names=["petals", "all"]))
    >>> [len(display.axes_), *(label.get_text() for label in display.figure_.legends[0].get_texts())]
    [2, 'petals', 'all']
    """

    table: RegressionTable
    contrasts: tuple[tuple[Any, Any], ...]
    terms: tuple[str, ...]
    estimate: FloatArray
    lower: FloatArray
    upper: FloatArray
    may_go_either_way: BoolArray
    is_there: BoolArray
    n_left_out: int = 0

    @classmethod
    def from_table(
        cls, table: RegressionTable, *, terms: Sequence[str] | None = None, intercept: bool = False, **options: Any
    ) -> Self:
        """Draw the models of a table.

        Parameters
        ----------
        table : RegressionTable
            What `softglm.regression_table` returns; one of odds ratios is drawn as such.
        terms : sequence of str, default=None
            Which to draw, in this order; by default all that some model has, of more than 100 the largest.
        intercept : bool, default=False
            Whether to draw the intercepts, where `terms` does not say.
        **options
            Of `plot`.

        Raises
        ------
        ValueError
            If no model has such a term.
        ImportError
            If matplotlib is not installed.
        """
        every = tuple(dict.fromkeys(chain.from_iterable(each.terms for each in table.coefficients)))
        wanted = [term for term in every if intercept or term != "Intercept"] if terms is None else list(terms)
        unknown = [term for term in wanted if term not in every]
        if unknown or isinstance(terms, str):
            wrong = terms if isinstance(terms, str) else unknown
            raise ValueError(f"terms has {wrong!r}, expected a list of some of {list(every[:10])}.")
        contrasts = tuple(
            dict.fromkeys((name, each.reference) for each in table.coefficients for name in each.classes.tolist())
        )
        shape = (len(contrasts), len(table.coefficients), len(wanted))
        estimate, lower, upper = (np.full(shape, np.nan) for _ in range(3))
        either, is_there = (np.zeros(shape, dtype=bool) for _ in range(2))
        for model, each in enumerate(table.coefficients):
            here = [place for place, term in enumerate(wanted) if term in each.terms]
            columns = [each.terms.index(wanted[place]) for place in here]
            for row, name in enumerate(each.classes.tolist()):
                at = contrasts.index((name, each.reference)), model, here
                estimate[at], lower[at], upper[at] = (
                    part[row, columns] for part in (each.estimate, each.lower, each.upper)
                )
                either[at], is_there[at] = each.may_go_either_way[row, columns], True
        chosen = legible(estimate) if terms is None else np.arange(len(wanted))
        display = cls(
            table=table,
            contrasts=contrasts,
            terms=tuple(wanted[place] for place in chosen),
            estimate=estimate[..., chosen],
            lower=lower[..., chosen],
            upper=upper[..., chosen],
            may_go_either_way=either[..., chosen],
            is_there=is_there[..., chosen],
            n_left_out=len(wanted) - len(chosen),
        )
        return display.plot(**{"odds_ratios": table.odds_ratios, **options})

    def plot(self, ax: Any = None, *, odds_ratios: bool = False) -> Self:
        """Draw the display: a panel for each contrast of classes.

        Parameters
        ----------
        ax : Axes, array of Axes or None
            Where to; None makes a new figure.
        odds_ratios : bool, default=False
            Whether to draw exp(estimate) on a logarithmic axis.

        Returns
        -------
        RegressionTableDisplay
            Itself.

        Raises
        ------
        ValueError
            If the number of axes is not that of the contrasts, or an odds ratio overflows.
        """
        check_can_be_drawn(self.estimate, odds_ratios=odds_ratios)
        c, m, t = self.estimate.shape
        step = _STEP if np.isfinite(self.estimate[self.is_there]).all() else _WORDY_STEP
        grid = grid_of(c, _AROUND + max(_TERM, step * m / _BAND) * t)
        self._open(ax, c, **grid, sharex=True, sharey=True)
        self.artists_ = []
        for k, axis in enumerate(self.axes_):
            axis.axvline(1.0 if odds_ratios else 0.0, color=GREY, linewidth=0.8, zorder=1)
            axis.set_xscale("log" if odds_ratios else "linear")
            name_rows(axis, np.arange(t), [literal(term, TERM) for term in self.terms])
            for model, name in enumerate(self.table.names):
                there = np.flatnonzero(self.is_there[k, model])
                estimate, lower, upper = (part[k, model, there] for part in (self.estimate, self.lower, self.upper))
                bars = draw_log_odds(
                    axis,
                    there + _BAND * ((model + 0.5) / m - 0.5),
                    (estimate, lower, upper),
                    self.may_go_either_way[k, model, there],
                    name=name,
                    style=model,
                    odds_ratios=odds_ratios,
                )
                self.artists_.append(bars)
            if not odds_ratios:
                space_ticks(axis)
            parts = (part[self.is_there] for part in (self.estimate, self.lower, self.upper))
            limit(axis, *parts, odds_ratios=odds_ratios)
            axis.set_title(title_of(*self.contrasts[k]), fontsize=SMALL)
        self._name_axes(self._unit(odds_ratios=odds_ratios), "", once=ax is None and c > 1)
        self._put_legend(is_ours=ax is None)
        keep_inside(self.axes_)
        return self

    def to_frame(self) -> "pd.DataFrame":
        """Return the data frame of the table."""
        return self.table.to_frame()

    def _unit(self, *, odds_ratios: bool) -> str:
        """Return what the axes measure."""
        levels = {each.level for each in self.table.coefficients}
        interval = f"{100 * levels.pop():g}% intervals" if len(levels) == 1 else "intervals, each of its model's level"
        unit = f"{'odds ratio' if odds_ratios else 'log odds'}, {interval}"
        if self.n_left_out:
            unit += f"; the {len(self.terms)} largest of {len(self.terms) + self.n_left_out:,} terms"
        return unit

    def _put_legend(self, *, is_ours: bool) -> None:
        """Name the models: above the panels of our own figure; of those that were given, in the first."""
        if len(self.axes_) == 1:
            legend_of(self.ax_)
            return
        handles, labels = self.ax_.get_legend_handles_labels()
        if is_ours:
            put_legend(self.figure_, handles, labels, len(labels), loc="outside upper center")
        else:
            put_legend(self.ax_, handles, labels, 1, loc="best")
