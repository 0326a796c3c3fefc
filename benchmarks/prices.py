"""The prices in softglm/model/passes/prices.py, measured again, each by a small experiment, beside what the file says.

What a price stands for is called by itself, over several sizes; a time is the median of many calls with one BLAS
thread, and prices are fitted to times by least squares of relative errors, none below 0. In nanoseconds, but for the
two that are ratios. Only ratios of prices matter to a fit: where all are off by the same factor, nothing is.
"""

import re

import numpy as np
from scipy import linalg, optimize
from threadpoolctl import threadpool_limits

from benchmarks import report
from benchmarks.shapes import normal_problem, our_objective
from benchmarks.timing import median_seconds
from softglm.data import PassCount
from softglm.data.sampling import PoissonSampling
from softglm.families import Categorical
from softglm.model import null_coordinates, null_model
from softglm.model.coordinates import KroneckerCoordinates, coordinates_at
from softglm.model.metric import HessianMetric
from softglm.model.passes import CachedPasses, HeldColumns, prices
from softglm.model.precision import in_single_precision
from softglm.model.proof.certificate import largest_leverage, leverage_form
from softglm.sums import Features
from softglm.sums.grams import is_by_products, weighted_grams

BUDGET, QUICK_BUDGET = 1.5, 0.3


def in_the_file():
    """Return the prices that the fit counts with: from name to value."""
    return {name: value for name, value in vars(prices).items() if re.fullmatch(r"_[A-Z_]+", name)}


def measured(*, budget):
    """Return the same names, as far as there is an experiment, and what was measured.

    Parameters
    ----------
    budget : float
        Seconds for each time; 0 for one call.
    """

    def nanoseconds(function):
        function()  # the first call of all is slower
        return 1e9 * median_seconds(function, budget=budget, most=1000, collect=False)

    found = {}
    with threadpool_limits(1):
        for experiment in _EXPERIMENTS:
            found |= experiment(nanoseconds, found)
    return found


def table(*, is_quick):
    """Return a line for each price of the file."""
    found = measured(budget=QUICK_BUDGET if is_quick else BUDGET)
    rows = [["price", "in the file", "measured", "measured over file"]]
    for name, value in in_the_file().items():
        if name in found:
            rows.append([name, f"{value:.3g}", f"{found[name]:.3g}", f"{found[name] / value:.2f}"])
        else:
            rows.append([name, f"{value:.3g}", "no experiment", ""])
    return report.aligned(rows)


def fitted_prices(terms, times):
    """Return the prices of some terms, each an array of counts, that explain the times best."""
    terms, times = np.array(terms, dtype=np.float64).T, np.array(times)
    relative = terms / times[:, np.newaxis]
    units = np.maximum(np.abs(relative).max(axis=0), np.finfo(np.float64).tiny)
    return optimize.nnls(relative / units, np.ones(len(times)))[0] / units


def _objective(n, p, K):
    return our_objective(*normal_problem(n, p, K), K, 1.0 / n)


def _evaluations(nanoseconds, _):
    shapes = [(n, p, K) for n in (100, 10_000) for p in (4, 16, 64) for K in (2, 3, 8, 24)]
    times, terms = [], []
    for n, p, K in shapes:
        objective = _objective(n, p, K)
        point = np.full(objective.shape, 0.01)
        times.append(nanoseconds(lambda objective=objective, point=point: objective.evaluate(point)))
        q = objective.shape[1]
        terms.append((1, q * n, n * p * (q == 1), n * p * (q > 1), n * p * q * (q > 1)))
    names = ("_EVALUATION", "_EXPONENTIAL", "_ENTRY_ALONE", "_ENTRY", "_PRODUCT")
    return dict(zip(names, fitted_prices(np.transpose(terms), times), strict=True))


def _copies(nanoseconds, _):
    times, counts = [], []
    for n, p in ((2000, 8), (2000, 32), (8000, 16)):
        objective = _objective(n, p, 3)
        features = Features(objective.moments.center, np.ones(p + 1))
        times.append(nanoseconds(lambda objective=objective, of=features.of: objective.rows.max(lambda b: (of(b)[0],))))
        counts.append(n * (p + 1))
    return {"_COPY": fitted_prices([np.ones(len(counts)), counts], times)[1]}


def _times_of_grams(nanoseconds, sizes, *, by_products):
    """Return the rows, features, weights and times of sums of weighted products, made in one of two ways."""
    rng, n, found = np.random.default_rng(0), 2048, []
    for m, d in sizes:
        if is_by_products(m, d) != by_products:
            raise ValueError(f"{m} features under {d} weights are summed the other way: choose other sizes.")
        features, weights = rng.normal(size=(n, m)), rng.random((d, n))
        time = nanoseconds(lambda weights=weights, features=features: weighted_grams(weights, features))
        found.append((n, m, d, time))
    return np.transpose(found)


def _grams(nanoseconds, _):
    sizes = [(m, d) for m in (8, 16, 32, 64, 128) for d in (1, 3)]
    n, m, d, times = _times_of_grams(nanoseconds, sizes, by_products=False)
    return dict(zip(("_GRAM", "_NARROW"), fitted_prices([n * m * m * d, n * m * d], times), strict=True))


def _products(nanoseconds, _):
    sizes = [(6, 6), (6, 28), (12, 10), (12, 28), (12, 100), (20, 45)]
    n, m, d, times = _times_of_grams(nanoseconds, sizes, by_products=True)
    return dict(zip(("_FORMED", "_SUMMED"), fitted_prices([n * m * m, n * m * m * d], times), strict=True))


