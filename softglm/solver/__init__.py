"""How a smooth convex function is minimised: vectors and callables only, no statistics."""

from softglm.solver.minimise import Metric, Problem, Progress, minimise
from softglm.solver.solution import GapKind, Solution, Status

__all__ = ["GapKind", "Metric", "Problem", "Progress", "Solution", "Status", "minimise"]
