"""What `certify` says at every stage of a run of L-BFGS, beside the truth in 80-bit arithmetic.

    python -m benchmarks certify
    python -m benchmarks certify --random 1000

The first goes through the tests' table of problems, four strengths, with and without an intercept; the second takes the
random problems of `fuzz`, hostile ones among them, and points around a fit. What counts as a fault:

- *gap*: the objective at the point is further above its minimum than `gap`, or less far than `least_gap`;
- *probability*: some probability of a row is further from that of the minimum than its bound;
- *label*: a row has another label at the minimum that `may_change` leaves out, or the same where `changes` denies it.

Each by more than the rounding of the reference. Nothing is counted where certificates are estimates, or say that there
is no optimum.
"""

import sys
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import optimize
from scipy.special import log_softmax, softmax

from benchmarks.extended import check_arithmetic, minimised
from benchmarks.fuzz import null_point, truth_of
from benchmarks.fuzz_problems import Draft, problem

STRENGTHS = (0.0, 0.01, 1.0, 100.0)
STAGES = 30
# Relative sizes of moves away from a fit.
_MOVES = (0.0, 1e-15, 1e-12, 1e-9, 1e-6, 1e-3, 1e-1, 1.0)
# Of these a ratio of bound and truth means something: above the rounding of the reference.
_CLEAR = 1e3
# What probabilities, and differences of logarithms of two of them, are off by in the reference.
_ROUNDING = 1e-16


@dataclass(frozen=True)
class Beside:
    """A certificate beside the truth.

    Attributes
    ----------
    gap_ratio, error_ratio : float
        The bound over the truth; NaN where that is rounding.
    n_may, n_differ : int
        Labels that may be others at the minimum, and that are.
    faults : tuple of str
    """

    gap_ratio: float
    error_ratio: float
    n_may: int
    n_differ: int
    faults: tuple


class Judge:
    """A problem, at one strength, and its minimum in extended precision."""

    def __init__(self, draft, alpha):
        self.draft, self.alpha = draft, alpha
        self.fit_intercept = draft.options["fit_intercept"]
        self.truth = truth_of(draft, alpha)
        self.best = None if self.truth is None else self._minimum()

    def _minimum(self):
        found = minimised(self.truth.objective, null_point(self.truth))
        return found.point if found.exists(self.truth.objective) else None

    def beside(self, coef, intercept):
        """Return the certificate of coef, shape (rows, p), beside the truth; None where it claims nothing."""
        from softglm import certify

        draft, truth = self.draft, self.truth
        certificate = certify(
            (coef, intercept if self.fit_intercept else None),
            draft.X,
            draft.y,
            sample_weight=draft.weights,
            offset=draft.offset,
            alpha=self.alpha,
        )
        if not certificate.is_proved:
            return None
        here = truth.parameters(coef, intercept)
        gap, error = truth.objective.gap(here, self.best)
        gap = gap + truth.common_penalty(coef)
        found, point = certificate.predictions, truth.objective.at(here)
        weighs = _weighs(draft)
        errors = np.abs(point.mean - self.best.mean).max(axis=1)
        bounds = found.probability_errors[weighs]
        differ = point.logs.argmax(axis=1) != self.best.logs.argmax(axis=1)
        differ &= (_lead(point.logs) > _ROUNDING) & (_lead(self.best.logs) > _ROUNDING)
        is_told = _lead(self.best.logs) > _ROUNDING
        faults = [
            name
            for name, is_at_fault in {
                "gap": gap - error > certificate.gap or gap + error < certificate.least_gap,
                "probability": (errors > bounds + _ROUNDING).any(),
                "label": (differ & ~found.may_change[weighs]).any()
                or (is_told & ~differ & found.changes[weighs] & (_lead(point.logs) > _ROUNDING)).any(),
            }.items()
            if is_at_fault
        ]
        clear = errors > _CLEAR * _ROUNDING
        return Beside(
            gap_ratio=float(certificate.gap / gap) if gap > _CLEAR * error else np.nan,
            error_ratio=float((bounds[clear] / errors[clear]).min(initial=np.inf)) if clear.any() else np.nan,
            n_may=int(found.may_change[weighs].sum()),
            n_differ=int(differ.sum()),
            faults=tuple(faults),
        )


def _weighs(draft):
    """Tell which rows have weight, shape (n,)."""
    totals = draft.y.sum(axis=1) if draft.y.ndim == 2 else np.ones(len(draft.y))
    return totals * (1.0 if draft.weights is None else draft.weights) > 0.0


def _lead(logs):
    """Return by how much the most probable class of a row is above the next."""
    top = np.sort(logs, axis=1)
    return top[:, -1] - top[:, -2]


