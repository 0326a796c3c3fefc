"""How the time of a fit, and of one evaluation, grows with n, p and K over two decades each."""

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.shapes import normal_problem, our_objective
from benchmarks.timing import median_seconds, quiet

WHAT = "seconds against one size, the others fixed; exponents over two decades, and over the last"
FIXED = {"n": 20_000, "p": 20, "K": 5}
CURVES = {
    "n": (10_000, 31_623, 100_000, 316_228, 1_000_000),
    "p": (8, 25, 80, 253, 800),
    "K": (3, 10, 30, 95, 300),
}
QUICK_CURVES = {"n": (2000, 6325, 20_000), "K": (3, 10, 30)}


def exponent(sizes, seconds):
    """Return the slope of log seconds on log sizes, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def run(*, threads, is_quick):
    """Return a row for each size, the exponents at the end of each curve."""
    from softglm import SoftmaxGLM

    rows = []
    with threadpool_limits(threads), quiet():
        for letter, sizes in (QUICK_CURVES if is_quick else CURVES).items():
            fits, evaluations = [], []
            for size in sizes:
                shape = {**FIXED, letter: size}
                X, y = normal_problem(**shape)
                objective = our_objective(X, y, shape["K"], 1.0 / len(y))
                here = np.zeros(objective.shape)
                evaluations.append(median_seconds(lambda objective=objective, here=here: objective.evaluate(here)))
                fits.append(median_seconds(lambda X=X, y=y: SoftmaxGLM().fit(X, y), budget=1.0, most=5))
                rows.append(_row(letter, size, fits[-1], evaluations[-1]))
            for name, start in (("all", 0), ("last half", len(sizes) // 2)):
                slopes = (exponent(sizes[start:], seconds[start:]) for seconds in (fits, evaluations))
                rows.append(_row(f"{letter}, exponent", name, *slopes))
    return rows


def _row(against, size, fit, evaluation):
    return {"against": against, "size": size, "fit": fit, "evaluation": evaluation}
