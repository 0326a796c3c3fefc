r"""Predicted probabilities with standard errors, by the delta method on the log odds of each class against the rest.

    logit p_k = eta_k - logsumexp_{l != k} eta_l,   its gradient in eta  a_k = e_k - softmax_{l != k}(eta)

On that scale the normal approximation respects the bounds 0 and 1; and neither it nor its gradient cancels where p_k
rounds to 0 or to 1.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
from scipy import linalg
from scipy.special import expit

from softglm.arrays import FloatArray
from softglm.data import Block, Rows
from softglm.drawing import Drawing, drawn
from softglm.families import Categorical
from softglm.inference.classes import every_class
from softglm.inference.covariance import Covariance
from softglm.inference.estimable import DeterminedRows
from softglm.inference.estimate import Estimate
from softglm.inference.facts import Facts
from softglm.inference.few_clusters import is_shown
from softglm.inference.joint import joint_covariance, roots_of_features
from softglm.inference.means import determined_rows
from softglm.inference.probabilities import Probabilities
from softglm.inference.significance import half_widths
from softglm.sums import Features, Predictor, Sum

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(frozen=True, eq=False, repr=False)
class Predictions(Probabilities):
    """Probabilities of every class for new rows, each with its own (pointwise) interval.

    Attributes
    ----------
    classes : array of shape (K,)
        Sorted.
    probability, std_error, lower, upper : array of shape (n, K)
        NaN in rows that the data do not determine: those outside the span of the rows of a collinear fit, and those
        that infinite estimates decide. With CR2 what hangs on a coefficient that one cluster alone knows has a
        probability only.
    level : float
        Of the intervals.
    covariance : array of shape (n K, n K), or None
        Of all probabilities together, row by row and class by class, where it was asked for: its diagonal are the
        squares of `std_error`.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> X = X[:, :2]
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    >>> print(result.predict(X[:1]))
           probability  std. error    2.5%   97.5%
    ----------------------------------------------
    row 0
      0         0.9470      0.0282  0.8558  0.9818
      1         0.0024      0.0022  0.0004  0.0146
      2         0.0506      0.0274  0.0172  0.1399

    How much likelier class 0 is in the first row than in the second, with its standard error:

    >>> import numpy as np
    >>> two = result.predict(X[:2], joint=True)
    >>> weights = np.array([1, 0, 0, -1, 0, 0])
    >>> f"{weights @ two.probability.ravel():.4f} +- {np.sqrt(weights @ two.covariance @ weights):.4f}"
    '0.4521 +- 0.0717'
    """

    _what: ClassVar[str] = "rows"

    covariance: FloatArray | None = None

    def _name(self, row: int) -> str:
        return f"row {row}"

    @drawn
    def plot(self) -> Drawing:
        """Draw the probabilities with their intervals, a row for each: `softglm.plots.PredictionDisplay`."""
        return Drawing("PredictionDisplay", "from_predictions", self)

    def to_frame(self) -> "pd.DataFrame":
        """Return a tidy data frame with the columns row, class, probability, std_error, lower, upper.

        It needs pandas.
        """
        return self._tidy({"row": np.arange(len(self.probability))})


@final
@dataclass(frozen=True)
class LogOdds(Sum):
    """The log odds of each class against the rest, and their standard errors, of each row, to be joined.

    Attributes
    ----------
    predictor : Predictor
    features : Features
    roots : array of shape (r, s, k)
        Of the covariance of what features are multiplied by.
    directions : array of shape (K, s)
        The eta of every class per identifiable direction.
    determined : DeterminedRows
    """

    predictor: Predictor
    features: Features
    roots: FloatArray
    directions: FloatArray
    determined: DeterminedRows

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        """Return both, shape (K, rows): NaN in rows that the data do not determine."""
        eta = every_class(self.predictor.of(block))
        centred = block.centred(self.features.center)
        # The covariance of eta is spread spread', shape (rows, s, s).
        features = self.features.of_centred(centred)
        spread = np.tensordot(features, self.roots, axes=1)
        known = self.determined.of(centred, features)
        log_odds, errors = np.empty_like(eta), np.empty_like(eta)
        for k, (odds, error) in enumerate(zip(log_odds, errors, strict=True)):
            others = np.delete(eta, k, axis=0)
            slopes = np.insert(-_softmax(others), k, 1.0, axis=0)
            odds[:] = eta[k] - _log_sum_exp(others)
            gradient = np.einsum("kn,ks,nsp->np", slopes, self.directions, spread, optimize=True)
            error[:] = linalg.norm(gradient, axis=1)
        return np.where(known, log_odds, np.nan), np.where(known, errors, np.nan)


def predict(
    self: Facts,
    X: Any,  # noqa: ANN401 - users pass anything
    offset: Any = None,  # noqa: ANN401
    *,
    joint: bool = False,
) -> Predictions:
    """Return the probabilities of new rows with standard errors and pointwise intervals.

    Parameters
    ----------
    X : array-like, sparse matrix or data frame of shape (n, p)
        As the estimator, or the pipeline, takes it.
    offset : array-like, default=None
        Required if the model was fitted with one.
    joint : bool, default=False
        Whether to compute the covariance of all of them, for contrasts of predictions: (n K)^2 numbers.

    Returns
    -------
    Predictions
        A row for each row of X, a column for each class. NaN where infinite estimates decide a row.

    Raises
    ------
    ValueError
        If X or the offset does not fit the model.
    MemoryError
        If the joint covariance is larger than the memory of this machine.
    """
    rows = self.sample.read_rows(X, offset)
    log_odds, errors = _log_odds_of(self.estimate, self.covariance, rows)
    reach = half_widths(errors, self._distribution, self.level)
    probability = expit(log_odds)
    return Predictions(
        classes=self.classes,
        probability=probability,
        std_error=probability * expit(-log_odds) * errors,
        lower=expit(log_odds - reach),
        upper=expit(log_odds + reach),
        level=self.level,
        covariance=joint_covariance(self.estimate, self.covariance.root, rows, np.isnan(errors)) if joint else None,
    )


def _log_odds_of(estimate: Estimate, covariance: Covariance, rows: Rows) -> tuple[FloatArray, FloatArray]:
    """Return the log odds of each class, and their standard errors, both of shape (n, K): NaN where there are none."""
    log_odds_of = LogOdds(
        predictor=estimate.predictor,
        features=estimate.features,
        roots=roots_of_features(estimate, covariance.root),
        directions=every_class(estimate.coordinates.classes),
        determined=determined_rows(estimate),
    )
    log_odds, errors = (part.T for part in rows.concatenate(log_odds_of))
    few = covariance.few_clusters
    if few is not None and few.left_out.size:
        left_out, whole = (
            rows.concatenate(replace(log_odds_of, roots=roots_of_features(estimate, root)))[1].T
            for root in (few.left_out, few.root)
        )
        errors = np.where(is_shown(left_out, whole), errors, np.nan)
    return log_odds, errors


def _softmax(eta: FloatArray) -> FloatArray:
    return Categorical(len(eta)).mean(eta) if len(eta) > 1 else np.ones_like(eta)


def _log_sum_exp(eta: FloatArray) -> FloatArray:
    return Categorical(len(eta)).log_normalizer(eta) if len(eta) > 1 else eta[0]
