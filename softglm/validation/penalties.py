"""What is to be penalised, and how: factors, groups and bounds, by the names of columns or their positions."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.arrays import BoolArray, FloatArray, IntArray
from softglm.model import PenaltyForm
from softglm.validation.entries import as_given, shown
from softglm.validation.finite import as_float
from softglm.validation.parameters import flag, ratio

# A factor times the strength, and its product with a variance, stay within the range of float64.
MOST_FACTOR = 1e100
# What is named in a message: so many columns.
_NAMED = 10


def read_penalty_form(
    *,
    l1_ratio: Any,
    penalty_factors: Any,
    grouped: Any,
    groups: Any,
    within_ratio: Any,
    lower: Any,
    upper: Any,
    n_features: int,
    names: npt.NDArray[Any] | None,
    present: BoolArray,
) -> PenaltyForm:
    """Return what users ask of a penalty, all but its strength; each error says what to do.

    Parameters
    ----------
    l1_ratio, penalty_factors, grouped, groups, within_ratio, lower, upper : object
        Parameters of `SoftmaxGLM`, as given.
    n_features : int
    names : array of shape (p,) or None
        Of the columns of X.
    present : bool array of shape (K,)
        Which classes have weight: there are coefficients of these only, of two classes those of the second.
    """
    columns = _Columns(n_features, names)
    l1_ratio, within_ratio = ratio(l1_ratio, "l1_ratio"), ratio(within_ratio, "within_ratio")
    is_grouped = flag(grouped, "grouped") or groups is not None
    factors = read_factors(penalty_factors, columns)
    codes = _read_groups(groups, columns) if is_grouped else None
    bounds = _read_bounds(lower, upper, columns, present)
    if codes is None and within_ratio > 0.0:
        raise ValueError(
            f"within_ratio={as_given(within_ratio)} is the share of single coefficients where groups leave 0 as one, "
            "and there are none. Set grouped=True or groups, or leave it at 0."
        )
    if codes is not None and bounds is not None:
        raise ValueError(
            "groups (or grouped=True) and bounds were both given: a group is held at 0 by its length, and bounds cut "
            "that in pieces. Leave out lower and upper, or the groups."
        )
    if codes is not None:
        _check_factors_of_groups(factors, codes, columns)
        if len(present) == 2 and len(np.unique(codes)) == n_features:
            codes, within_ratio = None, 0.0  # of one coefficient each: the norm is its size
    return PenaltyForm(l1_ratio, factors, codes, within_ratio, bounds)


class _Columns:
    """The columns of X, by name or position."""

    def __init__(self, n_features: int, names: npt.NDArray[Any] | None) -> None:
        self.n_features, self.names = n_features, names
        self._places = {} if names is None else {name: place for place, name in enumerate(names.tolist())}

    def place(self, column: Any, what: str) -> int:
        """Return where a column is; raise if it is nowhere."""
        if isinstance(column, Integral) and not isinstance(column, bool):
            if 0 <= int(column) < self.n_features:
                return int(column)
            raise ValueError(
                f"{what} has the position {column}, expected one from 0 to {self.n_features - 1}: X has "
                f"{self.n_features} columns."
            )
        if column in self._places:
            return self._places[column]
        if self.names is None:
            raise ValueError(
                f"{what} names the column {shown(column)}, and the columns of X have no names: pass X as a frame, or "
                "positions."
            )
        raise ValueError(
            f"{what} names the column {shown(column)}, expected names of X: {self.names[:_NAMED].tolist()}"
            f"{' and so on' if len(self.names) > _NAMED else ''}. Rename or drop it."
        )

    def shown(self, places: Iterable[int]) -> str:
        """Return columns as a message shows them."""
        chosen = list(places)[:_NAMED]
        return str(chosen if self.names is None else self.names[chosen].tolist())


def read_factors(given: Any, columns: "_Columns") -> FloatArray:
    """Return a factor for each column, shape (p,): of a dict from names to factors, 1 for the rest."""
    if given is None:
        return np.ones(columns.n_features)
    values = _per_column(given, columns, "penalty_factors", 1.0)
    if values.shape != (columns.n_features,):
        raise ValueError(
            f"penalty_factors has shape {values.shape}, expected ({columns.n_features},): a factor for each column of "
            "X; or a dict from some of them to theirs."
        )
    bad = ~((values >= 0.0) & (values <= MOST_FACTOR))
    if bad.any():
        place = int(bad.argmax())
        raise ValueError(
            f"penalty_factors has {values[place]} for the column {columns.shown([place])}, expected a number from 0 "
            f"(not penalised) to {MOST_FACTOR:g}. To leave a column out, drop it."
        )
    return values


def _read_bounds(
    lower: Any, upper: Any, columns: "_Columns", present: BoolArray
) -> tuple[FloatArray, FloatArray] | None:
    """Return lower and upper, shape (p, q) each; None where nothing is bounded."""
    below = _read_bound(lower, -np.inf, columns, present, "lower")
    above = _read_bound(upper, np.inf, columns, present, "upper")
    if below is None and above is None:
        return None
    shape = columns.n_features, 1 if len(present) == 2 else int(present.sum())
    below = np.full(shape, -np.inf) if below is None else below
    above = np.full(shape, np.inf) if above is None else above
    return None if np.isinf(below).all() and np.isinf(above).all() else (below, above)


def _read_bound(given: Any, none: float, columns: "_Columns", present: BoolArray, what: str) -> FloatArray | None:
    """Return the bounds of the coefficients of the classes that are present, shape (p, q)."""
    if given is None:
        return None
    values = _per_column(given, columns, what, none)
    n_rows = 1 if len(present) == 2 else len(present)
    if values.shape not in {(), (columns.n_features,), (n_rows, columns.n_features)}:
        raise ValueError(
            f"{what} has shape {values.shape}, expected a number, ({columns.n_features},) for the columns of X, or "
            f"({n_rows}, {columns.n_features}) as coef_ has it."
        )
    sign, side = (-1.0, "at most") if none < 0.0 else (1.0, "at least")
    bad = ~(values * sign >= 0.0)
    if bad.any():
        raise ValueError(
            f"{what} has {values[bad][0]}, expected numbers of {side} 0, or {none:g} for none: a coefficient of 0 is "
            "to be allowed, as that of the model without features is."
        )
    whole = np.broadcast_to(values, (n_rows, columns.n_features))
    return np.ascontiguousarray((whole if n_rows == 1 else whole[present]).T)


def _per_column(given: Any, columns: "_Columns", what: str, rest: float) -> FloatArray:
    """Return numbers, or those of a dict from columns, in their places and `rest` in the others."""
    if not isinstance(given, Mapping):
        return _numbers(given, what)
    values = np.full(columns.n_features, rest)
    for column, value in given.items():
        number = _numbers(value, what)
        if number.shape != ():
            raise ValueError(f"{what} has {as_given(value)} for the column {shown(column)}, expected a number.")
        values[columns.place(column, what)] = number
    return values


def _numbers(given: Any, what: str) -> FloatArray:
    """Return what should be real numbers, of any shape and not NaN."""
    try:
        values = np.asarray(given.to_numpy() if hasattr(given, "to_numpy") else given)
    except ValueError as error:
        raise ValueError(f"{what} has rows of different lengths, expected an array of numbers.") from error
    is_real = values.dtype.kind in "iuf" or (
        values.dtype == object
        and not sparse.issparse(given)
        and all(isinstance(value, Real) and not isinstance(value, bool) for value in values.flat)
    )
    if not is_real:
        raise ValueError(f"{what} must hold numbers, or be a dict from columns of X to numbers, got {as_given(given)}.")
    numbers = np.vectorize(as_float, otypes=[np.float64])(values) if values.dtype == object else values
    numbers = np.asarray(numbers, dtype=np.float64)
    if np.isnan(numbers).any():
        raise ValueError(f"{what} has NaN, expected numbers. Fill in what holds there.")
    return numbers


def _read_groups(given: Any, columns: "_Columns") -> IntArray:
    """Return the group of each column, codes from 0 in the order in which they begin, shape (p,)."""
    if given is None:
        return np.arange(columns.n_features, dtype=np.int32)
    members = _listed(given)
    labels = _labels_of(given, columns) if members is None else _labels_of_lists(members, columns)
    _, first, codes = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[codes].astype(np.int32)


def _listed(given: Any) -> list[list[Any]] | None:
    """Return groups as lists of columns; None if they are given as a label for each column."""
    if isinstance(given, Mapping):
        given = list(given.values())
    if not isinstance(given, Sequence) or isinstance(given, str):
        return None
    is_list = [np.ndim(group) == 1 and not isinstance(group, str | bytes) for group in given]
    if not any(is_list):
        return None
    return [list(group) if is_listed else [group] for group, is_listed in zip(given, is_list, strict=True)]


def _labels_of_lists(members: list[list[Any]], columns: "_Columns") -> IntArray:
    """Return labels of the groups of columns: those in no list are groups of their own."""
    labels = np.arange(columns.n_features, dtype=np.int32) + len(members)
    for group, listed in enumerate(members):
        for column in listed:
            place = columns.place(column, "groups")
            if labels[place] < len(members):
                raise ValueError(
                    f"groups has the column {columns.shown([place])} twice, expected each in one group: they may not "
                    "overlap. Drop it from one of them."
                )
            labels[place] = group
    return labels


def _labels_of(given: Any, columns: "_Columns") -> npt.NDArray[Any]:
    labels = np.asarray(given)
    if labels.shape != (columns.n_features,) or labels.dtype.kind not in "biuOSU":
        raise ValueError(
            f"groups must be a label (text or a whole number) for each of the {columns.n_features} columns of X, or a "
            f"list of lists of columns, by name or position, got {_short(given)}."
        )
    # One type, so that they can be sorted, each kept apart from others that are written alike.
    kinds = {} if labels.dtype != object else {label: place for place, label in enumerate(dict.fromkeys(labels))}
    return labels if not kinds else np.array([kinds[label] for label in labels])


def _short(given: Any) -> str:
    return f"an array of shape {np.shape(given)}" if isinstance(given, np.ndarray) else shown(given)


def _check_factors_of_groups(factors: FloatArray, codes: IntArray, columns: "_Columns") -> None:
    """Raise unless the columns of a group have one factor."""
    of_group = np.zeros(int(codes.max(initial=-1)) + 1)
    of_group[codes] = factors
    differs = factors != of_group[codes]
    if differs.any():
        members = np.flatnonzero(codes == codes[differs.argmax()])
        raise ValueError(
            f"penalty_factors has {factors[members][:_NAMED].tolist()} for the columns {columns.shown(members)}, which "
            "are one group: expected one factor for all of them, as they leave 0 together."
        )
