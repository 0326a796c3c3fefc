"""Tables as they come, from a file or with scikit-learn, made ready to be fitted."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from sklearn.datasets import load_wine

from softglm.arrays import BoolArray, FloatArray, IntArray
from softglm.cli.tables.coding import alike, classes_of, design_of
from softglm.cli.tables.columns import Column, Labels, UnusableDataError, check_sizes, listed
from softglm.cli.tables.csv_files import read_csv
from softglm.cli.tables.missing import left_out_rows, rows_to_fit
from softglm.cli.tables.notation import PADDED, Notation
from softglm.cli.tables.packing import DAMAGED
from softglm.cli.tables.parquet_files import read_parquet
from softglm.cli.tables.reading import Reading, option
from softglm.cli.tables.sampling import SEED, stratified
from softglm.cli.tables.weighting import Weights, split_off, that_count, weights_of
from softglm.cli.tables.words import count, hint_at, shortlist

# A target with more classes, some of them too small, is rather a quantity or a name.
_MANY_CLASSES = 20
_LEAST_FOLDS = 2
_AS_IT_IS = Reading()


@final
@dataclass(frozen=True)
class Table:
    """Data ready to be fitted.

    Attributes
    ----------
    name : str
    X : array of shape (n, p)
        NaN in all columns of a variable where it is to be imputed.
    codes : int array of shape (n,)
        The classes, as positions in `classes`.
    features, classes : tuple of str
    variables : tuple of slice
        The columns of each variable: one of numbers, or one for each value of text.
    notes : tuple of str
        What was done to the columns.
    advice : tuple of str
        What was hardly meant to be done, and the option of the command that mends it.
    weights : Weights or None
        None where each row counts once.
    """

    name: str
    X: FloatArray
    codes: IntArray
    features: tuple[str, ...]
    classes: tuple[str, ...]
    variables: tuple[slice, ...]
    notes: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    weights: Weights | None = None

    @property
    def row_weights(self) -> FloatArray | None:
        """How much each row counts, shape (n,)."""
        return None if self.weights is None else self.weights.values


def wine_table() -> Table:
    """Return scikit-learn's wine data: 13 columns as they come, three cultivars."""
    wine = load_wine()
    return Table(
        "wine (from scikit-learn)",
        wine.data,
        wine.target.astype(np.int32),
        tuple(wine.feature_names),
        tuple(map(str, wine.target_names)),
        tuple(slice(column, column + 1) for column in range(wine.data.shape[1])),
    )


def read_table(path: Path, target: str, reading: Reading = _AS_IT_IS) -> Table:
    """Return the data of a file, or raise an error that says why they cannot be used."""
    columns, labels, n_in_file = _read(path, target, reading)
    n_rows = len(labels.entries)
    weighting, named = split_off(path, [column for column in columns if column.name], reading.weights)
    _check_is_of_classes(labels.at(~labels.is_missing))
    counting = np.ones(n_rows, dtype=bool) if weighting is None else that_count(weighting)
    named, labels, weighting = _at(counting, named, labels, weighting)
    fitted = rows_to_fit(path, named, labels, weighting, reading.missing)
    named, labels, weighting = _at(fitted, named, labels, weighting)
    check_sizes(path, named)
    varying = [column for column in named if not column.is_constant]
    empty = [column for column in named if column.is_empty]
    constant = [column for column in named if column.is_constant and not column.is_empty]
    if not varying:
        reason = f"{listed(named)} never change" if named else "there is no other column"
        raise UnusableDataError(f"{path} has nothing to predict {target!r} from: {reason}.")
    design = design_of(varying)
    classes, codes = classes_of(labels)
    left_out = [f"{listed(some)} ({what})" for some, what in ((empty, "empty"), (constant, "constant")) if some]
    if reading.dropped:
        left_out.append(f"{shortlist(list(map(repr, reading.dropped)))} (by --drop)")
    n_counting = int(counting.sum())
    if n_counting < n_rows:
        left_out.append(f"{count(n_rows - n_counting, 'row')} of weight 0")
    if len(codes) < n_counting:
        needed = [target] if reading.weights is None else [target, reading.weights]
        left_out.append(left_out_rows(n_counting - len(codes), needed, reading.missing))
    n_unnamed = sum(not column.name for column in columns)
    if n_unnamed:
        left_out.append(f"{count(n_unnamed, 'column')} without a name")
    sampled = [f"{n_rows} of {count(n_in_file, 'row')}, in the shares of the classes (seed {SEED})"]
    done = {
        "Sampled": sampled if n_rows < n_in_file else [],
        "One-hot encoded": design.encoded,
        "Left out": left_out,
        "Imputed, within folds, by the median or the most frequent value": _imputed(varying),
        **{f"Read with {way.words}": [c.name for c in varying if c.notation is way] for way in Notation},
        "Classes that differ in spelling only": [repr(name) for name in alike(classes, labels.notation)],
    }
    notes = tuple(f"{what}: {', '.join(columns)}." for what, columns in done.items() if columns)
    weights = None if weighting is None else weights_of(weighting.name, weighting.entries, reading)
    notes += () if weights is None else (weights.note,)
    return Table(path.name, design.X, codes, design.features, classes, design.variables, notes, design.advice, weights)


