"""How a file is to be read, where the command line says more than the file."""

import shlex
from dataclasses import dataclass
from typing import final

from softglm.cli.tables.notation import PADDED, Notation


@final
@dataclass(frozen=True)
class Reading:
    """What the options of the command say of a file.

    Attributes
    ----------
    dropped : tuple of str
        The names of columns to leave out.
    missing : frozenset of str
        Entries that stand for nothing, beside those that are known.
    drops_missing : bool
        Whether rows with missing values are left out.
    notation : Notation or None
        How numbers are written, where their column leaves it open.
    """

    dropped: tuple[str, ...] = ()
    missing: frozenset[str] = frozenset()
    drops_missing: bool = False
    notation: Notation | None = None

    @property
    def missing_numbers(self) -> list[float]:
        """What stands for nothing, of what is a number."""
        return [float(text) for text in self.missing if PADDED.fullmatch(text)]


def option(name: str, value: str) -> str:
    """Return an option with its value, as it is typed in a shell."""
    return f"{name}{'=' if value.startswith('-') else ' '}{shlex.quote(value)}"
