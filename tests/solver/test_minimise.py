from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from scipy.special import expit

from softglm.arrays import FloatArray
from softglm.solver import GapKind, Iterate, Outcome, Schedule, minimise
from softglm.solver.aims import Aims
from softglm.solver.line_search import line_search
from softglm.solver.method import Step
from softglm.solver.minimise import _Run
from softglm.solver.work import Work

TOL = 1e-8


@dataclass(frozen=True)
class Cholesky:
    """The Hessian at a point, which bounds the gap of a self-concordant function, if `proves`."""

    matrix: FloatArray
    proves: bool = True
    proof_cost: float = 0.0

    def whiten(self, gradient):
        return np.linalg.solve(np.linalg.cholesky(self.matrix), gradient.ravel())

    def unwhiten(self, vector):
        return np.linalg.solve(np.linalg.cholesky(self.matrix).T, vector)

    def gap(self, decrement, distance, rounding):  # noqa: ARG002 - the protocol's signature
        return decrement**2 if self.proves and decrement + distance < 0.5 else np.inf


@dataclass(frozen=True)
class Offer:
    """A metric that could be had, at a price."""

    price: float
    make: Callable


@dataclass
class Convex:
    """A function of a few variables, and what the solver may ask about it."""

    value: Callable
    gradient: Callable
    curvature: Callable  # the diagonal of the Hessian
    has_hessian: bool = True
    proves: bool = True
    proof_cost: float = 0.0
    evaluation_cost: float = 1.0
    refresh_cost: float = 5.0
    crude: tuple = ()  # by how much Hessians fall short of the exact one, which is offered after them
    strength: float = 0.0  # of strong convexity
    takes_newton_steps: bool = False
    minimum_exists: bool = True
    resolution: float = 0.0
    rounding: float = 1e-13
    finer: "Convex | None" = None
    asked: list = field(default_factory=list)
    bought: list = field(default_factory=list)

    def evaluate(self, point):
        return float(self.value(point)), self.gradient(point)

    @property
    def approximations(self):
        return [Offer(self.refresh_cost / 4.0, lambda point: Cholesky(np.diag(self.curvature(point)), proves=False))]

    @property
    def hessians(self):
        shares = (*self.crude, 1.0) if self.has_hessian else ()
        return [
            Offer(
                share * self.refresh_cost,
                lambda point, share=share: self.part_of_the_hessian(point, share),
            )
            for share in shares
        ]

    def evaluate_with_hessian(self, point):
        return *self.evaluate(point), lambda: self.hessians[-1].make(point)

    def part_of_the_hessian(self, point, share):
        self.bought.append(share)
        return Cholesky(share * np.diag(self.curvature(point)), self.proves, self.proof_cost)

    def gap_by_gradient(self, point, value, gradient):  # noqa: ARG002 - the protocol's signature
        return float(gradient @ gradient / (2 * self.strength)) if self.strength else np.inf

    def gradient_rounding(self, point, gradient, *, is_sharp):  # noqa: ARG002 - the protocol's signature
        return np.zeros_like(gradient)

    def gap_at_partial_minimiser(self, gradient):
        return self.gap_by_gradient(None, None, gradient)

    def gap_by_partial_minimiser(self, point, value, gradient, allowed):  # noqa: ARG002 - the protocol's signature
        return self.gap_by_gradient(point, value, gradient)

    def partial_minimiser(self, point, allowed):  # noqa: ARG002 - the protocol's signature
        return point

    is_proved_by_sample = False

    def gap_by_sample(self, point, gradient, allowed):  # noqa: ARG002 - the protocol's signature
        return np.inf

    def has_no_minimiser(self, point, *, thorough):
        self.asked.append((point, thorough))
        return not self.minimum_exists


SCALES = np.array([1.0, 10.0, 100.0, 1000.0])


