"""Sources that are read piece by piece: again at every pass, or once, into files that are mapped into memory."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from softglm.arrays import Matrix
from softglm.data import FeaturesInPieces, one_blas_thread
from softglm.observations import Observations, observations_of
from softglm.response import Response
from softglm.sources.beside import Beside
from softglm.sources.matrices import Matrices, in_piece
from softglm.sources.source import Source
from softglm.sources.store import FORMAT, Content, Store, write_rows
from softglm.validation.labels import Labels
from softglm.validation.weights import read_weights

# To read an entry of X again, in the unit of `model.passes.prices`: as measured for Parquet.
_READING = 6.0
# Characters of a digest that tell files apart.
_TOLD_BY = 24


class Piece(NamedTuple):
    """Some of the rows, as a user would pass them; what was not asked for, or is not there, is None."""

    X: Any
    y: Any = None
    sample_weight: Any = None
    offset: Any = None


class SourceInPieces(Source):
    """Rows of which a piece at a time is in memory.

    Parameters
    ----------
    place : str
        Where the rows are, for an error.
    cache : path or None
        The folder of a `Store`; None to read all again at every pass.
    classes : array-like of shape (K,) or None
        The labels there may be.
    """

    # What a piece is called in errors, before its number.
    _what = "Block"

    def __init__(self, place: str, cache: Any, classes: Any) -> None:
        self._place = place
        # The same folder also after the process goes to another one.
        self._cache = None if cache is None else Path(cache).expanduser().absolute()
        self._classes = classes

    @abstractmethod
    def _names(self, estimator: Any, *, is_fit: bool) -> tuple[str, ...] | None:
        """Return the names of the features that an estimator was fitted to, or is about to be; None if X tells them."""

    @abstractmethod
    def _dtype(self, names: tuple[str, ...] | None) -> np.dtype[Any] | None:
        """Return that of X, float32 or float64; None if the first piece tells it."""

    @abstractmethod
    def _pieces(self, names: tuple[str, ...] | None, wanted: Sequence[str]) -> Iterable[Piece]:
        """Return the rows in order, the same ones every time.

        Parameters
        ----------
        names : tuple of str or None
            What `_names` returned: of the columns of X.
        wanted : sequence of str
            Which parts of a piece are needed; the others may be there.
        """

    @abstractmethod
    def _fingerprint(self) -> str | None:
        """Return what tells these rows from any others; None if only reading them does."""

    @one_blas_thread
    def observe(self, *, class_weight: Any, estimator: Any, fitted_classes: Labels | None = None) -> Observations:
        """Return all that a fit has to know of the rows, which are read once for it."""
        is_fit = fitted_classes is None
        names = self._names(estimator, is_fit=is_fit)
        matrices = Matrices(
            partial(self._features, names),
            estimator if names is None and not is_fit else nameless(estimator),
            names,
            self._dtype(names),
            is_fit=is_fit,
            what=self._what,
        )
        read = self._surveyed if self._cache is None else partial(self._stored, Store(self._cache))
        content, columns = read(names, matrices)
        return observations_of(
            content.features,
            content.response,
            read_weights(content.weights, content.features.shape[0]),
            content.offset,
            columns if is_fit else {},
            class_weight=class_weight,
            fitted_classes=fitted_classes,
        )

    def predictions(self, model: Any, method: str) -> Any:
        """Return what a method of the model returns for the pieces, joined."""
        predicted = list(self._each(model, method, ("X", "offset")))
        if not predicted:
            raise ValueError(f"There are no rows in {self._place}: nothing to predict.")
        return np.concatenate(predicted)

    def totals(self, model: Any, method: str) -> tuple[float, ...]:
        """Return the sums of the numbers that a method of the model returns for the pieces that have weight."""
        sums = list(self._each(model, method, Piece._fields))
        if not sums:
            raise ValueError(f"No row of {self._place} has any weight: nothing to score.")
        return tuple(map(sum, zip(*sums, strict=True)))

    def _each(self, model: Any, method: str, wanted: Sequence[str]) -> Iterator[Any]:
        """Yield what a method of the model returns for the wanted parts of each piece."""
        names = self._names(model, is_fit=False)
        call = getattr(model if names is None else nameless(model), method)
        for number, piece in self._filled(names, wanted):
            if "sample_weight" not in wanted or piece.sample_weight is None or np.any(piece.sample_weight):
                with in_piece(self._what, number):
                    yield call(*(_given(getattr(piece, part)) for part in wanted))

    def _filled(self, names: tuple[str, ...] | None, wanted: Sequence[str]) -> Iterator[tuple[int, Piece]]:
        """Yield the pieces that have rows, with their numbers among all."""
        return ((number, piece) for number, piece in enumerate(self._pieces(names, wanted)) if _n_rows(piece))

    def _features(self, names: tuple[str, ...] | None) -> Iterator[tuple[int, Any]]:
        return ((number, piece.X) for number, piece in self._filled(names, ("X",)))

    def _surveyed(self, names: tuple[str, ...] | None, matrices: Matrices) -> tuple[Content, dict[str, Any]]:
        """Return features that are read at every pass, and what was observed beside them, which is held."""
        beside = Beside(self._classes)
        for _ in self._read(names, matrices, beside, Piece._fields[1:]):
            pass
        shape = beside.n_rows, matrices.n_features
        n_entries = matrices.n_entries or shape[0] * shape[1]
        features = FeaturesInPieces(
            matrices,
            shape,
            np.float64 if matrices.dtype is None else matrices.dtype,
            n_entries=n_entries,
            is_sparse=matrices.is_sparse,
            pass_price=_READING * n_entries,
            place=self._place,
        )
        return Content(features, *beside.concluded()), matrices.columns

    def _stored(
        self, store: Store, names: tuple[str, ...] | None, matrices: Matrices
    ) -> tuple[Content, dict[str, Any]]:
        """Return rows that are mapped into memory: those that are in the store, or else are put there."""

        def name_of(*told_by: object) -> str:
            classes = None if self._classes is None else np.asarray(self._classes).tolist()
            return sha256(repr((FORMAT, names, classes, *told_by)).encode()).hexdigest()[:_TOLD_BY]

        def write(path: Path) -> str:
            beside = Beside(self._classes)
            pieces = self._read(names, matrices, beside, Piece._fields)
            write_rows(path, pieces, beside.concluded, lambda: matrices.columns)
            return name_of(known) if known else name_of(matrices.digest, beside.digest)

        known = self._fingerprint()
        found = store.find(name_of(known)) if known else None
        return found or store.added(write)

    def _read(
        self, names: tuple[str, ...] | None, matrices: Matrices, beside: Beside, wanted: Sequence[str]
    ) -> Iterator[Matrix]:
        """Read all rows for the first time: yield their features, and gather what was observed beside them."""
        count = 0
        for count, (number, piece) in enumerate(self._filled(names, wanted), start=1):
            with in_piece(self._what, number):
                X = None if piece.X is None else matrices.checked(piece.X, count - 1, number)
                beside.add(piece.y, piece.sample_weight, piece.offset, _n_rows(piece))
            if X is not None:
                yield X
        if not count:
            raise ValueError(f"There are no rows in {self._place}: nothing to fit.")
        if matrices.n_rows:
            matrices.end(count)


def _n_rows(piece: Piece) -> int:
    return len(_given(piece.y)) if piece.X is None else int(np.shape(piece.X)[0])


def _given(part: Any) -> Any:
    """Return a part of a piece as a user would pass it."""
    return part.values if isinstance(part, Response) else part


def nameless(estimator: Any) -> Any:
    """Return a copy of an estimator that knows no names of columns."""
    other = copy(estimator)
    vars(other).pop("feature_names_in_", None)
    return other
