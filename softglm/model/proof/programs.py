"""What linear programs about separation cost, said before they are solved."""

import math
from dataclasses import dataclass
from typing import final

# What was measured, on one core: of P parameters and dense contrasts a program takes (P / 400)^4 seconds (17 at 800,
# 84 at 1200), where classes are many about as much less as the root of the share of entries that are not 0; and so many
# bytes for each of its up to 8 P^2 entries. A verdict takes some five of them.
_PARAMETERS_IN_A_SECOND, _PROGRAMS = 400, 5
_BYTES_PER_ENTRY, _ROWS_PER_PARAMETER = 90, 8
# What is no more than this takes no longer than a fit.
_LONG_SECONDS = 0.25
# More than this nobody waits for, or has to spare.
_MOST_SECONDS, _MOST_BYTES = 600.0, 4e9


class ProgramTooLargeError(MemoryError):
    """Deciding whether the classes are separated would take too long, or too much memory."""


@final
@dataclass(frozen=True)
class ProgramCost:
    """About what the linear programs take that decide whether classes are separated.

    Parameters
    ----------
    rank : int
        r, of X with its constant.
    n_ratios : int
        s, the classes but for one.
    """

    rank: int
    n_ratios: int

    @property
    def n_parameters(self) -> int:
        """P = r s."""
        return self.rank * self.n_ratios

    @property
    def density(self) -> float:
        """The share of the entries of a contrast that are not 0: it is one of two classes."""
        return min(2.0 / max(self.n_ratios, 1), 1.0)

    @property
    def seconds(self) -> float:
        """Of one core."""
        return _PROGRAMS * (self.n_parameters / _PARAMETERS_IN_A_SECOND) ** 4 * math.sqrt(self.density)

    @property
    def n_bytes(self) -> float:
        """Of memory."""
        entries = _ROWS_PER_PARAMETER * self.n_parameters**2
        return entries * (16.0 + _BYTES_PER_ENTRY * self.density)

    @property
    def is_long(self) -> bool:
        """Whether they take longer than a fit does."""
        return self.seconds > _LONG_SECONDS

    @property
    def is_too_much(self) -> bool:
        """Whether they are not to be begun."""
        return self.seconds > _MOST_SECONDS or self.n_bytes > _MOST_BYTES

    def require_affordable(self) -> None:
        """Raise if they are not to be begun.

        Raises
        ------
        ProgramTooLargeError
            With what they would take, and the remedy.
        """
        if self.is_too_much:
            raise ProgramTooLargeError(
                f"Whether the classes are separated was not decided: {self.rank:,} independent terms for each of "
                f"{self.n_ratios + 1:,} classes are {self.n_parameters:,} parameters, of which linear programs would "
                f"take about {_duration(self.seconds)} and {self.n_bytes / 1e9:,.1f} GB; no more than "
                f"{_duration(_MOST_SECONDS)} and {_MOST_BYTES / 1e9:,.0f} GB are spent on that. Select features, merge "
                "levels or classes that are rare, or fit with alpha > 0, where an optimum always exists."
            )


def _duration(seconds: float) -> str:
    for size, unit in ((86_400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2.0 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} seconds"
