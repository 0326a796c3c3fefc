import numpy as np
from scipy.special import digamma, polygamma

from softglm.families.digamma_equations import (
    dirichlet_concentrations,
    gamma_shape,
    inverse_digamma,
)

# Second differences of neighbours on this grid are far above rounding.
X = np.logspace(-3, 3, 301)
ROUNDING = 1e-14


def bends_up(x, y):
    slopes = np.diff(y) / np.diff(x)
    return (np.diff(slopes) > 0).all()


def test_inverse_digamma_inverts_digamma():
    x = np.logspace(-12, 12, 1001)
    y = digamma(x)
    np.testing.assert_allclose(digamma(inverse_digamma(y)), y, rtol=ROUNDING, atol=ROUNDING)


def test_gamma_shape_solves_its_equation():
    spread = np.logspace(-12, 6, 1001)
    shape = gamma_shape(spread)
    # The left side is a difference of numbers of the size of digamma.
    np.testing.assert_allclose(np.log(shape) - digamma(shape), spread, rtol=ROUNDING, atol=100 * ROUNDING)


def test_one_dirichlet_and_many_are_solved_alike():
    mean = np.log([[0.2, 0.1], [0.3, 0.8]])
    together = dirichlet_concentrations(mean)
    np.testing.assert_allclose(dirichlet_concentrations(mean[:, 1]), together[:, 1], rtol=1e-12)


def test_digamma_is_convex_in_the_reciprocal_and_exceeds_its_asymptote():
    assert bends_up(1.0 / X[::-1], digamma(X[::-1]))
    large = X[X > 0.5]
    assert (digamma(large) > np.log(large - 0.5)).all()


def test_reciprocal_of_log_minus_digamma_is_convex_and_exceeds_its_asymptote():
    curve = 1.0 / (np.log(X) - digamma(X))
    small = X < 100.0  # beyond, the difference to the line drowns in rounding
    assert bends_up(X[small], curve[small])
    assert (curve > 2.0 * X - 1.0 / 3.0)[small].all()


def test_reciprocal_of_trigamma_is_convex():
    assert bends_up(X, 1.0 / polygamma(1, X))


def test_concentration_is_concave_in_the_total_and_below_its_asymptote():
    for mean in -0.01, -1.0, -5.0:
        concentration = inverse_digamma(mean + digamma(X))
        small = X < 100.0
        assert bends_up(X[small], -concentration[small])
        asymptote = np.exp(mean) * X - np.expm1(mean) / 2.0
        assert (concentration < asymptote)[small].all()
