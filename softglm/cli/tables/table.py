"""Tables as they come, from a file or with scikit-learn, made ready to be fitted."""

from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from sklearn.datasets import load_wine

from softglm.arrays import FloatArray, IntArray
from softglm.cli.tables.coding import alike, classes_of, design_of
from softglm.cli.tables.columns import Column, Labels, UnusableDataError, check_entries, listed
from softglm.cli.tables.csv_files import read_csv
from softglm.cli.tables.notation import Notation
from softglm.cli.tables.packing import DAMAGED
from softglm.cli.tables.parquet_files import read_parquet
from softglm.cli.tables.reading import Reading
from softglm.cli.tables.words import count, shortlist

# A target with more classes, some of them too small, is rather a quantity or a name.
_MANY_CLASSES = 20
_AS_IT_IS = Reading()


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
    advice : tuple of str
        What was hardly meant to be done, and the option of the command that mends it.
    """

    name: str
    X: FloatArray
    codes: IntArray
    features: tuple[str, ...]
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


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


def read_table(path: Path, target: str, reading: Reading = _AS_IT_IS) -> Table:
    """Return the data of a file, or raise an error that says why they cannot be used."""
    columns, labels = _read(path, target, reading)
    named, n_rows = [column for column in columns if column.name], len(labels.entries)
    if reading.drops_missing:
        named, labels = _complete(path, named, labels)
    check_entries(path, named, labels)
    varying = [column for column in named if not column.is_constant]
    constant = [column for column in named if column.is_constant]
    if not varying:
        reason = f"{listed(constant)} never change" if constant else "there is no other column"
        raise UnusableDataError(f"{path} has nothing to predict {target!r} from: {reason}.")
    design = design_of(varying)
    classes, codes = classes_of(labels)
    left_out = [f"{listed(constant)} (constant)"] if constant else []
    if reading.dropped:
        left_out.append(f"{shortlist(list(map(repr, reading.dropped)))} (by --drop)")
    if len(codes) < n_rows:
        left_out.append(f"{count(n_rows - len(codes), 'row')} with missing values")
    if len(named) < len(columns):
        left_out.append(f"{count(len(columns) - len(named), 'column')} without a name")
    done = {
        "One-hot encoded": design.encoded,
        "Left out": left_out,
        **{f"Read with {way.words}": [c.name for c in varying if c.notation is way] for way in Notation},
        "Classes that differ in spelling only": [repr(name) for name in alike(classes, labels.notation)],
    }
    notes = tuple(f"{what}: {', '.join(columns)}." for what, columns in done.items() if columns)
    return Table(path.name, design.X, codes, design.features, classes, notes, design.advice)


def _complete(path: Path, columns: list[Column], labels: Labels) -> tuple[list[Column], Labels]:
    """Return the rows in which nothing is missing."""
    incomplete = labels.is_missing.copy()
    for column in columns:
        incomplete |= column.is_missing
    if incomplete.all():
        most = sorted(columns, key=lambda column: -column.is_missing.sum())
        raise UnusableDataError(
            f"{path} has missing values in every row, most of them in {listed(most)}. Drop such columns, by --drop."
        )
    if not incomplete.any():
        return columns, labels
    return [column.at(~incomplete) for column in columns], labels.at(~incomplete)


def is_parquet(path: Path) -> bool:
    """Tell whether a file is Parquet, by its name."""
    return path.suffix.lower() in {".parquet", ".pq"}


def _read(path: Path, target: str, reading: Reading) -> tuple[list[Column], Labels]:
    """Return the features and the target of a file as they are there."""
    try:
        return (read_parquet if is_parquet(path) else read_csv)(path, target, reading)
    except OSError as error:
        raise UnusableDataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except DAMAGED as error:
        raise UnusableDataError(f"{path} cannot be unpacked: it is cut short, or damaged ({error}).") from error
    except UnicodeDecodeError as error:
        raise UnusableDataError(f"{path} is not text in UTF-8. Save it as CSV in UTF-8, or as Parquet.") from error
    except ValueError as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise UnusableDataError(f"{path} cannot be read as a table: {reason}.") from error


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
