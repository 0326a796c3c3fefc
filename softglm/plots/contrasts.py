"""Contrasts of probabilities with their intervals, a row for each and a mark for each class."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np

from softglm.inference.cells import shown_value
from softglm.inference.contrasts import Contrasts
from softglm.plots.legends import legend_of
from softglm.plots.panels import PanelDisplay
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
    panel_of,
    shortened,
    tidy_axis,
)

if TYPE_CHECKING:
    import pandas as pd

# Inches: from one class to the next, and of what is around the contrasts.
_STEP, _AROUND = 0.1, 0.95
# The share of a contrast's row that its classes take.
_BAND = 0.7
# Characters of a contrast.
_NAME = 36
_UNITS = {"difference": "difference of probabilities", "ratio": "ratio of probabilities", "odds_ratio": "odds ratio"}


@final
@dataclass(eq=False)
class ContrastDisplay(PanelDisplay):
    """Differences, ratios or odds ratios of probabilities with their intervals. Made by `from_contrasts`.

    Attributes
    ----------
    contrasts : Contrasts
        What is drawn.
    figure_ : matplotlib Figure
    axes_ : list of matplotlib Axes
        A single one, `ax_`.
    artists_ : list of ErrorbarContainer
        One for each class; none of what the data do not determine.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from softglm import SoftmaxGLM, infer
    >>> from softglm.plots import ContrastDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> result = infer(SoftmaxGLM().fit(X, y), X, y)
    >>> display = ContrastDisplay.from_contrasts(result.contrasts("petal width (cm)", [0.5, 1.5, 2.5]))
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['1.5 - 0.5', '2.5 - 0.5']
    """

    contrasts: Contrasts

    @classmethod
    def from_contrasts(cls, contrasts: Contrasts, **options: Any) -> Self:
        """Draw contrasts.

        Parameters
        ----------
        contrasts : Contrasts
            What `Inference.contrasts` returns.
        **options
            Of `plot`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        return cls(contrasts).plot(**options)

    def plot(self, ax: Any = None) -> Self:
        """Draw the display: ratios on a logarithmic axis.

        Parameters
        ----------
        ax : Axes or None
            Where to; None makes a new figure.

        Returns
        -------
        ContrastDisplay
            Itself.

        Raises
        ------
        ValueError
            If there is more than one axes.
        """
        found = self.contrasts
        c, K = found.estimate.shape
        width, height = panel_of()
        self._open(ax, panel=(width, max(height, _AROUND + _STEP * K / _BAND * c)))
        is_ratio = found.kind != "difference"
        self.ax_.axvline(1.0 if is_ratio else 0.0, color=GREY, linewidth=0.8, zorder=1)
        self.ax_.set_xscale("log" if is_ratio else "linear")
        self.artists_ = [self._draw(k) for k in range(K)]
        tidy_axis(self.ax_)
        if is_ratio:
            name_ticks(self.ax_.xaxis)
        self.ax_.set_yticks(
            np.arange(c), names_that_fit(self.ax_, np.arange(c), [literal(name, _NAME) for name in self._names])
        )
        self.ax_.tick_params(axis="y", length=0)
        self.ax_.set_ylim(c - 0.5, -0.5)
        intervals = "simultaneous intervals" if found.adjust == "max-t" else "intervals"
        self.ax_.set_xlabel(f"{_UNITS[found.kind]}, {100 * found.level:g}% {intervals}", fontsize=SMALL)
        self.ax_.set_ylabel(shortened(found.term, _NAME))
        legend_of(self.ax_)
        keep_inside(self.axes_)
        return self

    def to_frame(self) -> "pd.DataFrame":
        """Return the data frame of the contrasts."""
        return self.contrasts.to_frame()

    @property
    def _names(self) -> list[str]:
        """What stands beside each row."""
        found = self.contrasts
        if found.by is None:
            return list(found.contrasts)
        return [
            f"{contrast}, {found.by} = {shown_value(group)}"
            for contrast, group in zip(found.contrasts, found.groups, strict=True)
        ]

    def _draw(self, k: int) -> Any:
        """Draw a class beside the others, where it has finite intervals."""
        found = self.contrasts
        c, K = found.estimate.shape
        centre, low, high = (part[:, k] for part in (found.estimate, found.lower, found.upper))
        known = np.isfinite(centre) & np.isfinite(low) & np.isfinite(high) & (centre != 0.0)
        places = np.arange(c) + _BAND * ((k + 0.5) / K - 0.5)
        return self.ax_.errorbar(
            centre[known],
            places[known],
            xerr=bars_of(centre[known], low[known], high[known]),
            color=COLORS[k % len(COLORS)],
            marker=MARKERS[k % len(MARKERS)],
            markersize=4.5,
            linestyle="none",
            elinewidth=1.4,
            label=shortened(found.classes[k]),
            zorder=3,
        )
