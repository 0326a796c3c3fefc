r"""What L-BFGS remembers: an inverse Hessian, from the last steps and the changes of the gradient along them.

With the steps as the rows of S, the changes as the rows of Y, R the upper triangle of S Y', D its diagonal and gamma
the curvature of the last pair, s'y / y'y, the inverse BFGS matrix that starts from gamma I is

    H = gamma I + [S' gamma Y'] [ R^-T (D + gamma Y Y') R^-1   -R^-T ] [ S       ]
                                [ -R^-1                         0    ] [ gamma Y ]

(Byrd, Nocedal & Schnabel 1994, doi 10.1007/BF01582063, theorem 2.2): a few products with short, wide matrices, where
the usual two-loop recursion is four times as many operations on vectors.
"""

from typing import final

import numpy as np
from scipy.linalg import lapack

from softglm.arrays import FloatArray

_PAIRS = 10


@final
class Memory:
    """The inverse Hessian of L-BFGS; the identity as long as nothing is remembered.

    Attributes
    ----------
    travelled : float or array
        The sum of all steps since nothing was.
    """

    def __init__(self) -> None:
        self.clear()

    def __bool__(self) -> bool:
        """Tell whether anything is remembered."""
        return self._n_added > 0

    def clear(self) -> None:
        """Forget everything, as a new metric demands."""
        self.travelled: FloatArray | float = 0.0
        self._n_added, self._gamma = 0, 1.0
        self._steps = self._changes = np.empty((0, 0))
        # S Y'. Once there are enough pairs the next one takes the place of the oldest: rows and columns begin there.
        self._inner = np.empty((_PAIRS, _PAIRS))

    def add(self, step: FloatArray, change: FloatArray) -> None:
        """Remember a step and the change of the gradient along it, unless the curvature is lost in rounding."""
        if isinstance(self.travelled, float):
            self.travelled = step.copy()
        else:
            self.travelled += step
        curvature = step @ change
        if not curvature > 0.0:
            return
        if not self:
            self._steps, self._changes = np.empty((2, _PAIRS, len(step)))
        latest = self._n_added % _PAIRS
        self._steps[latest], self._changes[latest] = step, change
        self._n_added += 1
        n_pairs = min(self._n_added, _PAIRS)
        # From the oldest to the latest, nothing below the diagonal is ever read.
        self._inner[:n_pairs, latest] = self._steps[:n_pairs] @ change
        self._gamma = float(curvature / (change @ change))

    def times(self, vector: FloatArray) -> FloatArray:
        """Return H times a vector."""
        if not self:
            return vector
        gamma, n_pairs = self._gamma, min(self._n_added, _PAIRS)
        first = self._n_added % n_pairs
        steps, changes = self._steps[:n_pairs], self._changes[:n_pairs]
        inner = _rolled(_rolled(self._inner[:n_pairs, :n_pairs], first).T, first).T
        along, _ = lapack.dtrtrs(inner, _rolled(steps @ vector, first))
        rest = vector - _rolled(along, -first) @ changes
        across, _ = lapack.dtrtrs(inner, inner.diagonal() * along - gamma * _rolled(changes @ rest, first), trans=1)
        rest *= gamma
        rest += _rolled(across, -first) @ steps
        return rest


def _rolled(array: FloatArray, first: int) -> FloatArray:
    """Return the rows of an array from the first on, then those before it."""
    return np.concatenate([array[first:], array[:first]]) if first else array
