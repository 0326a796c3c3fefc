"""R's solvers. One R process per problem reads the rows once; the seconds are those of the fit, taken inside R."""

import shutil
import subprocess
import tempfile
from abc import abstractmethod
from functools import cache
from pathlib import Path

import numpy as np
from scipy import sparse

from benchmarks.penalties import glmnet_lambda, nnet_decay
from benchmarks.rivals import Fitted, Rival

_SCRIPT = Path(__file__).with_name("rivals.R")


@cache
def _has_package(package):
    rscript = shutil.which("Rscript")
    if rscript is None:
        return False
    asked = [rscript, "-e", f'quit(status = !requireNamespace("{package}", quietly = TRUE))']
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0  # noqa: S603


class RRival(Rival):
    """A fit in R, which reads a tolerance from a pipe and answers with seconds and a file of coefficients."""

    package: str

    def missing(self):
        """Return what is not installed, or None."""
        return None if _has_package(self.package) else f"Rscript or R's package {self.package} is not installed"

    @abstractmethod
    def strength(self, problem):
        """Return the penalty in R's units."""

    def prepare(self, problem, threads):
        """Start R and hand the rows over."""
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name)
        X = problem.X
        if sparse.issparse(X):
            columns = X.tocsc()
            columns.indices.astype(np.int32).tofile(path / "indices")
            columns.indptr.astype(np.int32).tofile(path / "indptr")
            columns.data.astype(np.float64).tofile(path / "X")
        else:
            np.asarray(X, dtype=np.float64).ravel(order="F").tofile(path / "X")
        problem.y.tofile(path / "y")
        n, p = X.shape
        entries = X.nnz if sparse.issparse(X) else 0
        arguments = [self.package, path, n, p, problem.n_classes, entries, repr(float(self.strength(problem)))]
        self.process = subprocess.Popen(  # noqa: S603
            [shutil.which("Rscript"), _SCRIPT, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={"OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads), "PATH": "/usr/bin:/bin"},
        )
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"R could not load {self.package} or the rows.")

    def close(self):
        """End R and remove the rows."""
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()

    def fit(self, problem, tol):
        """Ask R for a fit."""
        print(repr(float(tol)), file=self.process.stdin, flush=True)
        seconds = float(self.process.stdout.readline())
        theta = np.fromfile(Path(self.folder.name) / "theta").reshape(-1, problem.X.shape[1] + 1)
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
