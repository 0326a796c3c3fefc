"""Tables of columns as they come, from a file or with scikit-learn, made ready to be fitted."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_wine

from softglm.arrays import BoolArray, FloatArray, IntArray
from softglm.validation import MOST

if TYPE_CHECKING:
    import pandas as pd

_MAX_LISTED = 12
# A target with more classes, some of them too small, is rather a quantity or a name.
_MANY_CLASSES = 20
# pandas reads more, but not without being asked; the csv module reads none.
_MISSING = ("", "?", "NA", "N/A", "NaN", "nan", "NULL", "null", "<NA>")
_TRUE, _FALSE = {"True", "TRUE", "true"}, {"False", "FALSE", "false"}
_MAX_CELLS = 2**27  # a gigabyte of float64


class UnusableDataError(Exception):
    """The data cannot be used; the message says why, and what to do."""


@final
@dataclass(frozen=True, eq=False)
class Column:
    """A column as it was read: float64, bool, or an object array of str; what is missing may hold anything."""

    name: str
    entries: npt.NDArray[Any]
    is_missing: BoolArray

    @property
    def is_number(self) -> bool:
        """Whether the entries are numbers, not booleans."""
        return self.entries.dtype.kind == "f"

    @property
    def is_text(self) -> bool:
        """Whether the entries are neither numbers nor booleans."""
        return self.entries.dtype.kind == "O"

    @property
    def is_constant(self) -> bool:
        """Whether all entries are equal."""
        return bool((self.entries == self.entries[0]).all())


@final
@dataclass(frozen=True)
class Table:
    """Data ready to be fitted.

    Attributes
    ----------
    name : str
    X : array of shape (n, p)
    codes : int array of shape (n,)
        The classes, as positions in `classes`.
    features, classes : tuple of str
    notes : tuple of str
        What was done to the columns.
    """

    name: str
    X: FloatArray
    codes: IntArray
    features: tuple[str, ...]
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()


def wine_table() -> Table:
    """Return scikit-learn's wine data: 13 columns as they come, three cultivars."""
    wine = load_wine()
    return Table(
        "wine (from scikit-learn)",
        wine.data,
        wine.target.astype(np.int32),
        tuple(wine.feature_names),
        tuple(map(str, wine.target_names)),
    )


def read_table(path: Path, target: str) -> Table:
    """Return the data of a file, or raise an error that says why they cannot be used."""
    try:
        columns = _read_parquet(path) if path.suffix in {".parquet", ".pq"} else _read_csv(path)
    except OSError as error:
        raise UnusableDataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UnusableDataError(f"{path} is not text in UTF-8. Save it as CSV in UTF-8, or as Parquet.") from error
    except (ValueError, csv.Error) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise UnusableDataError(f"{path} cannot be read as a table: {reason}.") from error
    named = [column for column in columns if column.name]
    _check_columns(path, named, target)
    varying = [column for column in named if column.name != target and not column.is_constant]
    constant = [column for column in named if column.name != target and column.is_constant]
    if not varying:
        reason = f"{_listed(constant)} never change" if constant else "there is no other column"
        raise UnusableDataError(f"{path} has nothing to predict {target!r} from: {reason}.")
    X, features, encoded = _design(varying)
    classes, codes = _classes(next(column for column in named if column.name == target))
    left_out = [f"{_listed(constant)} (constant)"] if constant else []
    if len(named) < len(columns):
        left_out.append(f"{count(len(columns) - len(named), 'column')} without a name")
    notes = {"One-hot encoded": encoded, "Left out": left_out}
    return Table(
        path.name,
        X,
        codes,
        features,
        classes,
        tuple(f"{what}: {', '.join(columns)}." for what, columns in notes.items() if columns),
    )


