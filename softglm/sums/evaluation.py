"""What is summed at a theta: the log-normalizer, its gradient, and its curvature."""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.families import UnconstrainedFamily
from softglm.sums.features import Features
from softglm.sums.grams import weighted_grams
from softglm.sums.sum import Sum


@final
@dataclass(frozen=True)
class Evaluation(Sum):
    """sum_i w_i A(eta_i), shape (1,); sum_i w_i x_i mu_i', (p, q); and sum_i w_i mu_i, (q,).

    Attributes
    ----------
    family : UnconstrainedFamily
    coef, intercept : arrays of shape (p, q) and (q,)
        Their precision is that of what is computed for a block; the sums are in float64.
    """

    family: UnconstrainedFamily
    coef: FloatArray
    intercept: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        return self.of_means(block, *self.family.normalizer_and_mean(block.predictor(self.coef, self.intercept)))

    @staticmethod
    def of_means(block: Block, log_normalizer: FloatArray, mean: FloatArray) -> tuple[FloatArray, ...]:
        """Return the sums, given A(eta_i), shape (rows,), and mu_i, shape (q, rows), which are overwritten."""
        mean = block.weighted(mean)
        return (
            block.weighted(log_normalizer).sum(keepdims=True, dtype=np.float64),
            block.cross(mean).astype(np.float64, copy=False),
            _over_rows(mean),
        )


@final
@dataclass(frozen=True)
class Information(Sum):
    """sum_i w_i v_d(mu_i) z_i z_i', as packed triangles, for each of the d directions of the family's curvature.

    Attributes
    ----------
    family : UnconstrainedFamily
    coef, intercept : arrays of shape (p, q) and (q,)
        Their precision is that of what is computed for a block; the sums are in float64.
    features : Features
        z.
    """

    family: UnconstrainedFamily
    coef: FloatArray
    intercept: FloatArray
    features: Features

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        _, mean = self.family.normalizer_and_mean(block.predictor(self.coef, self.intercept))
        return self.of_means(block, mean)

    def of_means(self, block: Block, mean: FloatArray) -> tuple[FloatArray, ...]:
        """Return the sums, given mu_i, shape (q, rows)."""
        centred = block.design(self.features.center, dtype=self.coef.dtype)
        weights = block.weighted(self.family.curvature_weights(mean))
        return (weighted_grams(weights, self.features.of_centred(centred)).astype(np.float64, copy=False),)


@final
@dataclass(frozen=True)
class EvaluationAndInformation(Sum):
    """Both in one pass over the same means."""

    information: Information

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        there = self.information
        log_normalizer, mean = there.family.normalizer_and_mean(block.predictor(there.coef, there.intercept))
        grams = there.of_means(block, mean)
        return *grams, *Evaluation.of_means(block, log_normalizer, mean)


@final
@dataclass(frozen=True)
class InterceptEvaluation(Sum):
    """sum_i w_i A(eta_i), shape (1,); sum_i w_i mu_i, (q,); and sum_i w_i A''(eta_i), (q, q).

    Where classes are many, only the diagonal of the last, (q,).
    """

    family: UnconstrainedFamily
    coef: FloatArray
    intercept: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        log_normalizer, mean = self.family.normalizer_and_mean(block.predictor(self.coef, self.intercept))
        value = block.weighted(log_normalizer).sum(keepdims=True)
        of_classes = self.family.information_diagonal if self.family.has_many_classes else self.family.total_information
        information = of_classes(mean, block.weights)
        return value, block.weighted(mean).sum(axis=1), information


@final
@dataclass(frozen=True)
class InterceptProduct(Sum):
    """sum_i w_i A''(eta_i) v, shape (q,): what a change v of the intercepts changes their gradient by.

    Attributes
    ----------
    family : UnconstrainedFamily
    coef, intercept : arrays of shape (p, q) and (q,)
    direction : array of shape (q,)
        v.
    """

    family: UnconstrainedFamily
    coef: FloatArray
    intercept: FloatArray
    direction: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        eta = block.predictor(self.coef, self.intercept)
        product = self.family.fisher_product(eta, self.direction[:, np.newaxis])
        return (product.sum(axis=1) if block.weights is None else product @ block.weights,)


@final
@dataclass(frozen=True)
class InformationProduct(Sum):
    """sum_i w_i x_i (A''(eta_i) d_i)', shape (p, q), and sum_i w_i A''(eta_i) d_i, (q,), of moves d_i of eta_i.

    Attributes
    ----------
    family : UnconstrainedFamily
    coef, intercept : arrays of shape (p, q) and (q,)
    slopes, constant : arrays of shape (p, q) and (q,)
        d_i = slopes' x_i + constant.
    """

    family: UnconstrainedFamily
    coef: FloatArray
    intercept: FloatArray
    slopes: FloatArray
    constant: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        moves = block.times(self.slopes)
        moves += self.constant[:, np.newaxis]
        bent = self.family.fisher_product(block.predictor(self.coef, self.intercept), moves)
        bent = block.weighted(bent).astype(self.coef.dtype, copy=False)
        return block.cross(bent).astype(np.float64, copy=False), _over_rows(bent)


def _over_rows(values: FloatArray) -> FloatArray:
    """Return the sums of values of shape (q, rows), in float64."""
    if values.dtype == np.float64:
        return np.asarray(values.sum(axis=1))
    # By BLAS, which adds less carefully but five times as fast.
    sums = values @ np.ones_like(values, shape=values.shape[1:])
    return np.asarray(sums, dtype=np.float64)
