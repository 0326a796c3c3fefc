import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from softglm.families import softmax_input

# Least squares loses the condition number of random weights, seldom above 1e4.
SOLVED = {"rtol": 1e-9, "atol": 1e-12}

UNIFORM = np.full(3, 1 / 3)
WEIGHTS = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0], [1.0, 1.0, 0.5]])


@given(
    seed=st.integers(0, 2**32 - 1),
    n_states=st.integers(2, 6),
    n_spare=st.integers(0, 3),
)
def test_a_softmax_unit_can_represent_every_positive_distribution(seed, n_states, n_spare):
    rng = np.random.default_rng(seed)
    probabilities = softmax(5.0 * rng.normal(size=n_states))
    weights = rng.normal(size=(n_states, n_states - 1 + n_spare))
    x = softmax_input(probabilities, weights)
    np.testing.assert_allclose(softmax(weights @ x), probabilities, **SOLVED)


def test_the_smallest_such_input_is_chosen():
    x = softmax_input(np.array([0.6, 0.3, 0.1]), WEIGHTS)
    pivoted = WEIGHTS[:-1] - WEIGHTS[-1]
    np.testing.assert_allclose(np.linalg.pinv(pivoted) @ pivoted @ x, x, **SOLVED)


def test_the_pivot_does_not_matter():
    probabilities = np.array([0.6, 0.3, 0.1])
    np.testing.assert_allclose(
        softmax_input(probabilities, WEIGHTS),
        softmax_input(probabilities[::-1], WEIGHTS[::-1]),
        **SOLVED,
    )


@pytest.mark.parametrize(
    ("probabilities", "weights", "expected"),
    [
        ([0.5, 0.5, 0.0], WEIGHTS, r"positive.*got \[0\.5, 0\.5, 0\.0\]"),
        ([0.7, 0.5, -0.2], WEIGHTS, "positive"),
        ([0.5, np.nan, 0.5], WEIGHTS, "positive"),
        ([0.5, 0.4, 0.2], WEIGHTS, r"sum to one; got \[0\.5, 0\.4, 0\.2\]"),
        (UNIFORM, np.ones((3, 4)), "must have rank 2; got rank 0"),
        (UNIFORM, np.arange(3.0)[:, np.newaxis], "must have rank 2; got rank 1"),
        (UNIFORM, WEIGHTS[:2], r"got \(3,\) and \(2, 3\)"),
        (UNIFORM, WEIGHTS[0], r"got \(3,\) and \(3,\)"),
        (UNIFORM[:, np.newaxis], WEIGHTS, r"got \(3, 1\) and \(3, 3\)"),
        (np.ones(1), WEIGHTS[:1], "K >= 2"),
        (UNIFORM, np.where(WEIGHTS == 0, np.inf, WEIGHTS), "finite"),
    ],
)
def test_impossible_requests_are_refused(probabilities, weights, expected):
    with pytest.raises(ValueError, match=expected):
        softmax_input(np.array(probabilities), weights)
