"""What is to be reached, in units of f."""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.once import cached_property

# The decrease from the reference is taken to be at least this, relative to |f| + 1: f resolves no less.
_RESOLUTION = 4 * np.finfo(np.float64).eps


@final
@dataclass(frozen=True)
class Aims:
    """What is to be reached, see `minimise`; in what follows `value` is f at the point that is judged.

    Attributes
    ----------
    reference, tol, precision : float
    max_iter : int
    """

    reference: float
    tol: float
    precision: float
    max_iter: int

    @cached_property
    def least_decrease(self) -> float:
        return _RESOLUTION * (1.0 + abs(self.reference))

    def decrease(self, value: float) -> float:
        """Return what f has come down from the reference."""
        return max(self.reference - value, self.least_decrease)

    def allowed(self, value: float) -> float:
        """Return the gap to prove."""
        return self.tol * self.decrease(value)

    def precise(self, value: float) -> float:
        """Return the gap to reach, by an estimate."""
        return self.precision**2 * self.decrease(value)
