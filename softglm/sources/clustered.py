"""Partitions whose rows are in clusters, and what their scores add up to there."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data import RowsInMemory
from softglm.distributed import Shard
from softglm.inference.score_sums import RowScores
from softglm.sources.partition import Partition, Reading, of_other_length
from softglm.validation.labels import Labels, missing_labels


@final
class Clustered(Shard):
    """A partition with the clusters of its rows.

    Parameters
    ----------
    partition : Partition
    labels : array of shape (g,)
        The clusters that occur in it.
    codes : int array of shape (n,)
        Which one each row is in.
    fault : str or None
        Why that cannot be told.
    """

    def __init__(self, partition: Partition, labels: Labels, codes: npt.NDArray[np.intp], fault: str | None) -> None:
        self.position, self.n_bytes = partition.position, int(codes.nbytes)  # the rest is that of the partition
        self.partition, self.labels, self.codes, self.fault = partition, labels, codes, fault

    def rows(self, reading: Reading) -> RowsInMemory:
        return self.partition.rows(reading)


def clustered(partition: Partition, clusters: Any) -> Clustered:
    """Return a partition with the clusters of its rows, as they come."""
    given = np.asarray(clusters)
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    fault = of_other_length(partition.X.shape[0], clusters=given)
    if given.ndim != 1:
        fault = (
            f"clusters has shape {given.shape} there, expected one label for each row. Clusters in two ways take rows "
            "in memory: pass one way, or X.compute()."
        )
    elif missing_labels(given).any():
        fault = (
            f"clusters has missing labels, the first in row {missing_labels(given).argmax()} there. Give every row one."
        )
    if fault is not None:
        return Clustered(partition, np.zeros(0), np.zeros(0, dtype=np.intp), fault)
    labels, codes = np.unique(given, return_inverse=True)
    return Clustered(partition, labels, codes, None)


def fault_of(shard: Clustered) -> str | None:
    """Return why clusters cannot be told."""
    return shard.fault


@final
@dataclass(frozen=True)
class ScoresByCluster:
    """The clusters in a partition that have weight, and the sums of the scores of their rows."""

    scores: RowScores
    reading: Reading

    def __call__(self, shard: Clustered) -> tuple[npt.NDArray[Any], FloatArray]:
        rows = shard.rows(self.reading)
        weights = np.ones(rows.n_rows) if rows.parts[2] is None else rows.parts[2]
        counted = np.bincount(shard.codes, weights > 0.0, len(shard.labels)) > 0.0
        return shard.labels[counted], self.scores.by_group(rows, shard.codes, len(shard.labels))[counted]
