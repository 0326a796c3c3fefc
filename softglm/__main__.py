"""The main job: ``python -m softglm`` compares SoftmaxGLM with LogisticRegression on a data set of the user's."""

import argparse
import csv
import io
import json
import math
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt
import sklearn
from sklearn.datasets import load_wine

from softglm.arrays import FloatArray, IntArray
from softglm.comparison import Effect, FittedModel, Optimum, Score, compare, fit_on_all_rows
from softglm.version import __version__

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 100
N_EFFECTS = 5
MAX_CLASSES_SHOWN = 12
MAX_NAME = 24
# Below this share, the distance of an optimum computed in float64 is only rounding.
ROUNDING = 1e-14
# pandas reads more, but not without being asked; the csv module reads none.
MISSING = ("", "?", "NA", "N/A", "NaN", "nan", "NULL", "null", "<NA>")
TRUE, FALSE = {"True", "TRUE", "true"}, {"False", "FALSE", "false"}
# Squares of greater values are not finite.
LARGEST = 1e150
MAX_CELLS = 2**27  # a gigabyte of float64

DESCRIPTION = """\
Compare SoftmaxGLM with scikit-learn's LogisticRegression, as it comes and behind a StandardScaler, by
cross-validation: accuracy, log loss, fit time, iterations, how far each stopped from the optimum of its own
objective, and the warnings it raised. Then show the strongest coefficients of each class.
"""
EPILOG = """\
examples:
  python -m softglm                                      scikit-learn's wine data, unscaled
  python -m softglm flowers.csv --target species         your own data
  python -m softglm flowers.csv --target species --alpha 0.01 --folds 10
  python -m softglm flowers.parquet --target species --json > result.json

exit codes: 0 success, 1 the data cannot be used, 2 the command line is wrong
"""


class UnusableDataError(Exception):
    """The data cannot be used; the message says why, and what to do."""


@final
@dataclass(frozen=True)
class Column:
    """A column as it was read: float64, bool, or an object array of str; what is missing may hold anything."""

    name: str
    values: npt.NDArray[Any]
    is_missing: npt.NDArray[np.bool_]


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


@final
@dataclass(frozen=True)
class Report:
    """All that is printed."""

    table: Table
    alpha: float | None
    n_folds: int
    scores: tuple[Score, ...]
    fitted: FittedModel


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; a wrong command line exits with 2.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        What follows the command; None takes them from `sys.argv`.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if (options.data is None) != (options.target is None):
        parser.error("a data file and --target COLUMN go together: give both, or neither for the wine data")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of columns that the terminal cannot show
    try:
        table = _wine() if options.data is None else _read(options.data, options.target)
        _check_classes(table, options.folds, options.target)
    except UnusableDataError as error:
        print(f"softglm: {error}", file=sys.stderr)
        return 1
    report = Report(
        table,
        options.alpha,
        options.folds,
        compare(table.X, table.codes, alpha=options.alpha, n_folds=options.folds),
        fit_on_all_rows(
            table.X, table.codes, table.features, table.classes, alpha=options.alpha, n_effects=N_EFFECTS
        ),
    )
    print(_as_json(report) if options.json else _as_text(report))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m softglm",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "data",
        nargs="?",
        type=Path,
        help="a CSV file with a header line, or a Parquet file; numeric columns are used as they are, the others one-hot "
        "encoded (default: scikit-learn's wine)",
    )
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict")
    parser.add_argument(
        "--alpha",
        type=_alpha,
        metavar="NUMBER",
        help="strength of the ridge, at least 0; LogisticRegression gets C = 1 / (alpha W), where W is the number of rows "
        "it is fitted on (default: 1/W, which is C = 1)",
    )
    parser.add_argument("--folds", type=_folds, default=5, metavar="K", help="folds of the cross-validation (default: 5)")
    parser.add_argument("--json", action="store_true", help="print the same numbers as JSON")
    parser.add_argument("--version", action="version", version=f"softglm {__version__}")
    return parser


def _alpha(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number of at least 0, got {text!r}")
    return value


def _folds(text: str) -> int:
    if not (text.isdecimal() and int(text) >= 2):
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 2, got {text!r}")
    return int(text)


def _wine() -> Table:
    wine = load_wine()
    return Table(
        "wine (from scikit-learn)",
        wine.data,
        wine.target.astype(np.int32),
        tuple(wine.feature_names),
        tuple(map(str, wine.target_names)),
    )


def _read(path: Path, target: str) -> Table:
    """Return the data of a file, or raise an error that says why they cannot be used."""
    try:
        columns = _parquet_columns(path) if path.suffix in {".parquet", ".pq"} else _csv_columns(path)
    except OSError as error:
        raise UnusableDataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UnusableDataError(f"{path} is not text in UTF-8. Save it as CSV in UTF-8, or as Parquet.") from error
    except (ValueError, csv.Error) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise UnusableDataError(f"{path} cannot be read as a table: {reason}.") from error
    named = [column for column in columns if column.name]
    _check_columns(path, named, target)
    notes = [f"{len(columns) - len(named)} without a name"] if len(named) < len(columns) else []
    features = [column for column in named if column.name != target]
    constant = [column.name for column in features if (column.values == column.values[0]).all()]
    if len(constant) == len(features):
        raise UnusableDataError(
            f"{path} has nothing to predict {target!r} from: "
            + (f"{_listed(constant)} never change." if constant else "it has no other column.")
        )
    if constant:
        notes.append(f"{_listed(constant)} (constant)")
    X, names, encoded = _design([column for column in features if column.name not in constant])
    classes, codes = _classes(next(column for column in named if column.name == target))
    return Table(
        path.name,
        X,
        codes,
        names,
        classes,
        tuple(
            f"{verb}: {', '.join(items)}."
            for verb, items in (("One-hot encoded", encoded), ("Left out", notes))
            if items
        ),
    )
