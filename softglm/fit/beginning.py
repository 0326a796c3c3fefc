"""Where a minimisation begins."""

from typing import NamedTuple

from softglm.model import GLM
from softglm.solver import Iterate, Method, Metric


class Beginning(NamedTuple):
    """The problem, a point, a metric there, how many evaluations that took; and a method, or None for the usual."""

    problem: GLM
    first: Iterate
    metric: Metric
    n_evaluations: int
    method: Method | None = None
