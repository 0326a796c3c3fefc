import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax, logsumexp, softmax

from softglm.families import Categorical, Gaussian

# Exponentials of arguments up to 20 magnify the rounding of eta by as much.
ROUNDING = {"rtol": 1e-13, "atol": 1e-13}
STEP = 1e-5

DIE = Categorical(4)
etas = st.lists(st.floats(-20.0, 20.0), min_size=4, max_size=4).map(np.array)
pivots = st.sampled_from([0, 1, 3, -1])


@given(eta=etas)
def test_a_is_logsumexp_and_its_gradient_softmax(eta):
    np.testing.assert_allclose(DIE.log_normalizer(eta), logsumexp(eta), **ROUNDING)
    np.testing.assert_allclose(DIE.mean(eta), softmax(eta), **ROUNDING)
    np.testing.assert_allclose(DIE.log_softmax(eta), log_softmax(eta), **ROUNDING)


@given(eta=etas, constant=st.floats(-1e3, 1e3))
def test_a_constant_moves_a_by_itself_and_leaves_softmax_alone(eta, constant):
    # Adding a constant of 1000 rounds eta at 1e-13.
    same = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(DIE.log_normalizer(eta + constant), DIE.log_normalizer(eta) + constant, **same)
    np.testing.assert_allclose(DIE.mean(eta + constant), DIE.mean(eta), **same)


def test_log_softmax_tells_apart_probabilities_that_underflow():
    eta = np.array([1e4, 0.0, -1e4, 1e4])
    np.testing.assert_array_equal(DIE.mean(eta), [0.5, 0.0, 0.0, 0.5])
    np.testing.assert_allclose(DIE.log_softmax(eta), np.array([0, -1e4, -2e4, 0]) - np.log(2))


def test_a_class_at_minus_infinity_has_probability_zero():
    eta = np.array([0.0, -np.inf, 0.0, 0.0])
    np.testing.assert_allclose(DIE.mean(eta), [1 / 3, 0, 1 / 3, 1 / 3])


@given(eta=etas)
def test_the_jacobian_of_log_softmax_is_the_identity_minus_the_mean(eta):
    steps = STEP * np.identity(4)
    differences = [(DIE.log_softmax(eta + step) - DIE.log_softmax(eta - step)) / (2 * STEP) for step in steps]
    np.testing.assert_allclose(DIE.log_softmax_jacobian(eta), np.transpose(differences), rtol=1e-8, atol=1e-8)


@given(eta=etas, pivot=pivots)
def test_both_codings_say_the_same(eta, pivot):
    minimal = DIE.minimal_from_symmetric(eta, pivot)
    assert minimal.shape == (3,)
    symmetric = DIE.symmetric_from_minimal(minimal, pivot)
    np.testing.assert_allclose(symmetric, eta - eta.mean(), **ROUNDING)
    np.testing.assert_allclose(DIE.mean(np.insert(minimal, pivot % 4, 0.0)), DIE.mean(eta), **ROUNDING)


def test_codings_map_batches():
    eta = np.random.default_rng(0).normal(size=(4, 3, 2))
    minimal = DIE.minimal_from_symmetric(eta, 1)
    assert minimal.shape == (3, 3, 2)
    np.testing.assert_allclose(DIE.symmetric_from_minimal(minimal, 1), eta - eta.mean(axis=0), **ROUNDING)


def test_two_symmetric_classes_are_a_coin():
    eta = np.array([[0.3, -2.0], [1.0, 5.0]])
    log_odds = Categorical(2).minimal_from_symmetric(eta, pivot=0)
    np.testing.assert_allclose(Categorical(2).mean(eta)[1], 1 / (1 + np.exp(-log_odds[0])))


@pytest.mark.parametrize("family", [Categorical(3), Gaussian()], ids=repr)
def test_the_kernel_leaves_the_mean_in_the_memory_of_eta(family):
    eta = np.random.default_rng(1).normal(size=(family.n_parameters, 5))
    _, mean = family.normalizer_and_mean(eta)
    assert mean is eta
