"""How a smooth convex function is minimised: vectors and callables only, no statistics."""

from softglm.solver.line_search import Iterate
from softglm.solver.minimise import DISTRUST, Progress, minimise
from softglm.solver.problem import Metric, Offer, Problem
from softglm.solver.solution import GapKind, Solution, Status

__all__ = ["DISTRUST", "GapKind", "Iterate", "Metric", "Offer", "Problem", "Progress", "Solution", "Status", "minimise"]
