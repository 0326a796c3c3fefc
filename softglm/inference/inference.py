"""Inference: all that a fit says, behind one name: its facts, and the questions that one can put to it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.drawing import Drawing, drawn
from softglm.inference import (
    averages,
    diagnostics,
    effects,
    influence,
    intervals,
    maketables,
    prediction,
    summary,
    testing,
)
from softglm.inference import contrasts as comparing
from softglm.inference import linear_combinations as combining
from softglm.inference.facts import Facts
from softglm.inference.tables import Content

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(frozen=True, eq=False, repr=False)
class Inference(Facts):
    r"""What a statistics package says of a multinomial (or binary) logit. Made by `softglm.infer`.

    Print it for a report. K classes, p features, and coefficients that are log odds against a base class::

        log(P(y = k | x) / P(y = base | x)) = intercept_k + <coef_k, x>

    with an equation for every class k other than the base.

    Attributes
    ----------
    estimate : Estimate
        The optimum and its curvature, in whitened coordinates.
    covariance : Covariance
        Of the estimates, in the same coordinates.
    classes : array of shape (K,)
        Those that occurred, sorted.
    base : int
        The position of the base class.
    features : tuple of str
        The names of the columns of X, length p.
    inputs : Inputs or None
        The columns that a pipeline takes; None without one.
    sample : Sample
        What the rows stand for: row totals and frequency weights.
    level : float
        Of confidence intervals.
    degrees_of_freedom : float or None
        Of Student's t distribution for z; None for the normal. Under CR2 coefficients, effects,
        contrasts and tests have their own, and this is the least of those of coefficients.
    separated : Separation or None
        What is separated, if anything is: then the estimates are those of the limit.
    moved : float
        How far, in standard errors, the optimum of these data was from the fitted coefficients: much more than the gap
        of the fit explains if the data are not those of the fit. NaN where the classes are separated.
    notes : tuple of str
        What a reader has to know, for the summary.
    how_based : str
        How the base class came to be it, where nobody chose it.
    units : dict from str to str
        What a unit of a feature is, where a scaler in a pipeline made it: "SD of age". Pictures say so.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> X = X[:, :2]
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    >>> print(result)
    Multinomial logit, base class: 0 (the first in sorted order)
    <BLANKLINE>
    Observations     178    Log-likelihood   -94.0985    AIC          200.20
    Parameters         6    Null model      -193.3148    BIC          219.29
    LR chi2(4)    198.43    p-value           <0.0001    McFadden R2  0.5132
    ...
    >>> result.rebase(1).coefficients.estimate.round(2).tolist()
    [[-66.32, 5.09, -0.06], [-40.38, 2.91, 1.15]]
    """

    # A question is a method that stands in the file of its answer.
    confidence_intervals = intervals.confidence_intervals
    profiled = intervals.profiled

    linear_combinations = combining.linear_combinations

    test_terms = testing.test_terms
    wald_test = testing.wald_test
    bootstrap_test = testing.bootstrap_test
    indistinguishable = testing.indistinguishable
    hosmer_lemeshow = testing.hosmer_lemeshow
    goodness_of_fit = testing.goodness_of_fit
    quasi_likelihood = testing.quasi_likelihood

    predict = prediction.predict
    average_predictions = averages.average_predictions
    marginal_effects = effects.marginal_effects
    contrasts = comparing.contrasts

    residuals = influence.residuals
    influence_frame = influence.influence_frame

    @property
    def leverage(self) -> FloatArray:
        """Of one copy of each row, shape (n,); weighted by the copies they sum to the (effective) parameters."""
        self.sample.require_rows("Leverages")
        return diagnostics.leverage(self.estimate, self.sample.copies)

    @property
    def cooks_distance(self) -> FloatArray:
        """d' F d / parameters, d the one-step change of the fit when one copy of the row is left out, shape (n,)."""
        self.sample.require_rows("Cook's distances")
        return diagnostics.cooks_distance(self.estimate, self.sample.copies)

    @property
    def dfbeta(self) -> FloatArray:
        """Coefficients of the full fit less those without one copy of the row, in one step, (n, K - 1, n_terms)."""
        self.sample.require_rows("Changes of coefficients")
        coding = self._coding
        changes = diagnostics.dfbeta(self.estimate, self.sample.copies, coding.linear_map)
        changes[:, ~coding.is_estimable | np.isinf(coding.estimates)] = np.nan
        return changes

    @drawn
    def plot(self) -> Drawing:
        """Draw the coefficients with their intervals: `softglm.plots.CoefficientDisplay`."""
        return Drawing("CoefficientDisplay", "from_inference", self)

    def summary(self) -> str:
        """Return a report in plain text."""
        return str(self)

    def _content(self) -> Content:
        return summary.content(self)

    @property
    def __maketables_coef_table__(self) -> "pd.DataFrame":
        return maketables.coefficient_frame(self.coefficients)

    @property
    def __maketables_depvar__(self) -> str:
        return "log odds"

    @property
    def __maketables_default_stat_keys__(self) -> list[str]:
        return list(maketables.DEFAULT_NUMBERS)

    def __maketables_stat__(self, key: str) -> float | str | None:
        return maketables.statistic(self, key)
