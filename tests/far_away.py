"""Rows of which passes are dear, and that offer nothing but passes."""

import pickle

import numpy as np

from softglm.data import Rows, RowsInMemory
from softglm.families import Categorical


class RowsFarAway(Rows):
    """Rows of another place, each pass over which costs more than any arithmetic: and is counted.

    What is asked of them is pickled, and what they answer for all of them is.
    """

    pass_price = 1e12

    def __init__(self, rows):
        self.n_rows, self.n_features, self.n_entries = rows.n_rows, rows.n_features, rows.n_entries
        self.has_offset, self.is_sparse, self.dtype = rows.has_offset, rows.is_sparse, rows.dtype
        self._rows, self.n_passes = rows, 0

    def map(self, statistic):
        self.n_passes += 1
        return self._rows.map(sent(statistic))

    def gather(self, statistic, reduce):
        yield sent(sent(reduce)(self.map(statistic)))


def sent(value):
    """Return a value as it is after its way to another process."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own


def drawn(rng, eta):
    """A class for each row of eta, drawn from its softmax."""
    return (eta + rng.gumbel(size=eta.shape)).argmax(axis=1).astype(np.int32)


def ordinary(n=20_000, p=6, K=3):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, p))
    return RowsInMemory(X, drawn(rng, X @ rng.normal(size=(p, K)) / 2.0)), Categorical(K)


def rare(n=20_000, p=4):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(n, p))
    shares = np.array([0.9, 0.0978, 0.002, 0.0002])
    return RowsInMemory(X, drawn(rng, X @ rng.normal(size=(p, 4)) / 2.0 + np.log(shares))), Categorical(4)


def heavy_tails(n=20_000, p=6, K=3):
    rng = np.random.default_rng(3)
    X = rng.standard_t(2.0, size=(n, p))
    return RowsInMemory(X, drawn(rng, np.clip(X @ rng.normal(size=(p, K)) / 4.0, -30.0, 30.0))), Categorical(K)


def correlated(n=20_000, p=8, K=4):
    """Two factors behind all columns, whose scales span 1e4."""
    rng = np.random.default_rng(4)
    latent = rng.normal(size=(n, 2)) @ rng.normal(size=(2, p)) + 0.5 * rng.normal(size=(n, p))
    y = drawn(rng, latent @ rng.normal(size=(p, K)) / 3.0)
    return RowsInMemory((latent + 1.0) * np.logspace(-2.0, 2.0, p), y), Categorical(K)


MANY_ROWS = {make.__name__: make for make in (ordinary, rare, heavy_tails, correlated)}
