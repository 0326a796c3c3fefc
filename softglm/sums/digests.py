"""Checksums of what rows hold, by which they are known again."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import final

import numpy as np
import numpy.typing as npt

from softglm.data import Block
from softglm.data.block import is_sparse
from softglm.sums.sum import Sum

_BYTES = 16


@final
@dataclass(frozen=True)
class Digests(Sum):
    """A checksum of what each block asks of the parameters, to be joined, shape (16,): features, targets, weights.

    Of weights it is only whether they are 0, and offsets do not matter.
    """

    def __call__(self, block: Block) -> tuple[npt.NDArray[np.uint8]]:
        X = block.X
        digest = blake2b(repr(X.shape).encode(), digest_size=_BYTES)
        for part in (
            *((X.data, X.indices, X.indptr) if is_sparse(X) else (X,)),
            block.targets,
            block.row_weights > 0.0,
        ):
            digest.update(np.ascontiguousarray(part).data)
        return (np.frombuffer(digest.digest(), dtype=np.uint8),)
