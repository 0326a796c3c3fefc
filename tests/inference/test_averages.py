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
    # The pipeline's own column says the same, in the user's words.
    levels = result.average_predictions("ses")
    assert levels.grid.tolist() == ["low", "middle", "high"]
    np.testing.assert_allclose(levels.probability, found.probability, **ROUNDING)
    np.testing.assert_allclose(levels.std_error, found.std_error, **ROUNDING)


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
    with pytest.raises(ValueError, match="values is missing"):
        result.average_predictions([0, 1])
    levels = with_levels()
    with pytest.raises(ValueError, match="no level 'z', expected some of"):
        levels.average_predictions("level", ["z"], groups={"level": [0, 1]})
    with pytest.raises(ValueError, match="not zeros and ones with one of them on"):
        result.average_predictions("level", groups={"level": [0, 1]})


def with_levels():
    """A fit on two dummies, of the levels x0 and x1, their base off, and a number."""
    rng = np.random.default_rng(3)
    level = rng.integers(3, size=300)
    X = np.column_stack([level == 1, level == 2, rng.normal(size=300)]).astype(float)
    y = (rng.uniform(size=300) < 0.2 + 0.25 * level).astype(np.int32)
    return inferred(Data(X, y))


def test_groups_of_dummies_are_set_to_their_levels():
    result = with_levels()
    found = result.average_predictions("level", groups={"level": ["x0", "x1"]}, base="none")
    expected = result.average_predictions([0, 1], [[0, 0], [1, 0], [0, 1]])
    assert found.grid.tolist() == ["none", "x0", "x1"]
    assert found.terms == ("level",)
    np.testing.assert_array_equal(found.probability, expected.probability)
    np.testing.assert_array_equal(found.std_error, expected.std_error)
    some = result.average_predictions("level", ["x1", "(base)"], groups={"level": [0, 1]})
    np.testing.assert_array_equal(some.probability, expected.probability[[2, 0]])
    states = result.average_predictions("level", [[1, 0]], groups={"level": [0, 1]})
    np.testing.assert_array_equal(states.probability, expected.probability[[1]])


def test_by_default_numbers_are_set_to_a_grid_and_switches_to_0_and_1():
    result = with_levels()
    number = result.average_predictions("x2")
    assert number.grid[[0, -1]].tolist() == [number.observed.min(), number.observed.max()]
    assert len(number.grid) == 51
    assert result.average_predictions("x1").grid.tolist() == [0.0, 1.0]


def test_they_print_what_was_set_and_their_frame_has_it_in_a_column():
    result = with_levels()
    text = str(result.average_predictions("level", groups={"level": [0, 1]}))
    assert "level = (base)\n" in text
    assert "level = x1\n" in text
    assert str(result.average_predictions("x2")).endswith("... and 41 more values: see to_frame()")
    frame = result.average_predictions("x2", [0.5, 1]).to_frame()
    assert frame["value"].tolist() == [0.5, 0.5, 1.0, 1.0]
    both = result.average_predictions(["x0", "x2"], [[0, 0.5], [1, 0.5]])
    assert "x0 = 0, x2 = 0.5\n" in str(both)
    assert both.to_frame().columns.tolist()[:3] == ["x0", "x2", "class"]


def separated_by_a_dummy():
    """Column 0 is on only where the class is 0; the rest overlaps."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(300, 3))
    y = rng.integers(3, size=300).astype(np.int32)
    X[:, 0] = (y == 0) & (rng.uniform(size=300) < 0.3)
    X[:, 2] = rng.integers(2, size=300)
    with pytest.warns(SeparationWarning):
        model = SoftmaxGLM(alpha=0).fit(X, y)
    return X, y, infer(model, X, y)


def test_of_separated_classes_what_is_finite_is_predicted():
    X, y, result = separated_by_a_dummy()
    rest = X[:, 0] == 0.0
    alone = infer(SoftmaxGLM(alpha=0).fit(X[rest, 1:], y[rest]), X[rest, 1:], y[rest])
    for column, values in ((1, [-1.0, 0.5]), (2, [0.0, 1.0])):
        found = result.average_predictions(column, values)
        expected = alone.average_predictions(column - 1, values)
        # Where the dummy is on, class 0 is certain, whatever the rest is.
        certain = np.array([1.0, 0.0, 0.0]) * (1.0 - rest.mean())
        np.testing.assert_allclose(found.probability, rest.mean() * expected.probability + certain, rtol=1e-6)
        np.testing.assert_allclose(found.std_error, rest.mean() * expected.std_error, rtol=1e-6)
    assert np.isnan(result.average_predictions(0, [0.0, 1.0]).probability).all()
    # At one place off the separating column all is finite; the mean of that column is no such place.
    there = result.average_predictions([0, 1], [[0.0, 0.3]], {2: 1.0})
    np.testing.assert_allclose(there.probability, alone.predict(np.array([[0.3, 1.0]])).probability, rtol=1e-6)
    assert np.isnan(result.average_predictions(1, [0.0], "means").probability).all()


def test_of_completely_separated_classes_nothing_is_predicted():
    data = separable()
    with pytest.warns(SeparationWarning):
        model = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    result = infer(model, data.X, data.y)
    for at in ("average", "means", {1: 0.0}):
        assert np.isnan(result.average_predictions(0, [1.0], at).probability).all()