def _weights(nanoseconds, _):
    n, times, counts = 2048, [], []
    for K in (3, 6, 12):
        family = Categorical(K)
        _, mean = family.normalizer_and_mean(np.random.default_rng(0).normal(size=(K, n)))
        times.append(nanoseconds(lambda family=family, mean=mean: family.curvature_weights(mean)))
        counts.append(n * family.n_curvature_directions)
    return {"_WEIGHT": fitted_prices([np.ones(len(counts)), counts], times)[1]}


def _definite(size):
    rows = np.random.default_rng(0).normal(size=(2 * size, size))
    return np.asfortranarray(rows.T @ rows / len(rows))


def _factorisations(nanoseconds, _):
    sizes = np.array([200, 400, 800])
    matrices = [_definite(size) for size in sizes]
    times = [nanoseconds(lambda matrix=matrix: linalg.lapack.dpotrf(matrix, lower=1)) for matrix in matrices]
    return {"_CHOLESKY": fitted_prices([sizes**3, sizes**2], times)[0]}


def _inverses(nanoseconds, _):
    sizes, times = np.array([(40, 4), (40, 8), (80, 8)]), []
    for r, s in sizes:
        coordinates = KroneckerCoordinates(np.identity(r), np.identity(s), np.ones((r, s)), np.zeros(r))
        factor = linalg.lapack.dpotrf(_definite(r * s), lower=1)[0]
        times.append(
            nanoseconds(
                lambda of=coordinates, factor=factor: leverage_form(of, linalg.lapack.dtrtri(factor, lower=1)[0])
            )
        )
    count = sizes.prod(axis=1)
    return {"_INVERSE": fitted_prices([count**3, count**2], times)[0]}


def _leverages(nanoseconds, _):
    n, sizes, times = 8192, np.array([8, 16, 32, 64, 128]), []
    for m in sizes:
        objective = _objective(n, m - 1, 3)
        coordinates = KroneckerCoordinates(np.identity(m), np.identity(3), np.ones((m, 3)), np.zeros(m))
        given = objective, coordinates, _definite(m), objective.rows
        times.append(nanoseconds(lambda given=given: largest_leverage(*given)))
    return {"_LEVERAGE": fitted_prices([n * sizes**2, n * sizes], times)[0]}


def _metrics(nanoseconds, _):
    objective = _objective(32, 3, 3)
    point = np.zeros(objective.shape)
    whole = nanoseconds(lambda: coordinates_at(objective, point, objective.rows))
    # As its price has it, an approximation is one and a half evaluations, and this.
    return {"_METRIC": max(whole - 1.5 * nanoseconds(lambda: objective.evaluate(point)), 0.0)}


def _held(nanoseconds, found):
    times, terms = [], []
    # The sums grow with the rows, what is assembled does not.
    for n, p, K in (
        (n, p, K) for n in (60, 400, 2000) for p, K in ((3, 2), (4, 3), (20, 2), (9, 5), (4, 10), (12, 10))
    ):
        objective = _objective(n, p, K)
        (m, _), d = objective.shape, objective.family.n_curvature_directions
        cached = CachedPasses(objective, HeldColumns(objective, PassCount()))
        coordinates = null_coordinates(objective, null_model(objective).information)
        point = np.full(objective.shape, 0.01)
        cached.evaluate(point)  # of which a Hessian takes the means

        def metric(cached=cached, coordinates=coordinates, point=point, rows=objective.rows):
            return HessianMetric(cached, cached.hessian(point, coordinates, rows), coordinates, rows)

        times.append(nanoseconds(metric))
        size = coordinates.scales.size
        if is_by_products(m, d):
            sums = n * m * m * (found["_FORMED"] + found["_SUMMED"] * d)
        else:
            sums = n * m * (found["_GRAM"] * m + found["_NARROW"]) * d
        terms.append((1.0, sums + found["_CHOLESKY"] * size**3, size**2))
    once, dearer, assembled = fitted_prices(np.transpose(terms), times)
    return {"_HELD": once, "_DEARER": dearer, "_ASSEMBLED": assembled / max(dearer, 1e-300)}


def _draws(nanoseconds, _):
    sizes, times = np.array([50_000, 200_000]), []
    for n in sizes:
        scores = np.random.default_rng(0).uniform(1.0, 9.0, n).astype(np.float32)
        # The first of a kind, for which the random numbers are made.
        times.append(nanoseconds(lambda n=n, scores=scores: PoissonSampling(n, None, scores).draw(1000)))
    return {"_DRAW": fitted_prices([np.ones(2), sizes], times)[1]}


def _single(nanoseconds, _):
    ratios = []
    for n, p, K in ((20_000, 16, 3), (20_000, 16, 10), (10_000, 64, 5), (10_000, 64, 24)):
        objective = _objective(n, p, K)
        rounded, point = in_single_precision(objective), np.full(objective.shape, 0.01)
        double = nanoseconds(lambda of=objective, point=point: of.evaluate(point))
        ratios.append(nanoseconds(lambda of=rounded, point=point: of.evaluate(point)) / double)
    return {"_SINGLE": float(np.median(ratios))}


# In this order: the rows that are held are compared with what was found before.
_EXPERIMENTS = (
    _evaluations,
    _copies,
    _grams,
    _products,
    _weights,
    _factorisations,
    _inverses,
    _leverages,
    _metrics,
    _held,
    _draws,
    _single,
)
