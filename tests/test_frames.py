"""Tables of pandas, polars and NumPy: columns come out as numbers or objects, and go back as what they were."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from softglm.frames import frame_of, is_missing

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


@pytest.mark.parametrize("value", [None, float("nan"), np.float32("nan"), pd.NA, pd.NaT, np.datetime64("NaT")])
def test_what_is_missing(value):
    assert is_missing(value)
    assert not any(map(is_missing, ("", 0, 0.0, "nan", False, np.datetime64("2020-01-01"))))
