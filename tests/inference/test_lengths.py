"""Lengths of rows in any units: squares neither overflow nor vanish."""

import numpy as np
import pytest

from softglm.inference.lengths import row_lengths, unit_rows

# The rounding of a square root, a sum of few squares and a division.
ROUNDING = 1e-15


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1.0, 1e170, 1e300])
def test_a_length_is_right_in_any_units(scale):
    rows = scale * np.array([[3.0, 4.0, 0.0], [-1.0, 2.0, 2.0]])
    np.testing.assert_allclose(row_lengths(rows) / scale, [5.0, 3.0], rtol=ROUNDING)


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_rows_over_their_lengths_are_of_length_one_whatever_the_others_are(scale):
    rows = np.array([[3.0 * scale, 4.0 * scale], [1.0, 1.0], [0.0, 0.0]])
    given = rows.copy()
    units, lengths = unit_rows(rows)
    np.testing.assert_allclose(np.sqrt(np.square(units).sum(axis=1)), [1.0, 1.0, 0.0], rtol=ROUNDING)
    np.testing.assert_allclose(units * lengths[:, np.newaxis], rows, rtol=ROUNDING)
    np.testing.assert_array_equal(rows, given)


def test_a_row_of_zeros_keeps_its_zeros_and_no_rows_have_no_lengths():
    units, lengths = unit_rows(np.zeros((1, 3)))
    assert units.tolist() == [[0.0, 0.0, 0.0]]
    assert lengths.tolist() == [1.0]
    assert row_lengths(np.zeros((0, 3))).shape == (0,)
