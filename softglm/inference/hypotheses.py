r"""Tests of linear hypotheses about the coefficients: likelihood ratio, Wald and score.

A feature, or a group of columns, leaves the model if its coefficients are zero in all K - 1 equations. Where columns
are collinear only the estimable part of that can be tested, and the degrees of freedom are its rank.

Where classes are separated estimates are infinite, but likelihoods have suprema: a likelihood ratio is twice their
difference, also for the term that separates. Wald's statistic of infinite estimates does not exist.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data import blas_as_found, one_blas_thread
from softglm.drawing import Drawing, drawn
from softglm.inference.bias_reduced import bias_reduced
from softglm.inference.cells import NOT_ESTIMABLE, df_cell, number, p_cell
from softglm.inference.constrained import FOR_LIKELIHOODS, constrained_fit
from softglm.inference.covariance import Covariance
from softglm.inference.estimate import Estimate, coordinates_of, estimate_at
from softglm.inference.forms import contrast_forms
from softglm.inference.limit import supremum
from softglm.inference.significance import ChiSquaredTest, Test, chi_squared_test, nothing_to_test, wald, wald_of
from softglm.inference.tables import Content, Table
from softglm.inference.terms import Term
from softglm.model import Objective, Ridge, null_model
from softglm.optional import pandas
from softglm.sums import Offsets

if TYPE_CHECKING:
    import pandas as pd

# Of the kinds of tests.
NAMES = {"lr": "Likelihood-ratio", "wald": "Wald", "score": "Score", "d1": "Pooled Wald (D1)"}


@final
@dataclass(frozen=True, eq=False, repr=False)
class TermTests(Table):
    """Tests of whether each term, over all equations, can be left out.

    Attributes
    ----------
    kind : {"lr", "wald", "score", "d1"}
        Likelihood ratio, Wald, score, or Wald of a pooled fit.
    terms : tuple of str
        Names of features, or of the factors whose dummies leave together; of variables and their interactions, "A:B".
    statistic, p_value : array of shape (n_terms,)
        Chi-squared under the hypothesis that the term has no effect; Wald's is F where the coefficients have Student's
        t distribution. NaN where nothing of a term can be estimated, and Wald's where its estimates are infinite.
    df : int array of shape (n_terms,)
        K - 1 for each column of a term, less those that are collinear; no more than the rank of the covariance.
    n_restrictions : int array of shape (n_terms,)
        The same, before the rank of the covariance limits `df`: with G clusters to G - 1.
    df_denominator : float, array of shape (n_terms,), or None
        Of F, one for each term where they differ (CR2, pooled fits); None for chi-squared.
    is_type_2 : bool
        Whether some terms are contained in others, and tested without these.
    split : dict from str to tuple of str
        Of inputs whose columns, several, were tested each by itself: these.

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

    Of variables, and of their interaction:

    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import PolynomialFeatures
    >>> products = PolynomialFeatures(interaction_only=True, include_bias=False)
    >>> model = make_pipeline(products, SoftmaxGLM(alpha=0)).fit(X, y)
    >>> print(infer(model, X, y).test_terms(by="variable"))
    Likelihood-ratio tests of leaving out each term, given those that do not contain it (type II)
    <BLANKLINE>
             chi2  df  p-value
    --------------------------
    x0     145.68   2  <0.0001
    x1      43.93   2  <0.0001
    x0:x1    1.27   2   0.5287
    """

    kind: str
    terms: tuple[str, ...]
    statistic: FloatArray
    df: npt.NDArray[np.int_]
    p_value: FloatArray
    n_restrictions: npt.NDArray[np.int_]
    df_denominator: float | FloatArray | None = None
    is_type_2: bool = False
    split: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def _content(self) -> Content:
        name = NAMES[self.kind]
        tests = [
            self.terms,
            [number(statistic, 2) for statistic in self.statistic],
            map(str, self.df),
            *self._denominators(),
            map(p_cell, self.p_value),
        ]
        head = ["chi2", "df", "p-value"] if self.df_denominator is None else ["F", "df1", "df2", "p-value"]
        given = ", given those that do not contain it (type II)" if self.is_type_2 else ""
        title = f"{name} tests of leaving out each term{given}"
        return Content(head, {"": list(zip(*tests, strict=True))}, title=title, notes=self._notes())

    @drawn
    def plot(self) -> Drawing:
        """Draw the statistics, sorted, beside what they exceed by chance: `softglm.plots.TermTestDisplay`."""
        return Drawing("TermTestDisplay", "from_tests", self)

    def to_frame(self) -> "pd.DataFrame":
        """Return a data frame with the columns term, statistic, df, p_value. It needs pandas.

        For F also df_denominator; and n_restrictions, where the rank of the covariance is less for some term.
        """
        pd = pandas()
        columns: dict[str, Any] = {"term": self.terms, "statistic": self.statistic, "df": self.df}
        if self.df_denominator is not None:
            columns["df_denominator"] = self.df_denominator
        if (self.df < self.n_restrictions).any():
            columns["n_restrictions"] = self.n_restrictions
        return pd.DataFrame({**columns, "p_value": self.p_value})

    def _denominators(self) -> list[list[str]]:
        """Return the column of the second degrees of freedom, if there is one."""
        if self.df_denominator is None:
            return []
        if isinstance(self.df_denominator, np.ndarray):
            return [[df_cell(df) for df in np.where(np.isnan(self.statistic), np.nan, self.df_denominator)]]
        cell = f"{self.df_denominator:g}"
        return [[NOT_ESTIMABLE if np.isnan(statistic) else cell for statistic in self.statistic]]

    def _notes(self) -> list[str]:
        """Return lines below the table."""
        told = list(zip(self.terms, self.df, self.n_restrictions, strict=True))
        shrunk = [f"{term} {df} of {asked}" for term, df, asked in told if 0 < df < asked]
        too_many = [f"{term} {asked}" for term, df, asked in told if df == 0 < asked]
        infinite = (self.df > 0) & np.isnan(self.statistic)
        notes = []
        if shrunk:
            notes.append(f"The covariance has not the rank to test every restriction: {', '.join(shrunk)}.")
        if too_many:
            notes.append(
                f"-: too few clusters, or too little rank, for so many restrictions at once: {', '.join(too_many)}. "
                "Test fewer by wald_test."
            )
        if ((self.df == 0) & (self.n_restrictions == 0)).any():
            notes.append("-: nothing of the term can be estimated.")
        if infinite.any():
            notes.append('-: infinite estimates have no Wald statistic. Use test_terms("lr").')
        notes += [
            f"Each by itself: {columns[0]} {'and' if len(columns) == 2 else 'to'} {columns[-1]}, the {len(columns)} "
            f'columns of {name}. Use by="variable" to test them together.'
            for name, columns in self.split.items()
        ]
        return notes


# The products are small and many: more threads would mostly wait for each other.
@one_blas_thread
def term_tests(
    estimate: Estimate,
    covariance: Covariance,
    kind: str,
    terms: Mapping[str, Term],
    *,
    degrees_of_freedom: float | None,
    report: Callable[[str, Test], None],
) -> TermTests:
    """Test every term, over all equations.

    Parameters
    ----------
    estimate : Estimate
        Unpenalised.
    covariance : Covariance
        Of the coordinates, for kind "wald".
    kind : {"lr", "wald", "score"}
    terms : mapping from name to Term
    degrees_of_freedom : float or None
        Of the distribution of a coefficient, for kind "wald".
    report : callable
        Called as ``report(name, test)`` with each test, once it is there.
    """
    freedom = degrees_of_freedom if kind == "wald" else None
    report = blas_as_found(report)
    smaller: dict[tuple[int, ...], Estimate] = {(): estimate}
    suprema: dict[tuple[int, ...], tuple[float, int]] = {(): (estimate.criterion, 0)}

    def test(name: str, term: Term) -> Test:
        if kind == "wald":
            result = _wald_of_term(estimate, covariance, term, freedom)
        elif kind == "lr" and _stays(estimate, (*term.columns, *term.containing)):
            result = _ratio_of_term(estimate, term, suprema)
        else:
            if term.containing not in smaller:
                smaller[term.containing] = _without(estimate, term.containing)
            kept = _kept(estimate, term.containing)
            result = _test_in(smaller[term.containing], tuple(np.searchsorted(kept, term.columns).tolist()), kind)
        report(name, result)
        return result

    tests = [test(name, term) for name, term in terms.items()]
    df = np.array([result.df for result in tests], dtype=int)
    asked = [result.df if result.n_restrictions is None else result.n_restrictions for result in tests]
    return TermTests(
        kind=kind,
        terms=tuple(terms),
        is_type_2=any(term.containing for term in terms.values()),
        statistic=np.array([result.statistic for result in tests]),
        df=df,
        p_value=np.array([result.p_value for result in tests]),
        n_restrictions=np.array(asked, dtype=int),
        df_denominator=_common([result.df_denominator for result in tests], freedom),
    )


def _common(denominators: list[float | None], freedom: float | None) -> float | FloatArray | None:
    """Return the degrees of freedom of the denominators of tests, an array where they are not all this number."""
    if freedom is None or all(df == freedom for df in denominators):
        return freedom
    return np.array(denominators, dtype=np.float64)


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
    estimable = estimate.row_space.combinations(terms)
    classes = contrast_forms(estimate.n_classes, 0) @ estimate.class_forms
    forms = estimate.linear_map(classes, estimable)
    values = np.ravel(classes @ (estimable @ estimate.parameters).T)
    return estimate.independent(forms, values)


def wald_test(
    estimate: Estimate,
    covariance: Covariance,
    forms: FloatArray,
    values: FloatArray,
    degrees_of_freedom: float | None,
) -> Test:
    """Return the Wald test that linear forms of the coordinates, (d, P), whose estimates differ by `values`, do not.

    Of forms that are infinite in a separated fit the statistic is missing. Where coefficients have a t distribution and
    CR2 knows their degrees of freedom, so it does those of the test. It has none of what one cluster alone knows.
    """
    forms, values = estimate.independent(forms, values)
    if not estimate.sees(forms).all():
        return replace(nothing_to_test(degrees_of_freedom), df=len(forms), n_restrictions=len(forms))
    if not len(forms):
        return nothing_to_test(degrees_of_freedom)
    few = covariance.few_clusters
    if few is not None and not few.tells(forms).all():
        return replace(nothing_to_test(degrees_of_freedom), n_restrictions=len(forms))
    if few is not None and degrees_of_freedom is not None:
        return few.test(forms, values)
    return wald(forms @ covariance.root, values, degrees_of_freedom)


def _wald_of_term(estimate: Estimate, covariance: Covariance, term: Term, degrees_of_freedom: float | None) -> Test:
    """Return the Wald test of a term: where others contain it, of both less that of those.

    With estimates b and c of covariance V that is the form of b - V_bc V_cc^-1 c: of what b is where c is 0.
    """

    def wald_of_columns(columns: tuple[int, ...]) -> Test:
        forms, values = term_hypothesis(estimate, columns)
        return wald_test(estimate, covariance, forms, values, degrees_of_freedom)

    if term.containing and covariance.few_clusters is not None:
        forms, values = term_hypothesis(estimate, term.columns)
        given_forms, given_values = term_hypothesis(estimate, term.containing)
        slopes = forms @ covariance.root @ np.linalg.pinv(given_forms @ covariance.root)
        return wald_test(
            estimate, covariance, forms - slopes @ given_forms, values - slopes @ given_values, degrees_of_freedom
        )
    both = wald_of_columns((*term.columns, *term.containing))
    if not term.containing or not both.df:
        return both
    given = wald_of_columns(term.containing)
    form, given_form = (
        test.statistic * (1 if degrees_of_freedom is None else test.df) if test.df else 0.0 for test in (both, given)
    )
    rank, asked = both.df - given.df, (both.n_restrictions or both.df) - (given.n_restrictions or given.df)
    beyond = max(form - given_form, 0.0)  # but for rounding; NaN stays
    return wald_of(beyond, rank, asked, degrees_of_freedom) if rank else nothing_to_test(degrees_of_freedom)


def _stays(estimate: Estimate, columns: tuple[int, ...]) -> bool:
    """Tell whether the model without columns is a constraint on this one: its prior and what separates are the same."""
    return not estimate.is_bias_reduced and bool(estimate.sees(term_hypothesis(estimate, columns)[0]).all())


def _ratio_of_term(estimate: Estimate, term: Term, suprema: dict[tuple[int, ...], tuple[float, int]]) -> Test:
    """Return the likelihood-ratio test of a term; where others contain it, in the model without those.

    Suprema of the log-likelihood without columns, and how many restrictions that is, are kept for other terms.
    """
    for columns in (term.containing, (*term.columns, *term.containing)):
        if columns not in suprema:
            forms, values = term_hypothesis(estimate, columns)
            reduced = constrained_fit(estimate, forms, -values, negligible=FOR_LIKELIHOODS)
            suprema[columns] = reduced.criterion, len(forms)
    (given, n_given), (both, n_both) = suprema[term.containing], suprema[columns]
    return chi_squared_test(2.0 * (given - both), n_both - n_given) if n_both > n_given else nothing_to_test()


def _test_in(estimate: Estimate, columns: tuple[int, ...], kind: str) -> Test:
    """Return the likelihood-ratio or score test of columns of a model."""
    forms, values = term_hypothesis(estimate, columns)
    if not len(forms):
        return nothing_to_test()
    # Where no direction that separates moves the term, the same ones separate without it, and the limit stays.
    if estimate.observed is not None and not estimate.sees(forms).all():
        return _test_by_supremum(estimate, estimate.observed, columns, len(forms), kind)
    return _likelihood_ratio(estimate, forms, values) if kind == "lr" else _score(estimate, forms, values)


def _without(estimate: Estimate, columns: tuple[int, ...]) -> Estimate:
    """Return the model without some columns, fitted anew: it may be separated, or not."""
    observed, kept = estimate.observed or estimate.objective, _kept(estimate, columns)
    nothing = Ridge.on_coefficients(0.0, len(kept), fit_intercept=observed.fit_intercept)
    rows = observed.rows.changed(columns=kept)
    objective = Objective(rows, observed.family, nothing, fit_intercept=observed.fit_intercept)
    if estimate.is_bias_reduced:
        null = estimate_at(objective, null_model(objective).parameters, coordinates_of(objective))
        return bias_reduced(null)[0]
    return supremum(objective)


def _kept(estimate: Estimate, columns: tuple[int, ...]) -> npt.NDArray[np.intp]:
    """Return all other columns."""
    return np.setdiff1d(np.arange(estimate.objective.rows.n_features), columns)


def _likelihood_ratio(estimate: Estimate, forms: FloatArray, values: FloatArray) -> ChiSquaredTest:
    reduced = constrained_fit(estimate, forms, -values, negligible=FOR_LIKELIHOODS)
    return chi_squared_test(2.0 * (estimate.criterion - reduced.criterion), len(forms))


def _score(estimate: Estimate, forms: FloatArray, values: FloatArray) -> Test:
    """Return g' F^-1 g at the fit without the term: the gradient there, in the metric of the information there."""
    reduced = constrained_fit(estimate, forms, -values)
    there = estimate.at(reduced.parameters)
    return chi_squared_test(float(there.gradient @ there.solve(there.gradient)), len(forms))


def _test_by_supremum(limit: Estimate, observed: Objective, columns: tuple[int, ...], df: int, kind: str) -> Test:
    """Test a term of separated data: the model without it is fitted anew, and may or may not be separated."""
    kept, reduced = _kept(limit, columns), _without(limit, columns)
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
