"""How far out rows are: in the features, in a move of theta, in the classes. For proofs, first steps and samples."""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.data.block import dense
from softglm.sums.sum import Sum


@final
@dataclass(frozen=True)
class LargestLeverage(Sum):
    """max_i ||slopes' (x_i - c) + constant||^2 over the rows of any weight, shape (1,).

    Attributes
    ----------
    center : array of shape (p,)
        c.
    slopes, constant : arrays of shape (p, r) and (r,)
    """

    center: FloatArray
    slopes: FloatArray
    constant: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        projected = block.centred(self.center) @ self.slopes
        projected += self.constant
        leverages = np.einsum("ij,ij->i", projected, projected)
        if block.weights is not None:
            leverages[block.weights == 0.0] = 0.0
        return (leverages.max(initial=0.0, keepdims=True),)


@final
@dataclass(frozen=True)
class LargestMove(Sum):
    """max_i max_k |coef' x_i + intercept|, shape (1,): how far a step of theta moves eta, in nats."""

    coef: FloatArray
    intercept: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        return (np.abs(block.times(self.coef) + self.intercept[:, np.newaxis]).ravel().max(keepdims=True),)


@final
@dataclass(frozen=True)
class LargestSizes(Sum):
    """max_i |x_ij| over the rows of any weight, shape (p,)."""

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        sizes = abs(block.X)
        if block.weights is not None:
            sizes = sizes[block.weights > 0.0]
        if not sizes.shape[0]:
            return (np.zeros(sizes.shape[1]),)
        largest = sizes.max(axis=0)
        return (np.ravel(largest.toarray() if hasattr(largest, "toarray") else largest).astype(np.float64),)


@final
@dataclass(frozen=True)
class Distances(Sum):
    """||slopes' x_i + constant||^2, shape (rows,), in the precision of the slopes."""

    slopes: FloatArray
    constant: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        projected = block.times(self.slopes)
        projected += self.constant[:, np.newaxis]
        return (np.einsum("ij,ij->j", projected, projected),)


@final
@dataclass(frozen=True)
class Scores(Sum):
    """What the chances of rows to be drawn are proportional to, from 1 to `most`, float32, shape (rows,).

    Attributes
    ----------
    distances : Distances
        Of the features.
    ordinary : float
        The distance that scores 1.
    mean : array of shape (q,)
        That of the targets.
    inverse : array of shape (q, q), or (q,) for a diagonal one
        The form that measures the distances of targets from it.
    of_labels : array of shape (q,)
        These distances, of each label.
    most : float
        A row that is in every sample needs no better chance.
    """

    distances: Distances
    ordinary: float
    mean: FloatArray
    inverse: FloatArray
    of_labels: FloatArray
    most: float

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        q = len(self.mean)
        if block.targets.ndim == 1 and q > 1:
            rare = self.of_labels[block.targets]
        else:
            residuals = block.targets.reshape(len(block), q) - self.mean
            scaled = residuals @ self.inverse if self.inverse.ndim == 2 else residuals * self.inverse
            rare = np.einsum("ij,ij->i", scaled, residuals)
        score = np.maximum(self.distances(block)[0] / self.ordinary, rare)
        return (np.clip(score, 1.0, self.most, dtype=np.float32, casting="same_kind"),)


@final
@dataclass(frozen=True)
class DistanceScores(Sum):
    """Distances of the features relative to an ordinary one, at least 1, shape (rows,): see `Scores`."""

    distances: Distances
    ordinary: float

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        return (np.maximum(self.distances(block)[0] / self.ordinary, 1.0),)


@final
@dataclass(frozen=True)
class Residuals(Sum):
    """Of relations a'x, over the rows of any weight: the highest, the lowest times -1, the largest sum of sizes, (k,).

    Attributes
    ----------
    relations : array of shape (p, k)
    """

    relations: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        involved = np.flatnonzero(self.relations.any(axis=1))
        entries, relations = dense(block.counted_X[:, involved]), self.relations[involved]
        values, sizes = entries @ relations, np.abs(entries) @ np.abs(relations)
        return (
            values.max(axis=0, initial=-np.inf),
            (-values).max(axis=0, initial=-np.inf),
            sizes.max(axis=0, initial=0.0),
        )


@final
@dataclass(frozen=True)
class Fractions(Sum):
    """How far terms a_j x_j s of relations are from whole numbers, over the rows of any weight, shape (k,).

    Attributes
    ----------
    relations : array of shape (p, k)
    scales : array of shape (k,)
    """

    relations: FloatArray
    scales: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        farthest = np.zeros(len(self.scales))
        for k, (relation, scale) in enumerate(zip(self.relations.T, self.scales, strict=True)):
            involved = np.flatnonzero(relation)
            terms = dense(block.counted_X[:, involved]) * relation[involved] * scale
            farthest[k] = np.abs(terms - np.round(terms)).max(initial=0.0)
        return (farthest,)
