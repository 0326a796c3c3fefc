"""How far something has come, where `verbose` asks for it: how much to print, and lines of columns with their time."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from time import perf_counter
from typing import Any, final

import numpy as np

# From so many seconds on, tenths of them are enough.
_MANY_SECONDS = 100.0
_TIME = "time [s]"


def verbosity(value: Any) -> int:
    """Return how much to print: 0 for nothing, 1 as for True, from 2 on more; raise for anything else."""
    if isinstance(value, bool | np.bool_) or (isinstance(value, Integral) and int(value) >= 0):
        return int(value)
    try:
        given = repr(value)
    except ValueError:  # of an integer of thousands of digits
        given = f"a {type(value).__name__} of too many digits to write"
    raise ValueError(
        f"verbose must be True, False or an integer of at least 0, got {given}: 0 prints nothing, 1 some lines, 2 all "
        "there are."
    )


def say(who: str, text: str) -> None:
    """Print a line."""
    # At once, also into a file or a pipe: who watches is waiting.
    print(f"{who} {text}", flush=True)


@final
class ProgressColumns:
    """Prints lines of columns as soon as they are known: their names before the first, the seconds so far in the last.

    Parameters
    ----------
    who : str
        Whose progress it is, which begins every line.
    widths : mapping from name to width
        Of the columns before the time.
    """

    def __init__(self, who: str, widths: Mapping[str, int]) -> None:
        self._who, self._widths, self._is_begun = who, {**widths, _TIME: len(_TIME)}, False
        self._began = perf_counter()

    @property
    def seconds(self) -> float:
        """Since it began."""
        return perf_counter() - self._began

    def add(self, cells: Sequence[str], seconds: float | None = None) -> None:
        """Print a line of cells, one for each column before the time; by default it is now."""
        if not self._is_begun:
            say(self._who, self._line(list(self._widths)))
            self._is_begun = True
        seconds = self.seconds if seconds is None else seconds
        say(self._who, self._line([*cells, f"{seconds:.{1 if seconds >= _MANY_SECONDS else 3}f}"]))

    def _line(self, cells: Sequence[str]) -> str:
        return "  ".join(cell.rjust(width) for cell, width in zip(cells, self._widths.values(), strict=True))
