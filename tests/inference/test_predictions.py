"""Predicted probabilities and their intervals, by the delta method on the log odds of a class against the rest."""

import numpy as np
import pytest
from problems import many_classes, overlapping, two_classes, weighted_with_offset
from scipy.special import expit, logit, softmax

from softglm import SoftmaxGLM, infer


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
