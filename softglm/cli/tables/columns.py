"""Columns as they were read, and what makes them unusable."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, IntArray
from softglm.cli.tables.notation import Notation
from softglm.cli.tables.words import hint_at, shortlist
from softglm.validation.finite import MOST


class UnusableDataError(Exception):
    """The data cannot be used; the message says why, and what to do."""


@final
@dataclass(frozen=True, eq=False)
class Column:
    """A column as it was read.

    Attributes
    ----------
    name : str
    entries : array of shape (n,)
        float64, bool, or object: each a str. What is missing may hold anything.
    is_missing : bool array of shape (n,)
    remark : str
        Why entries that may look like numbers are text.
    strays : tuple of str
        Of text, the entries but for which it would be numbers; none where most entries are no numbers.
    notation : Notation or None
        In which numbers were read that are not written as Python writes them.
    """

    name: str
    entries: npt.NDArray[Any]
    is_missing: BoolArray
    remark: str = ""
    strays: tuple[str, ...] = ()
    notation: Notation | None = None

    @property
    def is_number(self) -> bool:
        """Whether the entries are numbers, not booleans."""
        return self.entries.dtype.kind == "f"

    @property
    def is_text(self) -> bool:
        """Whether the entries are neither numbers nor booleans."""
        return self.entries.dtype.kind == "O"

    @property
    def present(self) -> npt.NDArray[Any]:
        """The entries that are not missing."""
        return self.entries[~self.is_missing]

    @property
    def is_empty(self) -> bool:
        """Whether every entry is missing."""
        return bool(self.is_missing.all())

    @property
    def is_constant(self) -> bool:
        """Whether all entries are equal, but for missing ones."""
        present = self.present
        return bool((present == present[:1]).all())

    def at(self, rows: BoolArray | IntArray) -> "Column":
        """Return the column of some of its rows."""
        return replace(self, entries=self.entries[rows], is_missing=self.is_missing[rows])


@final
@dataclass(frozen=True, eq=False)
class Labels:
    """The target as it was read: what the file says, character by character.

    Attributes
    ----------
    name : str
    entries : object array of shape (n,)
        Each a str.
    is_missing : bool array of shape (n,)
    may_be_continuous : bool
        Whether fractions are a quantity; not where the file says that they are strings.
    notation : Notation or None
        In which numbers are written that are not written as Python writes them, if it is known.
    """

    name: str
    entries: npt.NDArray[Any]
    is_missing: BoolArray
    may_be_continuous: bool = True
    notation: Notation | None = None

    def at(self, rows: BoolArray | IntArray) -> "Labels":
        """Return the labels of some of the rows."""
        return replace(self, entries=self.entries[rows], is_missing=self.is_missing[rows])


def check_names(
    path: Path, names: Sequence[str], target: str, dropped: Sequence[str], *, weights: str | None, advice: str = ""
) -> None:
    """Raise if names are repeated, or the target, with advice for that case, the weights or what is dropped missing."""
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise UnusableDataError(
            f"{path} has several columns named {shortlist(list(map(repr, repeated)))}. Give each a name of its own."
        )
    if target in dropped:
        raise UnusableDataError(f"{target!r} is the target, and to be dropped. Drop other columns.")
    if weights == target or weights in dropped:
        role = "the target" if weights == target else "to be dropped (weights are no feature anyway)"
        raise UnusableDataError(f"{weights!r} is to be the weights, and {role}. Choose one.")
    known = set(names)
    for name in (target, *([] if weights is None else [weights]), *dropped):
        if name in known:
            continue
        advice = advice if name == target else ""
        raise UnusableDataError(
            f"{path} has no column {name!r}. {' '.join(filter(None, (hint_at(name, names), advice)))}"
        )


def check_sizes(path: Path, columns: Sequence[Column]) -> None:
    """Raise if numbers are too large."""
    large = [column for column in columns if column.is_number and not (np.abs(column.present) <= MOST).all()]
    if large:
        raise too_large(path, [column.name for column in large])


def too_large(path: Path, names: Sequence[str]) -> UnusableDataError:
    """Return the error that some columns have numbers that are too large."""
    return UnusableDataError(
        f"{path} has values beyond {MOST:g} or infinite ones in {shortlist(list(map(repr, names)))}. Rescale them, or "
        "drop those columns, by --drop."
    )


def listed(columns: Sequence[Column | Labels]) -> str:
    """Return the names for a sentence; of many, the first."""
    return shortlist([repr(column.name) for column in columns])
