"""Where the rows live: what any place for them can do, and those there are."""

from softglm.data.adapted import AdaptedRows, Chosen, Mixing, Rebasing, Rounding
from softglm.data.block import Block, DenseBlock, SparseBlock, make_block
from softglm.data.counted import CountedRows, PassCount
from softglm.data.features import Features, FeaturesInMemory
from softglm.data.in_memory import RowsInMemory
from softglm.data.in_pieces import FeaturesInPieces, RowsInPieces
from softglm.data.mapped import physical_memory
from softglm.data.rows import Rows, Sampling
from softglm.data.survey import Draw, Drawn, Seen, survey
from softglm.data.threads import blas_as_found, one_blas_thread

__all__ = [
    "AdaptedRows",
    "Block",
    "Chosen",
    "CountedRows",
    "DenseBlock",
    "Draw",
    "Drawn",
    "Features",
    "FeaturesInMemory",
    "FeaturesInPieces",
    "Mixing",
    "PassCount",
    "Rebasing",
    "Rounding",
    "Rows",
    "RowsInMemory",
    "RowsInPieces",
    "Sampling",
    "Seen",
    "SparseBlock",
    "blas_as_found",
    "make_block",
    "one_blas_thread",
    "physical_memory",
    "survey",
]
