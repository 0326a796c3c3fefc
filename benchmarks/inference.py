"""What inference costs: beside the fit it follows, and beside statsmodels' MNLogit where that is installed.

Run it from a checkout, with one BLAS thread:

    OPENBLAS_NUM_THREADS=1 python benchmarks/inference.py
"""

from statistics import median
from time import perf_counter

import numpy as np

from softglm import SoftmaxGLM, infer

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
    against_statsmodels()
