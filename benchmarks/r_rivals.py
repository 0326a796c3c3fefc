"""R's solvers. One R process per problem reads the rows once; the seconds are those of the fit, taken inside R."""

from abc import abstractmethod

from scipy import sparse

from benchmarks.penalties import glmnet_lambda, nnet_decay
from benchmarks.r_process import RProcess, version_of
from benchmarks.rivals import Fitted, Rival


class RRival(Rival):
    """A fit in R, which reads a tolerance from a pipe and answers with seconds and a file of coefficients."""

    package: str

    def missing(self):
        """Return what is not installed, or None."""
        return None if version_of(self.package) else f"Rscript or R's package {self.package} is not installed"

    @abstractmethod
    def strength(self, problem):
        """Return the penalty in R's units."""

    def prepare(self, problem, threads):
        """Start R and hand the rows over."""
        self.process = RProcess("rivals.R", problem, [self.package, repr(float(self.strength(problem)))], threads)

    def close(self):
        """End R and remove the rows."""
        self.process.close()

    def fit(self, problem, tol):
        """Ask R for a fit."""
        seconds = float(self.process.ask(repr(float(tol))))
        theta = self.process.numbers("theta").reshape(-1, problem.X.shape[1] + 1)
        return Fitted(theta[:, 1:], theta[:, 0], seconds)


class Nnet(RRival):
    """The network without hidden layer behind nnet::multinom.

    multinom itself fixes the first class at 0, and its `decay` would shrink the intercepts too: with a ridge it states
    another objective. nnet() takes a decay for each weight, and all classes.
    """

    name, family, package = "R nnet", "nnet", "nnet"

    def refuses(self, problem):
        """It takes dense rows only."""
        return "takes dense rows only" if sparse.issparse(problem.X) else ""

    def memory(self, problem):
        """R holds the rows, their copy with the targets, and a double for each parameter and its connection."""
        return 3 * problem.dense_bytes + 3 * 8 * len(problem.y) * problem.n_classes

    def strength(self, problem):
        """The decay of the coefficients."""
        return nnet_decay(problem.alpha, len(problem.y))


class Glmnet(RRival):
    """glmnet at one lambda, its mixing parameter 0, without standardising."""

    name, family, package = "R glmnet", "glmnet", "glmnet"

    def memory(self, problem):
        """R holds the rows and glmnet a copy."""
        size = 12 * problem.X.nnz if sparse.issparse(problem.X) else problem.dense_bytes
        return 3 * size + 4 * 8 * len(problem.y) * problem.n_classes

    def strength(self, problem):
        """Its lambda."""
        return glmnet_lambda(problem.alpha)
