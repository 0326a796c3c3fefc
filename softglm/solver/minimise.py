r"""Preconditioned L-BFGS: stages of L-BFGS, each in the coordinates of a better metric than the last.

Where a Hessian at every step is worth its price, the stages are Newton's.

*Which metric*. A problem offers an approximation of its Hessian at the current point, for less than the Hessian; and
Hessians, the first of a part of the rows, each next one of more, the last exact. When to buy one: see `schedule`.

*When to stop*. Once the distance to the optimum is estimated to be `precision` of what it was at the reference (the gap
f - f* is quadratic in it), and the gap is proved to be at most `tol` of the decrease: by the metric at hand, if it was
made near by, by a bound that asks only for f and its gradient, where there is one, or by a Hessian made for that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import NamedTuple, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.solver.lbfgs import lbfgs
from softglm.solver.line_search import Iterate
from softglm.solver.memory import Memory
from softglm.solver.newton import newton
from softglm.solver.problem import Metric, Problem
from softglm.solver.schedule import Schedule
from softglm.solver.solution import GapKind, Solution, Status

# From these metrics on, a problem without a proved minimiser is asked whether it has one: cheaply, and thoroughly. The
# latter also where nothing is proved at this distance to the optimum, an estimate, relative to that of the reference.
_DOUBTFUL, _SUSPICIOUS = 6, 24
_CLOSE = 1e-6
# The decrease from the reference is taken to be at least this, relative to |f| + 1: f resolves no less.
_RESOLUTION = 4 * np.finfo(np.float64).eps
# Without a bound, an estimate of the gap has to be this much smaller than the tolerance.
DISTRUST = 1e-2
# Where nothing is proved yet, the gap is brought down by so much before the next attempt, as far as a bound is missing.
_CLOSER, _NEARLY = 0.1, 0.5
# So many iterations in a row that lower neither f nor the estimate of the gap are at the precision of the arithmetic:
# fewer of Newton's, which halve the digits that are missing, and fewer where finer evaluations can be had.
_PATIENCE, _NEWTON_PATIENCE, _COARSE_PATIENCE = 30, 5, 8
# The gradient at hand may prove a gap for nothing; a metric proves one that is tighter by far, which may cost so many
# evaluations. Made as near as this, in its own norm, it does so more often than not.
_TIGHTER, _NEAR = 0.75, 0.03
# Newton steps from a Hessian made for a proof, and how much f may seem to rise where it is flat, relative to |f| + 1.
_MAX_POLISH, _FLAT = 10, 1e-9


@final
@dataclass(frozen=True)
class Progress:
    """Where a minimisation stands after an iteration: the number of its stage, its iteration, and f there."""

    stage: int
    iteration: int
    value: float


Report = Callable[[Progress, FloatArray], None]


class _Aims(NamedTuple):
    """What is to be reached, see `minimise`."""

    reference: float
    tol: float
    precision: float
    max_iter: int


@final
class _End(Enum):
    """Why a stage ended."""

    ARRIVED = auto()
    PAID = auto()  # for the next metric
    STUCK = auto()
    OUT_OF_ITERATIONS = auto()


def minimise(
    problem: Problem,
    start: Iterate,
    metric: Metric,
    *,
    reference: float,
    tol: float,
    precision: float,
    max_iter: int,
    report: Report | None = None,
) -> Solution:
    """Minimise a smooth convex function.

    Parameters
    ----------
    problem : Problem
    start : Iterate
        The first point, of any shape, with f and its gradient there.
    metric : Metric
        At or near the start, to begin with.
    reference : float
        The value from which the decrease is counted.
    tol : float
        The gap to prove, relative to the decrease.
    precision : float
        The distance to the optimum to reach, by an estimate, relative to that from where f is `reference`.
    max_iter : int
        The most iterations, over all stages.
    report : callable or None, default=None
        Called with the progress and the point after each iteration.
    """
    aims = _Aims(reference, tol, precision, max_iter)
    return _Run(problem, start, aims, report).minimise(metric)


class _Proof(NamedTuple):
    """The gap f - f*, and what stands behind it."""

    gap: float
    kind: GapKind


@final
class _Run:
    """One minimisation: where it stands, and what it has cost."""

    def __init__(self, problem: Problem, start: Iterate, aims: _Aims, report: Report | None) -> None:
        self.problem, self.here, self.aims, self.report = problem, start, aims, report
        self.memory, self.schedule = Memory(), Schedule(problem)
        self.least_decrease = _RESOLUTION * (1.0 + abs(aims.reference))
        self.n_iterations = self.n_evaluations = 0
        # An estimate of the gap here, one that it has to reach before the next attempt at a proof, and their ratio.
        self.estimate = self.wanted = np.inf
        self.closer = _CLOSER
        # The lowest f and estimate, the iterations that lowered neither, and both where a stage got stuck.
        self.lowest, self.lowest_estimate, self.n_idle = start.value, np.inf, 0
        self.stuck_at = np.inf, np.inf

    def minimise(self, metric: Metric) -> Solution:
        if not (np.isfinite(self.here.value) and np.isfinite(self.here.gradient).all()):
            return self.solution(Status.NON_FINITE, _Proof(np.inf, GapKind.ESTIMATE))
        while True:
            end, metric = self.run_stage(metric)
            if end is not _End.PAID and self.goes_on(end, metric):
                continue
            if end is _End.PAID:
                metric = self.refreshed(self.next_hessian if self.problem.takes_newton_steps else self.schedule.buy)
                proof = _Proof(self.estimate, GapKind.ESTIMATE)
            else:
                proof = self.prove(metric)
                if not self.suffices(proof) or end is _End.OUT_OF_ITERATIONS:
                    self.wanted = self.closer * self.estimate
                    if end is _End.ARRIVED and self.problem.bound_settled(self.here.gradient) < np.inf:
                        continue  # to go on costs less than a Hessian
                    metric, proof = self.with_better_metric(end, metric, proof)
            status = self.verdict(end, proof)
            if status is not None:
                self.refine()  # a value to be reported is exact
                return self.solution(status, proof)
            if end is _End.STUCK:
                self.stuck_at = self.here.value, self.estimate

    def refine(self) -> bool:
        """Evaluate more precisely from now on, beginning here, if that is possible; tell whether it is."""
        if self.problem.finer is None:
            return False
        self.problem = self.problem.finer
        self.schedule.problem = self.problem
        self.here = self.evaluate(self.here.point)
        self.lowest, self.lowest_estimate, self.n_idle = self.here.value, np.inf, 0
        if self.problem.hessians:
            self.memory.clear()  # what was learned from rounded gradients may be wrong where metrics are good
        return True

    def goes_on(self, end: _End, metric: Metric) -> bool:
        """Tell whether there is more to do before a proof, as finer evaluations have it."""
        if end is _End.ARRIVED and self.comes_closer_unrefined():
            return True
        if not self.refine():
            return False
        whitened = metric.whiten(self.here.gradient)
        self.estimate = float(whitened @ self.memory.times(whitened)) / 2.0
        return self.estimate > self.goal

    def next_hessian(self, point: FloatArray) -> Metric:
        """Return the exact Hessian."""
        return self.schedule.buy_hessian(point, exact=True)

    def comes_closer_unrefined(self) -> bool:
        """Go on, where it is too early for finer evaluations: nothing would be proved yet, and these tell more."""
        bound = self.problem.bound_settled(self.here.gradient)
        wanted = self.share_of(bound) * self.estimate
        if not (self.allowed < bound < np.inf and wanted > self.problem.resolution**2 * self.decrease > 0.0):
            return False
        self.wanted = wanted
        return True

    def share_of(self, bound: float) -> float:
        """Return the share of the gap that may be left if so much less is to be proved than this bound."""
        return min(max(_NEARLY * self.allowed / bound, _CLOSER), _NEARLY) if bound > 0.0 else _NEARLY

    def with_better_metric(self, end: _End, metric: Metric, proof: _Proof) -> tuple[Metric, _Proof]:
        """Return a Hessian made here, where that may help, and what it proves; or the best approximation."""
        if self.problem.hessians and (end is not _End.OUT_OF_ITERATIONS or self.estimate <= self.allowed):
            metric = self.refreshed(partial(self.schedule.buy_hessian, exact=end is not _End.ARRIVED))
            self.polish(metric)
            return metric, self.prove(metric)
        if end is _End.STUCK:
            metric = self.refreshed(partial(self.schedule.buy_approximation, best=True))
        return metric, proof

    def run_stage(self, metric: Metric) -> tuple[_End, Metric]:
        """Iterate until the next metric is paid for, or the optimum seems reached; return that, and the metric."""
        end, estimates, first = None, [], metric

        def stop(here: Iterate, estimate: float) -> bool:
            nonlocal end
            self.move(here, estimate)
            estimates.append(estimate)
            end = self.end_of_stage(estimates)
            return end is not None

        if self.n_iterations >= self.aims.max_iter:
            end = _End.OUT_OF_ITERATIONS
        elif self.problem.takes_newton_steps:
            already, rounding = self.memory.travelled, self.problem.rounding
            metric, step = newton(self.evaluate, self.here, metric, self.next_hessian, stop, rounding=rounding)
            self.memory.clear()
            self.memory.travelled = step + (already if metric is first else 0.0)
        else:
            lbfgs(self.evaluate, self.here, metric, self.memory, stop, rounding=self.problem.rounding)
        return end or _End.STUCK, metric

    def move(self, here: Iterate, estimate: float) -> None:
        """Go there, after an iteration."""
        noise = self.problem.rounding * (1.0 + abs(here.value)) if self.problem.resolution else self.least_decrease
        is_lower = self.lowest - here.value > noise or estimate < self.lowest_estimate / 2.0
        self.n_idle = 0 if is_lower else self.n_idle + 1
        self.lowest, self.lowest_estimate = min(here.value, self.lowest), min(estimate, self.lowest_estimate)
        self.here, self.estimate = here, estimate
        self.n_iterations += 1
        if self.report is not None:
            self.report(Progress(self.n_metrics, self.n_iterations, here.value), here.point)

    def end_of_stage(self, estimates: list[float]) -> _End | None:
        """Tell whether the stage ends here, and why, given the estimates of the gap after each of its iterations."""
        goal, is_newton = self.goal, self.problem.takes_newton_steps
        if self.estimate <= goal:
            return _End.ARRIVED
        if self.n_iterations >= self.aims.max_iter:
            return _End.OUT_OF_ITERATIONS
        patience = _NEWTON_PATIENCE if is_newton else _COARSE_PATIENCE if self.problem.resolution else _PATIENCE
        if self.n_idle >= patience:
            return _End.STUCK
        # Newton's steps are paid as they come, until it has to be asked whether there is a minimum at all.
        is_paid = self.n_metrics >= _DOUBTFUL if is_newton else self.schedule.is_due(estimates, goal)
        return _End.PAID if is_paid else None

    def evaluate(self, point: FloatArray) -> Iterate:
        self.n_evaluations += 1
        self.schedule.pay(self.problem.evaluation_cost)
        return Iterate(point, *self.problem.evaluate(point))

    def refreshed(self, buy: Callable[[FloatArray], Metric]) -> Metric:
        """Return a new metric, made here, after what was learned in another is forgotten."""
        self.memory.clear()
        return buy(self.here.point)

    def prove(self, metric: Metric) -> _Proof:
        """Bound the gap by the metric if that is cheap, else by the gradient, else by the metric; or estimate it."""
        decrement = float(np.linalg.norm(metric.whiten(self.here.gradient)))
        distance = float(np.linalg.norm(self.memory.travelled))
        if not self.memory:
            self.estimate = decrement**2 / 2.0
        by_metric = decrement**2 / 2.0 <= self.allowed
        if by_metric and distance <= _NEAR and metric.proof_cost <= _TIGHTER * self.problem.evaluation_cost:
            proof = _Proof(metric.gap(decrement, distance), GapKind.SELF_CONCORDANCE)
            if self.suffices(proof):
                return proof
        proof = self.proof_by_gradient()
        if self.suffices(proof):
            return proof
        gap = metric.gap(decrement, distance) if by_metric else np.inf
        return _Proof(gap, GapKind.SELF_CONCORDANCE) if gap < np.inf else _Proof(self.estimate, GapKind.ESTIMATE)

    def proof_by_gradient(self) -> _Proof:
        """Bound the gap by the gradient: here, or if only that is enough at the settled point, and then move there."""
        bound = self.problem.bound(*self.here)
        self.closer = self.share_of(bound)
        if not bound <= self.allowed and self.problem.bound_settled(self.here.gradient) <= self.allowed:
            point = self.problem.settle(self.here.point)
            if point is not None:
                settled = self.evaluate(point)
                at_settled = self.problem.bound_settled(settled.gradient)
                self.closer = self.share_of(at_settled)
                if at_settled <= self.allowed:
                    self.here, bound = settled, at_settled
        return _Proof(bound, GapKind.STRONG_CONVEXITY)

    def polish(self, metric: Metric) -> None:
        """Near the optimum, take Newton steps while they at least halve the gradient: f may be flat to rounding."""
        whitened = metric.whiten(self.here.gradient)
        for _ in range(_MAX_POLISH):
            if not self.precise < whitened @ whitened / 2.0 <= self.allowed:
                break
            there = self.evaluate(self.here.point - metric.unwhiten(whitened))
            remaining = metric.whiten(there.gradient)
            is_nearer = np.linalg.norm(remaining) < np.linalg.norm(whitened) / 2.0
            if not (is_nearer and there.value - self.here.value <= _FLAT * (1.0 + abs(self.here.value))):
                break
            self.memory.travelled = self.memory.travelled - whitened
            self.here, whitened = there, remaining

    def suffices(self, proof: _Proof) -> bool:
        return proof.kind is not GapKind.ESTIMATE and proof.gap <= self.allowed

    def verdict(self, end: _End, proof: _Proof) -> Status | None:
        """Return how it ended, or None if it goes on."""
        if self.suffices(proof):
            return Status.CONVERGED
        is_over = self.is_over(end)
        is_close = self.estimate <= min(self.precise, _CLOSE**2 * self.decrease)
        thorough = is_over or is_close or self.n_metrics >= _SUSPICIOUS
        if proof.kind is GapKind.ESTIMATE and (thorough or self.n_metrics >= _DOUBTFUL):
            has_none = self.problem.has_no_minimiser(self.here.point, thorough=thorough)
            if has_none:
                return Status.SEPARATED
            if is_over and not self.problem.hessians and proof.gap <= DISTRUST * self.allowed:
                # There is nothing that could prove it: the estimate has to do.
                return Status.UNDECIDED if has_none is None else Status.CONVERGED
        if is_over:
            return Status.ITERATIONS if end is _End.OUT_OF_ITERATIONS else Status.PRECISION
        return None

    def is_over(self, end: _End) -> bool:
        """Tell whether no iteration is left, or none has changed anything since the last stage that got stuck."""
        if end is _End.STUCK:
            value, estimate = self.stuck_at
            return not (value - self.here.value > self.least_decrease or self.estimate < estimate / 2.0)
        return end is _End.OUT_OF_ITERATIONS or (end is _End.ARRIVED and not self.problem.hessians)

    @property
    def decrease(self) -> float:
        return max(self.aims.reference - self.here.value, self.least_decrease)

    @property
    def allowed(self) -> float:
        """The gap to prove."""
        return self.aims.tol * self.decrease

    @property
    def precise(self) -> float:
        """The gap to reach, by an estimate."""
        return self.aims.precision**2 * self.decrease

    @property
    def goal(self) -> float:
        """The gap at which a stage has arrived."""
        return min(max(self.aims.precision, self.problem.resolution) ** 2 * self.decrease, self.wanted)

    @property
    def n_metrics(self) -> int:
        return self.schedule.n_approximations + self.schedule.n_hessians

    def solution(self, status: Status, proof: _Proof) -> Solution:
        return Solution(
            point=self.here.point,
            value=self.here.value,
            gradient=self.here.gradient,
            gap=proof.gap,
            status=status,
            gap_kind=proof.kind,
            n_iterations=self.n_iterations,
            n_evaluations=self.n_evaluations,
            n_refreshes=self.n_metrics,
        )
