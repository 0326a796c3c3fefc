"""Columns coded as numbers: features one-hot, the target as positions of classes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import final

import numpy as np

from softglm.arrays import FloatArray, IntArray
from softglm.cli.tables.columns import Column, Labels, UnusableDataError
from softglm.cli.tables.notation import PADDED, Notation
from softglm.cli.tables.reading import option
from softglm.cli.tables.words import count, shortlist

# A gigabyte of float64.
MAX_CELLS = 2**27
# A text of which each value has fewer rows than this, on average, says little of any class.
_ROWS_OF_A_LEVEL = 2
# Of entries that are no numbers, these many are put into an option.
_MOST_MARKERS = 3


@final
@dataclass(frozen=True, eq=False)
class Design:
    """Columns coded as numbers.

    Attributes
    ----------
    X : array of shape (n, p)
        NaN in all columns of a variable where it is missing.
    features : tuple of str
    variables : tuple of slice
        The columns of each variable: one of numbers, or one for each value of text.
    encoded : tuple of str
        Which columns were one-hot encoded, with how many values.
    advice : tuple of str
        Which of them were hardly meant to be, and the option that mends it.
    """

    X: FloatArray
    features: tuple[str, ...]
    variables: tuple[slice, ...]
    encoded: tuple[str, ...]
    advice: tuple[str, ...]


def design_of(columns: Sequence[Column]) -> Design:
    """Return the columns coded as numbers, text one-hot."""
    blocks: list[FloatArray] = []
    names: list[str] = []
    variables, encoded, advice = [], [], []
    n_rows = len(columns[0].entries)
    for column in columns:
        if column.is_text:
            levels = np.unique(column.present)
            if n_rows * (len(names) + len(levels)) > MAX_CELLS:
                raise UnusableDataError(
                    f"One-hot encoding {column.name!r}, which has {len(levels)} different values, takes more than a "
                    f"gigabyte. {_advice_on(column, len(levels), n_rows) or 'Group its values.'}"
                )
            blocks.append((column.entries[:, np.newaxis] == levels).astype(np.float64))
            added = [f"{column.name}={level}" for level in levels]
            encoded.append(f"{column.name} ({'; '.join(filter(None, (f'{len(levels)} values', column.remark)))})")
            advice.append(_advice_on(column, len(levels), n_rows))
        else:
            blocks.append(column.entries.astype(np.float64)[:, np.newaxis])
            added = [column.name]
        blocks[-1][column.is_missing] = np.nan
        variables.append(slice(len(names), len(names) + len(added)))
        names += added
    return Design(np.hstack(blocks), tuple(names), tuple(variables), tuple(encoded), tuple(filter(None, advice)))


def _advice_on(column: Column, n_levels: int, n_rows: int) -> str:
    """Return what to check of a column that is one-hot encoded; empty if it looks as if that were meant."""
    is_of_rows = _ROWS_OF_A_LEVEL * n_levels > n_rows
    if not (column.strays or is_of_rows):
        return ""
    drop = option("--drop", column.name)
    found = f"{column.name!r} became {count(n_levels, 'column')} of 0 and 1 for {count(n_rows, 'row')}"
    if column.strays:
        which = shortlist([repr(stray) for stray in column.strays])
        markers = " ".join(option("--na", stray) for stray in column.strays[:_MOST_MARKERS])
        return (
            f"{found}: it holds numbers, but for {which}. {markers} --missing drop leaves out such rows, and reads "
            f"numbers; {drop} leaves out the column."
        )
    return (
        f"{found}, as an id or a name of each row would. {drop} leaves it out; if its entries are numbers, write them "
        "as 1234.5 is."
    )


def classes_of(labels: Labels) -> tuple[tuple[str, ...], IntArray]:
    """Return the classes, numbers by size and all else as text, and the position of each row's among them."""
    levels, codes = np.unique(labels.entries, return_inverse=True)
    names = [str(level) for level in levels]
    numbers = _exact(names, labels.notation)
    fractions = [text for text, value in numbers.items() if value != value.to_integral_value()]
    if fractions and labels.may_be_continuous and len(numbers) == len(levels):
        raise UnusableDataError(
            f"The target {labels.name!r} looks continuous: it has values such as {fractions[0]}. Choose a column "
            "of classes, or bin this one."
        )
    if len(set(numbers.values())) == len(levels):
        names.sort(key=numbers.__getitem__)
    positions = {name: position for position, name in enumerate(names)}
    return tuple(names), np.array([positions[level] for level in levels], dtype=np.int32)[codes]


def _exact(texts: Sequence[str], notation: Notation | None) -> dict[str, Decimal]:
    """Return the finite numbers among texts, without rounding."""
    numbers = {}
    for text in texts:
        plain = notation.plain(text) if notation else text
        if PADDED.fullmatch(plain):
            try:
                numbers[text] = Decimal(plain)
            except InvalidOperation:  # an exponent of twenty digits
                continue
    return {text: number for text, number in numbers.items() if number.is_finite()}


def alike(classes: Sequence[str], notation: Notation | None) -> list[str]:
    """Return the classes that are the same number as another, or the same but for upper and lower case."""
    numbers = _exact(classes, notation)
    keys = [numbers.get(name, name.casefold()) for name in classes]
    times = Counter(keys)
    return [name for name, key in zip(classes, keys, strict=True) if times[key] > 1]
