"""What stands for a value that is missing: each library has its own."""

from typing import Any

import numpy as np


def is_missing(value: Any) -> bool:  # noqa: ANN401 - whatever an input holds
    """Tell whether a value is None, NaN, NaT or pandas' NA."""
    # NA differs from nothing, not even from itself: it is known by its type.
    if value is None or type(value).__name__ == "NAType":
        return True
    differs = value != value  # noqa: PLR0124 - only NaN and NaT differ from themselves
    return isinstance(differs, bool | np.bool_) and bool(differs)
