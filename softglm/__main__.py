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
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt
import sklearn
from sklearn.datasets import load_wine

from softglm.arrays import BoolArray, FloatArray, IntArray
from softglm.comparison import FittedModel, Optimum, Score, compare, fit_on_all_rows
from softglm.version import __version__

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 100
N_EFFECTS = 5
MAX_LISTED = 12
MAX_NAME = 20
GAP = 3
# A target with more classes, some of them too small, is rather a quantity or a name.
MANY_CLASSES = 20
# Below this share, the distance of an optimum computed in float64 is only rounding.
ROUNDING = 1e-13
# pandas reads more, but not without being asked; the csv module reads none.
MISSING = ("", "?", "NA", "N/A", "NaN", "nan", "NULL", "null", "<NA>")
TRUE, FALSE = {"True", "TRUE", "true"}, {"False", "FALSE", "false"}
# SoftmaxGLM refuses greater values: sums of their squares might not be finite.
LARGEST = 1e100
MAX_CELLS = 2**27  # a gigabyte of float64
SCORE_NOTE = "accuracy, log loss: on held-out rows, mean over folds; fit time (one thread), iterations: median."
DISTANCE_NOTE = (
    "distance to optimum: (f - f*) / (f_null - f*) on the rows fitted, in the worst fold. f is each one's own "
    "objective, mean log loss + alpha/2 ||coef||^2 in the coordinates it sees, so that raw and standardised columns "
    "have different optima f*; f_null is f without features."
)

