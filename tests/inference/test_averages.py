"""Predictions with columns set to given values, averaged over the rows or at one place."""

import re
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from estimates import GOLDEN
from problems import OVERLAPPING, Data, collinear, separable
from scipy.special import logit, softmax
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

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


def people():
    """Ages that are whole numbers, a number and a factor."""
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "age": rng.integers(20, 60, 200),
            "z": rng.normal(size=200),
            "sex": rng.choice(np.array(["female", "male"], dtype=object), 200),
        }
    )


def of_people(X=None, numbers=None):
    X = people() if X is None else X
    squares = PolynomialFeatures(2, include_bias=False)
    numbers = squares if numbers is None else make_pipeline(numbers, squares)
    columns = make_column_transformer(
        (make_pipeline(numbers, StandardScaler()), [0, 1]), (OneHotEncoder(drop="first"), [2]), sparse_threshold=0.0
    )
    y = (X["age"].to_numpy() + 9.0 * np.random.default_rng(2).normal(size=len(X)) > 40).astype(int)
    return infer(make_pipeline(columns, SoftmaxGLM()).fit(X, y), X, y)


def of_integers():
    rng = np.random.default_rng(6)
    X = rng.integers(0, 9, size=(150, 2))
    y = (X[:, 0] + 2.0 * rng.normal(size=150) > 4).astype(int)
    return infer(make_pipeline(PolynomialFeatures(2, include_bias=False), SoftmaxGLM()).fit(X, y), X, y)


@pytest.mark.parametrize(
    ("make", "name", "other"),
    [
        (of_integers, 0, 1),
        (of_people, "age", "z"),
        (lambda: of_people(people().assign(z=lambda X: np.arange(len(X)) % 7)), "z", "age"),
        (lambda: of_people(pl.DataFrame(people().to_dict("list"))), "age", "z"),
    ],
)
def test_missing_numbers_are_not_made_up_where_the_pipeline_takes_none(make, name, other):
    result = make()
    with pytest.raises(ValueError, match="The pipeline does not take None for"):
        result.average_predictions(name, [None, 3])
    with pytest.raises(ValueError, match=r"The pipeline does not take .*None for"):
        result.average_predictions(other, [1.0], {name: None})


def test_missing_numbers_are_set_where_the_pipeline_takes_them():
    result = of_people(numbers=SimpleImputer())
    expected = result.average_predictions("age", [float(people()["age"].mean())])
    found = result.average_predictions("age", [None])
    np.testing.assert_allclose(found.probability, expected.probability, **ROUNDING)


@pytest.mark.parametrize(
    "value", [np.nan, np.inf, np.float32("nan"), np.float64("-inf"), np.float16("nan"), 10**400], ids=type
)
def test_numbers_that_are_not_finite_are_refused_wherever_they_are(value):
    for result in (of_people(), of_integers(), with_levels()):
        for name, other in ((0, 1), (1, 0)):
            with pytest.raises(ValueError, match=r"values holds .*, expected"):
                result.average_predictions(name, [1, value])
            with pytest.raises(ValueError, match=r"at holds .*, expected finite numbers"):
                result.average_predictions(name, [1], {other: value})
            with pytest.raises(ValueError, match=r"values holds .*, expected"):
                result.average_predictions([name, other], [[1, 1], [1, value]])


@pytest.mark.parametrize("value", ["high", [1.0, 2.0], None])
def test_columns_of_a_model_are_held_at_numbers_only(value):
    with pytest.raises(ValueError, match=r"at holds .*, expected numbers"):
        with_levels().average_predictions(0, [1], {"x2": value})


