"""What proves how far f is from its minimum: a metric, or the gradient alone; else there is an estimate."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from softglm.arrays import FloatArray
from softglm.solver.aims import Aims
from softglm.solver.line_search import Iterate
from softglm.solver.method import Step
from softglm.solver.problem import Metric, Problem
from softglm.solver.solution import GapKind

# Where nothing is proved yet, the gap is brought down by so much before the next attempt, as far as a bound is missing.
_CLOSER, _NEARLY = 0.1, 0.5
# The gradient at hand may prove a gap for nothing; a metric proves one that is tighter by far, which may cost so many
# evaluations. Made as near as this, in its own norm, it does so more often than not.
_TIGHTER, _NEAR = 0.75, 0.03


class Proof(NamedTuple):
    """The gap f - f*, and what stands behind it."""

    gap: float
    kind: GapKind

    def suffices(self, allowed: float) -> bool:
        """Tell whether it is a proof of a gap as small as is asked for."""
        return self.kind is not GapKind.ESTIMATE and self.gap <= allowed


class Attempt(NamedTuple):
    """What came of an attempt at a proof.

    Attributes
    ----------
    step : Step
        Where the gap is proved: where it was asked for, or at the partial minimiser next to it.
    proof : Proof
    left : float
        The share of the gap that may be left before another attempt is worth it.
    is_at_rounding : bool, default=False
        Whether a smaller gradient proves no more, since it is what rounding may have done to it that is too large.
    """

    step: Step
    proof: Proof
    left: float
    is_at_rounding: bool = False


class Measured(NamedTuple):
    """A gradient, measured in a metric: its length there, and the distance from where the metric was made."""

    metric: Metric
    decrement: float
    distance: float

    @classmethod
    def of(cls, gradient: FloatArray, metric: Metric, distance: float) -> "Measured":
        whitened = metric.whiten(gradient)
        return cls(metric, math.sqrt(whitened @ whitened), distance)

    @property
    def estimate(self) -> float:
        """The gap, if f were the quadratic of the metric."""
        return self.decrement**2 / 2.0

    def proof(self, rounding: FloatArray) -> Proof:
        return Proof(self.metric.gap(self.decrement, self.distance, rounding), GapKind.SELF_CONCORDANCE)


Evaluate = Callable[[FloatArray], Iterate]


def prove(problem: Problem, evaluate: Evaluate, aims: Aims, step: Step, measured: Measured) -> Attempt:
    """Bound the gap by the metric if that is cheap, else by the gradient, else by the metric; or estimate it."""
    by_metric, proof = measured.estimate <= aims.allowed(step.here.value), None
    if by_metric and measured.distance <= _NEAR and measured.metric.proof_cost <= _TIGHTER * problem.evaluation_cost:
        proof = prove_by_metric(problem, aims, step, measured)
        if proof.suffices(aims.allowed(step.here.value)):
            return Attempt(step, proof, _CLOSER)
    attempt = prove_by_gradient(problem, evaluate, aims, step)
    if _suffices(attempt, aims):
        return attempt
    if by_metric and proof is None:
        proof = prove_by_metric(problem, aims, step, measured)
    if proof is None or not proof.gap < np.inf:
        proof = Proof(step.estimate, GapKind.ESTIMATE)
    return attempt._replace(proof=proof)


def prove_by_metric(problem: Problem, aims: Aims, step: Step, measured: Measured) -> Proof:
    """Bound the gap by the metric, with what rounding may have done to the gradient: sharply, where that decides."""
    (point, _, gradient), allowed = step.here, aims.allowed(step.here.value)
    proof = measured.proof(problem.gradient_rounding(point, gradient, is_sharp=False))
    if proof.gap <= allowed:
        return proof
    if problem.is_proved_by_sample:
        return min(proof, proof._replace(gap=problem.gap_by_sample(point, gradient, allowed)))
    if measured.proof(np.zeros_like(gradient)).gap <= allowed:
        return measured.proof(problem.gradient_rounding(point, gradient, is_sharp=True))
    return proof


def prove_by_gradient(problem: Problem, evaluate: Evaluate, aims: Aims, step: Step) -> Attempt:
    """Bound the gap by the gradient: here, or if only that is enough at the partial minimiser, and then move there."""
    allowed, bound = aims.allowed(step.here.value), problem.gap_by_gradient(*step.here)
    left, is_at_rounding = share_left(allowed, bound), False
    if not bound <= allowed and problem.gap_at_partial_minimiser(step.here.gradient) <= allowed:
        point = problem.partial_minimiser(step.here.point, allowed)
        if point is not None:
            there = evaluate(point)
            bound_there = problem.gap_by_partial_minimiser(*there, allowed)
            left = share_left(allowed, bound_there)
            if bound_there <= allowed:
                step, bound = step._replace(here=there), bound_there
            else:
                is_at_rounding = problem.gap_at_partial_minimiser(there.gradient) <= allowed
    return Attempt(step, Proof(bound, GapKind.STRONG_CONVEXITY), left, is_at_rounding)


def share_left(allowed: float, bound: float) -> float:
    """Return the share of the gap that may be left if so much less is to be proved than this bound."""
    return min(max(_NEARLY * allowed / bound, _CLOSER), _NEARLY) if bound > 0.0 else _NEARLY


def _suffices(attempt: Attempt, aims: Aims) -> bool:
    return attempt.proof.suffices(aims.allowed(attempt.step.here.value))
