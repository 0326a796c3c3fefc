"""The one objective that every solution is judged by, in plain NumPy, and its minimum."""

import math
import warnings
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from benchmarks.penalties import scikit_learn_C
from benchmarks.timing import quiet

_ENTRIES = 2**22
# scikit-learn's Newton solver checks the minimum where its Hessian costs no more than this.
_CHECK_PARAMETERS, _CHECK_FLOPS = 800, 2e11


def value_and_gradient(problem, coef, intercept):
    """Return f and the largest-scale check of it: the gradients by coef, shape (q, p), and intercept, shape (q,).

    Parameters
    ----------
    problem : Problem
    coef : array of shape (q, p)
        q = 1 for two classes, else K.
    intercept : array of shape (q,)
    """
    coef, intercept = np.asarray(coef, dtype=np.float64), np.asarray(intercept, dtype=np.float64)
    X, y = problem.X, problem.y
    n, rows = len(y), max(1, _ENTRIES // max(len(coef), 1 if sparse.issparse(X) else X.shape[1]))
    losses, by_coef, by_intercept = [], np.zeros_like(coef), np.zeros_like(intercept)
    for start in range(0, n, rows):
        block, codes = X[start : start + rows], y[start : start + rows]
        if not sparse.issparse(block):
            block = block.astype(np.float64, copy=False)
        eta = np.asarray(block @ coef.T) + intercept
        if len(coef) == 1:
            eta = np.column_stack([np.zeros(len(eta)), eta])
        here = np.arange(len(codes))
        eta -= eta.max(axis=1, keepdims=True)
        exponentials = np.exp(eta)
        sums = exponentials.sum(axis=1)
        losses.append(float((np.log(sums) - eta[here, codes]).sum()))
        residual = exponentials / sums[:, np.newaxis]
        residual[here, codes] -= 1.0
        residual = residual[:, -len(coef) :]
        by_coef += np.asarray(block.T @ residual).T
        by_intercept += residual.sum(axis=0)
    f = math.fsum(losses) / n + problem.alpha / 2.0 * float(np.vdot(coef, coef))
    return f, by_coef / n + problem.alpha * coef, by_intercept / n


def value(problem, coef, intercept):
    """Return f."""
    return value_and_gradient(problem, coef, intercept)[0]


def null_value(problem):
    """Return f of the best model without features: the entropy of the class shares."""
    shares = np.bincount(problem.y) / len(problem.y)
    return float(-(shares * np.log(np.where(shares > 0.0, shares, 1.0))).sum())


@dataclass(frozen=True)
class Reference:
    """The minimum, and why to believe it.

    Attributes
    ----------
    best, null : float
        f* and f_null.
    certified : float
        The relative gap that softglm proved at its solution, the tightest that it can be asked for.
    gap_kind : str
        By what.
    bound : float or None
        The relative gap that strong convexity allows for the gradient there, as this file computes it:
        ||grad_B f||^2 / (2 alpha), the intercepts being optimal to rounding.
    newton : float or None
        How much lower than softglm's the value of scikit-learn's newton-cholesky is at tolerance 1e-12, relative.
    """

    best: float
    null: float
    certified: float
    gap_kind: str
    bound: float | None
    newton: float | None

    def gap(self, f):
        """Return the relative gap (f - f*) / (f_null - f*)."""
        return (f - self.best) / (self.null - self.best)


def find_reference(problem):
    """Return the minimum of a problem."""
    from softglm import SoftmaxGLM

    X = problem.X.astype(np.float64) if problem.X.dtype == np.float32 else problem.X
    with warnings.catch_warnings(), quiet():
        model = SoftmaxGLM(problem.alpha, tol=1e-12, max_iter=20_000).fit(X, problem.y)
    f, by_coef, _ = value_and_gradient(problem, model.coef_, model.intercept_)
    null, best, newton, bound = null_value(problem), f, None, None
    if problem.alpha > 0.0:
        bound = float(np.vdot(by_coef, by_coef)) / (2.0 * problem.alpha) / (null - f)
    flops = len(problem.y) * problem.n_parameters**2
    if not sparse.issparse(X) and problem.n_parameters <= _CHECK_PARAMETERS and flops <= _CHECK_FLOPS:
        other = _newton_value(problem, X)
        newton, best = (f - other) / (null - f), min(f, other)
    return Reference(best, null, model.gap_ / (null - best), model.gap_kind_, bound, newton)


def _newton_value(problem, X):
    from sklearn.linear_model import LogisticRegression

    C = scikit_learn_C(problem.alpha, len(problem.y))
    with warnings.catch_warnings(), quiet():
        model = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12, max_iter=200).fit(X, problem.y)
    return value(problem, model.coef_, model.intercept_)
