r"""The proofs of many points of a path at once, where each knows Newton's step from there: stacks in place of numbers.

What is proved, and why it holds, is in `conjugate`; here the penalty is an elastic net, only the intercepts are free,
and the step has balanced them but for rounding, so that no further one is made. The scale s is 1 if there is a ridge,
else the largest with which no kink is overcome.
"""

from collections.abc import Sequence
from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.model import Prepared
from softglm.model.proof.conjugate import LEAST, divergence
from softglm.model.proof.rounding import UNIT, value_rounding
from softglm.sparse.columns import WorkingColumns
from softglm.sparse.likelihood import WorkingLikelihood
from softglm.sparse.plain import Arrival
from softglm.sparse.proof import MOST, Proofs
from softglm.sums import relative

# Roundings of a number of few operations.
_FEW = 16.0
# Where means change by no more than this, relative to them, powers bound the logarithms: a third of the time.
_SHORT = 0.1


@final
class ProofsTogether:
    """What the proofs of all stacks have in common.

    Parameters
    ----------
    prepared : Prepared
    held : WorkingColumns
        Of all features, with an intercept.
    proofs : Proofs
        Of the same.
    likelihood : WorkingLikelihood
        In the columns.
    """

    def __init__(self, prepared: Prepared, held: WorkingColumns, proofs: Proofs, likelihood: WorkingLikelihood) -> None:
        self._likelihood, self._family, self._held = prepared.likelihood, prepared.family, held
        self._off, self._constants_off = proofs.off.T[:, np.newaxis], proofs.off_constants.T[:, np.newaxis]
        self._reach, self._working = proofs.spreads / 2.0, likelihood
        self._counts, n_classes = proofs.counts, max(prepared.family.n_parameters, 2)
        seen = proofs.seen
        shares = seen if seen.ndim == 2 else np.equal.outer(np.arange(n_classes), seen).astype(np.float64)
        self._shares, self._weights = shares[:, np.newaxis], held.weights[proofs.counts]

    def gaps(self, arrivals: Sequence[Arrival]) -> list[float]:
        """Return bounds on F - F*; not finite where nothing is proved."""
        if not arrivals:
            return []
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            gaps: list[float] = self._gaps(arrivals, self._moved(arrivals)).tolist()
        return gaps

    def _moved(self, arrivals: Sequence[Arrival]) -> float:
        """Return what eta, and sums of what depends on it, are off by, a root mean square, at any of the points."""
        sizes = np.abs([arrival.point.coef for arrival in arrivals]).max(axis=0)
        # Of what is identified of intercepts none is larger than twice the largest.
        constants = np.full_like(sizes[:1], 2.0 * sizes[0].max())
        return value_rounding(
            self._likelihood, np.concatenate([sizes[1:] * self._held.units[:, np.newaxis], constants])
        )

    def _gaps(self, arrivals: Sequence[Arrival], moved: float) -> FloatArray:
        mean, v = self._tilted(arrivals)
        gradient = self._working.gradients((mean * (1.0 + v))[-self._family.n_parameters :])
        rest, entries = self._unbalanced(mean, gradient[:, :, :1])
        mean, v = mean[:, :, self._counts], v[:, :, self._counts]
        are_means = v.min(axis=(0, 2)) - 2.0 * entries * rest >= LEAST - 1.0
        slopes, off = gradient[:, :, 1:], self._off + np.multiply.outer(rest, self._reach)
        l1, ridge = (np.stack(those) for those in zip(*(_strengths(arrival) for arrival in arrivals), strict=True))
        h = np.zeros(len(arrivals))
        if not ridge.any():
            pull = ((np.abs(slopes) + off) / l1).max(axis=(0, 2))
            h = np.where(pull > 1.0 - _FEW * UNIT, 1.0 - (1.0 - _FEW * UNIT) / pull, 0.0)
            slopes, off = slopes * (1.0 - h)[:, np.newaxis], off * (1.0 - h)[:, np.newaxis]
        coef = np.stack([arrival.point.coef[1:].T for arrival in arrivals], axis=1)
        gaps = _young_gaps(coef, l1, ridge, slopes, off) + divergence(*self._apart(mean, v, h), rest, moved)
        return np.where(are_means & (h <= MOST), gaps, np.inf)

    def _tilted(self, arrivals: Sequence[Arrival]) -> tuple[FloatArray, FloatArray]:
        """Return mu and v, shape (K, s, n) each."""
        mean = self._working.probabilities_of([arrival.point for arrival in arrivals])
        steps, u = np.stack([arrival.step.T for arrival in arrivals], axis=1), np.zeros_like(mean)
        q, s, k = steps.shape
        u[-q:] = (steps.reshape(-1, k) @ self._held.array).reshape(q, s, -1)
        return mean, relative(mean, u)

    def _unbalanced(self, mean: FloatArray, left: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return how long a move of the intercepts would balance it, and the largest entry of one of length 1.

        At most, shape (s,) each, with lengths in the information: it bends by its second eigenvalue at least, but where
        all classes move alike.
        """
        weighted = (mean * self._held.weights).transpose(1, 0, 2)
        information = -weighted @ mean.transpose(1, 2, 0)
        diagonal = np.arange(len(mean))
        # The rows of each sum to zero; a diagonal made so loses no digits.
        information[:, diagonal, diagonal] = 0.0
        information[:, diagonal, diagonal] = -information.sum(axis=2)
        entries = 1.0 / np.sqrt(np.linalg.eigvalsh(information)[:, 1])
        # Of two classes what is left of the first is as much.
        sizes = (np.abs(left) + self._constants_off) * np.sqrt(len(mean) / len(left))
        return entries * np.sqrt(np.square(sizes).sum(axis=(0, 2))), entries

    def _apart(self, mean: FloatArray, v: FloatArray, h: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean KL(nu || mu) and mean sum mu log^2(nu / mu), shape (s,) each."""
        if not h.any() and np.abs(v).max() <= _SHORT:
            # log(1 + v) <= v - v^2 / 2 + v^3 / 3 for all v > -1, and |log(1 + v)| <= |v| / (1 - |v|); mu v has sum 0.
            squares = mean * np.square(v)
            apart, squares = ((0.5 + v * (v / 3.0 - 1.0 / 6.0)) * squares).sum(axis=0), squares.sum(axis=0)
            return apart @ self._weights, squares @ self._weights / (1.0 - _SHORT) ** 2
        ratio, part = v, h[:, np.newaxis]
        if h.any():
            ratio = np.where(part > 0.0, (1.0 - part) * v + part * (self._shares / mean - 1.0), v)
        logs = np.log1p(ratio)
        by_logs = mean * logs
        apart, squares = (by_logs * (1.0 + ratio)).sum(axis=0), (by_logs * logs).sum(axis=0)
        return apart @ self._weights, squares @ self._weights


def _strengths(arrival: Arrival) -> tuple[FloatArray, FloatArray]:
    """Return l1 and the curvature of the ridge, shape (p,) each."""
    return arrival.penalty.l1, arrival.penalty.smooth.strength[: len(arrival.penalty.l1)]


def _young_gaps(coef: FloatArray, l1: FloatArray, ridge: FloatArray, slopes: FloatArray, off: FloatArray) -> FloatArray:
    """Return bounds on r(B) + <G, B> + c(G), shape (s,).

    The coefficients B and slopes G, which may be off by so much, have the shape (q, s, p), strengths have (s, p).
    """
    sizes, products = np.abs(coef), slopes * coef
    beyond = np.square(np.maximum(np.abs(slopes) + off - l1, 0.0))
    conjugate = np.where(beyond > 0.0, beyond / (2.0 * ridge), 0.0)
    sums = (l1 * sizes + ridge / 2.0 * np.square(coef) + conjugate).sum(axis=(0, 2))
    rounding = UNIT * (len(coef) * coef.shape[2] + _FEW) * (sums + np.abs(products).sum(axis=(0, 2)))
    return np.asarray(np.maximum(sums + products.sum(axis=(0, 2)), 0.0) + rounding + (off * sizes).sum(axis=(0, 2)))
