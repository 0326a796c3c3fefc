r"""Newton's method under an elastic net where all is small: the Hessian of every pair that may move, at every point.

`Restricted` weighs what to make: which pairs join, when another Hessian pays, how a factor follows the pairs that are
free. Where that is dearer than making everything, each step is the minimiser of

    <g, d> + 1/2 d' H d + sum_e [ l1_e |B_e + d_e| + l2_e / 2 (B_e + d_e)^2 ]

with the Hessian at B, over the pairs that are not 0 or might not be, and is made in full. The same Hessian tells how
near the minimum is, and where the next strength leads: as far from it, about, as the step before was, so that mostly
one step is enough. Where F does not fall `Restricted` goes on.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple, final

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack

from softglm.arrays import FloatArray
from softglm.families import Bernoulli, Categorical
from softglm.model import Prepared, SparsePenalty
from softglm.model.penalties import ElasticNet
from softglm.solver.pivoting import minimise_entrywise
from softglm.solver.principal import PROXIMAL
from softglm.sparse.columns import WorkingColumns
from softglm.sparse.likelihood import Point
from softglm.sparse.restricted import FLAT, ROUNDING, SUFFICIENT, Counts, Restricted
from softglm.sparse.terms import held_at_zero, median_shift

Indices = npt.NDArray[np.intp]

# So many products at the most has the Hessian of all pairs, so many numbers the means of all rows.
_FEW_PRODUCTS, _FEW_MEANS = 2e7, 2**15
# So many strengths at the most are fitted before their proofs are made, at once, with so many numbers of means.
_TOGETHER, _MOST_MEANS = 25, 2**18
# Steps to a strength, at the most.
_MOST_STEPS = 20
# Rounds of pivots before safer ones take over.
_ROUNDS = 10
# How much of what the first step to the last strength has missed is added to that to the next.
_ALIKE = 0.85


@final
class Arrival(NamedTuple):
    """Where the fit under a penalty has arrived.

    Attributes
    ----------
    point : Point
    step : array of shape (k, q)
        Newton's, from there.
    penalty : ElasticNet
        In the units of the working columns.
    counts : Counts
        So far, in all.
    """

    point: Point
    step: FloatArray
    penalty: ElasticNet
    counts: Counts


@final
class _Quadratic(NamedTuple):
    """The likelihood about a point, in the pairs that may leave 0 or are not there, d of them.

    Attributes
    ----------
    point : Point
    classes, columns : int arrays of shape (d,)
        By classes first.
    hessian : array of shape (d, d)
        With a small part of its mean diagonal added, about the point.
    linear : array of shape (d,)
        The gradient of the quadratic at 0.
    gradient, start : arrays of shape (d,)
        That at the point; and the point.
    signs : array of shape (d,)
        Of the point, 1.0 for intercepts.
    intercepts : int array
        Which they are.
    rounding : float
        A slope beyond what holds a pair by so much is none.
    l1 : array of shape (p,)
        The weakest penalty for which no pair is missing.
    """

    point: Point
    classes: Indices
    columns: Indices
    hessian: FloatArray
    linear: FloatArray
    gradient: FloatArray
    start: FloatArray
    signs: FloatArray
    intercepts: Indices
    rounding: float
    l1: FloatArray


@final
class _Step(NamedTuple):
    """Where Newton's method goes.

    Attributes
    ----------
    change : array of shape (k, q)
        From here.
    rise, promise : float
        By how much the penalty changes, and F to first order, the kinks included.
    """

    change: FloatArray
    rise: float
    promise: float


@final
class PlainNewton:
    """Steps of the coefficients of all working columns.

    Parameters
    ----------
    prepared : Prepared
    held : WorkingColumns
    working : Restricted
        What is moved.

    Attributes
    ----------
    at_once : int
        So many strengths may be fitted before their proofs are made; 0 where this method does not apply.
    """

    def __init__(self, prepared: Prepared, held: WorkingColumns, working: Restricted) -> None:
        self._family, self._held, self._working = prepared.family, held, working
        self._reference = int(prepared.likelihood.moments.mean_target.argmax())
        self._is_symmetric = self._family.n_identifiable < self._family.n_parameters
        self.at_once = _at_once(prepared, held)
        self._made: _Quadratic | None = None
        self._missed: FloatArray | float = 0.0

    def leading(self, penalties: Iterable[SparsePenalty]) -> list[ElasticNet]:
        """Return the first of these penalties, in the units of the working columns, before one that it is not for."""
        those: list[ElasticNet] = []
        for penalty in penalties if self.at_once else ():
            if not (isinstance(penalty, ElasticNet) and penalty.l1.all()):
                break
            ridge = penalty.smooth.strength[: len(penalty.l1)]
            if ridge.any() and not ridge.all():
                break
            those.append(penalty.in_units(self._held.units))
        return those

    def walk(self, penalties: Sequence[ElasticNet], goal: float, max_iter: int) -> list[Arrival]:
        """Return where the fits under one penalty after another arrive, until one does not.

        Parameters
        ----------
        penalties : sequence of ElasticNet
            In the units of the working columns.
        goal : float
            How near F is to be to its minimum, about.
        max_iter : int
            For each.
        """
        arrivals = []
        for penalty, following in zip(penalties, [*penalties[1:], penalties[-1]], strict=True):
            step = self._approach(penalty, np.minimum(penalty.l1, following.l1), goal, max_iter)
            if step is None:
                break
            arrivals.append(Arrival(self._working.here, step, penalty, self._working.counts))
        return arrivals

    def _approach(self, penalty: ElasticNet, least_l1: FloatArray, goal: float, max_iter: int) -> FloatArray | None:
        """Move to about the minimum; return the step from there that would be next, None where it cannot be reached."""
        aimed = None
        for left in range(min(max_iter, _MOST_STEPS), -1, -1):
            try:
                step = self._step(penalty, self._about_here(penalty, least_l1))
            except np.linalg.LinAlgError:
                return None
            target = self._working.coef + step.change
            if -step.promise <= 2.0 * goal:
                self._missed = 0.0 if aimed is None else target - aimed
                return step.change
            ways = [target]
            if aimed is None:
                aimed, ways = target, [self._corrected(target), target]
            if not (left and any(self._goes(penalty, step, way) for way in ways)):
                return None
        return None

    def _corrected(self, target: FloatArray) -> FloatArray:
        """Return where the first step to a strength may lead, if it misses as the last one of its kind has."""
        corrected = target + _ALIKE * self._missed
        return np.where(corrected * target > 0.0, corrected, target)

    def _goes(self, penalty: ElasticNet, step: _Step, target: FloatArray) -> bool:
        """Go where a step leads, or nearby, if F falls; tell whether it did."""
        here = self._working.here
        if self._is_symmetric and not penalty.smooth.strength.any():
            target = target.copy()
            target[1:] -= median_shift(target[1:])[:, np.newaxis]
        there = self._working.likelihood.at(target)
        rise, flat = there.likelihood - here.likelihood + step.rise, FLAT * (1.0 + abs(here.likelihood))
        if not rise <= SUFFICIENT * step.promise + flat:
            return False
        self._working.n_iterations += 1
        self._working.arrive(there)
        return True

    def _step(self, penalty: ElasticNet, quadratic: _Quadratic) -> _Step:
        """Return Newton's step."""
        features = quadratic.columns - 1
        # The last of them is that of the intercepts.
        l1, l2 = penalty.l1[features], penalty.smooth.strength[features]
        l1[quadratic.intercepts] = 0.0
        found = _minimiser(quadratic, l1, l2)
        start, change = quadratic.start, np.zeros_like(self._working.coef)
        moved = found - start
        change[quadratic.columns, quadratic.classes] = moved
        rise = float(l1 @ (np.abs(found) - np.abs(start)) + (l2 * moved) @ (found + start) / 2.0)
        return _Step(change, rise, float(quadratic.gradient @ moved) + rise)

    def _about_here(self, penalty: ElasticNet, least_l1: FloatArray) -> _Quadratic:
        made = self._made
        if made is None or made.point is not self._working.here or (penalty.l1 < made.l1).any():
            made = self._made = self._quadratic(least_l1, is_lasso=not penalty.smooth.strength.any())
        return made

    def _quadratic(self, l1: FloatArray, *, is_lasso: bool) -> _Quadratic:
        """Return it in the pairs that move under a penalty of this strength, or a stronger one."""
        coef, gradient = self._working.coef, self._working.slopes()
        sizes = np.abs(gradient)
        moving = coef != 0.0
        moving[1:] |= sizes[1:] > l1[:, np.newaxis]
        moving[0] = True
        if self._is_symmetric:
            moving[0, self._reference] = False
            if is_lasso:
                moving = held_at_zero(moving, np.arange(1, len(coef)), coef, sizes)
        classes, columns = moving.T.nonzero()
        hessian = self._hessian(classes, columns)
        start, slopes = coef[columns, classes], gradient[columns, classes]
        hessian.flat[:: len(columns) + 1] += PROXIMAL * hessian.trace() / len(columns)
        linear, intercepts = slopes - hessian @ start, (columns == 0).nonzero()[0]
        signs, rounding = np.sign(start), ROUNDING * float(np.abs(linear).max())
        signs[intercepts] = 1.0
        return _Quadratic(
            self._working.here, classes, columns, hessian, linear, slopes, start, signs, intercepts, rounding, l1
        )

    def _hessian(self, classes: Indices, columns: Indices) -> FloatArray:
        """Return H here, shape (d, d), of pairs by classes first."""
        mean, weights, scaled = self._working.here.mean, self._held.weights, self._held.array[columns]
        if len(mean) == 1:
            scaled *= np.sqrt(weights * self._family.curvature_weights(mean)[0])
            return np.asarray(scaled @ scaled.T)
        scaled *= np.sqrt(weights * mean)[classes]
        shared = scaled * np.sqrt(mean)[classes]
        hessian = -(shared @ shared.T)
        ends = np.searchsorted(classes, np.arange(len(mean) + 1)).tolist()
        for first, last in pairwise(ends):
            hessian[first:last, first:last] += scaled[first:last] @ scaled[first:last].T
        return hessian


