"""Pieces of X, checked as they are read: numbers, of the columns of the first, and the same at every pass."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, final
from zlib import crc32

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.arrays import Matrix
from softglm.data.block import is_sparse
from softglm.validation.features import unchecked_features
from softglm.validation.finite import MOST, are_numbers

# Rows of a piece whose order is looked at.
_SOME_ROWS = 64
_SAME = "Every pass over the rows has to find the same ones in the same order: without shuffling or drawing anew."
# Of columns at fault, an error names this many.
_NAMED = 3


class _Mark(NamedTuple):
    """What tells a piece from others: its size, the sum of its bits, and a checksum of some of its rows, in order."""

    shape: tuple[int, ...]
    total: int
    some: int


@final
class Matrices:
    """Pieces of X as C-ordered or CSR matrices in floats, which have to be the same whenever they are read.

    Parameters
    ----------
    read : callable
        Returns an iterator of pieces as users have them, none of them empty, each after its number among all.
    learner : estimator
        What knows the number of the columns, and their names unless they are given: a copy, which learns them of the
        first piece of a fit.
    names : tuple of str or None
        Those of the columns, where pieces have none.
    dtype : dtype or None
        float32 or float64; None for that of the first piece.
    is_fit : bool
    what : str
        What a piece is called in errors, before its number.

    Attributes
    ----------
    n_rows, n_entries : int
        Of all pieces, once they have been read.
    dtype : dtype
        float32 if the first piece is in single or half precision, else float64.
    is_sparse : bool
        Whether the first piece is.
    """

    def __init__(
        self,
        read: Callable[[], Iterator[tuple[int, Any]]],
        learner: Any,
        names: tuple[str, ...] | None,
        dtype: np.dtype[Any] | None,
        *,
        is_fit: bool,
        what: str,
    ) -> None:
        self._read, self._learner, self._names = read, learner, names
        self._what, self._is_to_learn = what, is_fit
        self._marks: list[_Mark] = []
        self._numbers: list[int] = []
        self._is_known = False
        self.n_rows = self.n_entries = 0
        self.dtype = dtype
        self.is_sparse = False

    @property
    def columns(self) -> dict[str, Any]:
        """What a fit learns of the columns, by the names of scikit-learn's attributes."""
        columns = {"n_features_in_": self.n_features}
        names = getattr(self._learner, "feature_names_in_", self._names)
        return columns if names is None else {**columns, "feature_names_in_": np.array(names, dtype=object)}

    @property
    def n_features(self) -> int:
        """How many columns there are."""
        return int(self._learner.n_features_in_) if self._names is None else len(self._names)

    @property
    def digest(self) -> int:
        """A checksum of what was read."""
        return crc32(repr(self._marks).encode())

    def __call__(self) -> Iterator[Matrix]:
        """Yield the pieces; raise where one is not what it was at an earlier pass, or no numbers."""
        count = 0
        for count, (number, given) in enumerate(self._read(), start=1):
            with in_piece(self._what, number):
                X = self.checked(given, count - 1, number)
            yield X
        self.end(count)

    def checked(self, given: Any, place: int, number: int) -> Matrix:
        """Return a piece as a fit takes it; raise if it is not what is expected in its place among those with rows."""
        X = self._converted(given)
        mark = _mark_of(X)
        if place < len(self._marks):
            before = self._marks[place]
            if mark != before:
                differs = "it holds other numbers than"
                if mark.shape != before.shape:
                    differs = f"it has the shape {mark.shape}, and had {before.shape}"
                raise ValueError(f"{differs} at an earlier pass. {_SAME}")
        elif self._is_known:
            raise ValueError(f"it is new, and {self._before}")
        else:
            self._check_numbers(X)
            self._marks.append(mark)
            self._numbers.append(number)
            self.n_rows += X.shape[0]
            self.n_entries += int(X.nnz if is_sparse(X) else X.size)
        return X

    def end(self, count: int) -> None:
        """Say that there were so many pieces with rows at this pass; raise if there had been more."""
        if count < len(self._marks):
            with in_piece(self._what, self._numbers[count]):
                raise ValueError(f"it is missing, and {self._before}")
        self._is_known = True

    @property
    def _before(self) -> str:
        return f"at an earlier pass there were {len(self._marks)} with rows. {_SAME}"

    def _converted(self, given: Any) -> Matrix:
        X, _ = unchecked_features(given, self._learner, is_fit=self._is_to_learn)
        self._is_to_learn = False
        if self.dtype is None:
            self.dtype = np.dtype(np.float32 if X.dtype in (np.float32, np.float16) else np.float64)
            self.is_sparse = is_sparse(X)
        if is_sparse(X) != self.is_sparse:
            kinds = ("dense", "sparse") if self.is_sparse else ("sparse", "dense")
            raise ValueError(f"X is {kinds[0]}, and was {kinds[1]} before. Convert one of them.")
        if np.promote_types(X.dtype, self.dtype) != self.dtype and X.dtype.kind == "f":
            raise ValueError(f"X is in {X.dtype}, and was in {self.dtype} before. Convert all of it to one of them.")
        if self.is_sparse:
            return sparse.csr_array(X, dtype=self.dtype)
        return np.ascontiguousarray(X, dtype=self.dtype)

    def _check_numbers(self, X: Matrix) -> None:
        if are_numbers(X):
            return
        entries = sparse.coo_array(X)
        with np.errstate(invalid="ignore"):
            at_fault = ~(np.abs(entries.data) <= MOST)
        rows, columns = entries.row[at_fault], entries.col[at_fault]
        found = np.unique(columns)
        names = np.asarray(self.columns.get("feature_names_in_", np.arange(X.shape[1])))[found[:_NAMED]].tolist()
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        value = entries.data[at_fault][0]
        kind = "missing values (NaN)" if np.isnan(value) else f"values such as {value:.3g}, beyond {MOST:g},"
        row = self.n_rows + int(rows[0])
        raise ValueError(
            f"X holds {kind} in the columns {names}{more}, first in row {row}, expected numbers. "
            "Fill them in before, or leave out those rows."
        )


@contextmanager
def in_piece(what: str, number: int) -> Iterator[None]:
    """Where something about a piece is wrong, say which it is, counted from 0."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"{what} {number}: {error}") from error


def _mark_of(X: Matrix) -> _Mark:
    values = X.data if is_sparse(X) else X
    bits: npt.NDArray[Any] = values.view(np.uint32 if values.itemsize == np.float32().itemsize else np.uint64)
    step = max(len(bits) // _SOME_ROWS, 1)
    places = crc32(np.ascontiguousarray(X.indices[::step]).data) if is_sparse(X) else 0
    return _Mark(X.shape, int(bits.sum(dtype=np.uint64)), crc32(np.ascontiguousarray(bits[::step]).data, places))
