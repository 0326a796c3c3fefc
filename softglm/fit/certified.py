"""What is known of any parameters: their loss, how far it is above its minimum, and what predictions are there.

The optimum is not known, but a fit that is proved to be near it is: the way from the parameters to the fit is measured,
the rest is its gap. So the bounds are as tight for parameters that are far from the optimum as for those beside it.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, final

import numpy as np

from softglm.arrays import BoolArray, FloatArray, IntArray
from softglm.data import AdaptedRows, Rebasing, Rows, one_blas_thread
from softglm.fit.reference import Reference, reference_from
from softglm.fit.result import Fit, Start
from softglm.model import AnyPenalty, Prepared, SparsePenalty
from softglm.model.proof import gap_beside
from softglm.model.proof.rounding import UNIT
from softglm.sums import Comparison, Predictor

# Roundings of a number of few operations.
_FEW = 16.0


@final
@dataclass(frozen=True, eq=False)
class PredictionBounds:
    """What the predictions of some parameters are beside those of the optimum, for each of n rows.

    Attributes
    ----------
    errors : array of shape (n,)
        How far some probability is from that of the optimum, at the most.
    labels, labels_near : int arrays of shape (n,)
        The most probable class, and that of the fit near the optimum.
    changes, may_change : bool arrays of shape (n,)
        Whether it is certain that the optimum has another label; and whether it is not certain that it has the same.
    """

    errors: FloatArray
    labels: IntArray
    labels_near: IntArray
    changes: BoolArray
    may_change: BoolArray


@final
@dataclass(frozen=True, eq=False)
class Certified:
    """What is known of some parameters.

    Attributes
    ----------
    loss, null_loss : float
        The objective there, and without features, in nats per unit of weight.
    gap, least_gap : float
        What the loss is above its minimum, at the most and at the least; inf and 0 where there is none.
    has_optimum : bool
        Whether there is an optimum, as far as that is known.
    fit : Fit
        Beside the optimum, of a gap that is part of the above: its kind is what proves it.
    bounds : PredictionBounds
        Of the rows that were fitted.
    elsewhere : tuple of Comparison and array of shape (p,) or None; or None
        What compares predictions of other rows, and the origin from which it reads them; None where nothing is proved.
    """

    loss: float
    null_loss: float
    gap: float
    least_gap: float
    has_optimum: bool
    fit: Fit
    bounds: PredictionBounds
    elsewhere: tuple[Comparison, FloatArray | None] | None


class _Sums(NamedTuple):
    """Over all rows: what their losses rise by, off by so much, of such sizes; and the squares of their steps."""

    rise: float
    off: float
    size: float
    squares: float
    n_rows: int


class _Rise(NamedTuple):
    """What f rises by from the fit to some parameters, in nats per unit of weight.

    Attributes
    ----------
    value, off : float
        And what that is off by at the most.
    moved : float
        1/2 <d, H d> of the step d between them, with the largest H there is; inf where f has kinks.
    """

    value: float
    off: float
    moved: float


@one_blas_thread
def certified(
    prepared: Prepared, penalty: AnyPenalty, coef: FloatArray, intercept: FloatArray, *, beside: float = 0.0
) -> Certified:
    """Return what is known of parameters, coef (p, q) and intercept (q,) at x = 0, that anyone has fitted to rows.

    Parameters
    ----------
    prepared : Prepared
        The rows and their family, which has classes.
    penalty : Penalty or SparsePenalty
    coef, intercept : arrays of shape (p, q) and (q,)
    beside : float, default=0.0
        What the objective adds to these parameters, and not to the optimum.
    """
    reference = reference_from(prepared, penalty, Start(coef, intercept))
    fit = reference.fit
    with np.errstate(over="ignore", invalid="ignore"):
        comparison = _comparison(prepared, reference, coef, intercept)
        bounds, sums = _compared(prepared.likelihood.rows, comparison)
        rise = _rise(prepared, penalty, (coef, fit.coef), sums)
        likelihood, _ = prepared.likelihood.evaluate(prepared.as_read(coef, intercept))
        loss = likelihood + _penalty(penalty, coef)
    return Certified(
        loss=loss + beside,
        null_loss=fit.null_loss,
        # NaN, where the arithmetic overflows, is neither.
        gap=float(np.fmin(rise.value + rise.off + fit.gap, gap_beside(fit.gap, rise.moved))) + beside,
        least_gap=float(np.fmax(rise.value - rise.off, 0.0)) + beside,
        has_optimum=reference.has_optimum,
        fit=fit,
        bounds=bounds,
        elsewhere=(replace(comparison, divergence=float("inf")), prepared.likelihood.rows.origin)
        if comparison.leverages and fit.is_unique
        else None,
    )


def _rise(prepared: Prepared, penalty: AnyPenalty, coefs: tuple[FloatArray, FloatArray], sums: _Sums) -> _Rise:
    given, near = coefs
    total, largest = prepared.likelihood.moments.total_weight, prepared.family.largest_curvature
    step = given - near
    if isinstance(penalty, SparsePenalty):
        added = penalty.value(given) - penalty.value(near)
        size, moved = penalty.value(given) + penalty.value(near), float("inf")
    else:
        strength = penalty.curvature[: len(step), np.newaxis]
        products = strength * step * (given + near) / 2.0
        added, size = float(products.sum()), float(np.abs(products).sum())
        moved = (largest * sums.squares / total + float((strength * step * step).sum())) / 2.0
    off = (
        sums.off / total
        + UNIT * (step.size + _FEW) * size
        + _FEW * UNIT * math.log2(sums.n_rows + 2.0) * sums.size / total
    )
    return _Rise(sums.rise / total + added, off, moved * (1.0 + UNIT * (step.size + _FEW)))


def _compared(rows: Rows, comparison: Comparison) -> tuple[PredictionBounds, _Sums]:
    """Return what predictions of rows are beside those of the optimum, and how their loss rises: one pass."""
    *arrays, rises, off, squares = rows.concatenate(comparison)
    sums = _Sums(float(rises.sum()), float(off.sum()), float(np.abs(rises).sum()), float(squares.sum()), len(rises))
    return PredictionBounds(*arrays), sums


def compared_elsewhere(known: Certified, rows: Rows) -> PredictionBounds:
    """Return the same of other rows, as they are given; `elsewhere` must not be None."""
    assert known.elsewhere is not None  # noqa: S101 - who asks has looked
    comparison, origin = known.elsewhere
    there = rows if origin is None else AdaptedRows(rows, Rebasing(origin, np.ones_like(origin)))
    return _compared(there, comparison)[0]


def _penalty(penalty: AnyPenalty, coef: FloatArray) -> float:
    if isinstance(penalty, SparsePenalty):
        return penalty.value(coef)
    return float(penalty.curvature[: len(coef)] @ np.square(coef).sum(axis=1)) / 2.0


def _comparison(prepared: Prepared, reference: Reference, coef: FloatArray, intercept: FloatArray) -> Comparison:
    """Return what compares the predictions of these parameters with those of the optimum, of rows as they are read."""
    fit = reference.fit
    near, given = (_as_read(prepared, *there) for there in ((fit.coef, fit.intercept), (coef, intercept)))
    identified = prepared.family.identified
    step = Predictor(identified(given.coef - near.coef), identified(given.intercept - near.intercept))
    p, q = coef.shape
    return Comparison(
        near=near,
        step=step,
        leverages=reference.leverages,
        distance=reference.distance,
        divergence=prepared.likelihood.moments.total_weight * fit.gap,
        of_eta=UNIT * (p + q + _FEW),
        of_constants=0.0 if prepared.basis is None else _of_constants(near, given),
    )


def _of_constants(near: Predictor, given: Predictor) -> float:
    """Return what intercepts are off by, and so their difference, that were rounded once where they are read."""
    return 2.0 * UNIT * float(np.abs(near.intercept).max() + np.abs(given.intercept).max())


def _as_read(prepared: Prepared, coef: FloatArray, intercept: FloatArray) -> Predictor:
    basis = prepared.basis
    return Predictor(coef, intercept) if basis is None else Predictor(*basis.down(coef, intercept))
