"""Labels, and columns that are named by them: of one type, none missing, each at its place among the classes."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, IntArray
from softglm.inference.missing import is_missing
from softglm.validation.entries import shown

Labels = npt.NDArray[Any]

# Of these NumPy makes arrays that can be sorted; the kinds of others are named by their types.
_LABELS = {"str", "bool", "number", "bytes", "bytes_", "datetime64", "timedelta64"}


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


def which_are_missing(y: Any) -> str | None:
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


def check_none_is_missing(y: Any) -> None:
    """Raise where something in y is missing."""
    message = which_are_missing(y)
    if message is not None:
        raise ValueError(message)


def read_labels(values: npt.NDArray[Any], given: Any) -> Labels:
    """Return labels of one type: strings as they are, numbers and booleans out of an array of objects.

    `given` are the labels as the user passed them: in a list, a NaN is still told from the text "nan".
    """
    if values.dtype != object:
        if values.dtype.kind in "mM" or (values.dtype.kind in "SU" and isinstance(given, list | tuple)):
            check_none_is_missing(given)
        if values.dtype.kind == "f" and isinstance(given, list | tuple) and all(isinstance(y, Integral) for y in given):
            return _numbers(given)
        _check_are_told_apart(values)
        return values
    kinds = {_kind(label) for label in values}
    if not kinds <= {"str", "bool", "number"}:
        check_none_is_missing(values)
    if len(kinds) > 1:
        raise ValueError(
            f"y has labels of the types {sorted(kinds)}, expected one type. Convert them, y.astype(str) for example."
        )
    if not kinds <= _LABELS:
        raise ValueError(
            f"y has labels of the type {kinds.pop()}, such as {shown(values.flat[0])} in row 0, expected text, whole "
            "numbers or booleans. Convert them, y.astype(str) for example."
        )
    return values if kinds == {"str"} else _numbers(values.tolist())


def with_exact_integers(y: Any) -> Any:
    """Return nullable integers of pandas as integers; scikit-learn would make floats of them, and merge large ones.

    All else is returned as it is, and so are integers of which some are missing.
    """
    if is_frame(y) and np.shape(y)[1] == 1:
        column = y[y.columns[0]]
        exact = with_exact_integers(column)
        return y if exact is column else exact[:, np.newaxis]
    dtype: Any = getattr(y, "dtype", None)
    if isinstance(dtype, np.dtype) or getattr(dtype, "kind", "") not in {"i", "u"} or y.isna().any():
        return y
    return y.to_numpy(dtype=f"{dtype.kind}{dtype.itemsize}")


def _numbers(labels: Sequence[Any]) -> Labels:
    """Return numbers, or booleans, as an array in which all that differ are told apart."""
    values = np.array(labels)
    if values.dtype.kind in "iub":
        return values
    if all(isinstance(label, Integral) for label in labels):
        # NumPy would make floats of integers that only 64 bits without a sign hold.
        whole = [int(label) for label in labels]
        if min(whole) < 0 or max(whole) >= 2**64:
            raise ValueError(
                f"y has whole numbers from {shown(min(whole))} to {shown(max(whole))} as labels, expected them within "
                "64 bits. Pass them as text, [str(label) for label in y] for example."
            )
        return np.array(whole, dtype=np.uint64)
    if values.dtype.kind != "f":
        other = next(label for label in labels if not isinstance(label, Integral | float | np.floating))
        raise ValueError(
            f"y has labels of the type {type(other).__name__}, such as {shown(other)}, expected text, whole numbers or "
            "booleans. Convert them, [str(label) for label in y] for example."
        )
    _check_are_told_apart(values)
    return values


def _check_are_told_apart(values: Labels) -> None:
    """Raise for floats so large that neighbouring whole numbers are one of them: what they were cannot be told."""
    if values.dtype.kind != "f" or not values.size:
        return
    limit = 2.0 ** (np.finfo(values.dtype).nmant + 1)
    large = np.abs(values) >= limit
    if large.any():
        row = int(large.argmax())
        raise ValueError(
            f"y has labels as floats ({values.dtype}) of {limit:.0f} and more, such as {shown(values[row])} in row "
            f"{row}, where different whole numbers are the same float. Pass them as integers; or as text, made before "
            "anything made floats of them."
        )


def _kind(label: Any) -> str:
    kinds = {"str": str, "bool": bool | np.bool_, "number": Real}
    return next((kind for kind, members in kinds.items() if isinstance(label, members)), type(label).__name__)


def encoded(values: Labels) -> tuple[Labels, IntArray]:
    """Return the classes, sorted, and the place of each label among them."""
    if (
        values.size
        and values.dtype.kind in "iu"
        and int(values.max()) - int(values.min()) < len(values)
        and values.max() < 2**62
    ):
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


def places_among(values: Labels, classes: Labels) -> IntArray:
    """Return the place of each label among classes in any order; -1 for labels that are not among them."""
    if {values.dtype.kind, classes.dtype.kind} == {"i", "u"}:
        # Where they meet NumPy would make floats of them, and merge large ones.
        limits = np.iinfo(classes.dtype)
        within = (values >= limits.min) & (values <= limits.max)
        return np.where(within, places_among(values.astype(classes.dtype), classes), np.int32(-1))
    order = np.argsort(classes, kind="stable")
    codes = order[np.searchsorted(classes, values, sorter=order).clip(max=len(classes) - 1)]
    return np.where(classes[codes] == values, codes, -1).astype(np.int32)


def joined(parts: Sequence[Labels]) -> Labels:
    """Return the labels that occur in some parts of the rows, one after the other.

    Raises
    ------
    ValueError
        If they are whole numbers of types that only floats hold both of: as these, some would be the same.
    """
    together: Labels = np.concatenate(parts)
    if together.dtype.kind == "f" and all(part.dtype.kind in "iu" for part in parts):
        types = sorted({str(part.dtype) for part in parts})
        raise ValueError(
            f"y has whole numbers as {' and as '.join(types)} in different parts of the rows, and no type of whole "
            "numbers holds both, expected one type. Convert all of them: y.astype(np.int64), or y.astype(str)."
        )
    return together


def is_frame(y: Any) -> bool:
    """Tell whether y is a data frame: something two-dimensional with named columns."""
    return hasattr(y, "columns") and np.ndim(y) == 2


def column_names(frame: Any, what: str) -> Labels:
    """Return the names of the columns of a frame: all of one type, and none twice."""
    names = list(frame.columns)
    if len(set(names)) < len(names):
        repeated = sorted({str(name) for name in names if names.count(name) > 1})
        raise ValueError(f"{what} has repeated column names {repeated}; every column must name another class.")
    kinds = {_kind(name) for name in names}
    if kinds not in ({"str"}, {"number"}, {"bool"}):
        raise ValueError(f"{what} has column names of the types {sorted(kinds)}; use strings only, or numbers only.")
    return _numbers(names) if kinds == {"number"} else np.asarray(names)


def columns_by_class(given: Any, values: npt.NDArray[Any], classes: Labels, what: str) -> npt.NDArray[Any]:
    """Return the columns in the order of `classes`: by name if they were given as a frame, else as they are."""
    if values.shape[1] != len(classes):
        raise ValueError(
            f"{what} has {values.shape[1]} columns, expected {len(classes)}: one for each of the classes "
            f"{classes[:10].tolist()}."
        )
    if not is_frame(given):
        return values
    names = column_names(given, what)
    order = np.argsort(names, kind="stable")
    sorted_first = np.argsort(classes, kind="stable")
    if not np.array_equal(names[order], classes[sorted_first]):
        raise ValueError(
            f"The columns of {what} are {names[:10].tolist()}, expected the classes {classes[:10].tolist()}. Rename or "
            "reorder them."
        )
    return values[:, order[np.argsort(sorted_first)]]