DESCRIPTION = """\
Compare SoftmaxGLM with scikit-learn's LogisticRegression, as it comes and behind
a StandardScaler, by cross-validation: accuracy, log loss, fit time, iterations,
how far each stopped from the optimum of its own objective, and the warnings it
raised. Then show the strongest coefficients of each class.
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
        _check_classes(table, options.target or "wine", options.folds)
    except UnusableDataError as error:
        print(f"softglm: {error}", file=sys.stderr)
        return 1
    report = Report(
        table,
        options.alpha,
        options.folds,
        compare(table.X, table.codes, alpha=options.alpha, n_folds=options.folds),
        fit_on_all_rows(table.X, table.codes, table.features, table.classes, alpha=options.alpha, n_effects=N_EFFECTS),
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
        help="a CSV file with a header line, or a Parquet file; numeric columns are used as they are, the others "
        "one-hot encoded (default: scikit-learn's wine data)",
    )
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict")
    parser.add_argument(
        "--alpha",
        type=_alpha,
        metavar="NUMBER",
        help="strength of the ridge, at least 0; LogisticRegression gets C = 1 / (alpha W), where W is the number of "
        "rows it is fitted on (default: 1/W, which is C = 1)",
    )
    parser.add_argument(
        "--folds", type=_folds, default=5, metavar="K", help="folds of the cross-validation (default: 5)"
    )
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
        left_out.append(f"{_count(len(columns) - len(named), 'column')} without a name")
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
        na_values=list(MISSING),
        low_memory=False,
    )
    frame.columns = header  # pandas renames what is repeated
    return _columns_of(frame)


def _parsed(name: str, texts: list[str]) -> Column:
    """Return a column of text as numbers or booleans if that is what all of its fields are."""
    is_missing = np.array([text in MISSING for text in texts])
    kinds = set(texts).difference(MISSING)
    if kinds and kinds <= TRUE | FALSE:
        return Column(name, np.array([text in TRUE for text in texts]), is_missing)
    try:
        if any("_" in text for text in kinds):
            raise ValueError  # noqa: TRY301 - 1_000 is a number to Python only
        values = np.array([np.nan if text in MISSING else float(text) for text in texts])
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
    large = [column for column in columns if column.is_number and not (np.abs(column.entries) <= LARGEST).all()]
    if large:
        raise UnusableDataError(
            f"{path} has values beyond {LARGEST:g} or infinite ones in {_listed(large)}. Rescale or drop them."
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
            if n_rows * (len(names) + len(levels)) > MAX_CELLS:
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


def _check_classes(table: Table, target: str, n_folds: int) -> None:
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
        f"Class {table.classes[least]!r} of {target!r} has {_count(counts[least], 'row')}, fewer than {n_folds} folds"
    )
    if len(table.classes) > MANY_CLASSES:
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
    return _shortlist([repr(column.name) for column in columns])


def _shortlist(items: Sequence[str]) -> str:
    return ", ".join(items[:MAX_LISTED]) + (f" and {len(items) - MAX_LISTED} more" if len(items) > MAX_LISTED else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _as_text(report: Report) -> str:
    lines = [*_introduction(report), *_score_lines(report), *_coefficient_lines(report)]
    return "\n".join(line.rstrip() for line in lines)


def _introduction(report: Report) -> list[str]:
    table = report.table
    counts = np.bincount(table.codes)
    sizes = [f"{name} {count}" for name, count in zip(table.classes, counts, strict=True)]
    rows = f"{len(table.codes)} rows, {_count(table.X.shape[1], 'feature')}, {len(counts)} classes"
    if report.alpha is None:
        penalty = "alpha = 1/n (LogisticRegression: C=1)"
    elif report.alpha > 0.0:
        penalty = f"alpha = {report.alpha:g} (LogisticRegression: C=1/(alpha n))"
    else:
        penalty = "alpha = 0, no penalty (LogisticRegression: C=inf)"
    shares = counts / counts.sum()
    return _wrapped(
        f"{table.name}: {rows} ({_shortlist(sizes)}).",
        *table.notes,
        f"{report.n_folds}-fold cross-validation, stratified and shuffled; {penalty}.",
        f"Knowing only the class shares: accuracy {shares.max():.4f}, log loss {-shares @ np.log(shares):.4f}.",
    )


def _score_lines(report: Report) -> list[str]:
    heads = ("", "accuracy", "log loss\n(nats)", "fit time\n(ms)", "iterations", "distance to\noptimum", "warnings")
    cells = [
        (
            score.name.replace(" + ", "\n+ "),
            f"{score.accuracy:.4f}",
            f"{score.log_loss:.4f}",
            f"{score.milliseconds:.1f}",
            f"{score.n_iterations}",
            _distance_cell(score),
            "\n".join(f"{count} {category}" for category, count in score.warnings.items()) or "none",
        )
        for score in report.scores
    ]
    notes = [SCORE_NOTE, DISTANCE_NOTE]
    n_separated = report.scores[0].n_separated
    if n_separated:
        notes.append(
            f"no optimum: in {n_separated} of {report.n_folds} folds the classes are separated and nothing is "
            "penalised: f falls for ever as coefficients grow. Set --alpha above 0."
        )
    return ["", *_aligned([heads, *cells], "<>>>>><"), "", *_wrapped(*notes)]


def _distance_cell(score: Score) -> str:
    if score.optimum is Optimum.MISSING:
        return "no optimum"
    if score.distance is None:
        return "unknown"
    sign = "~" if score.optimum is Optimum.ESTIMATED else ""
    return f"< {ROUNDING:.0e}" if score.distance < ROUNDING else f"{sign}{score.distance:.1e}"


def _coefficient_lines(report: Report) -> list[str]:
    """Return a block for each class, as many side by side as fit."""
    effects = report.fitted.effects
    shown = list(effects.items())[:MAX_LISTED]
    name_width = max(len(_shortened(effect.feature)) for _, strongest in shown for effect in strongest)
    binary = f" (rather than {_shortened(report.table.classes[0])})" if len(effects) == 1 else ""
    blocks = [
        [
            _shortened(name) + binary,
            *(f"  {_shortened(e.feature):<{name_width}} {e.per_deviation:+7.3f}" for e in strongest),
        ]
        for name, strongest in shown
    ]
    width = max(len(line) for block in blocks for line in block)
    abreast = max((WIDTH + GAP) // (width + GAP), 1)
    lines = [
        "",
        *_wrapped(f"SoftmaxGLM on all {len(report.table.codes)} rows: {report.fitted.status}."),
        "Strongest coefficients of each class, times the standard deviation of the column:",
    ]
    for first in range(0, len(blocks), abreast):
        side_by_side = zip(*blocks[first : first + abreast], strict=True)
        lines += ["", *((" " * GAP).join(f"{line:<{width}}" for line in row) for row in side_by_side)]
    if len(effects) > len(shown):
        lines += ["", f"and {len(effects) - len(shown)} more classes: --json has them all"]
    return lines


def _wrapped(*paragraphs: str) -> list[str]:
    return [
        line
        for text in paragraphs
        for line in textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    ]


def _aligned(rows: Sequence[Sequence[str]], alignment: str) -> list[str]:
    """Return the lines of a table; cells may have several lines, alignment is "<" or ">" for each column."""
    split = [[cell.split("\n") for cell in row] for row in rows]
    widths = [max(len(line) for row in split for line in row[column]) for column in range(len(alignment))]
    return [
        "  ".join(f"{text:{side}{width}}" for text, side, width in zip(line, alignment, widths, strict=True))
        for row in split
        for line in zip_longest(*row, fillvalue="")
    ]


def _shortened(name: str) -> str:
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 2] + ".."


def _as_json(report: Report) -> str:
    table = report.table
    counts = np.bincount(table.codes).tolist()
    return json.dumps(
        {
            "softglm": __version__,
            "scikit-learn": sklearn.__version__,
            "data": table.name,
            "n_rows": len(table.codes),
            "n_features": table.X.shape[1],
            "classes": dict(zip(table.classes, counts, strict=True)),
            "notes": table.notes,
            "alpha": "1/n" if report.alpha is None else report.alpha,
            "n_folds": report.n_folds,
            "scores": [
                {
                    "model": score.name,
                    "accuracy": score.accuracy,
                    "log_loss": _finite(score.log_loss),
                    "fit_time_ms": score.milliseconds,
                    "iterations": score.n_iterations,
                    "distance_to_optimum": _finite(score.distance),
                    "optimum": score.optimum.value,
                    "folds_without_optimum": score.n_separated,
                    "warnings": score.warnings,
                }
                for score in report.scores
            ],
            "status": report.fitted.status,
            "strongest_coefficients": {
                name: [
                    {
                        "feature": effect.feature,
                        "coefficient": _finite(effect.coefficient),
                        "per_standard_deviation": _finite(effect.per_deviation),
                    }
                    for effect in strongest
                ]
                for name, strongest in report.fitted.effects.items()
            },
        },
        indent=2,
        allow_nan=False,
    )


def _finite(value: float | None) -> float | None:
    """Return the value, or None for what JSON has no word for."""
    return value if value is not None and math.isfinite(value) else None


if __name__ == "__main__":
    sys.exit(main())