def _at(
    rows: BoolArray, columns: Sequence[Column], labels: Labels, weights: Column | None
) -> tuple[list[Column], Labels, Column | None]:
    """Return some rows; as they are, and not copied, where that is all of them."""
    if rows.all():
        return list(columns), labels, weights
    return [column.at(rows) for column in columns], labels.at(rows), None if weights is None else weights.at(rows)


def _imputed(columns: Sequence[Column]) -> list[str]:
    """Return which columns are filled in, and in how many rows."""
    missing = {column.name: int(column.is_missing.sum()) for column in columns}
    return [f"{name} ({count(number, 'row')})" for name, number in missing.items() if number]


def is_parquet(path: Path) -> bool:
    """Tell whether a file is Parquet, by its name."""
    return path.suffix.lower() in {".parquet", ".pq"}


def _read(path: Path, target: str, reading: Reading) -> tuple[list[Column], Labels, int]:
    """Return the features and the target of a file as they are there, and how many rows it has."""
    try:
        if is_parquet(path):
            return read_parquet(path, target, reading)
        columns, labels = read_csv(path, target, reading)
    except OSError as error:
        raise UnusableDataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except DAMAGED as error:
        raise UnusableDataError(f"{path} cannot be unpacked: it is cut short, or damaged ({error}).") from error
    except UnicodeDecodeError as error:
        raise UnusableDataError(f"{path} is not text in UTF-8. Save it as CSV in UTF-8, or as Parquet.") from error
    except ValueError as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise UnusableDataError(f"{path} cannot be read as a table: {reason}.") from error
    n_rows = len(labels.entries)
    if reading.sample is None or reading.sample >= n_rows:
        return columns, labels, n_rows
    rows = stratified(np.unique(labels.entries, return_inverse=True)[1], reading.sample)
    return [column.at(rows) for column in columns], labels.at(rows), n_rows


def check_classes(table: Table, target: str, n_folds: int, *, is_sample: bool = False) -> None:
    """Raise unless there are two classes, and a row of each class for every fold."""
    if len(table.classes) < 2:
        raise UnusableDataError(
            f"{target!r} has only one class, {table.classes[0]!r}: there is nothing to tell apart. Add rows of another."
        )
    counts = np.bincount(table.codes)
    least = int(counts.argmin())
    if counts[least] >= n_folds:
        return
    name = table.classes[least]
    found = f"Class {name!r} of {target!r} has {count(counts[least], 'row')}, fewer than {n_folds} folds"
    if len(table.classes) > _MANY_CLASSES:
        raise UnusableDataError(f"{_quantity(target, len(table.classes))} {found}.")
    ways = [
        *([f"use --folds {counts[least]}"] if counts[least] > 1 else []),
        *(["raise --sample"] if is_sample else []),
        "merge that class with another",
        # A number may be in other columns too, where it is none that is missing.
        *([] if PADDED.fullmatch(name) else [f"leave out its rows: {option('--na', name)} --missing drop"]),
    ]
    raise UnusableDataError(f"{found}. Do one of these: {'; '.join(ways)}.")


def check_reference(name: str, classes: Sequence[str], reference: str | None, target: str) -> None:
    """Raise unless a class is one of those of a file by this name."""
    if reference is not None and reference not in classes:
        raise UnusableDataError(f"{name} has no class {reference!r} in {target!r}. {hint_at(reference, classes)}")


def _check_is_of_classes(labels: Labels) -> None:
    """Raise for a target that no cross-validation can be of, before what is missing elsewhere is asked about."""
    classes, codes = classes_of(labels)
    if len(classes) > _MANY_CLASSES and np.bincount(codes).min() < _LEAST_FOLDS:
        raise UnusableDataError(_quantity(labels.name, len(classes)))


def _quantity(target: str, n_values: int) -> str:
    return (
        f"With {n_values} different values, {target!r} looks continuous, or like a name of each row: choose a column "
        "of classes, or bin its values."
    )
