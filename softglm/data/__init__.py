"""Where the rows live: `map` over blocks of rows is the only verb that the model needs."""

from softglm.data.block import Block, DenseBlock, SparseBlock
from softglm.data.memory import CONSTANT, RowsInMemory
from softglm.data.rebased import RebasedRows
from softglm.data.rows import Rows, Sampler
from softglm.data.threads import one_blas_thread

__all__ = [
    "CONSTANT",
    "Block",
    "DenseBlock",
    "RebasedRows",
    "Rows",
    "RowsInMemory",
    "Sampler",
    "SparseBlock",
    "one_blas_thread",
]
