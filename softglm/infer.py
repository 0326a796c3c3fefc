"""infer: from a fitted estimator, pipeline or search, and its data, to everything statistics says of the fit."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from softglm.estimator import SoftmaxGLM
from softglm.fitted import has_offset
from softglm.inference.classes import position_of
from softglm.inference.covariance import (
    CLUSTERED,
    CORRECTIONS,
    KINDS,
    Covariance,
    clipped,
    default_correction,
    needs_more_rows,
)
from softglm.inference.estimate import Estimate, check_size
from softglm.inference.inference import Inference
from softglm.inference.sample import Sample
from softglm.observed import Units
from softglm.optimum import bias_reduced_of, check_presence, optimum_of
from softglm.penalised import is_sparsely_fitted
from softglm.relaxed import refitted
from softglm.response import base_of
from softglm.sources import check_is_in_memory, observed
from softglm.target import Target
from softglm.warn import warn_user


def infer(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    offset: Any = None,
    weights: Literal["frequency", "sampling"] = "frequency",
    reference: Any = None,
    covariance: Literal["model", "laplace", "robust", "HC0", "HC1", "HC3", "cluster", "CR2"] = "model",
    clusters: Any = None,
    correction: str | None = None,
    distribution: Literal["normal", "t"] | None = None,
    level: float = 0.95,
    relaxed: bool = False,
    estimates: Literal["fitted", "bias-reduced"] = "fitted",
) -> Inference:
    r"""Return standard errors, tests, intervals and effects of a fitted model.

    The estimator is not modified.

    Parameters
    ----------
    estimator : SoftmaxGLM, Pipeline or search
        Fitted: a `SoftmaxGLM`, a pipeline that ends in one (X goes through its earlier steps, which name the terms), or
        a search such as ``GridSearchCV`` over either (its `best_estimator_`).
    X, y, sample_weight, offset : array-like
        Those of the fit, as the estimator takes them, rows elsewhere included; a pipeline takes arrays. y: labels,
        class probabilities or counts.
    weights : {"frequency", "sampling"}, default="frequency"
        A row of frequency weight 2 is two rows. Sampling weights say how many of the population a row stands for: it is
        still one observation, only robust covariances are right, and there is no likelihood. Class weights are of the
        latter kind.
    reference : label, default=None
        The base class. By default the first level of an ordered Categorical (of an Enum, in polars), else the first in
        sorted order.
    covariance : str, default="model"
        With H the Hessian and F the information, u_i = w_i s_i the weighted score of a row, V = H^-1 meat H^-1:

        - "model": H^-1 F H^-1, the inverse information if nothing is penalised.
        - "laplace": H^-1, of the Gaussian approximation to the posterior under the ridge as a prior.
        - "robust" or "HC0": meat = sum_i w_i s_i s_i' for frequency weights, sum_i u_i u_i' for sampling weights. Right
          for a misspecified model too. A row of counts is one unit.
        - "HC1": HC0 times n / (n - k), for n rows and k parameters.
        - "HC3": HC0 with the scores (I - Omega_i M_i)^-1 s_i, Omega_i the information of a row and M_i the covariance
          of its eta: close to the jackknife.
        - "cluster": meat = sum over clusters of the outer products of their summed u_i.
        - "CR2": the same with (I - F_g H^-1)^-1/2 times the sum of a cluster, F_g its information: unbiased if the
          model is true (Bell & McCaffrey 2002). For few clusters, 4 to 50 say, of any sizes; alpha=0. What one
          cluster alone knows, such as a treatment of no other, has no standard error, nor has what hangs on it.
    clusters : array-like of shape (n,) or (n, 2), default=None
        For "cluster": labels of the clusters, in one or two ways (V_1 + V_2 - V_12, Cameron, Gelbach & Miller 2011).
        For "CR2" in one.
    correction : str or None, default=None
        The factor on robust and clustered covariances, by its formula, with G clusters:

        - "1": none; R's sandwich for HC0; the default for "robust" and "HC3".
        - "n/(n-1)": Stata's vce(robust).
        - "n/(n-k)": sandwich's HC1; the default for "HC1".
        - "G/(G-1)": Stata's vce(cluster) after mlogit and logit; the default for "cluster".
        - "G/(G-1)*(n-1)/(n-k)": statsmodels, and sandwich's vcovCL with type "HC1".
    distribution : {"normal", "t"}, default=None
        Of an estimate over its standard error, by default normal, and t for "CR2". "t" has G - 1 degrees of freedom for
        G clusters (the smaller G of two ways), else n - k; Wald tests of q restrictions are then referred to F(q, the
        same). For "CR2" every coefficient has its own, Satterthwaite's, and every test those of Hotelling's T^2
        (Pustejovsky & Tipton 2018); predictions and effects have the least of any coefficient of a class.
    level : float, default=0.95
        Of confidence intervals.
    relaxed : bool, default=False
        Of a model with an `l1_ratio` above 0, which has no standard errors of its own: whether to refit the features
        that have a coefficient other than 0 in some class, in all classes and without a penalty, and to infer from
        that. (glmnet's relax=TRUE keeps single coefficients at 0; which ones depends on how classes are coded.) They
        were selected on the same data, which standard errors, tests and intervals do not allow for, as the summary
        says.
    estimates : {"fitted", "bias-reduced"}, default="fitted"
        Those of the fit, of maximum likelihood if nothing is penalised; or, of a model with alpha=0, those without the
        first-order bias of maximum likelihood (Firth 1993; Kosmidis & Firth 2011): nearer to the truth in small
        samples, and finite also where the classes are separated. They maximise the log-likelihood plus half the log
        determinant of its information, intercepts included (Jeffreys' prior). Likelihood-ratio tests and profile
        intervals are then those of that sum; AIC and BIC are of the log-likelihood at the estimates.

    Returns
    -------
    Inference
        Print it.

    Raises
    ------
    ValueError
        If the data are not those of the fit, or what was asked has no answer; the message says what to do.
    ArithmeticError
        If rounding keeps separated or bias-reduced estimates from being reached.
    TypeError
        If the estimator does not end in a `SoftmaxGLM`.
    MemoryError
        If there are more parameters or classes than this machine has memory for; said before the work.

    Warns
    -----
    UserWarning
        If y holds fractions, of which the model covariance makes too much; or if frequency weights do. If one cluster
        alone knows of a coefficient, which then has no standard error by CR2.

    Notes
    -----
    Standard errors are those of the optimum: exact Newton steps are taken from the fitted point until every linear
    combination of the coefficients is within 1e-6 of its own standard error (`Inference.optimisation_error`). Where
    they lead further than the gap of the fit explains (`Inference.moved`), the report asks whether the data are those
    of the fit.

    Bias-reduced estimates always exist, for any number of classes. But the penalised likelihood is not concave, and
    where classes are separated, or few rows tell of some column, it may have several maxima: the estimates are the
    highest one found from a few starts, which the report says, and no proof.

    References
    ----------
    D. Firth, "Bias reduction of maximum likelihood estimates", Biometrika 80, 1993, doi:10.1093/biomet/80.1.27.
    I. Kosmidis and D. Firth, "Multinomial logit bias reduction via the Poisson log-linear model", Biometrika 98, 2011,
    doi:10.1093/biomet/asr026.
    J. E. Pustejovsky and E. Tipton, "Small-sample methods for cluster-robust variance estimation and hypothesis testing
    in fixed effects models", Journal of Business & Economic Statistics 36, 2018, doi:10.1080/07350015.2016.1247004.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from softglm import SoftmaxGLM, infer
    >>> X, progression = load_diabetes(return_X_y=True, scaled=False)
    >>> X, y = X[:, :3], progression > 150.0
    >>> model = SoftmaxGLM(alpha=0).fit(X, y)
    >>> result = infer(model, X, y)
    >>> result.coefficients.std_error.shape
    (1, 4)

    Had these been the patients of six clinics of unequal sizes, they would tell of each coefficient what four or five
    would of a mean:

    >>> clinics = [row * row % 10 for row in range(442)]
    >>> clustered = infer(model, X, y, covariance="CR2", clusters=clinics)
    >>> print(clustered.coefficients)
                   estimate  std. error      t   df  p-value       2.5%     97.5%
    -----------------------------------------------------------------------------
    True vs False
      Intercept    -7.28        1.13     -6.42  4.6   0.0019  -10.29     -4.28
      x0            0.01583     0.00739   2.14  4.3   0.0943   -0.00416   0.03581
      x1           -0.133       0.175    -0.76  4.6   0.4860   -0.595     0.330
      x2            0.2465      0.0313    7.87  4.6   0.0008    0.1638    0.3292
    >>> print(clustered.bootstrap_test("x0"))
    W(1) = 2.484, p = 0.1250 (wild score bootstrap: all 64 signs of 6 clusters; none is below 0.03125)

    Hepatitis after transfusions before and after blood was screened, given or without what had been withheld (Bull, Mak
    & Greenwood 2002). Nobody fell ill with hepatitis C in the second row, so that maximum likelihood is infinite:

    >>> import numpy as np
    >>> X = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 1]])  # withheld, screened, both
    >>> y = np.array([[389, 5, 3], [400, 0, 2], [1864, 5, 11], [1896, 3, 10]])  # no hepatitis, C, another
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")  # that the classes are separated
    ...     model = SoftmaxGLM(alpha=0).fit(X, y)
    >>> result = infer(model, X, y, estimates="bias-reduced")
    >>> result.coefficients.estimate[:, 1:].round(4).tolist()
    [[-2.4257, -1.5659, 1.9567], [-0.3643, -0.3763, 0.2563]]
    >>> print(result.test_terms())
    Likelihood-ratio tests of leaving out each term
    <BLANKLINE>
        chi2  df  p-value
    ---------------------
    x0  5.17   2   0.0756
    x1  6.44   2   0.0399
    x2  2.02   2   0.3651
    """
    covariance = "robust" if covariance == "HC0" else covariance
    if distribution is None:
        distribution = "t" if covariance == "CR2" else "normal"
    _check_options(weights, covariance, clusters, correction, distribution, level, estimates)
    target = Target.of(estimator)
    if _is_to_relax(target.model, relaxed=relaxed):
        check_is_in_memory(X, "infer with relaxed=True")
        _check_offset(target.model, has_offset_here=offset is not None)
        target = refitted(target, X, y, sample_weight, offset)
    model = target.model
    seen = observed(
        target.transform(X),
        y,
        sample_weight,
        offset,
        class_weight=model.class_weight,
        estimator=model,
        fitted_classes=model.classes_,
    )
    _check_offset(model, has_offset_here=seen.has_offset)
    is_sampled = weights == "sampling" and seen.is_weighted
    is_bias_reduced = estimates == "bias-reduced"
    is_reweighted = is_sampled or (seen.factors is not None and bool((seen.factors != 1.0).any()))
    units = seen.units(clusters, is_sampled=is_sampled)
    if is_bias_reduced:
        _check_bias_reduction(model, covariance, units, is_reweighted=is_reweighted)
    _check_likelihood(covariance, units, is_reweighted=is_reweighted)
    check_presence(model, seen)
    check_size(seen.family, seen.n_features + int(model.fit_intercept), seen.n_rows)
    rows, _ = seen.rows()
    optimum = bias_reduced_of(model, rows, seen) if is_bias_reduced else optimum_of(model, rows, seen)
    estimate = optimum.estimate
    _check_copies(units)
    used = default_correction(covariance) if correction is None else correction
    _check_size(estimate, units.n_units, used, distribution, is_clustered=clusters is not None)
    _check_cr2(estimate, covariance, units.clusters)
    covariances = seen.covariances(units, clusters, is_sampled=is_sampled)

    def errors_of(estimate: Estimate) -> tuple[Covariance, float | None]:
        errors = covariances(estimate, covariance, correction)
        return errors, None if distribution == "normal" else _degrees_of_freedom(estimate, errors, units.n_units)

    errors, freedom = errors_of(estimate)
    classes = seen.classes[seen.present]
    features = target.features(seen.n_features)
    base, how_based = base_of(y, classes) if reference is None else (position_of(reference, classes), "")
    result = Inference(
        estimate=estimate,
        covariance=clipped(estimate, errors, base),
        classes=classes,
        base=base,
        features=features,
        inputs=target.inputs(X, seen, rows),
        sample=Sample(
            trials=units.trials,
            copies=units.copies,
            n_observations=units.n_observations,
            is_reweighted=is_reweighted,
            read_rows=target.reader(seen.present),
            covariance_of=errors_of,
            clusters=units.clusters,
            is_here=units.is_here,
        ),
        level=level,
        degrees_of_freedom=freedom,
        separated=optimum.separated,
        moved=optimum.moved,
        notes=(*target.notes, *optimum.notes),
        how_based=how_based,
        units=target.units(features),
    )
    _tell_of_one_cluster(result.known_to_one_cluster)
    return result


def _check_options(  # noqa: PLR0917 - the options of infer, in its order
    weights: str,
    covariance: str,
    clusters: Any,
    correction: str | None,
    distribution: str,
    level: float,
    estimates: str,
) -> None:
    for name, value, allowed in (
        ("weights", weights, ("frequency", "sampling")),
        ("covariance", covariance, KINDS),
        ("correction", correction, (None, *CORRECTIONS)),
        ("distribution", distribution, ("normal", "t")),
        ("estimates", estimates, ("fitted", "bias-reduced")),
    ):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {list(allowed)}, got {value!r}.")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be between 0 and 1, as 0.95 is, got {level!r}.")
    if (covariance in CLUSTERED) != (clusters is not None):
        raise ValueError(
            f"covariance={covariance!r} and clusters {'were' if clusters is not None else 'were not'} given: pass "
            'covariance="cluster" (or "CR2") and the clusters of the rows together, or neither.'
        )
    if correction not in {None, "1"} and covariance == "CR2":
        raise ValueError(f'correction={correction!r} is for other covariances; "CR2" is a correction. Leave it out.')
    if correction not in {None, "1"} and covariance in {"model", "laplace"}:
        raise ValueError(f"correction={correction!r} is for robust covariances; covariance={covariance!r} has none.")
    if correction is not None and correction.startswith("G") and covariance != "cluster":
        raise ValueError(f'correction={correction!r} counts clusters; pass covariance="cluster" and clusters.')


def _check_bias_reduction(model: SoftmaxGLM, covariance: str, units: Units, *, is_reweighted: bool) -> None:
    """Raise where another penalty, or what is no likelihood, has no bias that is known."""
    what = 'estimates="bias-reduced"'
    if model.alpha_ != 0.0:
        raise ValueError(
            f"{what} takes the place of a penalty, and this model was fitted with one (alpha = {model.alpha_:.4g}): it "
            "would reduce a bias that the ridge makes on purpose. Refit with alpha=0."
        )
    if not units.is_here:
        raise ValueError(
            f"{what} takes leverages of each row, and the rows are on a cluster, where these are many: the bias is of "
            "the order of 1 / n. Infer with the fitted estimates."
        )
    if is_reweighted:
        raise ValueError(
            f"{what} reduces the bias of maximum likelihood, and sampling or class weights leave no likelihood. Leave "
            "the weights out, or pass frequency weights; or infer with the fitted estimates."
        )
    if covariance == "laplace":
        raise ValueError(
            f'covariance="laplace" takes the ridge of a model as a prior, and for {what} there is none. Pass '
            'covariance="model".'
        )
    if covariance == "CR2":
        raise ValueError(
            f'covariance="CR2" corrects scores of maximum likelihood, and those of {what} do not sum to 0. Pass '
            'covariance="cluster"; or infer with the fitted estimates.'
        )


def _is_to_relax(model: SoftmaxGLM, *, relaxed: bool) -> bool:
    """Tell whether a model is to be refitted without its penalty; raise if it cannot be what is asked for."""
    is_sparse = is_sparsely_fitted(model)
    if is_sparse and (model.lower is not None or model.upper is not None):
        raise ValueError(
            "The coefficients of this model have bounds (lower, upper), and an estimate at a bound, or near it, has no "
            "standard error: its distribution is not normal in any sample. Refit without bounds."
        )
    if is_sparse and not relaxed:
        raise ValueError(
            f"This model holds coefficients at 0 (l1_ratio={model.l1_ratio!r}): the others are shrunk, those at 0 have "
            "no standard error, and which are which was selected on the same data, so that no p-value would hold. "
            "Refit with l1_ratio=0 and alpha=0; or infer with relaxed=True, from a refit of the selected features "
            "without a penalty."
        )
    if relaxed and not is_sparse:
        raise ValueError(
            "relaxed=True refits the features that an l1_ratio above 0 has selected, and this model has selected none. "
            "Leave it out."
        )
    return is_sparse


def _check_offset(model: SoftmaxGLM, *, has_offset_here: bool) -> None:
    if has_offset_here != has_offset(model):
        given, fitted = ("an offset", "without") if has_offset_here else ("no offset", "with one")
        raise ValueError(f"infer got {given}, and the model was fitted {fitted}. Pass the offset of the fit.")


def _check_likelihood(covariance: str, units: Units, *, is_reweighted: bool) -> None:
    if covariance not in {"model", "laplace"}:
        return
    if is_reweighted:
        raise ValueError(
            f'covariance="{covariance}" takes the weighted likelihood at its word, which sampling and class weights '
            'forbid: they change what is estimated, not how much is known. Pass covariance="robust".'
        )
    if units.holds_fractions:
        warn_user(
            "y holds fractions, which the model covariance treats as counts of independent observations. Pass "
            'covariance="robust" for standard errors that do not.',
            UserWarning,
        )


def _check_copies(units: Units) -> None:
    if units.n_copies is not None:
        warn_user(
            f"sample_weight holds fractions, and they are read as numbers of copies of a row, {units.n_copies:,.6g} in "
            'all, which standard errors take at their word. If they are survey weights, pass weights="sampling" and '
            'covariance="robust".',
            UserWarning,
        )


def _tell_of_one_cluster(terms: tuple[str, ...]) -> None:
    if terms:
        named = f"{terms[0]}," if len(terms) == 1 else f"{terms[0]} and {len(terms) - 1} more, each"
        warn_user(
            f'covariance="CR2" holds no variance of {named} of which one cluster alone knows, and there is no standard '
            "error: nor for predictions and effects that hang on it.",
            UserWarning,
        )


def _check_cr2(estimate: Estimate, covariance: str, codes: npt.NDArray[np.intp] | None) -> None:
    if covariance != "CR2":
        return
    if estimate.is_penalised:
        raise ValueError(
            'covariance="CR2" takes the residuals to be those of a fit without penalty, and this one has one. Refit '
            'with alpha=0, or pass covariance="cluster".'
        )
    if codes is not None and codes.shape[1] > 1:
        raise ValueError(
            f'covariance="CR2" is for clusters in one way, got {codes.shape[1]}. Pass the coarser, or the one with '
            'fewer clusters; or covariance="cluster".'
        )


def _check_size(estimate: Estimate, n_rows: float, correction: str, distribution: str, *, is_clustered: bool) -> None:
    """Raise where n - k, by which a correction divides or which is the degrees of freedom of t, is not positive."""
    if correction == "n/(n-1)" and not n_rows > 1.0:
        raise ValueError(f"correction={correction!r} needs more than one row, and there is {n_rows:g}. Pass another.")
    by_correction = needs_more_rows(correction)
    if not (by_correction or (distribution == "t" and not is_clustered)) or n_rows > estimate.n_parameters:
        return
    what = f"correction={correction!r}" if by_correction else 'distribution="t"'
    raise ValueError(
        f"{what} needs more rows than parameters: n - k = {n_rows:g} - {estimate.n_parameters} here. (A row of counts "
        'is one row.) Use another correction, or distribution="normal"; or fit fewer parameters.'
    )


def _degrees_of_freedom(estimate: Estimate, errors: Covariance, n_units: float) -> float:
    if errors.few_clusters is not None:
        # Of every class alike, so that they do not depend on the base.
        return errors.few_clusters.least_degrees_of_freedom(estimate.symmetric_map())
    return min(errors.n_clusters) - 1.0 if errors.n_clusters else n_units - estimate.n_parameters
