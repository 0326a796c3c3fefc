"""Columns coded as numbers: features one-hot, the target as positions of classes."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

import numpy as np

from softglm.arrays import FloatArray, IntArray
from softglm.cli.tables.columns import Column, Labels, UnusableDataError
from softglm.cli.tables.notation import PADDED, Notation

# A gigabyte of float64.
MAX_CELLS = 2**27


def design_of(columns: Sequence[Column]) -> tuple[FloatArray, tuple[str, ...], list[str]]:
    """Return X, the names of its columns, and which columns were one-hot encoded, with how many values."""
    blocks: list[FloatArray] = []
    names: list[str] = []
    encoded = []
    n_rows = len(columns[0].entries)
    for column in columns:
        if column.is_text:
            levels, codes = np.unique(column.entries, return_inverse=True)
            if n_rows * (len(names) + len(levels)) > MAX_CELLS:
                raise UnusableDataError(
                    f"One-hot encoding {column.name!r}, which has {len(levels)} different values, takes more than a "
                    "gigabyte. Drop that column, or group its values."
                )
            blocks.append((codes[:, np.newaxis] == np.arange(len(levels))).astype(np.float64))
            names += [f"{column.name}={level}" for level in levels]
            encoded.append(f"{column.name} ({'; '.join(filter(None, (f'{len(levels)} values', column.remark)))})")
        else:
            blocks.append(column.entries.astype(np.float64)[:, np.newaxis])
            names.append(column.name)
    return np.hstack(blocks), tuple(names), encoded


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
