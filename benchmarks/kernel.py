"""One evaluation of value and gradient, beside the two matrix products in it and scikit-learn's compiled loss."""

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.shapes import normal_problem, our_objective
from benchmarks.timing import in_turn

WHAT = (
    "one evaluation of value and gradient, ms; over its two products on the same row blocks; scikit-learn's over ours"
)
SHAPES = (
    (1797, 64, 10),
    (58_000, 9, 7),
    (20_000, 16, 26),
    (1_000_000, 20, 3),
    (200_000, 50, 5),
    (5000, 784, 10),
    (20_000, 256, 100),
    (100_000, 20, 2),
)
QUICK_SHAPES = SHAPES[:3]


def run(*, threads, is_quick):
    """Return a row for each shape."""
    with threadpool_limits(threads):
        return [_row(*shape, threads) for shape in (QUICK_SHAPES if is_quick else SHAPES)]


def _row(n, p, K, threads):
    X, y = normal_problem(n, p, K)
    alpha, q = 1.0 / n, 1 if K == 2 else K
    rng = np.random.default_rng(1)
    coef, intercept = 0.1 * rng.normal(size=(p, q)), 0.1 * rng.normal(size=q)
    objective = our_objective(X, y, K, alpha)
    lengths = [len(part) for (part,) in objective.rows.map(lambda block: (np.empty(len(block)),))]
    ends = np.cumsum(lengths)
    blocks = [X[end - length : end] for length, end in zip(lengths, ends, strict=True)]
    here = objective.centred(coef, intercept)

    def products():
        total = np.zeros((q, p))
        for block in blocks:
            total += np.matmul(np.matmul(coef.T, block.T), block)
        return total

    compiled = _scikit_learn(X, y, coef, intercept, alpha=alpha, threads=threads)
    ours, both, theirs = in_turn([lambda: objective.evaluate(here), products, compiled], rounds=5, budget=0.1)
    return {
        "n": n,
        "p": p,
        "K": K,
        "threads": threads,
        "ours, ms": 1e3 * ours,
        "over products": ours / both,
        "scikit-learn over ours": theirs / ours,
    }


def _scikit_learn(X, y, coef, intercept, *, alpha, threads):
    from sklearn._loss import HalfBinomialLoss, HalfMultinomialLoss
    from sklearn.linear_model._linear_loss import LinearModelLoss

    q = len(intercept)
    loss = HalfBinomialLoss() if q == 1 else HalfMultinomialLoss(n_classes=q)
    model = LinearModelLoss(base_loss=loss, fit_intercept=True)
    targets = y.astype(np.float64)
    point = np.append(coef[:, 0], intercept) if q == 1 else np.asfortranarray(np.column_stack([coef.T, intercept]))
    return lambda: model.loss_gradient(point, X, targets, l2_reg_strength=alpha, n_threads=threads)
