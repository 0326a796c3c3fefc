"""Tables of pandas, polars and NumPy: columns come out as numbers or objects, and go back as what they were."""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from softglm.inference.missing import is_missing
from softglm.pipelines.frames import frame_of

FLOATS = np.array([1.0, 2.5, 3.0])


def pandas_table():
    return pd.DataFrame(
        {
            "whole": [1, 2, 3],
            "single": np.array([1.5, 2.0, 3.0], dtype=np.float32),
            "truth": [True, False, True],
            "text": ["a", "b", None],
            "level": pd.Categorical(["u", "v", "u"]),
            "holes": pd.array([1, None, 3], dtype="Int64"),
        }
    )


def polars_table():
    levels = pl.Series(["u", "v", "u"], dtype=pl.Enum(["v", "u"]))
    whole, single = pl.Series([1, 2, 3]), pl.Series([1.5, 2.0, 3.0], dtype=pl.Float32)
    truth = [True, False, True]
    return pl.DataFrame(
        {
            "whole": whole,
            "single": single,
            "truth": truth,
            "text": ["a", "b", None],
            "level": levels,
            "holes": [1, None, 3],
        }
    )


TABLES = pytest.mark.parametrize("table", [pandas_table, polars_table])


@TABLES
def test_numbers_are_floats_and_all_else_is_as_it_was(table):
    frame = frame_of(table())
    assert frame.names == ("whole", "single", "truth", "text", "level", "holes")
    assert [frame.column(position).dtype.kind for position in range(6)] == ["f", "f", "f", "O", "O", "f"]
    assert frame.column(2).tolist() == [1.0, 0.0, 1.0]
    assert frame.column(3)[:2].tolist() == ["a", "b"]
    assert is_missing(frame.column(3)[2])
    np.testing.assert_array_equal(frame.column(5), [1.0, np.nan, 3.0])


@TABLES
def test_columns_keep_their_types_unless_they_cannot_hold_the_numbers(table):
    given = table()
    frame = frame_of(given)
    same = frame.replaced({position: frame.column(position) for position in range(6)})
    assert [str(one) for one in same.data.dtypes] == [str(one) for one in given.dtypes]
    moved = frame.replaced({0: FLOATS, 1: FLOATS + 1e-9, 5: FLOATS})
    for position in (0, 1, 5):
        assert str(
            moved.data.dtypes.iloc[position] if table is pandas_table else moved.data.dtypes[position]
        ).lower() == ("float64")
    np.testing.assert_array_equal(moved.column(1), FLOATS + 1e-9)
    np.testing.assert_array_equal(frame_of(given).column(0), [1.0, 2.0, 3.0])


@TABLES
def test_what_is_no_category_is_refused(table):
    frame = frame_of(table())
    other = frame.replaced({4: np.array(["v", "v", "u"], dtype=object)})
    assert other.column(4).tolist() == ["v", "v", "u"]
    with pytest.raises(ValueError, match="'w' is none of the categories of the column 'level'"):
        frame.replaced({4: np.array(["w", "v", "u"], dtype=object)})


WITH_A_HOLE = np.array([1.0, np.nan, 0.0])


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint16", "bool", "Sparse[int64]"])
def test_types_of_whole_numbers_give_way_to_missing_ones(dtype):
    table = pd.DataFrame({"a": pd.Series([1, 0, 1]).astype(dtype)})
    frames = [frame_of(table)] if dtype.startswith("S") else [frame_of(table), frame_of(table.to_numpy())]
    for frame in frames:
        np.testing.assert_array_equal(frame.replaced({0: WITH_A_HOLE}).column(0), WITH_A_HOLE)


def test_a_hole_in_one_column_of_an_array_leaves_the_others_what_they_were():
    X = np.array([[1, 2], [3, 4], [5, 2**52 + 1]])
    changed = frame_of(X).replaced({0: WITH_A_HOLE}).data
    assert np.isnan(changed[1, 0])
    np.testing.assert_array_equal(changed[:, 1], X[:, 1])


