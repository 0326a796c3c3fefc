"""What was observed beside the features, gathered from pieces of the rows: it is held, being few numbers for each."""

from array import array
from hashlib import sha256
from typing import Any, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray, IntArray
from softglm.response import Response, read_response
from softglm.validation.counts import read_counts, warn_about_counts
from softglm.validation.entries import finite_values
from softglm.validation.features import clean_response
from softglm.validation.labels import Labels, column_names, is_frame, joined

# Rows whose codes are put into the order of the classes at a time.
_AT_ONCE = 2**16
_ONE_OF_THEM = "Pass the one or the other for all rows."
# Labels of these kinds are of one type.
_TYPES = {"i": "whole numbers", "u": "whole numbers", "f": "numbers", "b": "booleans"}


@final
class Beside:
    """The labels or counts, weights and offset of the rows so far.

    Parameters
    ----------
    classes : array-like of shape (K,) or None
        The labels there may be; None for those that occur.

    Attributes
    ----------
    n_rows : int
    """

    def __init__(self, classes: Any = None) -> None:
        self.n_rows = 0
        self._allowed = None if classes is None else np.unique(np.asarray(classes))
        # In the order in which they come first, which is that of the codes until all have been seen.
        self._classes: Labels | None = self._allowed
        self._places = {} if self._allowed is None else {label: at for at, label in enumerate(self._allowed.tolist())}
        self._codes = array("i")
        self._columns: dict[str, _Column] = {}

    def add(self, y: Any, sample_weight: Any, offset: Any, n_rows: int) -> None:
        """Add what was observed in the next rows; raise if it is not what a fit takes, or not what it was before.

        y is what a user would pass, or a `Response`, in which labels are coded already.
        """
        if y is None:
            raise ValueError("There is no y, expected (X, y), with a label or a row of counts for each row of X.")
        response, names = (y, y.classes) if isinstance(y, Response) else _read(y)
        if response.counts is None:
            self._add_labels(response, n_rows)
        elif len(self._codes):
            raise ValueError(f"y holds class probabilities or counts, and labels before. {_ONE_OF_THEM}")
        else:
            self._add("y", response.counts, n_rows, names)
        self._add("sample_weight", sample_weight, n_rows)
        self._add("offset", offset, n_rows)
        self.n_rows += n_rows

    def _add_labels(self, observed: Response, n_rows: int) -> None:
        if observed.codes is None or len(observed.codes) != n_rows:
            raise ValueError(f"y has {len(observed.is_unknown)} rows, expected {n_rows}: one for each row of X.")
        if "y" in self._columns:
            raise ValueError(f"y holds labels, and class probabilities or counts before. {_ONE_OF_THEM}")
        labels, kind = observed.classes, _type_of(observed.classes)
        if self._classes is not None and _type_of(self._classes) != kind:
            before = self._classes[:1].tolist()
            raise ValueError(
                f"y has labels like {labels[:1].tolist()}, {kind}, expected {_type_of(self._classes)} like {before}. "
                "Convert them to one type."
            )
        new = np.array([label not in self._places for label in labels.tolist()])
        if new.any():
            if self._allowed is not None:
                raise ValueError(
                    f"y has the labels {labels[new][:10].tolist()}, expected some of classes={self._allowed.tolist()}. "
                    "Add them there."
                )
            self._classes = labels[new] if self._classes is None else joined([self._classes, labels[new]])
            for label in labels[new].tolist():
                self._places[label] = len(self._places)
        places = np.array([self._places[label] for label in labels.tolist()], dtype=np.int32)
        self._codes.frombytes(places[observed.codes].tobytes())

    def _add(self, name: str, given: Any, n_rows: int, names: Labels | None = None) -> None:
        """Add numbers that belong to rows: of all rows, or of none."""
        if self.n_rows and (given is None) == (name in self._columns):
            raise ValueError(f"{name} is there in some of the rows only, expected in all or in none.")
        if given is None:
            return
        values = finite_values(given, name)
        if values.ndim == 0 or len(values) != n_rows:
            raise ValueError(f"{name} has shape {values.shape}, expected ({n_rows}, ...): one row for each of X.")
        column = self._columns.setdefault(name, _Column(values.shape[1:], names))
        column.add(values, names, name)

    @property
    def digest(self) -> str:
        """A checksum of what was observed."""
        digest = sha256(repr(list(self._places)).encode())
        for numbers in (self._codes, *(column.values for column in self._columns.values())):
            digest.update(np.ascontiguousarray(numbers).data)
        return digest.hexdigest()

    def concluded(self) -> tuple[Response, FloatArray | None, FloatArray | None]:
        """Return y, the weights and the offset of all rows, (n,) or (n, K), None where there are none: once."""
        weights, offset = (
            self._columns[name].values if name in self._columns else None for name in ("sample_weight", "offset")
        )
        return self._counts() if "y" in self._columns else self._labels(), weights, offset

    def _counts(self) -> Response:
        counts, names = self._columns["y"].values, self._columns["y"].names
        warn_about_counts(counts)
        if names is None:
            return Response(np.arange(counts.shape[1]), None, counts)
        order = np.argsort(names, kind="stable")
        return Response(names[order], None, counts[:, order])

    def _labels(self) -> Response:
        assert self._classes is not None  # noqa: S101 - there are rows
        order = np.argsort(self._classes, kind="stable")
        ranks = np.empty(len(order), dtype=np.int32)
        ranks[order] = np.arange(len(order), dtype=np.int32)
        codes: IntArray = np.frombuffer(self._codes, dtype=np.int32)
        for start in range(0, len(codes), _AT_ONCE):
            codes[start : start + _AT_ONCE] = ranks[codes[start : start + _AT_ONCE]]
        return Response(self._classes[order], codes, None)


@final
class _Column:
    """Numbers that belong to rows, as many in each, with the names of the columns of a frame."""

    def __init__(self, shape: tuple[int, ...], names: Labels | None) -> None:
        self._shape, self.names, self._numbers = shape, names, array("d")

    def add(self, values: FloatArray, names: Labels | None, what: str) -> None:
        if values.shape[1:] != self._shape or _listed(names) != _listed(self.names):
            raise ValueError(
                f"{what} has the shape {values.shape}, expected {(len(values), *self._shape)}"
                f"{'' if self.names is None else f' with the columns {self.names.tolist()}'}, as before."
            )
        self._numbers.frombytes(np.ascontiguousarray(values).tobytes())

    @property
    def values(self) -> FloatArray:
        numbers: npt.NDArray[np.float64] = np.frombuffer(self._numbers, dtype=np.float64)
        return numbers.reshape(-1, *self._shape)


def _read(y: Any) -> tuple[Response, Labels | None]:
    """Return y as a response, and the names of its columns, where it is a frame of counts."""
    values = clean_response(y)
    if values.ndim == 1 or values.shape[1] == 1:
        return read_response(y, values.ravel()), None
    names = column_names(y, "y") if is_frame(y) else None
    return Response(np.arange(values.shape[1]) if names is None else names, None, read_counts(values)), names


def _listed(names: Labels | None) -> list[Any] | None:
    return None if names is None else names.tolist()


def _type_of(labels: Labels) -> str:
    return _TYPES.get(labels.dtype.kind, "text")
