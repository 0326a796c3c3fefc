"""infer: from a fitted estimator, pipeline or search, and its data, to everything statistics says of the fit."""

from functools import partial
from typing import Any, Literal

from softglm.answerable import (
    Asked,
    check_data,
    check_estimate,
    check_offset,
    check_options,
    is_to_relax,
    tell_of_one_cluster,
)
from softglm.inference.classes import position_of
from softglm.inference.covariance import Covariance, clipped
from softglm.inference.estimate import Estimate, check_size
from softglm.inference.inference import Inference
from softglm.inference.sample import Sample
from softglm.observed import Covariances, Observed
from softglm.optimum import bias_reduced_of, check_presence, optimum_of
from softglm.relaxed import refitted
from softglm.response import base_of
from softglm.sources import check_is_in_memory, observed
from softglm.target import Target


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
        (Pustejovsky & Tipton 2018). So have effects and contrasts, by their gradients; predictions have the least of
        any coefficient of a class.
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
    asked = Asked(
        weights=weights,
        reference=reference,
        covariance="robust" if covariance == "HC0" else covariance,
        clusters=clusters,
        correction=correction,
        distribution=("t" if covariance == "CR2" else "normal") if distribution is None else distribution,
        level=level,
        estimates=estimates,
    )
    check_options(asked)
    target = Target.of(estimator)
    if is_to_relax(target.model, relaxed=relaxed):
        check_is_in_memory(X, "infer with relaxed=True")
        check_offset(target.model, has_offset_here=offset is not None)
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
    check_offset(model, has_offset_here=seen.has_offset)
    result = _inferred(asked, target, seen, X, y)
    tell_of_one_cluster(result.known_to_one_cluster)
    return result


def _inferred(asked: Asked, target: Target, seen: Observed, X: Any, y: Any) -> Inference:
    """Return what is said of the model in a target, of what was observed."""
    model, is_sampled = target.model, asked.weights == "sampling" and seen.is_weighted
    is_reweighted = is_sampled or (seen.factors is not None and bool((seen.factors != 1.0).any()))
    units = seen.units(asked.clusters, is_sampled=is_sampled)
    check_data(asked, model, units, is_reweighted=is_reweighted)
    check_presence(model, seen)
    check_size(seen.family, seen.n_features + int(model.fit_intercept), seen.n_rows)
    rows, _ = seen.rows()
    optimum = (bias_reduced_of if asked.is_bias_reduced else optimum_of)(model, rows, seen)
    check_estimate(asked, optimum.estimate, units)
    covariances = seen.covariances(units, asked.clusters, is_sampled=is_sampled)
    covariance_of = partial(_covariance_of, covariances, asked, units.n_units)
    errors, freedom = covariance_of(optimum.estimate)
    classes, features = seen.classes[seen.present], target.features(seen.n_features)
    chosen = asked.reference
    base, how_based = base_of(y, classes) if chosen is None else (position_of(chosen, classes), "")
    return Inference(
        estimate=optimum.estimate,
        covariance=clipped(optimum.estimate, errors, base),
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
            covariance_of=covariance_of,
            clusters=units.clusters,
            is_here=units.is_here,
        ),
        level=asked.level,
        degrees_of_freedom=freedom,
        separated=optimum.separated,
        moved=optimum.moved,
        notes=(*target.notes, *optimum.notes),
        how_based=how_based,
        units=target.units(features),
    )


def _covariance_of(
    covariances: Covariances, asked: Asked, n_units: float, estimate: Estimate
) -> tuple[Covariance, float | None]:
    """Return the covariance that is asked for, and the degrees of freedom of its t: None for the normal."""
    errors = covariances(estimate, asked.covariance, asked.correction)
    return errors, None if asked.distribution == "normal" else _degrees_of_freedom(estimate, errors, n_units)


def _degrees_of_freedom(estimate: Estimate, errors: Covariance, n_units: float) -> float:
    if errors.few_clusters is not None:
        # Of every class alike, so that they do not depend on the base.
        return errors.few_clusters.least_degrees_of_freedom(estimate.symmetric_map())
    return min(errors.n_clusters) - 1.0 if errors.n_clusters else n_units - estimate.n_parameters
