"""What users pass, as arrays: X, which enters here and nowhere else, and y beside it; or what to do instead."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_array, check_consistent_length, validate_data

from softglm.arrays import Matrix
from softglm.validation.duplicates import each_once
from softglm.validation.entries import NESTED, OBJECTS, REMEDIES, what_is_no_number
from softglm.validation.finite import are_numbers, check_numbers
from softglm.validation.labels import which_are_missing, with_exact_integers

# What scikit-learn has an estimator know of the columns that it was fitted to.
_OF_COLUMNS = ("n_features_in_", "feature_names_in_")


def clean_observations(
    X: Any, y: Any, estimator: Any = None, *, is_fit: bool
) -> tuple[Matrix, npt.NDArray[Any], dict[str, Any]]:
    """Return X and y as arrays, and what a fit learns of the columns; X holds numbers whose squares can be summed.

    The estimator is not changed: whether the fit succeeds is not known yet.

    Parameters
    ----------
    X, y : object
        As passed by the user.
    estimator : estimator or None
        Whose X it is: it knows the names of the columns, or their number, unless it is about to learn them.
    is_fit : bool
        Whether the estimator is about to be fitted to X.
    """
    if is_fit and _need_no_conversion(X, y):
        return X, y, {"n_features_in_": X.shape[1]}
    learner = copy(estimator) if is_fit else estimator
    with _explained(X, y):
        _check_no_dates(X)
        y = with_exact_integers(y)
        if learner is None:
            clean = check_array(X, accept_sparse="csr")
            values = check_array(y, ensure_2d=False, dtype=None, input_name="y")
            check_consistent_length(clean, values)
        else:
            clean, values = validate_data(learner, X, y, accept_sparse="csr", multi_output=True, reset=is_fit)
        clean = each_once(clean)
        check_numbers(clean, "X")
    known = vars(learner) if is_fit else {}
    return clean, values, {name: known[name] for name in _OF_COLUMNS if name in known}


def clean_features(X: Any, estimator: Any) -> Matrix:
    """Return X of rows that a fitted estimator predicts: numbers whose squares can be summed."""
    with _explained(X):
        _check_no_dates(X)
        clean = each_once(validate_data(estimator, X, accept_sparse="csr", reset=False))
        check_numbers(clean, "X")
    return clean


def unchecked_features(X: Any, estimator: Any, *, is_fit: bool = False) -> tuple[Matrix, Callable[[], Matrix]]:
    """Return X as `clean_features` does, its entries not looked at; and what looks at them, and raises.

    For who sees by what comes of them that some are no numbers: a pass over all of X may cost as much as that. Where
    the estimator is about to be fitted, it learns the names of the columns, and their number.
    """
    with _explained(X):
        _check_no_dates(X)
        unchecked = validate_data(estimator, X, accept_sparse="csr", ensure_all_finite=False, reset=is_fit)
    return each_once(unchecked), lambda: clean_features(X, estimator)


def clean_response(y: Any) -> npt.NDArray[Any]:
    """Return y as an array, where X has gone another way: to be compared with predictions."""
    with _explained(y=y):
        return np.asarray(check_array(with_exact_integers(y), ensure_2d=False, dtype=None, input_name="y"))


def _need_no_conversion(X: Any, y: Any) -> bool:
    """Tell arrays that can be spared scikit-learn's search for frames of every kind, by far the longest check of a fit.

    Others are left to it, those that hold what is no number too: it says so.
    """
    return (
        (type(X) is type(y) is np.ndarray and X.ndim == 2 and y.shape == X.shape[:1])
        and (X.size > 0 and X.dtype.kind == "f" and y.dtype.kind in "biuU")
        and are_numbers(X)
    )


@contextmanager
def _explained(X: Any = None, y: Any = None) -> Iterator[None]:
    """Where scikit-learn refuses X for its text or dates, or y for missing labels, say where and what to do instead."""
    try:
        yield
    except (TypeError, ValueError) as error:
        message = what_is_no_number(X) or which_are_missing(y)
        if message is None:
            raise
        # scikit-learn asks of its estimators that what no number can be made of at all is a TypeError that says so.
        if isinstance(error, TypeError) and message.startswith((f"X holds {NESTED}", f"X holds {OBJECTS}")):
            raise TypeError(f"{message} ({error})") from error
        raise ValueError(message) from error


def _check_no_dates(X: Any) -> None:
    """Raise for the dates of a polars frame, which scikit-learn would take for the numbers that count them."""
    dtypes = getattr(X, "dtypes", None)
    if not isinstance(dtypes, list):
        return
    dates = [name for name, dtype in zip(X.columns, dtypes, strict=True) if getattr(dtype, "is_temporal", bool)()]
    if dates:
        raise ValueError(f"X holds dates in the columns {dates[:10]}, expected numbers. {REMEDIES['dates']}")
