"""Every penalty that holds coefficients at 0 keeps its contract: a new one is one class, and one line in the table."""

import numpy as np
import pytest
from scipy.optimize import minimize

from softglm.model.penalties import Box, ElasticNet, GroupElasticNet, SparseGroup

P, Q = 6, 3
# The last feature is free, and one group has two features whose columns get units of their own.
FACTORS = np.array([1.0, 1.0, 0.5, 2.0, 2.0, 0.0])
CODES = np.array([0, 0, 1, 2, 2, 3], dtype=np.int32)
UNITS = np.array([2.0, 0.5, 8.0, 1.0, 3.0, 0.25])
LOWER = np.array([-0.2, 0.0, -np.inf, -1.0, 0.0, -np.inf])
UPPER = np.array([0.3, np.inf, 0.0, 0.1, 0.0, np.inf])
ENTRIES = np.where(np.arange(P * Q).reshape(P, Q) % 4 == 2, 0.0, UPPER[:, np.newaxis])
ENTRIES[-1] = np.inf


def elastic_net(l1_ratio=0.6, alpha=0.5):
    return ElasticNet.on_coefficients(alpha, l1_ratio, FACTORS, fit_intercept=True)


def box(lower, upper, l1_ratio=0.6):
    return Box.on_coefficients(0.5, l1_ratio, FACTORS, lower, upper, fit_intercept=True)


def grouped(l1_ratio=0.6):
    return GroupElasticNet.on_coefficients(0.5, l1_ratio, FACTORS, CODES, fit_intercept=True)


def sparse_group(share, l1_ratio=0.6):
    return SparseGroup.on_coefficients(0.5, l1_ratio, share, FACTORS, CODES, fit_intercept=True)


PENALTIES = {
    "elastic net": elastic_net(),
    "lasso": elastic_net(1.0),
    "ridge with a kink of 0": elastic_net(0.0),
    "box": box(LOWER, UPPER),
    "box of entries": box(LOWER, ENTRIES),
    "box without a kink": box(LOWER, UPPER, l1_ratio=0.0),
    "box without a ridge": box(
        np.append(LOWER[:-1].clip(-1.0), -np.inf), np.append(UPPER[:-1].clip(max=2.0), np.inf), 1.0
    ),
    "grouped": grouped(),
    "group lasso": grouped(1.0),
    "sparse group": sparse_group(0.3),
    "sparse group lasso": sparse_group(0.7, 1.0),
    "grouped, in units": grouped().in_units(UNITS),
    "sparse group, in units": sparse_group(0.3).in_units(UNITS),
}
SEEDS = range(6)
# Of numbers of order 1 after some operations; and of what a method without derivatives finds.
ROUNDING = {"rtol": 1e-11, "atol": 1e-12}
FOUND = {"rtol": 1e-6, "atol": 1e-7}
# So far beside a border it is told on which side a number is.
BESIDE = 1e-9
STEP = 1e-7


@pytest.fixture(params=PENALTIES.values(), ids=PENALTIES)
def penalty(request):
    return request.param


def somewhere(seed, scale=1.0):
    return scale * np.random.default_rng(seed).normal(size=(P, Q))


def within(penalty, coef):
    """The nearest coefficients that the penalty allows."""
    bounds = penalty.bounds(Q) if isinstance(penalty, ElasticNet | Box) else None
    return coef if bounds is None else np.clip(coef, *bounds)


def steps(penalty, seed):
    """Steps of prox, the same in a group in its units."""
    steps = np.random.default_rng(seed).exponential(size=P)[penalty.groups]
    return steps if isinstance(penalty, ElasticNet | Box) else steps / penalty.units**2


def places(penalty, seed):
    """Coefficients, some of them 0 and some at bounds."""
    return penalty.prox(somewhere(seed, 2.0), steps(penalty, seed))


def minimiser(penalty, smooth):
    """The minimum of h and a smooth function, by a program that knows of no derivatives."""

    def value(flat):
        coef = within(penalty, flat.reshape(P, Q))
        beyond = np.abs(flat - coef.ravel()).sum()
        return smooth(coef) + penalty.kinked(coef) + 100.0 * float(beyond)

    start = np.linspace(-0.1, 0.1, P * Q)  # at 0, where norms have a kink, no single entry may have a way down
    for _ in range(5):
        start = minimize(value, start, method="Powell", options={"xtol": 1e-10, "ftol": 1e-14}).x
    return within(penalty, start.reshape(P, Q))


@pytest.mark.parametrize("seed", SEEDS)
def test_at_its_prox_nothing_is_violated(penalty, seed):
    coef, step = somewhere(seed, 2.0), steps(penalty, seed)
    near = penalty.prox(coef, step)
    assert np.isfinite(penalty.kinked(near))
    np.testing.assert_allclose(penalty.violation(near, (near - coef) / step[:, np.newaxis]), 0.0, **ROUNDING)


