"""Columns of a large Parquet file made numbers, a batch of rows at a time: text one-hot, what is missing filled in."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.cli.tables import (
    Missing,
    Reading,
    UnusableDataError,
    Weights,
    check_are_weights,
    check_names,
    count,
    left_out_rows,
    no_label,
    no_numbers,
    no_weight,
    nothing_left,
    option,
    refused,
    shortlist,
    too_large,
    weights_of,
)
from softglm.sources.arrow import Batch, Table
from softglm.validation.entries import NESTED
from softglm.validation.finite import MOST

# Text of more values is hardly a category.
MOST_LEVELS = 1000
# Numbers of a batch.
_BATCH, _LEAST_ROWS = 2**19, 1024


@final
@dataclass(frozen=True, eq=False)
class CodedRows:
    """Rows of a file, and how its columns become numbers.

    Attributes
    ----------
    table : Table
    target : str
    levels : dict of str to tuple of str
        The values of each feature that is text, which is one-hot encoded; none of one that is numbers.
    fills : dict of str to float
        What stands in for a missing value: a number, or the position of a level.
    required : tuple of str
        Columns without which a row is left out.
    notes : tuple of str
        What was done to columns and rows.
    weights : Weights or None
        Of the rows that are not left out; None where each counts once.
    """

    table: Table
    target: str
    levels: dict[str, tuple[str, ...]]
    fills: dict[str, float]
    required: tuple[str, ...]
    notes: tuple[str, ...]
    weights: Weights | None = None

    @classmethod
    def of(cls, path: Path, target: str, table: Table, reading: Reading) -> "CodedRows":
        """Pass over the file to learn which values text has and what is missing; raise where that is not allowed."""
        names, weighting = _features(path, target, table, reading), reading.weights
        needed = [target] if weighting is None else [target, weighting]
        required = {Missing.ERROR: [], Missing.IMPUTE: needed, Missing.DROP: [*names, *needed]}[reading.missing]
        texts = [name for name in names if table.what(name)]
        survey = _Survey(
            {name: Counter() for name in texts},
            {name: (math.inf, -math.inf) for name in names if name not in texts},
        )
        for batch in table.batches([*names, *needed], _rows_at_once(len(names))):
            survey.add(path, batch, required, weighting)
        survey.check(path, needed, reading.missing)
        varying = [name for name in names if survey.varies(name)]
        if not varying:
            never = shortlist(list(map(repr, names)))
            raise UnusableDataError(f"{path} has nothing to predict {target!r} from: {never} never change.")
        levels = {name: tuple(sorted(survey.levels.get(name, ()))) for name in varying}
        fills = {
            name: levels[name].index(survey.most_frequent(name)) if levels[name] else _median(table, name, needed)
            for name in varying
            if survey.n_missing[name] and reading.missing is Missing.IMPUTE
        }
        still = [name for name in names if name not in levels]
        weights = None if weighting is None else weights_of(weighting, np.concatenate(survey.weights), reading)
        notes = survey.notes(levels, fills, still, needed, reading.missing)
        return cls(
            table,
            target,
            levels,
            fills,
            tuple(name for name in required if survey.n_missing[name]),
            notes if weights is None else (*notes, weights.note),
            weights,
        )

    @cached_property
    def variables(self) -> tuple[slice, ...]:
        """The columns of each feature: one of numbers, or one for each value of text."""
        ends = np.cumsum([len(values) or 1 for values in self.levels.values()]).tolist()
        return tuple(map(slice, [0, *ends[:-1]], ends))

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The names of the columns."""
        named = ([f"{name}={value}" for value in values] or [name] for name, values in self.levels.items())
        return tuple(column for columns in named for column in columns)

    def blocks(self, kept: BoolArray | None = None) -> Iterator[tuple[Any, ...]]:
        """Yield the rows, or some columns of them, their labels, and their weights if they have some."""
        places = {name: {value: at for at, value in enumerate(values)} for name, values in self.levels.items()}
        numbers = [name for name, values in self.levels.items() if not values]
        dtype = self.table.dtype(numbers) if numbers else np.float64
        weighting = None if self.weights is None else self.weights.name
        beside = [self.target, *self.required, *([] if weighting is None else [weighting])]
        for read in self.table.batches([*self.levels, *beside], _rows_at_once(len(self.features))):
            batch = _counting(read, weighting).present(self.required)
            rows = np.arange(batch.record.num_rows)
            X = np.zeros((len(rows), len(self.features)), dtype=dtype)
            for name, columns in zip(self.levels, self.variables, strict=True):
                fill = self.fills.get(name, 0.0)
                if self.levels[name]:
                    values, codes = batch.codes(name)
                    # Values that no row has are in no place; what is missing has the code -1, that of the last one.
                    at = np.array([*(places[name].get(value, 0) for value in values), int(fill)])
                    X[rows, columns.start + at[codes]] = 1.0
                else:
                    X[:, columns.start] = batch.numbers(name, fill)
            weights = () if weighting is None else (batch.numbers(weighting),)
            yield X if kept is None else X[:, kept], batch.labels(self.target), *weights


