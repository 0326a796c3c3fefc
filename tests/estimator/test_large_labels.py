"""Whole numbers beyond 2**53 as labels: those that differ are never merged; where that cannot be told, it is said."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from softglm import SoftmaxGLM, detect_separation, infer, neg_log_loss
from softglm.validation.labels import places_among

# From here on neighbouring whole numbers are the same float64.
LARGE = 2**53
NEIGHBOURS = [LARGE, LARGE + 1, LARGE + 2]
LARGEST = [2**64 - 2, 2**64 - 1, 5]
rng = np.random.default_rng(11)
codes = np.arange(60) % 3
X = rng.normal(size=(60, 2)) + codes[:, np.newaxis] * [1.0, 0.0]
expected = SoftmaxGLM().fit(X, codes)


def of(labels):
    """Return a list of labels, three of them over and over."""
    return [labels[code] for code in codes]


EXACT = {
    "int64": np.array(of(NEIGHBOURS)),
    "negative": np.array(of([-LARGE - 2, -LARGE - 1, -LARGE])),
    "the ends of int64": np.array(of([-(2**63), -(2**63) + 1, 2**63 - 1])),
    "uint64": np.array(of(sorted(LARGEST)), dtype=np.uint64),
    "a list": of(NEIGHBOURS),
    "a list beyond int64": of(sorted(LARGEST)),
    "a tuple around 2**63": tuple(of([2**63 - 1, 2**63, 2**63 + 1])),
    "numpy scalars of two types": of([np.int64(LARGE), np.int64(LARGE + 1), np.uint64(2**64 - 1)]),
    "objects": np.array(of(NEIGHBOURS), dtype=object),
    "objects beyond int64": np.array(of(sorted(LARGEST)), dtype=object),
    "Series": pd.Series(of(NEIGHBOURS)),
    "Int64": pd.Series(of(NEIGHBOURS), dtype="Int64"),
    "UInt64": pd.Series(of(sorted(LARGEST)), dtype="UInt64"),
    "Categorical of Int64": pd.Series(pd.Categorical(pd.array(of(NEIGHBOURS), dtype="Int64"))),
    "digits": [str(label) for label in of(NEIGHBOURS)],
    "digits as objects": np.array([str(label) for label in of(NEIGHBOURS)], dtype=object),
}


@pytest.mark.parametrize("kind", EXACT)
def test_neighbours_are_different_classes(kind):
    y = EXACT[kind]
    model = SoftmaxGLM().fit(X, y)
    assert model.classes_.tolist() == sorted({*y})
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    assert model.score(X, y) == expected.score(X, codes)
    assert neg_log_loss(model, X, y) == neg_log_loss(expected, X, codes)
    np.testing.assert_array_equal(infer(model, X, y).classes, model.classes_)
    np.testing.assert_array_equal(detect_separation(X, y).classes, model.classes_)


def test_a_column_of_a_frame_is_exact_too():
    frame = pd.DataFrame({"label": pd.array(of(NEIGHBOURS), dtype="Int64")})
    with pytest.warns(UserWarning, match="column-vector"):
        assert SoftmaxGLM().fit(X, frame).classes_.tolist() == NEIGHBOURS


def test_small_nullable_integers_are_integers_as_they_are():
    for dtype in ("Int8", "UInt32", "Int64"):
        assert SoftmaxGLM().fit(X, pd.Series(codes, dtype=dtype)).classes_.dtype == dtype.lower()


LOST = {
    "float64": np.array(of(NEIGHBOURS), dtype=np.float64),
    "one large float": np.array(of([1.0, 2.0, float(LARGE)])),
    "negative": -np.array(of(NEIGHBOURS), dtype=np.float64),
    "float32": np.float32(of([1, 2, 2**24 + 1])),
    "float16": np.float16(of([1, 2, 2**11 + 1])),
    "a list with a float": of([LARGE, LARGE + 1, 3.0]),
    "objects with a float": np.array(of([LARGE, LARGE + 1, 3.0]), dtype=object),
    "Float64": pd.Series(of(NEIGHBOURS), dtype="Float64"),
}


@pytest.mark.parametrize("kind", LOST)
def test_floats_that_have_lost_which_labels_they_were_are_refused(kind):
    y = LOST[kind]
    for use in (SoftmaxGLM().fit, detect_separation, expected.score):
        with pytest.raises(ValueError, match=r"labels as floats .* of \d+ and more, such as .* in row \d") as refused:
            use(X, y)
        assert "Pass them as integers; or as text" in str(refused.value)


def test_floats_below_are_labels():
    y = np.array(of([1.0, -2.0, LARGE - 1.0]))
    assert SoftmaxGLM().fit(X, y).classes_.tolist() == [-2.0, 1.0, LARGE - 1.0]


@pytest.mark.parametrize("labels", [[2**64, 2**64 + 1, 5], [-1, 2**63, 5], [10**400, 1, 2]])
@pytest.mark.parametrize("as_objects", [True, False])
def test_whole_numbers_beyond_64_bits_are_refused(labels, as_objects):
    y = np.array(of(labels), dtype=object) if as_objects else of(labels)
    with pytest.raises(ValueError, match=r"whole numbers from .* expected them within 64 bits\. Pass them as text"):
        SoftmaxGLM().fit(X, y)


@pytest.mark.parametrize("number", [Fraction, Decimal])
def test_numbers_that_numpy_does_not_know_are_named(number):
    with pytest.raises(ValueError, match=rf"labels of the type {number.__name__}.*Convert them"):
        SoftmaxGLM().fit(X, np.array(of(list(map(number, NEIGHBOURS))), dtype=object))


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_missing_labels_among_large_ones_are_missing(missing):
    for y in (
        of([*NEIGHBOURS[:2], missing]),
        np.array(of([*NEIGHBOURS[:2], missing]), dtype=object),
        pd.Series(of([*NEIGHBOURS[:2], missing]), dtype="Int64"),
    ):
        with pytest.raises(ValueError, match="missing values in place of labels: 20 of 60"):
            SoftmaxGLM().fit(X, y)


def test_labels_with_and_without_a_sign_are_compared_exactly():
    signed, unsigned = np.array([LARGE, LARGE + 1, -1]), np.array([LARGE + 1, LARGE + 2, 2**64 - 1], dtype=np.uint64)
    assert places_among(unsigned, signed).tolist() == [1, -1, -1]
    assert places_among(signed, unsigned).tolist() == [-1, 0, -1]
    model = SoftmaxGLM().fit(X, np.array(of(NEIGHBOURS)))
    assert model.score(X, np.array(of(NEIGHBOURS), dtype=np.uint64)) == expected.score(X, codes)
    assert model.score(X, np.array(of(LARGEST), dtype=np.uint64)) == 0.0


def test_columns_named_by_large_numbers_are_different_classes():
    shares = pd.DataFrame(np.identity(3)[codes], columns=sorted(LARGEST))
    assert SoftmaxGLM().fit(X, shares).classes_.tolist() == sorted(LARGEST)
    with pytest.raises(ValueError, match="labels as floats"):
        SoftmaxGLM().fit(
            X, pd.DataFrame(np.identity(3)[codes], columns=pd.Index([LARGE, LARGE + 1, 0.5], dtype=object))
        )


def test_class_weights_find_large_labels():
    model = SoftmaxGLM(class_weight={LARGE + 1: 2.0}).fit(X, of(NEIGHBOURS))
    np.testing.assert_array_equal(model.coef_, SoftmaxGLM(class_weight={1: 2.0}).fit(X, codes).coef_)
