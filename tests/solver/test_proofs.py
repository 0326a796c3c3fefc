from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from softglm.solver import GapKind, Iterate
from softglm.solver.aims import Aims
from softglm.solver.method import Step
from softglm.solver.proofs import Measured, Proof, prove, share_left

# f has come down by 1, so that a gap of 1e-8 is to be proved.
AIMS = Aims(reference=1.0, tol=1e-8, precision=1e-8, max_iter=100)
HERE = Iterate(np.zeros(2), 0.0, np.array([1e-5, 0.0]))
ESTIMATE = 3e-9
# What an entry of a gradient may be off by, where it is asked for.
ROUNDING = 1e-12
STEP = Step(HERE, ESTIMATE)


@dataclass(frozen=True)
class Metric:
    """One in which gradients have the length they have; it bounds the gap as it is told."""

    bound: float = 1e-10
    proof_cost: float = 0.0

    def whiten(self, gradient):
        return gradient

    def unwhiten(self, vector):
        return vector

    def gap(self, decrement, distance, rounding):  # noqa: ARG002 - the protocol's signature
        return self.bound


def problem(here=np.inf, next_to_it=np.inf, partial_minimiser=None, gap_there=None, of_sample=np.inf):
    """What the gradient proves, here and at the partial minimiser next to it."""
    return SimpleNamespace(
        evaluation_cost=1.0,
        gap_by_gradient=lambda *_: here,
        gradient_rounding=lambda _, gradient, **__: np.full_like(gradient, ROUNDING),
        gap_at_partial_minimiser=lambda _: next_to_it,
        gap_by_partial_minimiser=lambda *_: next_to_it if gap_there is None else gap_there,
        partial_minimiser=lambda *_: partial_minimiser,
        gap_by_sample=lambda *_: of_sample,
        is_proved_by_sample=of_sample < np.inf,
    )


def never(point):
    raise AssertionError(f"evaluated at {point}")


def lower(point):
    return Iterate(point, -1e-9, np.zeros(2))


def attempt(problem, metric, *, distance=0.0, evaluate=never, step=STEP):
    return prove(problem, evaluate, AIMS, step, Measured.of(step.here.gradient, metric, distance))


def test_a_metric_made_near_by_proves_first_where_it_costs_little():
    found = attempt(problem(here=1e-9), Metric())
    assert found.proof == Proof(1e-10, GapKind.SELF_CONCORDANCE)


@pytest.mark.parametrize(
    ("metric", "distance"), [(Metric(proof_cost=1.0), 0.0), (Metric(), 0.1), (Metric(bound=1e-7), 0.0)]
)
def test_where_it_is_dear_or_far_or_too_weak_the_gradient_proves(metric, distance):
    found = attempt(problem(here=1e-9), metric, distance=distance)
    assert found.proof == Proof(1e-9, GapKind.STRONG_CONVEXITY)
    assert found.step is STEP


@pytest.mark.parametrize(("metric", "distance"), [(Metric(proof_cost=1.0), 0.0), (Metric(), 0.1)])
def test_where_the_gradient_proves_too_little_a_dear_or_far_metric_does(metric, distance):
    found = attempt(problem(here=1e-3), metric, distance=distance)
    assert found.proof == Proof(1e-10, GapKind.SELF_CONCORDANCE)


def test_where_the_metric_proves_too_little_what_is_held_does():
    found = attempt(problem(of_sample=2e-9), Metric(bound=1e-7))
    assert found.proof == Proof(2e-9, GapKind.SELF_CONCORDANCE)


def test_where_nothing_is_proved_there_is_the_estimate():
    assert attempt(problem(), Metric(bound=np.inf)).proof == Proof(ESTIMATE, GapKind.ESTIMATE)


def test_a_metric_in_which_the_gradient_is_long_is_not_asked():
    class Unasked(Metric):
        def gap(self, decrement, distance, rounding):  # noqa: ARG002 - the protocol's signature
            raise AssertionError((decrement, distance))

    far = Step(HERE._replace(gradient=np.array([1.0, 0.0])), 0.5)
    assert attempt(problem(), Unasked(), step=far).proof == Proof(0.5, GapKind.ESTIMATE)


def test_where_only_the_partial_minimiser_proves_enough_it_is_moved_there():
    there = np.ones(2)
    found = attempt(problem(1e-3, 2e-9, there), Metric(bound=np.inf), evaluate=lower)
    assert found.proof == Proof(2e-9, GapKind.STRONG_CONVEXITY)
    assert found.step.here.point is there
    assert found.step.here.value == lower(there).value
    assert found.step.estimate == ESTIMATE


@pytest.mark.parametrize(
    "known",
    [
        {"next_to_it": 1e-3, "partial_minimiser": np.ones(2)},  # the gradient says that it would not be enough
        {"next_to_it": 2e-9, "partial_minimiser": None},  # there is none to be found
        {"next_to_it": 2e-9, "partial_minimiser": np.ones(2), "gap_there": 1e-7},  # it was not enough
    ],
)
def test_elsewhere_it_stays(known):
    found = attempt(problem(1e-3, **known), Metric(bound=np.inf), evaluate=lower)
    assert found.step is STEP
    assert found.proof == Proof(ESTIMATE, GapKind.ESTIMATE)


def test_what_goes_in_is_not_modified():
    before = (HERE.point.copy(), HERE.gradient.copy())
    attempt(problem(1e-3, 2e-9, np.ones(2)), Metric(bound=np.inf), evaluate=lower)
    np.testing.assert_array_equal((HERE.point, HERE.gradient), before)


@pytest.mark.parametrize("kind", GapKind)
@pytest.mark.parametrize("gap", [0.5, 1.0, 1.5, np.inf, np.nan])
def test_only_a_proof_of_as_much_as_is_asked_for_suffices(kind, gap):
    assert Proof(gap, kind).suffices(1.0) == (kind is not GapKind.ESTIMATE and gap in {0.5, 1.0})


@pytest.mark.parametrize(
    ("bound", "share"), [(0.0, 0.5), (0.1, 0.5), (1.0, 0.5), (2.0, 0.25), (5.0, 0.1), (np.inf, 0.1)]
)
def test_before_the_next_attempt_between_half_and_a_tenth_of_the_gap_is_left(bound, share):
    np.testing.assert_allclose(share_left(1.0, bound), share)
