r"""Preconditioned L-BFGS: stages of L-BFGS, each in the coordinates of a better metric than the last.

Where a Hessian at every step is worth its price, the stages are Newton's.

*Which metric*. A problem offers an approximation of its Hessian at the current point, for less than the Hessian; and
Hessians, the first of a part of the rows, each next one of more, the last exact. When to buy one: see `schedule`.

*When to stop*. Once the distance to the optimum is estimated to be `precision` of what it was at the reference (the gap
f - f* is quadratic in it), and the gap is proved to be at most `tol` of the decrease: by the metric at hand, if it was
made near by, by a bound that asks only for f and its gradient, where there is one, or by a Hessian made for that.
"""

from collections.abc import Iterator
from typing import final

import numpy as np

from softglm.solver.aims import Aims
from softglm.solver.curvature import Curvature
from softglm.solver.lbfgs import lbfgs
from softglm.solver.line_search import Iterate
from softglm.solver.method import Method, Step
from softglm.solver.newton import newton
from softglm.solver.polish import polished
from softglm.solver.problem import Metric, Problem
from softglm.solver.proofs import Attempt, Measured, Proof, prove, share_left
from softglm.solver.schedule import Schedule
from softglm.solver.solution import GapKind, Outcome, Progress, Report, Solution
from softglm.solver.stage import Descent, End, Level
from softglm.solver.work import Work