@pytest.mark.parametrize("seed", SEEDS[:1])
def test_the_prox_is_where_another_program_finds_the_minimum(penalty, seed):
    coef, step = somewhere(seed), steps(penalty, seed)[:, np.newaxis]
    found = minimiser(penalty, lambda z: float(((z - coef) ** 2 / (2.0 * step)).sum()))
    near = penalty.prox(coef, step[:, 0])

    def value(z):
        return float(((z - coef) ** 2 / (2.0 * step)).sum()) + penalty.kinked(z)

    assert value(near) <= value(found) + ROUNDING["atol"]
    np.testing.assert_allclose(value(near), value(found), **FOUND)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_violation_is_a_gradient_and_a_subgradient(penalty, seed):
    coef, gradient = places(penalty, seed), somewhere(seed + 100)
    subgradient = penalty.violation(coef, gradient) - gradient
    for other in range(20):
        there = within(penalty, coef + somewhere(other, 10.0 ** -(other % 4)))
        rise = float(np.vdot(subgradient, there - coef))
        assert penalty.kinked(there) >= penalty.kinked(coef) + rise - ROUNDING["atol"]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_violation_is_the_steepest_way_down(penalty, seed):
    # Of all elements of the subdifferential the nearest to 0 is as long as the steepest way is steep.
    coef, gradient = places(penalty, seed), somewhere(seed + 100)
    violation = penalty.violation(coef, gradient)
    if "units" in vars(penalty):
        apart = (coef == 0.0).all(axis=1) & (penalty.units < 1.0)
        violation[np.isin(penalty.groups, penalty.groups[apart])] = 0.0  # nearest in units of their own
    there = coef - STEP * violation
    fall = float(np.vdot(gradient, there - coef)) + penalty.kinked(there) - penalty.kinked(coef)
    np.testing.assert_allclose(-fall / STEP, (violation**2).sum(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_conjugate_is_no_less_than_anything_it_is_the_supremum_of(penalty, seed):
    gradient = somewhere(seed, 0.7)
    gradient[penalty.is_free] = 0.0
    bound = penalty.conjugate(gradient)
    assert bound >= 0.0
    for other in range(20):
        coef = within(penalty, somewhere(other, 10.0 ** (1 - other % 4)))
        assert bound >= -np.vdot(gradient, coef) - penalty.value(coef) - ROUNDING["atol"]


@pytest.mark.parametrize("seed", SEEDS)
def test_where_the_slope_is_the_penaltys_own_it_is_reached(penalty, seed):
    coef = places(penalty, seed)
    coef[penalty.is_free] = 0.0
    # Any subgradient of h will do.
    slopes = penalty.violation(coef, somewhere(seed + 50)) - somewhere(seed + 50)
    gradient = -slopes - penalty.smooth.strength[:P, np.newaxis] * coef
    gradient[penalty.is_free] = 0.0
    if not np.isfinite(penalty.conjugate(gradient)):  # without a ridge, and on the border but for rounding
        gradient *= 1.0 - BESIDE
    reached = -np.vdot(gradient, coef) - penalty.value(coef)
    np.testing.assert_allclose(penalty.conjugate(gradient), reached, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("seed", SEEDS[:1])
def test_the_conjugate_is_the_supremum_that_another_program_finds(penalty, seed):
    gradient, strength = somewhere(seed, 0.7), penalty.smooth.strength[:P, np.newaxis]
    gradient[penalty.is_free] = 0.0
    bound = penalty.conjugate(gradient)
    if not np.isfinite(bound):
        gradient /= 1.01 * penalty.pull(gradient).max()
        bound = penalty.conjugate(gradient)
    found = minimiser(penalty, lambda b: float(np.vdot(gradient, b) + (strength * b * b).sum() / 2.0))
    np.testing.assert_allclose(bound, -np.vdot(gradient, found) - penalty.value(found), **FOUND)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pull_of_one_is_the_border(penalty, seed):
    gradient, nothing = somewhere(seed), np.zeros((P, Q))
    pull, kinked = penalty.pull(gradient), penalty.is_kinked
    for group in np.unique(penalty.groups):
        members = penalty.groups == group
        assert np.ptp(pull[members]) == 0.0
        if not kinked[members].all() or not pull[members].any():
            assert (pull[members] == 0.0).all()
            continue
        held, left = (
            penalty.violation(nothing, gradient * (factor / pull[:, np.newaxis].clip(1e-9)))[members]
            for factor in (1.0 - BESIDE, 1.0 + BESIDE)
        )
        np.testing.assert_array_equal(held, 0.0)
        assert left.any()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_pull_is_the_factor_that_would_hold(penalty, seed):
    gradient = somewhere(seed)
    factor = penalty.pull(gradient).max()
    if factor > 0.0:
        np.testing.assert_allclose(penalty.times(factor).pull(gradient).max(), 1.0, **ROUNDING)


def test_what_is_not_held_is_not_pulled(penalty):
    pull = penalty.pull(somewhere(0))
    assert (pull[~penalty.is_kinked] == 0.0).all()
    assert not (penalty.is_kinked & penalty.is_free).any()
    assert penalty.is_free.tolist() == [False] * 5 + [True]


def test_its_value_is_that_of_its_two_parts(penalty):
    coef = places(penalty, 0)
    parts = penalty.smooth.value(np.concatenate([coef, np.ones((1, Q))])), penalty.kinked(coef)
    np.testing.assert_allclose(penalty.value(coef), sum(parts), **ROUNDING)
    assert penalty.value(np.zeros((P, Q))) == 0.0


def test_times_a_factor_it_is_so_much_larger(penalty):
    coef = places(penalty, 1)
    np.testing.assert_allclose(penalty.times(2.5).value(coef), 2.5 * penalty.value(coef), **ROUNDING)
    np.testing.assert_array_equal(penalty.times(2.5).groups, penalty.groups)
    assert not penalty.times(0.0).is_kinked.any()


def test_in_other_units_it_is_the_same(penalty):
    # Of columns twice as large, coefficients are half as large, and slopes twice.
    there, units = penalty.in_units(UNITS), UNITS[:, np.newaxis]
    for seed in SEEDS:
        # Bounds of other units may be beside what they were by rounding.
        coef, gradient = places(penalty, seed) * (1.0 - BESIDE), somewhere(seed)
        np.testing.assert_allclose(there.value(coef / units), penalty.value(coef), **ROUNDING)
        np.testing.assert_allclose(there.pull(gradient * units), penalty.pull(gradient), **ROUNDING)
        np.testing.assert_allclose(there.conjugate(gradient * units), penalty.conjugate(gradient), **ROUNDING)


def test_on_some_features_it_is_what_it_was_where_the_others_are_zero(penalty):
    features = np.array([3, 4, 2, 5])
    there = penalty.restricted(features)
    coef, gradient = places(penalty, 0), somewhere(1)
    alone, others = np.zeros((P, Q)), np.setdiff1d(np.arange(P), features)
    alone[features] = coef[features]
    np.testing.assert_allclose(there.value(coef[features]), penalty.value(alone), **ROUNDING)
    gradient[others] = 0.0
    np.testing.assert_allclose(there.conjugate(gradient[features]), penalty.conjugate(gradient), **ROUNDING)
    for name in ("is_free", "is_kinked"):
        np.testing.assert_array_equal(getattr(there, name), getattr(penalty, name)[features])
    np.testing.assert_allclose(there.pull(gradient[features]), penalty.pull(gradient)[features], **ROUNDING)
    np.testing.assert_allclose(
        there.violation(coef[features], gradient[features]), penalty.violation(coef, gradient)[features], **ROUNDING
    )
    assert there.smooth.strength[-1] == 0.0


SAME = {
    "a box without ends is an elastic net": (box(np.full(P, -np.inf), np.full(P, np.inf)), elastic_net(), Q),
    "groups of one feature and one class are a lasso": (
        GroupElasticNet.on_coefficients(0.5, 0.6, FACTORS, np.arange(P, dtype=np.int32), fit_intercept=True),
        elastic_net(),
        1,
    ),
    "sparse groups of no share are groups": (sparse_group(0.0), grouped(), Q),
    "sparse groups of the whole share are a lasso": (sparse_group(1.0), elastic_net(), Q),
}


@pytest.mark.parametrize(("one", "other", "n_parameters"), SAME.values(), ids=SAME)
def test_special_cases(one, other, n_parameters):
    for seed in SEEDS:
        coef, gradient = somewhere(seed)[:, :n_parameters], somewhere(seed + 9)[:, :n_parameters]
        step = steps(one, seed)
        np.testing.assert_allclose(one.value(coef), other.value(coef), **ROUNDING)
        np.testing.assert_allclose(one.prox(coef, step), other.prox(coef, step), **ROUNDING)
        np.testing.assert_allclose(one.conjugate(gradient), other.conjugate(gradient), **ROUNDING)
        near = other.prox(coef, step)
        np.testing.assert_allclose(one.violation(near, gradient), other.violation(near, gradient), **ROUNDING)
        np.testing.assert_array_equal(one.is_free, other.is_free)
        largest = [
            np.maximum.reduceat(penalty.pull(gradient), [0, 2, 3, 5])  # the groups are of consecutive features
            for penalty in (one, other)
        ]
        np.testing.assert_allclose(*largest, **ROUNDING)


def test_beyond_its_bounds_a_box_is_infinite_and_within_them_an_elastic_net():
    penalty = PENALTIES["box"]
    for seed in SEEDS:
        coef = somewhere(seed)
        inside = within(penalty, coef)
        assert penalty.value(coef) == np.inf
        assert penalty.value(inside) == elastic_net().value(inside)


def test_only_the_way_that_is_open_counts():
    rising = box(np.zeros(P), np.full(P, np.inf))
    down = np.abs(somewhere(0))
    np.testing.assert_array_equal(rising.pull(down), 0.0)
    np.testing.assert_array_equal(rising.pull(-down), elastic_net().pull(down))


def test_the_norm_of_a_group_counts_the_root_of_its_features():
    np.testing.assert_allclose(grouped(1.0).group_l1, [0.5 * np.sqrt(2.0), 0.25, np.sqrt(2.0), 0.0], **ROUNDING)
