"""The scores of cross-validation over the strengths of the penalty, and what is chosen by them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.optional import pandas
from softglm.plots.legends import legend_of
from softglm.plots.style import (
    COLORS,
    GREY,
    MARKERS,
    SMALL,
    axes_of,
    figure_of,
    name_ticks,
    tidy_axis,
)
from softglm.selection import places

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The most counts above the axes.
_MOST_COUNTS = 7
# Of the range of the means, what errors may add to the axis above it: at the ends folds may differ by far more.
_MOST_RANGES = 1.0
# The room of a name beside a line, in shares of the axis.
_APART = 0.12


@final
@dataclass(eq=False)
class CVDisplay:
    """The mean score of each strength, with one standard error, and what is chosen. Made by `from_estimator`.

    Attributes
    ----------
    alphas : array of shape (n_alphas,)
        Decreasing.
    l1_ratios : array of shape (n_l1_ratios,)
    mean, error : arrays of shape (n_l1_ratios, n_alphas)
        What is drawn: the log loss, in nats, where that is the score; else the score.
    n_nonzero : array of shape (n_l1_ratios, n_alphas)
        Features in the model, the mean of the folds.
    best, simplest : tuple of two int
        The places of the best mean, and of the largest alpha within one standard error of it.
    is_loss : bool
        Whether less is better.
    figure_ : matplotlib Figure
    ax_ : matplotlib Axes
    artists_ : list of ErrorbarContainer
        One for each l1_ratio.
    labels_ : list of Text
        Of what is chosen.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from softglm import SoftmaxGLMCV
    >>> from softglm.plots import CVDisplay
    >>> model = SoftmaxGLMCV(20, l1_ratios=[1.0], standardize=True).fit(*load_iris(return_X_y=True))
    >>> display = CVDisplay.from_estimator(model)
    >>> [label.get_text() for label in display.labels_]
    ['min', '1 SE']
    """

    alphas: FloatArray
    l1_ratios: FloatArray
    mean: FloatArray
    error: FloatArray
    n_nonzero: FloatArray
    best: tuple[int, int]
    simplest: tuple[int, int]
    is_loss: bool
    figure_: "Figure" = field(init=False, repr=False)
    ax_: "Axes" = field(init=False, repr=False)
    artists_: list[Any] = field(init=False, repr=False)
    labels_: list[Any] = field(init=False, repr=False)

    @classmethod
    def from_estimator(cls, estimator: Any, **options: Any) -> Self:
        """Draw the scores of a fitted `SoftmaxGLMCV`.

        Parameters
        ----------
        estimator : SoftmaxGLMCV
            Fitted; a refit is not needed.
        **options
            Of `plot`.

        Raises
        ------
        TypeError
            If it is no `SoftmaxGLMCV`, or not fitted.
        ImportError
            If matplotlib is not installed.
        """
        if not hasattr(estimator, "mean_score_"):
            raise TypeError(f"CVDisplay got a {type(estimator).__name__}, expected a SoftmaxGLMCV that is fitted.")
        order = np.argsort(-estimator.alphas_, kind="stable")
        mean, error = estimator.mean_score_[:, order], estimator.standard_error_[:, order]
        best, simplest = places(mean, error, "1se")
        # Negative means are those of losses.
        is_loss = bool((mean <= 0.0).all())
        return cls(
            alphas=estimator.alphas_[order],
            l1_ratios=estimator.l1_ratios_,
            mean=-mean if is_loss else mean,
            error=error,
            n_nonzero=estimator.n_nonzero_[:, order],
            best=best,
            simplest=simplest,
            is_loss=is_loss,
        ).plot(**options)

    def plot(self, ax: "Axes | None" = None) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : Axes or None
            Where to; None makes a new figure.

        Returns
        -------
        CVDisplay
            Itself.
        """
        (self.ax_,) = axes_of(ax)
        self.figure_ = figure_of(self.ax_)
        axis = self.ax_
        axis.set_xscale("log")
        self.artists_ = [self._draw(row) for row in range(len(self.l1_ratios))]
        tidy_axis(axis)
        axis.set_xlabel("alpha")
        axis.set_ylabel("log loss, one standard error" if self.is_loss else "score, one standard error")
        self._limit()
        self.labels_ = [self._mark(place, name) for place, name in self._marked()]
        if len(self.l1_ratios) > 1:
            legend_of(axis, title="l1_ratio")
        elif self.n_nonzero.min() < self.n_nonzero.max():
            self._count()
        name_ticks(axis.xaxis)
        # Models grow from the left to the right.
        axis.invert_xaxis()
        return self

    def to_frame(self) -> "pd.DataFrame":
        """Return a data frame with the columns l1_ratio, alpha, mean, standard_error, n_nonzero."""
        n_ratios, n_alphas = self.mean.shape
        return pandas().DataFrame(
            {
                "l1_ratio": np.repeat(self.l1_ratios, n_alphas),
                "alpha": np.tile(self.alphas, n_ratios),
                "mean": self.mean.ravel(),
                "standard_error": self.error.ravel(),
                "n_nonzero": self.n_nonzero.ravel(),
            }
        )

    def _draw(self, row: int) -> Any:
        """Draw the means of an l1_ratio with their errors."""
        return self.ax_.errorbar(
            self.alphas,
            self.mean[row],
            yerr=self.error[row],
            color=COLORS[row % len(COLORS)],
            marker=MARKERS[row % len(MARKERS)],
            markersize=3.5,
            linewidth=0.8,
            elinewidth=0.8,
            label=f"{self.l1_ratios[row]:g}",
            zorder=3,
        )

    def _limit(self) -> None:
        """Keep the errors of a few strengths from making the rest a line."""
        low, high = float(self.mean.min()), float(self.mean.max())
        room = _MOST_RANGES * max(high - low, float(self.error[self.best]))
        bottom = max(float((self.mean - self.error).min()), low - room)
        top = min(float((self.mean + self.error).max()), high + room)
        margin = 0.05 * (top - bottom)
        self.ax_.set_ylim(bottom - margin, top + 2.0 * margin)

    def _marked(self) -> "list[tuple[tuple[int, int], str]]":
        """Return the places that are named."""
        best = "min" if self.is_loss else "best"
        if self.simplest == self.best:
            return [(self.best, f"{best}, 1 SE")]
        return [(self.best, best), (self.simplest, "1 SE")]

    def _mark(self, place: tuple[int, int], name: str) -> Any:
        """Mark a strength by a line, and name it on the side that is away from the other."""
        axis, alpha = self.ax_, float(self.alphas[place[1]])
        axis.axvline(alpha, color=GREY, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
        axis.plot(alpha, self.mean[place], marker="o", markersize=8, markerfacecolor="none", color=GREY, zorder=4)
        with np.errstate(divide="ignore", invalid="ignore"):  # no penalty is beyond a logarithmic axis
            first, here, last = np.log([self.alphas[0], alpha, self.alphas[-1]])
            is_at_left = first - here < _APART * (first - last)
            is_at_right = here - last < _APART * (first - last)
        # The simplest is to the left of the best.
        side = "left" if (place == self.best and not is_at_right) or is_at_left else "right"
        return axis.annotate(
            name,
            (alpha, 1.0),
            xycoords=axis.get_xaxis_transform(),
            xytext=(-3 if side == "right" else 3, -1),
            textcoords="offset points",
            ha=side,
            va="top",
            fontsize=SMALL,
            color=GREY,
        )

    def _count(self) -> None:
        """Say above the axes how many features are in the model."""
        step = -(-len(self.alphas) // _MOST_COUNTS)
        shown = np.arange(len(self.alphas))[::-step][::-1]
        above = self.ax_.secondary_xaxis("top")
        above.set_xticks(self.alphas[shown], [f"{count:.0f}" for count in self.n_nonzero[0, shown]])
        above.minorticks_off()
        above.tick_params(labelsize=SMALL, length=0)
        above.spines["top"].set_visible(False)
        above.set_xlabel("features in the model", fontsize=SMALL)