def _read_csv(path: Path) -> list[Column]:
    """Return the columns of a CSV file whose fields are separated by commas, semicolons or tabs."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        first_line = file.readline()
        file.seek(0)
        delimiter = max(",;\t", key=first_line.count)
        rows = (row for row in csv.reader(file, delimiter=delimiter, skipinitialspace=True) if row)
        header = [name.strip() for name in next(rows, [])]
        if not header:
            raise UnusableDataError(f"{path} is empty: expected a line of column names, and rows below it.")
        first = next(rows, None)
        if first is None:
            raise UnusableDataError(f"{path} has column names but no rows.")
        if len(first) != len(header):
            raise ValueError(f"its header has {len(header)} names, but the first row {len(first)} values")
        try:
            import pandas as pd
        except ImportError:
            fields: list[list[str]] = [[] for _ in header]
            for number, row in enumerate([first, *rows], start=1):
                if len(row) != len(header):
                    raise ValueError(
                        f"its header has {len(header)} names, but row {number} {len(row)} values"
                    ) from None
                for column, value in zip(fields, row, strict=True):
                    column.append(value)
            return [_parsed(name, column) for name, column in zip(header, fields, strict=True)]
    frame = pd.read_csv(
        path,
        sep=delimiter,
        skipinitialspace=True,
        encoding="utf-8-sig",
        keep_default_na=False,
        na_values=list(_MISSING),
        low_memory=False,
    )
    frame.columns = header  # pandas renames what is repeated
    return _columns_of(frame)


def _parsed(name: str, texts: list[str]) -> Column:
    """Return a column of text as numbers or booleans if that is what all of its fields are."""
    is_missing = np.array([text in _MISSING for text in texts])
    kinds = set(texts).difference(_MISSING)
    if kinds and kinds <= _TRUE | _FALSE:
        return Column(name, np.array([text in _TRUE for text in texts]), is_missing)
    try:
        if any("_" in text for text in kinds):
            raise ValueError  # noqa: TRY301 - 1_000 is a number to Python only
        values = np.array([np.nan if text in _MISSING else float(text) for text in texts])
    except ValueError:
        return Column(name, np.array(texts, dtype=object), is_missing)
    return Column(name, values, np.isnan(values))


def _read_parquet(path: Path) -> list[Column]:
    try:
        import pandas as pd

        with path.open("rb") as file:
            frame = pd.read_parquet(file)
    except ImportError as error:
        raise UnusableDataError(
            f"{path} is a Parquet file, and reading it needs pandas and pyarrow. Install them: "
            "pip install pandas pyarrow."
        ) from error
    if frame.empty:
        raise UnusableDataError(f"{path} has no rows.")
    return _columns_of(frame if frame.index.names == [None] else frame.reset_index())


def _columns_of(frame: "pd.DataFrame") -> list[Column]:
    columns = []
    for position, name in enumerate(map(str, frame.columns)):
        series = frame.iloc[:, position]
        is_missing = series.isna().to_numpy(dtype=bool)
        if series.dtype in ("bool", "boolean"):
            values = series.to_numpy(dtype=bool, na_value=False)
        elif series.dtype.kind in "iuf":
            values = series.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            values = np.array([str(value) for value in series], dtype=object)
        columns.append(Column(name, values, is_missing))
    return columns


def _check_columns(path: Path, columns: Sequence[Column], target: str) -> None:
    """Raise if names are repeated, the target is not among them, or values are missing or too large."""
    names = [column.name for column in columns]
    repeated = [column for position, column in enumerate(columns) if column.name in names[:position]]
    if repeated:
        raise UnusableDataError(f"{path} has several columns named {_listed(repeated)}. Give each a name of its own.")
    if target not in names:
        by_lower_case = {name.lower(): name for name in names}
        close = [repr(by_lower_case[match]) for match in get_close_matches(target.lower(), by_lower_case)]
        hint = f"Did you mean {' or '.join(close)}?" if close else f"It has {_listed(columns)}."
        raise UnusableDataError(f"{path} has no column {target!r}. {hint}")
    missing = [column for column in columns if column.is_missing.any()]
    if missing:
        raise UnusableDataError(
            f"{path} has missing values in {_listed(missing)}. Fill them in, or drop those rows or columns."
        )
    large = [column for column in columns if column.is_number and not (np.abs(column.entries) <= MOST).all()]
    if large:
        raise UnusableDataError(
            f"{path} has values beyond {MOST:g} or infinite ones in {_listed(large)}. Rescale or drop them."
        )


def _design(columns: Sequence[Column]) -> tuple[FloatArray, tuple[str, ...], list[str]]:
    """Return X, the names of its columns, and which columns were one-hot encoded, with how many values."""
    blocks: list[FloatArray] = []
    names: list[str] = []
    encoded = []
    n_rows = len(columns[0].entries)
    for column in columns:
        if column.is_text:
            levels, codes = np.unique(column.entries, return_inverse=True)
            if n_rows * (len(names) + len(levels)) > _MAX_CELLS:
                raise UnusableDataError(
                    f"One-hot encoding {column.name!r}, which has {len(levels)} different values, takes more than a "
                    "gigabyte. Drop that column, or group its values."
                )
            blocks.append((codes[:, np.newaxis] == np.arange(len(levels))).astype(np.float64))
            names += [f"{column.name}={level}" for level in levels]
            encoded.append(f"{column.name} ({len(levels)} values)")
        else:
            blocks.append(column.entries.astype(np.float64)[:, np.newaxis])
            names.append(column.name)
    return np.hstack(blocks), tuple(names), encoded


def _classes(column: Column) -> tuple[tuple[str, ...], IntArray]:
    """Return the classes, sorted, and the position of each row's among them."""
    labels = column.entries
    if column.is_number:
        fractions = labels[labels != np.round(labels)]
        if len(fractions):
            raise UnusableDataError(
                f"The target {column.name!r} looks continuous: it has values such as {fractions[0]:g}. Choose a column "
                "of classes, or bin this one."
            )
    levels, codes = np.unique(labels, return_inverse=True)
    names = (f"{level:.0f}" if column.is_number else str(level) for level in levels)
    return tuple(names), codes.astype(np.int32)


def check_classes(table: Table, target: str, n_folds: int) -> None:
    """Raise unless there are two classes, and a row of each class for every fold."""
    if len(table.classes) < 2:
        raise UnusableDataError(
            f"{target!r} has only one class, {table.classes[0]!r}: there is nothing to tell apart. Add rows of another."
        )
    counts = np.bincount(table.codes)
    least = int(counts.argmin())
    if counts[least] >= n_folds:
        return
    found = (
        f"Class {table.classes[least]!r} of {target!r} has {count(counts[least], 'row')}, fewer than {n_folds} folds"
    )
    if len(table.classes) > _MANY_CLASSES:
        hint = (
            f"With {len(table.classes)} different values, {target!r} looks continuous, or like a name of each row: "
            "choose a column of classes"
        )
    elif counts[least] > 1:
        hint = f"Use --folds {counts[least]}, or drop or merge that class"
    else:
        hint = "Drop or merge that class, or add rows of it"
    raise UnusableDataError(f"{found}. {hint}.")


def _listed(columns: Sequence[Column]) -> str:
    """Return the names for a sentence; of many, the first."""
    return shortlist([repr(column.name) for column in columns])


def shortlist(items: Sequence[str]) -> str:
    """Return the items, comma-separated; of many, the first and how many more there are."""
    return ", ".join(items[:_MAX_LISTED]) + (
        f" and {len(items) - _MAX_LISTED} more" if len(items) > _MAX_LISTED else ""
    )


def count(number: int, noun: str) -> str:
    """Return the number with its noun, in the plural where it needs one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
