"""Names and labels of every type: what goes in as a name comes out as one."""

import numpy as np
import pandas as pd
import problems
import pytest
from sklearn.exceptions import DataConversionWarning

from softglm import SoftmaxGLM, neg_log_loss

# Frames store columns, arrays rows: sums are taken in another order.
SAME = 1e-10
NAMES = ["melon", "apple", "peach", "lemon"]


def to_pandas(values, columns):
    return pd.DataFrame(values, columns=columns)


def to_polars(values, columns):
    polars = pytest.importorskip("polars")
    return polars.DataFrame(dict(zip(columns, np.asarray(values).T, strict=True)))


FRAMES = pytest.mark.parametrize("to_frame", [to_pandas, to_polars])


@pytest.fixture
def labels():
    return problems.overlapping()


@pytest.fixture
def soft():
    return problems.soft_labels()


@FRAMES
def test_a_frame_x_gives_the_same_model_and_its_column_names(to_frame, labels):
    X = to_frame(labels.X, list("abcd"))
    model, plain = SoftmaxGLM().fit(X, labels.y), SoftmaxGLM().fit(labels.X, labels.y)
    assert np.allclose(model.coef_, plain.coef_, rtol=0.0, atol=SAME)
    assert model.feature_names_in_.tolist() == list("abcd")
    assert np.allclose(model.predict_proba(X), plain.predict_proba(labels.X), rtol=0.0, atol=SAME)
    assert not hasattr(plain, "feature_names_in_")
    model.fit(labels.X, labels.y)
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 4


@FRAMES
def test_columns_of_x_in_another_order_or_of_other_names_are_refused_at_predict(to_frame, labels):
    model = SoftmaxGLM().fit(to_frame(labels.X, list("abcd")), labels.y)
    for columns in ("bacd", "abcx"):
        for method in (model.predict, model.predict_proba, model.predict_log_proba, model.decision_function):
            with pytest.raises(ValueError, match="feature names"):
                method(to_frame(labels.X, list(columns)))


def test_an_array_warns_where_names_were_fitted_and_the_other_way_round(labels):
    named, plain = SoftmaxGLM().fit(pd.DataFrame(labels.X, columns=list("abcd")), labels.y), SoftmaxGLM()
    with pytest.warns(UserWarning, match="valid feature names"):
        named.predict(labels.X)
    with pytest.warns(UserWarning, match="fitted without feature names"):
        plain.fit(labels.X, labels.y).predict(pd.DataFrame(labels.X, columns=list("abcd")))


@FRAMES
def test_the_columns_of_a_frame_y_are_the_classes_sorted_like_labels(to_frame, soft):
    frame = to_frame(soft.y, NAMES)
    model = SoftmaxGLM().fit(soft.X, frame)
    plain = SoftmaxGLM().fit(soft.X, soft.y[:, np.argsort(NAMES)])
    assert model.classes_.tolist() == sorted(NAMES)
    assert plain.classes_.tolist() == [0, 1, 2, 3]
    assert np.array_equal(model.coef_, plain.coef_)
    assert set(model.predict(soft.X)) <= set(NAMES)


@FRAMES
def test_frames_are_matched_by_name_whatever_their_order_and_arrays_by_position(to_frame, soft):
    model = SoftmaxGLM().fit(soft.X, to_frame(soft.y, NAMES))
    other = [2, 0, 3, 1]
    shuffled = to_frame(soft.y[:, other], [NAMES[k] for k in other])
    in_order = soft.y[:, np.argsort(NAMES)]
    assert (
        model.score(soft.X, to_frame(soft.y, NAMES)) == model.score(soft.X, shuffled) == model.score(soft.X, in_order)
    )
    assert neg_log_loss(model, soft.X, shuffled) == neg_log_loss(model, soft.X, in_order)
    assert model.score(soft.X, soft.y) != model.score(soft.X, in_order)


@FRAMES
def test_frames_of_offsets_are_matched_by_name(to_frame, soft):
    offset = np.random.default_rng(0).normal(size=soft.y.shape)
    frame = to_frame(offset, NAMES)
    model = SoftmaxGLM().fit(soft.X, to_frame(soft.y, NAMES), offset=frame)
    in_order = offset[:, np.argsort(NAMES)]
    assert np.array_equal(model.coef_, SoftmaxGLM().fit(soft.X, to_frame(soft.y, NAMES), offset=in_order).coef_)
    assert np.array_equal(model.predict_proba(soft.X, offset=frame), model.predict_proba(soft.X, offset=in_order))
    # With labels too: the classes have names of their own.
    y = np.array(NAMES)[soft.y.argmax(axis=1)]
    by_name, by_position = SoftmaxGLM().fit(soft.X, y, offset=frame), SoftmaxGLM().fit(soft.X, y, offset=in_order)
    assert np.array_equal(by_name.coef_, by_position.coef_)