@final
@dataclass(frozen=True, eq=False)
class _Survey:
    """What a first pass over the rows counts: the values of text, where numbers end, and what is missing."""

    levels: dict[str, Counter[str]]
    ranges: dict[str, tuple[float, float]]
    n_missing: Counter[str] = field(default_factory=Counter)
    totals: Counter[str] = field(default_factory=Counter)
    weights: list[FloatArray] = field(default_factory=list)

    def add(self, path: Path, read: Batch, required: Sequence[str], weighting: str | None) -> None:
        """Count the next rows: the values of text in those in which nothing is missing that is required."""
        batch = _counting(read, weighting)
        if weighting is not None:
            check_are_weights(path, weighting, batch.numbers(weighting))
        is_incomplete = np.zeros(batch.record.num_rows, dtype=bool)
        for name in batch.record.schema.names:
            is_missing = batch.is_missing(name)
            self.n_missing[name] += int(is_missing.sum())
            is_incomplete |= is_missing
        complete = batch.present(required)
        self.totals.update(
            rows=len(is_incomplete),
            incomplete=int(is_incomplete.sum()),
            left_out=len(is_incomplete) - complete.record.num_rows,
            weightless=read.record.num_rows - len(is_incomplete),
        )
        if weighting is not None:
            self.weights.append(complete.numbers(weighting))
        for name, counts in self.levels.items():
            values, codes = complete.codes(name)
            times = np.bincount(codes[codes >= 0], minlength=len(values)).tolist()
            counts.update({value: time for value, time in zip(values, times, strict=True) if time})
            if len(counts) > MOST_LEVELS:
                raise UnusableDataError(
                    f"{path} has text of more than {MOST_LEVELS} different values in {name!r}, expected categories, "
                    f"which are one-hot encoded. {option('--drop', name)} leaves it out."
                )

        for name, (least, most) in self.ranges.items():
            numbers = complete.numbers(name, math.nan)
            self.ranges[name] = (
                float(np.fmin.reduce(numbers, initial=least)),
                float(np.fmax.reduce(numbers, initial=most)),
            )

    def varies(self, name: str) -> bool:
        """Tell whether a column has more than one value."""
        if name in self.levels:
            return len(self.levels[name]) > 1
        least, most = self.ranges[name]
        return least < most

    def check(self, path: Path, needed: Sequence[str], missing: Missing) -> None:
        """Raise if values are missing of which nothing was said, or no row is left without them."""
        target, *weighting = needed
        if weighting and self.n_missing[weighting[0]] == self.totals["rows"]:
            raise no_weight(path, weighting[0])
        if self.n_missing[target] == self.totals["rows"]:
            raise no_label(path, target)
        partial = [name for name, number in self.n_missing.most_common() if number]
        if partial and missing is Missing.ERROR:
            found = [f"{name!r} ({count(self.n_missing[name], 'row')})" for name in partial]
            features = [name for name in partial if name not in needed]
            raise refused(path, found, features, n_incomplete=self.totals["incomplete"], n_rows=self.totals["rows"])
        if self.totals["left_out"] == self.totals["rows"]:
            raise nothing_left(path, partial)
        large = [name for name, (least, most) in self.ranges.items() if least < -MOST or most > MOST]
        if large:
            raise too_large(path, large)

    def notes(
        self,
        levels: dict[str, tuple[str, ...]],
        fills: Iterable[str],
        still: Sequence[str],
        needed: Sequence[str],
        missing: Missing,
    ) -> tuple[str, ...]:
        """Return what was done to columns and rows."""
        left_out = [f"{name!r} (constant)" for name in still]
        if self.totals["weightless"]:
            left_out.append(f"{count(self.totals['weightless'], 'row')} of weight 0")
        if self.totals["left_out"]:
            left_out.append(left_out_rows(self.totals["left_out"], needed, missing))
        done = {
            "One-hot encoded": [f"{name} ({len(values)} values)" for name, values in levels.items() if values],
            "Left out": left_out,
            "Imputed, by the median or the most frequent value": [
                f"{name} ({count(self.n_missing[name], 'row')})" for name in fills
            ],
        }
        return tuple(f"{what}: {', '.join(columns)}." for what, columns in done.items() if columns)

    def most_frequent(self, name: str) -> str:
        """Return that value of a text."""
        return self.levels[name].most_common(1)[0][0]


def _counting(batch: Batch, weighting: str | None) -> Batch:
    """Return the rows that are there: all but those of weight 0."""
    if weighting is None:
        return batch
    return batch.of(batch.is_missing(weighting) | (batch.numbers(weighting) != 0.0))


def _features(path: Path, target: str, table: Table, reading: Reading) -> list[str]:
    """Return the columns that are not left out; raise for those that hold several values in a row."""
    check_names(path, table.names, target, reading.dropped, weights=reading.weights)
    weighting = reading.weights
    if weighting is not None and (table.what(weighting) or table.holds_booleans(weighting)):
        raise no_numbers(path, weighting, table.what(weighting) or "booleans")
    names = [name for name in table.names if name not in {target, weighting, *reading.dropped}]
    nested = [name for name in names if table.what(name) == NESTED]
    if nested:
        raise UnusableDataError(f"{path} has {NESTED} in {nested[0]!r}. {option('--drop', nested[0])} leaves it out.")
    if not names:
        raise UnusableDataError(f"{path} has nothing to predict {target!r} from: there is no other column.")
    return names


def _rows_at_once(n_columns: int) -> int:
    return max(_BATCH // n_columns, _LEAST_ROWS)


def _median(table: Table, name: str, needed: Sequence[str]) -> float:
    """Return that of a column in rows with a label, and a weight; 0 where there is none. It is in memory as a whole."""
    weighting = needed[1] if len(needed) > 1 else None
    counting = (_counting(batch, weighting) for batch in table.batches([name, *needed], _BATCH))
    known = np.concatenate([batch.present([name, *needed]).numbers(name) for batch in counting])
    return float(np.median(known)) if len(known) else 0.0
