import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from softglm.families import Categorical, Multinomial

# Central differences of step 1e-5 lose 1e-10 to truncation and 1e-11 to rounding.
DIFFERENCES = {"rtol": 1e-8, "atol": 1e-8}
STEP = 1e-5
# Two formulas of the same number.
ROUNDING = {"rtol": 1e-12, "atol": 1e-14}

seeds = st.integers(0, 2**32 - 1)


def derivatives(function, eta):
    """The derivative of a function by each parameter, stacked first."""
    steps = STEP * np.identity(len(eta))[:, :, np.newaxis]
    return np.stack([(function(eta + step) - function(eta - step)) / (2 * STEP) for step in steps])


def test_mean_is_the_gradient_of_the_log_normalizer(case):
    expected = derivatives(case.family.log_normalizer, case.eta)
    np.testing.assert_allclose(case.family.mean(case.eta), expected, **DIFFERENCES)


def test_fisher_information_is_the_jacobian_of_the_mean(case):
    expected = derivatives(case.family.mean, case.eta)
    np.testing.assert_allclose(case.family.fisher_information(case.eta), expected, **DIFFERENCES)


def test_mean_is_the_expected_sufficient_statistic(case):
    for row, expected in enumerate(case.family.mean(case.eta)):
        statistic = case.family.sufficient_statistic(case.support)[row]
        average = case.expectations(lambda _, statistic=statistic: statistic, case.eta)
        np.testing.assert_allclose(average, expected, rtol=1e-9, atol=1e-9)


def test_fisher_information_is_symmetric_and_positive_semidefinite(case):
    matrices = np.moveaxis(case.family.fisher_information(case.eta), -1, 0)
    np.testing.assert_array_equal(matrices, matrices.swapaxes(1, 2))
    assert (np.linalg.eigvalsh(matrices) > -ROUNDING["rtol"]).all()


def test_fisher_product_multiplies_the_matrix(case):
    direction = np.random.default_rng(3).normal(size=case.eta.shape)
    matrices = case.family.fisher_information(case.eta)
    expected = np.einsum("kln,ln->kn", matrices, direction)
    np.testing.assert_allclose(case.family.fisher_product(case.eta, direction), expected, **ROUNDING)


def test_a_batch_may_have_any_shape(case):
    family, eta = case.family, case.eta
    one, grid = eta[:, 0], np.stack([eta, eta], axis=-1)
    for name in "log_normalizer", "mean", "fisher_information", "mean_log_carrier", "entropy":
        of = getattr(family, name)
        np.testing.assert_allclose(of(one), of(eta)[..., 0], **ROUNDING)
        np.testing.assert_allclose(of(grid)[..., 1], of(eta), **ROUNDING)


def test_the_argument_is_not_modified(case):
    family, eta = case.family, case.eta
    eta.flags.writeable = False
    family.kl_divergence(eta, eta)
    family.entropy(eta)
    family.fisher_product(eta, eta)
    mean = family.mean(eta)
    mean.flags.writeable = False
    family.conjugate(mean)


def test_curvature_adds_up_to_the_fisher_information(unconstrained_case):
    family, eta = unconstrained_case.family, unconstrained_case.eta
    mean = family.mean(eta)
    weights, directions = family.curvature_weights(mean), family.curvature_directions
    assert not np.shares_memory(weights, mean)
    assert (weights >= 0).all()
    np.testing.assert_allclose(
        np.einsum("dn,dk,dl->kln", weights, directions, directions),
        family.fisher_information(eta),
        **ROUNDING,
    )


def test_the_slopes_of_the_curvature_are_its_derivatives(unconstrained_case):
    family, eta = unconstrained_case.family, unconstrained_case.eta
    forms = np.random.default_rng(4).normal(size=(family.n_curvature_directions, eta.shape[1]))
    expected = derivatives(lambda eta: np.einsum("dn,dn->n", forms, family.curvature_weights(family.mean(eta))), eta)
    np.testing.assert_allclose(family.curvature_slopes(family.mean(eta), forms), expected, **DIFFERENCES)


def test_total_information_and_trace_are_those_of_the_matrices(unconstrained_case):
    family, eta = unconstrained_case.family, unconstrained_case.eta
    mean, matrices = family.mean(eta), family.fisher_information(eta)
    weights = np.arange(1.0, 6.0)
    np.testing.assert_allclose(family.total_information(mean, weights), matrices @ weights, **ROUNDING)
    np.testing.assert_allclose(family.total_information(mean, None), matrices.sum(axis=-1), **ROUNDING)
    np.testing.assert_allclose(family.information_trace(mean), np.einsum("kkn->n", matrices), **ROUNDING)


