"""What a fit cost, and how far it was from the optimum, on its way there."""

import warnings
from copy import deepcopy
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self, TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray, Matrix
from softglm.data import RowsInMemory
from softglm.drawing import Drawing, drawn
from softglm.fit import fit
from softglm.model import Objective, Ridge, null_model
from softglm.optional import pandas
from softglm.response import response_of
from softglm.solver import Progress
from softglm.status import Status

if TYPE_CHECKING:
    import pandas as pd

# Of the reference: how exact it has to be, and how long it may take.
_TOLERANCE, _MOST_ITERATIONS = 1e-12, 20_000
# The iterations after which a fit is stopped grow by this factor.
_GROWTH = 1.3
_Point: TypeAlias = tuple[float, float, float]
"""Loss, evaluations, seconds."""


@final
@dataclass(frozen=True, eq=False)
class Trace:
    """The losses of a fit, with what had been spent on each.

    Attributes
    ----------
    loss : array of shape (s,)
        In any unit that `optimum` and `null_loss` share.
    optimum : float
        The minimum of the loss.
    null_loss : float
        The loss without features.
    evaluations : array of shape (s,), or None
        Of the loss and its gradient, until then.
    seconds : array of shape (s,), or None
        Until then.
    resolution : float, default=0.0
        The relative gap up to which `optimum` is known; smaller ones are not told apart.

    Raises
    ------
    ValueError
        If the shapes differ, or the loss without features is not above the minimum.

    Examples
    --------
    >>> from softglm.plots import Trace
    >>> Trace([1.1, 0.3, 0.2], optimum=0.1, null_loss=1.1, evaluations=[1, 2, 3]).gap.round(2).tolist()
    [1.0, 0.2, 0.1]
    """

    loss: FloatArray
    optimum: float
    null_loss: float
    evaluations: FloatArray | None = None
    seconds: FloatArray | None = None
    resolution: float = 0.0

    def __post_init__(self) -> None:
        """Take sequences for arrays, and check them."""
        for name in ("loss", "evaluations", "seconds"):
            values = getattr(self, name)
            if values is None:
                continue
            values = np.asarray(values, dtype=np.float64)
            object.__setattr__(self, name, values)
            if values.ndim != 1 or values.shape != self.loss.shape or not len(values):
                raise ValueError(
                    f"{name} has shape {values.shape} and loss {np.shape(self.loss)}, expected (s,): a loss, and what "
                    "had been spent on it."
                )
        if not self.null_loss > self.optimum:
            raise ValueError(
                f"null_loss is {self.null_loss!r} and optimum {self.optimum!r}, expected the loss without features to "
                "be above the minimum: they are what the gaps are relative to."
            )

    @property
    def gap(self) -> FloatArray:
        """(f - f*) / (f_null - f*), shape (s,): the share of what the features can explain that is still missing."""
        return np.asarray((self.loss - self.optimum) / (self.null_loss - self.optimum))

    @drawn
    def plot(self) -> Drawing:
        """Draw the gap against what was spent: `softglm.plots.ConvergenceDisplay`."""
        return Drawing("ConvergenceDisplay", "from_traces", {"fit": self})

    def to_frame(self) -> "pd.DataFrame":
        """Return a data frame with the columns evaluations, seconds, loss, gap, a row for each loss.

        An unknown cost is NaN. It needs pandas.
        """
        pd = pandas()
        unknown = np.full(len(self.loss), np.nan)
        return pd.DataFrame(
            {
                "evaluations": unknown if self.evaluations is None else self.evaluations,
                "seconds": unknown if self.seconds is None else self.seconds,
                "loss": self.loss,
                "gap": self.gap,
            }
        )

    @classmethod
    def record(cls, estimator: Any, X: Any, y: Any, *, repeats: int = 3) -> Self:
        """Fit an estimator, and record the losses on its way. The estimator passed is not fitted.

        Parameters
        ----------
        estimator : SoftmaxGLM, LogisticRegression or Pipeline
            What minimises the mean log loss with a ridge, or a pipeline that ends in it: the loss is then that behind
            the earlier steps, and so is its minimum. `max_iter` is where the trace ends at the latest.
        X : array-like or sparse matrix of shape (n, p)
            As the estimator takes it.
        y : array-like of shape (n,)
            Labels.
        repeats : int, default=3
            How often each fit is timed; the fastest counts.

        Returns
        -------
        Trace

        Raises
        ------
        ValueError
            If the loss that the estimator minimises is another one, or has no minimum.
        TypeError
            If the estimator has no `max_iter`, or no coefficients.

        Notes
        -----
        `SoftmaxGLM` is watched while it fits. Other estimators cannot be: they are fitted again and again with a
        `max_iter` that grows, each time from the start, and each point is a fit of its own. In both every iteration
        counts as one evaluation, the least that it can take, and the seconds are those of the call of `fit`. Where
        SoftmaxGLM ends, its evaluations are known and counted exactly.

        The minimum is that of a fit of this package to a relative gap of 1e-12, or the least loss of the trace.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from softglm import SoftmaxGLM
        >>> from softglm.plots import Trace
        >>> bool(Trace.record(SoftmaxGLM(), *load_iris(return_X_y=True)).gap[-1] < 1e-14)
        True
        """
        if repeats < 1:
            raise ValueError(f"repeats must be at least 1, got {repeats!r}.")
        if not hasattr(estimator, "fit") or not hasattr(_last(estimator), "max_iter"):
            raise TypeError(
                f"Trace.record got a {type(estimator).__name__}, expected an estimator with a max_iter, such as "
                "SoftmaxGLM or LogisticRegression, or a pipeline that ends in one."
            )
        whole, seconds = _timed(estimator, X, y, None, repeats)
        model = _last(whole)
        design = X if model is whole else whole[:-1].transform(X)
        objective = _objective(model, design, np.asarray(y))
        if hasattr(model, "gap_kind_"):
            points = _watched(objective, model, seconds, repeats)
        else:
            ends = _growing(int(np.max(model.n_iter_)))
            stopped = [_timed(estimator, X, y, end, repeats) for end in ends]
            points = [_point(objective, _last(fitted), seconds) for fitted, seconds in [*stopped, (whole, seconds)]]
        loss, evaluations, times = np.array(points).T
        # A shorter fit takes no longer than a longer one: where it did, something else kept the machine busy.
        times = np.minimum.accumulate(times[::-1])[::-1]
        null, least, gap = _reference(objective)
        return cls(loss, min(least, loss.min()), null, evaluations, times, gap / (null - least))


