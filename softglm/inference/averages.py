r"""Predictions with some features set to given values: averaged over the rows, or at one place.

The means P_k and their gradients are those of `softglm.inference.means`. Intervals are symmetric on the scale of
logit P_k, whose gradient is that over P_k (1 - P_k): they stay between 0 and 1.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from softglm.arrays import FloatArray
from softglm.drawing import display
from softglm.inference.cells import cells_of, estimate_headings, notes_on_gaps, shown_value
from softglm.inference.covariance import Covariance
from softglm.inference.means import log_odds_of
from softglm.inference.significance import half_widths
from softglm.inference.states import Subject, only_group
from softglm.inference.subjects import listed_values
from softglm.inference.tables import Content, Table
from softglm.optional import pandas

if TYPE_CHECKING:
    import pandas as pd

# Rows that are printed, and the decimals of their probabilities.
_MOST_ROWS, _DECIMALS = 10, 4


@final
@dataclass(frozen=True, eq=False, repr=False)
class AveragePredictions(Table):
    """Probabilities of every class with features set to given values, each with its own (pointwise) interval.

    Attributes
    ----------
    terms : tuple of str, length g
        What was set.
    grid : array of shape (v,), or (v, g) if g > 1
        What to: numbers, or levels of a factor.
    classes : array of shape (K,)
        Sorted.
    probability, std_error, lower, upper : array of shape (v, K)
        NaN where the data do not determine them: where columns are collinear, or infinite estimates decide. With CR2
        what hangs on a coefficient that one cluster alone knows has a probability only.
    level : float
        Of the intervals.
    observed : array
        Of a number, its values in the rows of the fit; empty otherwise.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> X = X[:, :2]
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    >>> print(result.average_predictions("x0", [13, 14]))
             probability  std. error    2.5%   97.5%
    ------------------------------------------------
    x0 = 13
      0           0.2534      0.0567  0.1587  0.3791
      1           0.3340      0.0606  0.2272  0.4611
      2           0.4126      0.0500  0.3193  0.5127
    x0 = 14
      0           0.7768      0.0488  0.6672  0.8580
      1           0.0064      0.0049  0.0014  0.0280
      2           0.2168      0.0475  0.1379  0.3239
    """

    terms: tuple[str, ...]
    grid: npt.NDArray[Any]
    classes: npt.NDArray[Any]
    probability: FloatArray
    std_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    level: float
    observed: FloatArray = field(default_factory=lambda: np.empty(0))

    def _content(self) -> Content:
        return self._first(len(self.probability))

    def _excerpt(self) -> Content:
        return self._first(_MOST_ROWS)

    def _first(self, most: int) -> Content:
        groups = {}
        for row, values in enumerate(self._listed[:most]):
            cells = cells_of(
                estimate=self.probability[row],
                std_error=self.std_error[row],
                lower=self.lower[row],
                upper=self.upper[row],
                decimals=_DECIMALS,
            )
            name = ", ".join(f"{term} = {shown_value(value)}" for term, value in zip(self.terms, values, strict=True))
            groups[name] = [[str(label), *of_class] for label, of_class in zip(self.classes, cells, strict=True)]
        more = len(self.probability) - len(groups)
        notes = [f"... and {more:,} more values: see to_frame()"] if more else []
        notes += notes_on_gaps(self.probability, self.std_error)
        return Content(estimate_headings(self.level, estimate="probability"), groups, notes=notes)

    def plot(self, ax: Any = None, **options: Any) -> Any:  # noqa: ANN401 - axes of matplotlib, and what draws on them
        """Draw the probabilities over a feature; or, of several, with a row for each setting.

        They are drawn by `softglm.plots.EffectDisplay` or `PredictionDisplay`.

        Parameters
        ----------
        ax : Axes, array of Axes or None
            Where to; None makes a new figure.
        **options
            Of their `from_predictions`.

        Returns
        -------
        EffectDisplay or PredictionDisplay
            With the figure, the axes and the numbers that are drawn. It needs matplotlib.
        """
        name = "EffectDisplay" if len(self.terms) == 1 else "PredictionDisplay"
        return display(name).from_predictions(self, ax=ax, **options)

    def to_frame(self) -> "pd.DataFrame":
        """Return a tidy data frame with the columns value, class, probability, std_error, lower, upper.

        Of several features it has a column each, under their names, in place of value. It needs pandas.
        """
        pd = pandas()
        v, K = self.probability.shape
        names = ["value"] if len(self.terms) == 1 else self.terms
        columns: dict[str, Any] = {
            name: np.repeat(np.array([values[position] for values in self._listed]), K)
            for position, name in enumerate(names)
        }
        columns["class"] = np.tile(self.classes, v)
        for name in ("probability", "std_error", "lower", "upper"):
            columns[name] = getattr(self, name).ravel()
        return pd.DataFrame(columns)

    @property
    def _listed(self) -> list[list[Any]]:
        grid = self.grid.tolist()
        return [[value] for value in grid] if self.grid.ndim == 1 else grid


def average_predictions(
    subject: Subject,
    covariance: Covariance,
    values: Any = None,  # noqa: ANN401 - whatever inputs hold
    *,
    classes: npt.NDArray[Any],
    distribution: Any,  # noqa: ANN401 - a frozen distribution of scipy.stats
    level: float,
) -> AveragePredictions:
    """Predict with columns set to each of several values, and average over the rows.

    Parameters
    ----------
    subject : Subject
        What is set.
    covariance : Covariance
    values : array-like of shape (v,), or (v, g), or None
        What to. None for all levels of a factor, 0 and 1 of a switch, and a grid of a number.
    classes, level
        As in `AveragePredictions`.
    distribution : frozen distribution
        Of an estimate over its standard error.

    Raises
    ------
    ValueError
        If the values are no list, not finite or of the wrong shape.
    """
    states = subject.states(None if values is None else listed_values(values))
    probability, gradients, known = only_group(states.means())
    rest, log_odds, slopes = log_odds_of(probability, gradients)
    errors = covariance.std_errors(slopes)
    reach = half_widths(errors, distribution, level)
    determined = np.where(known[:, np.newaxis], 1.0, np.nan)
    return AveragePredictions(
        terms=states.terms,
        grid=states.grid,
        classes=classes,
        probability=determined * probability,
        std_error=determined * probability * rest * errors,
        lower=determined * expit(log_odds - reach),
        upper=determined * expit(log_odds + reach),
        level=level,
        observed=states.observed,
    )
