"""What users pass, checked and turned into clean arrays: each error says what was given, expected, and to be done."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, time, timedelta
from numbers import Real
from typing import Any, final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, validate_data

from softglm.arrays import BoolArray, FloatArray, IntArray
from softglm.data import Rows, RowsInMemory
from softglm.pipelines.frames import is_missing

Labels = npt.NDArray[Any]

# Entries at a time.
_PIECE = 2**16
# A weight times the square of a value, summed over the rows, then stays within the range of float64.
_LEAST, MOST = 1e-100, 1e100
# Of columns and rows at fault, an error names this many.
_NAMED = 3
# And of an entry, this many characters.
_SHOWN = 30
_DATES = date, time, timedelta, np.datetime64, np.timedelta64
# What X may hold instead of numbers, in the order in which it is told: who encodes text should not be asked first to
# fill in what is missing in it.
_NUMERALS, _MISSING = "numbers as text", "missing values (NaN)"
_NESTED, _OBJECTS = "lists or structures", "objects other than real numbers"
_REMEDIES = {
    "text": 'Encode it, with OneHotEncoder in a ColumnTransformer for example: see "What a fit says" in the README.',
    _NUMERALS: "Convert them, with astype(float) for example.",
    "intervals": "Encode them, with OneHotEncoder for example, or take the middle of each.",
    _NESTED: "Spread them over columns of their own, or drop those columns.",
    "dates": "Convert them to numbers, such as the days since one of them.",
    _OBJECTS: "Convert them, or drop those columns.",
    _MISSING: "Fill them in, with SimpleImputer for example, or drop those rows.",
}
# Columns of y that hold codes of labels: see `_look_like_codes`.
_MOST_CODES, _LARGEST_CODE, _LEAST_ROWS, _RARE_CODE = 20, 10_000, 12, 0.02


def warn_user(message: str, category: type[Warning]) -> None:
    """Warn at the line that called softglm; between it and us stands scikit-learn, whose callbacks wrap `fit`."""
    level = 1
    frame = sys._getframe()  # noqa: SLF001 - inspect.currentframe is the same, but may be None
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(("softglm.", "sklearn.")):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def check_rows(estimator: Any, X: Any, y: Any) -> tuple[Any, npt.NDArray[Any]]:
    """Return X and y of a fit as scikit-learn checks and converts them; X holds numbers whose squares can be summed.

    Arrays that need no conversion are not put to its search for frames of every kind, by far the longest part of that.
    """
    is_clean = (
        (type(X) is type(y) is np.ndarray and X.ndim == 2 and y.shape == X.shape[:1])
        and (X.size > 0 and X.dtype.kind == "f" and y.dtype.kind in "biuU")
        and are_numbers(X)
    )
    if is_clean:
        estimator.n_features_in_ = X.shape[1]
        vars(estimator).pop("feature_names_in_", None)
        return X, y
    with explained(X, y):
        check_no_dates(X)
        X, y = validate_data(estimator, X, y, accept_sparse="csr", multi_output=True)
        check_numbers(X, "X")
    return X, y


@contextmanager
def explained(X: Any = None, y: Any = None) -> Iterator[None]:
    """Where scikit-learn refuses X for its text or dates, or y for missing labels, say where and what to do instead."""
    try:
        yield
    except (TypeError, ValueError) as error:
        message = _what_is_no_number(X) or _which_are_missing(y)
        if message is None:
            raise
        # scikit-learn asks of its estimators that what no number can be made of at all is a TypeError that says so.
        if isinstance(error, TypeError) and message.startswith((f"X holds {_NESTED}", f"X holds {_OBJECTS}")):
            raise TypeError(f"{message} ({error})") from error
        raise ValueError(message) from error


def check_no_dates(X: Any) -> None:
    """Raise for the dates of a polars frame, which scikit-learn would take for the numbers that count them."""
    dtypes = getattr(X, "dtypes", None)
    if not isinstance(dtypes, list):
        return
    dates = [name for name, dtype in zip(X.columns, dtypes, strict=True) if getattr(dtype, "is_temporal", bool)()]
    if dates:
        raise ValueError(f"X holds dates in the columns {dates[:10]}, expected numbers. {_REMEDIES['dates']}")


def _what_is_no_number(X: Any) -> str | None:
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
            columns.setdefault(kind, []).append(f"{name} (row {row}: {_shown(entries[row, place])})")
    for kind, remedy in _REMEDIES.items():
        if kind in columns:
            more = f" and {len(columns[kind]) - _NAMED} more" if len(columns[kind]) > _NAMED else ""
            where = ("columns " if len(columns[kind]) > 1 else "column ") + ", ".join(columns[kind][:_NAMED]) + more
            return f"X holds {kind} in {where}, expected numbers. {remedy}"
    return None


def _no_number_in(column: npt.NDArray[Any]) -> tuple[str, int] | None:
    """Return which of `_REMEDIES` a column needs, and its first row that does."""
    if column.dtype.kind in "mM":
        return "dates", 0
    waiting: dict[str, int] = {}
    for row, value in enumerate(column):
        kind = _kind_of_entry(value)
        if kind not in {None, _NUMERALS, _MISSING}:
            return str(kind), row
        # scikit-learn reads numerals in an array of objects, but not in one of strings.
        if kind == _MISSING or (kind == _NUMERALS and column.dtype != object):
            waiting.setdefault(str(kind), row)
    return next(((kind, waiting[kind]) for kind in _REMEDIES if kind in waiting), None)


def _kind_of_entry(value: Any) -> str | None:
    """Return which of `_REMEDIES` an entry needs; None for real numbers."""
    if isinstance(value, str | bytes):
        return _NUMERALS if _is_real(value) else "text"
    if is_missing(value):
        return _MISSING
    if isinstance(value, _DATES) or hasattr(value, "to_timestamp"):  # the latter a pandas.Period
        return "dates"
    if type(value).__name__ == "Interval":
        return "intervals"
    if hasattr(value, "__len__"):
        return _NESTED
    return None if _is_real(value) else _OBJECTS


def _shown(value: Any) -> str:
    """Return an entry as an error message shows it."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    text = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return repr(text) if isinstance(value, str | bytes) else text


