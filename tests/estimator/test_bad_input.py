"""Bad input: each error says what was given, what was expected, and what to do."""

import numpy as np
import pandas as pd
import problems
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

from softglm import SoftmaxGLM, neg_log_loss

DATA = problems.overlapping()
X, y = DATA.X, DATA.y
n = len(y)
Y = np.identity(3)[y]
SOFT = problems.soft_labels().y[:n, :3]


def spoilt(values, entry):
    values = np.array(values, dtype=np.float64)
    values.flat[7] = entry
    return values


def refusal(function, *args, error=ValueError, **kwargs):
    with pytest.raises(error) as caught:
        function(*args, **kwargs)
    return str(caught.value)


def fit_refusal(*args, **kwargs):
    return refusal(SoftmaxGLM().fit, *args, **kwargs)


@pytest.mark.parametrize("entry", [np.nan, np.inf, -np.inf])
def test_missing_and_infinite_values_are_refused_by_the_name_of_what_holds_them(entry):
    weights, offset = np.ones(n), np.zeros((n, 3))
    what = "NaN" if np.isnan(entry) else "infinity"
    for name, message in {
        "X": fit_refusal(spoilt(X, entry), y),
        "X ": fit_refusal(sparse.csr_matrix(spoilt(X, entry)), y),
        "y": fit_refusal(X, spoilt(y, entry)),
        "y ": fit_refusal(X, spoilt(Y, entry)),
        "sample_weight": fit_refusal(X, y, sample_weight=spoilt(weights, entry)),
        "offset": fit_refusal(X, y, offset=spoilt(offset, entry)),
    }.items():
        assert f"Input {name.strip()} contains" in message
        assert what in message


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba", "decision_function"])
def test_predictions_refuse_what_fit_refuses(method):
    predict = getattr(SoftmaxGLM().fit(X, y), method)
    assert "NaN" in refusal(predict, spoilt(X, np.nan))
    assert "NaN" in refusal(predict, X, offset=spoilt(np.zeros((n, 3)), np.nan))
    assert "X has 3 features, but SoftmaxGLM is expecting 4" in refusal(predict, X[:, :3])
    assert "X has 5 features, but SoftmaxGLM is expecting 4" in refusal(predict, np.insert(X, 0, 1.0, axis=1))
    assert "offset has shape (149, 3), expected (150, 3)" in refusal(predict, X, offset=np.zeros((149, 3)))
    assert "Expected 2D array, got 1D" in refusal(predict, X[0])
    assert "1e+100" in refusal(predict, spoilt(X, 1e200))
    refusal(getattr(SoftmaxGLM(), method), X, error=NotFittedError)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("entry", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("labels", [y, y == 1])
def test_predictions_refuse_what_is_no_number_also_in_a_column_that_does_not_count(labels, entry, convert):
    constant = np.insert(X, 3, 1.0, axis=1)
    model = SoftmaxGLM().fit(constant, labels)
    assert not model.coef_[:, 3].any()
    for column in range(constant.shape[1]):
        given = constant.copy()
        given[1, column] = entry
        assert "Input X contains" in refusal(model.predict, convert(given))


@pytest.mark.parametrize(
    ("weights", "parts"),
    [
        (spoilt(np.ones(n), -2.0), ["negative values, the least is -2", "at least 0"]),
        (np.ones(n - 1), ["shape (149,)", "(150,)", "one weight for each row"]),
        (np.ones((n, 1)), ["shape (150, 1)", "(150,)"]),
        (np.zeros(n), ["weight is zero for every row", "Give some row a weight"]),
        (np.ones(n) * 1j, ["Complex data not supported"]),
        (np.full(n, 1e200), ["1e+200", "1e+100", "Rescale"]),
        (np.full(n, 1e-200), ["1.5e-198", "1e-100", "Rescale"]),
    ],
)
def test_bad_weights(weights, parts):
    message = fit_refusal(X, y, sample_weight=weights)
    assert all(part in message for part in parts), message


def test_scores_check_the_weights_too():
    model = SoftmaxGLM().fit(X, y)
    for score in (model.score, lambda *args, **kwargs: neg_log_loss(model, *args, **kwargs)):
        assert "negative values" in refusal(score, X, y, sample_weight=-np.ones(n))
        assert "shape (3,)" in refusal(score, X, y, sample_weight=np.ones(3))
        assert "zero for every row" in refusal(score, X, y, sample_weight=np.zeros(n))


@pytest.mark.parametrize(
    ("offset", "parts"),
    [
        (np.zeros(n), ["shape (150,)", "expected (150, 3)", "[0, 1, 2]"]),
        (np.zeros((n, 2)), ["shape (150, 2)", "expected (150, 3)"]),
        (np.zeros((n - 1, 3)), ["shape (149, 3)"]),
        (np.zeros((n, 3, 1)), ["dim"]),
        (np.zeros((n, 3), complex), ["Complex data not supported"]),
        (np.full((n, 3), 1e200), ["1e+200", "1e+100"]),
    ],
)
def test_bad_offsets(offset, parts):
    message = fit_refusal(X, y, offset=offset)
    assert all(part in message for part in parts), message


def objects(values, *rows, entry):
    values = np.array(values, dtype=object)
    for row in rows:
        values[row] = entry
    return values


# What stands for a missing value in rows 4 and 9.
MISSING = {
    "NA": lambda values: objects(values, 4, 9, entry=pd.NA),
    "None": lambda values: objects(values, 4, 9, entry=None),
    "NaN among objects": lambda values: objects(values, 4, 9, entry=np.nan),
    "a list": lambda values: objects(values, 4, 9, entry=None).tolist(),
    "Int64": lambda values: pd.DataFrame(objects(values, 4, 9, entry=pd.NA)).astype("Int64").squeeze(),
    "Float64": lambda values: pd.DataFrame(objects(values, 4, 9, entry=pd.NA)).astype("Float64").squeeze(),
    "floats": lambda values: objects(values, 4, 9, entry=np.nan).astype(float),
}


@pytest.mark.parametrize("kind", MISSING)
def test_rows_whose_weight_or_offset_is_missing_are_counted(kind):
    model = SoftmaxGLM().fit(X, y)
    weights, offset = MISSING[kind](np.ones(n)), MISSING[kind](np.zeros((n, 3)))
    for name, message in {
        "sample_weight": fit_refusal(X, y, sample_weight=weights),
        "sample_weight ": refusal(model.score, X, y, sample_weight=weights),
        "offset": fit_refusal(X, y, offset=offset),
        "offset ": refusal(model.predict, X, offset=offset),
    }.items():
        expected = f"Input {name.strip()} contains NaN in 2 of 150 rows, the first at row 4. Fill in"
        assert message.startswith(expected)


def test_rows_whose_weight_or_offset_is_infinite_are_counted():
    assert "contains infinity in 1 of 150 rows, the first at row 7." in fit_refusal(
        X, y, sample_weight=spoilt(np.ones(n), np.inf)
    )
    assert "contains infinity in 1 of 150 rows, the first at row 2." in fit_refusal(
        X, y, offset=spoilt(np.zeros((n, 3)), -np.inf)
    )


DAYS = pd.date_range("2020-01-01", periods=n)
NO_NUMBERS = {
    "text": (lambda: objects(np.ones(n), 5, entry="much"), "holds text in 1 of 150 rows, the first at row 5: 'much'."),
    "text only": (lambda: ["a"] * n, "holds text in 150 of 150 rows, the first at row 0: 'a'."),
    "bytes": (lambda: np.full(n, b"a"), "holds text in 150 of 150 rows"),
    "strings of pandas": (lambda: pd.Series(["a"] * n, dtype="string"), "holds text in 150 of 150 rows"),
    "dates": (lambda: DAYS, "holds dates in 150 of 150 rows, the first at row 0: 2020-01-01"),
    "dates of NumPy": (DAYS.to_numpy, "holds dates in 150 of 150 rows"),
    "durations": (lambda: np.ones(n, "m8[s]"), "holds dates in 150 of 150 rows, the first at row 0: 1 seconds."),
    "durations of pandas": (lambda: pd.Series(DAYS - DAYS[0]), "holds dates in 150 of 150 rows"),
    "a date among numbers": (lambda: objects(np.ones(n), 8, entry=DAYS[0]), "holds dates in 1 of 150 rows, the first"),
    "periods": (lambda: DAYS.to_period("D"), "holds dates in 150 of 150 rows"),
    "intervals": (lambda: pd.cut(X[:, 0], 3), "holds intervals in 150 of 150 rows"),
    "lists": (lambda: pd.Series([[1, 2]] * n), "holds lists or structures in 150 of 150 rows"),
    "objects": (lambda: objects(np.ones(n), 3, entry=object), "holds objects other than real numbers in 1 of 150 rows"),
    "rows of different lengths": (lambda: [[1.0], [1.0, 2.0]] * (n // 2), "has rows of different lengths"),
}


@pytest.mark.parametrize(("make", "part"), NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_weights_and_offsets_that_are_no_numbers_are_named(make, part):
    for what in ("sample_weight", "offset"):
        message = refusal(SoftmaxGLM().fit, X, y > 0, **{what: make()})
        assert message.startswith(f"{what} {part}")
        assert "xpected" in message


def test_durations_in_one_column_of_an_offset_are_named():
    offset = pd.DataFrame(np.zeros((n, 3))).assign(**{"1": DAYS - DAYS[0]})
    assert "offset holds dates in 150 of 150 rows" in fit_refusal(X, y, offset=offset)


@pytest.mark.parametrize(
    "weights",
    [
        np.ones(n, dtype=object),
        pd.Series(np.ones(n), dtype="Int64"),
        pd.Series(np.ones(n) > 0, dtype="boolean"),
        pd.Series(pd.Categorical(np.ones(n))),
        np.ones(n, dtype=bool),
        [1] * n,
    ],
)
def test_weights_may_be_numbers_of_any_type(weights):
    np.testing.assert_array_equal(
        SoftmaxGLM().fit(X, y, sample_weight=weights).coef_, SoftmaxGLM().fit(X, y, sample_weight=np.ones(n)).coef_
    )


def test_the_offset_of_two_classes_may_have_two_shapes():
    message = refusal(SoftmaxGLM().fit, X, y > 0, offset=np.zeros((n, 3)))
    assert "expected (150,) or (150, 2)" in message


@pytest.mark.parametrize(
    ("bad", "parts"),
    [
        (-Y, ["negative entries in 150 rows, the first at row 0", "probabilities or counts"]),
        (np.where(np.arange(n)[:, np.newaxis] == 8, 0.0, Y), ["1 rows of zeros only", "row 8", "Drop"]),
        (Y.astype(str), ["dtype <U", "probabilities or counts", "one-dimensional"]),
        (np.array([["a", "b"]] * n), ["dtype <U1", "probabilities or counts", "one-dimensional"]),
        (np.array([["a", 1.0]] * n, dtype=object), ["dtype object", "probabilities or counts"]),
        (np.array([["2020-01-01", "2020-01-02"]] * n, dtype="M8[D]"), ["dtype datetime64", "probabilities"]),
        (Y[:, :, np.newaxis], ["dim 3"]),
        (Y * 1j, ["Complex data not supported"]),
        (Y[:-1], ["inconsistent numbers of samples: [150, 149]"]),
        (Y * 1e200, ["1e+200", "1e+100"]),
        (sparse.csr_matrix(Y), ["sparse", "toarray()"]),
        (y[:-1], ["inconsistent numbers of samples: [150, 149]"]),
        (X[:, 0], ["Unknown label type: continuous"]),
        (y * 1j, ["Complex data not supported"]),
        (np.array([None, "a"] * (n // 2), dtype=object), ["missing values in place of labels: 75 of 150", "row 0"]),
        (np.array([None] * n, dtype=object), ["150 of 150, the first at row 0"]),
        (np.array([b"a", "b"] * (n // 2), dtype=object), ["types ['bytes', 'str']", "one type", "astype(str)"]),
        (np.array([1, "a"] * (n // 2), dtype=object), ["['number', 'str']", "one type", "astype(str)"]),
        (np.array([True, 2] * (n // 2), dtype=object), ["['bool', 'number']", "one type"]),
        (pd.Series([None, 1] * (n // 2), dtype="Int64"), ["NaN"]),
        (pd.Series(pd.Categorical([None, "a"] * (n // 2))), ["NaN"]),
        (pd.Series([np.nan, 1.0] * (n // 2)), ["NaN"]),
        (np.zeros(n), ["only one class, [0.0]", "at least two"]),
        (None, ["requires y"]),
    ],
    ids=lambda value: None if isinstance(value, list) else type(value).__name__,
)
def test_bad_y(bad, parts):
    message = fit_refusal(X, bad)
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    "score", [lambda model, *args: model.score(*args), neg_log_loss], ids=["score", "neg_log_loss"]
)
@pytest.mark.parametrize(
    ("bad", "parts"),
    [
        (y[:-1], ["149 rows, expected 150"]),
        (y[:1], ["1 rows, expected 150"]),
        (np.vstack([Y, Y]), ["300 rows, expected 150"]),
        (Y[:, :2], ["2 columns, expected 3", "[0, 1, 2]"]),
        (-Y, ["negative"]),
        (np.full(n, "a"), ["['a']", "[0]", "Convert"]),
        (np.array([None] * n), ["missing", "150 of 150"]),
        (np.array([0, "a"] * (n // 2), dtype=object), ["types"]),
        (spoilt(y, np.nan), ["NaN"]),
    ],
)
def test_scores_refuse_a_y_that_does_not_fit(score, bad, parts):
    message = refusal(score, SoftmaxGLM().fit(X, y), X, bad)
    assert all(part in message for part in parts), message


def test_the_log_loss_of_a_label_that_the_model_does_not_know_is_not_a_number():
    message = refusal(neg_log_loss, SoftmaxGLM().fit(X, y), X, y + 1)
    assert all(part in message for part in ("not fitted on", "[0, 1, 2]", "Drop those rows, or refit"))


@pytest.mark.parametrize(
    ("bad", "parts"),
    [
        (X[:, 0], ["Expected 2D array, got 1D"]),
        (X[:, :, np.newaxis], ["dim 3"]),
        (X[:0], ["0 sample(s)"]),
        (X[:, :0], ["0 feature(s)"]),
        (X * 1j, ["Complex data not supported"]),
        (X.astype(str), ["numbers as text", "expected numbers", "astype(float)"]),
        (pd.DataFrame({"a": ["u"] * n}), ["text in column 'a' (row 0: 'u')", "expected numbers", "OneHotEncoder"]),
        (np.full((n, 2), "2020-01-01", dtype="M8[D]"), ["dates in columns 0 (row 0: 2020", "Convert"]),
        (X * 1e200, ["X has values up to", "1e+100", "Rescale"]),
        (spoilt(X, -1e308), ["1e+308", "1e+100"]),
        (sparse.csr_matrix(spoilt(X, 1e200)), ["1e+200", "1e+100"]),
    ],
    ids=str,
)
def test_bad_x(bad, parts):
    message = fit_refusal(bad, y[: len(bad)] if not sparse.issparse(bad) else y)
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    ("parameters", "parts"),
    [
        *[
            ({"alpha": bad}, ["alpha", "at least 0", '"1/n_samples"'])
            for bad in (-1.0, np.nan, np.inf, True, None, "C", [1], 1j)
        ],
        ({"alpha": np.ones(2)}, ["alpha", "at least 0"]),
        *[({"C": bad}, ["C must be a number above 0", "np.inf"]) for bad in (0, -1.0, np.nan, True, "1", [1])],
        ({"C": np.ones(2)}, ["C must be a number above 0"]),
        ({"C": 1e-320}, ["C=1e-320", "overflows", "Increase"]),
        ({"alpha": 0.1, "C": 1.0}, ["alpha=0.1", "C=1.0", "both", "Leave one"]),
        ({"alpha": 0, "C": 1.0}, ["both"]),
        *[({"tol": bad}, ["tol", "at least 0", repr(bad)]) for bad in (-1e-9, np.nan, np.inf, "a", None, True)],
        *[({"max_iter": bad}, ["max_iter", "at least 1", repr(bad)]) for bad in (0, -1, 1.5, 10.0, "a", None, True)],
        *[({"fit_intercept": bad}, ["fit_intercept", "True or False", repr(bad)]) for bad in ("no", None, 2, 0.5)],
        ({"fit_intercept": np.ones(2)}, ["fit_intercept", "True or False"]),
        ({"warm_start": "no"}, ["warm_start", "True or False", "'no'"]),
        ({"verbose": -2}, ["verbose", "at least 0", "-2"]),
        *[({"class_weight": bad}, ["class_weight", '"balanced"', "dict", repr(bad)]) for bad in ("auto", 3, [1, 2, 3])],
        *[
            ({"class_weight": {0: bad}}, ["class_weight", "from 0", repr(bad)])
            for bad in (-1.0, np.inf, "a", None, 1e200)
        ],
        ({"class_weight": {0: np.nan}}, ["class_weight", "nan"]),
        ({"class_weight": {7: 1.0}}, ["[7]", "[0, 1, 2]", "Rename or drop"]),
        ({"class_weight": {0: 2.0, "1": 1.0}}, ["['1']", "[0, 1, 2]"]),
    ],
    ids=str,
)
def test_bad_parameters(parameters, parts):
    message = refusal(SoftmaxGLM(**parameters).fit, X, y)
    assert all(part in message for part in parts), message


def test_parameters_are_checked_by_fit_only():
    model = SoftmaxGLM(alpha=-1.0, C="no")
    assert model.get_params()["alpha"] == -1.0
    assert SoftmaxGLM().set_params(max_iter=0).max_iter == 0


def test_unknown_parameters_are_refused():
    assert "penalty" in refusal(SoftmaxGLM, penalty="l2", error=TypeError)
    assert "Valid parameters" in refusal(SoftmaxGLM().set_params, solver="lbfgs")
    assert "positional" in refusal(SoftmaxGLM, 1.0, 2.0, error=TypeError)
    assert "groups" in refusal(SoftmaxGLM().fit, X, y, groups=y, error=TypeError)


@pytest.mark.parametrize("true", [True, 1, np.True_])
def test_flags_may_be_whatever_equals_true(true):
    assert SoftmaxGLM(fit_intercept=true, warm_start=true).fit(X, y).converged_


def test_numpy_numbers_are_numbers():
    model = SoftmaxGLM(alpha=np.float32(0.5), tol=np.float64(1e-6), max_iter=np.int64(50)).fit(X, y)
    assert type(model.alpha_) is float
    assert SoftmaxGLM(C=np.int32(2)).fit(X, y).alpha_ == 1.0 / (2.0 * n)
