"""The minimiser of a quadratic with kinks and bounds satisfies its optimality conditions, whatever the quadratic."""

import numpy as np
import pytest

from softglm.solver import pivoting
from softglm.solver.pivoting import minimise_entrywise
from softglm.solver.principal import PROXIMAL, PrincipalSystems

# Relative to the largest slope: of systems with condition numbers up to the inverse of what is added to the diagonal.
OPTIMAL = 1e-10


def factors(kind, rng, d):
    rows = rng.normal(size=(2 * d, d))
    if kind == "correlated":
        return rows[:, :1] + 1e-3 * rows  # correlations of 1 - 1e-6
    if kind == "duplicated":
        rows[:, d // 2 :] = rows[:, : d - d // 2]
    return rows[: (d + 1) // 2] if kind == "rank-deficient" else rows


def problem(kind, seed, d, *, bounded):
    """H, g, l1, lower, upper and a start."""
    rng = np.random.default_rng(seed)
    rows = factors(kind, rng, d)
    hessian = rows.T @ rows / len(rows)
    linear = hessian @ rng.normal(size=d)
    l1 = np.abs(linear).max() * rng.uniform(0.0, 0.5, size=d) * (rng.uniform(size=d) > 0.1)
    lower, upper = np.full(d, -np.inf), np.full(d, np.inf)
    if bounded:
        lower[rng.uniform(size=d) < 0.5] = -0.1
        upper[rng.uniform(size=d) < 0.5] = 0.1
        lower[rng.uniform(size=d) < 0.2] = 0.0
    start = np.clip(np.where(rng.uniform(size=d) < 0.5, 0.0, rng.normal(size=d)), lower, upper)
    return hessian, linear, l1, lower, upper, start


def violation(hessian, linear, l1, lower, upper, start, point):
    """How far minus the slope of the quadratic is from the slopes of the rest, relative to the largest slope."""
    slope = hessian @ (point - start) + linear + PROXIMAL * hessian.diagonal().mean() * (point - start)
    below = np.where(point <= lower, -np.inf, np.where(point > 0.0, l1, -l1))
    above = np.where(point >= upper, np.inf, np.where(point < 0.0, -l1, l1))
    assert ((point >= lower) & (point <= upper)).all()
    return np.maximum(np.maximum(below + slope, -slope - above), 0.0).max() / np.abs(linear).max()


KINDS = ("random", "correlated", "duplicated", "rank-deficient")


@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_conditions_of_the_optimum_hold(kind, bounded):
    for seed in range(20):
        for d in (1, 2, 5, 20, 60):
            given = problem(kind, seed, d, bounded=bounded)
            assert violation(*given, minimise_entrywise(*given)) < OPTIMAL


@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_descent_alone_arrives_there_too(kind, bounded, monkeypatch):
    monkeypatch.setattr(pivoting, "_ROUNDS", 0)
    for seed in range(5):
        given = problem(kind, seed, 30, bounded=bounded)
        assert violation(*given, minimise_entrywise(*given)) < OPTIMAL


@pytest.mark.parametrize("kind", KINDS)
def test_hundreds_of_entries_are_solved(kind):
    given = problem(kind, 0, 300, bounded=False)
    assert violation(*given, minimise_entrywise(*given)) < OPTIMAL


def test_entries_of_infinite_l1_stay_at_0():
    hessian, linear, l1, lower, upper, start = problem("random", 1, 20, bounded=False)
    l1[:5], start[:5] = np.inf, 0.0
    point = minimise_entrywise(hessian, linear, l1, lower, upper, start)
    assert not point[:5].any()
    rest = hessian[5:, 5:], linear[5:], l1[5:], lower[5:], upper[5:], start[5:]
    np.testing.assert_allclose(point[5:], minimise_entrywise(*rest), rtol=1e-8, atol=1e-10)


def test_systems_that_remember_their_factors_solve_one_problem_after_another():
    hessian, linear, l1, lower, upper, start = problem("random", 2, 150, bounded=False)
    systems = PrincipalSystems(hessian)
    for share in (1.0, 0.9, 0.7, 0.4, 0.1):
        start = minimise_entrywise(systems, linear, share * l1, lower, upper, np.zeros(150))
        assert violation(hessian, linear, share * l1, lower, upper, np.zeros(150), start) < OPTIMAL


def test_a_matrix_may_grow():
    whole = problem("random", 3, 120, bounded=False)
    hessian, linear, l1, lower, upper, start = whole
    systems = PrincipalSystems(hessian[:90, :90])
    minimise_entrywise(systems, linear[:90], l1[:90], lower[:90], upper[:90], start[:90])
    systems.matrix = hessian
    point = minimise_entrywise(systems, linear, l1, lower, upper, start)
    np.testing.assert_allclose(point, minimise_entrywise(*whole), rtol=1e-7, atol=1e-9)


def test_what_is_not_positive_definite_is_refused():
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        minimise_entrywise(
            -np.identity(3), np.ones(3), np.zeros(3), np.full(3, -np.inf), np.full(3, np.inf), np.zeros(3)
        )
