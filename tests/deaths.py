"""Work that kills the worker which does it, as often as there are tokens for: imported on workers, and so no test file."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from softglm.distributed import Shard


def rows_of(seed, n_rows=2000, n_features=5, n_classes=3):
    """Return X and class codes, of a softmax model that is the same for every seed."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features))
    coef = np.random.default_rng(99).normal(size=(n_features, n_classes))
    return X, (X @ coef + rng.gumbel(size=(n_rows, n_classes))).argmax(axis=1).astype(np.int32)


def shard_of(position, tokens=None):
    """Make a shard, unless a token is left: then die."""
    die_by(tokens)
    return Shard(position, *rows_of(position), None, None)


def die_by(tokens):
    """Take a token out of the folder and be killed, if there is one."""
    for token in () if tokens is None else sorted(Path(tokens).iterdir()):
        try:
            token.unlink()
        except FileNotFoundError:  # another worker was faster
            continue
        os.kill(os.getpid(), signal.SIGKILL)


def tokens_in(folder, count):
    """Put so many tokens in a folder."""
    for number in range(count):
        (folder / f"token-{number}").touch()
    return folder


@dataclass(frozen=True)
class Deadly:
    """Sums of X, of a worker that takes its time and may not survive it."""

    tokens: str | None = None
    seconds: float = 0.0

    def __call__(self, block):
        die_by(self.tokens)
        time.sleep(self.seconds)
        return (block.X.sum(axis=0),)


def shard_from(position, rows):
    """Make a shard of given rows."""
    return Shard(position, *rows, None, None)
