"""Warnings that point at the user's own line."""

import sys
import warnings


def warn_user(message: str, category: type[Warning]) -> None:
    """Warn at the line that called softglm; between it and us stands scikit-learn, whose callbacks wrap `fit`."""
    level = 1
    frame = sys._getframe()  # noqa: SLF001 - inspect.currentframe is the same, but may be None
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(("softglm.", "sklearn.")):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
