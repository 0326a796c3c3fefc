"""Linear combinations of coefficients with their intervals, a row for each."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.inference.linear_combinations import LinearCombinations
from softglm.plots.limits import limit
from softglm.plots.log_odds import check_can_be_drawn, draw_log_odds
from softglm.plots.panels import PanelDisplay, grid_of
from softglm.plots.rows import name_rows
from softglm.plots.style import GREY, keep_inside, literal, space_ticks

if TYPE_CHECKING:
    import pandas as pd

# Inches: of a row, and of what is around the rows. Nobody reads more rows; characters of the name of one.
_ROW, _AROUND, _MOST_ROWS, _NAME = 0.2, 0.95, 100, 48


@final
@dataclass(eq=False)
class CombinationDisplay(PanelDisplay):
    """Linear combinations of coefficients, or their odds ratios, with intervals. Made by `from_combinations`.

    Attributes
    ----------
    combinations : LinearCombinations
        What is drawn.
    figure_ : matplotlib Figure
    axes_ : list of matplotlib Axes
        One, `ax_`.
    artists_ : list of ErrorbarContainer
        One.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> from softglm.plots import CombinationDisplay
    >>> X, y = load_wine(return_X_y=True)
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X[:, :2], y), X[:, :2], y)
    >>> display = CombinationDisplay.from_combinations(result.linear_combinations(["[1]x0 - [2]x0", "[1]x1 - [2]x1"]))
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['[1]x0 - [2]x0', '[1]x1 - [2]x1']
    """

    combinations: LinearCombinations

    @classmethod
    def from_combinations(cls, combinations: LinearCombinations, ax: Any = None) -> Self:
        """Draw linear combinations.

        Parameters
        ----------
        combinations : LinearCombinations
            What `Inference.linear_combinations` returns.
        ax : Axes or None
            Where to; None makes a new figure.

        Raises
        ------
        ValueError
            If an odds ratio overflows.
        ImportError
            If matplotlib is not installed.
        """
        return cls(combinations).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the display: odds ratios on a logarithmic axis. Of more than 100 rows the first are drawn.

        Parameters
        ----------
        ax : Axes or None
            Where to; None makes a new figure.

        Returns
        -------
        CombinationDisplay
            Itself.

        Raises
        ------
        ValueError
            If an odds ratio overflows.
        """
        found, intervals = self.combinations, self._log_odds
        ratios = found.are_odds_ratios
        check_can_be_drawn(intervals[0], odds_ratios=ratios)
        names = [literal(name, _NAME) for name in found.names[:_MOST_ROWS]]
        self._open(ax, **grid_of(1, _AROUND + _ROW * len(names)))
        axis, places = self.ax_, np.arange(len(names))
        axis.axvline(1.0 if ratios else 0.0, color=GREY, linewidth=0.8, zorder=1)
        axis.set_xscale("log" if ratios else "linear")
        either = found.may_go_either_way[:_MOST_ROWS]
        self.artists_ = [draw_log_odds(axis, places, intervals, either, name="", style=0, odds_ratios=ratios)]
        name_rows(axis, places, names)
        limit(axis, *intervals, odds_ratios=ratios)
        if not ratios:
            space_ticks(axis)
        kind = "simultaneous intervals" if found.adjust == "max-t" else "intervals"
        unit = f"{'odds ratio' if ratios else 'log odds'}, {100 * found.level:g}% {kind}"
        more = "" if len(names) == len(found.names) else f"; the first {len(names)} of {len(found.names):,}"
        axis.set_xlabel(f"{unit}{more}")
        keep_inside(self.axes_)
        return self

    def to_frame(self) -> "pd.DataFrame":
        """Return the data frame of the combinations."""
        return self.combinations.to_frame()

    @property
    def _log_odds(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The estimates that are drawn, with the ends of their intervals."""
        found = self.combinations
        estimate, lower, upper = (part[:_MOST_ROWS] for part in (found.estimate, found.lower, found.upper))
        if not found.are_odds_ratios:
            return estimate, lower, upper
        with np.errstate(divide="ignore"):
            return np.log(estimate), np.log(lower), np.log(upper)
