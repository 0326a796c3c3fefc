"""Rows on a cluster: what a cluster is asked for, what lives on it, and the rows of all of its workers together."""

from softglm.distributed.engine import ClusterError, Engine
from softglm.distributed.rows import RowsOnCluster, of_each
from softglm.distributed.shards import Shard

__all__ = ["ClusterError", "Engine", "RowsOnCluster", "Shard", "of_each"]
