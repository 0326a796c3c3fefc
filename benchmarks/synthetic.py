"""Seeded rows, each made to be hard in one way."""

from functools import partial

import numpy as np
from scipy import sparse

from benchmarks.cases import RAW, Source


def _drawn(rng, eta):
    """One class for each row of eta, drawn from its softmax; none of the classes is left empty."""
    y = np.empty(len(eta), dtype=np.int32)
    for start in range(0, len(eta), 2**14):
        block = eta[start : start + 2**14]
        y[start : start + 2**14] = (block + rng.gumbel(size=block.shape)).argmax(axis=1)
    y[: eta.shape[1]] = np.arange(eta.shape[1])
    return y


def _tall(n=1_000_000, p=20, K=3):
    rng = np.random.default_rng(101)
    X = rng.normal(size=(n, p))
    return X, _drawn(rng, X @ rng.normal(size=(p, K)) / 2.0)


def correlated(n=200_000, p=50, K=5):
    """Five factors behind all columns, whose scales span 1e4."""
    rng = np.random.default_rng(102)
    latent = rng.normal(size=(n, 5)) @ rng.normal(size=(5, p)) + 0.5 * rng.normal(size=(n, p))
    y = _drawn(rng, latent @ rng.normal(size=(p, K)) / 5.0)
    return (latent + 1.0) * np.logspace(-2.0, 2.0, p), y


def _probes(signal, dtype, n=20_000, p=256, K=100):
    """Embedding-like: rows of length 1, a spectrum that decays like 1/j, in a random basis."""
    rng = np.random.default_rng(103)
    X = rng.normal(size=(n, p)) / np.arange(1.0, p + 1.0) @ np.linalg.qr(rng.normal(size=(p, p)))[0]
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return X.astype(dtype), _drawn(rng, signal * (X @ rng.normal(size=(p, K))))


def _images(n=5000, side=28, K=10):
    """Smooth strokes on a black ground, whole pixels 0 to 255; the corners are black in every image."""
    rng = np.random.default_rng(104)
    steps = np.linspace(-1.0, 1.0, side)
    smoother = np.exp(-(((steps[:, np.newaxis] - steps) / 0.15) ** 2))
    smoother /= np.linalg.norm(smoother, axis=1, keepdims=True)
    inside = steps**2 + steps[:, np.newaxis] ** 2 < 1.0
    y = rng.permutation(np.arange(n, dtype=np.int32) % K)
    fields = rng.normal(size=(K, side, side))[y] + 1.5 * rng.normal(size=(n, side, side))
    strokes = np.clip(120.0 * (smoother @ fields @ smoother.T) - 60.0, 0.0, 255.0) * inside
    return np.round(strokes).reshape(n, -1), y


def _wide(n=200, p=20_000, K=4):
    rng = np.random.default_rng(105)
    y = rng.permutation(np.arange(n, dtype=np.int32) % K)
    X = rng.normal(size=(n, p)) * rng.exponential(size=p) + rng.exponential(size=p)
    X[:, :50] += 0.7 * rng.normal(size=(K, 50))[y]
    return X, y


def text(n=20_000, p=50_000, K=20, words=50):
    """Word counts: Zipf's law for all, and for each class an order of the words of its own."""
    rng = np.random.default_rng(106)
    zipf = 1.0 / np.arange(1.0, p + 1.0)
    ranks = rng.choice(p, size=(n, words), p=zipf / zipf.sum())
    y = rng.integers(K, size=n, dtype=np.int32)
    orders = np.stack([rng.permutation(p) for _ in range(K)])
    columns = np.where(rng.random((n, words)) < 0.2, orders[y[:, np.newaxis], ranks], ranks)
    rows = np.repeat(np.arange(n), words)
    X = sparse.csr_array((np.ones(n * words), (rows, columns.ravel())), shape=(n, p))
    X.sum_duplicates()
    return X, y


def _rare(n=50_000, p=10, K=6):
    rng = np.random.default_rng(107)
    X = rng.normal(size=(n, p))
    shares = np.array([0.78, 0.2, 0.015, 4e-3, 9e-4, 1e-4])
    return X, _drawn(rng, X @ rng.normal(size=(p, K)) / 2.0 + np.log(shares))


def _nearly_separable(n=20_000, p=20, K=5):
    rng = np.random.default_rng(108)
    X = rng.normal(size=(n, p)) + 3.0
    return X, _drawn(rng, 20.0 * (X - 3.0) @ rng.normal(size=(p, K)))


def _dummies(n=20_000, levels=(3, 5, 10, 20, 40, 80), K=4):
    """Categorical variables, each coded without its first level; the last levels are rare."""
    rng = np.random.default_rng(109)
    columns = []
    for count in levels:
        weights = np.arange(1.0, count + 1.0) ** -1.5
        codes = rng.choice(count, size=n, p=weights / weights.sum())
        columns.append(codes[:, np.newaxis] == np.arange(1, count))
    X = np.concatenate(columns, axis=1).astype(np.float64)
    return X, _drawn(rng, X @ rng.normal(size=(X.shape[1], K)))


_SIGNALS = {"weak": 3.0, "medium": 10.0, "strong": 40.0}

SYNTHETIC = (
    Source("tall", "tall", (1_000_000, 20, 3), _tall, repeats=3),
    Source("correlated", "tall, correlated", (200_000, 50, 5), correlated, repeats=3),
    Source("images", "images", (5000, 784, 10), _images, repeats=3),
    Source("wide", "wide", (200, 20_000, 4), _wide, repeats=3),
    Source("text", "sparse text", (20_000, 50_000, 20), text, repeats=3),
    Source("rare", "rare classes", (50_000, 10, 6), _rare),
    Source("near_separable", "nearly separable", (20_000, 20, 5), _nearly_separable),
    Source("dummies", "dummy-coded", (20_000, 152, 4), _dummies),
    *(
        Source(
            f"probes_{name}_{dtype}",
            f"linear probes {dtype}",
            (20_000, 256, 100),
            partial(_probes, signal, dtype),
            scalings=(RAW,),
            has_binary=False,
            repeats=3,
        )
        for name, signal in _SIGNALS.items()
        for dtype in ("float64", "float32")
    ),
    Source(
        "thousand",
        "a thousand classes",
        (50_000, 512, 1000),
        partial(_probes, 10.0, "float32", n=50_000, p=512, K=1000),
        scalings=(RAW,),
        strengths=(1.0,),
        has_binary=False,
        repeats=1,
    ),
)
