"""A partition of rows as a worker reads it: cleaned as a fit cleans its input, with its own classes, and kept there."""

from dataclasses import dataclass, replace
from pickle import dumps
from typing import Any, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray, Matrix
from softglm.data import FeaturesInMemory, RowsInMemory
from softglm.data.block import is_sparse
from softglm.distributed import Shard
from softglm.observations import Observations
from softglm.observed import Units
from softglm.response import Response, read_response
from softglm.validation.entries import finite_values
from softglm.validation.features import clean_observations
from softglm.validation.labels import Labels, places_among
from softglm.validation.offset import read_offset
from softglm.validation.weights import read_weights_of_part


@final
@dataclass(frozen=True, eq=False)
class Reading:
    """As what rows all partitions are read, once it is known what all of them hold; see `Observations`."""

    classes: Labels
    present: BoolArray
    factors: FloatArray | None
    with_class_weights: bool


@final
@dataclass(frozen=True, eq=False)
class Summary:
    """What has to be known of a partition before it is read as rows.

    Attributes
    ----------
    n_rows, n_features : int
    columns : dict
        See `Observed`.
    dtype : dtype
        Of X.
    is_sparse : bool
    classes : array of shape (k,)
        Those that occur.
    totals : array of shape (k,)
        Their weights.
    is_labelled : bool
        Whether y holds labels, not counts.
    has_weights, has_offset : bool
    best : float
        The log-likelihood of predicting each row.
    """

    n_rows: int
    n_features: int
    columns: dict[str, Any]
    dtype: np.dtype[Any]
    is_sparse: bool
    classes: Labels
    totals: FloatArray
    is_labelled: bool
    has_weights: bool
    has_offset: bool
    best: float


