"""softglm_path: fits under one strength of a penalty after another, from the strongest on, each of them proved."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from softglm.arrays import BoolArray, FloatArray, IntArray
from softglm.data import one_blas_thread
from softglm.drawing import display
from softglm.estimator import SoftmaxGLM
from softglm.fit import Report, Start, prepare
from softglm.fitted import attributes_of
from softglm.inference.cells import aligned
from softglm.inference.classes import class_probabilities
from softglm.inference.tables import Content
from softglm.inference.tables.html import written
from softglm.model import AnyPenalty, PenaltyForm, Prepared
from softglm.observations import Observations, observe
from softglm.penalised import in_units_of, penalty_form
from softglm.predict import predictions_of
from softglm.progress import ProgressColumns, verbosity
from softglm.sources import check_is_in_memory
from softglm.strongest import default_strengths
from softglm.sweep import sweep
from softglm.validation.entries import as_given
from softglm.validation.parameters import MOST_ALPHA, check_count, check_ending, flag, number
from softglm.verdict import FitPrinter, sentence, without_weight
from softglm.warn import warn_user

# glmnet's: from so many strengths on, a path ends where so much is explained, or no more than so much is gained by the
# last step.
_LEAST_STRENGTHS, _MOST_EXPLAINED, _LEAST_GAIN = 5, 0.999, 1e-5

# So many strengths are printed, and this of each.
_SHOWN = 12
_COLUMNS = ["alpha", "features in", "explained", "gap"]


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


@final
@dataclass(frozen=True, eq=False)
class Path:
    """Fits under a sequence of strengths. Made by `softglm_path`.

    Attributes
    ----------
    classes : array of shape (K,)
    feature_names : array of shape (p,), or None
        Where X had names.
    alphas : array of shape (s,)
        Decreasing.
    coefs : tuple of s CSR arrays of shape (K, p), or (1, p) for two classes
        Each as `SoftmaxGLM.coef_`.
    intercepts : array of shape (s, K), or (s, 1)
    losses : array of shape (s,)
        The objective at each, in nats per unit of weight.
    gaps : array of shape (s,)
        What each is at most above its minimum, as `SoftmaxGLM.gap_`.
    gap_kinds : tuple of s str
        What proves it, as `SoftmaxGLM.gap_kind_`.
    converged : bool array of shape (s,)
        Whether it is proved to be within the tolerance.
    deviance_explained : array of shape (s,)
        1 - deviance / null_deviance, penalty and class weights out.
    n_nonzero : int array of shape (s,)
        Features of which some coefficient is not 0.
    null_deviance : float
        Of the best model without features, in nats.
    scale : array of shape (p,), or None
        The standard deviations that are the units of the penalty, where `standardize` is True.
    ending : str
        Why it ended where it does.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from softglm import softglm_path
    >>> path = softglm_path(*load_iris(return_X_y=True), n_alphas=50)
    >>> bool((path.gaps <= 1e-7 * path.losses[0]).all()), path.ending
    (True, 'all strengths were fitted')
    >>> path.coef(0.01).shape, path.coefs[0].nnz
    ((3, 4), 0)
    >>> print(path)
    50 strengths, 4 features; all strengths were fitted.
          alpha  features in  explained      gap
    ...
    """

    classes: npt.NDArray[Any]
    feature_names: npt.NDArray[Any] | None
    alphas: FloatArray
    coefs: tuple[sparse.csr_array, ...]
    intercepts: FloatArray
    losses: FloatArray
    gaps: FloatArray
    gap_kinds: tuple[str, ...]
    converged: BoolArray
    deviance_explained: FloatArray
    n_nonzero: IntArray
    null_deviance: float
    scale: FloatArray | None
    ending: str
    _unfitted: SoftmaxGLM = field(repr=False)
    _known: dict[str, Any] = field(repr=False)
    _summaries: tuple[dict[str, Any], ...] = field(repr=False)
    _problem: "_Problem | None" = field(repr=False)

    def __len__(self) -> int:
        """Return the number of strengths."""
        return len(self.alphas)

    def __str__(self) -> str:
        """Return a table of some of the strengths, from the first to the last."""
        return "\n".join([self._headline(), *aligned(_COLUMNS, {"": self._rows()})])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return written(Content(_COLUMNS, {"": self._rows()}, title=self._headline()))

    def _headline(self) -> str:
        return f"{len(self)} strengths, {self.coefs[0].shape[1]} features; {self.ending}."

    def _rows(self) -> list[list[str]]:
        """Return the cells of some of the strengths."""
        shown = np.unique(np.linspace(0, len(self) - 1, _SHOWN).round().astype(int))
        return [
            [
                "",
                f"{self.alphas[place]:.4g}",
                str(self.n_nonzero[place]),
                f"{max(self.deviance_explained[place], 0.0):.4f}",
                f"{self.gaps[place]:.1e}" if self.gap_kinds[place] != "estimate" else "not proved",
            ]
            for place in shown
        ]

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the coefficients over the strengths, a panel for each class: `softglm.plots.PathDisplay`.

        Parameters
        ----------
        ax : Axes, array of Axes or None
            Where to; None makes a new figure.
        **options
            Of `PathDisplay.from_path`.

        Returns
        -------
        PathDisplay
            With the figure, the axes and the numbers that are drawn. It needs matplotlib.
        """
        return display("PathDisplay").from_path(self, ax=ax, **options)

    def coef(self, alpha: float) -> FloatArray:
        """Return the coefficients of a strength, as `SoftmaxGLM.coef_`: linear in between, as glmnet has it.

        Parameters
        ----------
        alpha : float
            Within those of the path.

        Returns
        -------
        array of shape (K, p), or (1, p) for two classes
            In nats per unit of a feature.

        Raises
        ------
        ValueError
            If it is beyond them.
        """
        return self._between(alpha)[0]

    def intercept(self, alpha: float) -> FloatArray:
        """Return the intercepts of a strength, as `SoftmaxGLM.intercept_`: linear in between.

        Parameters
        ----------
        alpha : float
            Within those of the path.

        Returns
        -------
        array of shape (K,), or (1,) for two classes
            In nats, at X = 0.

        Raises
        ------
        ValueError
            If it is beyond them.
        """
        return self._between(alpha)[1]

    def predict_proba(self, X: Any, alpha: float, *, offset: Any = None, exact: bool = False) -> FloatArray:
        """Return class probabilities under one strength.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
            The rows to predict, with the features of the fit.
        alpha : float
            Above 0; within those of the path unless `exact`.
        offset : array-like of shape (n, K), or (n,) for two classes, or 0, default=None
            Required if the path was fitted with one; 0 leaves it out.
        exact : bool, default=False
            Whether to fit a strength that is none of the path, as `at` does; otherwise coefficients are interpolated.

        Returns
        -------
        array of shape (n, K)
            A column for each of `classes`; rows sum to one.

        Raises
        ------
        ValueError
            If the strength is beyond the path, and `exact` is False; or X does not fit.
        """
        if exact:
            return self.at(alpha).predict_proba(X, offset)
        coef, intercept = self._between(alpha)
        model = self._model(number(alpha), {"coef_": coef, "intercept_": intercept})
        return predictions_of(model, X, offset, class_probabilities)

    def at(self, alpha: float) -> SoftmaxGLM:
        """Return a fitted model of a strength: that of the path, or a new fit, from the nearest one.

        It is what ``SoftmaxGLM(alpha, ...)`` with the parameters of the path would have been fitted to, to the
        tolerance of the path.

        Parameters
        ----------
        alpha : float
            Above 0.

        Returns
        -------
        SoftmaxGLM
            Another one at every call.

        Raises
        ------
        ValueError
            If it is not above 0; or none of the path, and this was pickled, which leaves out the data.
        """
        if not 0.0 < number(alpha) <= MOST_ALPHA:
            raise ValueError(f"alpha must be a number above 0, and at most {MOST_ALPHA:g}, got {as_given(alpha)}.")
        place = int(np.abs(np.log(self.alphas / number(alpha))).argmin())
        nearest = self._model(
            float(self.alphas[place]),
            {
                **self._summaries[place],
                "coef_": self.coefs[place].toarray(),
                "intercept_": self.intercepts[place].copy(),
            },
        )
        if self.alphas[place] == number(alpha):
            return nearest
        if self._problem is None:
            raise ValueError(
                f"alpha={as_given(alpha)} is not one of the path, and this path was pickled, without the data of its "
                f"fits. The nearest is {self.alphas[place]!r}; or fit SoftmaxGLM."
            )
        (attributes,) = self._problem.fits([number(alpha)], self._problem.start(nearest), self._unfitted)
        return self._model(number(alpha), attributes)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: without the data, which would be most of it."""
        return {**vars(self), "_problem": None}

    def _model(self, alpha: float, attributes: dict[str, Any]) -> SoftmaxGLM:
        """Return an estimator with the attributes of a fit."""
        model: SoftmaxGLM = clone(self._unfitted).set_params(alpha=alpha)
        model.__dict__ = {**vars(model), **self._known, **attributes}
        return model

    def _between(self, alpha: float) -> tuple[FloatArray, FloatArray]:
        """Return coefficients and intercepts, linear between neighbouring strengths."""
        least, most = self.alphas[-1], self.alphas[0]
        if not least <= number(alpha) <= most:
            raise ValueError(
                f"alpha={as_given(alpha)} is beyond the path, which goes from {most:.6g} to {least:.6g}. Ask for one "
                "within, or for an exact fit: at(alpha), predict_proba(..., exact=True)."
            )
        after = int(np.searchsorted(-self.alphas, -number(alpha)))
        before = max(after - 1, 0)
        width = self.alphas[before] - self.alphas[after]
        share = (self.alphas[before] - number(alpha)) / width if width > 0.0 else 1.0
        ends = [(self.coefs[place].toarray(), self.intercepts[place]) for place in (before, after)]
        # Of a class without weight the intercept is infinite at both.
        with np.errstate(invalid="ignore"):
            intercept = (1.0 - share) * ends[0][1] + share * ends[1][1]
        intercept = np.where(np.isfinite(ends[1][1]), intercept, ends[1][1])
        return (1.0 - share) * ends[0][0] + share * ends[1][0], intercept


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
    problem = _Problem(prepared, seen, total_weight, form)
    strengths = _strengths(alphas, n_alphas, alpha_min_ratio, form, prepared)
    ending, points = "all strengths were fitted", _Points()
    for attributes in problem.fits(strengths.tolist(), None, model, printer.report_of(prepared)):
        point = points.add(attributes)
        if callback is not None:
            callback(point)
        printer.add(point, len(strengths), prepared.count.n_passes)
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
        return _given_strengths(alphas)
    check_count(n_alphas, "n_alphas")
    if alpha_min_ratio is not None and not 0.0 < number(alpha_min_ratio) < 1.0:
        raise ValueError(
            f"alpha_min_ratio must be a number between 0 and 1, or None, got {as_given(alpha_min_ratio)}: the last "
            "strength over the first."
        )
    last = None if alpha_min_ratio is None else number(alpha_min_ratio)
    return default_strengths(prepared, form, int(n_alphas), last=last)


def _given_strengths(alphas: Any) -> FloatArray:
    """Return the strengths that were given, decreasing."""
    if isinstance(alphas, str) or np.ndim(alphas) != 1 or np.size(alphas) == 0:
        raise ValueError(f"alphas must be a sequence of numbers above 0, or None, got {as_given(alphas)}.")
    values = np.array([number(alpha) for alpha in np.asarray(alphas).tolist()])
    bad = ~((values > 0.0) & (values <= MOST_ALPHA))
    if bad.any():
        raise ValueError(
            f"alphas has {as_given(np.asarray(alphas).tolist()[int(bad.argmax())])} at {int(bad.argmax())}, expected "
            f"numbers above 0, and at most {MOST_ALPHA:g}. Without a penalty fit SoftmaxGLM(alpha=0)."
        )
    return np.unique(values)[::-1]


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
        self._of_each = FitPrinter("SoftmaxGLM", verbose)

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
@dataclass(frozen=True, eq=False)
class _Problem:
    """What is fitted: the data, and the penalty but for its strength."""

    prepared: Prepared
    seen: Observations
    total_weight: float
    form: PenaltyForm

    def penalty(self, alpha: float) -> AnyPenalty:
        return self.form.at(alpha, fit_intercept=self.prepared.fit_intercept)

    def fits(
        self, alphas: Iterable[float], start: Start | None, model: SoftmaxGLM, report: Report | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield the attributes of a model of each strength."""
        penalties = (self.penalty(alpha) for alpha in alphas)
        results = sweep(self.prepared, penalties, start, tol=model.tol, max_iter=model.max_iter, report=report)
        for alpha, result in zip(alphas, results, strict=False):
            yield attributes_of(
                result,
                self.seen,
                self.total_weight,
                fit_intercept=self.prepared.fit_intercept,
                alpha=alpha,
                form=self.form,
                status=sentence(result),
            )

    def start(self, model: SoftmaxGLM) -> Start:
        """Return where a fit begins that continues from a model."""
        kept = self.seen.present if len(self.seen.present) > 2 else slice(None)
        return Start(*(values[kept].T.astype(np.float64) for values in (model.coef_, model.intercept_)))


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

    def path(self, model: SoftmaxGLM, known: dict[str, Any], problem: _Problem, ending: str) -> Path:
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
