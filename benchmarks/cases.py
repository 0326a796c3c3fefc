"""What is fitted: a source of rows, a scaling of its columns, its classes or the largest against the rest, a ridge."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse

RAW, STANDARDISED = "raw", "standardised"
STRENGTHS = (0.01, 1.0, 100.0)


@dataclass(frozen=True)
class Source:
    """Rows and classes, with the shape that they are to have.

    Attributes
    ----------
    name, group : str
    shape : tuple of int
        (n, p, K).
    make : callable
        Returns X of shape (n, p) and y of shape (n,), codes 0 to K - 1; raises ImportError where a package is missing.
    scalings : tuple of str
    strengths : tuple of float
        alpha n.
    has_binary : bool
        Whether the largest class against the rest is a case of its own.
    repeats : int or None
        The most times that a fit is timed, where that has to be fewer than elsewhere.
    """

    name: str
    group: str
    shape: tuple[int, int, int]
    make: Callable[[], tuple[Any, np.ndarray]]
    scalings: tuple[str, ...] = (RAW, STANDARDISED)
    strengths: tuple[float, ...] = STRENGTHS
    has_binary: bool = True
    repeats: int | None = None

    def cases(self):
        """Return the cases of this source."""
        kinds = (False, True) if self.has_binary and self.shape[2] > 2 else (False,)
        return [
            Case(self, scaling, is_binary, strength)
            for is_binary in kinds
            for scaling in self.scalings
            for strength in self.strengths
        ]


@dataclass(frozen=True)
class Case:
    """One line of the benchmark's table."""

    source: Source
    scaling: str
    is_binary: bool
    strength: float

    @property
    def name(self):
        """Names the case in tables, filters and result files."""
        kind = "/binary" if self.is_binary else ""
        return f"{self.source.name}{kind} {self.scaling} {self.strength:g}/n"

    @property
    def group(self):
        """What it is averaged with."""
        kind = ", largest class against the rest" if self.is_binary else ""
        return f"{self.source.group}{kind}, {self.scaling}"

    def build(self):
        """Return the problem, the same whenever it is built."""
        X, y = _scaled(self.source, self.scaling)
        if self.is_binary:
            y = (y == np.bincount(y).argmax()).astype(np.int32)
        n_classes = 2 if self.is_binary else self.source.shape[2]
        return Problem(X, y, n_classes, self.strength / X.shape[0])


@dataclass(frozen=True)
class Problem:
    """What every solver is given.

    Attributes
    ----------
    X : array or CSR matrix of shape (n, p)
        Dense rows are in C order.
    y : int32 array of shape (n,)
    n_classes : int
        K.
    alpha : float
        The strength of the ridge on the mean loss.
    """

    X: Any
    y: np.ndarray
    n_classes: int
    alpha: float

    @property
    def n_parameters(self):
        """The numbers in coef and intercept: q (p + 1)."""
        return (1 if self.n_classes == 2 else self.n_classes) * (self.X.shape[1] + 1)

    @property
    def dense_bytes(self):
        """The size of X as a dense float64 array."""
        return 8 * self.X.shape[0] * self.X.shape[1]


@lru_cache(maxsize=1)
def _rows(source):
    X, y = source.make()
    X = sparse.csr_array(X) if sparse.issparse(X) else np.ascontiguousarray(X)
    if (*X.shape, int(y.max()) + 1) != source.shape:
        raise ValueError(f"{source.name} has the shape {X.shape} and K = {y.max() + 1}, expected {source.shape}.")
    return X, y.astype(np.int32)


@lru_cache(maxsize=1)
def _scaled(source, scaling):
    X, y = _rows(source)
    if scaling == RAW:
        return X, y
    if sparse.issparse(X):  # zeros stay zeros: the columns are scaled to mean square 1, not centred
        spread = np.sqrt(np.asarray(X.multiply(X).mean(axis=0)).ravel())
        spread[spread == 0.0] = 1.0
        X = X.copy()
        X.data /= spread[X.indices]
        return X, y
    X = X - X.mean(axis=0)
    spread = X.std(axis=0)
    spread[spread == 0.0] = 1.0
    X /= spread
    return X, y
