"""Columns are found by their names or by their positions, everywhere in the same way."""

import numpy as np
import pytest

from softglm.inference.names import Names

AGES = Names(("age", "income", "10"))


@pytest.mark.parametrize(
    ("column", "position"), [("age", 0), ("10", 2), (0, 0), (2, 2), (-1, 2), (-3, 0), (np.int64(1), 1)]
)
def test_a_column_is_found_by_its_name_and_by_its_position_from_either_end(column, position):
    assert AGES.find(column) == AGES.position(column) == position


@pytest.mark.parametrize("column", ["Age", "", "1", 3, -4, np.int64(10)])
def test_what_is_no_column_is_not_found_and_the_error_says_what_there_is(column):
    assert AGES.find(column) is None
    expected = r"among the features \['age', 'income', '10'\]" if isinstance(column, str) else "X has 3"
    with pytest.raises(ValueError, match=expected):
        AGES.position(column)


def test_of_many_names_an_error_lists_the_first():
    with pytest.raises(ValueError, match=r"'x9'\]\."):
        Names(tuple(f"x{column}" for column in range(1000))).position("y")


@pytest.mark.parametrize("column", ["age", 0, -1])
def test_without_columns_none_is_found(column):
    assert Names(()).find(column) is None
