"""Tables of columns as they come, from a file or with scikit-learn, made ready to be fitted."""

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from enum import Enum
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, final

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_wine

from softglm.arrays import BoolArray, FloatArray, IntArray
from softglm.finite import MOST

if TYPE_CHECKING:
    import pandas as pd

_MAX_LISTED = 12
# A target with more classes, some of them too small, is rather a quantity or a name.
_MANY_CLASSES = 20
# Of a text column with more different values an example is shown: it may be of numbers in a notation unknown here.
_MANY_VALUES = 20
# The csv module reads none. They are those of pandas, and the question mark.
MISSING = ("?", "NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None",
           "<NA>", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN")  # fmt: skip
_MISSING = frozenset(("", *MISSING))
# These are missing only among numbers: elsewhere they may be answers.
MISSING_NUMBERS = (".", "..", "-", "--")
_TRUE, _FALSE = {"True", "TRUE", "true"}, {"False", "FALSE", "false"}
_MAX_CELLS = 2**27  # a gigabyte of float64
# Beyond this, neighbouring integers are the same number in float64.
_MOST_EXACT = 2**53
_DELIMITERS = ",;\t"
_SEPARATORS = "commas, semicolons or tabs"
# How files begin that hold a table only once unpacked.
_PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
# Fields wait for the end of the file joined, which takes a seventh of the memory of texts, in pieces of so many rows.
_NUL, _ROWS = "\0", 10_000


class UnusableDataError(Exception):
    """The data cannot be used; the message says why, and what to do."""


def _numbers(decimal: str, grouping: str, *, padded: bool = False) -> re.Pattern[str]:
    """Return the pattern of a number; one with leading zeros is a code, such as a zip code, unless `padded`."""
    whole = r"\d+" if padded else r"(?:0|[1-9]\d*)"
    if grouping:
        whole = rf"(?:{whole}|[1-9]\d{{0,2}}(?:{grouping}\d{{3}})+)"
    digits = rf"(?:{whole}(?:{decimal}\d*)?|{decimal}\d+)(?:e[+-]?\d+)?"
    return re.compile(rf"[+-]?(?:{digits}|inf|infinity|nan)", re.ASCII | re.IGNORECASE)


_PLAIN, _PADDED = _numbers(r"\.", ""), _numbers(r"\.", "", padded=True)


@final
class Notation(Enum):
    """How numbers are written: with which decimal mark, and with which mark between thousands, if any."""

    POINT = ("a decimal point, and commas between thousands", ",", _numbers(r"\.", ","))
    COMMA = ("a decimal comma, and points between thousands", ".", _numbers(",", r"\."))

    def __init__(self, words: str, grouping: str, pattern: re.Pattern[str]) -> None:
        self.words = words
        self.grouping = grouping
        self.pattern = pattern

    def plain(self, text: str) -> str:
        """Return the number as Python writes it."""
        return text.replace(self.grouping, "").replace(",", ".")


@final
@dataclass(frozen=True, eq=False)
class Column:
    """A column as it was read.

    Attributes
    ----------
    name : str
    entries : array of shape (n,)
        float64, bool, or object: each a str. What is missing may hold anything.
    is_missing : bool array of shape (n,)
    remark : str
        Why entries that may look like numbers are text.
    notation : Notation or None
        In which numbers were read that are not written as Python writes them.
    """

    name: str
    entries: npt.NDArray[Any]
    is_missing: BoolArray
    remark: str = ""
    notation: Notation | None = None

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
@dataclass(frozen=True, eq=False)
class Labels:
    """The target as it was read: what the file says, character by character.

    Attributes
    ----------
    name : str
    entries : object array of shape (n,)
        Each a str.
    is_missing : bool array of shape (n,)
    may_be_continuous : bool
        Whether fractions are a quantity; not where the file says that they are strings.
    notation : Notation or None
        In which numbers are written that are not written as Python writes them, if it is known.
    """

    name: str
    entries: npt.NDArray[Any]
    is_missing: BoolArray
    may_be_continuous: bool = True
    notation: Notation | None = None


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
        is_parquet = path.suffix.lower() in {".parquet", ".pq"}
        columns, labels = (_read_parquet if is_parquet else _read_csv)(path, target)
    except OSError as error:
        raise UnusableDataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UnusableDataError(f"{path} is not text in UTF-8. Save it as CSV in UTF-8, or as Parquet.") from error
    except ValueError as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise UnusableDataError(f"{path} cannot be read as a table: {reason}.") from error
    named = [column for column in columns if column.name]
    _check_entries(path, named, labels)
    varying = [column for column in named if not column.is_constant]
    constant = [column for column in named if column.is_constant]
    if not varying:
        reason = f"{_listed(constant)} never change" if constant else "there is no other column"
        raise UnusableDataError(f"{path} has nothing to predict {target!r} from: {reason}.")
    X, features, encoded = _design(varying)
    classes, codes = _classes(labels)
    left_out = [f"{_listed(constant)} (constant)"] if constant else []
    if len(named) < len(columns):
        left_out.append(f"{count(len(columns) - len(named), 'column')} without a name")
    notes = {
        "One-hot encoded": encoded,
        "Left out": left_out,
        **{f"Read with {way.words}": [c.name for c in varying if c.notation is way] for way in Notation},
        "Classes that differ in spelling only": [repr(name) for name in _alike(classes, labels.notation)],
    }
    return Table(
        path.name,
        X,
        codes,
        features,
        classes,
        tuple(f"{what}: {', '.join(columns)}." for what, columns in notes.items() if columns),
    )


def _read_csv(path: Path, target: str) -> tuple[list[Column], Labels]:
    """Return the features and the target of a CSV file whose fields are separated by commas, semicolons or tabs."""
    _check_is_not_packed(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        delimiter = _delimiter(file, target)
        rows = _rows(csv.reader(file, delimiter=delimiter, skipinitialspace=True, strict=True))
        header = next(rows, [])
        if not any(header):
            raise UnusableDataError(f"{path} is empty: expected a line of column names, and rows below it.")
        _check_no_nul(header)
        _check_names(path, [name for name in header if name], target, _misread_header(header, target))
        fields = _fields(rows, len(header))
    if not fields:
        raise UnusableDataError(f"{path} has column names but no rows.")
    texts = fields.pop(header.index(target)).split(_NUL)
    header.remove(target)
    # Two passes, so that the fields of only one column are in memory as so many texts.
    writings = [_Writing.of(_present(set(column.split(_NUL)))) for column in fields]
    settled = {
        *([Notation.POINT] if delimiter == "," else ()),
        *(next(iter(w.readings)) for name, w in zip(header, writings, strict=True) if name and w.settles),
    }
    columns = []
    for name, column, writing in zip(header, fields, writings, strict=True):
        notation = _notation(path, name, writing, settled, can_be_decimal=delimiter != ",") if name else None
        columns.append(_parsed(name, column.split(_NUL), notation))
    kinds = set(texts)
    present = _present(kinds)
    notation = _notation(path, target, _Writing.of(present), settled, can_be_decimal=delimiter != ",")
    labels = np.array(texts, dtype=object)
    return columns, Labels(target, labels, np.isin(labels, list(kinds - present)), notation=notation)


def _check_is_not_packed(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(8)
    packing = next((name for magic, name in _PACKED.items() if head.startswith(magic)), None)
    if packing == "bzip2" and not head[3:4].isdigit():  # a column name may begin so
        return
    if packing is not None:
        hint = " If it is a spreadsheet, save its table as CSV in UTF-8." if packing == "zip" else ""
        raise UnusableDataError(f"{path} is packed with {packing}. Unpack it to a CSV or Parquet file.{hint}")


def _delimiter(file: TextIO, target: str) -> str:
    """Return what separates the fields, of what makes as many in the first row as in the header, and a target."""
    merits = {}
    for mark in _DELIMITERS:
        header, row = [*islice(_rows(csv.reader(file, delimiter=mark, skipinitialspace=True)), 2), [], []][:2]
        merits[mark] = (len(header) == len(row) > 1, target in header, len(header))
        file.seek(0)
    return max(_DELIMITERS, key=merits.__getitem__)


def _misread_header(header: Sequence[str], target: str) -> str:
    """Return what may be wrong with a file in whose header the target is not; empty if nothing can be seen."""
    if header[0].lower().startswith("sep="):
        return "Its first line says what separates the fields: drop that line."
    if header[0].startswith("#"):
        return "Its first line looks like a comment: the first line must hold the column names."
    if len(header) == 1 or target in re.split(r"[^\w.-]+", " ".join(header)):
        return f"Names and fields must be separated by {_SEPARATORS}."
    return ""


def _present(kinds: set[str]) -> set[str]:
    """Return the different entries of a column without those that stand for missing ones."""
    present = kinds - _MISSING
    numbers = present.difference(MISSING_NUMBERS)
    return numbers if 0 < len(numbers) < len(present) and _Writing.of(numbers).is_numeric else present


def _rows(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yield the rows of a CSV file that are not blank; whitespace around fields is none of theirs."""
    number = 0
    try:
        for row in reader:
            fields = [field.strip() for field in row]
            if any(fields) or len(fields) > 1:
                number += 1
                yield fields
    except csv.Error as error:
        place = f"row {number}" if number else "the header"
        raise ValueError(f"{place} has a quote that is not closed, or text behind one that is ({error})") from error


def _fields(rows: Iterator[list[str]], n_columns: int) -> list[str]:
    """Return the fields of each column, joined; of no rows an empty list."""
    pieces: list[list[str]] = [[] for _ in range(n_columns)]
    n_rows = 0
    while block := list(islice(rows, _ROWS)):
        for number, row in enumerate(block, start=n_rows + 1):
            if len(row) != n_columns:
                raise ValueError(f"its header has {n_columns} names, but row {number} has {len(row)} values")
        for column, fields in zip(pieces, zip(*block, strict=True), strict=True):
            _check_no_nul(fields)
            column.append(_NUL.join(fields))
        n_rows += len(block)
    return [_NUL.join(column) for column in pieces] if n_rows else []


def _check_no_nul(fields: Sequence[str]) -> None:
    if _NUL in "".join(fields):
        raise ValueError("it holds NUL characters, as UTF-16 does. Save it as CSV in UTF-8")


@final
@dataclass(frozen=True)
class _Writing:
    """How the entries of a column are written.

    Attributes
    ----------
    readings : frozenset of Notation
        Those in which all entries are numbers.
    is_numeric : bool
        Whether each is a number in some notation.
    comma, point : str
        An entry with that mark; empty if there is none.
    is_clear : bool
        Whether an entry has both marks, or one twice, so that it says itself which is the decimal one.
    """

    readings: frozenset[Notation]
    is_numeric: bool
    comma: str
    point: str
    is_clear: bool

    @classmethod
    def of(cls, kinds: Collection[str]) -> "_Writing":
        readings = frozenset(way for way in Notation if all(map(way.pattern.fullmatch, kinds)))
        is_numeric = bool(readings) or all(any(way.pattern.fullmatch(text) for way in Notation) for text in kinds)
        comma = min((text for text in kinds if "," in text), default="")
        point = min((text for text in kinds if "." in text), default="")
        is_clear = bool(comma or point) and any(text.count(",") + text.count(".") > 1 for text in kinds)
        return cls(readings, is_numeric, comma, point, is_clear)

    @property
    def is_mixed(self) -> bool:
        """Whether no notation can be told that all entries have."""
        return bool(self.comma and (not self.readings or (self.point and not self.is_clear)))

    @property
    def settles(self) -> bool:
        """Whether other columns of the file may be read as this one."""
        return bool(self.comma or self.point) and len(self.readings) == 1 and not self.is_mixed


def _notation(
    path: Path, name: str, writing: _Writing, settled: Collection[Notation], *, can_be_decimal: bool
) -> Notation | None:
    """Return how to read a column, None for text.

    What could be read in both ways (1,234) is read as the other columns of the file, those that `settled` stands for.
    `can_be_decimal` says whether a comma may be a decimal mark: in files whose fields it separates it is hardly one.
    """
    if not writing.is_numeric:
        return None
    if writing.is_mixed:
        other = f"{writing.point!r} in the same column" if writing.point else "others that contradict it"
        raise UnusableDataError(
            f"{path} has {writing.comma!r} in {name!r}, and {other}: which mark is the decimal one? Write its numbers "
            "with a decimal point, and nothing between thousands."
        )
    comma, point = Notation.COMMA in writing.readings, Notation.POINT in writing.readings
    if not writing.comma:
        # 1.5 is what it seems, and so is 1.234 unless this is a file of decimal commas.
        if point and comma and writing.point and set(settled) == {Notation.COMMA}:
            raise _undecided(path, name, writing.point)
        if point:
            return Notation.POINT
        return Notation.COMMA if comma and Notation.POINT not in settled else None
    if not (point or can_be_decimal):
        raise UnusableDataError(
            f"{path}, whose fields are separated by commas, has {writing.comma!r} in {name!r}. Write numbers with a "
            "decimal point; if they are codes or lists, replace the comma."
        )
    if point and comma:
        if len(settled) != 1:
            raise _undecided(path, name, writing.comma)
        return next(iter(settled))
    return Notation.POINT if point else Notation.COMMA


def _undecided(path: Path, name: str, text: str) -> UnusableDataError:
    values = " or ".join(sorted({way.plain(text) for way in Notation}))
    return UnusableDataError(
        f"{path} has {text!r} in {name!r}, which may be {values}. Write its numbers with a decimal point, and nothing "
        "between thousands."
    )


def _parsed(name: str, texts: list[str], notation: Notation | None) -> Column:
    """Return a column of text as booleans if that is what all of its fields are, or as numbers in a notation."""
    kinds = _present(set(texts))
    is_missing = np.array([text not in kinds for text in texts])
    if kinds and kinds <= _TRUE | _FALSE:
        return Column(name, np.array([text in _TRUE for text in texts]), is_missing)
    if notation is None:
        return Column(name, np.array(texts, dtype=object), is_missing, _remark(kinds))
    plain = {text: notation.plain(text) for text in kinds}
    numbers = {text: float(number) for text, number in plain.items()}
    merged = _merged(int(plain[text]) for text in kinds if _is_long_integer(plain[text], numbers[text]))
    if merged:
        return Column(name, np.array(texts, dtype=object), is_missing, merged)
    values = np.array([numbers.get(text, np.nan) for text in texts])
    is_marked = notation is Notation.COMMA or any("," in text for text in kinds)
    return Column(name, values, np.isnan(values), notation=notation if is_marked else None)


def _is_long_integer(text: str, value: float) -> bool:
    return _MOST_EXACT <= abs(value) <= MOST and text.lstrip("+-").isdecimal()


def _merged(integers: Iterator[int]) -> str:
    """Return a remark on different integers that are the same in float64, empty if there are none."""
    ordered = sorted(set(integers))
    for first, second in pairwise(ordered):
        if float(first) == float(second):
            return f"as text: {first} and {second} would be the same number"
    return ""


def _remark(kinds: Collection[str]) -> str:
    """Return what to know of text that may look like numbers, empty if it does not."""
    strangers = sorted(text for text in kinds if not _PADDED.fullmatch(text))
    if not strangers:
        padded = min((text for text in kinds if not _PLAIN.fullmatch(text)), default="")
        return f"as text: {padded!r} has leading zeros" if padded else ""
    if 2 * len(strangers) < len(kinds):
        return f"as text: {strangers[0]!r} is not a number"
    return f"such as {strangers[0]!r}" if len(kinds) > _MANY_VALUES else ""


def _read_parquet(path: Path, target: str) -> tuple[list[Column], Labels]:
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
    if frame.index.names != [None]:
        frame = frame.reset_index()
    frame.columns = [str(name) for name in frame.columns]
    _check_names(path, list(frame.columns), target)
    _check_no_lists(path, frame)
    features = frame.drop(columns=target)
    columns = [_column_of(name, features.iloc[:, position]) for position, name in enumerate(features.columns)]
    return columns, _labels_of(target, frame[target])


def _check_no_lists(path: Path, frame: "pd.DataFrame") -> None:
    """Raise for columns whose entries hold several values: they are neither numbers nor names."""
    nested = [
        repr(name)
        for name, series in frame.items()
        if series.dtype.kind == "O"
        and any(hasattr(value, "__len__") and not isinstance(value, str | bytes) for value in series)
    ]
    if nested:
        raise UnusableDataError(
            f"{path} has lists or structures in {shortlist(nested)}, expected a single value in each row. Spread them "
            "over columns of their own, or drop those columns."
        )


def _labels_of(name: str, series: "pd.Series") -> Labels:
    is_missing = series.isna().to_numpy(dtype=bool)
    texts = _texts(series)
    writing = _Writing.of(set(texts[~is_missing]))
    is_string = not (series.dtype.kind in "iuf" or _is_decimal(series))
    notation = next(iter(writing.readings)) if writing.settles else None
    return Labels(name, texts, is_missing, may_be_continuous=not is_string, notation=notation)


def _texts(series: "pd.Series") -> npt.NDArray[Any]:
    """Return typed entries as text, of numbers in single precision no more digits than they have."""
    values = np.asarray(series)
    entries = values if values.dtype.kind == "f" else series
    return np.array([v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in entries], dtype=object)


def _column_of(name: str, series: "pd.Series") -> Column:
    """Return a typed column: a string that looks like a number is a string."""
    is_missing = series.isna().to_numpy(dtype=bool)
    if series.dtype in ("bool", "boolean"):
        return Column(name, series.to_numpy(dtype=bool, na_value=False), is_missing)
    kinds = series.dropna().unique()
    merged = _merged(int(value) for value in kinds if abs(int(value)) >= _MOST_EXACT) if _is_integer(series) else ""
    if series.dtype.kind in "iuf" and not merged:
        return Column(name, series.to_numpy(dtype=np.float64, na_value=np.nan), is_missing)
    if _is_decimal(series):
        values = [np.nan if missing else float(value) for value, missing in zip(series, is_missing, strict=True)]
        return Column(name, np.array(values), is_missing)
    texts = _texts(series)
    return Column(name, texts, is_missing, merged or _remark(set(texts[~is_missing])))


def _is_integer(series: "pd.Series") -> bool:
    return series.dtype.kind in "iu"


def _is_decimal(series: "pd.Series") -> bool:
    return series.dtype.kind == "O" and all(isinstance(value, Decimal) for value in series.dropna())


def _check_names(path: Path, names: Sequence[str], target: str, advice: str = "") -> None:
    """Raise if names are repeated, or the target is not among them, with advice for that case."""
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise UnusableDataError(
            f"{path} has several columns named {shortlist(list(map(repr, repeated)))}. Give each a name of its own."
        )
    if target not in names:
        by_lower_case = {name.lower(): name for name in names}
        close = [repr(by_lower_case[match]) for match in get_close_matches(target.lower(), by_lower_case)]
        hint = f"Did you mean {' or '.join(close)}?" if close else f"It has {shortlist(list(map(repr, names)))}."
        raise UnusableDataError(f"{path} has no column {target!r}. {' '.join(filter(None, (hint, advice)))}")


def _check_entries(path: Path, columns: Sequence[Column], labels: Labels) -> None:
    """Raise if values are missing or too large."""
    every: list[Column | Labels] = [*columns, labels]
    missing = [column for column in every if column.is_missing.any()]
    if missing:
        raise UnusableDataError(
            f"{path} has missing values in {_listed(missing)}. Fill them in, or drop those rows or columns; --help "
            "lists what counts as missing."
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
            encoded.append(f"{column.name} ({'; '.join(filter(None, (f'{len(levels)} values', column.remark)))})")
        else:
            blocks.append(column.entries.astype(np.float64)[:, np.newaxis])
            names.append(column.name)
    return np.hstack(blocks), tuple(names), encoded


def _classes(labels: Labels) -> tuple[tuple[str, ...], IntArray]:
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
        if _PADDED.fullmatch(plain):
            try:
                numbers[text] = Decimal(plain)
            except InvalidOperation:  # an exponent of twenty digits
                continue
    return {text: number for text, number in numbers.items() if number.is_finite()}


def _alike(classes: Sequence[str], notation: Notation | None) -> list[str]:
    """Return the classes that are the same number as another, or the same but for upper and lower case."""
    numbers = _exact(classes, notation)
    keys = [numbers.get(name, name.casefold()) for name in classes]
    times = Counter(keys)
    return [name for name, key in zip(classes, keys, strict=True) if times[key] > 1]


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


def _listed(columns: Sequence[Column | Labels]) -> str:
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
