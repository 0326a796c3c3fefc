"""Inference: all that a fit says, behind one name. Its methods orchestrate; the numbers happen in the other files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import TYPE_CHECKING, Any, Literal, Self, final

import numpy as np
import numpy.typing as npt
from scipy import stats

from softglm.arrays import BoolArray, FloatArray
from softglm.drawing import display
from softglm.inference import diagnostics, effects, goodness, maketables, summary
from softglm.inference.averages import AveragePredictions, average_predictions
from softglm.inference.cells import number
from softglm.inference.classes import position_of
from softglm.inference.coding import Coding, against_base, constant_term, sum_to_zero
from softglm.inference.coefficients import Coefficients, Symmetric, coefficient_table
from softglm.inference.comparisons import Pairs, Question, compared
from softglm.inference.contrasts import ContrastKind, Contrasts, contrasts_of
from softglm.inference.covariance import Covariance, clipped, quasi, standard_errors_away
from softglm.inference.estimate import Estimate
from softglm.inference.factors import BASE
from softglm.inference.groups import GroupedColumns, Groups, listed
from softglm.inference.hauck_donner import hauck_donner
from softglm.inference.hypotheses import (
    NAMES,
    TermTests,
    overall_hypothesis,
    overall_ratio,
    term_hypothesis,
    term_tests,
    wald_test,
)
from softglm.inference.influence import influence
from softglm.inference.inputs import Inputs
from softglm.inference.intervals import profile_intervals, signed_roots
from softglm.inference.joint import with_covariance
from softglm.inference.likelihood import Likelihood, PseudoR2, likelihood_of, pseudo_r2, spectral_condition
from softglm.inference.limit import null_estimate
from softglm.inference.multiplicity import Adjustment
from softglm.inference.names import Name, are_names
from softglm.inference.prediction import Predictions, predictions
from softglm.inference.progress import ProgressPrinter
from softglm.inference.restrictions import check_finite_statistic, equal_slopes, read_restrictions
from softglm.inference.sample import Sample
from softglm.inference.score_bootstrap import BootstrapTest, WeightKind, score_bootstrap
from softglm.inference.separation import Separation
from softglm.inference.significance import ChiSquaredTest, Test, sampling_distribution
from softglm.inference.subjects import subject_of
from softglm.inference.tables import Content, Table
from softglm.inference.terms import Term, terms_of_variables
from softglm.inference.validity import Validity
from softglm.once import cached_property
from softglm.optional import pandas

if TYPE_CHECKING:
    import pandas as pd

# Of the ends of an interval, while others are awaited.
_DECIMALS = 4
_TRUSTING = 'For tests, use test_terms("wald"); to compare models by it, infer with covariance="model"'


@final
@dataclass(frozen=True, eq=False, repr=False)
class Inference(Table):
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
        Of Student's t distribution for z; None for the normal. Under CR2 coefficients and tests have their
        own, and this is the least of them.
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

    estimate: Estimate
    covariance: Covariance
    classes: npt.NDArray[Any]
    base: int
    features: tuple[str, ...]
    inputs: Inputs | None
    sample: Sample
    level: float = 0.95
    degrees_of_freedom: float | None = None
    separated: Separation | None = None
    moved: float = float("nan")
    notes: tuple[str, ...] = field(default=())
    how_based: str = ""
    units: Mapping[str, str] = field(default_factory=dict)

    @property
    def separation(self) -> Literal["none", "quasi-complete", "complete"]:
        """Whether the classes are separated, and some maximum-likelihood estimates infinite."""
        return "none" if self.separated is None else self.separated.kind

    @property
    def reference(self) -> Any:  # noqa: ANN401 - a class is what the user's labels are
        """The base class."""
        return self.classes[self.base].item() if hasattr(self.classes[self.base], "item") else self.classes[self.base]

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of the coefficients of a class: "Intercept" first, if there is one."""
        if not self.estimate.objective.fit_intercept:
            return self.features
        return ("Intercept", *(f"{name} (column)" if name == "Intercept" else name for name in self.features))

    @property
    def null(self) -> Self:
        """The model without features, of the same rows: constants only. It can be printed, and compared with.

        Raises
        ------
        ValueError
            If the model has no constant: without features it has no parameters.
        """
        if self.estimate.constant is None:
            raise ValueError(
                "The model has no constant, neither an intercept nor in X, so that without features it has no "
                "parameters; null_log_likelihood is the log-likelihood then."
            )
        estimate = null_estimate(self.estimate)
        covariance, freedom = self.sample.covariance_of(estimate)
        return replace(
            self,
            estimate=estimate,
            covariance=clipped(estimate, covariance, self.base),
            degrees_of_freedom=freedom,
            features=(),
            inputs=None,
            separated=None,
            moved=0.0,
            notes=(),
        )

    @cached_property
    def coefficients(self) -> Coefficients:
        """The `Coefficients`: estimates, standard errors, tests against 0, Wald intervals, all of (K - 1, n_terms)."""
        return self._table(self._coding, np.delete(self.classes, self.base), self.reference)

    @cached_property
    def covariance_matrix(self) -> FloatArray:
        """The covariance of the coefficients, class by class, ((K - 1) n_terms) square; NaN where not estimable."""
        return self._coding.covariance(self.covariance)

    def covariance_frame(self) -> "pd.DataFrame":
        """Return `covariance_matrix` as a data frame whose rows and columns are named by class and term."""
        pd = pandas("covariance_frame")
        table = self.coefficients
        names = pd.MultiIndex.from_product([table.classes, table.terms], names=["class", "term"])
        return pd.DataFrame(self.covariance_matrix, index=names, columns=names)

    def rebase(self, reference: Any) -> Self:  # noqa: ANN401 - a class is what the user's labels are
        """Return the same fit seen from another base class; nothing is refitted.

        Parameters
        ----------
        reference : label
            The new base class.

        Returns
        -------
        Inference
            With coefficients, tests and intervals against that class.

        Raises
        ------
        ValueError
            If there is no such class.
        """
        base = position_of(reference, self.classes)
        return replace(self, base=base, covariance=clipped(self.estimate, self.covariance, base), how_based="")

    def symmetric(self) -> Symmetric:
        """Return the coefficients in sum-to-zero coding, one row per class, and their singular covariance."""
        coding = sum_to_zero(self.estimate, self.separated)
        return Symmetric(self._table(coding, self.classes, None), coding.covariance(self.covariance))

    @cached_property
    def condition_number(self) -> float:
        """The condition number of the scaled information: above 30 collinear columns inflate standard errors."""
        return spectral_condition(self.estimate)

    @cached_property
    def optimisation_error(self) -> float:
        """How far any linear combination of coefficients can be from its optimum, in its own standard errors."""
        estimate = self.estimate
        if self.covariance.kind == "model" and not estimate.is_penalised:
            return estimate.distance
        return standard_errors_away(self.covariance.root, estimate.solve(estimate.gradient))

    def confidence_intervals(self, method: Literal["wald", "profile"] = "wald", *, verbose: int = False) -> FloatArray:
        """Return the lower and the upper ends of intervals for the coefficients.

        Parameters
        ----------
        method : {"wald", "profile"}
            Estimate and standard errors; or where the log-likelihood, maximised over the other coefficients, falls by
            half a chi-squared quantile. Profile intervals keep their coverage where Wald intervals are too symmetric,
            and are infinite where the estimate is; of bias-reduced estimates they are of the penalised likelihood.
            Each takes several fits: many classes and terms take their time.
        verbose : bool or int, default=False
            Print a line for each profile interval, once it is there.

        Returns
        -------
        array of shape (2, K - 1, n_terms)
            In nats, at the confidence `level`.

        Raises
        ------
        ValueError
            For profile intervals of a penalised, reweighted or robust fit.
        ArithmeticError
            If a penalised likelihood has a maximum higher than that of the estimates: use method="wald".
        """
        if method == "wald":
            return np.stack([self.coefficients.lower, self.coefficients.upper])
        if method != "profile":
            raise ValueError(f'method must be "wald" or "profile", got {method!r}.')
        self._validity.require_tests("Profile intervals")
        self._validity.require_trusted_likelihood("Profile intervals", 'Use confidence_intervals("wald")')
        table, estimate = self.coefficients, self.estimate
        n_intervals = len(table.classes) * int(estimate.estimable_terms(estimate.term_forms).sum())
        progress = ProgressPrinter("Profile interval", n_intervals, verbose=verbose)

        def report(row: int, column: int, lower: float, upper: float) -> None:
            which = f"{table.terms[column]} of {table.classes[row]}"
            progress.report(which, f"{number(lower, _DECIMALS)} to {number(upper, _DECIMALS)}")

        return profile_intervals(estimate, self._coding, self.base, self.level, report)

    def profiled(self, *, verbose: int = False) -> Coefficients:
        """Return the coefficients with profile intervals and likelihood-ratio tests, in place of Wald's.

        z is the signed root of the likelihood ratio of this coefficient against 0, which is finite where the estimate
        is not, and its p-value is below 1 - level just where 0 is outside the interval.

        Parameters
        ----------
        verbose : bool or int, default=False
            Print a line for each interval, once it is there: each takes several fits.

        Returns
        -------
        Coefficients
            Their `lower` and `upper` are those of ``confidence_intervals("profile")``; standard errors stay.

        Raises
        ------
        ValueError
            As `confidence_intervals` does.

        Examples
        --------
        >>> from sklearn.datasets import load_wine
        >>> from softglm import SoftmaxGLM, infer
        >>> X, y = load_wine(return_X_y=True)
        >>> X = X[:, :2]
        >>> print(infer(SoftmaxGLM(alpha=0).fit(X, y), X, y).profiled())
                     estimate  std. error       z  p-value    2.5%   97.5%
        ------------------------------------------------------------------
        1 vs 0
          Intercept    66.32        9.48    12.01  <0.0001  49.48   86.80
          x0           -5.088       0.726  -12.00  <0.0001  -6.653  -3.798
          x1            0.055       0.335    0.17   0.8687  -0.609   0.721
        2 vs 0
          Intercept    25.94        7.18     4.02  <0.0001  12.72   41.18
          x0           -2.174       0.540   -4.62  <0.0001  -3.327  -1.187
          x1            1.210       0.263    5.39  <0.0001   0.729   1.765
        """
        lower, upper = self.confidence_intervals("profile", verbose=verbose)
        z = signed_roots(self.estimate, self._coding, self.base)
        p_value = 2.0 * stats.norm.sf(np.abs(z))
        return replace(self.coefficients, z=z, p_value=p_value, lower=lower, upper=upper)

    @property
    def log_likelihood(self) -> float:
        """In nats, without the multinomial coefficients; a pseudo-likelihood under sampling or class weights."""
        return self.likelihood.model

    @property
    def null_log_likelihood(self) -> float:
        """The log-likelihood of the model without features: same weights, same offset."""
        return self.likelihood.null

    @property
    def deviance(self) -> float:
        """-2 log-likelihood for labels; for counts 2 sum y log(y / (m mu))."""
        return self.likelihood.deviance

    @property
    def null_deviance(self) -> float:
        """The deviance of the model without features."""
        return self.likelihood.null_deviance

    @property
    def n_observations(self) -> float:
        """sum_i w_i m_i, of frequency weights and row totals; under sampling weights the number of rows."""
        return self.sample.n_observations

    @property
    def n_parameters(self) -> int:
        """(K - 1) rank, the rank being that of X with its constant."""
        return self.estimate.n_parameters

    @property
    def effective_parameters(self) -> float:
        """tr(F H^-1): what a penalised fit has of `n_parameters`."""
        return self.likelihood.effective_parameters

    @property
    def aic(self) -> float:
        """2 effective parameters - 2 log-likelihood.

        Raises
        ------
        ValueError
            If sampling or class weights leave no likelihood, or the covariance was chosen not to trust it.
        """
        self._validity.require_trusted_likelihood("AIC", _TRUSTING)
        return self.likelihood.aic

    @property
    def bic(self) -> float:
        """Effective parameters times log(n_observations), - 2 log-likelihood.

        Raises
        ------
        ValueError
            If sampling or class weights leave no likelihood, or the covariance was chosen not to trust it.
        """
        self._validity.require_trusted_likelihood("BIC", _TRUSTING)
        return self.likelihood.bic

    def pseudo_r2(self, kind: PseudoR2 = "mcfadden") -> float:
        """Return a pseudo R-squared.

        Parameters
        ----------
        kind : {"mcfadden", "cox-snell", "nagelkerke", "tjur"}
            With l the log-likelihood: 1 - l / l_null; 1 - exp(2 (l_null - l) / n); that over the most it can be; or,
            for two classes only, the difference of the mean probabilities of the second where it was and was not
            observed.

        Returns
        -------
        float
            At most 1.

        Raises
        ------
        ValueError
            If there is no such kind, or the weights leave no likelihood.

        References
        ----------
        T. Tjur, "Coefficients of determination in logistic regression models", The American Statistician 63, 2009,
        doi:10.1198/tast.2009.08210.
        """
        self._validity.require_likelihood("A pseudo R-squared")
        return pseudo_r2(self.estimate, self.likelihood, kind)

    @cached_property
    def likelihood_ratio(self) -> ChiSquaredTest:
        """The `ChiSquaredTest` of all features together, against the model without them.

        That has constants, if the model has an intercept or X a constant of its own. Where the classes are separated it
        compares the suprema of the likelihoods; of bias-reduced estimates it compares penalised likelihoods.

        Raises
        ------
        ValueError
            If the fit is penalised, sampling or class weights leave no likelihood, or the covariance was chosen not to
            trust it.
        """
        self._validity.require_tests("The likelihood-ratio test")
        self._validity.require_trusted_likelihood(
            "The likelihood-ratio test", 'Use test_terms("wald"), or overall_test'
        )
        return overall_ratio(self.estimate) if self.estimate.is_bias_reduced else self.likelihood.ratio

    @cached_property
    def overall_test(self) -> tuple[str, Test]:
        """The test of all features together: "LR", or "Wald" where the covariance does not trust the likelihood.

        Wald's too where a penalised likelihood is higher without the features than at the estimates.

        Raises
        ------
        ValueError
            If the fit is penalised.
        """
        if self._validity.has_trusted_likelihood and self._has_likelihood_ratio:
            return "LR", self.likelihood_ratio
        self._validity.require_tests("Tests")
        return "Wald", self._wald(*overall_hypothesis(self.estimate))

    def test_terms(
        self,
        kind: Literal["lr", "wald", "score"] = "lr",
        groups: Groups | None = None,
        *,
        by: Literal["term", "variable"] = "term",
        verbose: int = False,
    ) -> TermTests:
        """Test for each term whether it can leave all K - 1 equations.

        Parameters
        ----------
        kind : {"lr", "wald", "score"}
            The likelihood-ratio test fits the model again without the term, the score test too and looks at the
            gradient there; the Wald test is computed from the covariance, and is the one for robust covariances. Where
            the classes are separated the first two compare suprema, and are finite for every term; the Wald test is
            missing for terms with infinite estimates. Of bias-reduced estimates they compare penalised likelihoods.
        groups : dict from name to columns, default=None
            Names or positions of columns of X that leave together, such as the dummies of a factor. By default every
            factor that the pipeline tells of, and every other column by itself.
        by : {"term", "variable"}, default="term"
            "variable" tests the columns that a pipeline takes, by all columns of the model that each of them enters
            (dummies, powers, splines), and columns that several enter as their interaction, "A:B". As car::Anova does
            in R, tests are of type II: A given B, in the model without A:B. With `groups` variables are these, and what
            is in two of them is their interaction.
        verbose : bool or int, default=False
            Print a line for each test, once it is there: likelihood-ratio and score tests take a fit each.

        Returns
        -------
        TermTests
            A row for each group.

        Raises
        ------
        ValueError
            For a penalised fit; for "lr" and "score" where the likelihood is not to be trusted; for "variable" where
            it is not known which columns of the model a variable enters.
        ArithmeticError
            If a penalised likelihood has a maximum higher than that of the estimates: use kind="wald".
        """
        if kind not in {"lr", "wald", "score"}:
            raise ValueError(f'kind must be "lr", "wald" or "score", got {kind!r}.')
        if by not in {"term", "variable"}:
            raise ValueError(f'by must be "term" or "variable", got {by!r}.')
        self._validity.require_tests("Tests")
        if kind != "wald":
            self._validity.require_trusted_likelihood(f'test_terms("{kind}")', 'Use test_terms("wald")')
        terms = (
            terms_of_variables(self._columns.of_variables(groups))
            if by == "variable"
            else {name: Term(columns) for name, columns in self._columns.of_model(groups).items()}
        )
        progress = ProgressPrinter(f"{NAMES[kind]} test", len(terms), verbose=verbose)

        def report(name: str, test: Test) -> None:
            progress.report(name, str(test))

        return term_tests(
            self.estimate,
            self.covariance,
            kind,
            terms,
            degrees_of_freedom=self.degrees_of_freedom,
            report=report,
        )

    @cached_property
    def hauck_donner(self) -> npt.NDArray[np.bool_]:
        """For which coefficients the Wald statistic falls as the effect grows, shape (K - 1, n_terms).

        Their p-values are too large: prefer likelihood ratios and profile intervals. False where nothing is tested; and
        for intercepts beside features, whose size says where those have their zeros.

        References
        ----------
        W. W. Hauck and A. Donner, "Wald's test as applied to hypotheses in logit analysis", Journal of the American
        Statistical Association 72, 1977, doi:10.2307/2286473.
        """
        if not self.is_tested or self.estimate.is_singular:
            return np.zeros(self._coding.estimates.shape, dtype=bool)
        falls: BoolArray = hauck_donner(self.estimate, self.base)
        falls[~self._coding.is_estimable] = False
        if self.features:
            falls[:, constant_term(self.estimate)] = False
        return falls

    def wald_test(self, contrast: npt.ArrayLike, value: npt.ArrayLike = 0.0) -> Test:
        """Test that linear combinations of the coefficients have a given value.

        Parameters
        ----------
        contrast : array of shape (d, (K - 1) n_terms), or of one row
            Of the coefficients class by class, as `covariance_matrix` has them.
        value : array of shape (d,), default=0
            What they are under the hypothesis.

        Returns
        -------
        ChiSquaredTest or FTest
            With the rank of the combinations as degrees of freedom; F where the coefficients have a t distribution.

        Raises
        ------
        ValueError
            If the fit is penalised, the shape is wrong or a combination is not estimable, or infinite.
        """
        self._validity.require_tests("Tests")
        test = self._wald(*self._restrictions(contrast, value))
        check_finite_statistic(test, "wald_test")
        return test

    def bootstrap_test(
        self,
        contrast: npt.ArrayLike | Sequence[str] | str,
        value: npt.ArrayLike = 0.0,
        *,
        draws: int = 9999,
        weights: WeightKind = "rademacher",
        seed: int = 0,
    ) -> BootstrapTest:
        """Test what `wald_test` tests by the wild bootstrap of the scores of the clusters, for few of them.

        The model is fitted once more, under the hypothesis.

        Parameters
        ----------
        contrast : array of shape (d, (K - 1) n_terms), or of one row; or the names of terms
            Of the coefficients, as for `wald_test`; or which terms leave all equations, as `test_terms` names them.
        value : array of shape (d,), default=0
            What they are under the hypothesis; 0 for terms.
        draws : int, default=9999
            Of weights for the clusters. Of Rademacher weights for G clusters there are 2^G; where these are no more
            than the draws, each of them is looked at once, and nothing is random.
        weights : {"rademacher", "webb"}
            1 or -1; or one of six values, for fewer than about 12 clusters, of which there are few signs.
        seed : int, default=0
            Of the draws: the same seed, the same p-value.

        Returns
        -------
        BootstrapTest
            With the p-value, and the error that the number of draws leaves in it.

        Raises
        ------
        ValueError
            If the covariance is not of clusters in one way, the fit is penalised or separated, estimates are
            bias-reduced, or restrictions are wrong, or too many for the clusters.
        """
        self._validity.require_tests("Tests")
        if self.separated is not None:
            raise ValueError(
                'bootstrap_test needs finite estimates, and the classes are separated. Use test_terms("lr") of a fit '
                'with covariance="model": likelihood ratios are finite.'
            )
        if self.estimate.is_bias_reduced:
            raise ValueError(
                "bootstrap_test needs scores that sum to 0, as those of maximum likelihood do, and these estimates are "
                'bias-reduced. Infer with estimates="fitted".'
            )
        if are_names(contrast):
            if np.any(value):
                raise ValueError(
                    f"value={value!r} goes with a contrast of coefficients, and terms are tested to be 0, got "
                    f"{contrast!r}. Leave it out, or pass a contrast."
                )
            forms, difference = term_hypothesis(self.estimate, self._columns.of_terms(contrast))
        else:
            forms, difference = self._restrictions(contrast, value)
        self.sample.require_rows("Bootstraps of the scores of clusters")
        clusters = self.sample.clusters
        return score_bootstrap(self.estimate, clusters, forms, difference, draws=draws, weights=weights, seed=seed)

    def indistinguishable(self, one: Any, other: Any) -> Test:  # noqa: ANN401 - classes
        """Test that no feature tells two classes apart: the Wald test that their slopes are equal.

        Parameters
        ----------
        one, other : label
            The classes.

        Returns
        -------
        ChiSquaredTest or FTest
            With a degree of freedom for each feature, less those that are collinear; F where the coefficients have a t
            distribution.

        Raises
        ------
        ValueError
            If there is no such class, the two are the same, the fit is penalised, or the two are separated.
        """
        second = position_of(other, self.classes)
        if one == other:
            raise ValueError(f"indistinguishable compares two different classes, got {one!r} twice.")
        first = position_of(one, np.delete(self.classes, second))
        self._validity.require_tests("Tests")
        test = self._wald(*equal_slopes(self.estimate, first, second))
        check_finite_statistic(test, "indistinguishable")
        return test

    def predict(
        self,
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
        found = predictions(
            self.estimate,
            self.covariance,
            rows,
            classes=self.classes,
            distribution=self._distribution,
            level=self.level,
        )
        return with_covariance(found, self.estimate, self.covariance.root, rows) if joint else found

    def average_predictions(
        self,
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
        subject = subject_of(
            listed(columns), at, estimate=self.estimate, columns=self._columns, groups=groups, base=base
        )
        return average_predictions(
            subject,
            self.covariance,
            values,
            classes=self.classes,
            distribution=self._distribution,
            level=self.level,
        )

    def marginal_effects(
        self,
        kind: Literal["average", "at-means"] = "average",
        discrete: Literal["factor", "column"] = "factor",
        groups: Groups | None = None,
    ) -> effects.MarginalEffects:
        """Return what a unit of each feature, or changing its level, adds to the probability of each class.

        After a pipeline the features are the columns that it takes, and all that it makes of one moves with it: numbers
        have derivatives, factors and columns of zeros and ones differences from their base. Where it could not be found
        out how the columns of the model depend on them, they are those of the model, each moved alone.

        Parameters
        ----------
        kind : {"average", "at-means"}
            Averaged over the rows, at their offsets; or where numbers have their weighted means, and the columns of
            the model that are made of factors theirs.
        discrete : {"factor", "column"}
            Columns of zeros and ones are switched: the dummies of one factor together, against their base (as R's and
            Stata's margins do), or each by itself (as statsmodels does with dummy=True). A factor that a pipeline
            encodes has one level at a time, and is compared with its base in both.
        groups : dict from name to columns, default=None
            Columns of zeros and ones that are the dummies of one factor, as `test_terms` takes them.

        Returns
        -------
        MarginalEffects
            A row for each number, and for each level of a factor but its base; a column for each class.

        Raises
        ------
        ValueError
            If `kind` or `discrete` is not one of these, or there is no such column.
        """
        return effects.marginal_effects(
            self.estimate,
            self.covariance,
            features=self.features,
            classes=self.classes,
            factors=self._columns.of_inputs(groups),
            inputs=self._columns.known_inputs,
            distribution=self._distribution,
            kind=kind,
            discrete=discrete,
            level=self.level,
        )

    def contrasts(
        self,
        variable: Any,  # noqa: ANN401 - names, or whatever tables users have
        values: Any = None,  # noqa: ANN401
        kind: ContrastKind = "difference",
        at: Literal["average", "means"] | Mapping[Name, Any] = "average",
        *,
        by: Any = None,  # noqa: ANN401
        pairs: Pairs = "reference",
        adjust: Adjustment | None = None,
        groups: Groups | None = None,
        base: str = BASE,
        offset: tuple[Any, Any] | None = None,
    ) -> Contrasts:
        """Compare probabilities between levels of a factor, values of a number, or two tables of rows.

        Parameters
        ----------
        variable : name or position, or several; or two tables
            As `average_predictions` takes columns, or the name of a group. Or a pair of tables of rows, as `predict`
            takes them: the mean over the second is compared with that over the first.
        values : list, number, "sd" or "iqr", default=None
            Between what: a list, as `average_predictions` takes it, of two values or more. A number is what to add to
            that of every row, 1 by default of a number without levels; "sd" adds a standard deviation (of divisor n);
            "iqr" is from the 25th to the 75th percentile. By default all levels of what has some.
        kind : {"difference", "ratio", "odds_ratio"}
            Of the probabilities of each class, or of their odds against all other classes.
        at : {"average", "means"} or dict from column to value, default="average"
            As `average_predictions` takes it: contrasts are of averages over the rows, or at one place.
        by : name, or array-like of shape (n,), default=None
            Groups to average over: the rows with each value of a column, or with each of these labels. At one place a
            column, which is set to each of its values. With ``by=variable`` contrasts are for those who have it, and
            those who have not.
        pairs : {"reference", "pairwise"}
            Each level, or value, with the first (marginaleffects' default, and emmeans' trt.vs.ctrl), or with each
            before it.
        adjust : {"holm", "max-t"}, default=None
            Allow for the number of tests, all that the table has: p-values by Holm; or p-values and intervals by the
            distribution of the largest statistic, which uses how they are correlated. It is simulated, always from the
            same random numbers, and the table says how precise that is. (Of two classes Holm counts one.)
        groups : dict from name to columns, default=None
            As `average_predictions` takes them.
        base : str, default="(base)"
            The name of the level of such a group that has no column.
        offset : pair of array-likes, default=None
            Of two tables, if the model was fitted with one.

        Returns
        -------
        Contrasts
            A row for each pair, in each group; a column for each class.

        Raises
        ------
        ValueError
            As `average_predictions` does; if there is nothing to compare; for `adjust`, if the fit is penalised.
        """
        if adjust is not None:
            self._validity.require_tests("Adjusted tests")
        question = Question(variable, values, at, by, groups, base, offset)
        return contrasts_of(
            compared(self.estimate, self._columns, question, self.sample.read_rows),
            self.covariance,
            kind=kind,
            pairs=pairs,
            adjust=adjust,
            classes=self.classes,
            degrees_of_freedom=self.degrees_of_freedom,
            level=self.level,
            is_tested=self.is_tested,
        )

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

    def influence_frame(self) -> "pd.DataFrame":
        """Return a data frame of the rows with the columns leverage, residual, cooks_distance.

        The residual is the length of the Pearson residual: over K classes the root of the sum of its squares, its size
        for two. It is what `softglm.plots.InfluenceDisplay` draws.

        Returns
        -------
        DataFrame
            With n rows, in the order of the fit.
        """
        self.sample.require_rows("Influences")
        pd = pandas("influence_frame")
        return pd.DataFrame(influence(self.estimate, self.sample))

    def residuals(self, kind: diagnostics.ResidualKind = "pearson") -> FloatArray:
        """Return the residuals of one copy of each row.

        Parameters
        ----------
        kind : {"pearson", "deviance", "response"}
            With y what was observed of a class and E what was expected: (y - E) / sqrt(E); the signed root of the
            contribution to the deviance; or y - E.

        Returns
        -------
        array of shape (n, K), or (n,) for two classes
            Two classes have the residuals of the second, as R's glm has them.

        Raises
        ------
        ValueError
            If there is no such kind.
        """
        self.sample.require_rows("Residuals")
        return diagnostics.residuals(self.estimate, kind, self.sample.trials)

    def hosmer_lemeshow(self, groups: int = 10) -> goodness.HosmerLemeshow:
        """Compare observed and expected classes in groups of rows of similar probability.

        Parameters
        ----------
        groups : int, default=10
            How many, at least 3, of about equal weight; tied rows stay together.

        Returns
        -------
        HosmerLemeshow
            The test, and the table it is made of.

        Raises
        ------
        ValueError
            If the fit is penalised or reweighted, fewer than three groups differ, or y holds fractions.

        References
        ----------
        M. W. Fagerland, D. W. Hosmer and A. M. Bofin, "Multinomial goodness-of-fit tests for logistic regression
        models", Statistics in Medicine 27, 2008, doi:10.1002/sim.3202.
        """
        self._validity.require_likelihood("The Hosmer-Lemeshow test")
        self.sample.require_rows("Groups of rows of similar probability")
        return goodness.hosmer_lemeshow(
            self.estimate, groups=groups, reference=self.base, classes=self.classes, trials=self.sample.trials
        )

    def goodness_of_fit(self) -> goodness.GoodnessOfFit:
        """Compare grouped counts with the model: deviance, Pearson's chi-squared, their df, and the dispersion.

        Returns
        -------
        GoodnessOfFit
            The statistics with their p-values.

        Raises
        ------
        ValueError
            For individual rows, whose deviance does not tell whether the model fits; for a penalised or reweighted fit.
        """
        self._validity.require_likelihood("The goodness of fit")
        self.sample.require_rows("Statistics of grouped counts")
        return goodness.goodness_of_fit(self.estimate, trials=self.sample.trials, sample_weight=self.sample.copies)

    def quasi_likelihood(self) -> Self:
        """Return the same fit with standard errors scaled by the root of the dispersion, for grouped counts.

        The dispersion is Pearson's chi-squared over its degrees of freedom, those of the t distribution of z.

        Raises
        ------
        ValueError
            For individual rows, which have no dispersion; for a penalised, reweighted or saturated fit.
        """
        fit = self.goodness_of_fit()
        if fit.df <= 0:
            raise ValueError(
                f"The dispersion needs more rows of counts than terms: its degrees of freedom are {fit.df} here, for a "
                "model that is saturated. Leave out terms."
            )
        freedom = float(fit.df)

        def covariance_of(estimate: Estimate) -> tuple[Covariance, float | None]:
            return quasi(estimate, fit.dispersion), freedom

        return replace(
            self,
            covariance=quasi(self.estimate, fit.dispersion),
            degrees_of_freedom=freedom,
            sample=replace(self.sample, covariance_of=covariance_of),
        )

    def plot(self, ax: Any = None, **options: Any) -> Any:  # noqa: ANN401 - axes of matplotlib, and what draws on them
        """Draw the coefficients with their intervals: `softglm.plots.CoefficientDisplay`.

        Parameters
        ----------
        ax : Axes, array of Axes or None
            Where to; None makes a new figure.
        **options
            Of `CoefficientDisplay.from_inference`.

        Returns
        -------
        CoefficientDisplay
            With the figure, the axes and the numbers that are drawn. It needs matplotlib.
        """
        return display("CoefficientDisplay").from_inference(self, ax=ax, **options)

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

    @cached_property
    def likelihood(self) -> Likelihood:
        """The `Likelihood`: log-likelihoods and what follows from them, whatever the weights."""
        return likelihood_of(self.estimate)

    @property
    def is_tested(self) -> bool:
        """Whether z and p-values mean anything: a penalty biases estimates towards zero by design."""
        return not self.estimate.is_penalised

    @property
    def has_likelihood(self) -> bool:
        """Whether the likelihood is one, and not reweighted."""
        return not self.sample.is_reweighted

    @property
    def constant_features(self) -> tuple[str, ...]:
        """The names of the columns of X that do not vary, where there is an intercept."""
        if not self.estimate.objective.fit_intercept:
            return ()
        loadings = self.estimate.coordinates.features
        return tuple(name for name, row in zip(self.features, loadings, strict=False) if not row.any())

    @cached_property
    def is_collinear(self) -> bool:
        """Whether columns of X leave some coefficients undetermined."""
        return not self.estimate.estimable_terms(self.estimate.term_forms).all()

    @property
    def may_go_either_way(self) -> BoolArray:
        """Which infinite coefficients the data may as well send to the other infinity, shape (K - 1, n_terms)."""
        return self._coding.may_go_either_way

    @property
    def factors(self) -> dict[str, tuple[int, ...]]:
        """The columns of the model that a pipeline makes of one of its own by steps, such as dummies, by its name."""
        return self._columns.factors

    @property
    def _has_likelihood_ratio(self) -> bool:
        """Whether no maximum of a penalised likelihood without the features is higher than that of the estimates."""
        if not self.estimate.is_bias_reduced:
            return True
        try:
            return bool(self.likelihood_ratio.df >= 0)
        except ArithmeticError:
            return False

    @property
    def _distribution(self) -> Any:  # noqa: ANN401 - a frozen distribution of scipy.stats
        return sampling_distribution(self.degrees_of_freedom)

    @cached_property
    def _coding(self) -> Coding:
        return against_base(self.estimate, self.separated, self.base)

    @property
    def _columns(self) -> GroupedColumns:
        return GroupedColumns(self.features, self.inputs)

    @property
    def _validity(self) -> Validity:
        return Validity(self.estimate.is_penalised, self.sample.is_reweighted, self.covariance)

    def _table(self, coding: Coding, classes: npt.NDArray[Any], reference: Any) -> Coefficients:  # noqa: ANN401 - a class is what the user's labels are
        return coefficient_table(
            coding,
            self.covariance,
            classes=classes,
            reference=reference,
            terms=self.terms,
            degrees_of_freedom=self.degrees_of_freedom,
            own_df=self._own_degrees_of_freedom(coding),
            level=self.level,
            is_tested=self.is_tested,
            units=self.units,
        )

    @property
    def known_to_one_cluster(self) -> tuple[str, ...]:
        """The terms of which, with CR2, one cluster alone knows, so that they have no standard error."""
        few, coding = self.covariance.few_clusters, self._coding
        if few is None:
            return ()
        is_wanting = coding.is_estimable & ~few.tells(coding.linear_map).reshape(coding.estimates.shape)
        return tuple(compress(self.terms, np.any(is_wanting, axis=0).tolist()))

    def _own_degrees_of_freedom(self, coding: Coding) -> FloatArray | None:
        few = self.covariance.few_clusters
        if few is None or self.degrees_of_freedom is None:
            return None
        return few.degrees_of_freedom(coding.linear_map).reshape(coding.estimates.shape)

    def _restrictions(self, contrast: npt.ArrayLike, value: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        rows, values = read_restrictions(self.estimate, contrast, value)
        return rows @ self._coding.linear_map, rows @ self.estimate.contrasts(self.base).ravel() - values

    def _wald(self, forms: FloatArray, difference: FloatArray) -> Test:
        return wald_test(self.estimate, self.covariance, forms, difference, self.degrees_of_freedom)
