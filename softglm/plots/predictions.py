"""Predicted probabilities with their intervals, a row for each prediction and a mark for each class."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np

from softglm.inference.averages import AveragePredictions
from softglm.inference.cells import shown_value
from softglm.inference.prediction import Predictions
from softglm.plots.rows import Rows, RowsDisplay

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(eq=False)
class PredictionDisplay(RowsDisplay):
    """Probabilities of the classes with their intervals, of rows or of settings. Made by `from_predictions`.

    Attributes
    ----------
    predictions : Predictions or AveragePredictions
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
    >>> from softglm.plots import PredictionDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> display = PredictionDisplay.from_predictions(infer(SoftmaxGLM().fit(X, y), X, y).predict(X[::50]))
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['0', '1', '2']
    """

    predictions: Predictions | AveragePredictions

    @classmethod
    def from_predictions(cls, predictions: Predictions | AveragePredictions, **options: Any) -> Self:
        """Draw predictions.

        Parameters
        ----------
        predictions : Predictions or AveragePredictions
            What `Inference.predict` and `Inference.average_predictions` return.
        **options
            Of `plot`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        return cls(predictions).plot(**options)

    def to_frame(self) -> "pd.DataFrame":
        """Return the data frame of the predictions."""
        return self.predictions.to_frame()

    @property
    def _rows(self) -> Rows:
        found = self.predictions
        if isinstance(found, AveragePredictions):
            settings = found.grid.reshape(len(found.grid), -1).tolist()
            names, what = [", ".join(map(shown_value, values)) for values in settings], ", ".join(found.terms)
        else:
            names, what = list(map(str, np.arange(len(found.probability)))), "row"
        return Rows(
            names=names,
            classes=found.classes,
            estimate=found.probability,
            lower=found.lower,
            upper=found.upper,
            unit=f"probability, {100 * found.level:g}% intervals",
            what=what,
            nothing=None,
        )
