"""What the likelihood says of a whole fit: deviances, information criteria, pseudo R-squared, likelihood ratios."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
from scipy import linalg, special

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.inference.classes import class_probabilities, class_shares
from softglm.inference.estimable import triangle_of
from softglm.inference.estimate import Estimate
from softglm.inference.forms import contrast_forms
from softglm.inference.lengths import row_lengths
from softglm.inference.significance import ChiSquaredTest, chi_squared_test
from softglm.model import Objective, Ridge, null_model
from softglm.sums import Predictor, Sum

# Of the length of a column of the smaller model, what may be missing from the space of the larger one: columns that are
# collinear to seven digits count as collinear.
_NESTED = 1e-6
# A share of the weight, or of an average, that rounding may change.
_SAME = 1e-9
PseudoR2: TypeAlias = Literal["mcfadden", "cox-snell", "nagelkerke", "tjur"]


@final
@dataclass(frozen=True)
class Likelihood:
    """Log-likelihoods in nats, without the multinomial coefficients (as nnet, Stata and scikit-learn have them).

    Attributes
    ----------
    model, null, saturated : float
        Of the fit, or its supremum where the classes are separated; of the model without features (same weights, same
        offset, and constants, if the fit has an intercept or X a constant of its own); and of predicting every row's
        own shares, which is 0 for labels.
    n_observations : float
        The sum of the weights, row totals folded in.
    n_parameters : int
        By rank.
    n_null_parameters : int
        K - 1 with an intercept, or a constant in X; else 0.
    effective_parameters : float
        tr(F H^-1), the rank without a penalty.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> X = X[:, :2]
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    >>> round(result.likelihood.model, 4), round(result.likelihood.mcfadden, 4)
    (-94.0985, 0.5132)
    """

    model: float
    null: float
    saturated: float
    n_observations: float
    n_parameters: int
    n_null_parameters: int
    effective_parameters: float

    @property
    def deviance(self) -> float:
        """Twice what the log-likelihood is below the saturated one."""
        return 2.0 * (self.saturated - self.model)

    @property
    def null_deviance(self) -> float:
        """The deviance of the model without features."""
        return 2.0 * (self.saturated - self.null)

    @property
    def aic(self) -> float:
        """2 effective parameters - 2 log-likelihood."""
        return 2.0 * self.effective_parameters - 2.0 * self.model

    @property
    def bic(self) -> float:
        """Effective parameters times log n, - 2 log-likelihood."""
        return float(self.effective_parameters * np.log(self.n_observations) - 2.0 * self.model)

    @property
    def ratio(self) -> ChiSquaredTest:
        """The likelihood-ratio test of maximum-likelihood estimates against the model without features."""
        return chi_squared_test(2.0 * (self.model - self.null), self.n_parameters - self.n_null_parameters)

    @property
    def mcfadden(self) -> float:
        """1 - l / l_null."""
        return 1.0 - self.model / self.null

    @property
    def cox_snell(self) -> float:
        """1 - exp(2 (l_null - l) / n)."""
        return float(-np.expm1(2.0 * (self.null - self.model) / self.n_observations))

    @property
    def nagelkerke(self) -> float:
        """Cox & Snell's, over the most it can be."""
        return float(self.cox_snell / -np.expm1(2.0 * self.null / self.n_observations))


@final
@dataclass(frozen=True)
class SaturatedLikelihood(Sum):
    """The log-likelihood of predicting every row's own shares."""

    n_parameters: int

    def __call__(self, block: Block) -> tuple[FloatArray]:
        """Return sum w share log(share), shape (1,), in nats."""
        shares = class_shares(block, self.n_parameters)
        return (block.weighted(special.xlogy(shares, shares).sum(axis=0)).sum(keepdims=True),)


@final
@dataclass(frozen=True)
class Discrimination(Sum):
    """The probability of the second of two classes, where each of them was observed."""

    predictor: Predictor

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        """Return the weights of both classes, and these times the probability of the second, both of shape (2,)."""
        probability = class_probabilities(self.predictor.of(block))[1]
        observed = block.weighted(class_shares(block, 1))
        return observed.sum(axis=1), observed @ probability


def likelihood_of(estimate: Estimate) -> Likelihood:
    """Return the likelihoods of a fit."""
    objective = estimate.objective
    (saturated,) = objective.rows.sum(SaturatedLikelihood(objective.family.n_parameters))
    return Likelihood(
        model=estimate.log_likelihood,
        null=null_log_likelihood(estimate),
        saturated=float(saturated[0]),
        n_observations=estimate.total_weight,
        n_parameters=estimate.n_parameters,
        n_null_parameters=(estimate.n_classes - 1) * int(estimate.constant is not None),
        effective_parameters=effective_parameters(estimate) if estimate.is_penalised else float(estimate.n_parameters),
    )


def null_log_likelihood(estimate: Estimate) -> float:
    """Return the log-likelihood of the model without features, but with constants where the model has any."""
    objective = estimate.observed or estimate.objective
    if estimate.constant is not None and not objective.fit_intercept:
        nothing = Ridge.on_coefficients(0.0, objective.rows.n_features, fit_intercept=True)
        objective = Objective(objective.rows, objective.family, nothing, fit_intercept=True)
    return -estimate.total_weight * null_model(objective).value