@pytest.mark.parametrize("dtype", ["Int64", "Int8", "boolean"])
def test_types_that_hold_missing_numbers_keep_them(dtype):
    changed = frame_of(pd.DataFrame({"a": pd.array([1, 0, 1], dtype=dtype)})).replaced({0: WITH_A_HOLE})
    assert str(changed.data.dtypes.iloc[0]) == dtype
    np.testing.assert_array_equal(changed.column(0), WITH_A_HOLE)


@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt8, pl.Boolean])
def test_missing_numbers_in_polars_are_nulls_where_there_are_some_and_nan_elsewhere(dtype):
    table = pl.DataFrame({"full": pl.Series([1, 0, 1]).cast(dtype), "holes": pl.Series([1, None, 0]).cast(dtype)})
    changed = frame_of(table).replaced({0: WITH_A_HOLE, 1: WITH_A_HOLE})
    assert changed.data["full"].is_nan().sum() == changed.data["holes"].null_count() == 1
    assert changed.data["holes"].dtype == dtype
    for position in (0, 1):
        np.testing.assert_array_equal(changed.column(position), WITH_A_HOLE)


@pytest.mark.parametrize("dtype", ["Sparse[int64]", "Sparse[float64]"])
def test_sparse_columns_of_pandas_take_numbers(dtype):
    frame = frame_of(pd.DataFrame({"a": pd.Series([1, 0, 1]).astype(dtype)}))
    for values in ([0.0, 1.0, 0.0], [0.5, 1.0, 0.0]):
        np.testing.assert_array_equal(frame.replaced({0: np.array(values)}).column(0), values)


@TABLES
def test_categories_are_known_in_their_order(table):
    frame = frame_of(table())
    listed = ["u", "v"] if table is pandas_table else ["v", "u"]
    assert [frame.categories(position) for position in range(6)] == [None] * 4 + [listed, None]


def test_what_lists_no_categories_has_none():
    assert frame_of(np.array([["a"], ["b"]])).categories(0) is None
    # Those of a Categorical come in the order of its rows, which says nothing.
    assert frame_of(pl.DataFrame({"a": pl.Series(["b", "a"], dtype=pl.Categorical)})).categories(0) is None
    ordered = pd.Categorical(["b", None], categories=["b", "a"], ordered=True)
    assert frame_of(pd.DataFrame({"a": ordered})).categories(0) == ["b", "a"]


@TABLES
def test_rows_are_taken_repeatedly(table):
    frame = frame_of(table()).take(np.array([2, 0, 2]))
    assert frame.column(0).tolist() == [3.0, 1.0, 3.0]
    assert len(frame) == 3


def test_arrays_of_every_type():
    whole = frame_of(np.array([[1, 2], [3, 4]]))
    assert whole.replaced({0: np.array([5.0, 6.0])}).data.dtype.kind == "i"
    assert whole.replaced({0: np.array([5.5, 6.0])}).data.tolist() == [[5.5, 2.0], [6.0, 4.0]]
    texts = frame_of(np.array([["a"], ["b"]]))
    assert texts.replaced({0: np.array(["longer", "b"], dtype=object)}).data.tolist() == [["longer"], ["b"]]
    mixed = frame_of([[1, "a"], [2.5, "b"]])
    assert mixed.column(0).tolist() == [1.0, 2.5]
    assert mixed.column(1).tolist() == ["a", "b"]
    assert mixed.names == ("x0", "x1")


@pytest.mark.parametrize(
    "X", [["text", "text"], [[1], [2, 3]], sparse.eye_array(3), np.arange(3.0), [{"a": 1}], pl.LazyFrame({"a": [1]})]
)
def test_what_is_no_table_is_none(X):
    assert frame_of(X) is None


@pytest.mark.parametrize(
    "value",
    [
        None,
        float("nan"),
        np.float32("nan"),
        pd.NA,
        pd.NaT,
        np.datetime64("NaT"),
        np.timedelta64("NaT"),
        Decimal("NaN"),
        complex("nan"),
    ],
    ids=repr,
)
def test_what_is_missing(value):
    assert is_missing(value)


def test_what_is_not_missing():
    values = ("", 0, 0.0, "nan", False, np.inf, np.datetime64("2020-01-01"), Decimal(1), pd.Timestamp(0), [np.nan])
    assert not any(map(is_missing, (*values, np.array([np.nan]), np.timedelta64(0))))
