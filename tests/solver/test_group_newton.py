import numpy as np
import pytest

from softglm.solver import group_newton
from softglm.solver.group_newton import minimise_grouped

# The largest violation of optimality, relative to the largest slope at the start, and entry by entry to its own
# curvature where columns are in units of their own.
OPTIMAL = 1e-10
# Two ways to the same minimiser, through different systems.
SAME = {"rtol": 1e-8, "atol": 1e-9}

# Systems that are solved where nothing but rounding is left: some for each proximal point, of which sixteen are idle.
MOST_OF_ROUNDING = 200

SHARES = [0.01, 0.2, 0.7]


def independent(rng, n, d):
    return rng.normal(size=(n, d))


def correlated(rng, n, d):
    """Columns whose correlations are 1 - 1e-6."""
    return rng.normal(size=(n, 1)) + 1e-3 * rng.normal(size=(n, d))


def duplicated(rng, n, d):
    half = rng.normal(size=(n, d // 2))
    return np.hstack([half, half, rng.normal(size=(n, d % 2))])


def rank_deficient(rng, n, d):
    return rng.normal(size=(n, d // 3)) @ rng.normal(size=(d // 3, d))


def in_other_units(rng, n, d):
    return rng.normal(size=(n, d)) * 10.0 ** rng.uniform(-2.0, 2.0, size=d)


COLUMNS = [independent, correlated, duplicated, rank_deficient, in_other_units]
# Sizes of groups, in total 40: of unequal sizes, many small ones, single entries, one large one.
PARTITIONS = {"unequal": [1, 2, 3, 4, 10, 20], "small": [2] * 20, "single": [1] * 40, "large": [40]}
PENALTIES = ["group", "sparse group", "l1", "with free entries"]


def problem(columns, sizes, penalty, share, *, is_warm, seed=0):
    """H, g, groups, group_l1, l1 and the start; entries of a group lie anywhere."""
    rng = np.random.default_rng([seed, COLUMNS.index(columns), len(sizes), PENALTIES.index(penalty)])
    d = sum(sizes)
    x = columns(rng, 2 * d, d)
    groups = rng.permutation(np.repeat(np.arange(len(sizes), dtype=np.int32), sizes))
    hessian, linear = x.T @ x / len(x), x.T @ rng.normal(size=len(x)) / len(x)
    group_l1, l1 = np.full(len(sizes), share * np.abs(linear).max()), np.zeros(d)
    if penalty != "group":
        l1 += {"sparse group": group_l1[0] / 2.0, "l1": group_l1[0], "with free entries": 0.0}[penalty]
    group_l1 *= {"sparse group": 0.5, "l1": 0.0}.get(penalty, 1.0)
    if penalty == "with free entries":
        group_l1[: len(sizes) // 4] = 0.0
    start = rng.normal(size=d) * (rng.random(d) < 0.5) if is_warm else np.zeros(d)
    return hessian, linear, groups, group_l1, l1, start


def violation(hessian, linear, groups, group_l1, l1, start, b):
    """The largest distance from 0 of the subdifferential in any group, group by group."""
    slopes, worst = linear + hessian @ (b - start), 0.0
    for code, strength in enumerate(group_l1):
        mine = groups == code
        point, slope = b[mine], slopes[mine]
        soft = np.sign(slope) * np.maximum(np.abs(slope) - l1[mine], 0.0)
        rest = np.where(point == 0.0, soft, slope + l1[mine] * np.sign(point))
        norm = np.linalg.norm(point)
        if norm > 0.0:
            worst = max(worst, np.abs(rest + strength * point / norm).max())
        else:
            worst = max(worst, np.linalg.norm(rest) - strength)
    return worst


@pytest.mark.parametrize("is_warm", [False, True])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("columns", COLUMNS)
def test_the_minimiser_satisfies_the_conditions_of_optimality(columns, partition, penalty, is_warm):
    for share in SHARES:
        given = problem(columns, PARTITIONS[partition], penalty, share, is_warm=is_warm)
        b = minimise_grouped(*given)
        hessian, linear, _, _, _, start = given
        # The gradient is a sum of terms of this size, and no more exact than they are.
        size = np.abs(linear).max() + np.abs(hessian @ start).max()
        assert violation(*given, b) <= OPTIMAL * max(size, 1e-3)


def test_what_is_given_stays_as_it_is():
    given = problem(independent, PARTITIONS["unequal"], "sparse group", 0.2, is_warm=True)
    before = [value.copy() for value in given]
    minimise_grouped(*given)
    for value, copy in zip(given, before, strict=True):
        np.testing.assert_array_equal(value, copy)


@pytest.mark.parametrize("is_warm", [False, True])
def test_without_a_penalty_it_is_a_linear_system(is_warm):
    hessian, linear, groups, group_l1, l1, start = problem(
        independent, PARTITIONS["unequal"], "group", 0.2, is_warm=is_warm
    )
    b = minimise_grouped(hessian, linear, groups, 0.0 * group_l1, l1, start)
    np.testing.assert_allclose(b, start - np.linalg.solve(hessian, linear), **SAME)


@pytest.mark.parametrize("columns", [independent, in_other_units])
def test_groups_of_one_entry_are_a_lasso(columns):
    hessian, linear, groups, group_l1, l1, start = problem(columns, [1] * 40, "group", 0.1, is_warm=False)
    as_groups = minimise_grouped(hessian, linear, groups, group_l1, l1, start)
    as_entries = minimise_grouped(hessian, linear, 0 * groups, np.zeros(1), group_l1[groups], start)
    np.testing.assert_allclose(as_groups, as_entries, **SAME)
    assert 0 < np.count_nonzero(as_groups) < 40


def test_of_a_diagonal_hessian_the_lasso_is_a_soft_threshold():
    rng = np.random.default_rng(1)
    curvature, linear, l1 = rng.uniform(0.1, 10.0, 30), rng.normal(size=30), rng.uniform(0.0, 1.0, 30)
    b = minimise_grouped(np.diag(curvature), linear, np.zeros(30, np.int32), np.zeros(1), l1, np.zeros(30))
    expected = -np.sign(linear) * np.maximum(np.abs(linear) - l1, 0.0) / curvature
    np.testing.assert_allclose(b, expected, **SAME)
    np.testing.assert_array_equal(b == 0.0, expected == 0.0)


def test_of_an_identity_the_group_lasso_shortens_each_group():
    rng = np.random.default_rng(2)
    linear, groups = rng.normal(size=40), np.repeat(np.arange(10, dtype=np.int32), 4)
    norms = np.sqrt(np.bincount(groups, linear**2))
    group_l1 = np.full(10, np.median(norms))
    b = minimise_grouped(np.eye(40), linear, groups, group_l1, np.zeros(40), np.zeros(40))
    np.testing.assert_allclose(b, -linear * np.maximum(1.0 - group_l1 / norms, 0.0)[groups], **SAME)


def test_rotations_within_groups_rotate_the_minimiser():
    hessian, linear, groups, group_l1, l1, start = problem(independent, [4] * 10, "group", 0.2, is_warm=True)
    rng, rotation = np.random.default_rng(3), np.zeros((40, 40))
    for code in range(10):
        mine = np.flatnonzero(groups == code)
        rotation[np.ix_(mine, mine)] = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    rotated = minimise_grouped(
        rotation @ hessian @ rotation.T, rotation @ linear, groups, group_l1, l1, rotation @ start
    )
    np.testing.assert_allclose(
        rotated, rotation @ minimise_grouped(hessian, linear, groups, group_l1, l1, start), **SAME
    )


def test_nothing_leaves_0_where_every_group_is_held_and_just_beyond_it_one_does():
    hessian, linear, groups, group_l1, l1, start = problem(independent, [4] * 10, "group", 0.2, is_warm=False)
    largest = np.sqrt(np.bincount(groups, linear**2)).max()
    held = minimise_grouped(hessian, linear, groups, 0.0 * group_l1 + largest, l1, start)
    freed = minimise_grouped(hessian, linear, groups, 0.0 * group_l1 + largest * (1.0 - 1e-6), l1, start)
    assert np.count_nonzero(held) == 0
    assert np.count_nonzero(np.bincount(groups, freed**2)) == 1


def test_of_many_minimisers_it_is_one_nearby():
    hessian, linear, groups, group_l1, l1, _ = problem(rank_deficient, [4] * 10, "group", 0.2, is_warm=False)
    start = np.random.default_rng(4).normal(size=40)
    b = minimise_grouped(hessian, linear, groups, 0.0 * group_l1, l1, start)
    nearest = -np.linalg.pinv(hessian, hermitian=True, rcond=1e-10) @ linear
    assert np.linalg.norm(b - start) < 2.0 * np.linalg.norm(nearest)


def test_a_tolerance_is_kept():
    given = problem(correlated, PARTITIONS["unequal"], "group", 0.2, is_warm=True)
    before = violation(*given, given[-1])
    for tol in (1e-2, 1e-4, 1e-6):
        assert violation(*given, minimise_grouped(*given, tol=tol)) <= tol * before * (1.0 + OPTIMAL)


@pytest.fixture
def solved(monkeypatch):
    """Systems that have been solved, one item for each."""
    systems, solve = [], group_newton.lapack.dpotrs

    def solve_and_count(*arguments, **options):
        systems.append(1)
        return solve(*arguments, **options)

    monkeypatch.setattr(group_newton.lapack, "dpotrs", solve_and_count)
    return systems


def test_after_a_change_of_strength_one_system_is_enough_where_no_group_comes_or_goes(solved):
    hessian, linear, groups, group_l1, l1, start = problem(correlated, [4] * 10, "group", 0.2, is_warm=False)
    before = minimise_grouped(hessian, linear, groups, group_l1, l1, start)
    solved.clear()
    slope = linear + hessian @ (before - start)
    after = minimise_grouped(hessian, slope, groups, 0.999 * group_l1, l1, before, tol=0.01)
    assert len(solved) == 1
    assert violation(hessian, slope, groups, 0.999 * group_l1, l1, before, after) < 0.01 * 0.001 * group_l1[0]


def test_at_the_minimum_rounding_is_not_followed_for_long(solved):
    # Of entries without a kink, with a gradient of rounding alone.
    hessian, start = np.diag([0.07, 0.2, 0.3]), np.array([0.076, -0.3, 0.2])
    minimise_grouped(hessian, 1e-18 * start, np.arange(3), np.zeros(3), np.zeros(3), start, tol=1e-9)
    assert len(solved) < MOST_OF_ROUNDING


def test_no_entries_have_a_minimiser():
    nothing = np.zeros(0)
    assert minimise_grouped(np.zeros((0, 0)), nothing, nothing.astype(np.int32), nothing, nothing, nothing).shape == (
        0,
    )


def test_an_indefinite_hessian_is_refused():
    with pytest.raises(np.linalg.LinAlgError, match="expected that of a convex function"):
        minimise_grouped(-np.eye(2), np.ones(2), np.zeros(2, np.int32), np.zeros(1), np.zeros(2), np.zeros(2))
