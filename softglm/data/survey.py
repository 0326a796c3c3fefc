"""One pass that adds up and draws a sample: all that a place for rows has to offer are passes."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data.block import Block, dense, make_block
from softglm.data.growing import GrowingBlock
from softglm.data.in_memory import RowsInMemory
from softglm.data.rows import Arrays, Rows, Statistic
from softglm.tuning import DEFAULT, Tuning

# A row of weight counts as one of at least this share of the mean weight; and every stratum has at least this part of
# an even share of the sample, or all that there are.
_LEAST_CHANCE, _LEAST_SHARE = 0.1, 0.25


class Drawn(NamedTuple):
    """Rows that were drawn from a block, of weights multiplied by how many each stands for; and the most of these."""

    rows: Block
    multiplicity: float


@final
@dataclass(frozen=True)
class Draw:
    """Stratified Poisson sampling, block by block.

    Each row is drawn on its own account. Its luck is that of its place in a block, whose random numbers are seeded by
    what was observed there: the same blocks give the same sample, wherever and in whatever order they are read.

    Attributes
    ----------
    share : float
        Of the rows that are drawn, about; strata and scores add to that.
    n_strata : int, default=1
        How many classes there are, where each is to have its part of the sample.
    score : callable or None, default=None
        Returns positive numbers, shape (rows,), by which the chances of rows are multiplied.
    """

    share: float
    n_strata: int = 1
    score: Statistic | None = None

    def __call__(self, block: Block) -> Drawn:
        chances = self._chances(block)
        luck = np.random.default_rng(_seed(block)).random(len(block))
        chosen = np.flatnonzero(luck < chances)
        stands_for = 1.0 / chances[chosen]
        rows = make_block(
            block.X[chosen],
            block.targets[chosen],
            stands_for if block.weights is None else block.weights[chosen] * stands_for,
            None if block.offset is None else block.offset[chosen],
        )
        return Drawn(rows, float(stands_for.max(initial=1.0)))

    def _chances(self, block: Block) -> FloatArray:
        """Return how likely each row is to be drawn, shape (rows,): 0 for one of no weight."""
        sizes = np.full(len(block), self.share)
        if block.weights is not None:
            relative = block.weights / (block.weights.sum() / max(len(block), 1) or 1.0)
            sizes *= np.maximum(relative, _LEAST_CHANCE * (relative > 0.0))
        if self.score is not None:
            sizes *= self.score(block)[0]
        if self.n_strata > 1:
            strata = _strata(block.targets)
            enough = _LEAST_SHARE * self.share * len(block) / self.n_strata
            expected = np.bincount(strata, np.minimum(sizes, 1.0))
            missing = np.divide(enough, expected, out=np.ones(len(expected)), where=expected > 0.0)
            sizes *= np.maximum(missing, 1.0)[strata]
        return np.asarray(np.minimum(sizes, 1.0, out=sizes))


class Seen(NamedTuple):
    """What one pass has told: the sums that it was asked for, and the rows that were drawn, in parts."""

    sums: Arrays
    drawn: tuple[Drawn, ...]

    def sample(self, tuning: Tuning = DEFAULT) -> RowsInMemory:
        """Return the rows that were drawn, with how many a row of them stands for at the most."""
        rows, multiplicity = _together(self.drawn)
        sample = RowsInMemory(rows.X, rows.targets, rows.row_weights, rows.offset, tuning=tuning)
        sample.multiplicity = multiplicity
        return sample


@final
@dataclass(frozen=True)
class _Survey:
    """What is asked of each block; sums of None are not asked for."""

    draw: Draw
    sums: Statistic | None

    def __call__(self, block: Block) -> tuple[Any, ...]:
        return Seen(() if self.sums is None else self.sums(block), (self.draw(block),))


def survey(rows: Rows, draw: Draw, *, sums: Statistic | None = None) -> Seen:
    """Return a sample of the rows, and with it what else is to be known of them, from one pass.

    Parameters
    ----------
    rows : Rows
    draw : Draw
    sums : callable or None, default=None
        A statistic whose sums over all blocks are wanted.
    """
    return _joined(rows.gather(_Survey(draw, sums), _joined))


def _joined(parts: Iterable[Any]) -> Seen:
    """Return what several blocks, or parts of the rows, have told, as one; the first one's arrays are overwritten."""
    sums: Arrays | None = None
    rows, multiplicity = GrowingBlock(), 1.0
    for own, drawn in parts:
        if sums is None:
            sums = own
        else:
            for total, more in zip(sums, own, strict=True):
                np.add(total, more, out=total)
        for block, most in drawn:
            rows.append(block)
            multiplicity = max(multiplicity, most)
    assert sums is not None  # noqa: S101 - there are rows
    return Seen(sums, (Drawn(rows.block, multiplicity),))


def _together(parts: Sequence[Drawn]) -> Drawn:
    """Return the rows of several parts as one block; those of a single part as they are."""
    return parts[0] if len(parts) == 1 else _joined([((), parts)]).drawn[0]


def _strata(targets: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return the class of each row, or the likeliest: codes, one of two where there is one parameter, else the most."""
    if targets.ndim == 2 and targets.shape[1] > 1:
        return np.asarray(targets.argmax(axis=1))
    values = targets.reshape(len(targets))
    return values.astype(np.intp) if values.dtype.kind in "iu" else (values > 0.5).astype(np.intp)


def _seed(block: Block) -> int:
    first = dense(block.X[:1])
    return zlib.crc32(np.ascontiguousarray(block.targets).tobytes(), zlib.crc32(first.tobytes()))