def _last(estimator: Any) -> Any:
    """Return the model at the end of a pipeline, or the estimator itself."""
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def _timed(estimator: Any, X: Any, y: Any, max_iter: int | None, repeats: int) -> tuple[Any, float]:
    """Return a fitted copy, and the seconds of the fastest of several fits."""
    times = []
    for _ in range(repeats):
        copy = deepcopy(estimator)
        if max_iter is not None:
            _last(copy).set_params(max_iter=max_iter)
        with warnings.catch_warnings():
            # That it did not converge is what the trace is about.
            warnings.simplefilter("ignore")
            begin = perf_counter()
            copy.fit(X, y)
            times.append(perf_counter() - begin)
    return copy, min(times)


def _growing(end: int) -> list[int]:
    """Return 1, 2, 3, ... growing by a factor, below `end`."""
    counts, count = [], 1
    while count < end:
        counts.append(count)
        count = max(count + 1, int(_GROWTH * count))
    return counts


def _objective(model: Any, X: Any, y: npt.NDArray[Any]) -> Objective:
    """Return the objective that a fitted model minimised."""
    if getattr(model, "class_weight", None) is not None or y.ndim != 1:
        raise ValueError("Trace.record takes labels, and fits without class_weight: record the losses, and pass them.")
    response = response_of(y)
    if not np.array_equal(response.classes, model.classes_):
        raise ValueError("Trace.record takes y as the model sees it; this pipeline changes its labels.")
    design: Matrix = X.tocsr() if hasattr(X, "tocsr") else np.asarray(X, dtype=np.float64)
    penalty = Ridge.on_coefficients(_strength(model, len(y)), design.shape[1], fit_intercept=model.fit_intercept)
    targets, _ = response.targets(np.ones(len(response.classes), dtype=bool), None)
    rows = RowsInMemory(design, targets)
    return Objective(rows, response.family(), penalty, fit_intercept=model.fit_intercept)


