"""Which of many parameters are enough where only the versions of other packages are tried."""

import pytest


def mostly_slow(values, *, kept):
    """Return the values as parameters, all but the first few of them marked as slow."""
    values = list(values)
    return [*values[:kept], *(pytest.param(value, marks=pytest.mark.slow) for value in values[kept:])]
