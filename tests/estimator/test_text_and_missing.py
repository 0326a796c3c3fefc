"""Text and dates in X, and labels that are missing: named, counted, and told what to do about."""

import datetime as dt
import warnings

import numpy as np
import pandas as pd
import problems
import pytest

from softglm import SoftmaxGLM, neg_log_loss
from softglm.validation.labels import missing_labels

DATA = problems.overlapping()
n = len(DATA.y)
COLOURS = np.array(["red", "green", "blue"])[DATA.y]
FRAME = pd.DataFrame(DATA.X, columns=list("abcd"))


def with_column(column, values):
    X = DATA.X.astype(object)
    X[:, column] = values
    return X


def with_missing(values, *rows, missing=np.nan):
    values = np.array(values, dtype=object)
    values[list(rows)] = missing
    return values


def refusal(function, *args):
    with pytest.raises(ValueError, match=r"expected|contains") as caught:
        function(*args)
    return str(caught.value)


def polars_frame(**columns):
    polars = pytest.importorskip("polars")
    return polars.DataFrame({"a": DATA.X[:, 0], **columns})


TEXT = {
    "objects": (lambda: with_column(2, COLOURS), "column 2 (row 0: "),
    "objects, the first missing": (lambda: with_column(0, with_missing(COLOURS, 0, 1)), "column 0 (row 2: "),
    "objects, the first None": (lambda: with_column(0, with_missing(COLOURS, 0, missing=None)), "column 0 (row 1: "),
    "lists": (lambda: with_column(1, COLOURS).tolist(), "column 1 (row 0: "),
    "strings": (lambda: np.c_[COLOURS, COLOURS], "columns 0 (row 0: "),
    "one text among numbers": (lambda: with_column(3, with_missing(DATA.X[:, 3], 7, missing="?")), "3 (row 7: '?')"),
    "bytes": (lambda: np.c_[COLOURS].astype("S5"), "column 0 (row 0: "),
    "pandas, objects": (lambda: FRAME.assign(colour=COLOURS.astype(object)), "column 'colour' (row 0: "),
    "pandas, strings": (lambda: FRAME.assign(b=pd.Series(COLOURS, dtype="string")), "column 'b' (row 0: "),
    "pandas, strings and NA": (
        lambda: FRAME.assign(b=pd.Series(with_missing(COLOURS, 0, missing=pd.NA), dtype="string")),
        "column 'b' (row 1: ",
    ),
    "pandas, categories": (lambda: FRAME.assign(c=pd.Categorical(COLOURS)), "column 'c' (row 0: "),
    "pandas, beside NaN in numbers": (lambda: FRAME.assign(a=np.nan, c=COLOURS), "column 'c' (row 0: "),
    "pandas, yes or no": (lambda: FRAME.assign(smokes=np.where(DATA.y > 0, "yes", "no")), "column 'smokes' (row 0: "),
    "pandas, true or false as text": (lambda: FRAME.assign(old=(DATA.y > 0).astype(str)), "column 'old' (row 0: "),
    "pandas, numbered columns": (lambda: pd.DataFrame(with_column(1, COLOURS)), "column 1 (row 0: "),
    "polars": (lambda: polars_frame(colour=COLOURS.tolist()), "column 'colour' (row 0: "),
    "polars, nulls": (lambda: polars_frame(colour=[None, *COLOURS[1:].tolist()]), "column 'colour' (row 1: "),
}  # fmt: skip


@pytest.mark.parametrize("kind", TEXT)
def test_text_in_x_is_named_with_the_remedy(kind):
    make, where = TEXT[kind]
    message = refusal(SoftmaxGLM().fit, make(), DATA.y)
    assert message.startswith("X holds text in column")
    assert where in message
    assert "OneHotEncoder" in message
    assert '"A mixed data frame" in the guide' in message


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba", "decision_function"])
def test_predictions_name_it_too(method):
    plain, named = SoftmaxGLM().fit(DATA.X, DATA.y), SoftmaxGLM().fit(FRAME, DATA.y)
    assert "text in column 2 (row 0: " in refusal(getattr(plain, method), with_column(2, COLOURS))
    assert "text in column 'c' (row 0: " in refusal(getattr(named, method), FRAME.assign(c=COLOURS))
    assert "text in column 'c'" in refusal(named.score, FRAME.assign(c=COLOURS), DATA.y)
    assert "dates in column 'c'" in refusal(getattr(named, method), FRAME.assign(c=pd.Timestamp(0)))


