"""Predictions with columns set to given values, averaged over the rows or at one place."""

import numpy as np
import pandas as pd
import pytest
from estimates import GOLDEN
from problems import OVERLAPPING, Data, collinear, separable
from scipy.special import logit, softmax
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from softglm import SeparationWarning, SoftmaxGLM, infer

ROUNDING = {"rtol": 1e-9, "atol": 1e-12}
# Central differences of step 1e-5 in coefficients of order one.
DIFFERENCES = {"rtol": 1e-5, "atol": 1e-9}
VALUES = np.array([-1.5, 0.0, 2.0])
NORMAL_975 = 1.959963984540054
NAMES = ["overlapping", "many_classes", "two_classes_with_offset", "weighted_with_offset", "sparse_rows"]


def inferred(data, alpha=0.0, **options):
    given = {"sample_weight": data.weights, "offset": data.offset}
    return infer(SoftmaxGLM(alpha=alpha).fit(data.X, data.y, **given), data.X, data.y, **given, **options)


def places(data, at):
    """The rows to average over, and their weights."""
    X, weights = np.array(data.dense, dtype=float), data.row_weights / data.total_weight
    if at != "average":
        X = np.tile(weights @ X, (len(X), 1))
        if at != "means":
            X[:, list(at)] = list(at.values())
    return X, weights


@pytest.mark.parametrize("at", ["average", "means", {1: 0.5}])
@pytest.mark.parametrize("name", NAMES)
def test_they_are_means_of_predictions_and_their_intervals_those_of_the_delta_method(name, at):
    data = OVERLAPPING[name]()
    result = inferred(data)
    X, weights = places(data, at)
    offset = 0.0 if data.offset is None else data.offset
    if np.ndim(offset) == 1:
        offset = np.outer(offset, [0.0, 1.0])
    shape = result.coefficients.estimate.shape

    def means(flat):
        coded = np.vstack([np.zeros(shape[1]), flat.reshape(shape)])
        found = []
        for value in VALUES:
            changed = X.copy()
            changed[:, 0] = value
            found.append(weights @ softmax(coded[:, 0] + changed @ coded[:, 1:].T + offset, axis=1))
        return np.array(found)

    flat, step = result.coefficients.estimate.ravel(), 1e-5
    probability = means(flat)
    units = step * np.identity(len(flat))
    slopes = np.stack([(logit(means(flat + unit)) - logit(means(flat - unit))) / (2 * step) for unit in units], axis=-1)
    errors = np.sqrt(np.einsum("vki,ij,vkj->vk", slopes, result.covariance_matrix, slopes))
    found = result.average_predictions(0, VALUES, at)
    np.testing.assert_allclose(found.probability, probability, **ROUNDING)
    np.testing.assert_allclose(found.std_error, probability * (1 - probability) * errors, **DIFFERENCES)
    np.testing.assert_allclose(logit(found.upper), logit(probability) + NORMAL_975 * errors, **DIFFERENCES)
    np.testing.assert_allclose(logit(found.lower), logit(probability) - NORMAL_975 * errors, **DIFFERENCES)


def test_at_one_place_without_offsets_they_are_predictions():
    data = OVERLAPPING["overlapping"]()
    result = inferred(data, covariance="robust", level=0.9)
    place = np.array([[0.3, -0.2, 1.0, 0.5]])
    found = result.average_predictions([0, 1, 2, 3], place, "means")
    expected = result.predict(place)
    for name in ("probability", "std_error", "lower", "upper"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), **ROUNDING)
    assert found.level == expected.level == 0.9


def test_their_differences_are_the_marginal_effects_of_a_factor_in_a_pipeline():
    students = pd.read_csv(GOLDEN / "data" / "hsb2.csv")
    dummies = OneHotEncoder(categories=[["low", "middle", "high"]], drop="first")
    columns = make_column_transformer((dummies, ["ses"]), remainder="passthrough", verbose_feature_names_out=False)
    X, y = students[["ses", "write"]], students["prog"]
    result = infer(make_pipeline(columns, SoftmaxGLM(alpha=0)).fit(X, y), X, y)
    found = result.average_predictions(["ses_middle", "ses_high"], [[0, 0], [1, 0], [0, 1]])
    effects = result.marginal_effects().estimate[:2]
    np.testing.assert_allclose(found.probability[1:] - found.probability[0], effects, **ROUNDING)


def test_half_the_intervals_of_level_one_half_cover_the_truth():
    rng = np.random.default_rng(0)
    truth = np.array([[0.0, 0.5, -0.4], [0.0, 0.8, 0.3]])
    X = rng.normal(size=(300, 2))
    eta = truth[0, :] + X[:, :1] @ truth[1:] + X[:, 1:] @ -truth[1:] / 2
    mean = softmax(eta, axis=1)
    changed = softmax(truth[0, :] + truth[1:] + X[:, 1:] @ -truth[1:] / 2, axis=1).mean(axis=0)
    covered = []
    for _ in range(200):
        y = (mean.cumsum(axis=1) < rng.uniform(size=(300, 1))).sum(axis=1)
        found = inferred(Data(X, y.astype(np.int32)), level=0.5).average_predictions(0, [1.0])
        covered.append((found.lower[0] < changed) & (changed < found.upper[0]))
    # Binomial with a standard error of 0.035.
    assert np.abs(np.mean(covered, axis=0) - 0.5).max() < 0.12


def test_far_out_nothing_overflows_and_small_probabilities_keep_their_digits():
    found = inferred(OVERLAPPING["overlapping"]()).average_predictions(0, [-100.0, -1e3, 1e3, 1e6])
    for values in (found.probability, found.std_error, found.lower, found.upper):
        assert np.isfinite(values).all()
    assert ((found.lower <= found.probability) & (found.probability <= found.upper)).all()
    assert (found.probability[0] > 0.0).all()
    assert found.probability[0].min() < 1e-50


def test_what_collinear_columns_leave_undetermined_is_nan():
    data = collinear()
    result = inferred(data)
    alone = [np.isnan(result.average_predictions(j, [0.0, 1.0]).probability).all() for j in range(data.X.shape[1])]
    assert alone == [bool(np.isnan(effect).all()) for effect in result.marginal_effects().estimate]
    # A row of the data itself is determined, whatever else is not.
    every = list(range(data.X.shape[1]))
    np.testing.assert_allclose(
        result.average_predictions(every, data.X[:3]).probability, result.predict(data.X[:3]).probability, **ROUNDING
    )


def test_what_makes_no_sense_is_refused():
    result = inferred(OVERLAPPING["overlapping"]())
    with pytest.raises(ValueError, match="no column 'age'"):
        result.average_predictions("age", [1.0])
    with pytest.raises(ValueError, match=r"expected \(v, 2\)"):
        result.average_predictions([0, 1], [1.0, 2.0])
    with pytest.raises(ValueError, match="finite"):
        result.average_predictions(0, [np.nan])
    with pytest.raises(ValueError, match='"average", "means" or a dict'):
        result.average_predictions(0, [1.0], "medians")
    data = separable()
    with pytest.warns(SeparationWarning):
        model = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    with pytest.raises(ValueError, match="average_predictions is not available"):
        infer(model, data.X, data.y).average_predictions(0, [1.0])
