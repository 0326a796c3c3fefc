"""An R process for each problem: it reads the rows once, answers line by line, and leaves numbers in files."""

import select
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from scipy import sparse

_HERE = Path(__file__).parent
_LOADING_SECONDS = 600.0


@cache
def version_of(package):
    """Return the version of one of R's packages; None where there is none, or no Rscript."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return None
    asked = [rscript, "-e", f'cat(as.character(packageVersion("{package}")))']
    done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout if done.returncode == 0 else None


class RProcess:
    """A script of this folder that sources rows.R, says "ready", and then answers.

    Parameters
    ----------
    script : str
    problem : Problem
    arguments : sequence
        The script's own.
    threads : int
        Of BLAS.
    files : dict of str to array, optional
        Numbers for the script to read, as float64, by the names of their files.
    """

    def __init__(self, script, problem, arguments, threads, files=None):
        self._folder = tempfile.TemporaryDirectory()
        X, (n, p) = problem.X, problem.X.shape
        for name, numbers in (_columns(X) | {"y": problem.y.astype(np.int32)} | (files or {})).items():
            numbers.tofile(self._path(name))
        shape = [self._folder.name, n, p, problem.n_classes, X.nnz if sparse.issparse(X) else 0]
        self._process = subprocess.Popen(  # noqa: S603
            [shutil.which("Rscript"), script, *map(str, [*shape, *arguments])],
            cwd=_HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={"OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads), "PATH": "/usr/bin:/bin"},
        )
        if self._answer(_LOADING_SECONDS) != "ready":
            raise RuntimeError(f"R could not load the packages or the rows that {script} needs.")

    def ask(self, *words, limit=None):
        """Return the line that answers a line of words; raise TimeoutError, and end R, after `limit` seconds."""
        print(*words, file=self._process.stdin, flush=True)
        answer = self._answer(limit)
        if not answer:
            raise RuntimeError("R ended in the middle of a fit.")
        return answer

    def numbers(self, name):
        """Return the float64 numbers in a file that the script wrote."""
        return np.fromfile(self._path(name))

    def close(self):
        """End R and remove the rows."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._folder.cleanup()

    def _path(self, name):
        return Path(self._folder.name) / name

    def _answer(self, limit):
        if not select.select([self._process.stdout], [], [], limit)[0]:
            self._process.kill()
            raise TimeoutError(f"R was still running after {limit:g} s")
        return self._process.stdout.readline().strip()


def _columns(X):
    if not sparse.issparse(X):
        return {"X": np.asarray(X, dtype=np.float64).ravel(order="F")}
    columns = X.tocsc()
    return {
        "X": columns.data.astype(np.float64),
        "indices": columns.indices.astype(np.int32),
        "indptr": columns.indptr.astype(np.int32),
    }
