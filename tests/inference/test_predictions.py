"""Predicted probabilities and their intervals, by the delta method on the log odds of a class against the rest."""

import numpy as np
import pytest
from problems import collinear, many_classes, overlapping, two_classes, weighted_with_offset
from scipy.special import expit, logit, softmax

from softglm import SoftmaxGLM, infer
from softglm.inference import joint


def inferred(data, alpha=0.0, **options):
    given = {"sample_weight": data.weights, "offset": data.offset}
    model = SoftmaxGLM(alpha=alpha).fit(data.X, data.y, **given)
    return model, infer(model, data.X, data.y, **given, **options)


@pytest.mark.parametrize("covariance", ["model", "robust"])
@pytest.mark.parametrize("make", [overlapping, many_classes, two_classes, weighted_with_offset])
def test_standard_errors_are_those_of_the_delta_method_by_finite_differences(make, covariance):
    data = make()
    _, result = inferred(data, covariance=covariance)
    rows = np.column_stack([np.ones(5), data.X[:5]])
    offset = None if data.offset is None else data.offset[:5]
    known = np.zeros((5, data.n_classes)) if offset is None else offset
    estimate = result.coefficients.estimate

    def log_odds(flat):
        eta = rows @ np.vstack([np.zeros(rows.shape[1]), flat.reshape(estimate.shape)]).T
        return logit(softmax(eta + known, axis=1))

    step = 1e-6
    flat = estimate.ravel()
    gradients = np.stack(
        [(log_odds(flat + step * unit) - log_odds(flat - step * unit)) / (2 * step) for unit in np.identity(len(flat))],
        axis=-1,
    )
    errors = np.sqrt(np.einsum("nki,ij,nkj->nk", gradients, result.covariance_matrix, gradients))
    predicted = result.predict(data.X[:5], offset)
    probability = expit(log_odds(flat))
    np.testing.assert_allclose(predicted.probability, probability, rtol=1e-9)
    np.testing.assert_allclose(predicted.std_error, probability * (1 - probability) * errors, rtol=1e-6)
    np.testing.assert_allclose(logit(predicted.upper) - logit(probability), 1.959963984540054 * errors, rtol=1e-6)
    np.testing.assert_allclose(logit(probability) - logit(predicted.lower), 1.959963984540054 * errors, rtol=1e-6)


@pytest.mark.parametrize("covariance", ["model", "robust"])
@pytest.mark.parametrize("make", [overlapping, many_classes, two_classes, weighted_with_offset])
def test_the_joint_covariance_is_that_of_the_delta_method_and_its_diagonal_the_pointwise_one(make, covariance):
    data = make()
    _, result = inferred(data, covariance=covariance)
    rows = np.column_stack([np.ones(5), data.X[:5]])
    offset = None if data.offset is None else data.offset[:5]
    known, estimate = (np.zeros((5, data.n_classes)) if offset is None else offset), result.coefficients.estimate

    def probability(flat):
        eta = rows @ np.vstack([np.zeros(rows.shape[1]), flat.reshape(estimate.shape)]).T
        return softmax(eta + known, axis=1).ravel()

    flat, units = estimate.ravel(), 1e-6 * np.identity(estimate.size)
    jacobian = np.column_stack([(probability(flat + unit) - probability(flat - unit)) / 2e-6 for unit in units])
    found = result.predict(data.X[:5], offset, joint=True)
    np.testing.assert_allclose(found.covariance, jacobian @ result.covariance_matrix @ jacobian.T, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(found.covariance.diagonal(), found.std_error.ravel() ** 2, rtol=1e-9)
    assert result.predict(data.X[:5], offset).covariance is None


def test_the_joint_covariance_is_missing_where_a_row_is_not_determined():
    data = collinear()
    _, result = inferred(data)
    X = np.array(data.X[:3])
    X[1, -1] += 1.0
    found = result.predict(X, joint=True)
    unknown = np.isnan(found.probability).ravel()
    assert 0 < unknown.sum() < unknown.size
    expected = np.add.outer(unknown, unknown)
    np.testing.assert_array_equal(np.isnan(found.covariance), expected)


def test_a_joint_covariance_beyond_memory_is_refused_with_a_remedy(monkeypatch):
    monkeypatch.setattr(joint, "physical_memory", lambda: 1e4)
    data = overlapping()
    _, result = inferred(data)
    with pytest.raises(
        MemoryError, match=r"takes .* GB, and this machine has .* GB\. Predict fewer rows, or take contrasts"
    ):
        result.predict(data.X, joint=True)


def test_probabilities_are_those_of_the_model():
    data = many_classes()
    for alpha in (0.0, 0.1):
        model, result = inferred(data, alpha)
        np.testing.assert_allclose(result.predict(data.X).probability, model.predict_proba(data.X), rtol=1e-6)


def test_far_out_nothing_overflows_and_small_probabilities_keep_their_digits():
    data = overlapping()
    _, result = inferred(data)
    far = result.predict(1e3 * data.X)
    for values in (far.probability, far.std_error, far.lower, far.upper):
        assert np.isfinite(values).all()
    assert ((far.lower <= far.probability) & (far.probability <= far.upper)).all()
    np.testing.assert_allclose(far.probability.sum(axis=1), 1.0, rtol=1e-12)


def test_a_narrower_level_gives_narrower_intervals():
    data = two_classes()
    _, wide = inferred(data, level=0.99)
    _, narrow = inferred(data, level=0.5)
    assert (wide.predict(data.X).lower < narrow.predict(data.X).lower).all()
    assert (narrow.predict(data.X).upper < wide.predict(data.X).upper).all()


def test_new_rows_must_have_the_columns_of_the_fit():
    data = overlapping()
    _, result = inferred(data)
    with pytest.raises(ValueError, match="4 features"):
        result.predict(data.X[:, :3])
