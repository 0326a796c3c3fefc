"""How much each row counts: by a column of numbers, which is no feature."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.cli.tables.columns import Column, UnusableDataError
from softglm.cli.tables.reading import Reading, option
from softglm.cli.tables.words import count, shortlist
from softglm.validation.finite import MOST

# Of entries that are no weights, an error shows these many.
_MOST_SHOWN = 3


@final
@dataclass(frozen=True, eq=False)
class Weights:
    """How much each row counts.

    Attributes
    ----------
    name : str
        Of the column.
    values : array of shape (n,)
        Above 0.
    are_copies : bool
        Whether a row stands for so many equal ones, and not for so many members of a population it was drawn from.
    """

    name: str
    values: FloatArray
    are_copies: bool

    @property
    def note(self) -> str:
        """What they are taken for."""
        read_as = "numbers of copies of rows" if self.are_copies else "sampling weights"
        low, high = self.values.min(), self.values.max()
        note = f"Weights: {self.name}, from {low:g} to {high:g}, in all W = {self.values.sum():.8g}, read as {read_as}."
        if self.are_copies and not _are_whole(self.values):
            note += " Not all are whole numbers: if they are survey weights, pass --weights-are sampling."
        return note


def split_off(path: Path, columns: Sequence[Column], name: str | None) -> tuple[Column | None, list[Column]]:
    """Return the column of weights, None where none is named, and the others; raise unless it can be one."""
    found = next((column for column in columns if column.name == name), None) if name else None
    if found is None:
        return None, list(columns)
    if not (found.is_number or found.is_empty):
        kinds = found.strays or np.unique(found.present).astype(str).tolist()
        raise no_numbers(path, found.name, shortlist(list(map(repr, kinds[:_MOST_SHOWN]))), found.strays)
    check_are_weights(path, found.name, found.present)
    if not found.present.any():
        raise no_weight(path, found.name)
    return found, [column for column in columns if column is not found]


def check_are_weights(path: Path, name: str, present: FloatArray) -> None:
    """Raise if some of these numbers, none of which is missing, cannot be weights."""
    if not (present <= MOST).all():
        raise UnusableDataError(
            f"{path} has weights beyond {MOST:g} or infinite ones in {name!r}. Rescale them, or name another column."
        )
    negative = present[present < 0.0]
    if len(negative):
        raise UnusableDataError(
            f"{path} has {negative[0]:g} in {name!r} ({count(len(negative), 'row')} below 0), expected weights of at "
            f"least 0. Leave those rows out, or, if {negative[0]:g} stands for nothing, pass "
            f"{option('--na', f'{negative[0]:g}')} --missing drop."
        )


def no_weight(path: Path, name: str) -> UnusableDataError:
    """Return the error that no row counts."""
    return UnusableDataError(f"{path} has no weight above 0 in {name!r}: no row counts. Name another column.")


def that_count(weights: Column) -> BoolArray:
    """Return which rows are there: all but those of weight 0."""
    return np.asarray(weights.is_missing | (weights.entries != 0.0))


def weights_of(name: str, values: FloatArray, reading: Reading) -> Weights:
    """Return weights above 0: of copies where all are whole numbers, unless it was said."""
    return Weights(name, values, _are_whole(values) if reading.are_copies is None else reading.are_copies)


def _are_whole(values: FloatArray) -> bool:
    return bool((values == np.floor(values)).all())


def no_numbers(path: Path, name: str, found: str, strays: Sequence[str] = ()) -> UnusableDataError:
    """Return the error that a column holds something else; but for the strays it would be numbers."""
    ways = " ".join(option("--na", stray) for stray in strays[:_MOST_SHOWN])
    remedy = f"If they stand for nothing, pass {ways} --missing drop; or name" if ways else "Name"
    return UnusableDataError(
        f"{path} has {found} in {name!r}, expected weights: numbers of at least 0, without leading zeros. {remedy} "
        "another column."
    )
