"""Cells show as many digits as the standard error bears, and three of an estimate that has none."""

import numpy as np

from softglm.inference.cells import cells_of


def test_an_estimate_without_a_standard_error_keeps_three_digits():
    estimate = np.array([-0.0754, 0.00372, 2.4, 1234.5, 0.0, np.inf, np.nan])
    nothing = np.full_like(estimate, np.nan)
    cells = cells_of(estimate=estimate, std_error=nothing, lower=nothing, upper=nothing)
    assert [row[0] for row in cells] == ["-0.0754", "0.00372", "2.40", "1234.50", "0.00", "+inf", "-"]
