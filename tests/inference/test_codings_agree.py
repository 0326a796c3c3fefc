"""One covariance, seen from every base class, and from none."""

import numpy as np
import pytest
from problems import OVERLAPPING, overlapping, two_classes, weighted_with_offset

from softglm import SoftmaxGLM, infer
from softglm.inference.forms import class_forms, contrast_forms

# Products of a covariance of moderate condition.
DIGITS = {"rtol": 1e-9, "atol": 1e-12}
ALPHAS = [0.0, 0.02]
# Full rank, so that every coefficient is estimable.
FULL_RANK = sorted(OVERLAPPING.keys() - {"collinear", "constant_column"})


def given(data):
    return {"sample_weight": data.weights, "offset": data.offset}


def inferred(data, alpha=0.0, *, fit_intercept=True, **options):
    model = SoftmaxGLM(alpha=alpha, fit_intercept=fit_intercept).fit(data.X, data.y, **given(data))
    return infer(model, data.X, data.y, **given(data), **options)


def relabelled(data, order):
    """The same data with the classes in another order: order[k] is the new place of class k."""
    if data.y.ndim == 2:
        y = np.empty_like(data.y)
        y[:, order] = data.y
    else:
        y = np.array(order, dtype=np.int32)[data.y]
    offset = data.offset
    if offset is not None and offset.ndim == 2:
        offset = offset[:, np.argsort(order)]
    elif offset is not None:
        offset = -offset
    return type(data)(data.X, y, data.weights, offset)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("name", FULL_RANK)
@pytest.mark.filterwarnings("ignore:y holds fractions")
def test_another_base_is_the_fit_with_that_class_first(name, alpha):
    data = OVERLAPPING[name]()
    K = data.n_classes
    first = [*range(K - 1, -1, -1)]
    rebased = inferred(data, alpha).rebase(K - 1)
    refitted = inferred(relabelled(data, first), alpha)
    flipped = rebased.coefficients.estimate[::-1], rebased.coefficients.std_error[::-1]
    # The two fits end where rounding lets them.
    np.testing.assert_allclose(flipped[0], refitted.coefficients.estimate, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(flipped[1], refitted.coefficients.std_error, rtol=1e-6)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("make", [overlapping, weighted_with_offset, two_classes])
def test_the_covariance_of_another_base_is_a_linear_map_of_it(make, alpha):
    result = inferred(make(), alpha)
    K, n_terms = len(result.classes), len(result.terms)
    from_first = np.insert(np.identity(K - 1), 0, 0.0, axis=0)
    for base in range(1, K):
        to_base = np.kron(contrast_forms(K, base) @ from_first, np.identity(n_terms))
        expected = to_base @ result.covariance_matrix @ to_base.T
        np.testing.assert_allclose(result.rebase(base).covariance_matrix, expected, **DIGITS)


@pytest.mark.parametrize("make", [overlapping, weighted_with_offset])
def test_the_symmetric_covariance_is_the_pseudo_inverse_of_the_full_information(make):
    data = make()
    result = inferred(data)
    X = np.column_stack([np.ones(len(data.dense)), data.dense])
    mean = result.predict(data.X, data.offset).probability
    K, n_terms = mean.shape[1], X.shape[1]
    weights = np.ones(len(X)) if data.weights is None else data.weights
    information = np.zeros((K * n_terms, K * n_terms))
    for row, probability, weight in zip(X, mean, weights, strict=True):
        bend = np.diag(probability) - np.outer(probability, probability)
        information += weight * np.kron(bend, np.outer(row, row))
    symmetric = result.symmetric()
    np.testing.assert_allclose(symmetric.covariance_matrix, np.linalg.pinv(information), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(symmetric.coefficients.estimate.sum(axis=0), 0.0, atol=1e-12)


@pytest.mark.parametrize("kind", ["model", "laplace"])
def test_penalised_covariances_of_both_codings_agree(kind):
    data, alpha = overlapping(), 0.02
    result = inferred(data, alpha, covariance=kind)
    # In reference coding the ridge is alpha (I - 11'/K) (x) D, and without it alpha I would be another prior.
    X = np.column_stack([np.ones(len(data.dense)), data.dense])
    mean = result.predict(data.X).probability
    K, (n, n_terms) = 3, X.shape
    between = class_forms(K)[1:, 1:]
    ridge = n * alpha * np.kron(between, np.diag([0.0] + [1.0] * (n_terms - 1)))
    information = np.zeros_like(ridge)
    for row, probability in zip(X, mean, strict=True):
        bend = np.diag(probability) - np.outer(probability, probability)
        information += np.kron(bend[1:, 1:], np.outer(row, row))
    inverse = np.linalg.inv(information + ridge)
    expected = inverse if kind == "laplace" else inverse @ information @ inverse
    np.testing.assert_allclose(result.covariance_matrix, expected, rtol=1e-8, atol=1e-12)
    assert result.effective_parameters == pytest.approx(np.trace(information @ inverse), rel=1e-9)
    assert result.aic == pytest.approx(2 * result.effective_parameters - 2 * result.log_likelihood)


def test_rebasing_twice_returns_to_the_start():
    result = inferred(overlapping())
    again = result.rebase(2).rebase(0)
    np.testing.assert_allclose(again.covariance_matrix, result.covariance_matrix, **DIGITS)
    assert again.reference == 0


def test_two_classes_seen_from_the_other_are_the_negative():
    result = inferred(two_classes())
    other = result.rebase(1)
    np.testing.assert_allclose(other.coefficients.estimate, -result.coefficients.estimate, rtol=1e-12)
    np.testing.assert_allclose(other.coefficients.std_error, result.coefficients.std_error, rtol=1e-12)


def test_there_is_no_base_that_is_no_class():
    with pytest.raises(ValueError, match="There is no class 'x' among"):
        inferred(overlapping()).rebase("x")
