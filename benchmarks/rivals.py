"""One adapter for each solver: what it is called, when it applies, and a fit at one tolerance."""

from abc import ABC, abstractmethod
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
from scipy import sparse

from benchmarks.penalties import cyanure_lambda, scikit_learn_C

DECADES = tuple(10.0**-k for k in range(1, 13))


class Fitted(NamedTuple):
    """Coefficients of shape (q, p), intercepts of shape (q,), and the seconds where the rival took them itself."""

    coef: np.ndarray
    intercept: np.ndarray
    seconds: float | None = None


class Rival(ABC):
    """A solver, asked for one tolerance after the other.

    Attributes
    ----------
    name, family : str
        Within a family the fastest counts.
    package : str or None
        What has to be importable, where that is not the family.
    tolerances : tuple of float
        In the order in which they are tried, loosest first.
    """

    name: str
    family: str
    package: str | None = None
    tolerances: tuple[float, ...] = DECADES

    def missing(self):
        """Return why it cannot run here, or None."""
        return None if find_spec(self.package or self.family) else f"{self.family} is not installed"

    def refuses(self, problem):  # noqa: ARG002 - most take every problem
        """Return why it does not apply; an empty string if it does."""
        return ""

    def memory(self, problem):
        """Return the bytes it will need, about, beyond X."""
        return 8 * len(problem.y) * problem.n_classes

    def prepare(self, problem, threads):  # noqa: B027 - most need nothing
        """Get ready, untimed: hand the rows over, load what is loaded once."""

    @abstractmethod
    def fit(self, problem, tol):
        """Return what it fits at this tolerance."""


class SoftGLM(Rival):
    """softglm, the public estimator."""

    name = family = "softglm"
    tolerances = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 1e-6, 1e-8)

    def fit(self, problem, tol):
        """Fit SoftmaxGLM at `tol`; 1e-8 is its default."""
        model = self.model(problem, tol)
        return Fitted(model.coef_, model.intercept_)

    @staticmethod
    def model(problem, tol):
        """Return the fitted estimator."""
        from softglm import SoftmaxGLM

        return SoftmaxGLM(problem.alpha, tol=tol, max_iter=10_000).fit(problem.X, problem.y)


class PlainLBFGS(Rival):
    """The ablation: our value and gradient, SciPy's L-BFGS-B in the user's own coordinates, from our start."""

    name = family = "plain L-BFGS"
    package = "scipy"

    def fit(self, problem, tol):
        """Stop at a gradient of `tol`."""
        from scipy.optimize import minimize

        from softglm.data import RowsInMemory
        from softglm.families import Bernoulli, Categorical
        from softglm.model import Objective, Ridge

        p, K = problem.X.shape[1], problem.n_classes
        family = Bernoulli() if K == 2 else Categorical(K)
        targets = problem.y.astype(np.float64) if K == 2 else problem.y
        rows = RowsInMemory(problem.X, targets)
        penalty = Ridge.on_coefficients(problem.alpha, p, fit_intercept=True)
        objective = Objective(rows, family, penalty, fit_intercept=True)

        def evaluate(flat):
            coef, intercept = flat[:-q].reshape(p, q), flat[-q:]
            f, gradient = objective.evaluate(objective.centred(coef, intercept))
            by_coef, by_intercept = objective.split(gradient)
            by_coef = by_coef + np.outer(objective.moments.center, by_intercept)
            return f, np.concatenate([by_coef.ravel(), by_intercept])

        shares = np.bincount(problem.y) / len(problem.y)
        start = np.log(shares) if K > 2 else np.log(shares[1:] / shares[:1])
        q = len(start)
        options = {"gtol": tol, "ftol": 0.0, "maxiter": 10**7, "maxfun": 10**7, "maxcor": 10}
        flat = minimize(
            evaluate, np.concatenate([np.zeros(p * q), start]), jac=True, method="L-BFGS-B", options=options
        ).x
        return Fitted(flat[:-q].reshape(p, q).T, flat[-q:])


class ScikitLearn(Rival):
    """LogisticRegression with one of its solvers."""

    package = "sklearn"

    def __init__(self, solver):
        self.solver = solver
        self.name, self.family = f"scikit-learn {solver}", "scikit-learn"

    def memory(self, problem):
        """newton-cholesky holds a Hessian and works on a copy; the others an eta or gradients for every row."""
        if self.solver == "newton-cholesky":
            return 2 * 8 * problem.n_parameters**2
        return 3 * 8 * len(problem.y) * problem.n_classes

    def fit(self, problem, tol):
        """Fit with the tolerance `tol`, and iterations without end."""
        from sklearn.linear_model import LogisticRegression

        C = scikit_learn_C(problem.alpha, len(problem.y))
        model = LogisticRegression(C=C, solver=self.solver, tol=tol, max_iter=10_000_000, random_state=0)
        model.fit(problem.X, problem.y)
        return Fitted(model.coef_, model.intercept_)


class Statsmodels(Rival):
    """MNLogit by Newton's method: no penalty, dense rows."""

    name, family = "statsmodels MNLogit", "statsmodels"

    def refuses(self, problem):
        """It knows no ridge."""
        return "knows no ridge" if problem.alpha > 0.0 else ""

    def memory(self, problem):
        """The rows with a constant, and the Hessian with a copy."""
        return problem.dense_bytes + 2 * 8 * problem.n_parameters**2

    def fit(self, problem, tol):
        """Fit to a largest change of the parameters of `tol`; the tables of its result are not asked for."""
        from statsmodels.discrete.discrete_model import MNLogit

        X = np.column_stack([problem.X, np.ones(len(problem.y))])
        params = np.asarray(MNLogit(problem.y, X).fit(method="newton", tol=tol, maxiter=1000, disp=0).params)
        theta = params.T if problem.n_classes == 2 else np.pad(params, ((0, 0), (1, 0))).T
        return Fitted(theta[:, :-1], theta[:, -1])


class Cyanure(Rival):
    """cyanure's Classifier with the logistic loss: the same objective, intercept unpenalised."""

    family = "cyanure"

    def __init__(self, solver):
        self.solver = solver
        self.name = f"cyanure {solver}"
        self.threads = 1

    def memory(self, problem):
        """It copies the rows, column by row."""
        size = 12 * problem.X.nnz if sparse.issparse(problem.X) else problem.dense_bytes
        return 2 * size + 2 * 8 * len(problem.y) * problem.n_classes

    def prepare(self, problem, threads):  # noqa: ARG002
        """Note the threads, which it manages itself."""
        self.threads = threads

    def fit(self, problem, tol):
        """Fit to its own estimate `tol` of the relative gap."""
        import logging

        from cyanure.estimators import Classifier

        logging.getLogger("Cyanure").setLevel(logging.ERROR)
        model = Classifier(
            loss="logistic",
            penalty="l2",
            lambda_1=cyanure_lambda(problem.alpha),
            fit_intercept=True,
            solver=self.solver,
            tol=tol,
            max_iter=1_000_000,
            n_threads=self.threads,
            verbose=False,
        ).fit(problem.X, problem.y)
        coef = np.asarray(model.coef_).reshape(problem.X.shape[1], -1).T
        return Fitted(coef, np.ravel(model.intercept_))


def all_rivals():
    """Return every solver, ours first."""
    from benchmarks.r_rivals import Glmnet, Nnet

    solvers = ("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga")
    return [
        SoftGLM(),
        *map(ScikitLearn, solvers),
        PlainLBFGS(),
        Statsmodels(),
        Cyanure("auto"),
        Cyanure("qning-miso"),
        Nnet(),
        Glmnet(),
    ]