def test_a_column_is_set_once():
    model, pipeline = with_levels(), of_people()
    for columns, at, name in (
        (["x0", "x0"], "average", "x0"),
        (["x0", 0], "means", "x0"),
        ([1, -2], "average", "x1"),
        ("x0", {"x0": 12.0}, "x0"),
        ("x2", {"x0": 1.0, 0: 0.0}, "x0"),
    ):
        with pytest.raises(ValueError, match=f"'{name}' is named twice; set each column once, in columns or in at"):
            model.average_predictions(columns, [[1.0] * len(np.atleast_1d(columns))], at)
    for columns, at, name in (
        (["age", "age"], "average", "age"),
        (["z", 1], "average", "z"),
        ("sex", {"sex": "male"}, "sex"),
        ("sex", {"age": 30, 0: 40}, "age"),
    ):
        with pytest.raises(ValueError, match=f"'{name}' is named twice"):
            pipeline.average_predictions(columns, [[1.0] * len(np.atleast_1d(columns))], at)
    with pytest.raises(ValueError, match="'x1' is named twice"):
        model.average_predictions("level", at={"x1": 0.0}, groups={"level": ["x0", "x1"]})


@pytest.mark.parametrize(
    "number", [np.int64, np.int8, np.float32, np.float64, np.bool_, float, Fraction], ids=lambda kind: kind.__name__
)
def test_numbers_of_every_type_are_numbers(number):
    for result, name in ((of_people(), "age"), (with_levels(), "x2")):
        found = result.average_predictions(name, [number(0), number(1)])
        expected = result.average_predictions(name, np.array([0.0, 1.0]))
        assert found.grid.dtype == np.float64
        np.testing.assert_array_equal(found.grid, expected.grid)
        np.testing.assert_array_equal(found.observed, expected.observed)
        np.testing.assert_array_equal(found.probability, expected.probability)
        both = result.average_predictions([0, 1], [[number(0), number(1)]])
        assert both.grid.dtype == np.float64


@pytest.mark.parametrize("table", [pd.DataFrame, pl.DataFrame])
def test_values_may_be_a_table(table):
    result = of_people()
    found = result.average_predictions(["age", "z"], table({"age": [30, 50], "z": [0.5, 1.0]}))
    np.testing.assert_array_equal(found.grid, [[30.0, 0.5], [50.0, 1.0]])
    columns = pl.Series([30.0, 50.0]) if table is pl.DataFrame else pd.Series([30.0, 50.0])
    assert result.average_predictions("age", columns).grid.tolist() == [30.0, 50.0]


@pytest.mark.parametrize("value", [30, 30.5, "male", b"male", np.int64(30), np.array(30), pd.Timestamp("2020-01-01")])
def test_one_value_is_not_read_as_several(value):
    groups = {"level": ["x0", "x1"]}
    for result, name in ((of_people(), "age"), (of_people(), "sex"), (with_levels(), "x2"), (with_levels(), "level")):
        with pytest.raises(ValueError, match=r"values holds .*, expected a list: pass \["):
            result.average_predictions(name, value, groups=groups if name == "level" else None)
    with pytest.raises(ValueError, match=r"values holds 30, expected a list: pass \[30\]\."):
        of_people().average_predictions("age", 30)
    with pytest.raises(ValueError, match=r"values holds 'male', expected a list: pass \['male'\]\."):
        of_people().average_predictions("sex", "male")


def test_columns_of_one_kind_are_set():
    result = of_people()
    square = result.features[2]
    assert result.average_predictions(square, [0.0]).terms == (square,)
    for columns, at, taken in (
        (["age", square], "average", "age"),
        ([square, "age"], "average", "age"),
        ([0, square], "average", "age"),
        (square, {"z": 1.0}, "z"),
        (square, {-1: 1.0}, "sex"),
        ("sex", {square: 1.0}, "sex"),
    ):
        message = f"'{taken}' is a column that the pipeline takes and '{re.escape(square)}' one that it makes: set col"
        with pytest.raises(ValueError, match=message):
            result.average_predictions(columns, [[1.0] * len(np.atleast_1d(columns))], at)
    for columns in (["age", "height"], ["height", square], [7, square]):
        with pytest.raises(ValueError, match="There is no column"):
            result.average_predictions(columns, [[1.0, 1.0]])


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
    # Off the dummy every row is where the rest is; on it, infinitely far.
    away = X.copy()
    away[:, 0] = 0.0
    off, on = result.average_predictions(0, [0.0, 1.0]).probability
    np.testing.assert_allclose(off, result.predict(away).probability.mean(axis=0), rtol=1e-9)
    assert np.isnan(on).all()
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