def _strength(model: Any, n_rows: int) -> float:
    """Return alpha."""
    if hasattr(model, "alpha_"):
        is_plain = all(getattr(model, name, None) is None for name in ("penalty_factors", "lower", "upper"))
        if getattr(model, "l1_ratio", 0.0) or getattr(model, "standardize", False) or not is_plain:
            raise ValueError(
                "Trace.record knows SoftmaxGLM with a ridge of one strength on the columns as they come, got "
                f"{model!r}. Leave out l1_ratio, penalty_factors, bounds and standardize; scale in a pipeline."
            )
        return float(model.alpha_)
    penalty = getattr(model, "penalty", "l2")
    is_ridge = penalty in {"l2", "deprecated", None} and not getattr(model, "l1_ratio", None)
    if not (hasattr(model, "C") and hasattr(model, "coef_") and is_ridge):
        raise ValueError(
            "Trace.record knows the loss of SoftmaxGLM, and of LogisticRegression with a ridge or without penalty, got "
            f"{model!r}. Record the losses, and pass them: Trace(loss, optimum=..., null_loss=...)."
        )
    if getattr(model, "solver", None) == "liblinear":
        raise ValueError("The solver liblinear penalises the intercept, which is another loss. Use another solver.")
    return 0.0 if penalty is None or np.isinf(model.C) else 1.0 / (model.C * n_rows)


def _point(objective: Objective, model: Any, seconds: float) -> _Point:
    """Return where a fit that was stopped is."""
    coef, intercept = np.asarray(model.coef_, dtype=np.float64).T, np.ravel(model.intercept_)
    loss, _ = objective.evaluate(objective.centred(coef, np.broadcast_to(intercept, coef.shape[1])))
    return loss, 1.0 + float(np.max(model.n_iter_)), seconds


def _watched(objective: Objective, model: Any, seconds: float, repeats: int) -> list[_Point]:
    """Return where SoftmaxGLM is after each iteration, from the core of its fit."""
    runs = []
    for _ in range(repeats):
        points: list[_Point] = []
        begin = perf_counter()

        def report(progress: Progress, *_: FloatArray) -> None:
            points.append((progress.value, 1.0 + progress.iteration, perf_counter() - begin))  # noqa: B023 - of this run

        result = fit(
            objective.rows,
            objective.family,
            objective.penalty,
            fit_intercept=objective.fit_intercept,
            tol=model.tol,
            max_iter=model.max_iter,
            report=report,
        )
        points.append((result.loss, float(max(result.n_evaluations, 1)), perf_counter() - begin))
        runs.append(points)
    fastest = min(runs, key=lambda points: points[-1][2])
    # What the estimator does around its core comes first: validation, labels.
    around = max(seconds - fastest[-1][2], 0.0)
    return [(loss, evaluations, around + spent) for loss, evaluations, spent in fastest]


def _reference(objective: Objective) -> tuple[float, float, float]:
    """Return the loss without features, the minimum, and the most that it may be below that."""
    result = fit(
        objective.rows,
        objective.family,
        objective.penalty,
        fit_intercept=objective.fit_intercept,
        tol=_TOLERANCE,
        max_iter=_MOST_ITERATIONS,
    )
    if result.status not in {Status.CONVERGED, Status.PRECISION}:
        raise ValueError(
            f"There is no minimum to compare with: the reference fit {result.status.value}. Penalise it, or pass "
            "what is known: Trace(loss, optimum=..., null_loss=...)."
        )
    return null_model(objective).value, result.loss, result.gap
