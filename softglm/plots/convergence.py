"""How far fits are from the optimum, against what they have cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.optional import pandas
from softglm.plots.legends import legend_of, put_legend
from softglm.plots.panels import PanelDisplay
from softglm.plots.style import (
    GREY,
    SMALL,
    line_style,
    name_ticks,
    shortened,
    tidy_axis,
)
from softglm.trace import Trace

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Cost: TypeAlias = Literal["evaluations", "seconds"]
_COSTS: dict[Cost, str] = {"evaluations": "evaluations of loss and gradient", "seconds": "seconds"}
# Of a loss, what float64 does not resolve.
_ROUNDING = float(np.finfo(np.float64).eps)
_LEGEND_COLUMNS, _MOST_CHARACTERS = 3, 40
# Steps between ticks, and markers on a line.
_MOST_TICKS, _MARKED = 5, 8
# Decades below the least gap.
_BELOW = 1.2


@final
@dataclass(eq=False)
class ConvergenceDisplay(PanelDisplay):
    """Relative suboptimality of several fits on their way. Made by `from_estimators` or `from_traces`.

    Attributes
    ----------
    traces : dict from name to Trace
    figure_ : matplotlib Figure
    axes_ : list of matplotlib Axes
        One for each cost; `ax_` is the first.
    artists_ : list of lists of Line2D
        For each of the axes, a line for each trace.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.linear_model import LogisticRegression
    >>> from softglm import SoftmaxGLM
    >>> from softglm.plots import ConvergenceDisplay
    >>> rivals = {"SoftmaxGLM": SoftmaxGLM(), "LogisticRegression": LogisticRegression(max_iter=20)}
    >>> display = ConvergenceDisplay.from_estimators(rivals, *load_wine(return_X_y=True), repeats=1)
    >>> bool(display.traces["SoftmaxGLM"].gap[-1] < 1e-9 < display.traces["LogisticRegression"].gap[-1])
    True
    """

    traces: dict[str, Trace]

    @classmethod
    def from_estimators(
        cls,
        estimators: Mapping[str, Any],
        X: Any,
        y: Any,
        *,
        repeats: int = 3,
        **options: Any,
    ) -> Self:
        """Fit estimators to the same data, record their losses and draw them.

        Parameters
        ----------
        estimators : dict from name to estimator
            Each as `Trace.record` takes it; they are not modified. Where they minimise different losses, as behind a
            scaler, the gap of each is that to its own minimum.
        X, y : array-like
            As `Trace.record` takes them.
        repeats : int, default=3
            How often each fit is timed; the fastest counts.
        **options
            Of `plot`.

        Raises
        ------
        ValueError, TypeError
            As `Trace.record` and `from_traces` do.
        """
        _check_names(estimators, "estimators")
        return cls.from_traces(
            {name: Trace.record(estimator, X, y, repeats=repeats) for name, estimator in estimators.items()}, **options
        )

    @classmethod
    def from_traces(cls, traces: Mapping[str, Trace], **options: Any) -> Self:
        """Draw traces, recorded by whatever means.

        Parameters
        ----------
        traces : dict from name to Trace
            In the order of the legend.
        **options
            Of `plot`.

        Raises
        ------
        ValueError
            If there is no trace, or they have no cost in common.
        ImportError
            If matplotlib is not installed.
        """
        _check_names(traces, "traces")
        return cls(dict(traces)).plot(**options)

    def plot(
        self,
        ax: Any = None,
        *,
        against: Cost | Sequence[Cost] | None = None,
    ) -> Self:
        """Draw the display.

        A line ends where it reaches the rounding of the losses in float64, or what the minimum is known to
        (`Trace.resolution`), at the next power of ten: what a fit does from there on is noise. What is below that is
        shaded, and named.

        Parameters
        ----------
        ax : Axes, array of Axes or None
            One for each cost; None makes a new figure.
        against : {"evaluations", "seconds"}, or several, default=None
            The costs, a panel each; by default those that every trace has.

        Returns
        -------
        ConvergenceDisplay
            Itself.

        Raises
        ------
        ValueError
            If a trace does not know a cost, or the number of axes is not that of the panels.
        """
        costs = self._costs(against)
        self._open(ax, len(costs), n_columns=len(costs), sharey=True)
        self.artists_ = []
        gaps = {name: _above_floor(trace) for name, trace in self.traces.items()}
        floors = [_floor(trace) for trace in self.traces.values() if (trace.gap <= _floor(trace)).any()]
        for cost, axis in zip(costs, self.axes_, strict=True):
            axis.set(xscale="log", yscale="log")
            tidy_axis(axis)
            axis.set_xlabel(_COSTS[cost])
            axis.grid(axis="y", color="0.92", linewidth=0.6)
            self.artists_.append([])
            for position, (name, trace) in enumerate(self.traces.items()):
                spent = getattr(trace, cost)[: len(gaps[name])]
                step = max(len(spent) // _MARKED, 1)
                (line,) = axis.plot(
                    spent,
                    gaps[name],
                    label=shortened(name, _MOST_CHARACTERS),
                    markersize=4,
                    markevery=step,
                    linewidth=1.6,
                    **line_style(position),
                )
                # Where it ends; the markers on the way need not fall there.
                axis.plot(spent[-1:], gaps[name][-1:], marker=line.get_marker(), color=line.get_color(), markersize=7)
                self.artists_[-1].append(line)
            name_ticks(axis.xaxis)
        self.ax_.set_ylabel("relative suboptimality")
        for axis in self.axes_:
            _tick_gaps(axis, np.concatenate(list(gaps.values())))
            if floors:
                _shade_floor(axis, min(floors))
        if len(costs) == 1 or ax is not None:
            legend_of(self.ax_)
        else:
            n_columns = min(len(self.traces), _LEGEND_COLUMNS)
            lines = self.artists_[0]
            labels = [line.get_label() for line in lines]
            put_legend(self.figure_, lines, labels, n_columns, loc="outside upper center", handlelength=3.0)
        return self

    def to_frame(self) -> "pd.DataFrame":
        """Return a data frame with the columns name, evaluations, seconds, loss, gap; an unknown cost is NaN."""
        pd = pandas()
        frames = []
        for name, trace in self.traces.items():
            frames.append(trace.to_frame())
            frames[-1].insert(0, "name", name)
        return pd.concat(frames, ignore_index=True)

    def _costs(self, against: Cost | Sequence[Cost] | None) -> list[Cost]:
        """Return the costs to draw."""
        known: list[Cost] = [
            cost for cost in _COSTS if all(getattr(trace, cost) is not None for trace in self.traces.values())
        ]
        wanted = known if against is None else [against] if isinstance(against, str) else list(against)
        unknown = [cost for cost in wanted if cost not in _COSTS]
        if unknown:
            raise ValueError(f"against has {unknown}, expected some of {list(_COSTS)}.")
        if not wanted:
            raise ValueError("The traces have no cost in common: give each its evaluations, or each its seconds.")
        for cost in wanted:
            without = [name for name, trace in self.traces.items() if getattr(trace, cost) is None]
            if without:
                raise ValueError(
                    f"The traces {without} have no {cost}. Give them theirs, or leave {cost} out of against."
                )
        return wanted


def _check_names(given: Any, what: str) -> None:
    if not isinstance(given, Mapping) or not given:
        raise ValueError(f'{what} must be a dict with at least one name, such as {{"SoftmaxGLM": ...}}, got {given!r}.')


def _floor(trace: Trace) -> float:
    """Return the least gap that is drawn as it is, a power of ten."""
    rounding = _ROUNDING * abs(trace.null_loss) / (trace.null_loss - trace.optimum)
    return float(10.0 ** np.ceil(np.log10(max(trace.resolution, rounding))))


def _above_floor(trace: Trace) -> FloatArray:
    """Return the gaps until the first that is not told from 0, which is drawn at the floor."""
    floor = _floor(trace)
    reached = np.flatnonzero(trace.gap <= floor)
    end = len(trace.gap) if not len(reached) else int(reached[0]) + 1
    return np.maximum(trace.gap[:end], floor)


def _tick_gaps(axis: "Axes", gaps: FloatArray) -> None:
    """Put ticks at whole decades, few enough to read."""
    least, most = int(np.floor(np.log10(gaps.min()))), int(np.ceil(np.log10(max(gaps.max(), 1.0))))
    step = max(-(-(most - least) // _MOST_TICKS), 1)
    decades = np.arange(least, most + 1, step)
    names = [rf"$10^{{{decade}}}$" for decade in decades]
    axis.set_yticks(10.0 ** decades.astype(np.float64), names)
    axis.minorticks_off()
    axis.set_ylim(10.0 ** (least - _BELOW), 10.0 ** (most + 0.3))


def _shade_floor(axis: "Axes", floor: float) -> None:
    """Mark what is below a floor, where gaps are not told apart."""
    axis.axhspan(axis.get_ylim()[0], floor, color="0.92", linewidth=0.0, zorder=0)
    axis.text(
        *(0.98, 10.0 ** (np.log10(floor) - _BELOW / 2.0)),
        "rounding",
        transform=axis.get_yaxis_transform(),
        fontsize=SMALL,
        color=GREY,
        ha="right",
        va="center",
    )