def _is_real(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def missing_labels(values: Any) -> BoolArray:
    """Tell which labels are missing: None, NaN, NaT or pandas.NA.

    Parameters
    ----------
    values : array-like
        Labels of any type and shape.

    Returns
    -------
    array of bool
        Of the shape of `values`.
    """
    # NumPy would make the string "nan" of a NaN among strings.
    values = np.asarray(values, dtype=object) if isinstance(values, list | tuple) else np.asarray(values)
    if values.dtype.kind in "fcmM":
        return np.asarray(values != values)  # noqa: PLR0124 - only NaN and NaT differ from themselves
    if values.dtype != object:
        return np.zeros(values.shape, dtype=bool)
    return np.asarray(np.frompyfunc(is_missing, 1, 1)(values), dtype=bool).reshape(values.shape)


def _which_are_missing(y: Any) -> str | None:
    """Count the rows of y in which something is missing, and name the first; None if there are none."""
    missing = missing_labels(y)
    if missing.ndim not in {1, 2} or not missing.any():
        return None
    rows = np.flatnonzero(missing.reshape(len(missing), -1).any(axis=1))
    if missing.size > len(missing):
        return (
            f"Input y contains NaN or other missing values in {len(rows)} rows, the first at row {rows[0]}. Drop those "
            "rows, or fill in what was observed there: 0, for a class that was not."
        )
    return (
        f"Input y contains NaN or other missing values in place of labels: {len(rows)} of {len(missing)}, the first at "
        f"row {rows[0]}. Drop those rows; or, if a missing label is a class of its own, give it a name."
    )


def _check_none_is_missing(y: Any) -> None:
    message = _which_are_missing(y)
    if message is not None:
        raise ValueError(message)


def check_numbers(values: Any, what: str) -> None:
    """Raise unless values, dense or sparse, are numbers whose squares can be summed."""
    entries = _entries(values)
    if entries.dtype.kind not in "biuf":
        raise ValueError(f"{what} holds values of dtype {entries.dtype}, expected numbers. Convert them to float64.")
    if not are_numbers(values):
        most = max(float(entries.max()), -float(entries.min()))
        raise ValueError(
            f"{what} has values up to {most:.3g}, expected at most {MOST:g}, so that squares are finite. Rescale."
        )


def are_numbers(values: Any) -> bool:
    """Tell whether values, dense or sparse, are finite, and so are sums of their squares."""
    entries = _entries(values)
    step = max(len(entries) * _PIECE // max(entries.size, 1), 1)
    pieces = (entries[start : start + step] for start in range(0, len(entries), step))
    return entries.dtype.kind in "biuf" and all(map(_are_within, pieces))


def _are_within(piece: npt.NDArray[Any]) -> bool:
    """Tell whether no entry is beyond MOST; what is not a number fails every comparison."""
    # The sum of squares takes one pass, and most often tells.
    is_simple = piece.dtype in (np.float64, np.float32) and piece.flags.c_contiguous
    if is_simple and float(np.vdot(piece, piece)) <= MOST:
        return True
    return float(piece.min(initial=0)) >= -MOST and float(piece.max(initial=0)) <= MOST


def _entries(values: Any) -> npt.NDArray[Any]:
    entries: npt.NDArray[Any] = values.data if sparse.issparse(values) else values  # type: ignore[attr-defined]
    return entries


@final
@dataclass(frozen=True)
class Response:
    """The observed y: labels, or rows of class probabilities or counts.

    Attributes
    ----------
    classes : array of shape (K,)
        Sorted.
    codes : array of shape (n,), int32, or None
        The position of each label in `classes`.
    counts : array of shape (n, K) or None
        y as given, its columns in the order of `classes`.
    """

    classes: Labels
    codes: IntArray | None
    counts: FloatArray | None

    @property
    def trials(self) -> FloatArray | None:
        """m_i, the total of each row of counts, shape (n,); None for labels, where it is 1."""
        return None if self.counts is None else self.counts.sum(axis=1)

    def class_totals(self, weights: FloatArray | None) -> FloatArray:
        """Return sum_i w_i t_ik for each class, shape (K,)."""
        if self.codes is not None:
            return np.bincount(self.codes, weights, minlength=len(self.classes)).astype(np.float64)
        assert self.counts is not None  # noqa: S101 - the other of the two
        return np.asarray(self.counts.sum(axis=0) if weights is None else weights @ self.counts)

    def observed_at(self, codes: npt.NDArray[Any]) -> FloatArray:
        """Return t_i,code: what was observed of one class for each row, shape (n,)."""
        if self.codes is not None:
            return np.asarray((self.codes == codes).astype(np.float64))
        assert self.counts is not None  # noqa: S101 - the other of the two
        return np.asarray(self.counts[np.arange(len(codes)), codes])

    def log_likelihood(self, log_probabilities: FloatArray, weights: FloatArray | None) -> float:
        """Return sum_i w_i sum_k t_ik log p_ik, where 0 log 0 = 0."""
        if self.codes is not None:
            per_row = log_probabilities[np.arange(len(self.codes)), self.codes]
        else:
            assert self.counts is not None  # noqa: S101 - the other of the two
            observed = self.counts > 0.0
            per_row = np.where(observed, self.counts * np.where(observed, log_probabilities, 0.0), 0.0).sum(axis=1)
        # A row that does not count may well be impossible.
        return float(per_row.sum() if weights is None else weights @ np.where(weights > 0.0, per_row, 0.0))

    @property
    def saturated(self) -> FloatArray | None:
        """sum_k t_ik log(t_ik / m_i) per row: the log-likelihood of predicting each row; None for labels: 0."""
        if self.counts is None:
            return None
        shares = self.counts / self.counts.sum(axis=1, keepdims=True)
        logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0.0)
        return np.asarray((self.counts * logs).sum(axis=1))


def is_frame(y: Any) -> bool:
    """Tell whether y is a data frame: something two-dimensional with named columns."""
    return hasattr(y, "columns") and np.ndim(y) == 2


def read_response(y: Any, values: npt.NDArray[Any]) -> Response:
    """Return the response of a fit.

    Parameters
    ----------
    y : object
        As passed by the user: asked for the names of its columns.
    values : array of shape (n,) or (n, k)
        The same, checked for missing values.
    """
    if values.ndim == 2 and values.shape[1] == 1:
        warn_user(
            "A column-vector y was passed when a 1d array was expected. Pass y.ravel() for labels, or one column per "
            "class for probabilities or counts.",
            DataConversionWarning,
        )
        values = values.ravel()
    if values.ndim == 1:
        values = _labels(values, y)
        if values.dtype.kind not in "biuSU":  # integers and strings are labels
            check_classification_targets(values)
        return Response(*_encoded(values), None)
    counts = _counts(values)
    _warn_about_counts(counts)
    if not is_frame(y):
        return Response(np.arange(counts.shape[1]), None, counts)
    names = _column_names(y, "y")
    order = np.argsort(names, kind="stable")
    return Response(names[order], None, counts[:, order])


def _encoded(values: Labels) -> tuple[Labels, IntArray]:
    """Return the classes, sorted, and the place of each label among them."""
    if values.dtype.kind in "iu" and int(values.max()) - int(values.min()) < len(values) and values.max() < 2**62:
        # Counting integers that are close together is several times faster than sorting them.
        least = values.min()
        places = values.astype(np.intp, copy=False)
        places = places - np.intp(least) if least else places
        present = np.flatnonzero(np.bincount(places))
        ranks = np.zeros(int(present[-1]) + 1, dtype=np.int32)
        ranks[present] = np.arange(len(present))
        return (present + np.intp(least)).astype(values.dtype), ranks[places]
    classes, codes = np.unique(values, return_inverse=True)
    return classes, codes.astype(np.int32)


def match_response(y: Any, classes: Labels, n_rows: int) -> Response:
    """Return a response to be compared with a fitted model: labels by value, frames by name, arrays by position.

    Labels that the model was not fitted on have the code -1.
    """
    with explained(y=y):
        values = check_array(y, ensure_2d=False, dtype=None, input_name="y")
    if len(values) != n_rows:
        raise ValueError(f"y has {len(values)} rows, expected {n_rows}: one for each row of X.")
    if values.ndim == 2 and values.shape[1] == 1:
        values = values.ravel()
    if values.ndim == 2:
        return Response(classes, None, _counts(_columns_by_class(y, values, classes, "y")))
    values = _labels(values, y)
    if (values.dtype.kind in "OSU") != (classes.dtype.kind in "OSU"):
        raise ValueError(
            f"y has labels like {values[:1].tolist()}, expected labels like {classes[:1].tolist()}, on which the "
            "model was fitted. Convert them."
        )
    # A model whose attributes were set by hand may have its classes in any order.
    order = np.argsort(classes, kind="stable")
    codes = order[np.searchsorted(classes, values, sorter=order).clip(max=len(classes) - 1)]
    return Response(classes, np.where(classes[codes] == values, codes, -1).astype(np.int32), None)


def read_weights(sample_weight: Any, n_rows: int) -> FloatArray | None:
    """Return the sample weights, shape (n,), or None for ones."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Real):
        sample_weight = np.full(n_rows, sample_weight)
    weights = _finite(sample_weight, "sample_weight")
    if weights.shape != (n_rows,):
        raise ValueError(
            f"sample_weight has shape {weights.shape}, expected ({n_rows},): one weight for each row of X."
        )
    if (weights < 0.0).any():
        raise ValueError(
            f"sample_weight has negative values, the least is {weights.min():g}. A weight says how often a row counts: "
            "it must be at least 0."
        )
    check_numbers(weights, "sample_weight")
    if not weights.any():
        raise ValueError("sample_weight is zero for every row, so that none counts. Give some row a weight.")
    return np.asarray(weights)


def _finite(given: Any, what: str) -> FloatArray:
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
    for kind in _REMEDIES:
        at_fault = np.asarray(kinds == kind)
        if kind == _NUMERALS or not at_fault.any():
            continue
        where = _rows_of(at_fault)
        if kind == _MISSING:
            raise ValueError(f"Input {what} contains NaN in {where}. Fill in what holds there, or drop those rows.")
        shown = _shown(entries[at_fault][0])
        raise ValueError(f"{what} holds {kind} in {where}: {shown}. Expected numbers: convert them.")


def _rows_of(at_fault: BoolArray) -> str:
    """Count the rows in which something is at fault, and name the first."""
    rows = np.flatnonzero(at_fault.reshape(len(at_fault), -1).any(axis=1))
    return f"{len(rows)} of {len(at_fault)} rows, the first at row {rows[0]}"


def read_class_weight(class_weight: Any, response: Response, weights: FloatArray | None) -> FloatArray | None:
    """Return c_k, shape (K,), or None for ones; "balanced" is W0 / (K W0_k) over the classes that have weight."""
    if class_weight is None:
        return None
    if isinstance(class_weight, str) and class_weight == "balanced":
        totals = response.class_totals(weights)
        present = totals > 0.0
        factors = np.ones_like(totals)
        factors[present] = totals.sum() / (present.sum() * totals[present])
        return factors
    if not isinstance(class_weight, dict):
        raise ValueError(f'class_weight must be None, "balanced" or a dict from class to weight, got {class_weight!r}.')
    if not all(isinstance(factor, Real) and 0.0 <= float(factor) <= MOST for factor in class_weight.values()):
        raise ValueError(f"class_weight must hold weights from 0 to {MOST:g}, got {class_weight!r}.")
    classes = response.classes.tolist()
    unknown = [label for label in class_weight if label not in classes]
    # As in scikit-learn: a dict for every class may serve where some of its classes do not occur.
    if unknown and not all(label in class_weight for label in classes):
        raise ValueError(
            f"class_weight names {unknown[:10]}, expected some of the classes {classes[:10]}. Rename or drop those."
        )
    return np.array([class_weight.get(label, 1.0) for label in classes], dtype=np.float64)


def read_offset(offset: Any, n_rows: int, classes: Labels) -> FloatArray | None:
    """Return the offset in the coding of the model: (n, K), or (n, 1) for two classes; None if there is none."""
    if offset is None:
        return None
    if isinstance(offset, Real):
        offset = np.full(n_rows, offset) if len(classes) == 2 else np.full((n_rows, len(classes)), offset)
    values = _finite(offset, "offset")
    check_numbers(values, "offset")
    binary = len(classes) == 2
    if binary and values.shape in ((n_rows,), (n_rows, 1)):
        return np.asarray(values.reshape(n_rows, 1))
    if values.shape != (n_rows, len(classes)):
        expected = f"({n_rows},) or ({n_rows}, 2)" if binary else f"({n_rows}, {len(classes)})"
        raise ValueError(
            f"offset has shape {values.shape}, expected {expected}: the known part of eta, a column for each of the "
            f"classes {classes[:10].tolist()}."
        )
    values = _columns_by_class(offset, values, classes, "offset")
    return values[:, 1:] - values[:, :1] if binary else values


def make_rows(
    X: Any,
    response: Response,
    weights: FloatArray | None,
    offset: FloatArray | None,
    *,
    factors: FloatArray | None,
    present: npt.NDArray[np.bool_],
) -> tuple[Rows, float]:
    """Return the rows to fit, with class weights applied and absent classes left out, and their total weight W.

    Class weights multiply the column of t that belongs to the class, t_ik -> c_k t_ik, and the row totals follow: the
    only reading under which counts are repeated rows. Two classes keep their one natural parameter, whatever their
    weights.
    """
    binary = len(response.classes) == 2
    present = np.ones(2, dtype=bool) if binary else present
    if response.codes is not None:
        codes = response.codes
        if factors is not None:
            weights = factors[codes] if weights is None else weights * factors[codes]
        if not present.all():
            # The rows of absent classes have weight zero; any code will do for them.
            codes = np.maximum(np.cumsum(present) - 1, 0).astype(np.int32)[codes]
        targets: FloatArray | IntArray = codes
    else:
        assert response.counts is not None  # noqa: S101 - the other of the two
        counts = response.counts[:, present]
        if factors is not None:
            counts = counts * factors[present]
        trials = counts.sum(axis=1)
        empty = trials == 0.0
        shares = counts / np.where(empty, 1.0, trials)[:, np.newaxis]
        shares[empty] = 1.0 / shares.shape[1]
        targets = np.ascontiguousarray(shares[:, 1]) if binary else shares
        if weights is not None:
            weights = weights * trials
        elif not (trials == 1.0).all():
            weights = trials
    if offset is not None and not binary:
        offset = offset[:, present]
    total = float(X.shape[0] if weights is None else weights.sum())
    if not _LEAST <= total <= MOST:
        raise ValueError(
            f"The weights sum to {total:.3g}, expected between {_LEAST:g} and {MOST:g}: sample weights times class "
            "weights times the totals of the rows of y. Rescale them."
        )
    return RowsInMemory(X, targets, weights, offset), total


def _labels(values: npt.NDArray[Any], given: Any) -> Labels:
    """Return labels of one type: strings as they are, numbers and booleans out of an array of objects.

    `given` are the labels as the user passed them: in a list, a NaN is still told from the text "nan".
    """
    if values.dtype != object:
        if values.dtype.kind in "mM" or (values.dtype.kind in "SU" and isinstance(given, list | tuple)):
            _check_none_is_missing(given)
        return values
    kinds = {_kind(label) for label in values}
    if not kinds <= {"str", "bool", "number"}:
        _check_none_is_missing(values)
    if len(kinds) > 1:
        raise ValueError(
            f"y has labels of the types {sorted(kinds)}, expected one type. Convert them, y.astype(str) for example."
        )
    if not kinds <= _LABELS:
        raise ValueError(
            f"y has labels of the type {kinds.pop()}, such as {_shown(values.flat[0])} in row 0, expected text, whole "
            "numbers or booleans. Convert them, y.astype(str) for example."
        )
    return values if kinds == {"str"} else np.array(values.tolist())


# Of these NumPy makes arrays that can be sorted; the kinds of others are named by their types.
_LABELS = {"str", "bool", "number", "bytes", "bytes_", "datetime64", "timedelta64"}


def _kind(label: Any) -> str:
    kinds = {"str": str, "bool": bool | np.bool_, "number": Real}
    return next((kind for kind, members in kinds.items() if isinstance(label, members)), type(label).__name__)


def _counts(values: npt.NDArray[Any]) -> FloatArray:
    try:
        counts = values.astype(np.float64)
    except (TypeError, ValueError):
        counts = None
    if counts is None or values.dtype.kind not in "biufO":
        raise ValueError(
            f"A two-dimensional y must hold class probabilities or counts, got dtype {values.dtype}. Pass labels as a "
            f"one-dimensional array; {_SEVERAL_LABELS}"
        )
    if values.dtype == object:
        _check_none_is_missing(counts)
    check_numbers(counts, "y")
    negative = np.flatnonzero((counts < 0.0).any(axis=1))
    if len(negative):
        raise ValueError(
            f"y has negative entries in {len(negative)} rows, the first at row {negative[0]}. A two-dimensional y "
            "holds class probabilities or counts, a column for each class."
        )
    empty = np.flatnonzero(~counts.any(axis=1))
    if len(empty):
        raise ValueError(
            f"y has {len(empty)} rows of zeros only, the first at row {empty[0]}: nothing was observed there. Drop "
            f"those rows.{_other_reading_of_zeros(counts)}"
        )
    return np.asarray(counts)


_SEVERAL_LABELS = (
    "where each column holds labels of its own, fit one model per column, with MultiOutputClassifier for example."
)


def _are_marks(counts: FloatArray) -> bool:
    return bool(((counts == 0.0) | (counts == 1.0)).all())


def _other_reading_of_zeros(counts: FloatArray) -> str:
    """Return what rows of zeros may mean where y is not a table of counts."""
    if _are_marks(counts):
        return " If y marks any number of labels per row, the data are multilabel: fit one model per label instead."
    if _are_few_codes(counts):
        return f" If its columns hold codes that begin at 0, y is not counts: {_SEVERAL_LABELS}"
    return ""


def _are_few_codes(counts: FloatArray) -> bool:
    """Tell whether each column has few values, evenly spaced from a round number or the next one, none of them rare.

    Round numbers are 0, 10, 20, ...: codes are such as 1..5, 100..102 or 10, 20, 30. Numbers that all have a common
    factor are rather counts times that.
    """
    if len(counts) < _LEAST_ROWS or counts.max() > _LARGEST_CODE or (counts != np.floor(counts)).any():
        return False
    for column in counts.T:
        times = np.bincount(column.astype(np.intp))
        values = np.flatnonzero(times)
        is_even = len(set(np.diff(values).tolist())) == 1 and values[0] % 10 <= 1
        if not is_even or len(values) > _MOST_CODES or times[values].min() < max(_RARE_CODE * len(counts), 2.0):
            return False
    return int(np.gcd.reduce(counts.astype(np.intp), axis=None)) == 1


def _look_like_codes(counts: FloatArray) -> bool:
    """Tell whether the columns look like codes of labels, a question of its own in each, rather than counts of classes.

    Codes are few, begin at 0, 1 or a round number, are evenly spaced, and none is as rare as the largest counts are;
    row totals, which mean nothing, vary. So are small counts sometimes. But classes that all occur in every row and
    never often are rare; and given their total m, counts of classes have a variance of m pi (1 - pi) or, where pi
    differs between rows, more, while codes have less: a column of codes does not follow the total. In samples of counts
    (binomial and Poisson of many means, 12 to 1000 rows) this took 1 in 500 for codes, and at worst 1 in 25; of codes
    of two or three labels each, in 50 rows and more, it recognised 19 in 20.
    """
    totals = counts.sum(axis=1)
    if (totals == totals[0]).all() or not _are_few_codes(counts):
        return False
    if counts.min() >= 1.0:
        return True
    spread, rest = totals - totals.mean(), counts - counts.mean(axis=0)
    rest -= np.outer(spread, spread @ rest) / (spread @ spread)
    shares = counts.sum(axis=0) / counts.sum()
    least = len(counts) * totals.mean() * float((shares * (1.0 - shares)).sum())
    # Two standard errors of a variance below.
    return bool((rest**2).sum() < (1.0 - 2.0 * np.sqrt(2.0 / len(counts))) * least)


def _warn_about_counts(counts: FloatArray) -> None:
    totals = counts.sum(axis=1)
    if _are_marks(counts) and (totals > 1.0).any():
        warn_user(
            "y is a matrix of zeros and ones in which some row sums to more than 1, and is read as counts. If it marks "
            "several labels per row, the data are multilabel: fit one model per label instead.",
            UserWarning,
        )
    elif _look_like_codes(counts):
        warn_user(
            "The columns of y hold few whole numbers each, as codes of labels do, and are read as counts of "
            f"{counts.shape[1]} classes. If that is not what they are: {_SEVERAL_LABELS}",
            UserWarning,
        )
    elif np.allclose(totals, 100.0):
        warn_user(
            "Every row of y sums to 100, and is read as 100 observations. If they are percentages, pass y / 100.",
            UserWarning,
        )


def _column_names(frame: Any, what: str) -> Labels:
    names = list(frame.columns)
    if len(set(names)) < len(names):
        repeated = sorted({str(name) for name in names if names.count(name) > 1})
        raise ValueError(f"{what} has repeated column names {repeated}; every column must name another class.")
    kinds = {_kind(name) for name in names}
    if kinds not in ({"str"}, {"number"}, {"bool"}):
        raise ValueError(f"{what} has column names of the types {sorted(kinds)}; use strings only, or numbers only.")
    return np.asarray(names)


def _columns_by_class(given: Any, values: npt.NDArray[Any], classes: Labels, what: str) -> npt.NDArray[Any]:
    """Return the columns in the order of `classes`: by name if they were given as a frame, else as they are."""
    if values.shape[1] != len(classes):
        raise ValueError(
            f"{what} has {values.shape[1]} columns, expected {len(classes)}: one for each of the classes "
            f"{classes[:10].tolist()}."
        )
    if not is_frame(given):
        return values
    names = _column_names(given, what)
    order = np.argsort(names, kind="stable")
    sorted_first = np.argsort(classes, kind="stable")
    if not np.array_equal(names[order], classes[sorted_first]):
        raise ValueError(
            f"The columns of {what} are {names[:10].tolist()}, expected the classes {classes[:10].tolist()}. Rename or "
            "reorder them."
        )
    return values[:, order[np.argsort(sorted_first)]]
