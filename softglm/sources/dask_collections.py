"""Collections of Dask as a source: their partitions are loaded once into the memory of its workers, and fitted there.

Without a client there are no workers: then they are computed at every pass, one after the other, and none is kept.
"""

from collections.abc import Iterator
from typing import Any, final

import dask
import dask.array
import numpy as np
import numpy.typing as npt
from distributed import Client, default_client

from softglm.distributed.dask import DaskEngine
from softglm.observed import Observed
from softglm.sources.blocks import Blocks
from softglm.sources.observed_on_cluster import ObservedOnCluster
from softglm.sources.partition import ReadPartition
from softglm.sources.source import Source
from softglm.validation.labels import Labels


@final
class DaskSource(Source):
    """An array or a frame of Dask, with what was observed beside it in partitions of the same rows.

    Parameters
    ----------
    X : dask.array.Array or dask.dataframe.DataFrame
        A block of an array may be a CSR matrix.
    y, sample_weight, offset : object
        Collections of Dask, or arrays if X has known lengths; None where there is none.

    Raises
    ------
    ValueError
        If they have other lengths than X, or other partitions of lengths that are not known.
    """

    def __init__(self, X: Any, y: Any = None, sample_weight: Any = None, offset: Any = None) -> None:
        self._lengths, self._X = _lengths(X), X
        self._beside = {"y": y, "sample_weight": sample_weight, "offset": offset}

    def observe(self, *, class_weight: Any, estimator: Any, fitted_classes: Labels | None = None) -> Observed:
        client = _client()
        if client is None:
            blocks = Blocks(self._computed)
            return blocks.observe(class_weight=class_weight, estimator=estimator, fitted_classes=fitted_classes)
        engine = DaskEngine(client)
        read = ReadPartition(estimator, is_fit=fitted_classes is None)
        columns = self._columns()
        partitions = engine.load(read, range(len(columns[0])), *columns)
        return ObservedOnCluster(
            engine, partitions, self._split, class_weight=class_weight, fitted_classes=fitted_classes
        )

    def _computed(self) -> Iterator[tuple[Any, ...]]:
        """Yield the partitions one after the other, in the memory of this process."""
        for piece in zip(*self._columns(), strict=True):
            yield dask.compute(*piece)

    def predictions(self, model: Any, method: str) -> dask.array.Array:
        K = len(model.classes_)
        width = () if method == "predict" or (method == "decision_function" and K == 2) else (K,)
        dtype = np.asarray(model.classes_).dtype if method == "predict" else np.dtype(np.float64)
        predicted, empty = dask.delayed(_predicted), np.empty((0, *width), dtype)
        whole = dask.delayed(model)
        pieces = [
            dask.array.from_delayed(predicted(whole, method, X, offset, empty), (length, *width), dtype)
            for X, _, _, offset, length in zip(*self._columns(), self._lengths, strict=True)
        ]
        return dask.array.concatenate(pieces, allow_unknown_chunksizes=True)

    def totals(self, model: Any, method: str) -> tuple[float, ...]:
        of_piece = dask.delayed(_of_rows, pure=False)
        whole = dask.delayed(model)
        pieces = dask.compute(*(of_piece(whole, method, *piece) for piece in zip(*self._columns(), strict=True)))
        sums = [piece for piece in pieces if piece is not None]
        if not sums:
            raise ValueError("None of the partitions has a row: nothing to score.")
        return tuple(map(sum, zip(*sums, strict=True)))

    def _columns(self) -> list[list[Any]]:
        """Return X, y, weights and offset, each in partitions."""
        return [_blocks(self._X), *(self._split(*item) for item in self._beside.items())]

    def _split(self, name: str, given: Any) -> list[Any]:
        """Return what was given beside X in partitions like those of X; numbers and None for each of them."""
        n_partitions, lengths = len(self._lengths), self._lengths
        if given is None or not np.ndim(given):
            return [given] * n_partitions
        is_known = not np.isnan(lengths).any()
        if not dask.is_dask_collection(given):
            if not is_known:
                raise ValueError(
                    f"{name} is in memory, and it is not known how many rows the partitions of X have. Pass {name} as "
                    "a collection of Dask; or call X.compute_chunk_sizes() first."
                )
            given = dask.array.from_array(np.asarray(given))
        if isinstance(given, dask.array.Array) and is_known and not np.isnan(given.shape[0]):
            if given.shape[0] != sum(lengths):
                raise ValueError(
                    f"{name} has {given.shape[0]} rows, and X has {sum(lengths)}: pass one for each row of X."
                )
            given = given.rechunk({0: tuple(lengths)})
        blocks = _blocks(given)
        if len(blocks) != n_partitions:
            raise ValueError(
                f"{name} has {len(blocks)} partitions, X has {n_partitions}, and which rows belong together is not "
                "known. Take both from one frame; or call compute_chunk_sizes() on arrays, repartition() on frames."
            )
        return blocks


def _client() -> Client | None:
    """Return the client that is connected to a cluster, if there is one."""
    try:
        return default_client()
    except ValueError:
        return None


def _lengths(X: Any) -> list[float]:
    """Return how many rows the partitions have, NaN where that is not known."""
    if isinstance(X, dask.array.Array):
        if X.ndim != 2:
            raise ValueError(f"X has {X.ndim} dimensions, expected 2: X.reshape(-1, 1) makes a column of one.")
        return list(X.chunks[0])
    return [np.nan] * X.npartitions


def _blocks(collection: Any) -> list[Any]:
    """Return the partitions, each with all columns, to be computed."""
    if isinstance(collection, dask.array.Array) and collection.ndim == 2 and collection.numblocks[1] > 1:
        collection = collection.rechunk({1: -1})
    # As they are: optimised each by itself, an array has tasks of one name and other inputs, and of a frame in Parquet
    # one column has fewer partitions than many. And y is then taken from what is read for X.
    return list(np.ravel(collection.to_delayed(optimize_graph=False)))


def _predicted(model: Any, method: str, X: Any, offset: Any, empty: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.asarray(getattr(model, method)(X, offset), empty.dtype) if X.shape[0] else empty


def _of_rows(model: Any, method: str, X: Any, *beside: Any) -> Any:
    return getattr(model, method)(X, *beside) if X.shape[0] else None
