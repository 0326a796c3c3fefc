r"""Tests of linear hypotheses about the coefficients: likelihood ratio, Wald and score.

A feature, or a group of columns, leaves the model if its coefficients are zero in all K - 1 equations. Where columns
are collinear only the estimable part of that can be tested, and the degrees of freedom are its rank.

Where classes are separated estimates are infinite, but likelihoods have suprema: a likelihood ratio is twice their
difference, also for the term that separates. Wald's statistic of infinite estimates does not exist.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data import blas_as_found, one_blas_thread
from softglm.inference.cells import aligned, number, p_cell
from softglm.inference.constrained import constrained_fit
from softglm.inference.estimate import Estimate, estimate_at
from softglm.inference.forms import contrast_forms
from softglm.inference.limit import supremum
from softglm.inference.significance import ChiSquaredTest, Test, chi_squared_test, nothing_to_test, wald
from softglm.model import Objective, Ridge
from softglm.sums import Offsets

if TYPE_CHECKING:
    import pandas as pd

# Of the kinds of tests.
NAMES = {"lr": "Likelihood-ratio", "wald": "Wald", "score": "Score"}


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
        Chi-squared under the hypothesis that the term has no effect; Wald's is F where the coefficients have Student's
        t distribution. NaN where nothing of a term can be estimated, and Wald's where its estimates are infinite.
    df : int array of shape (n_terms,)
        K - 1 for each column of a term, less those that are collinear; no more than the rank of the covariance.
    n_restrictions : int array of shape (n_terms,)
        The same, before the rank of the covariance limits `df`: with G clusters to G - 1.
    df_denominator : float or None
        Of F; None for chi-squared.

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
    n_restrictions: npt.NDArray[np.int_]
    df_denominator: float | None = None

    def __str__(self) -> str:
        """Return a table with a row for each term."""
        name = NAMES[self.kind]
        denominator = [] if self.df_denominator is None else [f"{self.df_denominator:g}"]
        rows = [
            [term, number(statistic, 2), str(df), *denominator, p_cell(p_value)]
            for term, statistic, df, p_value in zip(self.terms, self.statistic, self.df, self.p_value, strict=True)
        ]
        head = ["chi2", "df", "p-value"] if self.df_denominator is None else ["F", "df1", "df2", "p-value"]
        table = aligned(head, {"": rows})
        return "\n".join([f"{name} tests of leaving out each term", "", *table, *self._notes()])

    __repr__ = __str__

    def to_frame(self) -> "pd.DataFrame":
        """Return a data frame with the columns term, statistic, df, p_value. It needs pandas.

        For F also df_denominator; and n_restrictions, where the rank of the covariance is less for some term.
        """
        import pandas as pd

        columns: dict[str, Any] = {"term": self.terms, "statistic": self.statistic, "df": self.df}
        if self.df_denominator is not None:
            columns["df_denominator"] = self.df_denominator
        if (self.df < self.n_restrictions).any():
            columns["n_restrictions"] = self.n_restrictions
        return pd.DataFrame({**columns, "p_value": self.p_value})

    def _notes(self) -> list[str]:
        """Return lines below the table."""
        shrunk = [
            f"{term} {df} of {asked}"
            for term, df, asked in zip(self.terms, self.df, self.n_restrictions, strict=True)
            if df < asked
        ]
        infinite = (self.df > 0) & np.isnan(self.statistic)
        notes = []
        if shrunk:
            notes.append(f"The covariance has not the rank to test every restriction: {', '.join(shrunk)}.")
        if (self.df == 0).any():
            notes.append("-: nothing of the term can be estimated.")
        if infinite.any():
            notes.append('-: infinite estimates have no Wald statistic. Use test_terms("lr").')
        return notes


# The products are small and many: more threads would mostly wait for each other.
@one_blas_thread
def term_tests(
    estimate: Estimate,
    root: FloatArray,
    kind: str,
    groups: dict[str, tuple[int, ...]],
    *,
    degrees_of_freedom: float | None,
    report: Callable[[str, Test], None],
) -> TermTests:
    """Test every group of columns of X, over all equations.

    Parameters
    ----------
    estimate : Estimate
        Unpenalised.
    root : array of shape (P, k)
        Of the covariance L L' in coordinates, for kind "wald".
    kind : {"lr", "wald", "score"}
    groups : dict from name to columns of X
    degrees_of_freedom : float or None
        Of the distribution of a coefficient, for kind "wald".
    report : callable
        Called as ``report(name, test)`` with each test, once it is there.
    """
    freedom = degrees_of_freedom if kind == "wald" else None
    report = blas_as_found(report)

    def test(name: str, columns: tuple[int, ...]) -> Test:
        result = test_of(columns)
        report(name, result)
        return result

    def test_of(columns: tuple[int, ...]) -> Test:
        forms, values = term_hypothesis(estimate, columns)
        if not len(forms):
            return nothing_to_test(freedom)
        if kind == "wald":
            return wald_test(estimate, root, forms, values, freedom)
        if estimate.observed is not None:
            return _test_by_supremum(estimate, estimate.observed, columns, len(forms), kind)
        return _likelihood_ratio(estimate, forms, values) if kind == "lr" else _score(estimate, forms, values)

    tests = [test(name, columns) for name, columns in groups.items()]
    df = np.array([result.df for result in tests], dtype=int)
    asked = [result.df if result.n_restrictions is None else result.n_restrictions for result in tests]
    return TermTests(
        kind=kind,
        terms=tuple(groups),
        statistic=np.array([result.statistic for result in tests]),
        df=df,
        p_value=np.array([result.p_value for result in tests]),
        n_restrictions=np.array(asked, dtype=int),
        df_denominator=freedom,
    )


def term_hypothesis(estimate: Estimate, columns: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    """Return the linear forms R that vanish where these columns of X have no effect, (d, P), and R z; d by rank."""
    return _hypothesis(estimate, np.identity(estimate.objective.shape[0])[list(columns)])


def overall_hypothesis(estimate: Estimate) -> tuple[FloatArray, FloatArray]:
    """Return the linear forms that vanish where eta is constant (0, if the model has no constant), as above."""
    terms, constant = np.identity(estimate.objective.shape[0]), estimate.constant
    if constant is not None:
        # theta' - theta'_j / constant_j constant is 0 where theta is a multiple of the constant.
        largest = int(np.abs(constant).argmax())
        terms = np.delete(terms - np.outer(constant / constant[largest], terms[largest]), largest, axis=0)
    return _hypothesis(estimate, terms)


def overall_ratio(estimate: Estimate) -> ChiSquaredTest:
    """Return the likelihood-ratio test of all features together, by a fit without them; penalised if bias-reduced."""
    return _likelihood_ratio(estimate, *overall_hypothesis(estimate))


def _hypothesis(estimate: Estimate, terms: FloatArray) -> tuple[FloatArray, FloatArray]:
    estimable = estimate.estimable_combinations(terms)
    classes = contrast_forms(estimate.n_classes, 0) @ estimate.class_forms
    forms = estimate.linear_map(classes, estimable)
    values = np.ravel(classes @ (estimable @ estimate.parameters).T)
    return estimate.independent(forms, values)


def wald_test(
    estimate: Estimate, root: FloatArray, forms: FloatArray, values: FloatArray, degrees_of_freedom: float | None
) -> Test:
    """Return the Wald test that linear forms of the coordinates, (d, P), whose estimates differ by `values`, do not.

    Of forms that are infinite in a separated fit the statistic is missing.
    """
    forms, values = estimate.independent(forms, values)
    if not estimate.sees(forms).all():
        return replace(nothing_to_test(degrees_of_freedom), df=len(forms), n_restrictions=len(forms))
    return wald(forms @ root, values, degrees_of_freedom) if len(forms) else nothing_to_test(degrees_of_freedom)


def _likelihood_ratio(estimate: Estimate, forms: FloatArray, values: FloatArray) -> ChiSquaredTest:
    reduced = constrained_fit(estimate, forms, -values)
    return chi_squared_test(2.0 * (estimate.criterion - reduced.criterion), len(forms))


def _score(estimate: Estimate, forms: FloatArray, values: FloatArray) -> Test:
    """Return g' F^-1 g at the fit without the term: the gradient there, in the metric of the information there."""
    reduced = constrained_fit(estimate, forms, -values)
    there = estimate.at(reduced.parameters)
    return chi_squared_test(float(there.gradient @ there.solve(there.gradient)), len(forms))


