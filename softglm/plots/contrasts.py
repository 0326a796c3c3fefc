"""Contrasts of probabilities with their intervals, a row for each and a mark for each class."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, final

from softglm.inference.cells import shown_value
from softglm.inference.contrasts import Contrasts
from softglm.plots.rows import Rows, RowsDisplay

if TYPE_CHECKING:
    import pandas as pd

_UNITS = {"difference": "difference of probabilities", "ratio": "ratio of probabilities", "odds_ratio": "odds ratio"}


@final
@dataclass(eq=False)
class ContrastDisplay(RowsDisplay):
    """Differences, ratios or odds ratios of probabilities with their intervals. Made by `from_contrasts`.

    Attributes
    ----------
    contrasts : Contrasts
        What is drawn.
    figure_ : matplotlib Figure
    axes_ : list of matplotlib Axes
        One, or one for each class; `ax_` is the first.
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

    @property
    def _rows(self) -> Rows:
        found = self.contrasts
        intervals = "simultaneous intervals" if found.adjust == "max-t" else "intervals"
        is_ratio = found.kind != "difference"
        return Rows(
            names=self._names,
            classes=found.classes,
            estimate=found.estimate,
            lower=found.lower,
            upper=found.upper,
            unit=f"{_UNITS[found.kind]}, {100 * found.level:g}% {intervals}",
            what=found.term,
            nothing=1.0 if is_ratio else 0.0,
            is_logarithmic=is_ratio,
        )

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