def stages(draft, alpha, n_stages=STAGES):
    """Yield where plain L-BFGS is after some of its iterations, coef (rows, p) and intercept (rows,)."""
    K = draft.n_classes
    X = np.asarray(draft.X.toarray() if hasattr(draft.X, "toarray") else draft.X, dtype=np.float64)
    counts = draft.y if draft.y.ndim == 2 else np.identity(K)[draft.y]
    counts = counts * (1.0 if draft.weights is None else draft.weights[:, np.newaxis])
    targets, weights = counts / counts.sum(), counts.sum(axis=1) / counts.sum()
    offset = np.zeros_like(targets)
    if draft.offset is not None:
        offset = draft.offset if draft.offset.ndim == 2 else np.outer(draft.offset, [0.0, 1.0])
    spread, found = np.array([[0.0, 1.0]]) if K == 2 else np.identity(K), []
    rows = np.column_stack([X, np.ones(len(X))]) if draft.options["fit_intercept"] else X
    penalised = np.arange(rows.shape[1]) < X.shape[1]

    def loss(flat):
        parameters = flat.reshape(rows.shape[1], -1)
        eta = rows @ parameters @ spread + offset
        slopes = rows.T @ (weights[:, np.newaxis] * softmax(eta, axis=1) - targets) @ spread.T
        pull = alpha * penalised[:, np.newaxis] * parameters
        value = -(targets * log_softmax(eta, axis=1)).sum() + (pull * parameters).sum() / 2.0
        return value, (slopes + pull).ravel()

    optimize.minimize(
        loss,
        np.zeros(rows.shape[1] * len(spread)),
        jac=True,
        method="L-BFGS-B",
        callback=lambda point: found.append(point.copy()),
        options={"maxiter": 400, "maxfun": 2000, "ftol": 0.0, "gtol": 1e-14},
    )
    for stage in np.unique(np.geomspace(1, len(found), n_stages).astype(int)) - 1:
        parameters = found[stage].reshape(rows.shape[1], -1).T
        constants = parameters[:, -1] if draft.options["fit_intercept"] else np.zeros(len(spread))
        yield np.ascontiguousarray(parameters[:, : X.shape[1]]), constants


def of_table(names=None, strengths=STRENGTHS, intercepts=(True, False), n_stages=STAGES):
    """Yield the names of problems of the tests' table, and their certificates beside the truth."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from problems import PROBLEMS, SEPARATED

    for name in names or PROBLEMS:
        data = PROBLEMS[name]()
        for strength in strengths[name in SEPARATED and not strengths[0] :]:
            for fit_intercept in intercepts:
                options = {"fit_intercept": fit_intercept}
                draft = Draft([name], data.X, data.y, data.n_classes, data.weights, data.offset, options)
                alpha = strength / data.total_weight
                judge = Judge(draft, alpha)
                if judge.best is not None:
                    told = f"{name}, {strength:g}/W{'' if fit_intercept else ', no intercept'}"
                    yield told, [judge.beside(*point) for point in stages(draft, alpha, n_stages)]


def of_random(seed, n_cases):
    """Yield random problems, and certificates of points around a fit of them beside the truth."""
    from softglm import SoftmaxGLM

    for number in range(n_cases):
        draft = problem(seed, number)
        draft.options.pop("class_weight", None)
        rng = np.random.default_rng([seed, number])
        try:
            with warnings.catch_warnings(action="ignore"):
                model = SoftmaxGLM(**draft.options).fit(draft.X, draft.y, draft.weights, draft.offset)
            judge = Judge(draft, model.alpha_)
            if judge.best is None or not np.isfinite(model.intercept_).all():
                continue
            points = [_moved(rng, model, size) for size in _MOVES]
            yield f"{number}, {' + '.join(draft.kinds)}", [judge.beside(*point) for point in points]
        except ValueError:
            continue


def _moved(rng, model, size):
    """Return a fit that was moved by so much of each of its coefficients."""
    coef, intercept = (np.asarray(each, dtype=np.float64) for each in (model.coef_, model.intercept_))
    moved = [each * (1.0 + size * rng.normal(size=each.shape)) for each in (coef, intercept)]
    return moved[0], moved[1] if model.fit_intercept else np.zeros(len(coef))


def add_options(parser):
    """Add the options of the command."""
    parser.add_argument("--random", type=int, default=0, help="so many random problems instead of the tests' table")
    parser.add_argument("--seed", type=int, default=0)


def main(options):
    """Print a line for each problem, and what was found over all; exit with 1 if there are faults."""
    check_arithmetic()
    everything = []
    print(f"{'problem':46s} points  gap: least, median    error: least, median     labels: may, are  faults")
    with warnings.catch_warnings(action="ignore"):
        for name, points in of_random(options.seed, options.random) if options.random else of_table():
            told = [point for point in points if point is not None]
            everything += told
            if not options.random or any(point.faults for point in told):
                print(f"{name[:46]:46s} {summary(told)}", flush=True)
    print(f"{'all':46s} {summary(everything)}")
    if any(point.faults for point in everything):
        raise SystemExit(1)


def summary(points):
    """Return what is said of points in a line."""
    cells = []
    for name in ("gap_ratio", "error_ratio"):
        ratios = np.array([getattr(point, name) for point in points])
        ratios = ratios[np.isfinite(ratios)]
        cells.append(f"{ratios.min():.9f} {np.median(ratios):.9f}" if len(ratios) else f"{'-':>11s} {'-':>11s}")
    n_may, n_differ = (sum(getattr(point, name) for point in points) for name in ("n_may", "n_differ"))
    faults = Counter(fault for point in points for fault in point.faults)
    told = ", ".join(f"{count} {name}" for name, count in faults.items()) or "none"
    return f"{len(points):6d}  {cells[0]}  {cells[1]}  {n_may:7d} {n_differ:7d}  {told}"
