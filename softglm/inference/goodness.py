r"""Goodness of fit: of probabilities to individual rows, in groups of them; of expected counts to rows of counts.

Hosmer-Lemeshow, generalised to K classes (Fagerland, Hosmer & Bofin 2008, doi 10.1002/sim.3202): the rows, sorted by
1 - p_reference, are cut into g groups of about equal weight, and

    C = sum_groups sum_k (O_gk - E_gk)^2 / E_gk     is nearly chi-square with (g - 2)(K - 1) degrees of freedom.

Rows of counts, each with enough trials, are compared with the saturated model instead, y_ik with E_ik = m_i mu_ik:

    deviance 2 sum_i w_i sum_k y_ik log(y_ik / E_ik),   Pearson sum_i w_i sum_k (y_ik - E_ik)^2 / E_ik

with n (K - 1) - parameters degrees of freedom, n the rows counted with their weights.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt
from scipy import special

from softglm.arrays import FloatArray, IntArray
from softglm.data import Block
from softglm.inference.cells import number, p_cell
from softglm.inference.classes import class_probabilities, class_shares
from softglm.inference.diagnostics import pearson_terms, relative_entropies
from softglm.inference.estimate import Estimate
from softglm.inference.likelihood import null_log_likelihood
from softglm.inference.significance import ChiSquaredTest
from softglm.inference.tables import Content, Table
from softglm.optional import pandas
from softglm.sums import Predictor, Sum

if TYPE_CHECKING:
    import pandas as pd

# Scores closer than this are equal but for rounding.
_TIED = 1e-12
# What a count, as a share of its row total, may differ from an integer by rounding.
_WHOLE = 1e-9


@final
@dataclass(frozen=True, repr=False)
class HosmerLemeshow(Table):
    """The generalised Hosmer-Lemeshow test.

    Attributes
    ----------
    statistic : float
        Nearly chi-squared where the model holds.
    df : int
        (g - 2)(K - 1).
    p_value : float
        Small where the model does not fit.
    observed, expected : arrays of shape (g, K)
        The weight of each class in each group, from the most to the least probable reference. Few expected below 5 make
        the distribution of the statistic a good approximation.
    classes : array of shape (K,)
        Sorted.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> X = X[:, :2]
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    >>> print(result.hosmer_lemeshow(groups=5))
    Hosmer-Lemeshow test: chi2(6) = 11.33, p = 0.0788; observed / expected in each group
    <BLANKLINE>
               0          1          2
    ----------------------------------
    1  32 / 32.4    2 / 0.4    2 / 3.2
    2  23 / 19.8    4 / 5.2   9 / 10.9
    3    3 / 5.5   8 / 10.8  24 / 18.8
    4    1 / 1.2  26 / 25.2    9 / 9.6
    5    0 / 0.1  31 / 29.4    4 / 5.5
    """

    statistic: float
    df: int
    p_value: float
    observed: FloatArray
    expected: FloatArray
    classes: npt.NDArray[Any]

    def _content(self) -> Content:
        rows = [
            [f"{group}", *(f"{seen:g} / {due:.1f}" for seen, due in zip(*both, strict=True))]
            for group, both in enumerate(zip(self.observed, self.expected, strict=True), start=1)
        ]
        test = ChiSquaredTest(self.statistic, self.df, self.p_value)
        return Content(
            [str(name) for name in self.classes],
            {"": rows},
            title=f"Hosmer-Lemeshow test: {test}; observed / expected in each group",
        )

    def to_frame(self) -> "pd.DataFrame":
        """Return a tidy data frame of g K rows: group, class, observed, expected. It needs pandas."""
        pd = pandas()
        g, K = self.observed.shape
        return pd.DataFrame(
            {
                "group": np.repeat(np.arange(1, g + 1), K),
                "class": np.tile(self.classes, g),
                "observed": self.observed.ravel(),
                "expected": self.expected.ravel(),
            }
        )


@final
@dataclass(frozen=True, repr=False)
class GoodnessOfFit(Table):
    """How rows of counts differ from what the model expects, and from what a model without features does.

    Attributes
    ----------
    deviance, pearson : float
        Nearly chi-square where most expected counts are at least 5.
    df : int
        n (K - 1) - parameters.
    deviance_p_value, pearson_p_value : float
        NaN where df is 0: the model is saturated.
    null_deviance : float
        The deviance of the model without features.
    null_df : int
        Its degrees of freedom.
    least_expected : float
        The smallest expected count.

    Examples
    --------
    >>> import numpy as np
    >>> from softglm import SoftmaxGLM, infer
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> counts = np.array([[30, 10], [23, 17], [21, 19], [9, 31]])
    >>> print(infer(SoftmaxGLM(alpha=0).fit(X, counts), X, counts).goodness_of_fit())
                   statistic  df  p-value
    -------------------------------------
    Deviance            2.05   2   0.3587
    Pearson             2.05   2   0.3596
    Null deviance      24.04   3        -
    Dispersion 1.0229. Smallest expected count 9.67.
    """

    deviance: float
    pearson: float
    df: int
    deviance_p_value: float
    pearson_p_value: float
    null_deviance: float
    null_df: int
    least_expected: float

    def _content(self) -> Content:
        rows = [
            [name, number(statistic, 2), str(df), p_cell(p_value)]
            for name, statistic, df, p_value in (
                ("Deviance", self.deviance, self.df, self.deviance_p_value),
                ("Pearson", self.pearson, self.df, self.pearson_p_value),
                ("Null deviance", self.null_deviance, self.null_df, float("nan")),
            )
        ]
        note = f"Dispersion {number(self.dispersion, 4)}. Smallest expected count {self.least_expected:.3g}."
        return Content(["statistic", "df", "p-value"], {"": rows}, notes=[note])

    @property
    def dispersion(self) -> float:
        """Pearson's statistic over its degrees of freedom: 1 for multinomial counts, more where rows are heterogeneous.

        A quasi-likelihood multiplies the covariance by it, and refers z to the t distribution with `df` degrees.
        """
        return self.pearson / self.df if self.df > 0 else float("nan")

    @property
    def std_error_factor(self) -> float:
        """The root of the dispersion: by what a quasi-likelihood multiplies standard errors."""
        return float(np.sqrt(self.dispersion))


@final
@dataclass(frozen=True)
class Divergence(Sum):
    """How far what was observed is from what the model expects."""

    predictor: Predictor

    def __call__(self, block: Block) -> tuple[FloatArray]:
        """Return sum w KL(share; mu), Pearson's statistic, and minus the entropy of the shares, shape (3,)."""
        eta = self.predictor.of(block)
        shares, mean = class_shares(block, len(eta)), class_probabilities(eta)
        entropies = np.multiply(shares, np.log(shares, out=np.zeros_like(shares), where=shares > 0.0))
        terms = np.stack([relative_entropies(shares, eta), pearson_terms(shares, mean), entropies])
        return (block.weighted(terms.sum(axis=1)).sum(axis=1),)


