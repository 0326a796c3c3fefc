"""Rows of any shape, for what is measured against the shape and not against the data."""

import numpy as np


def normal_problem(n, p, K, seed=0):
    """Return normal rows and classes drawn from a softmax with eta of standard deviation one."""
    rng = np.random.default_rng([seed, n, p, K])
    X = rng.normal(size=(n, p))
    coef = rng.normal(size=(p, K)) / np.sqrt(p)
    y = np.empty(n, dtype=np.int32)
    for start in range(0, n, 2**14):
        eta = X[start : start + 2**14] @ coef
        y[start : start + 2**14] = (eta + rng.gumbel(size=eta.shape)).argmax(axis=1)
    y[:K] = np.arange(K)
    return X, y


def our_rows(X, y, K):
    """Return softglm's rows of class codes, and their family."""
    from softglm.data import RowsInMemory
    from softglm.families import Bernoulli, Categorical

    return RowsInMemory(X, y.astype(np.float64) if K == 2 else y), Bernoulli() if K == 2 else Categorical(K)


def our_objective(X, y, K, alpha):
    """Return softglm's objective on class codes."""
    from softglm.model import Objective, Ridge

    rows, family = our_rows(X, y, K)
    penalty = Ridge.on_coefficients(alpha, X.shape[1], fit_intercept=True)
    return Objective(rows, family, penalty, fit_intercept=True)
