r"""Predictions with some features set to given values: averaged over the rows, or at one place.

The means P_k and their gradients are those of `softglm.inference.means`. Intervals are symmetric on the scale of
logit P_k, whose gradient is that over P_k (1 - P_k): they stay between 0 and 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from softglm.arrays import FloatArray
from softglm.drawing import Drawing, drawn
from softglm.inference.cells import shown_value
from softglm.inference.factors import BASE
from softglm.inference.facts import Facts
from softglm.inference.groups import Groups, listed
from softglm.inference.means import log_odds_of
from softglm.inference.names import Name
from softglm.inference.probabilities import Probabilities
from softglm.inference.significance import half_widths
from softglm.inference.states import only_group
from softglm.inference.subjects import listed_values, subject_of

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(frozen=True, eq=False, repr=False)
class AveragePredictions(Probabilities):
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

    _what: ClassVar[str] = "values"

    terms: tuple[str, ...]
    grid: npt.NDArray[Any]
    observed: FloatArray = field(default_factory=lambda: np.empty(0))

    def _name(self, row: int) -> str:
        (values,) = self.grid[row : row + 1].reshape(1, -1).tolist()
        return ", ".join(f"{term} = {shown_value(value)}" for term, value in zip(self.terms, values, strict=True))

    @drawn
    def plot(self) -> Drawing:
        """Draw the probabilities over a feature; or, of several, with a row for each setting.

        They are drawn by `softglm.plots.EffectDisplay` or `PredictionDisplay`.
        """
        name = "EffectDisplay" if len(self.terms) == 1 else "PredictionDisplay"
        return Drawing(name, "from_predictions", self)

    def to_frame(self) -> "pd.DataFrame":
        """Return a tidy data frame with the columns value, class, probability, std_error, lower, upper.

        Of several features it has a column each, under their names, in place of value. It needs pandas.
        """
        names = ["value"] if len(self.terms) == 1 else self.terms
        columns = self.grid.reshape(len(self.grid), -1).T.tolist()
        return self._tidy({name: np.array(values) for name, values in zip(names, columns, strict=True)})


def average_predictions(
    self: Facts,
    columns: Sequence[Name] | Name,
    values: Any = None,  # noqa: ANN401 - whatever the columns hold
    at: Literal["average", "means"] | Mapping[Name, Any] = "average",
    groups: Groups | None = None,
    *,
    base: str = BASE,
) -> AveragePredictions:
    """Return the probabilities with some columns set to given values, with standard errors and intervals.

    After a pipeline the columns are those that it takes, and all that it makes of them moves with them: its square,
    its product with another, its dummies. Where it could not be found out how the columns of the model depend on
    them, and for names that only the model knows, they are those of the model.

    Parameters
    ----------
    columns : name or position, or several
        Of the columns that are set; or the name of a group.
    values : array-like of shape (v,), or (v, g) for g columns, default=None
        What they are set to, as the pipeline takes it: texts for a factor of texts. By default all levels of a
        factor, 0 and 1 where there are no other values, and for other numbers 51 from the least to the largest one.
    at : {"average", "means"} or dict from column to value, default="average"
        Averaged over the rows of the fit, with their weights; or the other columns at their weighted means (factors
        in the proportions in which their levels occur); or those in the dict at its values, the rest at their
        means. The offsets are as observed, and averaged over.
    groups : dict from name to columns, default=None
        Columns of zeros and ones that are the dummies of one factor, as `test_terms` takes them: they are set
        together, to each level.
    base : str, default="(base)"
        The name of the level of such a factor that has no column.

    Returns
    -------
    AveragePredictions
        A row for each of the v values; NaN where infinite estimates or collinear columns leave it open.

    Raises
    ------
    ValueError
        If there is no such column, the pipeline does not take a value, or the shape or `at` is wrong.
    """
    subject = subject_of(listed(columns), at, estimate=self.estimate, columns=self._columns, groups=groups, base=base)
    states = subject.states(None if values is None else listed_values(values))
    probability, gradients, known = only_group(states.means())
    rest, log_odds, slopes = log_odds_of(probability, gradients)
    errors = self.covariance.std_errors(slopes)
    reach = half_widths(errors, self._distribution, self.level)
    determined = np.where(known[:, np.newaxis], 1.0, np.nan)
    return AveragePredictions(
        terms=states.terms,
        grid=states.grid,
        classes=self.classes,
        probability=determined * probability,
        std_error=determined * probability * rest * errors,
        lower=determined * expit(log_odds - reach),
        upper=determined * expit(log_odds + reach),
        level=self.level,
        observed=states.observed,
    )
