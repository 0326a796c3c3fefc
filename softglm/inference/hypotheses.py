r"""Tests of linear hypotheses about the coefficients: likelihood ratio, Wald and score.

A feature, or a group of columns, leaves the model if its coefficients are zero in all K - 1 equations. Where columns
are collinear only the estimable part of that can be tested, and the degrees of freedom are its rank.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import numpy.typing as npt
from scipy import linalg

from softglm.arrays import FloatArray
from softglm.inference import summary
from softglm.inference.constrained import constrained_fit
from softglm.inference.estimate import Estimate, contrast_forms, estimate_at
from softglm.inference.likelihood import ChiSquaredTest, chi_squared_test

if TYPE_CHECKING:
    import pandas as pd

# Singular values of the covariance of a hypothesis below this share of the largest are rounding.
_RANK_TOLERANCE = 1e-9


@final
@dataclass(frozen=True, eq=False, repr=False)
class TermTests:
    """Tests of whether each term, over all equations, can be left out.

    Attributes
    ----------
    kind : {"lr", "wald", "score"}
        Likelihood ratio, Wald or score.
    terms : tuple of str
        Names of features, or of the factors whose dummies leave together.
    statistic, p_value : array of shape (n_terms,)
        Chi-squared under the hypothesis that the term has no effect.
    df : int array of shape (n_terms,)
        K - 1 for each column of a term, less those that are collinear.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> X = X[:, :2]
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    >>> print(result.test_terms("lr"))
    Likelihood-ratio tests of leaving out each term
    <BLANKLINE>
          chi2  df  p-value
    -----------------------
    x0  145.68   2  <0.0001
    x1   43.93   2  <0.0001
    """

    kind: str
    terms: tuple[str, ...]
    statistic: FloatArray
    df: npt.NDArray[np.int_]
    p_value: FloatArray

    def __str__(self) -> str:
        """Return a table with a row for each term."""
        name = {"lr": "Likelihood-ratio", "wald": "Wald", "score": "Score"}[self.kind]
        rows = [
            [term, summary.number(statistic, 2), str(df), summary.p_cell(p_value)]
            for term, statistic, df, p_value in zip(self.terms, self.statistic, self.df, self.p_value, strict=True)
        ]
        table = summary.aligned(["chi2", "df", "p-value"], {"": rows})
        return "\n".join([f"{name} tests of leaving out each term", "", *table])

    __repr__ = __str__

    def to_frame(self) -> "pd.DataFrame":
        """Return a data frame with the columns term, statistic, df, p_value. It needs pandas."""
        import pandas as pd

        return pd.DataFrame(
            {"term": self.terms, "statistic": self.statistic, "df": self.df, "p_value": self.p_value},
        )


def term_tests(estimate: Estimate, covariance: FloatArray, kind: str, groups: dict[str, tuple[int, ...]]) -> TermTests:
    """Test every group of columns of X, over all equations.

    Parameters
    ----------
    estimate : Estimate
        Unpenalised.
    covariance : array of shape (P, P)
        In coordinates, for kind "wald".
    kind : {"lr", "wald", "score"}
    groups : dict from name to columns of X
    """

    def test(forms: FloatArray, values: FloatArray) -> ChiSquaredTest:
        if kind == "wald":
            return wald(forms @ covariance @ forms.T, values)
        return _likelihood_ratio(estimate, forms, values) if kind == "lr" else _score(estimate, forms, values)

    tests = [test(*term_hypothesis(estimate, columns)) for columns in groups.values()]
    return TermTests(
        kind=kind,
        terms=tuple(groups),
        statistic=np.array([result.statistic for result in tests]),
        df=np.array([result.df for result in tests]),
        p_value=np.array([result.p_value for result in tests]),
    )


def term_hypothesis(estimate: Estimate, columns: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    """Return the linear forms R that vanish where these columns of X have no effect, (d, P), and R z; d by rank."""
    terms = estimate.estimable_combinations(np.identity(estimate.objective.shape[0])[list(columns)])
    classes = contrast_forms(estimate.n_classes, 0) @ estimate.class_forms
    return estimate.linear_map(classes, terms), np.ravel(classes @ (terms @ estimate.parameters).T)


def wald(covariance: FloatArray, difference: FloatArray) -> ChiSquaredTest:
    """Return b' V^+ b for b of shape (d,) and V of shape (d, d), with the rank of V as degrees of freedom."""
    if len(difference) == 0:
        return chi_squared_test(0.0, 0)
    # Scaled to unit diagonal first: the rank must not depend on the units of the forms.
    units = np.sqrt(np.maximum(covariance.diagonal(), 0.0))
    units[units == 0.0] = 1.0
    eigenvalues, vectors = linalg.eigh(covariance / np.outer(units, units))
    kept = eigenvalues > _RANK_TOLERANCE * eigenvalues[-1]
    components = vectors[:, kept].T @ (difference / units)
    return chi_squared_test(float(np.sum(components**2 / eigenvalues[kept])), int(kept.sum()))


def _likelihood_ratio(estimate: Estimate, forms: FloatArray, values: FloatArray) -> ChiSquaredTest:
    if len(forms) == 0:
        return chi_squared_test(0.0, 0)
    reduced = constrained_fit(estimate, forms, -values)
    return chi_squared_test(2.0 * (estimate.log_likelihood - reduced.log_likelihood), len(forms))


def _score(estimate: Estimate, forms: FloatArray, values: FloatArray) -> ChiSquaredTest:
    """Return g' F^-1 g at the fit without the term: the gradient there, in the metric of the information there."""
    if len(forms) == 0:
        return chi_squared_test(0.0, 0)
    reduced = constrained_fit(estimate, forms, -values)
    there = estimate_at(estimate.objective, reduced.parameters, estimate.coordinates)
    return chi_squared_test(float(there.gradient @ there.solve(there.gradient)), len(forms))