def _test_by_supremum(limit: Estimate, observed: Objective, columns: tuple[int, ...], df: int, kind: str) -> Test:
    """Test a term of separated data: the model without it is fitted anew, and may or may not be separated."""
    kept = np.setdiff1d(np.arange(observed.rows.n_features), columns)
    nothing = Ridge.on_coefficients(0.0, len(kept), fit_intercept=observed.fit_intercept)
    rows = observed.rows.changed(columns=kept)
    reduced = supremum(Objective(rows, observed.family, nothing, fit_intercept=observed.fit_intercept))
    if kind == "lr":
        return chi_squared_test(2.0 * (limit.log_likelihood - reduced.log_likelihood), df)
    # Where the reduced model is separated too, its limit has left out what is decided, and so does the score.
    whole = observed
    if reduced.observed is not None:
        rows = observed.rows.changed(offset=reduced.objective.rows.concatenate(Offsets())[0].T)
        whole = Objective(rows, observed.family, observed.penalty, fit_intercept=observed.fit_intercept)
    parameters = np.zeros(whole.shape)
    parameters[[*kept, *range(observed.rows.n_features, len(parameters))]] = reduced.parameters
    there = estimate_at(whole, parameters, limit.coordinates, is_singular=True)
    return chi_squared_test(float(there.gradient @ there.solve(there.gradient)), df)