def effective_parameters(estimate: Estimate) -> float:
    """Return tr(F H^-1)."""
    return float(np.vdot(estimate.information, estimate.inverse_curvature))


def pseudo_r2(estimate: Estimate, likelihood: Likelihood, kind: PseudoR2) -> float:
    """Return a pseudo R-squared, at most 1.

    Parameters
    ----------
    estimate : Estimate
    likelihood : Likelihood
        Of the same.
    kind : {"mcfadden", "cox-snell", "nagelkerke", "tjur"}

    Raises
    ------
    ValueError
        If there is no such kind, or not for so many classes.
    """
    if kind == "tjur":
        if estimate.n_classes > 2:
            raise ValueError(
                f'pseudo_r2("tjur") is defined for two classes, and there are {estimate.n_classes}. Use "mcfadden", '
                '"cox-snell" or "nagelkerke".'
            )
        return tjur(estimate)
    if kind == "mcfadden":
        return likelihood.mcfadden
    if kind == "cox-snell":
        return likelihood.cox_snell
    if kind == "nagelkerke":
        return likelihood.nagelkerke
    raise ValueError(f'kind must be "mcfadden", "cox-snell", "nagelkerke" or "tjur", got {kind!r}.')


def tjur(estimate: Estimate) -> float:
    """Return the mean probability of the second class where it was observed, less that where it was not.

    References
    ----------
    T. Tjur, "Coefficients of determination in logistic regression models", The American Statistician 63, 2009.
    doi:10.1198/tast.2009.08210
    """
    weight, mean = estimate.objective.rows.sum(Discrimination(estimate.predictor))
    without, with_it = mean / weight
    return float(with_it - without)


def check_nested(smaller: Estimate, larger: Estimate) -> None:
    """Raise unless two unpenalised fits are of the same rows, and the smaller's features lie in the larger's span.

    Raises
    ------
    ValueError
        If they can be seen to be of different data, or are not nested.
    """
    # Of separated fits, the data themselves, not the limit.
    one, other = smaller.observed or smaller.objective, larger.observed or larger.objective
    same = (
        one.shape[1] == other.shape[1]
        and one.rows.n_rows == other.rows.n_rows
        and np.isclose(one.moments.total_weight, other.moments.total_weight, rtol=_SAME)
        and np.allclose(one.moments.mean_target, other.moments.mean_target, rtol=_SAME)
        and one.rows.has_offset == other.rows.has_offset
        and np.isclose(one.moments.offset_term, other.moments.offset_term, rtol=_SAME)
    )
    if not same:
        raise ValueError(
            "compare needs two fits of the same rows, response, weights and offset; these differ in some of them. "
            "Fit both models on the same data."
        )
    if not _spans(smaller, larger):
        raise ValueError(
            "The models are not nested, or the larger was given first: some feature of the smaller is no linear "
            "combination of those of the larger, so that the difference of their likelihoods is not chi-squared. "
            "Compare their aic or bic instead."
        )


def _spans(smaller: Estimate, larger: Estimate) -> bool:
    """Tell whether every whitened feature of the smaller model is a linear combination of the larger's.

    By the triangular factor of both together: what is left of the smaller's features below those of the larger's.
    """
    r = larger.coordinates.features.shape[1]
    triangle = triangle_of(
        (np.concatenate([other.features, one.features], axis=1) * np.sqrt(one.weights)[:, np.newaxis],)
        for one, other in zip(smaller.row_blocks(), larger.row_blocks(), strict=True)
    )
    missing = linalg.norm(triangle[r:, r:], axis=0)
    return bool((missing <= _NESTED * linalg.norm(triangle[:, r:], axis=0)).all())


def compare_likelihoods(smaller: Estimate, larger: Estimate) -> ChiSquaredTest:
    """Return the likelihood-ratio test of two nested fits."""
    check_nested(smaller, larger)
    statistic = 2.0 * (larger.log_likelihood - smaller.log_likelihood)
    return chi_squared_test(statistic, larger.n_parameters - smaller.n_parameters)


def spectral_condition(estimate: Estimate) -> float:
    """Return the condition number of the information of the slopes and the intercept at the mean, scaled.

    Scaled to unit diagonal, so that units do not matter; the root of the ratio of the extreme eigenvalues, as that of X
    would be (Belsley, Kuh & Welsch 1980, who call 30 harmful). inf where columns are collinear.
    """
    m, _ = estimate.objective.shape
    if estimate.rank < m * (estimate.n_classes - 1):
        return float("inf")
    # The information of theta = map z is map^-T F map^-1, and F = C C': its factor is map^-T C.
    contrasts = contrast_forms(estimate.n_classes, 0) @ estimate.class_forms
    forms = estimate.linear_map(contrasts, np.identity(m))
    units = row_lengths(forms)
    vectors, singular, rows = linalg.svd(forms @ estimate.inverse_root / units[:, np.newaxis])
    if singular[-1] == 0.0:
        return float("inf")
    factor = vectors / singular @ rows
    singular = linalg.svdvals(factor / linalg.norm(factor, axis=1, keepdims=True))
    return float(singular[0] / singular[-1])
