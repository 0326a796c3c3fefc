"""Tests of terms: a row for each, the statistic against what it may be by chance."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, final

import numpy as np
import numpy.typing as npt
from scipy import stats

from softglm.arrays import BoolArray, FloatArray
from softglm.inference.cells import p_text
from softglm.inference.hypotheses import NAMES, TermTests
from softglm.plots.legends import legend_of
from softglm.plots.panels import PanelDisplay, grid_of
from softglm.plots.rows import name_rows
from softglm.plots.style import COLORS, SMALL, keep_inside, literal

if TYPE_CHECKING:
    import pandas as pd

# Inches of a row, and of what is around the rows; rows in a picture: nobody reads more.
_ROW, _AROUND, _MOST_ROWS = 0.22, 1.1, 100
# Characters of the name of a row.
_NAME = 32
# Of the width of axes: what is beside the words in it, what they may take, and what is between ticks at least.
_GAP, _MOST_WORDS, _BETWEEN = 0.05, 0.6, 0.09


@final
@dataclass(eq=False)
class TermTestDisplay(PanelDisplay):
    """Statistics of tests of terms, sorted, beside what they exceed by chance. Made by `from_tests`.

    A point right of its tick is significant, and filled; others are hollow. The axis is one of square roots, so that
    small statistics can be told apart beside large ones.

    Attributes
    ----------
    tests : TermTests
        What is drawn.
    figure_ : matplotlib Figure
    axes_ : list of matplotlib Axes
        One, which is `ax_`.
    artists_ : list of Line2D
        The points of the significant terms, of the others, and the ticks.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> from softglm.plots import TermTestDisplay
    >>> X, y = load_wine(return_X_y=True)
    >>> X = X[:, :3]
    >>> display = TermTestDisplay.from_tests(infer(SoftmaxGLM(alpha=0).fit(X, y), X, y).test_terms())
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['x0', 'x1', 'x2']
    """

    tests: TermTests

    @classmethod
    def from_tests(cls, tests: TermTests, **options: Any) -> Self:
        """Draw tests of terms.

        Parameters
        ----------
        tests : TermTests
            What `Inference.test_terms` returns.
        **options
            Of `plot`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        return cls(tests).plot(**options)

    def plot(self, ax: Any = None, *, order: Literal["size", "given"] = "size", level: float = 0.05) -> Self:
        """Draw the display. Of more than 100 terms the first are drawn.

        Parameters
        ----------
        ax : Axes or None
            Where to; None makes a new figure.
        order : {"size", "given"}, default="size"
            The order of the terms from the top: by their p-values, the smallest first, or as they are.
        level : float, default=0.05
            Of the test: what the statistic exceeds so often by chance is marked in each row.

        Returns
        -------
        TermTestDisplay
            Itself.

        Raises
        ------
        ValueError
            If `order` is not one of these, or `level` not between 0 and 1.
        """
        if order not in {"size", "given"}:
            raise ValueError(f'order must be "size" or "given", got {order!r}.')
        if not 0.0 < level < 1.0:
            raise ValueError(f"level must be between 0 and 1, as 0.05 is, got {level!r}.")
        rows = self._order(order)[:_MOST_ROWS]
        tests, places = self.tests, np.arange(len(rows))
        self._open(ax, **grid_of(1, _AROUND + _ROW * len(rows)))
        axis, statistic, critical = self.ax_, tests.statistic[rows], self._critical(level)[rows]
        is_significant = tests.p_value[rows] < level
        axis.set_xscale("function", functions=(_signed_root, _signed_square))
        name_rows(axis, places, [literal(tests.terms[row], _NAME) for row in rows])
        axis.hlines(places, 0.0, statistic, color=COLORS[0], linewidth=1.4, zorder=2)
        tick: dict[str, Any] = {"color": "black", "markersize": 9, "label": f"critical value at {100 * level:g}%"}
        self.artists_ = [
            *self._points(statistic, is_significant, f"p < {level:g}", COLORS[0]),
            *self._points(statistic, ~is_significant & ~np.isnan(statistic), None, "white"),
            *axis.plot(critical, places, "|", **tick),
        ]
        self._write_beside(rows, float(np.nanmax([*statistic, *critical, 1.0])))
        axis.set_xlabel((" " if ax is None else "\n").join(self._unit(len(rows))))
        legend_of(axis)
        keep_inside(self.axes_)
        return self

    def to_frame(self) -> "pd.DataFrame":
        """Return the data frame of the tests."""
        return self.tests.to_frame()

    def _order(self, order: str) -> npt.NDArray[np.intp]:
        """Return the terms from the top to the bottom, those without a test last if by size."""
        if order == "given":
            return np.arange(len(self.tests.terms))
        p_value = np.where(np.isnan(self.tests.p_value), np.inf, self.tests.p_value)
        return np.lexsort((-self.tests.statistic, p_value))  # p-values that round to 0 by their statistics

    def _critical(self, level: float) -> FloatArray:
        """Return what each statistic exceeds so often by chance; NaN where there is none."""
        tests = self.tests
        df = np.where(np.isnan(tests.statistic), np.nan, tests.df)
        if tests.df_denominator is None:
            return np.asarray(stats.chi2.isf(level, df))
        return np.asarray(stats.f.isf(level, df, tests.df_denominator))

    def _points(self, statistic: FloatArray, chosen: BoolArray, label: str | None, face: str) -> list[Any]:
        places = np.flatnonzero(chosen)
        style: dict[str, Any] = {"color": COLORS[0], "markerfacecolor": face, "markersize": 5.5, "zorder": 3}
        return list(self.ax_.plot(statistic[places], places, "o", label=label, **style))

    def _write_beside(self, rows: npt.NDArray[np.intp], most: float) -> None:
        """Write degrees of freedom and p-values at the right end, and let the axis end where they leave room."""
        axis = self.ax_
        style: dict[str, Any] = {"transform": axis.get_yaxis_transform(), "ha": "right", "va": "center", "size": SMALL}
        words = [
            axis.text(0.995, place, self._words(row), **style)
            for place, (row, name) in enumerate(zip(rows.tolist(), axis.get_yticklabels(), strict=True))
            if name.get_text()  # of too many rows only some have a name
        ]
        self.figure_.draw_without_rendering()
        taken = max((word.get_window_extent().width for word in words), default=0.0)
        share = 1.0 - _GAP - min(taken / axis.get_window_extent().width, _MOST_WORDS)
        axis.set_xlim(0.0, most / share**2)
        ticks = _root_ticks(most, share)
        axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.minorticks_off()

    def _words(self, row: int) -> str:
        """Return the degrees of freedom of a test, and its p-value."""
        tests = self.tests
        if np.isnan(tests.statistic[row]):
            return "not tested"
        freedom = f"{tests.df[row]}"
        if tests.df_denominator is not None:
            freedom += f", {np.broadcast_to(tests.df_denominator, tests.df.shape)[row]:.3g}"
        return f"{freedom} df, {p_text(tests.p_value[row])}"

    def _unit(self, n_rows: int) -> tuple[str, str]:
        """Return what the axis measures, and how."""
        tests = self.tests
        unit = f"{NAMES[tests.kind]} {'chi-squared' if tests.df_denominator is None else 'F'}"
        left_out = f", {n_rows} of {len(tests.terms):,} terms" if n_rows < len(tests.terms) else ""
        return unit, f"(axis of square roots{left_out})"


def _root_ticks(most: float, share: float) -> list[float]:
    """Return round numbers up to the largest, far enough from each other where its root is this share of an axis."""
    ticks = [0.0]
    for power in range(-1, int(np.ceil(np.log10(most))) + 1):
        for tick in (10.0**power, 2.0 * 10.0**power, 5.0 * 10.0**power):
            if tick <= most and share * (np.sqrt(tick) - np.sqrt(ticks[-1])) >= _BETWEEN * np.sqrt(most):
                ticks.append(tick)
    return ticks


def _signed_root(values: FloatArray) -> FloatArray:
    return np.sign(values) * np.sqrt(np.abs(values))


def _signed_square(values: FloatArray) -> FloatArray:
    return np.sign(values) * np.square(values)