# From these metrics on, a problem without a proved minimiser is asked whether it has one: cheaply, and thoroughly. The
# latter also where nothing is proved at this distance to the optimum, an estimate, relative to that of the reference.
_DOUBTFUL, _SUSPICIOUS = 6, 24
_CLOSE = 1e-6
# Where classes are separated f falls by no more than a factor of e at each step, and its gradient with it.
_FAST = 0.02
# What is held of f proves the optimum after so many attempts, if at all: then it is rounding that is in the way.
_ATTEMPTS = 3
# Without a bound, an estimate of the gap has to be this much smaller than the tolerance.
DISTRUST = 1e-2


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
    method: Method | None = None,
    schedule: Schedule | None = None,
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
    method : Method or None, default=None
        None for Newton's where every step is worth a Hessian, else L-BFGS.
    schedule : Schedule or None, default=None
        When to buy metrics; None for one that begins with nothing.
    """
    # The reference itself is a relative gap, and a distance, of 1: whoever allows more gets no other point for it.
    aims = Aims(reference, min(tol, 1.0), min(precision, 1.0), max_iter)
    return _Run(Work(problem, schedule or Schedule()), start, metric, aims, report, method).minimise()


@final
class _Run:
    """One minimisation: where it stands, what is known there, and what it has cost."""

    def __init__(  # noqa: PLR0917 - the arguments of `minimise`
        self,
        work: Work,
        start: Iterate,
        metric: Metric,
        aims: Aims,
        report: Report | None = None,
        method: Method | None = None,
    ) -> None:
        self.aims, self.report, self.method = aims, report, method
        self.work, self.known = work, Curvature(metric)
        self.last, self.descent = Step(start, np.inf), Descent(Level(start.value, np.inf))
        self.wanted = np.inf  # an estimate of the gap to reach before the next attempt at a proof
        self.is_fast, self.n_attempts = False, 0

    def minimise(self) -> Solution:
        if not (np.isfinite(self.here.value) and np.isfinite(self.here.gradient).all()):
            return self.solution(Outcome.NON_FINITE, Proof(np.inf, GapKind.ESTIMATE))
        while True:
            end = self.run_stage()
            proof = self.proof_after(end)
            if proof is None:
                continue
            outcome = self.outcome(end, proof)
            if outcome is not None:
                self.refine()  # a value to be reported is exact
                return self.solution(outcome, proof)
            if end is End.STUCK:
                self.descent = self.descent._replace(stuck_at=self.level)

    def run_stage(self) -> End:
        """Iterate until the next metric is paid for, or the optimum seems reached, or no step is acceptable."""
        if self.descent.n_iterations >= self.aims.max_iter:
            return End.OUT_OF_ITERATIONS
        estimates: list[float] = []
        for step in self.steps():
            self.move(step)
            estimates.append(step.estimate)
            end = self.end_of_stage(estimates)
            if end is not None:
                return end
        return End.STUCK

    def steps(self) -> Iterator[Step]:
        """Return the steps from here on, by the method for the problem at hand."""
        method = self.method or (newton if self.problem.takes_newton_steps else lbfgs)
        return method(self.work, self.here, self.known, rounding=self.problem.rounding)

    def move(self, step: Step) -> None:
        """Go where a step leads."""
        problem, value = self.work.problem, step.here.value
        noise = problem.rounding * (1.0 + abs(value)) if problem.resolution else self.aims.least_decrease
        # As only near a minimiser, and in a metric that is made anew at each point.
        self.is_fast = self.known.distance == 0.0 and step.estimate < _FAST * self.last.estimate < np.inf
        self.last = step
        self.descent = self.descent.after(value, step.estimate, noise)
        if self.report is not None:
            self.report(Progress(self.n_metrics, self.descent.n_iterations, value, step.estimate), step.here.point)

    def end_of_stage(self, estimates: list[float]) -> End | None:
        """Tell whether the stage ends here, and why, given the estimates of the gap after each of its iterations."""
        problem, goal = self.work.problem, self.goal
        if self.last.estimate <= goal:
            return End.ARRIVED
        if self.descent.n_iterations >= self.aims.max_iter:
            return End.OUT_OF_ITERATIONS
        if self.descent.is_stuck(problem):
            return End.STUCK
        if problem.takes_newton_steps:
            # Newton's steps are paid as they come, until it has to be asked whether there is a minimum at all.
            return End.PAID if self.n_metrics >= _DOUBTFUL else None
        return End.PAID if self.work.schedule.is_due(problem, estimates, goal) else None

    def proof_after(self, end: End) -> Proof | None:
        """Return what is proved after a stage, and make a better metric if that is due; None if it is too early."""
        if end is End.PAID:
            self.known.replace(self.next_metric())
            return Proof(self.last.estimate, GapKind.ESTIMATE)
        if self.comes_closer(end) or self.goes_on_refined():
            return None
        attempt = self.prove()
        if attempt.proof.suffices(self.allowed) and end is not End.OUT_OF_ITERATIONS:
            return attempt.proof
        self.wanted, self.n_attempts = attempt.left * self.last.estimate, self.n_attempts + 1
        may_go_on = end is End.ARRIVED and not attempt.is_at_rounding
        if may_go_on and (self.is_fast or self.problem.gap_at_partial_minimiser(self.here.gradient) < np.inf):
            return None  # to go on costs less than a Hessian
        if end is End.ARRIVED and not self.problem.hessians and self.last.estimate > DISTRUST * self.allowed:
            self.wanted = DISTRUST * self.allowed
            return None  # what rounding keeps from a proof can still be estimated
        return self.with_better_metric(end, attempt.proof)

    def next_metric(self) -> Metric:
        """Return the metric that is paid for, made here."""
        if self.problem.takes_newton_steps:
            return self.work.schedule.buy_hessian(self.problem, self.here.point, exact=True)
        return self.work.schedule.buy(self.problem, self.here.point)

    def comes_closer(self, end: End) -> bool:
        """Go on, where it is too early for finer evaluations: nothing would be proved yet, and these tell more."""
        if end is not End.ARRIVED:
            return False
        bound = self.problem.gap_at_partial_minimiser(self.here.gradient)
        wanted = share_left(self.allowed, bound) * self.last.estimate
        resolved = self.problem.resolution**2 * self.aims.decrease(self.here.value)
        if not (self.allowed < bound < np.inf and wanted > resolved > 0.0):
            return False
        self.wanted = wanted
        return True

    def goes_on_refined(self) -> bool:
        """Tell whether there is more to do before a proof, as finer evaluations have it."""
        if not self.refine():
            return False
        self.last = self.last._replace(estimate=self.known.estimate(self.here.gradient))
        return self.last.estimate > self.goal

    def refine(self) -> bool:
        """Evaluate more precisely from now on, beginning here, if that is possible; tell whether it is."""
        if not self.work.refine():
            return False
        self.last = self.last._replace(here=self.work.evaluate(self.here.point))
        self.descent = self.descent.afresh(self.here.value)
        if self.problem.hessians:
            self.known.forget()  # what was learned from rounded gradients may be wrong where metrics are good
        return True

    def prove(self) -> Attempt:
        """Return what is proved, here or after a move nearby, and go there."""
        measured = Measured.of(self.here.gradient, self.known.metric, self.known.distance)
        if not self.known.memory:
            self.last = self.last._replace(estimate=measured.estimate)
        attempt = prove(self.problem, self.work.evaluate, self.aims, self.last, measured)
        self.last = attempt.step
        return attempt

    def with_better_metric(self, end: End, proof: Proof) -> Proof:
        """Make a Hessian here, where that may help, and return what it proves; or make the best approximation."""
        schedule, point = self.work.schedule, self.here.point
        if end is End.ARRIVED and self.problem.is_proved_by_sample:
            return proof  # which no metric makes any better
        if self.problem.hessians and (end is not End.OUT_OF_ITERATIONS or self.last.estimate <= self.allowed):
            self.known.replace(schedule.buy_hessian(self.problem, point, exact=end is not End.ARRIVED))
            here = polished(self.work.evaluate, self.here, self.known, self.aims)
            self.last = self.last._replace(here=here)
            return self.prove().proof
        if end is End.STUCK:
            self.known.replace(schedule.buy_approximation(self.problem, point, best=True))
        return proof

    def outcome(self, end: End, proof: Proof) -> Outcome | None:
        """Return how it ended, or None if it goes on."""
        if proof.suffices(self.allowed):
            return Outcome.CONVERGED
        is_over = self.is_over(end)
        if proof.kind is GapKind.ESTIMATE:
            found = self.outcome_unproved(proof, is_over=is_over)
            if found is not None:
                return found
        if is_over:
            return Outcome.ITERATIONS if end is End.OUT_OF_ITERATIONS else Outcome.PRECISION
        return None

    def outcome_unproved(self, proof: Proof, *, is_over: bool) -> Outcome | None:
        """Ask whether there is a minimiser, where that is doubtful; return what follows, or None if nothing does."""
        value = self.here.value
        is_close = self.last.estimate <= min(self.aims.precise(value), _CLOSE**2 * self.aims.decrease(value))
        thorough = is_over or is_close or self.n_metrics >= _SUSPICIOUS
        if not (thorough or self.n_metrics >= _DOUBTFUL):
            return None
        has_none = self.problem.has_no_minimiser(self.here.point, thorough=thorough)
        if has_none:
            return Outcome.NO_MINIMISER
        if is_over and not self.problem.hessians and proof.gap <= DISTRUST * self.allowed:
            # There is nothing that could prove it: the estimate has to do.
            return Outcome.UNDECIDED if has_none is None else Outcome.CONVERGED
        return None

    def is_over(self, end: End) -> bool:
        """Tell whether no iteration is left, or none has changed anything since the last stage that got stuck."""
        if end is End.STUCK:
            return not self.level.is_below(self.descent.stuck_at, self.aims.least_decrease)
        is_in_vain = not self.problem.hessians or (self.problem.is_proved_by_sample and self.n_attempts >= _ATTEMPTS)
        return end is End.OUT_OF_ITERATIONS or (end is End.ARRIVED and is_in_vain)

    @property
    def problem(self) -> Problem:
        return self.work.problem

    @property
    def n_metrics(self) -> int:
        return self.work.schedule.n_metrics

    @property
    def here(self) -> Iterate:
        return self.last.here

    @property
    def level(self) -> Level:
        return Level(self.here.value, self.last.estimate)

    @property
    def allowed(self) -> float:
        """The gap to prove."""
        return self.aims.allowed(self.here.value)

    @property
    def goal(self) -> float:
        """The gap at which a stage has arrived."""
        distance = max(self.aims.precision, self.work.problem.resolution)
        return min(distance**2 * self.aims.decrease(self.last.here.value), self.wanted)

    def solution(self, outcome: Outcome, proof: Proof) -> Solution:
        return Solution(
            point=self.here.point,
            value=self.here.value,
            gradient=self.here.gradient,
            gap=proof.gap,
            outcome=outcome,
            gap_kind=proof.kind,
            n_iterations=self.descent.n_iterations,
            n_evaluations=self.work.n_evaluations,
            n_refreshes=self.n_metrics + self.work.n_renewed,
            metric=self.known.metric,
        )
