"""What paths are measured on: rows, a kind of penalty that holds coefficients at 0, and strengths from nothing down."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.cases import STANDARDISED, Case, Problem, Source
from benchmarks.real_data import REAL
from benchmarks.synthetic import SYNTHETIC, correlated, text

N_STRENGTHS = 100
# glmnet's: the least strength as a share of the largest, where there are more rows than columns and where not.
_TALL_RATIO, _WIDE_RATIO = 1e-4, 1e-2

_NAMES = ("iris", "wine", "breast_cancer", "vehicle", "digits", "dna", "satellite", "letter", "wide", "images")
_BY_NAME = {source.name: source for source in (*REAL, *SYNTHETIC)}
# Of those that are too large for a hundred fits, smaller ones.
_SMALLER = (
    Source("correlated_small", "correlated", (5000, 50, 5), partial(correlated, n=5000)),
    Source("text_small", "sparse text", (2000, 5000, 5), partial(text, n=2000, p=5000, K=5)),
)


@dataclass(frozen=True)
class Kind:
    """A penalty alpha sum_j [ l1_ratio size(B_j) + (1 - l1_ratio) / 2 ||B_j||^2 ].

    Attributes
    ----------
    name : str
    l1_ratio : float
    is_grouped : bool
        The size of a feature's coefficients is their length, and not the sum of their absolute values.
    """

    name: str
    l1_ratio: float
    is_grouped: bool = False

    def value(self, alpha, coef):
        """Return the penalty of coefficients of shape (q, p)."""
        sizes = np.linalg.norm(coef, axis=0) if self.is_grouped else np.abs(coef)
        return alpha * (self.l1_ratio * sizes.sum() + (1.0 - self.l1_ratio) / 2.0 * np.vdot(coef, coef))

    def largest(self, problem):
        """Return the least alpha with which no feature enters the model."""
        shares = np.bincount(problem.y, minlength=problem.n_classes) / len(problem.y)
        residual = shares - (problem.y[:, np.newaxis] == np.arange(problem.n_classes))
        slopes = np.asarray(problem.X.T @ residual[:, int(problem.n_classes == 2) :]) / len(problem.y)
        sizes = np.linalg.norm(slopes, axis=1) if self.is_grouped else np.abs(slopes)
        return float(sizes.max()) / self.l1_ratio


KINDS = (Kind("L1", 1.0), Kind("elastic net", 0.5), Kind("grouped", 1.0, is_grouped=True))


@dataclass(frozen=True)
class PathProblem:
    """What every solver is given.

    Attributes
    ----------
    name : str
    rows : Problem
        Columns of mean square 1: nobody has to standardise them.
    kind : Kind
    strengths : array of shape (N_STRENGTHS,)
        alpha, falling.
    """

    name: str
    rows: Problem
    kind: Kind
    strengths: np.ndarray

    @property
    def is_real(self):
        """Whether the rows were measured and not drawn."""
        return any(source.name == self.name for source in REAL)


def sources():
    """Return the sources of rows, small ones first, the longest last."""
    return (*(_BY_NAME[name] for name in _NAMES[:-1]), *_SMALLER, _BY_NAME[_NAMES[-1]])


def path_problem(source, kind):
    """Return the path of a kind of penalty on the rows of a source; None where it is that of another kind."""
    rows = Case(source, STANDARDISED, is_binary=False, strength=0.0).build()
    if kind.is_grouped and rows.n_classes == 2:
        return None
    n, p = rows.X.shape
    largest, ratio = kind.largest(rows), _TALL_RATIO if n > p else _WIDE_RATIO
    return PathProblem(source.name, rows, kind, np.geomspace(largest, ratio * largest, N_STRENGTHS))