def _at_once(prepared: Prepared, held: WorkingColumns) -> int:
    (k, n), q = held.array.shape, prepared.family.n_parameters
    is_small = n * float(k * q) ** 2 <= _FEW_PRODUCTS and n * q <= _FEW_MEANS
    # What proofs of several points at once are written for.
    is_usual = (
        held.holds_all
        and held.n_constants == 1
        and bool(held.varies.all())
        and prepared.likelihood.rows.noise is None
        and isinstance(prepared.family, Bernoulli | Categorical)
    )
    return min(_TOGETHER, _MOST_MEANS // (n * q)) if is_small and is_usual else 0


def _minimiser(quadratic: _Quadratic, l1: FloatArray, l2: FloatArray) -> FloatArray:
    """Return where the quadratic is least with kinks l1 and a ridge l2, shape (d,) each.

    By block principal pivoting: given the signs, it is a linear system; those that are on the wrong side are held at 0,
    those that are held against too large a slope are freed, all at once. Where that takes long there are safer ways.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the Hessian is not positive definite.
    """
    hessian, linear, most = quadratic.hessian, quadratic.linear, l1 + quadratic.rounding
    signs = quadratic.signs
    for _ in range(_ROUNDS):
        free, point = signs.nonzero()[0], np.zeros_like(linear)
        right = -(linear + l1 * signs)[free]
        block = hessian[free[:, np.newaxis], free]
        block.flat[:: len(free) + 1] += l2[free]
        # LAPACK reads columns first, and may overwrite what is a copy already.
        _, point[free], failed = lapack.dposv(block.T, right, lower=1, overwrite_a=1)
        if failed:
            raise np.linalg.LinAlgError(f"The matrix is not positive definite: its pivot {failed} is not positive.")
        slopes = hessian @ point + (linear + l2 * point)
        is_across = l1 * signs * point < 0.0
        is_wrong = is_across | ((signs == 0.0) & (np.abs(slopes) > most))
        if not is_wrong.any():
            return point
        signs = np.where(is_wrong, np.where(is_across, 0.0, -np.sign(slopes)), signs)
    start, ends = quadratic.start, np.full_like(l1, np.inf)
    return minimise_entrywise(hessian + np.diag(l2), quadratic.gradient + l2 * start, l1, -ends, ends, start)
