r"""What L-BFGS remembers: an inverse Hessian, from the last steps and the changes of the gradient along them.

With the steps as the rows of S, the changes as the rows of Y, R the upper triangle of S Y', D its diagonal and gamma
the curvature of the last pair, s'y / y'y, the inverse BFGS matrix that starts from gamma I is

    H = gamma I + [S' gamma Y'] [ R^-T (D + gamma Y Y') R^-1   -R^-T ] [ S       ]
                                [ -R^-1                         0    ] [ gamma Y ]

(Byrd, Nocedal & Schnabel 1994, doi 10.1007/BF01582063, theorem 2.2): a few products with short, wide matrices, where
the usual two-loop recursion is four times as many operations on vectors.
"""

from functools import cache
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack

from softglm.arrays import FloatArray

_PAIRS = 10

Places: TypeAlias = npt.NDArray[np.intp]


@final
class Memory:
    """The inverse Hessian of L-BFGS; the identity as long as nothing is remembered."""

    def __init__(self) -> None:
        self._n_added, self._gamma = 0, 1.0
        self._steps = self._changes = np.empty((0, 0))
        # S Y', from the oldest pair to the latest; nothing below the diagonal is ever read.
        self._inner = np.empty((_PAIRS, _PAIRS))
        # Once there are enough pairs the next takes the place of the oldest: where they are, by age, and the way back.
        self._places, self._ages = _order(0, 0)

    def __bool__(self) -> bool:
        """Tell whether anything is remembered."""
        return self._n_added > 0

    def add(self, step: FloatArray, change: FloatArray) -> None:
        """Remember a step and the change of the gradient along it, unless the curvature is lost in rounding."""
        curvature = step @ change
        if not curvature > 0.0:
            return
        if not self:
            self._steps, self._changes = np.empty((2, _PAIRS, len(step)))
        latest = self._n_added % _PAIRS
        self._steps[latest], self._changes[latest] = step, change
        if self._n_added >= _PAIRS:
            self._inner[:-1, :-1] = self._inner[1:, 1:]
        self._n_added += 1
        n_pairs = min(self._n_added, _PAIRS)
        self._places, self._ages = _order(n_pairs, self._n_added % n_pairs)
        self._inner[:n_pairs, n_pairs - 1] = (self._steps[:n_pairs] @ change).take(self._places)
        self._gamma = float(curvature / (change @ change))

    def times(self, vector: FloatArray) -> FloatArray:
        """Return H times a vector."""
        if not self:
            return vector
        gamma, n_pairs = self._gamma, len(self._places)
        inner = self._inner[:n_pairs, :n_pairs]
        steps, changes = self._steps[:n_pairs], self._changes[:n_pairs]
        along, _ = lapack.dtrtrs(inner, (steps @ vector).take(self._places))
        rest: FloatArray = vector - along.take(self._ages) @ changes
        across = inner.diagonal() * along - gamma * (changes @ rest).take(self._places)
        across, _ = lapack.dtrtrs(inner, across, trans=1)
        rest *= gamma
        rest += across.take(self._ages) @ steps
        return rest


@cache
def _order(n_pairs: int, first: int) -> tuple[Places, Places]:
    """Return the places from the first pair's on, then those before it; and the rank of each place among these."""
    return np.roll(np.arange(n_pairs), -first), np.roll(np.arange(n_pairs), first)