@final
@dataclass(frozen=True)
class LeastProbabilities(Sum):
    """The smallest fitted probability of each row, to be joined."""

    predictor: Predictor

    def __call__(self, block: Block) -> tuple[FloatArray]:
        """Return it, shape (rows,)."""
        return (class_probabilities(self.predictor.of(block)).min(axis=0),)


@final
@dataclass(frozen=True)
class ClassShares(Sum):
    """The share of every class in what was observed in each row, to be joined."""

    n_parameters: int

    def __call__(self, block: Block) -> tuple[FloatArray]:
        """Return them, shape (K, rows)."""
        return (class_shares(block, self.n_parameters),)


@final
@dataclass(frozen=True)
class ReferenceScores(Sum):
    """By what the Hosmer-Lemeshow test sorts the rows, to be joined.

    Attributes
    ----------
    predictor : Predictor
    reference : int
        The position of the base class.
    """

    predictor: Predictor
    reference: int

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        """Return 1 - p_reference and the weight of each row, both of shape (rows,)."""
        # The sum of the others: 1 - p would round small ones off.
        others = np.delete(class_probabilities(self.predictor.of(block)), self.reference, axis=0)
        return others.sum(axis=0), block.row_weights


@final
@dataclass(frozen=True)
class ClassWeights(Sum):
    """The weight of each class in each row, to be joined."""

    predictor: Predictor

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        """Return what was observed and what is expected, both of shape (K, rows)."""
        eta = self.predictor.of(block)
        return block.weighted(class_shares(block, len(eta))), block.weighted(class_probabilities(eta))


def hosmer_lemeshow(
    estimate: Estimate, *, groups: int, reference: int, classes: npt.NDArray[Any], trials: FloatArray | None
) -> HosmerLemeshow:
    """Test the probabilities of individual rows.

    The groups are cut at the g-quantiles of 1 - p_reference, of two classes always of the probability of the rarer one,
    so that the test depends neither on the base class nor on what the classes are called. Tied rows stay together: a
    row belongs to group floor(g u), u the share of the weight that is strictly below it, so that neither the order of
    the rows matters nor whether a row is repeated or has weight 2. Groups that remain empty are left out, and count for
    no degrees of freedom.

    Parameters
    ----------
    estimate : Estimate
    groups : int
        g, at least 3.
    reference : int
        The position of the base class.
    classes : array of shape (K,)
    trials : array of shape (n,), or None
        The totals m_i of rows of counts, each of which is m_i rows; None for labels.

    Raises
    ------
    ValueError
        If anything is penalised, fewer than three groups differ, or what was observed are no classes.
    """
    if groups < 3:
        raise ValueError(f"groups must be at least 3, got {groups!r}: (groups - 2)(K - 1) degrees of freedom remain.")
    _require_maximum_likelihood(estimate, "The Hosmer-Lemeshow test")
    _require_whole_counts(estimate, trials)
    if estimate.n_classes == 2:
        reference = int(estimate.objective.moments.mean_target[0] < 0.5)
    scores, weights = estimate.objective.rows.concatenate(ReferenceScores(estimate.predictor, reference))
    group = _tied_groups(scores, weights, groups)
    observed, expected = _class_totals(estimate, group)
    n_groups, n_classes = observed.shape
    if n_groups < 3:
        raise ValueError(
            f"The fitted probabilities are so often tied that only {n_groups} of {groups} groups are left, expected at "
            "least 3. Pass the rows as counts, one row for each combination of the features, and use the deviance."
        )
    statistic = float(pearson_terms(observed, expected).sum())
    df = (n_groups - 2) * (n_classes - 1)
    return HosmerLemeshow(statistic, df, float(special.chdtrc(df, statistic)), observed, expected, np.asarray(classes))


