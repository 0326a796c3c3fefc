"""infer: from a fitted estimator, pipeline or search, and its data, to everything statistics says of the fit."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted, validate_data

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Rows, RowsInMemory
from softglm.estimator import SoftmaxGLM
from softglm.families import Bernoulli, Categorical, UnconstrainedFamily
from softglm.inference.classes import position_of
from softglm.inference.covariance import (
    CORRECTIONS,
    KINDS,
    Covariance,
    clipped,
    covariance_of,
    default_correction,
    needs_more_rows,
)
from softglm.inference.estimate import Estimate, coordinates_of, estimate_at, refined
from softglm.inference.inference import Inference
from softglm.inference.inputs import Inputs
from softglm.inference.limit import limit_of
from softglm.inference.sample import Sample
from softglm.inference.separation import Separation, detect
from softglm.model import Objective, Ridge, rebased
from softglm.pipeline import inputs_of
from softglm.solver import Status
from softglm.validation import (
    Response,
    check_no_dates,
    check_numbers,
    explained,
    make_rows,
    missing_labels,
    read_class_weight,
    read_offset,
    read_response,
    read_weights,
    warn_user,
)

# Standard errors from the optimum at which the data cannot be those of the fit, whatever its gap.
_FAR, _GAPS = 0.5, 3.0
# Standard errors that the rounding of the fitted coefficients may amount to, in float64 and in float32.
_ROUNDING, _SINGLE_ROUNDING = 1e-3, 0.05
_SELECTED = (
    "The model was selected by a search over the same data; standard errors, tests and intervals ignore the selection "
    "and are too optimistic."
)
# A count this close to a whole number is one.
_WHOLE = 1e-9


def infer(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    offset: Any = None,
    weights: Literal["frequency", "sampling"] = "frequency",
    reference: Any = None,
    covariance: Literal["model", "laplace", "robust", "HC0", "HC1", "HC3", "cluster"] = "model",
    clusters: Any = None,
    correction: str | None = None,
    distribution: Literal["normal", "t"] = "normal",
    level: float = 0.95,
) -> Inference:
    r"""Return standard errors, tests, intervals and effects of a fitted model.

    The estimator is not modified.

    Parameters
    ----------
    estimator : SoftmaxGLM, Pipeline or search
        Fitted: a `SoftmaxGLM`, a pipeline that ends in one (X goes through its earlier steps, which name the terms), or
        a search such as ``GridSearchCV`` over either (its `best_estimator_`).
    X, y, sample_weight, offset : array-like
        Those of the fit, as the estimator takes them. y: labels, class probabilities or counts.
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
    clusters : array-like of shape (n,) or (n, 2), default=None
        For "cluster": labels of the clusters, in one or two ways (V_1 + V_2 - V_12, Cameron, Gelbach & Miller 2011).
    correction : str or None, default=None
        The factor on robust and clustered covariances, by its formula, with G clusters:

        - "1": none; R's sandwich for HC0; the default for "robust" and "HC3".
        - "n/(n-1)": Stata's vce(robust).
        - "n/(n-k)": sandwich's HC1; the default for "HC1".
        - "G/(G-1)": Stata's vce(cluster) after mlogit and logit; the default for "cluster".
        - "G/(G-1)*(n-1)/(n-k)": statsmodels, and sandwich's vcovCL with type "HC1".
    distribution : {"normal", "t"}, default="normal"
        Of an estimate over its standard error. "t" has G - 1 degrees of freedom for G clusters (the smaller G of two
        ways), else n - k; Wald tests of q restrictions are then referred to F(q, the same).
    level : float, default=0.95
        Of confidence intervals.

    Returns
    -------
    Inference
        Print it.

    Raises
    ------
    ValueError
        If the data are not those of the fit, or what was asked has no answer; the message says what to do.
    TypeError
        If the estimator does not end in a `SoftmaxGLM`.

    Warns
    -----
    UserWarning
        If y holds fractions, of which the model covariance makes too much; or if frequency weights do.

    Notes
    -----
    Standard errors are those of the optimum: exact Newton steps are taken from the fitted point until every linear
    combination of the coefficients is within 1e-6 of its own standard error (`Inference.optimisation_error`). Where
    they lead further than the gap of the fit explains (`Inference.moved`), the report asks whether the data are those
    of the fit.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from softglm import SoftmaxGLM, infer
    >>> X, progression = load_diabetes(return_X_y=True, scaled=False)
    >>> y = progression > 150.0
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X[:, :3], y), X[:, :3], y)
    >>> result.coefficients.std_error.shape
    (1, 4)
    """
    covariance = "robust" if covariance == "HC0" else covariance
    _check_options(weights, covariance, clusters, correction, distribution, level)
    target = _Target.of(estimator)
    model = target.model
    given = X
    transformed = target.transform(given)
    check_no_dates(transformed)
    with explained(transformed, y):
        X, values = validate_data(model, transformed, y, accept_sparse="csr", multi_output=True, reset=False)
    check_numbers(X, "X")
    sampled = read_weights(sample_weight, X.shape[0])
    response = read_response(y, values)
    _check_same_problem(model, response, offset)
    factors = read_class_weight(model.class_weight, response, sampled)
    is_sampled = weights == "sampling" and sampled is not None
    is_reweighted = is_sampled or (factors is not None and bool((factors != 1.0).any()))
    sampled = _without_dropped_classes(sampled, response, factors)
    _check_likelihood(covariance, response, is_reweighted=is_reweighted)
    present = _present_classes(model)
    known = read_offset(offset, X.shape[0], response.classes)

    rows, _ = make_rows(X, response, sampled, known, factors=factors, present=present)
    first = _fitted(model, rows, present)
    separated, moved = None, float("nan")
    notes: tuple[str, ...] = target.notes
    if model.alpha_ == 0.0 and not model.converged_:
        try:
            separated = _separation(model, first)
        except ArithmeticError as error:
            notes = (*notes, str(error))
    if separated is None:
        notes, moved = (*notes, *_doubts(model, first)), first.distance
        estimate = refined(first)
    else:
        estimate = limit_of(first, separated)
    copies = None if is_sampled else sampled
    _check_copies(copies)
    n_units = _total(copies, sampled, X.shape[0])
    used = default_correction(covariance) if correction is None else correction
    _check_size(estimate, n_units, used, distribution, is_clustered=clusters is not None)
    codes = None if clusters is None else _read_clusters(clusters, sampled, X.shape[0])

    def errors_of(estimate: Estimate) -> tuple[Covariance, float | None]:
        errors = covariance_of(
            estimate,
            covariance,
            copies=copies,
            n_observations=n_units,
            clusters=codes,
            correction=correction,
        )
        if distribution == "normal":
            return errors, None
        return errors, min(errors.n_clusters) - 1.0 if errors.n_clusters else n_units - estimate.n_parameters

    errors, freedom = errors_of(estimate)
    classes = response.classes[present]
    n_observations = n_units
    if response.trials is not None and not is_sampled:
        n_observations = float(response.trials.sum() if sampled is None else response.trials @ sampled)
    base, how_based = _base(y, classes) if reference is None else (position_of(reference, classes), "")
    return Inference(
        estimate=estimate,
        covariance=clipped(estimate, errors, base),
        classes=classes,
        base=base,
        features=target.features(X.shape[1]),
        inputs=target.inputs(given, X, rows),
        sample=Sample(
            trials=_row_totals(response, factors),
            copies=copies,
            n_observations=n_observations,
            is_reweighted=is_reweighted,
            read_rows=_reader(target, present, has_offset=offset is not None),
            covariance_of=errors_of,
        ),
        level=level,
        degrees_of_freedom=freedom,
        separated=separated,
        moved=moved,
        notes=notes,
        how_based=how_based,
    )


@final
@dataclass(frozen=True)
class _Target:
    """The model inside what was passed, and how X reaches it."""

    model: SoftmaxGLM
    steps: Pipeline | None
    notes: tuple[str, ...]

    @classmethod
    def of(cls, estimator: Any) -> "_Target":
        notes: tuple[str, ...] = ()
        steps: list[tuple[str, Any]] = []
        while isinstance(estimator, Pipeline) or _is_search(estimator):
            if isinstance(estimator, Pipeline):
                steps += estimator.steps[:-1]
                estimator = estimator.steps[-1][1]
            elif hasattr(estimator, "best_estimator_"):
                notes = (_SELECTED,)
                estimator = estimator.best_estimator_
            else:
                raise ValueError(
                    f"{type(estimator).__name__} has no best_estimator_. Fit it with refit=True, or pass the fitted "
                    "model itself."
                )
        if not isinstance(estimator, SoftmaxGLM):
            raise TypeError(
                f"infer got a {type(estimator).__name__}, expected a fitted SoftmaxGLM, a Pipeline that ends in "
                "one, or a search over either."
            )
        check_is_fitted(estimator)
        if not hasattr(estimator, "alpha_"):
            raise ValueError(
                "The coefficients of this SoftmaxGLM were set by hand, and of what they are the optimum is not known. "
                "Call infer on a model that was fitted: SoftmaxGLM(alpha=0).fit(X, y)."
            )
        return cls(estimator, Pipeline(steps) if steps else None, notes)

    def transform(self, X: Any) -> Any:
        """Send X through the earlier steps."""
        if self.steps is None:
            return X
        for name, step in self.steps.steps:
            if step not in {None, "passthrough"} and not hasattr(step, "transform"):
                raise ValueError(
                    f"The step {name!r} of the pipeline has no transform: it changes rows, not features. Call infer on "
                    "the last step, with the rows it was fitted on."
                )
        return self.steps.transform(X)

    def features(self, n_features: int) -> tuple[str, ...]:
        """Return the names of the columns that reach the model."""
        names: Sequence[str] | None = getattr(self.model, "feature_names_in_", None)
        if self.steps is not None:
            # A step that has no names says so in one of three ways, the last of them that of many outside scikit-learn.
            try:
                names = self.steps.get_feature_names_out()
            except (AttributeError, ValueError, NotImplementedError):
                names = None
        if names is None or len(names) != n_features:
            return tuple(f"x{column}" for column in range(n_features))
        return tuple(str(name) for name in names)

    def inputs(self, given: Any, X: Any, rows: Rows) -> Inputs | None:
        """Return the columns that the earlier steps take, of what was given, of which they made X; None without any."""
        if self.steps is None:
            return None
        (weights,) = rows.concatenate(lambda block: (block.weighted(np.ones(len(block))),))
        try:
            # They are asked later, when the user may have fitted theirs to other data.
            steps = deepcopy(self.steps)
        except Exception:  # noqa: BLE001 - what cannot be copied, such as a lock, is used as it is
            steps = self.steps
        return inputs_of(given, steps.transform, X, weights)


def _is_search(estimator: Any) -> bool:
    """Tell whether this is a search over parameters, such as GridSearchCV."""
    return hasattr(estimator, "refit") and hasattr(estimator, "cv")


def _check_options(  # noqa: PLR0917 - the options of infer, in its order
    weights: str, covariance: str, clusters: Any, correction: str | None, distribution: str, level: float
) -> None:
    for name, value, allowed in (
        ("weights", weights, ("frequency", "sampling")),
        ("covariance", covariance, KINDS),
        ("correction", correction, (None, *CORRECTIONS)),
        ("distribution", distribution, ("normal", "t")),
    ):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {list(allowed)}, got {value!r}.")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be between 0 and 1, as 0.95 is, got {level!r}.")
    if (covariance == "cluster") != (clusters is not None):
        raise ValueError(
            f"covariance={covariance!r} and clusters {'were' if clusters is not None else 'were not'} given: pass "
            'covariance="cluster" and the clusters of the rows together, or neither.'
        )
    if correction not in {None, "1"} and covariance in {"model", "laplace"}:
        raise ValueError(f"correction={correction!r} is for robust covariances; covariance={covariance!r} has none.")
    if correction is not None and correction.startswith("G") and covariance != "cluster":
        raise ValueError(f'correction={correction!r} counts clusters; pass covariance="cluster" and clusters.')


def _check_same_problem(model: SoftmaxGLM, response: Response, offset: Any) -> None:
    if not np.array_equal(response.classes, model.classes_):
        raise ValueError(
            f"y has the classes {response.classes[:10].tolist()}, and the model was fitted on "
            f"{model.classes_[:10].tolist()}. Pass the y of the fit."
        )
    if (offset is not None) != model._has_offset:  # noqa: SLF001 - of this package
        given, fitted = ("an offset", "without") if offset is not None else ("no offset", "with one")
        raise ValueError(f"infer got {given}, and the model was fitted {fitted}. Pass the offset of the fit.")


def _check_likelihood(covariance: str, response: Response, *, is_reweighted: bool) -> None:
    if covariance not in {"model", "laplace"}:
        return
    if is_reweighted:
        raise ValueError(
            f'covariance="{covariance}" takes the weighted likelihood at its word, which sampling and class weights '
            'forbid: they change what is estimated, not how much is known. Pass covariance="robust".'
        )
    counts = response.counts
    if counts is not None and np.abs(counts - np.round(counts)).max() > _WHOLE:
        warn_user(
            "y holds fractions, which the model covariance treats as counts of independent observations. Pass "
            'covariance="robust" for standard errors that do not.',
            UserWarning,
        )


def _check_copies(copies: FloatArray | None) -> None:
    if copies is not None and (np.abs(copies - np.round(copies)) > _WHOLE * copies).any():
        warn_user(
            f"sample_weight holds fractions, and they are read as numbers of copies of a row, {copies.sum():,.6g} in "
            'all, which standard errors take at their word. If they are survey weights, pass weights="sampling" and '
            'covariance="robust".',
            UserWarning,
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


def _without_dropped_classes(
    sampled: FloatArray | None, response: Response, factors: FloatArray | None
) -> FloatArray | None:
    """Return the sample weights, 0 where class weights of 0 leave nothing of a row: such rows do not count as rows."""
    if factors is None or factors.all():
        return sampled
    left = factors[response.codes] > 0.0 if response.counts is None else response.counts @ (factors > 0.0) > 0.0
    return left.astype(np.float64) if sampled is None else np.where(left, sampled, 0.0)


def _row_totals(response: Response, factors: FloatArray | None) -> FloatArray | None:
    """Return the totals of rows of counts, shape (n,), as the objective has them: class weights in."""
    if response.counts is None or factors is None:
        return response.trials
    return np.asarray(response.counts @ factors)


def _total(copies: FloatArray | None, sampled: FloatArray | None, n_rows: int) -> float:
    """Return the number of rows, those of frequency weight w counted w times, and those of weight 0 not at all."""
    if copies is not None:
        return float(copies.sum())
    return float(n_rows if sampled is None else np.count_nonzero(sampled))


def _fitted(model: SoftmaxGLM, rows: Rows, present: BoolArray) -> Estimate:
    """Return the fitted point, and the curvature of these rows there."""
    binary = len(present) == 2
    family: UnconstrainedFamily = Bernoulli() if binary else Categorical(int(present.sum()))
    penalty = Ridge.on_coefficients(model.alpha_, rows.n_features, fit_intercept=model.fit_intercept)
    objective = Objective(rows, family, penalty, fit_intercept=model.fit_intercept)
    kept = slice(None) if binary else present
    coef, intercept = model.coef_[kept].T.astype(np.float64), model.intercept_[kept].astype(np.float64)
    basis = family.identifiable_directions
    coordinates = coordinates_of(objective)
    elsewhere = rebased(objective, coordinates)
    if elsewhere is not None:
        _check_scales(elsewhere[1].units)
    return estimate_at(objective, objective.centred(coef, intercept) @ basis @ basis.T, coordinates)


def _check_scales(units: FloatArray) -> None:
    tiny = np.flatnonzero(units != 1.0)
    if len(tiny):
        raise ValueError(
            f"The columns {tiny[:10].tolist()} of X have values of about {1.0 / units[tiny[0]]:.0e}, whose squares no "
            "covariance can hold. Give them in other units, near 1, and fit again."
        )


def _doubts(model: SoftmaxGLM, fitted: Estimate) -> tuple[str, ...]:
    """Say if it is doubtful that the model was fitted to these rows; raise if that cannot be."""
    gap = model.gap_ if np.isfinite(model.gap_) else 0.0
    by_gap = _GAPS * np.sqrt(2.0 * fitted.total_weight * gap)
    allowed = max(_FAR, by_gap)
    if not fitted.distance <= allowed:
        raise ValueError(
            f"The model is {fitted.distance:.3g} standard errors from the optimum for these data, expected at most "
            f"{allowed:.3g}. Either X, y, sample_weight or offset are not those of the fit; or the fit did not "
            f"converge to it (its status: {model.status_}); or a step of the pipeline transforms differently than it "
            "did while fitting (TargetEncoder, samplers): then pass the last step, with the rows it was fitted on."
        )
    if fitted.distance <= by_gap + (_SINGLE_ROUNDING if model.coef_.dtype == np.float32 else _ROUNDING):
        return ()
    distance = f"{fitted.distance:.2g} standard errors from the fitted coefficients"
    return (f"The optimum of these data is {distance}: are X, y, weights and offset those of the fit?",)


def _separation(model: SoftmaxGLM, fitted: Estimate) -> Separation | None:
    """Return what separates the classes, if anything does: what the fit has seen is not denied."""
    found = detect(fitted.objective, fitted.coordinates, fitted.parameters)
    if found.kind == "none" and model.status_ == Status.SEPARATED.value:
        raise ValueError(
            "The fit found the classes separated, by so little that it is not seen which coefficients are infinite. "
            "Subtract a constant from the columns of X that are far from 0 for their spread, or leave out what "
            "separates."
        )
    return None if found.kind == "none" else found


def _present_classes(model: SoftmaxGLM) -> BoolArray:
    """Tell which classes had weight in the fit, shape (K,); two at least."""
    finite = np.isfinite(model.intercept_)
    present = finite if len(model.classes_) > 2 else np.repeat(finite, 2)
    if present.sum() < 2:
        raise ValueError(
            "Only one class had weight in the fit, and its probability is 1 whatever X is: there is nothing to infer. "
            "Fit rows of at least two classes."
        )
    return np.asarray(present)


def _base(y: Any, classes: npt.NDArray[Any]) -> tuple[int, str]:
    """Return the position of the base class that nobody chose, and how it came to be that."""
    if hasattr(y, "columns") and np.ndim(y) == 2 and np.shape(y)[1] == 1:
        y = y[y.columns[0]]
    dtype: Any = getattr(y, "dtype", None)
    # An ordered Categorical of pandas, an Enum of polars: their levels have an order.
    if getattr(dtype, "ordered", False) or type(dtype).__name__ == "Enum":
        known = classes.tolist()
        return known.index(next(level for level in dtype.categories if level in known)), "the first level"
    return 0, "the first in sorted order"


def _read_clusters(clusters: Any, sampled: FloatArray | None, n_rows: int) -> npt.NDArray[np.intp]:
    """Return a code for each row and each way, shape (n, ways)."""
    # NumPy would make the string "nan" of a NaN among strings.
    labels = np.asarray(clusters, dtype=object if isinstance(clusters, list | tuple) else None)
    if labels.ndim == 1:
        labels = labels[:, np.newaxis]
    if labels.ndim != 2 or len(labels) != n_rows or labels.shape[1] not in {1, 2}:
        raise ValueError(
            f"clusters has shape {np.shape(clusters)}, expected ({n_rows},) or ({n_rows}, 2): one label for each row, "
            "in one or two ways."
        )
    missing = missing_labels(labels).any(axis=1)
    if missing.any():
        raise ValueError(
            f"clusters has missing labels in {missing.sum()} rows, the first at row {missing.argmax()}. Give every row "
            "a cluster, or leave those rows out of the fit."
        )
    codes = np.column_stack([_codes_of(column) for column in labels.T])
    if sampled is not None and not sampled.all():
        # Rows of weight 0 add nothing; nor shall their clusters count.
        codes[sampled == 0.0] = codes[np.flatnonzero(sampled)[0]]
    for column in codes.T:
        if len(np.unique(column)) < 2:
            raise ValueError("clusters has a single cluster, expected at least 2: nothing varies between one.")
    return codes


def _codes_of(labels: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return a number for each label, of any type."""
    if labels.dtype != object:
        return np.unique(labels, return_inverse=True)[1]
    known: dict[Any, int] = {}
    return np.array([known.setdefault(label, len(known)) for label in labels.tolist()], dtype=np.intp)


def _reader(target: _Target, present: BoolArray, *, has_offset: bool) -> Callable[[Any, Any], Rows]:
    def read(X: Any, offset: Any) -> Rows:
        X = validate_data(target.model, target.transform(X), accept_sparse="csr", reset=False)
        check_numbers(X, "X")
        if offset is None and has_offset:
            raise ValueError(
                "The model was fitted with an offset and none was given. Pass the offset of these rows, or offset=0 to "
                "leave it out."
            )
        known = read_offset(offset, X.shape[0], target.model.classes_)
        if known is not None and known.shape[1] > 1:
            known = known[:, present]
        return RowsInMemory(X, np.broadcast_to(np.int32(0), X.shape[0]), offset=known)

    return read
