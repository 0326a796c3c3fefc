"""The facts of a fit: what it says before anything is asked, and all that its report prints."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.inference.classes import position_of
from softglm.inference.coding import Coding, against_base, constant_term, sum_to_zero
from softglm.inference.coefficient_names import CoefficientNames
from softglm.inference.coefficients import Coefficients, Symmetric, coefficient_table
from softglm.inference.covariance import Covariance, clipped, standard_errors_away
from softglm.inference.estimate import Estimate
from softglm.inference.groups import GroupedColumns
from softglm.inference.hauck_donner import hauck_donner
from softglm.inference.hypotheses import overall_hypothesis, overall_ratio, wald_test
from softglm.inference.inputs import Inputs
from softglm.inference.likelihood import Likelihood, PseudoR2, likelihood_of, pseudo_r2, spectral_condition
from softglm.inference.limit import null_estimate
from softglm.inference.sample import Sample
from softglm.inference.separation import Separation
from softglm.inference.significance import ChiSquaredTest, Test, sampling_distribution
from softglm.inference.tables import Table
from softglm.inference.validity import Validity
from softglm.once import cached_property
from softglm.optional import pandas

if TYPE_CHECKING:
    import pandas as pd

_TRUSTING = 'For tests, use test_terms("wald"); to compare models by it, infer with covariance="model"'


@dataclass(frozen=True, eq=False, repr=False)
class Facts(Table):
    """Estimates and their covariance, seen against a base class, and what follows of both.

    `Inference` says what the fields are, and asks the questions.
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

    @cached_property
    def likelihood(self) -> Likelihood:
        """The `Likelihood`: log-likelihoods and what follows from them, whatever the weights."""
        return likelihood_of(self.estimate)

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
        return not self.estimate.row_space.estimable(self.estimate.term_forms).all()

    @property
    def may_go_either_way(self) -> BoolArray:
        """Which infinite coefficients the data may as well send to the other infinity, shape (K - 1, n_terms)."""
        return self._coding.may_go_either_way

    @property
    def factors(self) -> dict[str, tuple[int, ...]]:
        """The columns of the model that a pipeline makes of one of its own by steps, such as dummies, by its name."""
        return self._columns.factors

    @property
    def known_to_one_cluster(self) -> tuple[str, ...]:
        """The terms of which, with CR2, one cluster alone knows, so that they have no standard error."""
        few, coding = self.covariance.few_clusters, self._coding
        if few is None:
            return ()
        is_wanting = coding.is_estimable & ~few.tells(coding.linear_map).reshape(coding.estimates.shape)
        return tuple(compress(self.terms, np.any(is_wanting, axis=0).tolist()))

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
    def _names(self) -> CoefficientNames:
        return CoefficientNames.of(np.delete(self.classes, self.base), self.reference, self.terms)

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

    def _own_degrees_of_freedom(self, coding: Coding) -> FloatArray | None:
        own = own_df(self, coding.linear_map)
        return None if own is None else own.reshape(coding.estimates.shape)

    def _wald(self, forms: FloatArray, difference: FloatArray) -> Test:
        return wald_test(self.estimate, self.covariance, forms, difference, self.degrees_of_freedom)


def own_df(facts: Facts, forms: FloatArray) -> FloatArray | None:
    """Return Satterthwaite's degrees of freedom, (...), of linear forms of the coordinates, (..., P), under CR2.

    A gradient is such a form: of what is not linear in the coefficients they are those of the delta method. None where
    all have the same, or none: `degrees_of_freedom`.
    """
    few = facts.covariance.few_clusters
    if few is None or facts.degrees_of_freedom is None:
        return None
    return few.degrees_of_freedom(forms.reshape(-1, forms.shape[-1])).reshape(forms.shape[:-1])
