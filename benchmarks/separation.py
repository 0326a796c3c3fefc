"""How long `detect_separation` takes, n = 20,000, p = 20, K = 5, from data that overlap to data that do not.

python benchmarks/separation.py
"""

import os
import platform
import time

import numpy as np
import scipy

import softglm
from softglm import detect_separation

N, P, K = 20_000, 20, 5


def drawn(rng, eta):
    """Return a class for each row, drawn from the softmax of eta."""
    return (eta + rng.gumbel(size=eta.shape)).argmax(axis=1)


def overlapping(rng, X, eta):
    """Classes drawn from a logit."""
    return X, drawn(rng, eta)


def nearly_separated(rng, X, eta):
    """Classes drawn from a logit thirty times as steep."""
    return X, drawn(rng, 30.0 * eta)


def rare_dummy(rng, X, eta):
    """A dummy, 1 in a fiftieth of the rows, that one class never has."""
    y = drawn(rng, eta)
    return np.column_stack([(rng.random(N) < 0.02) & (y != 2), X[:, 1:]]), y


def one_class_apart(rng, X, eta):
    """One class far from the others, which overlap."""
    y = drawn(rng, eta)
    return X + 20.0 * np.outer(y == 0, np.arange(P) == 1), y


def cut_by_planes(rng, X, eta):  # noqa: ARG001 - the signature of all
    """Classes that touch."""
    return X, eta.argmax(axis=1)


def clouds(rng, X, eta):  # noqa: ARG001 - the signature of all
    """Classes far from each other."""
    y = rng.integers(K, size=N)
    return X + 8.0 * np.identity(P)[y], y


def main():
    """Print a line for each."""
    print(
        f"softglm {softglm.__version__}, NumPy {np.__version__}, SciPy {scipy.__version__}, Python "
        f"{platform.python_version()}, {os.cpu_count()} cores\n"
    )
    for make in (overlapping, nearly_separated, rare_dummy, one_class_apart, cut_by_planes, clouds):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(N, P))
        X, y = make(rng, X, X @ rng.normal(size=(P, K)))
        begin = time.perf_counter()
        found = detect_separation(X, y)
        seconds = time.perf_counter() - begin
        infinite = np.isinf(found.limits[np.triu_indices(K, 1)])
        print(
            f"{make.__name__:18s} {found.kind:15s} {found.excluded.sum():6d} contrasts, {infinite.sum():3d} of "
            f"{infinite.size} coefficients infinite: {seconds:6.2f} s"
        )


if __name__ == "__main__":
    main()
