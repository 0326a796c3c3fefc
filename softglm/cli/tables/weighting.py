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
        return f"Weights: {self.name}, from {low:g} to {high:g}, in all W = {self.values.sum():.8g}, read as {read_as}."


def split_off(path: Path, columns: Sequence[Column], name: str | None) -> tuple[Column | None, list[Column]]:
    """Return the column of weights, None where none is named, and the others; raise unless it can be one."""
    found = next((column for column in columns if column.name == name), None) if name else None
    if found is None:
        return None, list(columns)
    if found.is_empty:
        raise UnusableDataError(f"{path} has no weight in {found.name!r}: every row is without. Name another column.")
    if not found.is_number:
        raise _no_numbers(path, found)
    if not (found.present <= MOST).all():
        raise UnusableDataError(
            f"{path} has weights beyond {MOST:g} or infinite ones in {found.name!r}. Rescale them, or name another "
            "column."
        )
    negative = found.present[found.present < 0.0]
    if len(negative):
        raise UnusableDataError(
            f"{path} has {negative[0]:g} in {found.name!r} ({count(len(negative), 'row')} below 0), expected weights "
            f"of at least 0. Leave those rows out, or, if {negative[0]:g} stands for nothing, pass "
            f"{option('--na', f'{negative[0]:g}')} --missing drop."
        )
    if not found.present.any():
        raise UnusableDataError(f"{path} has no weight above 0 in {found.name!r}: no row counts. Name another column.")
    return found, [column for column in columns if column is not found]


def that_count(weights: Column) -> BoolArray:
    """Return which rows are there: all but those of weight 0."""
    return np.asarray(weights.is_missing | (weights.entries != 0.0))


def weights_of(column: Column | None, reading: Reading) -> Weights | None:
    """Return the weights of rows that all have some: copies where all are whole numbers, unless it was said."""
    if column is None:
        return None
    are_whole = bool((column.entries == np.floor(column.entries)).all())
    return Weights(column.name, column.entries, are_whole if reading.are_copies is None else reading.are_copies)


def _no_numbers(path: Path, column: Column) -> UnusableDataError:
    kinds = column.strays or tuple(map(str, np.unique(column.present)))
    ways = " ".join(option("--na", stray) for stray in column.strays[:_MOST_SHOWN])
    remedy = f"If they stand for nothing, pass {ways} --missing drop; or name" if ways else "Name"
    return UnusableDataError(
        f"{path} has {shortlist(list(map(repr, kinds[:_MOST_SHOWN])))} in {column.name!r}, expected weights: numbers "
        f"of at least 0, without leading zeros. {remedy} another column."
    )