def quadratic(**options):
    return Convex(
        lambda x: 0.5 * SCALES @ (x - 1.0) ** 2,
        lambda x: SCALES * (x - 1.0),
        lambda _: SCALES,
        **options,
    )


def log_cosh(**options):
    return Convex(
        lambda x: SCALES @ np.logaddexp(x - 1.0, 1.0 - x),
        lambda x: SCALES * np.tanh(x - 1.0),
        lambda x: SCALES / np.cosh(x - 1.0) ** 2,
        **options,
    )


def regularised_logistic(**options):
    return Convex(
        lambda x: SCALES @ (np.logaddexp(0.0, x) - 0.7 * x) + 0.5 * x @ x,
        lambda x: SCALES * (expit(x) - 0.7) + x,
        lambda x: SCALES * expit(x) * expit(-x) + 1.0,
        **options,
    )


def descending_for_ever(**options):
    return Convex(lambda x: np.sum(np.exp(-x)), lambda x: -np.exp(-x), lambda x: np.exp(-x), **options)


PROBLEMS = {make.__name__: make for make in (quadratic, log_cosh, regularised_logistic)}
# How a problem may be known: everything, a bound by strong convexity, a Hessian that proves nothing, nothing.
KNOWLEDGE = {
    "the Hessian": {},
    "a Hessian that is free": {"refresh_cost": 0.0},
    "Newton's steps": {"takes_newton_steps": True},
    "a Hessian that is dear": {"refresh_cost": 1e3},
    "Hessians of parts": {"crude": (0.25, 0.5)},
    "strong convexity": {"has_hessian": False, "strength": 0.5},
    "strong convexity and a Hessian": {"strength": 0.5},
    "a metric": {"has_hessian": False},
}


def solve(problem, start=None, *, tol=TOL, precision=None, max_iter=1000, report=None, method=None):
    start = np.zeros(4) if start is None else start
    first = Iterate(start, *problem.evaluate(start))
    return minimise(
        problem,
        first,
        Cholesky(np.identity(4), proves=False),
        reference=first.value,
        tol=tol,
        precision=tol if precision is None else precision,
        max_iter=max_iter,
        report=report,
        method=method,
    )


@pytest.fixture(params=PROBLEMS.values(), ids=PROBLEMS)
def make(request):
    return request.param


@pytest.fixture(params=KNOWLEDGE.values(), ids=KNOWLEDGE)
def knowledge(request):
    return request.param


def minimum_of(make):
    best = solve(make(), tol=1e-15)
    return best.value


def test_it_converges(make, knowledge):
    problem = make(**knowledge)
    if make is log_cosh and "strength" in knowledge:
        pytest.skip("log cosh is not strongly convex")
    solution = solve(problem)
    assert solution.outcome is Outcome.CONVERGED
    decrease = problem.evaluate(np.zeros(4))[0] - solution.value
    assert solution.gap <= TOL * decrease
    assert solution.value - minimum_of(make) <= 2.0 * TOL * decrease
    value, gradient = problem.evaluate(solution.point)
    assert solution.value == value
    np.testing.assert_array_equal(solution.gradient, gradient)


def test_the_kind_of_the_gap_is_what_stands_behind_it(make):
    assert solve(make()).gap_kind is GapKind.SELF_CONCORDANCE
    assert solve(make(has_hessian=False, strength=0.5)).gap_kind is GapKind.STRONG_CONVEXITY
    assert solve(make(has_hessian=False)).gap_kind is GapKind.ESTIMATE


@pytest.mark.parametrize(("cost", "kind"), [(0.0, GapKind.SELF_CONCORDANCE), (np.inf, GapKind.STRONG_CONVEXITY)])
def test_the_metric_at_hand_proves_first_where_it_is_near_and_that_is_cheap(cost, kind):
    solution = solve(regularised_logistic(strength=0.5, refresh_cost=0.1, proof_cost=cost))
    assert solution.outcome is Outcome.CONVERGED
    assert solution.gap_kind is kind