@FRAMES
def test_frames_with_other_names_are_refused(to_frame, soft):
    wrong = ["melon", "apple", "peach", "plum"]
    model = SoftmaxGLM().fit(soft.X, to_frame(soft.y, NAMES))
    for refused in (
        lambda: model.score(soft.X, to_frame(soft.y, wrong)),
        lambda: neg_log_loss(model, soft.X, to_frame(soft.y, wrong)),
        lambda: model.predict(soft.X, offset=to_frame(soft.y, wrong)),
        lambda: SoftmaxGLM().fit(soft.X, to_frame(soft.y, NAMES), offset=to_frame(soft.y, wrong)),
    ):
        with pytest.raises(ValueError, match=r"plum.*expected the classes.*lemon.*Rename"):
            refused()


def test_column_names_may_be_numbers(soft):
    model = SoftmaxGLM().fit(soft.X, pd.DataFrame(soft.y, columns=[30, 10, 40, 20]))
    assert model.classes_.tolist() == [10, 20, 30, 40]
    assert np.array_equal(model.coef_, SoftmaxGLM().fit(soft.X, soft.y[:, [1, 3, 0, 2]]).coef_)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["a", "b", "a", "c"], "'a'"),
        (["a", "b", 1, "c"], r"types \['number', 'str'\]"),
        (["a", "b", None, "c"], "types"),
        (pd.MultiIndex.from_product([["a", "b"], [0, 1]]), r"types \['tuple'\]"),
    ],
    ids=str,
)
def test_repeated_or_mixed_column_names_are_refused(soft, columns, message):
    frame = pd.DataFrame(soft.y, columns=columns)
    with pytest.raises(ValueError, match=message):
        SoftmaxGLM().fit(soft.X, frame)
    model = SoftmaxGLM().fit(soft.X, soft.y)
    with pytest.raises(ValueError, match=message):
        model.predict(soft.X, offset=frame)


def test_a_frame_of_two_columns_is_bernoulli_with_the_second_class_as_target(soft):
    Y = soft.y[:, :2]
    model = SoftmaxGLM().fit(soft.X, pd.DataFrame(Y, columns=["yes", "no"]))
    assert model.classes_.tolist() == ["no", "yes"]
    assert model.coef_.shape == (1, 3)
    assert np.array_equal(model.coef_, SoftmaxGLM().fit(soft.X, Y[:, ::-1]).coef_)


def test_nullable_frames_of_probabilities_are_read(soft):
    frame = pd.DataFrame(soft.y, columns=NAMES).astype("Float64")
    assert np.array_equal(
        SoftmaxGLM().fit(soft.X, frame).coef_, SoftmaxGLM().fit(soft.X, pd.DataFrame(soft.y, columns=NAMES)).coef_
    )


WORDS = np.array(["c", "a", "b"])
OF_ANY_TYPE = {
    "strings": (lambda y: WORDS[y], ["a", "b", "c"]),
    "objects": (lambda y: WORDS.astype(object)[y], ["a", "b", "c"]),
    "list of strings": (lambda y: WORDS[y].tolist(), ["a", "b", "c"]),
    "series of strings": (lambda y: pd.Series(WORDS[y], index=np.arange(len(y))[::-1]), ["a", "b", "c"]),
    "categorical": (lambda y: pd.Series(pd.Categorical(WORDS[y], categories=["c", "b", "a", "x"])), ["a", "b", "c"]),
    "categorical of numbers": (lambda y: pd.Series(pd.Categorical(y * 10)), [0, 10, 20]),
    "nullable integers": (lambda y: pd.Series(y, dtype="Int64"), [0, 1, 2]),
    "objects that are integers": (lambda y: y.astype(object), [0, 1, 2]),
    "negative integers": (lambda y: y - 5, [-5, -4, -3]),
    "unsigned bytes": (lambda y: y.astype(np.uint8), [0, 1, 2]),
    "whole floats": (lambda y: y.astype(np.float64), [0.0, 1.0, 2.0]),
    "float32": (lambda y: y.astype(np.float32), [0.0, 1.0, 2.0]),
    "big-endian": (lambda y: y.astype(">i8"), [0, 1, 2]),
    "tuple": (tuple, [0, 1, 2]),
}


@pytest.mark.parametrize("kind", OF_ANY_TYPE)
def test_labels_may_be_of_any_type(kind, labels):
    convert, classes = OF_ANY_TYPE[kind]
    y = convert(labels.y)
    model = SoftmaxGLM().fit(labels.X, y)
    assert model.classes_.tolist() == classes
    codes = np.searchsorted(classes, np.asarray(y))
    assert np.array_equal(model.coef_, SoftmaxGLM().fit(labels.X, codes).coef_)
    predicted = model.predict(labels.X)
    assert predicted.dtype == model.classes_.dtype
    assert model.score(labels.X, y) == np.mean(predicted == np.asarray(y))
    assert neg_log_loss(model, labels.X, y) < 0.0


BOOLEANS = {
    "numpy": lambda y: y.astype(bool),
    "objects": lambda y: y.astype(bool).astype(object),
    "nullable": lambda y: pd.Series(y.astype(bool), dtype="boolean"),
    "series": lambda y: pd.Series(y.astype(bool)),
}