@final
class Partition(Shard):
    """The rows of a partition with what was observed there.

    Parameters
    ----------
    position : int
    X : array or CSR matrix of shape (n, p)
    response : Response
        Of the classes that occur here.
    weights : array of shape (n,) or None
    offset : object
        As it was given: which columns it must have is known when all classes are.
    columns : dict
        What is known of the columns of X.
    fault : str or None, default=None
        Why it could not be read; the rest is of no rows, then.
    """

    def __init__(  # noqa: PLR0917 - what a partition is, in the order of `fit`
        self,
        position: int,
        X: Matrix,
        response: Response,
        weights: FloatArray | None,
        offset: Any,
        columns: dict[str, Any],
        fault: str | None = None,
    ) -> None:
        self.position, self.X, self.response, self.weights = position, X, response, weights
        self.offset, self.columns, self.fault = offset, columns, fault
        arrays = (X, response.codes, response.counts, weights, offset)
        self.n_bytes = sum(_size(array) for array in arrays if array is not None)
        self._latest: tuple[bytes, RowsInMemory] | None = None

    @property
    def summary(self) -> Summary | str | None:
        """What has to be known of it, or why it cannot be read; None without rows."""
        if self.fault is not None or not self.X.shape[0]:
            return self.fault
        n_rows, n_features = self.X.shape
        return Summary(
            n_rows=n_rows,
            n_features=n_features,
            columns=self.columns,
            dtype=self.X.dtype,
            is_sparse=is_sparse(self.X),
            classes=self.response.classes,
            totals=self.response.class_totals(self.weights),
            is_labelled=self.response.counts is None,
            has_weights=self.weights is not None,
            has_offset=self.offset is not None,
            best=self.response.best_log_likelihood(self.weights),
        )

    def rows(self, reading: Reading) -> RowsInMemory:
        asked = dumps(reading)
        latest = self._latest
        if latest is None or latest[0] != asked:
            observed = self.observed(reading)
            beside = observed.beside(with_class_weights=reading.with_class_weights)
            latest = self._latest = asked, RowsInMemory(self.X, *beside)
        return latest[1]

    def observed(self, reading: Reading) -> Observations:
        """Return what was observed here, of all classes."""
        codes = self.response.codes
        if codes is not None and len(codes):
            codes = places_among(self.response.classes, reading.classes)[codes].astype(np.int32)
        return Observations(
            FeaturesInMemory(self.X),
            Response(reading.classes, codes, self.response.counts),
            self.weights,
            reading.factors,
            read_offset(self.offset, self.X.shape[0], reading.classes),
            reading.present,
            self.columns,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Return what is sent or spilled to disk: not the rows, whose blocks are views and would be copied."""
        return {**vars(self), "_latest": None}


@final
@dataclass(frozen=True, eq=False)
class ReadPartition:
    """What makes a partition of X, y, sample weights and an offset, as they come.

    Attributes
    ----------
    estimator : estimator
        That is to be fitted, or was.
    is_fit : bool
        Whether it is to be: then it has yet to learn the columns.
    """

    estimator: Any
    is_fit: bool

    def __call__(self, position: int, X: Any, y: Any, sample_weight: Any, offset: Any) -> Partition:
        nothing = Response(np.zeros(0), np.zeros(0, dtype=np.int32), None)
        fault = of_other_length(X.shape[0], y=y, sample_weight=sample_weight, offset=offset)
        if fault is None and X.shape[0]:
            try:
                return self._read(position, X, y, sample_weight, offset)
            except (TypeError, ValueError) as error:
                fault = _column_at_fault(X) or str(error)
        return Partition(position, np.zeros((0, X.shape[1])), nothing, None, None, {}, fault)

    def _read(self, position: int, X: Any, y: Any, sample_weight: Any, offset: Any) -> Partition:
        clean, values, columns = clean_observations(X, y, self.estimator, is_fit=self.is_fit)
        weights = read_weights_of_part(sample_weight, clean.shape[0])
        if offset is not None:
            finite_values(offset, "offset")
        response = read_response(y, values, warns=False)  # nobody sees the log of a worker
        return Partition(position, clean, response, weights, offset, columns)


@final
@dataclass(frozen=True, eq=False)
class UnitsOf:
    """What the rows of a partition stand for, without the numbers of each."""

    reading: Reading
    is_sampled: bool

    def __call__(self, partition: Partition) -> Units:
        units = partition.observed(self.reading).units(None, is_sampled=self.is_sampled)
        return replace(units, trials=None, copies=None)


def summary_of(partition: Partition) -> Summary | str | None:
    """Return what has to be known of a partition, or why it cannot be read; None without rows."""
    return partition.summary


def of_other_length(n_rows: int, **given: Any) -> str | None:
    """Say which of what was given does not belong to so many rows."""
    for name, values in given.items():
        if np.ndim(values) and len(values) != n_rows:
            return (
                f"{name} has {len(values)} rows there, and X has {n_rows}. Give them the same partitions: rechunk or "
                "repartition one like the other, after compute_chunk_sizes() if its sizes are not known."
            )
    return None


def _column_at_fault(X: Any) -> str | None:
    """Name the first column of X that holds what is no finite number."""
    names = getattr(X, "columns", None)
    for column in range(X.shape[1]):
        values = _column(X, column)
        at_fault = np.flatnonzero(~np.isfinite(values))
        if len(at_fault):
            what = "NaN" if np.isnan(values[at_fault[0]]) else "infinity"
            return (
                f"X contains {what} in the column {column if names is None else repr(names[column])}, in "
                f"{len(at_fault)} of {len(values)} rows, the first at row {at_fault[0]} there. Fill in what holds "
                "there, or drop those rows."
            )
    return None


def _column(X: Any, column: int) -> npt.NDArray[Any]:
    """Return a column as numbers; nothing, where it holds something else."""
    values = X.iloc[:, column] if hasattr(X, "iloc") else X[:, [column]]
    try:
        return np.ravel(np.asarray(values.toarray() if is_sparse(X) else values, dtype=np.float64))
    except (TypeError, ValueError):
        return np.zeros(0)


def _size(array: Any) -> int:
    if is_sparse(array):
        return int(array.data.nbytes + array.indices.nbytes + array.indptr.nbytes)
    return int(np.asarray(array).nbytes)