def test_many_columns_of_long_text_stay_a_short_message():
    words = np.full((n, 40), "a very long answer to an open question " * 10)
    message = refusal(SoftmaxGLM().fit, words, DATA.y)
    assert "2 (row 0: 'a very long answer to an open ...') and 37 more" in message


def test_numbers_as_text_are_to_be_converted_rather_than_encoded():
    message = refusal(SoftmaxGLM().fit, DATA.X.astype(str), DATA.y)
    assert message.startswith("X holds numbers as text in columns 0 (row 0: ")
    assert "astype(float)" in message
    # In an array of objects scikit-learn converts them itself.
    SoftmaxGLM().fit(DATA.X.astype(str).astype(object), DATA.y)


DAYS = pd.date_range("2020-01-01", periods=n)
DATES = {
    "pandas": lambda: FRAME.assign(when=DAYS),
    "pandas, nothing else": lambda: pd.DataFrame({"when": DAYS}),
    "pandas, with a time zone": lambda: FRAME.assign(when=DAYS.tz_localize("UTC")),
    "pandas, durations": lambda: FRAME.assign(when=DAYS - DAYS[0]),
    "pandas, periods": lambda: FRAME.assign(when=DAYS.to_period("D")),
    "pandas, objects": lambda: FRAME.assign(when=[dt.date(2020, 1, 1)] * n),
    "pandas, beside NaN": lambda: FRAME.assign(a=np.nan, when=DAYS),
    "NumPy": lambda: np.c_[DAYS.to_numpy(), DAYS.to_numpy()],
    "lists": lambda: with_column(1, [dt.datetime(2020, 1, 1, tzinfo=dt.UTC)] * n).tolist(),
    "polars, dates": lambda: polars_frame(when=[dt.date(2020, 1, 1)] * n),
    "polars, times": lambda: polars_frame(when=[dt.datetime(2020, 1, 1, tzinfo=dt.UTC)] * n),
}


@pytest.mark.parametrize("kind", DATES)
def test_dates_in_x_are_named_with_the_remedy(kind):
    message = refusal(SoftmaxGLM().fit, DATES[kind](), DATA.y)
    assert message.startswith("X holds dates in ")
    assert "such as the days since" in message
    assert ("when" in message) == (kind not in {"NumPy", "lists"})


BINS = pd.Series(pd.cut(DATA.X[:, 0], 3))
OTHERS = {
    "intervals": (lambda: FRAME.assign(bin=BINS), "intervals in column 'bin' (row 0: (", "take the middle"),
    "intervals, objects": (lambda: FRAME.assign(bin=BINS.astype(object)), "intervals in column 'bin'", "OneHotEncoder"),
    "intervals of an index": (
        lambda: FRAME.assign(bin=pd.interval_range(0, n)),
        "intervals in column 'bin' (row 0: (0, 1])",
        "OneHotEncoder",
    ),
    "lists": (lambda: FRAME.assign(tags=[[1, 2]] * n), "lists or structures in column 'tags'", "Spread them"),
    "lists of one": (lambda: FRAME.assign(tags=[[1]] * n), "lists or structures in column 'tags'", "Spread them"),
    "arrays": (lambda: FRAME.assign(tags=[np.ones(2)] * n), "lists or structures in column 'tags'", "Spread them"),
    "structures": (lambda: FRAME.assign(tags=[{"a": 1}] * n), "lists or structures in column 'tags'", "Spread them"),
    "polars, lists": (lambda: polars_frame(tags=[[1, 2]] * n), "lists or structures in column 'tags'", "Spread them"),
    "polars, structures": (lambda: polars_frame(tags=[{"a": 1}] * n), "structures in column 'tags'", "Spread them"),
    "objects": (lambda: with_column(1, [object()] * n), "objects other than real numbers in column 1", "Convert them"),
    "objects beside NA": (
        lambda: with_column(1, with_missing([object] * n, 0, 1, missing=pd.NA)),
        "objects other than real numbers in column 1 (row 2",
        "Convert them",
    ),
}


