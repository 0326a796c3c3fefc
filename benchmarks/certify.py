"""What `certify` says at every stage of a run of L-BFGS over the tests' problems, beside what is true. From a checkout:

    python benchmarks/certify.py

The truth is the tests' dense Newton method, which shares no line with softglm: what it cannot tell from rounding is
neither held against a bound nor counted among the ratios.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import optimize
from scipy.special import log_softmax, softmax

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from dense_newton import SoftmaxRegression, in_columns
from problems import PROBLEMS, SEPARATED

from softglm import certify

# What the truth is off by: differences of losses, and probabilities.
LOSS_ROUNDING, PROBABILITY_ROUNDING = 2e-14, 2e-11
# Of these a ratio of bound and truth means something.
LEAST_GAP, LEAST_ERROR = 1e-11, 1e-8
STRENGTHS = (0.0, 0.01, 1.0, 100.0)
STAGES = 30


@dataclass(frozen=True)
class Beside:
    """A certificate beside the truth."""

    gap: float
    least_gap: float
    true_gap: float
    error_ratio: float
    is_error_below: bool
    n_missed: int
    n_false: int
    n_may: int
    n_true: int

    @property
    def is_false(self) -> bool:
        """Whether anything that was said is not true."""
        below = self.true_gap - self.gap > LOSS_ROUNDING or self.least_gap - self.true_gap > LOSS_ROUNDING
        return below or self.is_error_below or self.n_missed > 0 or self.n_false > 0


def iterates(regression, q, fit_intercept):
    """Return where L-BFGS is after each iteration: coef (p, q) and intercept (q,), of raw columns."""
    p, found = regression.X.shape[1], []
    alpha = regression.alpha / 2.0 if q == 1 else regression.alpha

    def loss(flat):
        parameters = flat.reshape(-1, q)
        coef, intercept = parameters[:p], parameters[p:].sum(axis=0)
        eta = regression.X @ in_columns(coef) + in_columns(intercept) + regression.offset
        value = -regression.weights @ (regression.targets * log_softmax(eta, axis=1)).sum(axis=1)
        residuals = regression.weights[:, np.newaxis] * (softmax(eta, axis=1) - regression.targets)
        residuals = residuals[:, 1:] if q == 1 else residuals
        slopes = regression.X.T @ residuals + alpha * coef
        gradient = np.vstack([slopes, residuals.sum(axis=0)]) if fit_intercept else slopes
        return value + alpha / 2.0 * np.sum(coef**2), gradient.ravel()

    start = np.zeros((p + fit_intercept) * q)
    options = {"maxiter": 400, "ftol": 0.0, "gtol": 1e-14, "maxfun": 2000}
    optimize.minimize(loss, start, jac=True, method="L-BFGS-B", callback=lambda x: found.append(x.copy()), options=options)
    chosen = np.unique(np.geomspace(1, len(found), STAGES).astype(int)) - 1
    for stage in chosen:
        parameters = found[stage].reshape(-1, q)
        yield parameters[:p], parameters[p] if fit_intercept else None


def beside(data, alpha, regression, optimum, coef, intercept):
    """Return the certificate of a point beside the truth."""
    certificate = certify(
        (coef.T, intercept), data.X, data.y, sample_weight=data.weights, offset=data.offset, alpha=alpha
    )
    constant = np.zeros(coef.shape[1]) if intercept is None else intercept
    true_gap = regression.value(coef, constant) - optimum.value
    given = regression.X @ in_columns(coef) + in_columns(constant) + regression.offset
    best = regression.X @ optimum.coef + optimum.intercept + regression.offset
    errors = np.abs(softmax(given, axis=1) - softmax(best, axis=1)).max(axis=1)
    found = certificate.predictions
    # Where two classes are as probable nobody knows the label.
    top = np.sort(best, axis=1)
    is_told = top[:, -1] - top[:, -2] > PROBABILITY_ROUNDING
    differ = is_told & (given.argmax(axis=1) != best.argmax(axis=1))
    told = errors > LEAST_ERROR
    return Beside(
        gap=certificate.gap,
        least_gap=certificate.least_gap,
        true_gap=true_gap,
        error_ratio=float(np.min(found.probability_errors[told] / errors[told], initial=np.inf)),
        is_error_below=bool((errors - found.probability_errors > PROBABILITY_ROUNDING).any()),
        n_missed=int((differ & ~found.may_change).sum()),
        n_false=int((is_told & found.changes & ~differ).sum()),
        n_may=found.n_may_change,
        n_true=int(differ.sum()),
    )


def all_points(names=None, strengths=STRENGTHS):
    """Yield a name for each problem, and certificates beside the truth at its stages."""
    for name in names or PROBLEMS:
        data = PROBLEMS[name]()
        for strength in strengths:
            if strength == 0.0 and name in SEPARATED:
                continue
            for fit_intercept in (True, False):
                alpha = strength / data.total_weight
                regression = SoftmaxRegression(data, alpha, fit_intercept=fit_intercept)
                try:
                    optimum = regression.optimum()
                except AssertionError:
                    continue
                q = 1 if data.n_classes == 2 else data.n_classes
                points = [
                    beside(data, alpha, regression, optimum, *point) for point in iterates(regression, q, fit_intercept)
                ]
                yield f"{name}, {strength:g}/W{'' if fit_intercept else ', no intercept'}", points


def main():
    """Print a line for each problem, and what was found over all of them."""
    everything = []
    print(f"{'problem':46s} points  false  gap ratio: least, median   error ratio: least   labels: may, are")
    for name, points in all_points():
        everything += points
        print(f"{name:46s} {summary(points)}", flush=True)
    print(f"{'all':46s} {summary(everything)}")


def summary(points):
    """Return what is said of points in a line."""
    ratios = [point.gap / point.true_gap for point in points if point.true_gap > LEAST_GAP] or [np.nan]
    errors = [point.error_ratio for point in points]
    n_false = sum(point.is_false for point in points)
    labels = f"{sum(point.n_may for point in points):6d} {sum(point.n_true for point in points):6d}"
    return (
        f"{len(points):6d} {n_false:6d}   {min(ratios):.9f} {np.median(ratios):.9f}   {min(errors):.9f}         {labels}"
    )


if __name__ == "__main__":
    main()
