r"""What is summed for a dual point nu = t + s (mu' - t), with mu' = mu (1 + v) and v = u - <mu, u>, u = Gamma' z.

Both mu' and t are probabilities, and so is nu where v >= -1. Its distance to mu is KL(nu || mu) = sum nu log(nu / mu),
with nu / mu = 1 + d and d = s v + (1 - s) (t / mu - 1): small numbers are small exactly, and nothing cancels.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray, IntArray
from softglm.data import Block
from softglm.families import Bernoulli, UnconstrainedFamily
from softglm.sums.evaluation import Evaluation
from softglm.sums.sum import Sum


@final
@dataclass(frozen=True)
class FreeFeatures:
    """The z whose coefficients are not penalised: some columns of x - c, and 1 for the intercept if there is one.

    Attributes
    ----------
    columns : int array of shape (k,)
    center : array of shape (k,)
        c of them.
    n_constants : int
        1 with an intercept, else 0.
    """

    columns: npt.NDArray[np.intp]
    center: FloatArray
    n_constants: int

    def __len__(self) -> int:
        """Return how many they are."""
        return len(self.columns) + self.n_constants

    def of(self, block: Block) -> FloatArray:
        """Return z of the rows of a block, shape (r, rows)."""
        features = np.ones((len(self), len(block)))
        if len(self.columns):
            columns = block.X[:, self.columns]
            features[: len(self.columns)] = (columns if isinstance(columns, np.ndarray) else columns.toarray()).T
            features[: len(self.columns)] -= self.center[:, np.newaxis]
        return features


@final
@dataclass(frozen=True)
class EvaluationAndFreeInformation(Sum):
    """What `Evaluation` sums; and sum_i w_i z_ia z_ib A''(eta_i), shape (r (r + 1) / 2, q, q), for a <= b.

    Attributes
    ----------
    family : UnconstrainedFamily
    coef, intercept : arrays of shape (p, q) and (q,)
    free : FreeFeatures
        z.
    """

    family: UnconstrainedFamily
    coef: FloatArray
    intercept: FloatArray
    free: FreeFeatures

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        log_normalizer, mean = self.family.normalizer_and_mean(block.predictor(self.coef, self.intercept))
        features, weights, (q, r) = self.free.of(block), block.row_weights, (len(mean), len(self.free))
        information = np.empty((r * (r + 1) // 2, q, q))
        for total, first, second in zip(information, *np.triu_indices(r), strict=True):
            total[:] = self.family.total_information(mean, weights * features[first] * features[second])
        return *Evaluation.of_means(block, log_normalizer, mean), information


@final
@dataclass(frozen=True)
class TiltedMeans(Sum):
    """sum_i w_i x_i mu'_i', shape (p, q), and sum_i w_i mu'_i, (q,); and of nu for each s, (g,) each: see below.

    These are sum_i w_i KL(nu_i || mu_i), and sum_ik w_i mu_ik log^2(nu_ik / mu_ik). And the number of rows of any
    weight where 1 + v is below `least`, (1,): there nu is no probability, or only just.

    Attributes
    ----------
    family : UnconstrainedFamily
        Of coins or dice.
    coef, intercept : arrays of shape (p, q) and (q,)
    free : FreeFeatures
        z.
    tilt : array of shape (r, q)
        Gamma.
    shrinkage : array of shape (g,)
        1 - s, each below 1.
    least : float
    """

    family: UnconstrainedFamily
    coef: FloatArray
    intercept: FloatArray
    free: FreeFeatures
    tilt: FloatArray
    shrinkage: FloatArray
    least: float

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        eta, is_coin = block.predictor(self.coef, self.intercept), isinstance(self.family, Bernoulli)
        tilt = self.tilt.T @ self.free.of(block)
        if is_coin:
            tilt = np.concatenate([np.zeros_like(tilt), tilt])
        mean = self.family.probabilities(eta) if isinstance(self.family, Bernoulli) else self.family.mean(eta)
        tilt -= np.einsum("ki,ki->i", mean, tilt)
        counts = np.ones(len(block), dtype=bool) if block.weights is None else block.weights > 0.0
        short = np.count_nonzero((tilt.min(axis=0) < self.least - 1.0) & counts)
        sums = [np.array([float(short)])]
        if not short:
            np.maximum(tilt, self.least - 1.0, out=tilt)  # where rows have no weight
            sums[:0] = self._divergences(block, mean, tilt, counts)
        else:
            sums[:0] = [np.full(len(self.shrinkage), np.inf), np.full(len(self.shrinkage), np.inf)]
        tilt += 1.0
        tilt *= mean
        tilted = block.weighted(tilt[1:] if is_coin else tilt)
        return block.cross(tilted), tilted.sum(axis=1), *sums

    def _divergences(
        self, block: Block, mean: FloatArray, tilt: FloatArray, counts: BoolArray
    ) -> tuple[FloatArray, FloatArray]:
        targets = block.targets
        if targets.ndim == 1 and len(mean) == 2 and not np.issubdtype(targets.dtype, np.integer):
            is_label = bool(((targets == 0.0) | (targets == 1.0)).all())
            targets = targets if is_label else np.stack([1.0 - targets, targets], axis=1)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            if targets.ndim == 1:
                divergence, squares = _of_labels(mean, tilt, np.asarray(targets, dtype=np.int32), self.shrinkage)
            else:
                divergence, squares = _of_shares(mean, tilt, np.asarray(targets, dtype=np.float64), self.shrinkage)
        weights = block.row_weights
        return divergence[:, counts] @ weights[counts], squares[:, counts] @ weights[counts]


def _of_labels(mean: FloatArray, tilt: FloatArray, labels: IntArray, shrinkage: FloatArray) -> tuple[FloatArray, ...]:
    """Return the two sums over classes, shape (g, rows): of the classes that were not observed log s is the same."""
    rows = np.arange(mean.shape[1])
    own, own_tilt = mean[labels, rows], tilt[labels, rows]
    logs = np.log1p(tilt)
    logs[labels, rows] = 0.0
    others = mean.copy()
    others[labels, rows] = 0.0
    rest, first = others.sum(axis=0), (others * logs).sum(axis=0)
    second = np.einsum("ki,ki,ki->i", others, logs, logs)
    others *= 1.0 + tilt
    moved, cost = others.sum(axis=0), np.einsum("ki,ki->i", others, logs)
    odds = rest / own
    divergences, squares = np.empty((len(shrinkage), len(rows))), np.empty((len(shrinkage), len(rows)))
    for divergence, square, h in zip(divergences, squares, shrinkage, strict=True):
        s, log_s = 1.0 - h, np.log1p(-h)
        ratio = s * own_tilt + h * odds if h else own_tilt
        log_ratio = np.log1p(ratio)
        divergence[:] = s * (log_s * moved + cost) + own * (1.0 + ratio) * log_ratio
        square[:] = rest * log_s**2 + 2.0 * log_s * first + second + own * log_ratio * log_ratio
    return divergences, squares


def _of_shares(mean: FloatArray, tilt: FloatArray, shares: FloatArray, shrinkage: FloatArray) -> tuple[FloatArray, ...]:
    """Return the two sums over classes, shape (g, rows), of targets of shape (rows, K)."""
    surplus = shares.T / mean - 1.0
    divergences, squares = np.empty((len(shrinkage), len(shares))), np.empty((len(shrinkage), len(shares)))
    for divergence, square, h in zip(divergences, squares, shrinkage, strict=True):
        ratio = (1.0 - h) * tilt + h * surplus if h else tilt
        logs = np.log1p(ratio)
        divergence[:] = (mean * (1.0 + ratio) * logs).sum(axis=0)
        square[:] = (mean * logs * logs).sum(axis=0)
    return divergences, squares
