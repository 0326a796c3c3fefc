"""Certificates beside the truth: at the stages of a run of L-BFGS, in 80-bit arithmetic; `python -m benchmarks certify`
has a hundred times as many.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from problems import PROBLEMS

from benchmarks.certify import of_random, of_table
from benchmarks.extended import check_arithmetic

# A point that is far from the optimum is certified as tightly as one that is near: of bounds whose truth is known.
MEDIAN = 1.0 + 1e-4

try:
    check_arithmetic()
except RuntimeError as error:
    pytestmark = pytest.mark.skip(reason=str(error))


@pytest.mark.parametrize("name", PROBLEMS)
def test_nothing_false_is_said_on_the_way_to_the_optimum_and_little_is_lost(name):
    for _, points in of_table([name], strengths=(0.0, 1.0), intercepts=(True,), n_stages=3):
        assert all(point is not None for point in points)
        assert not [point.faults for point in points if point.faults]
        for ratios in ([point.gap_ratio for point in points], [point.error_ratio for point in points]):
            told = [ratio for ratio in ratios if np.isfinite(ratio)]
            assert not told or np.median(told) < MEDIAN


def test_nothing_false_is_said_of_random_problems():
    told = [point for _, points in of_random(seed=1, n_cases=6) for point in points]
    assert len(told) > 20
    assert not [point.faults for point in told if point is not None and point.faults]
