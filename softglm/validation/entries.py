"""What stands where a number should: text, dates, something missing; and what to do about it."""

from datetime import date, time, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.utils.validation import check_array

from softglm.arrays import BoolArray, FloatArray
from softglm.inference.missing import is_missing

# Of columns at fault, an error names this many.
_NAMED = 3
# And of an entry, this many characters.
_SHOWN = 30
_DATES = date, time, timedelta, np.datetime64, np.timedelta64
# What X may hold instead of numbers, in the order in which it is told: who encodes text should not be asked first to
# fill in what is missing in it.
_NUMERALS, MISSING = "numbers as text", "missing values (NaN)"
NESTED, OBJECTS = "lists or structures", "objects other than real numbers"
REMEDIES = {
    "text": 'Encode it, with OneHotEncoder in a ColumnTransformer for example: see "A mixed data frame" in the guide.',
    _NUMERALS: "Convert them, with astype(float) for example.",
    "intervals": "Encode them, with OneHotEncoder for example, or take the middle of each.",
    NESTED: "Spread them over columns of their own, or drop those columns.",
    "dates": "Convert them to numbers, such as the days since one of them.",
    OBJECTS: "Convert them, or drop those columns.",
    MISSING: "Fill them in, with SimpleImputer for example, or drop those rows.",
}


def what_is_no_number(X: Any) -> str | None:
    """Name the columns of X that hold text or dates, or objects that are missing; None if there are none."""
    entries = X if isinstance(X, np.ndarray) else np.asarray(X, dtype=object)
    if entries.ndim != 2 or entries.dtype.kind not in "OSUTmM":
        return None
    columns: dict[str, list[str]] = {}
    for place in range(entries.shape[1]):
        found = _no_number_in(entries[:, place])
        if found is not None:
            kind, row = found
            name = repr(X.columns[place]) if hasattr(X, "columns") else str(place)
            columns.setdefault(kind, []).append(f"{name} (row {row}: {shown(entries[row, place])})")
    for kind, remedy in REMEDIES.items():
        if kind in columns:
            more = f" and {len(columns[kind]) - _NAMED} more" if len(columns[kind]) > _NAMED else ""
            where = ("columns " if len(columns[kind]) > 1 else "column ") + ", ".join(columns[kind][:_NAMED]) + more
            return f"X holds {kind} in {where}, expected numbers. {remedy}"
    return None


def _no_number_in(column: npt.NDArray[Any]) -> tuple[str, int] | None:
    """Return which of `REMEDIES` a column needs, and its first row that does."""
    if column.dtype.kind in "mM":
        return "dates", 0
    waiting: dict[str, int] = {}
    for row, value in enumerate(column):
        kind = _kind_of_entry(value)
        if kind not in {None, _NUMERALS, MISSING}:
            return str(kind), row
        # scikit-learn reads numerals in an array of objects, but not in one of strings.
        if kind == MISSING or (kind == _NUMERALS and column.dtype != object):
            waiting.setdefault(str(kind), row)
    return next(((kind, waiting[kind]) for kind in REMEDIES if kind in waiting), None)


def _kind_of_entry(value: Any) -> str | None:
    """Return which of `REMEDIES` an entry needs; None for real numbers."""
    if isinstance(value, str | bytes):
        return _NUMERALS if _is_real(value) else "text"
    if is_missing(value):
        return MISSING
    if isinstance(value, _DATES) or hasattr(value, "to_timestamp"):  # the latter a pandas.Period
        return "dates"
    if type(value).__name__ == "Interval":
        return "intervals"
    if hasattr(value, "__len__"):
        return NESTED
    return None if _is_real(value) else OBJECTS


def shown(value: Any) -> str:
    """Return an entry as an error message shows it."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    text = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return repr(text) if isinstance(value, str | bytes) else text


def as_given(value: Any) -> str:
    """Return a parameter as an error message shows it: as it would be typed."""
    try:
        return repr(value)
    except ValueError:  # an integer of thousands of digits, which Python writes no more
        return f"a {type(value).__name__} of too many digits to write"


def _is_real(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def finite_values(given: Any, what: str) -> FloatArray:
    """Return what belongs to rows as finite numbers; of anything else the first row is named."""
    if not sparse.issparse(given):  # scikit-learn says what to do with those
        try:
            entries = np.atleast_1d(np.asarray(given))
        except ValueError as error:
            raise ValueError(f"{what} has rows of different lengths, expected an array of numbers.") from error
        _check_holds_numbers(entries, what)
    values = check_array(given, ensure_2d=False, dtype=np.float64, ensure_all_finite=False, input_name=what)
    for kind, at_fault in (("NaN", np.isnan(values)), ("infinity", np.isinf(values))):
        if at_fault.any():
            where = _rows_of(at_fault)
            raise ValueError(f"Input {what} contains {kind} in {where}. Fill in what holds there, or drop those rows.")
    return np.asarray(values)


def _check_holds_numbers(entries: npt.NDArray[Any], what: str) -> None:
    """Raise for dates, which would pass as their count of nanoseconds, and for objects that are no numbers."""
    if entries.dtype.kind not in "mMOSUT":
        return
    is_date = entries.dtype.kind in "mM"
    kinds = np.full(entries.shape, "dates") if is_date else np.frompyfunc(_kind_of_entry, 1, 1)(entries)
    for kind in REMEDIES:
        at_fault = np.asarray(kinds == kind)
        if kind == _NUMERALS or not at_fault.any():
            continue
        where = _rows_of(at_fault)
        if kind == MISSING:
            raise ValueError(f"Input {what} contains NaN in {where}. Fill in what holds there, or drop those rows.")
        first = shown(entries[at_fault][0])
        raise ValueError(f"{what} holds {kind} in {where}: {first}. Expected numbers: convert them.")


def _rows_of(at_fault: BoolArray) -> str:
    """Count the rows in which something is at fault, and name the first."""
    rows = np.flatnonzero(at_fault.reshape(len(at_fault), -1).any(axis=1))
    return f"{len(rows)} of {len(at_fault)} rows, the first at row {rows[0]}"
