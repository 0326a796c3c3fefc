r"""Preconditioned L-BFGS: stages of L-BFGS, each in the coordinates of a metric refreshed at its start.

*When to refresh*: buy when the rent paid equals the price. Once the evaluations since the last refresh have cost as
much as a refresh, refresh; no schedule known in advance costs less than half. Where a refresh is cheap every stage is
one step, and the method is Newton's; where it is dear it is L-BFGS. Costs are counted, no clock is read, so the same
input takes the same path.

*When to stop*: once the gap f - f* is proved to be at most tol (f(reference) - f). Near the optimum, where Newton's
method provably converges, a few steps with the metric at hand then take the gradient to rounding. They are accepted
on the gradient alone: there f no longer resolves anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.solver import lbfgs
from softglm.solver.lbfgs import Iterate
from softglm.solver.memory import Memory
from softglm.solver.solution import GapKind, Solution, Status

# An approximate metric is refreshed after 20, 40, 80, ... iterations: the new one may be no better.
_FIRST_PATIENCE = 20
# Without a bound, an estimate of the gap has to be this much smaller than the tolerance.
_DISTRUST = 1e-2
# The final Newton steps stop at this share of the tolerance, or when a step no longer halves the gradient.
_POLISH, _CONTRACTION, _MAX_POLISH = 1e-10, 0.5, 10
# From this refresh on, a problem without a proved minimiser is asked whether it has one.
_SUSPICIOUS = 12
# The decrease from the reference is taken to be at least this, relative to |f| + 1: f resolves no less.
_RESOLUTION = 4 * np.finfo(np.float64).eps


class Metric(lbfgs.Metric, Protocol):
    """A metric that may be the Hessian itself, and then bounds the gap."""

    def gap(self, decrement: float, distance: float) -> float:
        """Bound f - f* where the whitened gradient has length `decrement`, at this distance from where it was made.

        inf where it proves nothing.
        """


class Problem(Protocol):
    """A smooth convex function that can be minimised."""

    @property
    def has_hessian(self) -> bool:
        """Whether `refresh` returns the Hessian itself, or an approximation."""

    @property
    def evaluation_cost(self) -> float:
        """The cost of `evaluate`, in any unit."""

    @property
    def refresh_cost(self) -> float:
        """The cost of `refresh`, in the same unit."""

    def evaluate(self, point: FloatArray) -> tuple[float, FloatArray]:
        """Return f and its gradient."""

    def refresh(self, point: FloatArray) -> Metric:
        """Return the metric at a point."""

    def bound(self, gradient: FloatArray) -> float:
        """Bound f - f* by the gradient at a settled point, without a Hessian; inf where nothing is known."""

    def settle(self, point: FloatArray) -> FloatArray:
        """Return a point no worse than this, at which `bound` holds."""

    def has_no_minimiser(self, point: FloatArray, *, thorough: bool) -> bool | None:
        """Tell whether f has none: cheaply, from this point, or thoroughly, whatever the cost; None if undecided."""


@final
@dataclass(frozen=True)
class Progress:
    """Where a minimisation stands after an iteration: the number of its stage, its iteration, and f there."""

    stage: int
    iteration: int
    value: float


Report = Callable[[Progress, FloatArray], None]


def minimise(
    problem: Problem,
    start: FloatArray,
    metric: Metric,
    *,
    reference: float,
    tol: float,
    max_iter: int,
    report: Report | None = None,
) -> Solution:
    """Minimise a smooth convex function.

    Parameters
    ----------
    problem : Problem
    start : array
        The first point, of any shape.
    metric : Metric
        At or near the start, to begin with.
    reference : float
        The value from which the decrease is counted.
    tol : float
        The gap to prove, relative to the decrease.
    max_iter : int
        The most iterations of L-BFGS, over all stages.
    report : callable or None, default=None
        Called with the progress and the point after each iteration.
    """
    return _Run(problem, reference, tol, max_iter, report).minimise(start, metric)


@final
class _Run:
    """One minimisation: where it stands, and what it has cost."""

    def __init__(
        self,
        problem: Problem,
        reference: float,
        tol: float,
        max_iter: int,
        report: Report | None,
    ) -> None:
        self.problem, self.reference, self.tol, self.max_iter, self.report = (
            problem,
            reference,
            tol,
            max_iter,
            report,
        )
        self.n_iterations = self.n_evaluations = self.n_refreshes = 0
        self.patience, self.distrust = _FIRST_PATIENCE, 1.0

    def evaluate(self, point: FloatArray) -> Iterate:
        self.n_evaluations += 1
        return Iterate(point, *self.problem.evaluate(point))

    @property
    def allowed(self) -> float:
        """The gap to prove."""
        return self.tol * max(self.reference - self.here.value, _RESOLUTION * (1.0 + abs(self.reference)))

    def minimise(self, start: FloatArray, metric: Metric) -> Solution:
        self.here = self.evaluate(start)
        if not (np.isfinite(self.here.value) and np.isfinite(self.here.gradient).all()):
            return self.solution(Status.NON_FINITE, np.inf, GapKind.ESTIMATE)
        memory = Memory()
        gap = np.inf
        while True:
            before, last_gap, was_fresh = self.here.value, gap, not memory
            moved = self.run_stage(metric, memory)
            if self.problem.has_hessian or not (moved and self.has_arrived(self.decrement(metric))):
                metric = self.problem.refresh(self.here.point)
                self.n_refreshes += 1
                memory.clear()
            gap, kind = self.prove(metric, last=self.n_iterations >= self.max_iter)
            descended = self.here.value < before - _RESOLUTION * (1.0 + abs(before)) or gap < last_gap / 2.0
            ending = self.n_iterations >= self.max_iter or (was_fresh and not (moved and descended))
            if kind is not GapKind.ESTIMATE and gap <= self.allowed:
                return self.solution(Status.CONVERGED, gap, kind)
            if kind is GapKind.ESTIMATE:
                thorough = ending or gap <= self.allowed or self.n_refreshes >= _SUSPICIOUS
                has_none = self.problem.has_no_minimiser(self.here.point, thorough=thorough)
                if has_none:
                    return self.solution(Status.SEPARATED, gap, kind)
                # An approximate metric proves nothing: its estimate has to do where there is no bound to be had.
                unbounded = ending or not np.isfinite(self.problem.bound(self.here.gradient))
                if not self.problem.has_hessian and unbounded and gap <= _DISTRUST * self.allowed:
                    return self.solution(Status.UNDECIDED if has_none is None else Status.CONVERGED, gap, kind)
            if ending:
                out_of_iterations = self.n_iterations >= self.max_iter
                return self.solution(Status.ITERATIONS if out_of_iterations else Status.PRECISION, gap, kind)

    def run_stage(self, metric: Metric, memory: Memory) -> bool:
        """Run L-BFGS until it has paid for a new metric, or seems to have arrived; tell whether it took a step."""
        first_iteration, first_evaluation = self.n_iterations, self.n_evaluations
        if not self.problem.has_hessian and self.n_refreshes:
            self.patience *= 2

        def stop(here: Iterate, decrement: float) -> bool:
            self.here = here
            self.n_iterations += 1
            if self.report is not None:
                self.report(Progress(self.n_refreshes, self.n_iterations, here.value), here.point)
            if self.problem.has_hessian:
                paid = (self.n_evaluations - first_evaluation) * self.problem.evaluation_cost
                due = paid >= self.problem.refresh_cost
            else:
                due = self.n_iterations - first_iteration >= self.patience
            return due or self.n_iterations >= self.max_iter or self.has_arrived(decrement)

        lbfgs.lbfgs(self.evaluate, self.here, metric, memory, stop)
        return self.n_iterations > first_iteration

    def has_arrived(self, decrement: float) -> bool:
        """Tell whether it is worth proving that the gap is small enough, given the length of the gradient."""
        if self.problem.has_hessian:
            return decrement**2 / 2 <= self.allowed
        bound = self.problem.bound(self.here.gradient)
        if np.isfinite(bound):
            return bound <= self.distrust * self.allowed
        return decrement**2 / 2 <= _DISTRUST * self.allowed

    def prove(self, metric: Metric, *, last: bool) -> tuple[float, GapKind]:
        """Bound the gap, after moving closer to the optimum where that is cheap; else estimate it."""
        decrement = self.decrement(metric)
        if self.problem.has_hessian:
            # The bound costs a part of a refresh: ask only where it can hold, or for the last time.
            if last or self.has_arrived(decrement) or decrement**2 * self.here.point.size < 1.0:
                gap = self.polish(metric)
                if np.isfinite(gap):
                    return gap, GapKind.SELF_CONCORDANCE
        elif last or self.has_arrived(decrement):
            settled = self.evaluate(self.problem.settle(self.here.point))
            gap = self.problem.bound(settled.gradient)
            if np.isfinite(gap):
                self.here = settled
                self.distrust /= 2.0
                return gap, GapKind.STRONG_CONVEXITY
        return self.decrement(metric) ** 2 / 2, GapKind.ESTIMATE

    def decrement(self, metric: Metric) -> float:
        return float(np.linalg.norm(metric.whiten(self.here.gradient)))

    def polish(self, metric: Metric) -> float:
        """Take Newton steps with an exact metric while they converge; return the bound on the gap."""
        gradient = metric.whiten(self.here.gradient)
        decrement = float(np.linalg.norm(gradient))
        travelled = np.zeros_like(gradient)
        gap = metric.gap(decrement, 0.0)
        for _ in range(_MAX_POLISH):
            if not _POLISH * self.allowed < gap < np.inf:
                break
            there = self.evaluate(self.here.point - metric.unwhiten(gradient))
            new_gradient = metric.whiten(there.gradient)
            new_decrement = float(np.linalg.norm(new_gradient))
            if not new_decrement < decrement:
                break
            travelled -= gradient
            self.here, gap = there, metric.gap(new_decrement, float(np.linalg.norm(travelled)))
            if new_decrement > _CONTRACTION * decrement:
                break
            gradient, decrement = new_gradient, new_decrement
        return gap

    def solution(self, status: Status, gap: float, kind: GapKind) -> Solution:
        return Solution(
            point=self.here.point,
            value=self.here.value,
            gradient=self.here.gradient,
            gap=gap,
            status=status,
            gap_kind=kind,
            n_iterations=self.n_iterations,
            n_evaluations=self.n_evaluations,
            n_refreshes=self.n_refreshes,
        )