def test_the_precision_is_reached_whatever_has_to_be_proved(make, knowledge):
    if make is log_cosh and "strength" in knowledge:
        pytest.skip("log cosh is not strongly convex")
    decrease = make().evaluate(np.zeros(4))[0] - minimum_of(make)
    solution = solve(make(**knowledge), tol=1e-2, precision=1e-5)
    assert solution.outcome is Outcome.CONVERGED
    assert solution.value - minimum_of(make) <= 10.0 * 1e-10 * decrease


def test_where_the_bound_is_enough_no_hessian_is_bought_for_a_proof():
    problem = regularised_logistic(strength=0.5, refresh_cost=1e9)
    solution = solve(problem)
    assert solution.gap_kind is GapKind.STRONG_CONVEXITY
    assert solution.n_refreshes == 0


def test_hessians_of_more_and_more_rows_are_bought_as_they_are_paid_for():
    problem = log_cosh(crude=(0.25, 0.5), refresh_cost=4.0)
    solve(problem)
    assert problem.bought[:2] == [0.25, 0.5]
    assert problem.bought == sorted(problem.bought)


def test_with_a_hessian_the_gradient_is_as_small_as_the_precision_asks(make):
    problem = make()
    start = problem.evaluate(np.zeros(4))[0]
    solution = solve(problem)
    length = np.linalg.norm(solution.gradient / np.sqrt(problem.curvature(solution.point)))
    assert length <= 1.1 * TOL * np.sqrt(2.0 * (start - solution.value))


@pytest.mark.parametrize("tol", [0.0, 1e-300])
def test_an_impossible_tolerance_ends_at_the_precision_of_the_arithmetic(tol):
    problem = regularised_logistic(proves=False)
    solution = solve(problem, tol=tol)
    assert solution.outcome is Outcome.PRECISION
    assert solution.gap_kind is GapKind.ESTIMATE
    assert solution.gap < 1e-20
    assert solution.n_evaluations < 300


def test_without_a_hessian_an_impossible_tolerance_ends_too():
    solution = solve(regularised_logistic(has_hessian=False), tol=0.0)
    assert solution.outcome is Outcome.PRECISION
    assert solution.n_evaluations < 300


def test_where_no_proof_is_to_be_had_it_goes_on_until_an_estimate_is_enough():
    # A precision that would do for a proof, and rounding in its way.
    solution = solve(regularised_logistic(has_hessian=False), tol=1e-6, precision=1e-3)
    assert solution.outcome is Outcome.CONVERGED
    assert solution.gap_kind is GapKind.ESTIMATE


def test_a_hessian_that_proves_nothing_is_never_converged():
    assert solve(log_cosh(proves=False)).outcome is not Outcome.CONVERGED


def test_it_runs_out_of_iterations(knowledge):
    solution = solve(log_cosh(**knowledge), max_iter=2)
    assert solution.outcome is Outcome.ITERATIONS
    assert solution.n_iterations == 2


def test_a_proof_on_the_last_iteration_counts():
    problem = quadratic(refresh_cost=0.0)
    n_needed = solve(problem).n_iterations
    assert solve(problem, max_iter=n_needed).outcome is Outcome.CONVERGED


@pytest.mark.parametrize("options", [{}, {"has_hessian": False}, {"proves": False}])
def test_a_function_without_minimum_is_told(options):
    problem = descending_for_ever(minimum_exists=False, **options)
    solution = solve(problem)
    assert solution.outcome is Outcome.NO_MINIMISER
    assert solution.gap_kind is GapKind.ESTIMATE
    assert np.isfinite(solution.point).all()


def test_whether_there_is_a_minimum_is_asked_thoroughly_before_the_end():
    problem = descending_for_ever(proves=False)
    solve(problem, max_iter=100)
    assert problem.asked[-1][1]
    assert not problem.asked[0][1]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_at_the_start_is_told(bad):
    problem = quadratic()
    problem.value = lambda _: bad
    solution = solve(problem)
    assert solution.outcome is Outcome.NON_FINITE
    assert solution.gap == np.inf
    assert solution.n_iterations == 0


