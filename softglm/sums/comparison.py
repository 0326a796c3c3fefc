r"""How far predictions are from those of an optimum, of which it is known how near it is to a second point.

With eta of that second point, its optimum is near in one sense or in two:

    |<D, eta* - eta>| <= distance ||D (x) z||,   z = [x - c; 1],  of any row, in the metric of a Hessian;
    w KL(mu* || mu) <= divergence,               of rows that were fitted: |mu*_k - mu_k| <= sqrt(divergence / (2 w)),

the latter by the inequality of Pinsker. Where eta_k - eta_l move by r at most, the log odds of each class against all
others do too: log(mu_k / (1 - mu_k)) is minus the logsumexp of eta_l - eta_k. What rounding may do to eta is a move.

The loss of a row rises, from there to the parameters in question, by A(eta + d) - A(eta) - <t, d>, of which the
difference is log(1 + sum_k mu_k (exp(d_k) - 1)): where d is small it keeps its digits, which two losses have lost.
"""

from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Block, make_block
from softglm.data.rows import Arrays
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
    """||slopes' (x - c) + constant||: how far a step of length 1, in the metric of a Hessian, moves eta_k - eta_l.

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
        """Return them for the rows of a block, shape (rows,)."""
        projected = block.centred(self.center) @ self.slopes
        projected += self.constant
        return np.asarray(np.sqrt(np.einsum("ij,ij->i", projected, projected)))


class _Predicted(NamedTuple):
    """What rows are predicted: eta where the optimum is near, and the step from there, shape (K, rows) each.

    And what each eta and each step of a row may be off by, shape (rows,) each.
    """

    eta: FloatArray
    step: FloatArray
    off: FloatArray
    step_off: FloatArray


class _Room(NamedTuple):
    """What the optimum may be apart: r of eta_k - eta_l, and of probabilities, shape (rows,) each."""

    moved: FloatArray
    spread: FloatArray


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

    def __call__(self, block: Block) -> Arrays:
        """Return numbers of each row.

        Returns
        -------
        errors : array of shape (rows,)
            How far some probability is from that of the optimum, at the most.
        labels, labels_near : int arrays of shape (rows,)
            The most probable class by the parameters in question, and where the optimum is near.
        changes, may_change : bool arrays of shape (rows,)
            Whether it is certain that the optimum has another label; whether it is not certain that it has the same.
        rises, rises_off : arrays of shape (rows,)
            w times what the loss rises by, and what that is off by at the most.
        squares : array of shape (rows,)
            w ||d||^2, at the most.
        """
        predicted, room = self._predicted(block), self._room(block)
        K = len(predicted.eta)
        die = Categorical(K)
        mean = die.mean(predicted.eta)
        rises, off = _rises(die, predicted, mean, _shares(block, len(self.near.intercept)))
        lengths = np.sqrt(np.square(predicted.step).sum(axis=0)) + np.sqrt(K) * predicted.step_off
        squares = np.square(lengths)
        for values in (rises, off, squares):
            block.weighted(values)
        return _errors(die, predicted, mean, room), *_labels(predicted, mean, room), rises, off, squares

    def _predicted(self, block: Block) -> _Predicted:
        eta, step = self.near.of(block), block.times(self.step.coef) + self.step.intercept[:, np.newaxis]
        sizes = make_block(abs(block.X), block.targets, block.weights, None)
        of_terms = [_sizes(predictor, sizes) for predictor in (self.near, self.step)]
        if block.offset is not None:
            of_terms[0] += np.abs(block.offset).max(axis=1)
        off, step_off = (self.of_eta * terms for terms in of_terms)
        return _Predicted(_of_every_class(eta), _of_every_class(step), off, step_off + self.of_constants)

    def _room(self, block: Block) -> _Room:
        moved = np.full(len(block), np.inf) if self.leverages is None else self.distance * self.leverages.of(block)
        return _Room(moved, np.sqrt(self.divergence / 2.0 / np.maximum(block.row_weights, np.finfo(np.float64).tiny)))


def _sizes(predictor: Predictor, sizes: Block) -> FloatArray:
    """Return the sizes of the terms of a predictor, added up, of each row of a block of sizes, shape (rows,)."""
    reach = np.abs(predictor.coef).max(axis=1, keepdims=True, initial=0.0)
    return np.asarray(sizes.times(reach)[0] + np.abs(predictor.intercept).max())


def _of_every_class(eta: FloatArray) -> FloatArray:
    """Return eta of every class, shape (K, rows): the first of two has 0."""
    return np.concatenate([np.zeros_like(eta), eta]) if len(eta) == 1 else eta


def _shares(block: Block, n_parameters: int) -> FloatArray:
    """Return the share of every class in what was observed, shape (K, rows)."""
    targets = block.targets_matrix(n_parameters)
    return np.concatenate([1.0 - targets, targets]) if n_parameters == 1 else targets


def _errors(die: Categorical, predicted: _Predicted, mean: FloatArray, room: _Room) -> FloatArray:
    """Return how far a probability may be from that of the optimum, shape (rows,)."""
    moved = room.moved + 2.0 * predicted.off
    factor, rest = np.exp(np.minimum(moved, _MOST)), 1.0 - mean
    lower = mean / (mean + (rest + _FEW) * factor)
    upper = mean / (mean + np.maximum(rest - _FEW, 0.0) / factor)
    is_any = moved > _MOST
    lower[:, is_any], upper[:, is_any] = 0.0, 1.0
    spread = room.spread + predicted.off / 2.0 + _FEW
    given = die.mean(predicted.eta + predicted.step)
    apart = np.maximum(np.minimum(upper, mean + spread) - given, given - np.maximum(lower, mean - spread)).max(axis=0)
    # A logistic function has a slope of 1/4, and a difference of two eta is off by both.
    return np.asarray(np.minimum(apart + (predicted.off + predicted.step_off) / 2.0 + _FEW, 1.0))


def _labels(
    predicted: _Predicted, mean: FloatArray, room: _Room
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], BoolArray, BoolArray]:
    """Return the labels, those where the optimum is near, which certainly change, and which may, shape (rows,) each."""
    eta, step, off, step_off = predicted
    labels, labels_near = (eta + step).argmax(axis=0), eta.argmax(axis=0)
    moved, spread = room.moved + 2.0 * off, 2.0 * (room.spread + off / 2.0 + _FEW)
    lead, lead_of_means = _lead(eta, labels), _lead(mean, labels)
    # Within rounding nobody knows which label is computed; ties of a row of zeros are ties.
    is_sure = _lead(eta + step, labels) > 2.0 * (off + step_off)
    is_tied = (moved == 0.0) & (step_off == 0.0)
    stays = (is_sure & ((lead > moved) | (lead_of_means > spread))) | (is_tied & (labels == labels_near))
    changes = is_sure & ((-lead > moved) | (-lead_of_means > spread))
    return labels, labels_near, changes, ~stays


def _lead(values: FloatArray, labels: npt.NDArray[np.intp]) -> FloatArray:
    """Return by how much the value of a label is above those of all others, shape (rows,); below, it is negative."""
    rows = np.arange(values.shape[1])
    others = values.copy()
    others[labels, rows] = -np.inf
    return np.asarray(values[labels, rows] - others.max(axis=0))


def _rises(
    die: Categorical, predicted: _Predicted, mean: FloatArray, targets: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return A(eta + d) - A(eta) - <t, d> of each row, and what that may be off by, shape (rows,) each."""
    eta, step, off, step_off = predicted
    longest, units = np.abs(step).max(axis=0), _FEW + len(eta) * np.finfo(np.float64).eps
    is_large = longest > _LARGE
    rises = np.log1p((mean * np.expm1(np.where(is_large, 0.0, step))).sum(axis=0))
    # The means move with eta by no more than the step, and by no more than 2.
    rises_off = units * longest + 2.0 * step_off + off * np.minimum(2.0, longest)
    if is_large.any():
        before, after = eta[:, is_large], (eta + step)[:, is_large]
        rises[is_large] = die.log_normalizer(after) - die.log_normalizer(before)
        rises_off[is_large] += units * (1.0 + np.abs(before).max(axis=0) + np.abs(after).max(axis=0))
    rises -= np.einsum("kn,kn->n", targets, step)
    return rises, rises_off
