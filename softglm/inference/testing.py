"""Questions whose answer is a test: of terms, of restrictions on coefficients, and of the fit itself."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.inference import goodness
from softglm.inference.classes import position_of
from softglm.inference.combinations import Contrast
from softglm.inference.covariance import Covariance, quasi
from softglm.inference.estimate import Estimate
from softglm.inference.facts import Facts
from softglm.inference.groups import Groups
from softglm.inference.hypotheses import NAMES, TermTests, term_hypothesis, term_tests
from softglm.inference.names import are_names
from softglm.inference.progress import ProgressPrinter
from softglm.inference.restrictions import check_finite_statistic, equal_slopes, read_restrictions
from softglm.inference.score_bootstrap import BootstrapTest, WeightKind, score_bootstrap
from softglm.inference.significance import Test
from softglm.inference.terms import Term, terms_of_variables

_Fit = TypeVar("_Fit", bound=Facts)


def test_terms(
    self: Facts,
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

    tests = term_tests(
        self.estimate,
        self.covariance,
        kind,
        terms,
        degrees_of_freedom=self.degrees_of_freedom,
        report=report,
    )
    return tests if by == "variable" or groups is not None else replace(tests, split=self._columns.split)


def wald_test(self: Facts, contrast: Contrast, value: npt.ArrayLike = 0.0) -> Test:
    """Test that linear combinations of the coefficients have a given value.

    Parameters
    ----------
    contrast : text, list of texts, dict, or array of shape (d, (K - 1) n_terms)
        As `linear_combinations` takes it, such as "[general]write = [vocational]write".
    value : array of shape (d,), default=0
        What they are under the hypothesis, where no equation says it.

    Returns
    -------
    ChiSquaredTest or FTest
        With the rank of the combinations as degrees of freedom; F where the coefficients have a t distribution.

    Raises
    ------
    ValueError
        If the fit is penalised, the shape is wrong, a name unknown, or a combination not estimable, or infinite.
    """
    self._validity.require_tests("Tests")
    test = self._wald(*_restrictions(self, contrast, value))
    check_finite_statistic(test, "wald_test")
    return test


def bootstrap_test(
    self: Facts,
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
        Weights of the coefficients; or which terms leave all equations, as `test_terms` names them.
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
        forms, difference = _restrictions(self, contrast, value)
    self.sample.require_rows("Bootstraps of the scores of clusters")
    clusters = self.sample.clusters
    return score_bootstrap(self.estimate, clusters, forms, difference, draws=draws, weights=weights, seed=seed)


def indistinguishable(self: Facts, one: Any, other: Any) -> Test:  # noqa: ANN401 - classes
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


def hosmer_lemeshow(self: Facts, groups: int = 10) -> goodness.HosmerLemeshow:
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


def goodness_of_fit(self: Facts) -> goodness.GoodnessOfFit:
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


def quasi_likelihood(self: _Fit) -> _Fit:
    """Return the same fit with standard errors scaled by the root of the dispersion, for grouped counts.

    The dispersion is Pearson's chi-squared over its degrees of freedom, those of the t distribution of z.

    Raises
    ------
    ValueError
        For individual rows, which have no dispersion; for a penalised, reweighted or saturated fit.
    """
    fit = goodness_of_fit(self)
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


def _restrictions(self: Facts, contrast: Contrast, value: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    rows, values = read_restrictions(self.estimate, self._names, contrast, value)
    return rows @ self._coding.linear_map, rows @ self.estimate.contrasts(self.base).ravel() - values
