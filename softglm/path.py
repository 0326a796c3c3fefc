"""softglm_path: fits under one strength of a penalty after another, from the strongest on, each of them proved."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from softglm.arrays import FloatArray
from softglm.data import one_blas_thread
from softglm.estimator import SoftmaxGLM
from softglm.fit import Report, prepare
from softglm.fitted_path import Path, PathProblem
from softglm.model import PenaltyForm, Prepared
from softglm.observations import Observations, observe
from softglm.penalised import in_units_of, penalty_form
from softglm.progress import ProgressColumns, verbosity
from softglm.sources import check_is_in_memory
from softglm.strongest import default_strengths
from softglm.validation.entries import as_given
from softglm.validation.parameters import MOST_ALPHA, check_count, check_ending, flag, number, strengths
from softglm.verdict import FitPrinter, without_weight
from softglm.warn import warn_user

# glmnet's: from so many strengths on, a path ends where so much is explained, or no more than so much is gained by the
# last step.
_LEAST_STRENGTHS, _MOST_EXPLAINED, _LEAST_GAIN = 5, 0.999, 1e-5


@final
@dataclass(frozen=True, eq=False)
class PathPoint:
    """The fit of one strength, as soon as it is proved.

    Attributes
    ----------
    place : int
        Of the strength, from 0.
    alpha : float
    deviance_explained : float
    n_nonzero : int
        Features of which some coefficient is not 0.
    gap : float
        In nats per unit of weight.
    converged : bool

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from softglm import softglm_path
    >>> points = []
    >>> path = softglm_path(*load_iris(return_X_y=True), n_alphas=10, callback=points.append)
    >>> [point.n_nonzero for point in points]
    [0, 1, 1, 1, 3, 4, 4, 4, 4, 4]
    """

    place: int
    alpha: float
    deviance_explained: float
    n_nonzero: int
    gap: float
    converged: bool


@one_blas_thread
def softglm_path(
    X: Any,
    y: Any,
    *,
    l1_ratio: float = 1.0,
    alphas: Any = None,
    n_alphas: int = 100,
    alpha_min_ratio: float | None = None,
    penalty_factors: Any = None,
    grouped: bool = False,
    groups: Any = None,
    within_ratio: float = 0.0,
    lower: Any = None,
    upper: Any = None,
    standardize: bool = False,
    fit_intercept: bool = True,
    class_weight: dict[Any, float] | str | None = None,
    sample_weight: Any = None,
    offset: Any = None,
    tol: float = 1e-7,
    max_iter: int = 1000,
    stop_early: bool = True,
    callback: Callable[[PathPoint], object] | None = None,
    verbose: int = False,
) -> Path:
    """Fit a `SoftmaxGLM` for each of a sequence of strengths, each from the one before.

    Parameters
    ----------
    X, y : array-like
        As `SoftmaxGLM.fit` takes them.
    l1_ratio : float, default=1.0
        From 0, the ridge, to 1, the lasso: glmnet's alpha.
    alphas : array-like of shape (s,), default=None
        The strengths, above 0, in any order; glmnet's lambda. By default they fall geometrically from the smallest that
        leaves nothing in the model but what is not penalised, or what that would be for ``l1_ratio=0.001`` where
        `l1_ratio` is less: a ridge never leaves out anything.
    n_alphas : int, default=100
        How many, by default.
    alpha_min_ratio : float or None, default=None
        The last of them over the first; None is 1e-4 where there are more rows than columns, else 1e-2.
    penalty_factors, grouped, groups, within_ratio, lower, upper, standardize, fit_intercept, class_weight : object
        As of `SoftmaxGLM`.
    sample_weight, offset : array-like
        As `SoftmaxGLM.fit` takes them.
    tol : float, default=1e-7
        The gap to prove at every strength: relative to the loss of the model without features; for ``l1_ratio=0``
        without bounds as of `SoftmaxGLM`.
    max_iter : int, default=1000
        Of each strength.
    stop_early : bool, default=True
        Whether to stop as glmnet does, from the fifth strength on, where 0.999 of the deviance is explained, or the
        last step has explained less than 1e-5 of it more. Given `alphas` are all fitted.
    callback : callable or None, default=None
        Called with each `PathPoint`.
    verbose : bool or int, default=False
        1, as True, prints a line for each strength, with its gap, the passes over the rows and the seconds so far; 2
        one for each iteration, too.

    Returns
    -------
    Path
        Of as many strengths as were fitted.

    Raises
    ------
    ValueError
        If the input cannot be fitted, or nothing in it is penalised; the message says what to do.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not proved at every strength.
    UserWarning
        As `SoftmaxGLM.fit` does.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import softglm_path
    >>> X, y = load_wine(return_X_y=True)
    >>> path = softglm_path(X, y, standardize=True)
    >>> path.n_nonzero[[0, 20, 40]].tolist(), bool(path.converged.all())
    ([0, 8, 10], True)
    >>> path.at(0.1).score(X, y)
    0.949438202247191
    """
    model = SoftmaxGLM(
        l1_ratio=l1_ratio,
        penalty_factors=penalty_factors,
        grouped=grouped,
        groups=groups,
        within_ratio=within_ratio,
        lower=lower,
        upper=upper,
        standardize=standardize,
        fit_intercept=fit_intercept,
        class_weight=class_weight,
        tol=tol,
        max_iter=max_iter,
    )
    check_ending(tol, max_iter)
    for name, value in (("fit_intercept", fit_intercept), ("stop_early", stop_early)):
        flag(value, name)
    printer = _PathPrinter(verbosity(verbose))
    check_is_in_memory(X, "softglm_path")
    seen = observe(X, y, sample_weight, offset, class_weight=class_weight, estimator=model, needs_two=True)
    form = penalty_form(model, seen)
    rows, total_weight = seen.rows()
    prepared = prepare(rows, seen.family, fit_intercept=fit_intercept)
    form = in_units_of(form, prepared, standardize=standardize)
    problem = PathProblem(prepared, seen, total_weight, form)
    decreasing = _strengths(alphas, n_alphas, alpha_min_ratio, form, prepared)
    ending, points = "all strengths were fitted", _Points()
    for attributes in problem.fits(decreasing.tolist(), None, model, printer.report_of(prepared)):
        point = points.add(attributes)
        if callback is not None:
            callback(point)
        printer.add(point, len(decreasing), prepared.count.n_passes)
        why = _reason_to_stop(points.explained) if stop_early and alphas is None else None
        if why is not None:
            ending = why
            break
    _warn(points, seen)
    known = {**seen.columns, "classes_": seen.response.classes, "_has_offset": offset is not None}
    return points.path(model, known, problem, ending)


def _warn(points: "_Points", seen: Observations) -> None:
    absent = seen.response.classes[~seen.present]
    if len(absent):
        warn_user(without_weight(absent), UserWarning)
    failed = points.not_converged
    if failed:
        warn_user(
            f"softglm_path did not prove the tolerance at {len(failed)} of {len(points.explained)} strengths, the "
            f"first {failed[0]:.4g}: see converged and gaps. Increase tol or max_iter, or let the path end sooner.",
            ConvergenceWarning,
        )


def _strengths(alphas: Any, n_alphas: Any, alpha_min_ratio: Any, form: PenaltyForm, prepared: Prepared) -> FloatArray:
    """Return the strengths to fit, decreasing."""
    if alphas is not None:
        remedy = " Without a penalty fit SoftmaxGLM(alpha=0)."
        return np.unique(strengths(alphas, "alphas", "None", MOST_ALPHA, remedy))[::-1]
    check_count(n_alphas, "n_alphas")
    if alpha_min_ratio is not None and not 0.0 < number(alpha_min_ratio) < 1.0:
        raise ValueError(
            f"alpha_min_ratio must be a number between 0 and 1, or None, got {as_given(alpha_min_ratio)}: the last "
            "strength over the first."
        )
    last = None if alpha_min_ratio is None else number(alpha_min_ratio)
    return default_strengths(prepared, form, int(n_alphas), last=last)


def _reason_to_stop(explained: Sequence[float]) -> str | None:
    """Return why glmnet would fit no further strength, by what each has explained; None if it would."""
    if len(explained) < _LEAST_STRENGTHS:
        return None
    before, now = explained[-2:]
    if now > _MOST_EXPLAINED:
        return f"{_MOST_EXPLAINED} of the deviance is explained (stop_early)"
    if now - before < _LEAST_GAIN:
        return f"the last step has explained less than {_LEAST_GAIN:g} of the deviance more (stop_early)"
    return None


@final
class _PathPrinter:
    """Prints a line for each strength, and one for each of its iterations where `verbose` is 2."""

    def __init__(self, verbose: int) -> None:
        widths = {"strength": 9, "alpha": 9, "features in": 11, "explained": 9, "gap": 10, "passes": 6}
        self._verbose, self._columns = verbose, ProgressColumns("softglm_path", widths)
        self._of_each = FitPrinter(verbose)

    def report_of(self, prepared: Prepared) -> Report | None:
        """Return what is told of each iteration, if it is asked for."""
        if self._verbose < 2:
            return None
        return lambda progress, *_: self._of_each.report(progress, prepared.count.n_passes)

    def add(self, point: PathPoint, n_alphas: int, n_passes: int) -> None:
        """Print the fit of a strength."""
        if self._verbose:
            self._columns.add(
                [
                    f"{point.place + 1}/{n_alphas}",
                    f"{point.alpha:.4g}",
                    str(point.n_nonzero),
                    f"{max(point.deviance_explained, 0.0):.4f}",
                    f"{point.gap:.1e}" if point.converged else "not proved",
                    str(n_passes),
                ]
            )


@final
class _Points:
    """The fits of a path, as they come."""

    def __init__(self) -> None:
        self._attributes: list[dict[str, Any]] = []
        self._coefs: list[sparse.csr_array] = []
        self._points: list[PathPoint] = []

    @property
    def explained(self) -> list[float]:
        """What share of the deviance each explains."""
        return [point.deviance_explained for point in self._points]

    @property
    def not_converged(self) -> list[float]:
        """The strengths at which the tolerance was not proved."""
        return [point.alpha for point in self._points if not point.converged]

    def add(self, attributes: dict[str, Any]) -> PathPoint:
        """Keep a fit, given by its attributes."""
        coef, null_deviance = attributes.pop("coef_"), attributes["null_deviance_"]
        self._attributes.append(attributes)
        self._coefs.append(sparse.csr_array(coef))
        explained = 1.0 - attributes["deviance_"] / null_deviance if 0.0 < null_deviance < np.inf else np.nan
        self._points.append(
            PathPoint(
                place=len(self._points),
                alpha=attributes["alpha_"],
                deviance_explained=explained,
                n_nonzero=int(coef.any(axis=0).sum()),
                gap=attributes["gap_"],
                converged=attributes["converged_"],
            )
        )
        return self._points[-1]

    def path(self, model: SoftmaxGLM, known: dict[str, Any], problem: PathProblem, ending: str) -> Path:
        """Return all of them."""

        def each(name: str) -> list[Any]:
            return [attributes[name] for attributes in self._attributes]

        return Path(
            classes=known["classes_"],
            feature_names=known.get("feature_names_in_"),
            alphas=np.array(each("alpha_")),
            coefs=tuple(self._coefs),
            intercepts=np.array(each("intercept_")),
            losses=np.array(each("loss_")),
            gaps=np.array(each("gap_")),
            gap_kinds=tuple(each("gap_kind_")),
            converged=np.array(each("converged_")),
            deviance_explained=np.array(self.explained),
            n_nonzero=np.array([point.n_nonzero for point in self._points], dtype=np.int32),
            null_deviance=each("null_deviance_")[0],
            scale=problem.form.units,
            ending=ending,
            _unfitted=model,
            _known=known,
            _summaries=tuple(self._attributes),
            _problem=problem,
        )
