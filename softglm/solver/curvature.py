r"""What is known of the curvature of f: a metric, and what was learned since it was made.

A metric H ~ L L' defines coordinates v in which H is the identity: a gradient g becomes L^-1 g (`whiten`), a step v
becomes L^-T v (`unwhiten`). What L-BFGS learns on the way, it learns in these coordinates.
"""

import math
from typing import final

from softglm.arrays import FloatArray
from softglm.solver.memory import Memory
from softglm.solver.pairs import Pairs
from softglm.solver.problem import Metric


@final
class Curvature:
    """A metric, the memory of L-BFGS in its coordinates, and the way since it was made.

    Attributes
    ----------
    metric : Metric
    memory : Memory
        Of the steps since; a new metric begins with none.
    pairs : Pairs
        Of the steps of a method that goes on from one metric to the next.
    """

    def __init__(self, metric: Metric) -> None:
        self.metric, self.memory, self.pairs = metric, Memory(), Pairs()
        self._travelled: FloatArray | float = 0.0

    def replace(self, metric: Metric) -> None:
        """Begin anew with a metric made here."""
        self.metric, self._travelled = metric, 0.0
        if self.memory:
            self.memory = Memory()

    def forget(self) -> None:
        """Forget all but the metric."""
        self.replace(self.metric)

    def travel(self, step: FloatArray) -> None:
        """Count a step, in the coordinates of the metric."""
        self._travelled = self._travelled + step

    def leave(self) -> None:
        """Count a step that nobody has measured: what the metric proves, it proves no more."""
        self._travelled = math.inf

    @property
    def distance(self) -> float:
        """The distance from where the metric was made, in its own norm; inf where nobody has measured it."""
        travelled = self._travelled
        return travelled if isinstance(travelled, float) else math.sqrt(travelled @ travelled)

    def estimate(self, gradient: FloatArray) -> float:
        """Return half the square of the length of a gradient in this curvature: f - f* of a quadratic."""
        whitened = self.metric.whiten(gradient)
        return float(whitened @ self.memory.times(whitened)) / 2.0
