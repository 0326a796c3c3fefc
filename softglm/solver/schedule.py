"""When to buy a better metric: when the rent paid equals the price.

Once the evaluations since the last have cost as much as the next, it is bought, unless the optimum is near enough to be
reached for less; no schedule known in advance costs less than half. An approximation may be no better than the last:
its price is doubled each time. Where a Hessian is so cheap that every step has its own, nothing is left to decide here.
Costs are counted, no clock is read, so the same input takes the same path.
"""

import math
from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.solver.problem import Metric, Problem

# The pace of a stage is that of its last iterations, so many, or fewer where it has just begun.
_PACE, _LEAST_PACE = 7, 2
# An approximation made sooner than after so many evaluations may mislead: the point still changes much.
_LEAST_EVALUATIONS = 10.0
_LEAST_GOAL = np.finfo(np.float64).tiny
# An approximation has to be cheaper than a Hessian by this.
_CHEAPER = 2.0


@final
class Schedule:
    """The metrics of a minimisation: which were bought, and when the next one is.

    What is on offer is said by the problem at hand, which may have become another one, of the same offers at other
    prices; what was spent counts on.

    Parameters
    ----------
    saved : float, default=0
        What was spent before, on problems like this one, since a Hessian was made.
    has_hessian : bool, default=False
        Whether the metric to begin with is such a Hessian: approximations would be no better.

    Attributes
    ----------
    saved : float
        Until now.
    """

    def __init__(self, *, saved: float = 0.0, has_hessian: bool = False) -> None:
        self._next_hessian = 0
        # What was spent since the last metric, and since the last Hessian.
        self._rent, self.saved, self._has_hessian = 0.0, saved, has_hessian
        self.n_approximations = self.n_hessians = 0

    @property
    def n_metrics(self) -> int:
        return self.n_approximations + self.n_hessians

    def pay(self, cost: float) -> None:
        """Count what was spent."""
        self._rent += cost
        self.saved += cost

    def is_due(self, problem: Problem, estimates: list[float], goal: float) -> bool:
        """Tell whether the next metric is paid for and worth its price.

        Parameters
        ----------
        problem : Problem
        estimates : list of float
            Of the gap, after each iteration of this stage.
        goal : float
            The gap to reach.
        """
        price = next((price for price, paid in self._offers(problem) if paid >= price), np.inf)
        return bool(price < _iterations_left(estimates, goal) * problem.evaluation_cost)

    def buy(self, problem: Problem, point: FloatArray) -> Metric:
        """Return the best metric that is paid for, made at a point."""
        (price, paid), _ = self._offers(problem)
        if paid >= price:
            return self.buy_hessian(problem, point, exact=False)
        return self.buy_approximation(problem, point, best=False)

    def buy_hessian(self, problem: Problem, point: FloatArray, *, exact: bool) -> Metric:
        """Return the next Hessian, or the exact one, whether it is paid for or not."""
        level = len(problem.hessians) - 1 if exact else self._next_hessian
        self._count_hessian(problem, level)
        return problem.hessians[level].make(point)

    def count_exact_hessian(self, problem: Problem) -> None:
        """Count an exact Hessian that is made elsewhere."""
        self._count_hessian(problem, len(problem.hessians) - 1)

    def buy_approximation(self, problem: Problem, point: FloatArray, *, best: bool) -> Metric:
        """Return an approximation of the Hessian, the cheapest or the best, whether it is paid for or not."""
        offer = problem.approximations[-1 if best else 0]
        self.n_approximations += 1
        self._rent = 0.0
        self.saved += offer.price
        return offer.make(point)

    def _count_hessian(self, problem: Problem, level: int) -> None:
        self._next_hessian = min(level + 1, len(problem.hessians) - 1)
        self.n_hessians += 1
        self._has_hessian = True
        self._rent = self.saved = 0.0

    def _offers(self, problem: Problem) -> tuple[tuple[float, float], ...]:
        """Return price of, and what is paid for, the next Hessian and the next approximation."""
        hessian = problem.hessians[self._next_hessian].price if problem.hessians else np.inf
        least = _LEAST_EVALUATIONS * problem.evaluation_cost
        approximation = max(problem.approximations[0].price, least) * 2**self.n_approximations
        pays = not self._has_hessian and _CHEAPER * approximation <= hessian
        return (hessian, self.saved), (approximation if pays else np.inf, self._rent)


def _iterations_left(estimates: list[float], goal: float) -> float:
    """Return how many more iterations there would be at the pace of the last; inf where there is none."""
    n_last = min(_PACE, len(estimates) - 1)
    if n_last < _LEAST_PACE or not estimates[-1] < estimates[-1 - n_last]:
        return np.inf
    pace = math.log(estimates[-1 - n_last] / estimates[-1]) / n_last
    return math.log(estimates[-1] / max(goal, _LEAST_GOAL)) / pace
