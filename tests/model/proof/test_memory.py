"""Memory is bounded by the distinct rows that matter and the parameters, not by rows times pairs of classes."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from softglm import detect_separation

# Pairs of classes times rows times the span of the cone would be gigabytes, or times rows alone several of these.
MOST_BYTES = 250e6


def apart(n, p, n_classes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))
    return X, (X @ rng.normal(size=(p, n_classes))).argmax(axis=1)


def one_class_apart(n, p, n_classes):
    X, _ = apart(n, p, 2)
    y = np.random.default_rng(1).integers(1, n_classes, size=n)
    y[X[:, 0] > 1.0] = 0
    return X, y


def copies(n, n_levels, n_classes):
    """One-hot rows, of which few are distinct."""
    rng = np.random.default_rng(2)
    levels = rng.integers(n_levels, size=n)
    X = sparse.csr_array((np.ones(n), (np.arange(n), levels)), shape=(n, n_levels))
    y = rng.integers(n_classes, size=n)
    y[levels == 0] = 0
    return X, y


PROBLEMS = {
    "the issue's": (apart, (3000, 40, 20), "complete"),
    "many classes of few rows": (apart, (600, 5, 100), "complete"),
    "more classes than can be paired": (apart, (1500, 2, 200), "complete"),
    "wide": (apart, (200, 1500, 3), "complete"),
    "a class apart": (one_class_apart, (4000, 10, 12), "quasi-complete"),
    "copies": (copies, (20_000, 30, 3), "quasi-complete"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_is_separated_is_found_in_bounded_memory(name):
    make, sizes, kind = PROBLEMS[name]
    X, y = make(*sizes)
    tracemalloc.start()
    try:
        found = detect_separation(X, y)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.kind == kind
    assert peak < MOST_BYTES
