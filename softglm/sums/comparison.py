r"""How far predictions are from those of an optimum, of which it is known how near it is to a second point.

With eta of that second point, its optimum is near in one sense or in two:

    |<D, eta* - eta>| <= distance ||D (x) z||           of rows z = [x - c; 1], in the metric of a Hessian;
    w KL(mu* || mu) <= divergence,  so  |mu*_k - mu_k| <= sqrt(divergence / (2 w))  (Pinsker),  of rows that were fitted.

Where eta_k - eta_l move by r at most, the log odds of each class against all others do too: log(mu_k / (1 - mu_k)) is
minus the logsumexp of eta_l - eta_k. What rounding may do to eta counts as a move.

The loss of a row rises, from there to the parameters in question, by A(eta + d) - A(eta) - <t, d>, of which the
difference is log(1 + sum_k mu_k (exp(d_k) - 1)): where d is small it keeps its digits, which two losses have lost.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block, make_block
from softglm.families import Categorical
from softglm.sums.predictor import Predictor
from softglm.sums.sum import Sum

# Odds that change by more, as powers of e, may be any.
_MOST = 600.0
# Steps above this, in nats, are large enough for a difference of log-normalizers.
_LARGE = 1.0
# Units that a probability, or a difference of two, may be off by beside what eta is.
_FEW = 16.0 * float(np.finfo(np.float64).eps)


@final
@dataclass(frozen=True)
class Leverages:
    """||slopes' (x - c) + constant||: how far a step of length 1 in the metric of a Hessian moves eta_k - eta_l of a row.

    Attributes
    ----------
    center : array of shape (p,)
        c.
    slopes, constant : arrays of shape (p, r) and (r,)
    """

    center: FloatArray
    slopes: FloatArray
    constant: FloatArray

    def of(self, block: Block) -> FloatArray:
        """Return how far a step of length 1 moves the rows of a block, shape (rows,)."""
        projected = block.centred(self.center) @ self.slopes
        projected += self.constant
        return np.asarray(np.sqrt(np.einsum("ij,ij->i", projected, projected)))


@final
@dataclass(frozen=True)
class Comparison(Sum):
    """What the predictions of some parameters are beside those of an optimum that is near to others, row by row.

    Attributes
    ----------
    near : Predictor
        To which the optimum is near.
    step : Predictor
        From there to the parameters in question; an offset is not part of it.
    leverages : Leverages or None
    distance : float
        How far the optimum is at the most, in their metric.
    divergence : float
        Of rows that were fitted, else inf.
    of_eta : float
        What eta is off by, relative to the sizes of its terms.
    of_constants : float
        What a difference of both predictors is off by, whatever x.
    """

    near: Predictor
    step: Predictor
    leverages: Leverages | None
    distance: float
    divergence: float
    of_eta: float
    of_constants: float

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        """Return numbers of each row.

        Returns
        -------
        errors : array of shape (rows,)
            How far some probability is from that of the optimum, at the most.
        labels, labels_near : int arrays of shape (rows,)
            The most probable class by the parameters in question, and where the optimum is near.
        changes, may_change : bool arrays of shape (rows,)
            Whether it is certain that the optimum has another label; and whether it is not certain that it has the same.
        rises, rises_off : arrays of shape (rows,)
            w times what the loss rises by, and what that is off by at the most.
        squares : array of shape (rows,)
            w ||d||^2, at the most.
        """
        eta, step = self.near.of(block), block.times(self.step.coef) + self.step.intercept[:, np.newaxis]
        off, step_off = self._off(block)
        squares = np.square(np.sqrt(np.square(step).sum(axis=0)) + np.sqrt(len(step)) * step_off)
        targets = block.targets_matrix(len(eta))
        if len(eta) == 1:  # the first of two classes has eta 0
            eta, step, targets = (
                np.concatenate([first, last])
                for first, last in ((np.zeros_like(eta), eta), (np.zeros_like(step), step), (1.0 - targets, targets))
            )
        moved = 2.0 * off
        moved += np.inf if self.leverages is None else self.distance * self.leverages.of(block)
        spread = np.sqrt(self.divergence / 2.0 / np.maximum(block.row_weights, np.finfo(np.float64).tiny))
        spread += off / 2.0 + _FEW
        given = eta + step
        die = Categorical(len(eta))
        mean, mean_given = die.mean(eta), die.mean(given)
        rises, rises_off = _rises(die, eta, step, mean)
        rises -= np.einsum("kn,kn->n", targets, step)
        longest = np.abs(step).max(axis=0)
        rises_off += 2.0 * step_off + off * np.minimum(2.0, longest)
        lower, upper = _within(mean, moved, spread)
        errors = np.maximum((upper - mean_given).max(axis=0), (mean_given - lower).max(axis=0))
        errors += (off + step_off) / 2.0 + _FEW
        labels = given.argmax(axis=0)
        # Within rounding nobody knows which label is computed.
        is_sure = _lead(given, labels) > 2.0 * (off + step_off)
        lead, lead_of_means = _lead(eta, labels), _lead(mean, labels)
        stays = is_sure & ((lead > moved) | (lead_of_means > 2.0 * spread))
        changes = is_sure & ((-lead > moved) | (-lead_of_means > 2.0 * spread))
        weighted = map(block.weighted, (rises, rises_off, squares))
        return np.minimum(errors, 1.0), labels, eta.argmax(axis=0), changes, ~stays, *weighted

    def _off(self, block: Block) -> tuple[FloatArray, FloatArray]:
        """Return what eta, and the step, of each row are off by, shape (rows,) each."""
        sizes = make_block(abs(block.X), block.targets, block.weights, None)
        reaches = [np.abs(predictor.coef).max(axis=1, initial=0.0) for predictor in (self.near, self.step)]
        terms = sizes.times(np.stack(reaches, axis=1))
        constants = [np.abs(predictor.intercept).max() for predictor in (self.near, self.step)]
        terms += np.array(constants)[:, np.newaxis]
        if block.offset is not None:
            terms[0] += np.abs(block.offset).max(axis=1)
        return self.of_eta * terms[0], self.of_eta * terms[1] + self.of_constants


def _rises(die: Categorical, eta: FloatArray, step: FloatArray, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return A(eta + step) - A(eta) of each row, shape (rows,), and what rounding may have done, with that of <t, step>."""
    longest = np.abs(step).max(axis=0)
    units = _FEW + len(eta) * np.finfo(np.float64).eps
    is_large = longest > _LARGE
    rises = np.log1p((mean * np.expm1(np.where(is_large, 0.0, step))).sum(axis=0))
    off = units * longest
    if is_large.any():
        before, after = eta[:, is_large], (eta + step)[:, is_large]
        rises[is_large] = die.log_normalizer(after) - die.log_normalizer(before)
        off[is_large] += units * (1.0 + np.abs(before).max(axis=0) + np.abs(after).max(axis=0))
    return rises, off


def _lead(values: FloatArray, labels: FloatArray) -> FloatArray:
    """Return by how much the value of a label is above those of all others, shape (rows,); below, it is negative."""
    rows = np.arange(values.shape[1])
    others = values.copy()
    others[labels, rows] = -np.inf
    return np.asarray(values[labels, rows] - others.max(axis=0))


def _within(mean: FloatArray, moved: FloatArray, spread: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the least and the most that probabilities may be, whose log odds move by so much, and they by so much."""
    factor, rest = np.exp(np.minimum(moved, _MOST)), 1.0 - mean
    lower = mean / (mean + (rest + _FEW) * factor)
    upper = mean / (mean + np.maximum(rest - _FEW, 0.0) / factor)
    is_any = moved > _MOST
    lower[:, is_any], upper[:, is_any] = 0.0, 1.0
    return np.maximum(lower, mean - spread), np.minimum(upper, mean + spread)
