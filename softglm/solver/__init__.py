"""How a smooth convex function is minimised: vectors and callables only, no statistics."""

from softglm.solver.accelerated import accelerated
from softglm.solver.curvature import Curvature
from softglm.solver.line_search import Iterate
from softglm.solver.method import Method
from softglm.solver.minimise import DISTRUST, minimise
from softglm.solver.problem import Metric, Offer, Problem
from softglm.solver.schedule import Schedule
from softglm.solver.solution import GapKind, Outcome, Progress, Solution
from softglm.solver.work import Work

__all__ = [
    "DISTRUST",
    "Curvature",
    "GapKind",
    "Iterate",
    "Method",
    "Metric",
    "Offer",
    "Outcome",
    "Problem",
    "Progress",
    "Schedule",
    "Solution",
    "Work",
    "accelerated",
    "minimise",
]
