"""Where a minimisation begins."""

from typing import NamedTuple

from softglm.model import GLM
from softglm.solver import Iterate, Metric


class Beginning(NamedTuple):
    """The problem, a point, a metric there, and how many evaluations that took."""

    problem: GLM
    first: Iterate
    metric: Metric
    n_evaluations: int
