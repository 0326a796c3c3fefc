"""A sweep over ten strengths of the penalty: each fit started at the last one, against ten fits that know nothing.

The sweep prepares the rows once, and goes from the strongest penalty to the weakest; a cold fit prepares them itself
and starts at the null model. Both are fits by the numeric core, at its default tolerance. Passes are those over all
rows that the fits count; times are medians over rounds that ask both in turn, with one BLAS thread. The last column is
the largest difference of a loss between the two, in nats per unit of weight: they end at the same optimum.
"""

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks import report
from benchmarks.cases import RAW
from benchmarks.problems import all_cases, matching
from benchmarks.shapes import our_rows
from benchmarks.timing import in_turn

# Times 1 / n, the strength of LogisticRegression's C=1.0.
STRENGTHS = np.geomspace(1e2, 1e-2, 10)
PROBLEMS = r"^(iris|wine|breast cancer|vehicle|vowel|digits|dna|satellite|letter|diamonds) raw 1/n$"
QUICK_PROBLEMS = r"^(iris|anes96|vehicle) raw 1/n$"


def table(pattern, *, is_quick):
    """Return a line for each problem whose name matches; a source that is not installed has a line that says so."""
    rows = [["problem", "n", "p", "K", "passes cold", "warm", "ratio", "ms cold", "warm", "ratio", "differ by"]]
    cases = matching(all_cases(), pattern or (QUICK_PROBLEMS if is_quick else PROBLEMS))
    with threadpool_limits(1):
        for case in cases:
            try:
                rows.append(_row(case, rounds=1 if is_quick else 5))
            except ImportError as missing:
                rows.append([case.name, str(missing), *[""] * 9])
    return report.aligned(rows)


def _row(case, *, rounds):
    problem = case.build()
    (n, p), name = problem.X.shape, case.source.name + ("" if case.scaling == RAW else f" {case.scaling}")
    cold, warm = _cold(problem), _warm(problem)
    passes = [sum(fit.n_passes for fit in fits) for fits in (cold, warm)]
    seconds = in_turn([lambda: _cold(problem), lambda: _warm(problem)], rounds=rounds, budget=0.1)
    differ = max(abs(one.loss - other.loss) for one, other in zip(cold, warm, strict=True))
    counts = [str(passes[0]), str(passes[1]), f"{passes[0] / passes[1]:.2f}"]
    times = [f"{1e3 * seconds[0]:.3g}", f"{1e3 * seconds[1]:.3g}", f"{seconds[0] / seconds[1]:.2f}"]
    return [name, str(n), str(p), str(problem.n_classes), *counts, *times, f"{differ:.0e}"]


def _penalties(problem):
    from softglm.model import Ridge

    n, p = problem.X.shape
    return [Ridge.on_coefficients(strength / n, p, fit_intercept=True) for strength in STRENGTHS]


def _cold(problem):
    """Return ten fits, each of which prepares the rows and starts at the null model."""
    from softglm.fit import prepare, solve

    return [
        solve(prepare(*our_rows(problem.X, problem.y, problem.n_classes)), penalty) for penalty in _penalties(problem)
    ]


def _warm(problem):
    """Return ten fits, each of which starts where the one before ended."""
    from softglm.fit import Start, prepare, solve

    prepared, fits, start = prepare(*our_rows(problem.X, problem.y, problem.n_classes)), [], None
    for penalty in _penalties(problem):
        fits.append(solve(prepared, penalty, start))
        start = Start(fits[-1].coef, fits[-1].intercept)
    return fits