def test_a_gradient_that_is_not_finite_at_the_start_is_told():
    problem = quadratic()
    problem.gradient = lambda x: x * np.nan
    assert solve(problem).outcome is Outcome.NON_FINITE


def test_walls_of_infinity_on_the_way_are_avoided():
    problem = Convex(
        lambda x: np.sum(np.exp(x) - 5 * x) if x.max() < 6.0 else np.inf,
        lambda x: np.exp(x) - 5 if x.max() < 6.0 else x * np.nan,
        np.exp,
    )
    solution = solve(problem, np.full(4, -5.0))
    assert solution.outcome is Outcome.CONVERGED
    np.testing.assert_allclose(solution.point, np.log(5.0), rtol=1e-6)


def test_the_same_input_gives_the_same_bits(make, knowledge):
    first, second = solve(make(**knowledge)), solve(make(**knowledge))
    np.testing.assert_array_equal(first.point, second.point)
    assert first.gap == second.gap
    assert first.n_evaluations == second.n_evaluations


def test_every_iteration_is_reported_once(make, knowledge):
    seen = []
    problem = make(**knowledge)
    solution = solve(problem, report=lambda progress, point: seen.append((progress, point.copy())))
    assert [progress.iteration for progress, _ in seen] == [*range(1, solution.n_iterations + 1)]
    stages = [progress.stage for progress, _ in seen]
    assert stages == sorted(stages)
    assert stages[-1] <= solution.n_refreshes
    for progress, point in seen:
        assert progress.value == problem.evaluate(point)[0]


def test_evaluations_are_counted(make, knowledge):
    problem = make(**knowledge)
    calls = []
    value = problem.value
    problem.value = lambda x: calls.append(x) or value(x)
    solution = solve(problem)
    assert solution.n_evaluations == len(calls) - 1  # one was for the start


def test_reporting_changes_nothing(make, knowledge):
    silent = solve(make(**knowledge))
    reported = solve(make(**knowledge), report=lambda _, __: None)
    np.testing.assert_array_equal(silent.point, reported.point)


def test_where_a_refresh_is_cheap_every_stage_is_one_newton_step():
    solution = solve(log_cosh(refresh_cost=0.0))
    assert solution.n_refreshes >= solution.n_iterations - 1


def test_where_a_refresh_is_dear_one_is_enough():
    solution = solve(log_cosh(refresh_cost=1e9))
    assert solution.n_refreshes == 1


def test_the_start_is_not_modified(make):
    start = np.zeros(4)
    solve(make(), start)
    assert not start.any()


def test_a_start_at_the_optimum_has_converged():
    problem = quadratic()
    solution = minimise(
        problem,
        Iterate(np.ones(4), *problem.evaluate(np.ones(4))),
        Cholesky(np.identity(4)),
        reference=1.0,
        tol=TOL,
        precision=TOL,
        max_iter=10,
    )
    assert solution.outcome is Outcome.CONVERGED
    np.testing.assert_array_equal(solution.point, np.ones(4))


@pytest.mark.parametrize("n_steps", [1, 2])
def test_the_way_to_where_newtons_first_metric_is_used_counts_in_a_proof_by_it(n_steps):
    problem = regularised_logistic(takes_newton_steps=True)
    start = np.zeros(4)
    metric, already = Cholesky(np.diag(problem.curvature(start))), np.full(4, 5.0)
    work = Work(problem, Schedule())
    run = _Run(work, Iterate(start, *problem.evaluate(start)), metric, Aims(1e3, 0.0, 0.0, n_steps))
    run.known.travel(already)
    run.run_stage()
    last = run.known.metric
    assert (last is metric) == (n_steps == 1)
    made_at = start if last is metric else start + metric.unwhiten(metric.whiten(-problem.gradient(start)))
    way = np.linalg.cholesky(last.matrix).T @ (run.here.point - made_at) + (already if last is metric else 0.0)
    np.testing.assert_allclose(run.known.distance, np.linalg.norm(way))


