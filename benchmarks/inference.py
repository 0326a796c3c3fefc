"""What inference costs: beside the fit it follows, with few clusters, and beside statsmodels' MNLogit if installed.

Run it from a checkout, with one BLAS thread:

    OPENBLAS_NUM_THREADS=1 python benchmarks/inference.py
"""

from statistics import median
from time import perf_counter

import numpy as np

from softglm import SoftmaxGLM, infer, pool

N_REPEATS = 7


def draw(n, p, K):
    """Return standard normal rows and classes drawn from a softmax of them."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))
    return X, (0.5 * X @ rng.normal(size=(p, K)) + rng.gumbel(size=(n, K))).argmax(axis=1)


def seconds(*functions):
    """Return the median time of each, called in turn."""
    times = [[] for _ in functions]
    for _ in range(N_REPEATS):
        for function, record in zip(functions, times, strict=True):
            begin = perf_counter()
            function()
            record.append(perf_counter() - begin)
    return [median(record) for record in times]


def against_the_fit(n=200_000, p=50, K=5):
    """Print the time of `infer`, and of its summary, over that of the fit."""
    X, y = draw(n, p, K)
    model = SoftmaxGLM(alpha=0).fit(X, y)
    fit, alone, printed = seconds(
        lambda: SoftmaxGLM(alpha=0).fit(X, y), lambda: infer(model, X, y), lambda: str(infer(model, X, y))
    )
    print(f"n={n} p={p} K={K}: fit {fit:.3f} s, infer {alone / fit:.2f} of it, with the summary {printed / fit:.2f}")


def of_few_clusters(n=200_000, p=20, K=5, n_clusters=30):
    """Print the times of CR2, of the wild bootstrap and of pooling over that of `infer` with clusters."""
    X, y = draw(n, p, K)
    model, clusters = SoftmaxGLM(alpha=0).fit(X, y), np.random.default_rng(1).integers(n_clusters, size=n)
    result = infer(model, X, y, covariance="CR2", clusters=clusters)
    names = ("infer, CR2", "its table and tests", "bootstrap_test", "pool of five, and tests")
    clustered, *others = seconds(
        lambda: infer(model, X, y, covariance="cluster", clusters=clusters),
        lambda: infer(model, X, y, covariance="CR2", clusters=clusters),
        lambda: (result.rebase(1).coefficients, result.test_terms("wald")),
        lambda: result.bootstrap_test("x0"),
        lambda: pool([result] * 5).test_terms(),
    )
    print(f"n={n} p={p} K={K}, {n_clusters} clusters: infer {clustered:.3f} s")
    for name, time in zip(names, others, strict=True):
        print(f"    {name:24s} {time / clustered:.2f} of it")


def against_statsmodels(n=20_000, p=20, K=5):
    """Print the time of MNLogit's fit and summary over that of ours."""
    try:
        import statsmodels.api as sm
    except ImportError:
        print("statsmodels is not installed: MNLogit is skipped")
        return
    X, y = draw(n, p, K)
    ours, theirs = seconds(
        lambda: str(infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)),
        lambda: sm.MNLogit(y, sm.add_constant(X)).fit(method="newton", disp=0).summary().as_text(),
    )
    print(f"n={n} p={p} K={K}: ours {ours:.3f} s, MNLogit {theirs:.3f} s, {theirs / ours:.1f} times as long")


if __name__ == "__main__":
    against_the_fit()
    of_few_clusters()
    against_statsmodels()