@pytest.mark.parametrize(("make", "where", "remedy"), OTHERS.values(), ids=OTHERS)
def test_whatever_else_is_no_number_in_x_is_named_with_the_remedy(make, where, remedy):
    with pytest.raises((TypeError, ValueError), match=r"^X holds ") as caught:
        SoftmaxGLM().fit(make(), DATA.y)
    message = str(caught.value)
    assert where in message
    assert remedy in message


def test_several_missing_values_in_a_column_are_still_missing_values():
    X = FRAME.assign(b=with_missing(DATA.X[:, 1], 4, 5, missing=pd.NA))
    assert "missing values (NaN) in column 'b' (row 4: <NA>)" in refusal(SoftmaxGLM().fit, X, DATA.y)


LABELS = {
    "Interval": lambda: pd.cut(DATA.X[:, 0], 3),
    "Period": lambda: DAYS.to_period("D")[DATA.y],
    "date": lambda: pd.Series([dt.date(2020, 1, 1 + label) for label in DATA.y]),
    "Timestamp": lambda: pd.Series(DAYS[DATA.y]).dt.tz_localize("UTC"),
    "tuple": lambda: pd.Series([("a", int(label)) for label in DATA.y]),
    "ndarray": lambda: pytest.importorskip("polars").Series([[label] for label in DATA.y.tolist()]),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_other_types_are_named_with_the_remedy(kind):
    y = LABELS[kind]()
    for function in (SoftmaxGLM().fit, SoftmaxGLM().fit(DATA.X, COLOURS).score):
        message = refusal(function, DATA.X, y)
        assert f"y has labels of the type {kind}, such as " in message
        assert "y.astype(str)" in message
    if kind in {"Interval", "Period", "date"}:
        assert len(SoftmaxGLM(tol=1e-3).fit(DATA.X, y.astype(str)).classes_) == 3


def test_objects_that_are_missing_in_x_are_named():
    X = FRAME.assign(b=with_missing(DATA.X[:, 1], 4, missing=pd.NA))
    assert "missing values (NaN) in column 'b' (row 4: <NA>)" in refusal(SoftmaxGLM().fit, X, DATA.y)
    assert "SimpleImputer" in refusal(SoftmaxGLM().fit, with_column(2, with_missing(DATA.X[:, 2], 4)), DATA.y)


@pytest.mark.parametrize(
    "column",
    [
        DATA.y > 0,
        (DATA.y > 0).astype(object),
        DATA.X[:, 0].astype(object),
        DATA.X[:, 0].astype(str).astype(object),
        pd.Categorical(DATA.y),
        pd.Series(DATA.y, dtype="Int64"),
        pd.Series(DATA.y > 0, dtype="boolean"),
    ],
    ids=lambda column: str(column.dtype),
)
def test_what_is_a_number_in_a_frame_stays_one(column):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = SoftmaxGLM(tol=1e-6).fit(FRAME.assign(column=column), DATA.y)
    assert model.predict(FRAME.assign(column=column)).shape == (n,)


def text_with(missing):
    return with_missing(COLOURS, 3, 7, missing=missing)


def numbers_with(missing):
    return with_missing(DATA.y, 3, 7, missing=missing)


MISSING = {
    "None among text": lambda: text_with(None),
    "NaN among text": lambda: text_with(np.nan),
    "NA among text": lambda: text_with(pd.NA),
    "NaT among text": lambda: text_with(pd.NaT),
    "NumPy's NaT among text": lambda: text_with(np.datetime64("NaT")),
    "None among numbers": lambda: numbers_with(None),
    "NA among numbers": lambda: numbers_with(pd.NA),
    "a list of text and NaN": lambda: text_with(np.nan).tolist(),
    "a list of text and None": lambda: text_with(None).tolist(),
    "a tuple of numbers and None": lambda: tuple(numbers_with(None)),
    "floats": lambda: numbers_with(np.nan).astype(float),
    "pandas, objects and NA": lambda: pd.Series(text_with(pd.NA), dtype=object),
    "pandas, strings": lambda: pd.Series(text_with(pd.NA), dtype="string"),
    "pandas, str": lambda: pd.Series(text_with(None)),
    "pandas, Int64": lambda: pd.Series(numbers_with(pd.NA), dtype="Int64"),
    "pandas, boolean": lambda: pd.Series(with_missing(DATA.y > 0, 3, 7, missing=pd.NA), dtype="boolean"),
    "pandas, categories": lambda: pd.Series(pd.Categorical(text_with(None))),
    "pandas, categories of numbers": lambda: pd.Series(pd.Categorical(numbers_with(None))),
    "pandas, dates": lambda: pd.Series(pd.to_datetime(with_missing(DAYS[DATA.y], 3, 7, missing=None))),
    "dates": lambda: with_missing(DAYS[DATA.y].to_numpy(), 3, 7, missing=np.datetime64("NaT")).astype("M8[D]"),
    "a column": lambda: text_with(None)[:, np.newaxis],
    "a frame of one column": lambda: pd.DataFrame({"y": text_with(None)}),
    "polars": lambda: pytest.importorskip("polars").Series(text_with(None).tolist()),
    "polars, numbers": lambda: pytest.importorskip("polars").Series(numbers_with(None).tolist()),
}


@pytest.mark.filterwarnings("ignore:A column-vector y:sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize("kind", MISSING)
def test_missing_labels_are_counted_and_the_first_is_named(kind):
    y = MISSING[kind]()
    model = SoftmaxGLM().fit(DATA.X, COLOURS)
    for function in (
        SoftmaxGLM().fit,
        model.score,
        lambda X, y: neg_log_loss(model, X, y),
    ):
        message = refusal(function, DATA.X, y)
        assert "missing values in place of labels: 2 of 150, the first at row 3." in message
        assert "Drop those rows" in message


def test_the_text_nan_is_a_label_like_any_other():
    words = np.where(DATA.y == 0, "nan", "None")
    for y in (words, words.tolist(), words.astype(object), pd.Series(words)):
        assert SoftmaxGLM().fit(DATA.X, y).classes_.tolist() == ["None", "nan"]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_rows_of_counts_that_are_missing_are_counted(missing):
    Y = np.identity(3)[DATA.y].astype(object)
    Y[5, 1] = Y[9, 0] = Y[9, 2] = missing
    for given in (Y, Y.tolist(), pd.DataFrame(Y)):
        message = refusal(SoftmaxGLM().fit, DATA.X, given)
        assert "Input y contains NaN or other missing values in 2 rows, the first at row 5." in message


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, None, 2], [False, True, False]),
        (["a", np.nan, "nan", ""], [False, True, False, False]),
        ([pd.NA, pd.NaT, None, float("nan"), np.float32("nan")], [True] * 5),
        ([np.datetime64("NaT"), np.timedelta64("NaT"), np.datetime64("2020")], [True, True, False]),
        (np.array(["2020", "NaT"], dtype="M8[Y]"), [False, True]),
        (np.array([1, "NaT"], dtype="m8[s]"), [False, True]),
        (np.array([1.0, np.nan, np.inf]), [False, True, False]),
        (np.array([0, 1, 2]), [False, False, False]),
        (np.array([True, False]), [False, False]),
        (np.array(["a", "nan"]), [False, False]),
        (np.array([0, False, "", (), pd.NA], dtype=object), [False, False, False, False, True]),
        (pd.Series([1, pd.NA], dtype="Int64"), [False, True]),
        (pd.Series(["a", pd.NA], dtype="string"), [False, True]),
        (pd.Series(pd.Categorical(["a", None, "b"])), [False, True, False]),
        (pd.Series(pd.to_datetime(["2020-01-01", None])), [False, True]),
        (pd.DataFrame({"school": ["x", None], "year": [1, 2]}), [[False, False], [True, False]]),
        (np.array([["a", None], [1, 2.0]], dtype=object), [[False, True], [False, False]]),
        ([], []),
    ],
    ids=str,
)
def test_missing_labels(values, expected):
    missing = missing_labels(values)
    assert missing.dtype == bool
    assert missing.tolist() == expected


def test_missing_labels_of_polars():
    polars = pytest.importorskip("polars")
    for values in (["a", None], [1, None], [1.5, None], [True, None], [dt.date(2020, 1, 1), None]):
        assert missing_labels(polars.Series(values)).tolist() == [False, True]