def steepest_descent(function, start, known, *, rounding):
    """A solver that is one generator: the gradient in the metric, and nothing learned."""
    here = start
    while True:
        whitened = known.metric.whiten(here.gradient)
        found = line_search(function.evaluate, here, known.metric.unwhiten(-whitened), rounding=rounding)
        if found is None:
            return
        length, here = found
        known.travel(-length * whitened)
        yield Step(here, float(np.sum(known.metric.whiten(here.gradient) ** 2)) / 2.0)


@pytest.mark.parametrize("knowledge", ["the Hessian", "strong convexity and a Hessian", "Hessians of parts"])
def test_a_new_solver_is_one_generator_of_the_same_signature(make, knowledge):
    if make is log_cosh and "strength" in KNOWLEDGE[knowledge]:
        pytest.skip("log cosh is not strongly convex")
    best = minimum_of(make)
    problem = make(**KNOWLEDGE[knowledge])
    solution = solve(problem, method=steepest_descent)
    assert solution.outcome is Outcome.CONVERGED
    decrease = problem.evaluate(np.zeros(4))[0] - solution.value
    assert solution.value - best <= 2.0 * TOL * decrease


def coarse(make, **options):
    """A problem whose evaluations are rounded to single precision and prove nothing, and the same in double."""
    finer = make(**options)
    return replace(
        make(**options | {"proves": False, "strength": 0.0}),
        value=lambda x: np.float32(finer.value(x)),
        gradient=lambda x: finer.gradient(x).astype(np.float32).astype(np.float64),
        resolution=3e-5,
        rounding=1e-5,
        finer=finer,
    )


@pytest.mark.parametrize("options", [{}, {"takes_newton_steps": True}, {"crude": (0.25, 0.5)}, {"has_hessian": False}])
def test_from_a_coarse_problem_it_moves_to_the_finer_one_and_reports_what_that_has(make, options):
    problem = coarse(make, **options)
    solution = solve(problem)
    assert solution.outcome is Outcome.CONVERGED
    value, gradient = problem.finer.evaluate(solution.point)
    assert solution.value == value
    np.testing.assert_array_equal(solution.gradient, gradient)
    assert solution.value - minimum_of(make) <= 2.0 * TOL * (problem.finer.evaluate(np.zeros(4))[0] - value)


def test_a_problem_is_asked_and_never_changed(make, knowledge):
    problem = coarse(make, **knowledge)
    state, finer = dict(vars(problem)), dict(vars(problem.finer))
    first, second = solve(problem), solve(problem)
    np.testing.assert_array_equal(first.point, second.point)
    assert vars(problem).keys() == state.keys()
    assert all(vars(problem)[name] is state[name] for name in state)
    assert all(vars(problem.finer)[name] is finer[name] for name in finer)


@pytest.mark.parametrize("options", [{}, {"takes_newton_steps": True}, {"refresh_cost": 0.1}])
def test_evaluations_and_metrics_are_counted_over_both_problems(make, options):
    problem = coarse(make, **options)
    calls, bought = [], []
    for each in (problem, problem.finer):
        evaluate = each.evaluate
        each.evaluate = lambda x, evaluate=evaluate: calls.append(x) or evaluate(x)
        each.bought = bought
    solution = solve(problem)
    assert solution.n_evaluations == len(calls) - 1  # one was for the start
    assert solution.n_refreshes >= len(bought) > 0


def test_out_of_iterations_the_value_is_a_fine_one_too(make):
    problem = coarse(make)
    solution = solve(problem, max_iter=2)
    assert solution.outcome is Outcome.ITERATIONS
    assert solution.value == problem.finer.evaluate(solution.point)[0]
