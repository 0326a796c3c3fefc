"""The problem at hand, and what was spent on it."""

from typing import final

from softglm.arrays import FloatArray
from softglm.solver.line_search import Iterate
from softglm.solver.method import WithHessian
from softglm.solver.problem import Metric, Problem
from softglm.solver.schedule import Schedule

# A Hessian is made anew at every point where that costs no more than this part of an evaluation.
_RENEWED = 0.25


@final
class Work:
    """The function that methods see: each evaluation and each Hessian is counted.

    Attributes
    ----------
    problem : Problem
        The one at hand; a finer one takes its place.
    schedule : Schedule
    n_evaluations, n_renewed : int
        Evaluations, and Hessians that the method has asked for by itself.
    """

    def __init__(self, problem: Problem, schedule: Schedule) -> None:
        self.problem, self.schedule = problem, schedule
        self.n_evaluations = self.n_renewed = 0

    def evaluate(self, point: FloatArray) -> Iterate:
        self.n_evaluations += 1
        self.schedule.pay(self.problem.evaluation_cost)
        return Iterate(point, *self.problem.evaluate(point))

    def evaluate_with_hessian(self, point: FloatArray) -> WithHessian:
        self.n_evaluations += 1
        self.schedule.pay(self.problem.evaluation_cost)
        value, gradient, make = self.problem.evaluate_with_hessian(point)

        def hessian() -> Metric:
            self.schedule.count_exact_hessian(self.problem)
            return make()

        return WithHessian(point, value, gradient, hessian)

    def renewed(self, point: FloatArray) -> Metric | None:
        offer = self.problem.hessians[-1]
        if offer.price > _RENEWED * self.problem.evaluation_cost:
            return None
        self.n_renewed += 1
        return offer.make(point)

    def refine(self) -> bool:
        """Go on with the finer problem, if there is one; tell whether there is."""
        finer = self.problem.finer
        if finer is None:
            return False
        self.problem = finer
        return True
