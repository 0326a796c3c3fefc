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
        return len(self._steps) > 0

    def clear(self) -> None:
        """Forget everything, as a new metric demands."""
        self._steps = self._changes = np.empty((0, 0))
        self.travelled: FloatArray | float = 0.0

    def add(self, step: FloatArray, change: FloatArray) -> None:
        """Remember a step and the change of the gradient along it, unless the curvature is lost in rounding."""
        self.travelled = self.travelled + step
        if step @ change > 0.0:
            self._steps = _appended(self._steps, step)
            self._changes = _appended(self._changes, change)

    def times(self, vector: FloatArray) -> FloatArray:
        """Return H times a vector."""
        if not self:
            return vector
        steps, changes = self._steps, self._changes
        inner = steps @ changes.T
        gamma = inner[-1, -1] / (changes[-1] @ changes[-1])
        along, _ = lapack.dtrtrs(inner, steps @ vector)
        rest = vector - along @ changes
        across, _ = lapack.dtrtrs(inner, inner.diagonal() * along - gamma * (changes @ rest), trans=1)
        product: FloatArray = gamma * rest + across @ steps
        return product


def _appended(vectors: FloatArray, vector: FloatArray) -> FloatArray:
    """Return the last of some vectors, and one more."""
    kept = vectors[-_PAIRS + 1 :]
    longer = np.empty((len(kept) + 1, len(vector)))
    longer[-1] = vector
    if len(kept):
        longer[:-1] = kept
    return longer
