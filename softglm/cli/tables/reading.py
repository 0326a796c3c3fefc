"""How a file is to be read, where the command line says more than the file."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import final

from softglm.cli.tables.notation import MARKERS, MISSING_NUMBERS, PADDED, Notation, present_of


@final
class Missing(Enum):
    """What becomes of a table in which entries are missing."""

    ERROR = "error"
    DROP = "drop"
    IMPUTE = "impute"


@final
@dataclass(frozen=True)
class Reading:
    """What the options of the command say of a file.

    Attributes
    ----------
    dropped : tuple of str
        The names of columns to leave out.
    na, not_na : frozenset of str
        Entries that stand for nothing, beside those that are known; and those known ones that are values here.
    missing : Missing
        What becomes of rows in which something is missing.
    sample : int or None
        How many rows to draw, in the shares of the classes; None for all.
    notation : Notation or None
        How numbers are written, where their column leaves it open.
    weights : str or None
        The name of the column of weights; None for none.
    are_copies : bool or None
        Whether they are numbers of copies of rows, and not sampling weights; None where they tell.
    """

    dropped: tuple[str, ...] = ()
    na: frozenset[str] = frozenset()
    not_na: frozenset[str] = frozenset()
    missing: Missing = Missing.ERROR
    sample: int | None = None
    notation: Notation | None = None
    weights: str | None = None
    are_copies: bool | None = None

    @property
    def markers(self) -> frozenset[str]:
        """What stands for nothing, of what is text."""
        return (MARKERS | self.na) - self.not_na

    def present_of(self, kinds: set[str]) -> set[str]:
        """Return the different entries of a column of text without those that stand for nothing."""
        return present_of(kinds, self.markers, frozenset(MISSING_NUMBERS) - self.not_na)

    def numbers_for_nothing(self, kinds: Iterable[str], notation: Notation | None) -> set[str]:
        """Return the entries that stand for nothing as they are equal to a number that does, whatever their zeros."""
        if notation is None or not self.na_numbers:
            return set()
        return {text for text in kinds if float(notation.plain(text)) in self.na_numbers}

    @property
    def na_numbers(self) -> list[float]:
        """What is said to stand for nothing, of what is a number."""
        return [float(text) for text in self.na if PADDED.fullmatch(text)]


def option(name: str, value: str) -> str:
    """Return an option with its value, as it is typed in a shell."""
    return f"{name}{'=' if value.startswith('-') else ' '}{shlex.quote(value)}"
