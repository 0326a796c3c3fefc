"""Shards and work that kill the worker which has them, as often as there are tokens. Workers import this file."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from softglm.data import RowsInMemory
from softglm.distributed import Shard


class ShardOfRows(Shard):
    """Rows of a softmax model that is the same for every seed."""

    def __init__(self, position, X, codes):
        self.position, self.n_bytes, self._rows = position, X.nbytes + codes.nbytes, RowsInMemory(X, codes)

    def rows(self, reading):  # noqa: ARG002 - there is one way to read them
        return self._rows


def rows_of(seed, n_rows=500, n_features=4, n_classes=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features))
    coef = np.random.default_rng(99).normal(size=(n_features, n_classes))
    return X, (X @ coef + rng.gumbel(size=(n_rows, n_classes))).argmax(axis=1).astype(np.int32)


def make_shard(position, rows=None, tokens=None):
    """Make a shard, of given rows or its own, unless a token is left: then die."""
    die_by(tokens)
    return ShardOfRows(position, *(rows_of(position) if rows is None else rows))


def die_by(tokens):
    """Take a token out of the folder and be killed, if there is one."""
    for token in () if tokens is None else sorted(Path(tokens).iterdir()):
        try:
            token.unlink()
        except FileNotFoundError:  # another worker was faster
            continue
        os.kill(os.getpid(), signal.SIGKILL)


def tokens_in(folder, count):
    """Put so many tokens into a folder, and return its name."""
    for number in range(count):
        (folder / f"token-{number}").touch()
    return str(folder)


@dataclass(frozen=True)
class Deadly:
    """Sums of X, of a worker that takes its time and may not survive it."""

    tokens: str | None = None
    seconds: float = 0.0

    def __call__(self, block):
        die_by(self.tokens)
        time.sleep(self.seconds)
        return (block.X.sum(axis=0),)