@pytest.mark.parametrize("kind", BOOLEANS)
def test_booleans_are_labels(kind):
    data = problems.two_classes()
    model = SoftmaxGLM().fit(data.X, BOOLEANS[kind](data.y))
    assert model.classes_.tolist() == [False, True]
    assert np.array_equal(model.coef_, SoftmaxGLM().fit(data.X, data.y).coef_)
    assert model.score(data.X, BOOLEANS[kind](data.y)) == model.score(data.X, data.y.astype(bool))


def test_polars_series_are_labels_and_weights(labels):
    polars = pytest.importorskip("polars")
    names = WORDS[labels.y]
    weights = np.arange(1.0, 1.0 + len(names))
    model = SoftmaxGLM().fit(labels.X, polars.Series(names), sample_weight=polars.Series(weights))
    plain = SoftmaxGLM().fit(labels.X, names, sample_weight=weights)
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert np.array_equal(model.coef_, plain.coef_)
    assert model.score(labels.X, polars.Series(names)) == plain.score(labels.X, names)


def test_class_weights_are_looked_up_by_label(labels):
    names = WORDS[labels.y]
    by_name = SoftmaxGLM(class_weight={"a": 2.0, "c": 0.5}).fit(labels.X, names)
    by_code = SoftmaxGLM(class_weight={0: 2.0, 2: 0.5}).fit(labels.X, np.searchsorted(sorted(WORDS), names))
    assert np.array_equal(by_name.coef_, by_code.coef_)


def test_a_dict_with_weights_for_all_classes_may_name_others(labels):
    whole = {0: 2.0, 1: 1.0, 2: 0.5}
    one = SoftmaxGLM(class_weight=whole).fit(labels.X, labels.y)
    assert np.array_equal(one.coef_, SoftmaxGLM(class_weight={**whole, 7: 9.0}).fit(labels.X, labels.y).coef_)


@pytest.mark.parametrize("convert", [np.asarray, lambda column: pd.DataFrame(column, columns=["y"])])
def test_a_column_of_labels_warns_and_is_ravelled(convert, labels):
    column = convert(labels.y[:, np.newaxis])
    with pytest.warns(DataConversionWarning, match=r"column-vector y.*y\.ravel\(\)"):
        model = SoftmaxGLM().fit(labels.X, column)
    assert np.array_equal(model.coef_, SoftmaxGLM().fit(labels.X, labels.y).coef_)
    assert model.score(labels.X, column) == model.score(labels.X, labels.y)


def test_a_matrix_of_zeros_and_ones_with_two_ones_in_a_row_may_be_multilabel(labels):
    Y = np.identity(3)[labels.y]
    Y[4] = [1.0, 0.0, 1.0]
    with pytest.warns(UserWarning, match=r"read as counts.*multilabel"):
        model = SoftmaxGLM().fit(labels.X, Y)
    assert model.alpha_ == pytest.approx(1.0 / (len(Y) + 1))


def test_rows_that_sum_to_a_hundred_are_counts_and_a_warning_asks_whether_they_are_percentages(soft):
    with pytest.warns(UserWarning, match=r"sums to 100.*y / 100"):
        model = SoftmaxGLM().fit(soft.X, 100.0 * soft.y)
    assert model.alpha_ == pytest.approx(0.01 / len(soft.y))


def test_other_counts_and_probabilities_warn_of_nothing(soft):
    counts = problems.counts()
    SoftmaxGLM().fit(counts.X, counts.y)
    SoftmaxGLM().fit(soft.X, soft.y)
    SoftmaxGLM().fit(soft.X, np.identity(4)[soft.y.argmax(axis=1)])


@pytest.mark.parametrize(
    ("dtype", "labels"),
    [
        ("int8", [3, 5, 3, 9, 5]),
        ("int8", [-100, 27, 27, -100, 5]),
        ("uint8", [3, 255, 3, 9, 255]),
        ("int32", [-100, 27, 27, -100, 5]),
        ("int64", [2**62, 2**62 + 1, 2**62, 2**62 + 1, 2**62]),
        ("int64", [-(2**63), 2**63 - 1, 0, 0, -(2**63)]),
        ("uint64", [2**62, 2**62 + 1, 2**62, 2**62 + 1, 2**62]),
        ("uint64", [2**64 - 1, 2**64 - 2, 2**64 - 1, 2**64 - 2, 2**64 - 1]),
    ],
)
def test_integers_of_any_kind_are_labels(dtype, labels):
    y = np.array(20 * labels, dtype=dtype)
    model = SoftmaxGLM().fit(np.random.default_rng(0).normal(size=(100, 2)), y)
    classes, codes = np.unique(y, return_inverse=True)
    np.testing.assert_array_equal(model.classes_, classes)
    assert model.classes_.dtype == classes.dtype
    same = SoftmaxGLM().fit(np.random.default_rng(0).normal(size=(100, 2)), codes.astype(str))
    np.testing.assert_array_equal(model.coef_, same.coef_)