def goodness_of_fit(
    estimate: Estimate, *, trials: FloatArray | None, sample_weight: FloatArray | None
) -> GoodnessOfFit:
    """Compare rows of counts with what the model expects.

    Parameters
    ----------
    estimate : Estimate
    trials : array of shape (n,), or None
        The totals m_i of rows of counts.
    sample_weight : array of shape (n,), or None
        How often each row was observed; None for once.

    Raises
    ------
    ValueError
        If the rows are individuals, or anything is penalised.
    """
    if trials is None or (trials <= 1.0 + _WHOLE).all():
        raise ValueError(
            "The deviance and Pearson's statistic of individual rows have no chi-square distribution, and at the "
            "optimum hardly depend on how well the model fits. Pass one row of counts for each combination of the "
            "features, or use hosmer_lemeshow."
        )
    _require_maximum_likelihood(estimate, "Goodness of fit")
    rows, predictor = estimate.objective.rows, estimate.predictor
    divergence, pearson, entropy = rows.sum(Divergence(predictor))[0].tolist()
    (least_share,) = rows.concatenate(LeastProbabilities(predictor))
    n_rows = round(float((trials > 0.0).sum() if sample_weight is None else sample_weight[trials > 0.0].sum()))
    n_contrasts = estimate.n_classes - 1
    df = n_rows * n_contrasts - estimate.rank
    deviance = max(2.0 * divergence, 0.0)
    return GoodnessOfFit(
        deviance=deviance,
        pearson=pearson,
        df=df,
        deviance_p_value=float(special.chdtrc(df, deviance)) if df > 0 else float("nan"),
        pearson_p_value=float(special.chdtrc(df, pearson)) if df > 0 else float("nan"),
        null_deviance=2.0 * (entropy - null_log_likelihood(estimate)),
        null_df=(n_rows - int(estimate.constant is not None)) * n_contrasts,
        least_expected=float((trials * least_share)[trials > 0.0].min()),
    )


def _require_maximum_likelihood(estimate: Estimate, what: str) -> None:
    if estimate.is_penalised:
        raise ValueError(
            f"{what} refers to the distribution of its statistic at the maximum-likelihood estimate, and this fit is "
            "penalised. Refit with alpha=0."
        )


def _require_whole_counts(estimate: Estimate, trials: FloatArray | None) -> None:
    if trials is None:
        return
    objective = estimate.objective
    counts = trials * objective.rows.concatenate(ClassShares(objective.family.n_parameters))[0]
    if (abs(counts - np.round(counts)) > _WHOLE * np.maximum(trials, 1.0)).any():
        raise ValueError(
            "The Hosmer-Lemeshow test compares observed classes with their probabilities, and y or the class weights "
            "make fractions of them. Pass labels or whole counts, and no class weights."
        )


def _tied_groups(scores: FloatArray, weights: FloatArray, n_groups: int) -> IntArray:
    """Return the group of each row, shape (n,), from 0 on without gaps."""
    order = np.argsort(scores, kind="stable")
    is_new = np.diff(scores[order], prepend=-np.inf) > _TIED
    cumulative = np.cumsum(weights[order])
    below = (cumulative - weights[order])[is_new][np.cumsum(is_new) - 1]
    group = np.empty(len(scores), dtype=np.int32)
    group[order] = np.minimum(np.floor(n_groups * below / cumulative[-1]), n_groups - 1)
    occupied = np.bincount(group, weights, minlength=n_groups) > 0.0
    return (np.cumsum(occupied, dtype=np.int32) - 1)[group]


def _class_totals(estimate: Estimate, group: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the weight of each class in each group, observed and expected, both of shape (g, K)."""
    labels = np.arange(group.max() + 1)
    totals = np.zeros((2, len(labels), estimate.n_classes))
    first = 0
    for both in estimate.objective.rows.map(ClassWeights(estimate.predictor)):
        members = group[first : first + both[0].shape[1]] == labels[:, np.newaxis]
        first += members.shape[1]
        totals += [members @ values.T for values in both]
    return totals[0], totals[1]
