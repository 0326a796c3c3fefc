"""Rows that users have elsewhere than in this process's memory: what a fit has to know of them, and their `Rows`."""

from softglm.sources.blocks import Blocks
from softglm.sources.find import check_is_in_memory, observed, source_of
from softglm.sources.parquet import Parquet
from softglm.sources.source import Source

__all__ = ["Blocks", "Parquet", "Source", "check_is_in_memory", "observed", "source_of"]
