"""One adapter for each solver of paths, and for each that fits one strength at a time."""

import time
from abc import ABC, abstractmethod
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
from scipy import sparse

from benchmarks.penalties import scikit_learn_C
from benchmarks.r_process import RProcess, version_of
from benchmarks.shapes import our_rows


class Path(NamedTuple):
    """Points of a path, as many as the solver arrived at.

    Attributes
    ----------
    seconds : float
        Of the CPU.
    coefs : array of shape (n_points, q, p)
    intercepts : array of shape (n_points, q)
    gaps : array of shape (n_points,) or None
        What the solver proved of each.
    """

    seconds: float
    coefs: np.ndarray
    intercepts: np.ndarray
    gaps: np.ndarray | None = None


class PathRival(ABC):
    """A solver at one tolerance of its own.

    Attributes
    ----------
    name : str
    tol : float
    """

    def __init__(self, tol):
        self.tol = tol
        self.name = f"{self.program} {tol:.0e}"

    program: str

    def missing(self):
        """Return why it cannot run here; an empty string if it can."""
        return ""

    def refuses(self, problem):  # noqa: ARG002 - most take every problem
        """Return why it does not apply; an empty string if it does."""
        return ""

    def prepare(self, problem):  # noqa: B027 - most need nothing
        """Get ready, untimed."""

    @abstractmethod
    def path(self, problem, limit, budget=0.0):
        """Return the `Path` of a problem, or its beginning where that takes longer than `limit` seconds.

        Paths are repeated until they fill the budget, in seconds.
        """

    def close(self):  # noqa: B027
        """Let go of what was prepared."""


class SoftGLM(PathRival):
    """softglm's sweep, rows as they come: what it prepares is timed too."""

    program = "softglm"

    def path(self, problem, limit, budget=0.0):
        """Prove each point to `tol` of the null deviance."""
        return _repeated(lambda: self._points(problem, limit), budget)

    def _points(self, problem, limit):
        start, fits = time.process_time(), []
        for fit in our_fits(problem, self.tol):
            fits.append(fit)
            if time.process_time() - start > limit:
                break
        coefs = np.array([fit.coef.T for fit in fits])
        return coefs, np.array([fit.intercept for fit in fits]), np.array([fit.gap for fit in fits])


def our_fits(problem, tol):
    """Return softglm's fits along a path, made one by one as they are asked for."""
    from softglm.fit import prepare
    from softglm.sweep import sweep

    rows = problem.rows
    prepared = prepare(*our_rows(rows.X, rows.y, rows.n_classes))
    return sweep(prepared, [our_penalty(problem, alpha) for alpha in problem.strengths], tol=tol)


def our_penalty(problem, alpha):
    """Return softglm's penalty of the kind of a problem."""
    from softglm.model import penalties

    p, l1_ratio = problem.rows.X.shape[1], problem.kind.l1_ratio
    if problem.kind.is_grouped:
        each = np.arange(p, dtype=np.int32)
        return penalties.GroupElasticNet.on_coefficients(alpha, l1_ratio, np.ones(p), each, fit_intercept=True)
    return penalties.ElasticNet.on_coefficients(alpha, l1_ratio, np.ones(p), fit_intercept=True)


class Glmnet(PathRival):
    """glmnet at a `thresh`; one R process for each problem."""

    program = "glmnet"

    def missing(self):
        """Return what is not installed."""
        return "" if version_of("glmnet") else "Rscript or R's package glmnet is not installed"

    def prepare(self, problem):
        """Start R and hand the rows over."""
        kind = problem.kind
        arguments = [repr(kind.l1_ratio), "grouped" if kind.is_grouped else "ungrouped", len(problem.strengths)]
        self._r = RProcess("paths.R", problem.rows, arguments, 1, {"strengths": problem.strengths})

    def path(self, problem, limit, budget=0.0):
        """Ask R for the whole path: it cannot be stopped in between, and then there is none."""
        seconds = float(self._r.ask(repr(self.tol), budget, limit=limit + budget))
        p = problem.rows.X.shape[1]
        q = 1 if problem.rows.n_classes == 2 else problem.rows.n_classes
        theta = self._r.numbers("theta").reshape(q, -1, p + 1).transpose(1, 0, 2)
        return Path(seconds, theta[:, :, 1:], theta[:, :, 0])

    def close(self):
        """End R."""
        self._r.close()


class Adelie(PathRival):
    """adelie's grpnet, which knows groups only; its loss is the mean over the classes, too."""

    program = "adelie"

    def missing(self):
        """Return what is not installed."""
        return "" if find_spec("adelie") else "adelie is not installed"

    def refuses(self, problem):
        """It ties the classes of a feature together, and is given dense rows."""
        if not problem.kind.is_grouped:
            return "knows groups only"
        return "is given dense rows only" if sparse.issparse(problem.rows.X) else ""

    def prepare(self, problem):
        """Lay the rows out as it wants them."""
        K = problem.rows.n_classes
        self._X = np.asfortranarray(problem.rows.X)
        self._targets = (problem.rows.y[:, np.newaxis] == np.arange(K)).astype(np.float64)

    def path(self, problem, limit, budget=0.0):
        """Fit to its tolerances, both of the kind."""
        return _repeated(lambda: self._points(problem, limit), budget)

    def _points(self, problem, limit):
        import adelie

        stop, (_, p), K = time.process_time() + limit, self._X.shape, problem.rows.n_classes
        state = adelie.grpnet(
            self._X,
            adelie.glm.multinomial(self._targets),
            alpha=problem.kind.l1_ratio,
            penalty=np.ones(p),
            lmda_path=problem.strengths / K,
            early_exit=False,
            tol=self.tol,
            irls_tol=self.tol,
            progress_bar=False,
            n_threads=1,
            exit_cond=lambda _: time.process_time() > stop,
        )
        coefs = state.betas.toarray().reshape(-1, p, K).transpose(0, 2, 1)
        return coefs, np.asarray(state.intercepts).reshape(-1, K), None


def _repeated(points, budget):
    """Return the `Path` that a function makes, and the mean seconds of calls that fill the budget."""
    start, n_calls = time.process_time(), 0
    while not n_calls or time.process_time() - start < budget:
        made = points()
        n_calls += 1
    return Path((time.process_time() - start) / n_calls, *made)


def path_rivals():
    """Return every solver of paths, at the tolerances that are compared, ours first."""
    return [SoftGLM(1e-4), SoftGLM(1e-6), Glmnet(1e-7), Glmnet(1e-9), Adelie(1e-7), Adelie(1e-9)]


def one_strength_solvers():
    """Return scikit-learn's solvers of lasso and elastic net that the installed version has."""
    from sklearn.linear_model import LogisticRegression

    (options,) = LogisticRegression._parameter_constraints["solver"]  # noqa: SLF001 - nothing public names them
    return [solver for solver in ("saga", "newton-cd") if solver in options.options]


def fit_one_strength(solver, problem, alpha, tol):
    """Return the CPU seconds of a fit by one of scikit-learn's solvers, coef of shape (q, p) and intercept (q,)."""
    from sklearn.linear_model import LogisticRegression

    rows = problem.rows
    C = scikit_learn_C(alpha, len(rows.y))
    model = LogisticRegression(
        C=C, l1_ratio=problem.kind.l1_ratio, solver=solver, tol=tol, max_iter=10_000_000, random_state=0
    )
    start = time.process_time()
    model.fit(rows.X, rows.y)
    return time.process_time() - start, model.coef_, model.intercept_