def test_the_diagonal_of_the_information_is_that_of_the_matrices(unconstrained_case):
    family, eta = unconstrained_case.family, unconstrained_case.eta
    mean, diagonals = family.mean(eta), np.einsum("kkn->kn", family.fisher_information(eta))
    weights = np.arange(1.0, 6.0)
    np.testing.assert_allclose(family.information_diagonal(mean, weights), diagonals @ weights, **ROUNDING)
    np.testing.assert_allclose(family.information_diagonal(mean, None), diagonals.sum(axis=1), **ROUNDING)


def test_what_is_identified_is_the_projection_and_of_the_same_distribution(unconstrained_case):
    family, eta = unconstrained_case.family, unconstrained_case.eta
    basis = family.identifiable_directions
    assert family.n_identifiable == basis.shape[1]
    identified = family.identified(eta.T)
    np.testing.assert_allclose(identified, eta.T @ basis @ basis.T, **ROUNDING)
    np.testing.assert_allclose(family.mean(identified.T), family.mean(eta), **ROUNDING)


@pytest.mark.parametrize("n_classes", [256, 257, 700])
@pytest.mark.parametrize("family", [Categorical, lambda n_classes: Multinomial(n_classes, 3)])
def test_many_classes_are_known_by_their_means(family, n_classes):
    die = family(n_classes)
    assert die.has_many_classes == (n_classes > 256)
    mean = die.mean(np.random.default_rng(0).normal(size=(n_classes, 1)))[:, 0]
    information = np.diag(mean) - np.outer(mean, mean) / mean.sum()
    np.testing.assert_allclose(die.information_diagonal(mean[:, np.newaxis], None), information.diagonal(), **ROUNDING)
    parameters, basis = np.random.default_rng(1).normal(size=(2, n_classes)), die.identifiable_directions
    assert die.n_identifiable == basis.shape[1]
    np.testing.assert_allclose(die.identified(parameters), parameters @ basis @ basis.T, rtol=0.0, atol=1e-12)


def test_t_can_fall_or_rise_where_the_support_goes_on(unconstrained_case):
    family = unconstrained_case.family
    statistic = family.sufficient_statistic(unconstrained_case.support)
    if unconstrained_case.support.dtype.kind == "f":
        assert family.can_fall(statistic).all()
        assert family.can_rise(statistic).all()
        return
    support = {tuple(t) for t in statistic.T}
    far_from_where_the_table_ends = statistic[:, (statistic < 100).all(axis=0)]
    for d, direction in enumerate(family.curvature_directions):
        falls, rises = (
            [tuple(t + step) in support for t in far_from_where_the_table_ends.T] for step in (-direction, direction)
        )
        assert family.can_fall(far_from_where_the_table_ends)[d].tolist() == falls
        assert family.can_rise(far_from_where_the_table_ends)[d].tolist() == rises


def test_identifiable_directions_span_where_the_information_is_positive(unconstrained_case):
    family, eta = unconstrained_case.family, unconstrained_case.eta
    basis = family.identifiable_directions
    rank = basis.shape[1]
    np.testing.assert_allclose(basis.T @ basis, np.identity(rank), **ROUNDING)
    for matrix in np.moveaxis(family.fisher_information(eta), -1, 0):
        np.testing.assert_allclose(basis @ basis.T @ matrix, matrix, **ROUNDING)
        assert np.linalg.matrix_rank(matrix) == rank


@given(seed=seeds)
def test_curvature_is_self_concordant(unconstrained_case, seed):
    family = unconstrained_case.family
    eta, u, h = np.random.default_rng(seed).normal(size=(3, family.n_parameters))

    def curvature(eta):
        return u @ family.fisher_information(eta) @ u

    third = (curvature(eta + STEP * h) - curvature(eta - STEP * h)) / (2 * STEP)
    slope = abs(family.curvature_directions @ h).max()
    assert abs(third) <= slope * curvature(eta) * (1 + 1e-8) + 1e-8


@given(seed=seeds)
def test_normalizer_and_mean_are_the_two_methods(unconstrained_case, seed):
    family = unconstrained_case.family
    eta = 10.0 * np.random.default_rng(seed).normal(size=(family.n_parameters, 8))
    log_normalizer, mean = family.normalizer_and_mean(eta.copy())
    np.testing.assert_array_equal(log_normalizer, family.log_normalizer(eta))
    np.testing.assert_array_equal(mean, family.mean(eta))
    assert not np.shares_memory(log_normalizer, mean)
