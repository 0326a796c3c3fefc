r"""The fit on the working columns alone: prox-Newton over (feature, class) pairs, with a Hessian that is kept.

Each step minimises, over the pairs that are not 0 or should not be,

    <g, d> + 1/2 d' H d + h(B + d),

with g the gradient here and H the Hessian of this point or of an earlier one, and goes along d as far as F falls. The
iterations beyond the first pay for the next Hessian: once they have cost twice its price it is made anew.
"""

from collections.abc import Callable
from typing import NamedTuple, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.model import Prepared
from softglm.sparse.columns import WorkingColumns
from softglm.sparse.gram import PairGram
from softglm.sparse.terms import Terms, fenchel_gap, held_at_zero, median_shift

Indices = npt.NDArray[np.intp]

# Iterations that a Hessian serves for nothing at each strength; and how many times its price the others pay.
_FOR_NOTHING, _SHARE = 1, 2.0
# A violation beyond this is one, relative to the largest slope.
_ROUNDING = 1e-12
# So many pairs may join at a time, however few have.
_JOINING = 16
# Of what a step promises, it has to hold so much; and so often it is shortened.
_SUFFICIENT, _MAX_TRIALS = 1e-4, 30
# Differences of F below this, relative to |F| + 1, are rounding; and what a step has to leave of the gap there.
_FLAT, _PROGRESS = 1e-14, 0.5
# In nanoseconds, about as measured, of an iteration: once; of an entry of the columns for each class, of an exponential
# with all that is done to it, of an entry of the Hessian.
_ONCE, _ENTRY, _EXPONENTIAL = 3e5, 0.14, 4.0


@final
class Ending(NamedTuple):
    """How it ended: whether the gap that it aimed at is reached, and the last one."""

    is_reached: bool
    gap: float


@final
class Restricted:
    """Coefficients of the working columns, and the means there.

    Parameters
    ----------
    prepared : Prepared
    held : WorkingColumns
    linear : array of shape (m, q)
        The mean of t for the intercept, then of z t' for all p features.

    Attributes
    ----------
    coef : array of shape (k, q)
    likelihood : float
        The mean negative log-likelihood there.
    n_iterations, n_evaluations, n_hessians : int
        In all.
    """

    def __init__(self, prepared: Prepared, held: WorkingColumns, linear: FloatArray, intercept: FloatArray) -> None:
        self._family = prepared.family
        self._count = prepared.count
        self._held, self._all_linear = held, linear
        self._offset_term = prepared.likelihood.moments.offset_term
        self._gram = PairGram(self._family, held.weights)
        self._reference = int(prepared.likelihood.moments.mean_target.argmax())
        self._is_symmetric = self._family.n_identifiable < self._family.n_parameters
        self.n_iterations = self.n_evaluations = self.n_hessians = 0
        self._paid, self._is_fresh = 0.0, True
        self._slopes: FloatArray | None = None
        # Of the last step: whether F could tell what it gained, and whether the Hessian was of where it began.
        self._is_flat = self._was_fresh = False
        self.coef = np.zeros((0, self._family.n_parameters))
        self.extend()
        self.coef[: held.n_constants] = intercept
        self.move_to(self.coef)

    def extend(self) -> None:
        """Give newly held columns coefficients of 0."""
        n = self._held.n_constants
        self._linear = np.concatenate([self._all_linear[:n], self._all_linear[n:][self._held.features]])
        missing = len(self._linear) - len(self.coef)
        self.coef = np.concatenate([self.coef, np.zeros((missing, self.coef.shape[1]))])

    def move_to(self, coef: FloatArray) -> None:
        """Evaluate at other coefficients, shape (k, q)."""
        self.coef = coef
        eta = self._product(coef)
        if self._held.offset is not None:
            eta += self._held.offset
        self._eta = eta
        self.likelihood, self.mean = self._evaluate(eta, coef)
        self._is_fresh, self._slopes = False, None

    def slopes(self) -> FloatArray:
        """Return the gradient of the likelihood, shape (k, q), which nobody may change."""
        if self._slopes is None or len(self._slopes) < len(self.coef):
            gradient = (self.mean * self._held.weights) @ self._held.array.T
            self._slopes = np.asarray(gradient.T - self._linear)
        return self._slopes

    def minimise(self, terms: Terms, goal: float, max_iter: int, after_step: Callable[[], None]) -> Ending:
        """Move until F is about as near to its minimum over these columns as the goal; call this after each step."""
        if (terms.contrasts is None) != (self._gram.contrasts is None):
            self._gram = PairGram(self._family, self._held.weights, terms.contrasts)
        self._gram.bend(terms.curvature)
        gap, self._is_flat = np.inf, False
        for iteration in range(max_iter + 1):
            gradient = self.slopes()
            violation = terms.violation(self.coef, gradient)
            self._hold_reference(terms, violation)
            n, before = terms.n_constants, gap
            gap = fenchel_gap(terms.penalty, self.coef[n:], gradient[n:], self.likelihood)
            gap += self._open_gap(terms, violation)
            if gap <= goal:
                return Ending(is_reached=True, gap=gap)
            # Where F tells nothing any more, the gap does.
            has_stalled = self._is_flat and not gap < _PROGRESS * before
            if iteration == max_iter or (has_stalled and self._was_fresh):
                break
            if has_stalled:
                self._paid = np.inf
            self.n_iterations += 1
            if not self._step(terms, gradient, terms.sizes(violation), iteration):
                break
            after_step()
        return Ending(is_reached=False, gap=gap)

    def _hold_reference(self, terms: Terms, violation: FloatArray) -> None:
        """Count no violation of the class that free columns are relative to: it is minus the sum of the others."""
        if self._is_symmetric and terms.contrasts is None:
            violation[terms.is_free, self._reference] = 0.0

    def _open_gap(self, terms: Terms, violation: FloatArray) -> float:
        """Return about what is to be gained by the columns that nothing holds, by the diagonal of the Hessian."""
        rows = np.flatnonzero(terms.is_open)
        if len(rows) and not len(self._gram):
            return float("inf")
        pairs = self._gram.index[rows]
        diagonal = self._gram.systems.matrix.diagonal()[pairs] + self._gram.systems.shift
        return float(np.where(pairs >= 0, self._gram.coordinates(violation[rows]) ** 2 / diagonal, 0.0).sum())

    def _step(self, terms: Terms, gradient: FloatArray, sizes: FloatArray, iteration: int) -> bool:
        """Make a step; tell whether F fell."""
        moving = terms.candidates(self.coef, sizes, _ROUNDING * (1.0 + float(np.abs(gradient).max())))
        if terms.contrasts is not None:
            moving, sizes = _whole_rows(moving, sizes, terms.contrasts.shape[1])
        elif self._is_symmetric:
            moving[terms.is_free, self._reference] = False
        moving = held_at_zero(moving, terms.shifts, self.coef, sizes)
        if not self._is_fresh and self._paid >= _SHARE * self._gram.price(int(moving.sum())):
            self._renew(terms, moving)
        else:
            if not len(self._gram):
                self._paid, self._is_fresh = 0.0, True
            self._gram.include(self._joining(moving, sizes), self._held.array, self.mean, terms.curvature)
        try:
            target = self._direction(terms, gradient, sizes)
        except np.linalg.LinAlgError:
            # Rows that were added at other means than those that were there.
            self._renew(terms, moving)
            target = self._direction(terms, gradient, sizes)
        if iteration >= _FOR_NOTHING:
            self._paid += self._price(terms)
        if self._search(terms, gradient, target):
            return True
        if self._is_fresh:
            return False
        self._renew(terms, moving)
        return self._search(terms, gradient, self._direction(terms, gradient, sizes))

    def _price(self, terms: Terms) -> float:
        (k, n), q = self._held.array.shape, self.coef.shape[1]
        return float(_ONCE + n * q * (_ENTRY * k + _EXPONENTIAL) + terms.price(len(self._gram)))

    def _joining(self, moving: BoolArray, sizes: FloatArray) -> BoolArray:
        """Return which of the moving pairs are new, the largest of them where they are many."""
        known = self._gram.index
        new = moving.copy()
        new[: len(known)] &= known < 0
        most = max(_JOINING, int((self.coef != 0.0).sum()))
        if new.sum() > most and len(self._gram):
            sizes = np.where(new, sizes, 0.0)
            new &= sizes >= np.partition(sizes, -most, axis=None)[-most]
        return new

    def _renew(self, terms: Terms, moving: BoolArray) -> None:
        self.n_hessians += 1
        self._gram.rebuild(moving, self._held.array, self.mean, terms.curvature)
        self._paid, self._is_fresh = 0.0, True

    def _direction(self, terms: Terms, gradient: FloatArray, sizes: FloatArray) -> FloatArray:
        """Return where the pairs want to go, shape (k, q)."""
        gram, columns, classes = self._gram, self._gram.columns, self._gram.classes
        known = np.zeros((len(self.coef), gram.index.shape[1]), dtype=bool)
        known[columns, classes] = True
        allowed = held_at_zero(known, terms.shifts, self.coef, sizes)[columns, classes]
        there = gram.coordinates(self.coef).copy()
        start = there[columns, classes]
        linear = gram.coordinates(gradient)[columns, classes] + terms.curvature[columns] * start
        there[columns, classes] = terms.minimiser(gram.systems, (columns, classes), (linear, start), allowed)
        return there if gram.contrasts is None else np.asarray(there @ gram.contrasts.T)

    def _search(self, terms: Terms, gradient: FloatArray, target: FloatArray) -> bool:
        """Go towards the target as far as F falls enough; tell whether it did."""
        move = target - self.coef
        before, after = terms.value(self.coef), terms.value(target)
        value = self.likelihood + before
        promise = float(np.vdot(gradient, move)) + after - before
        flat = _FLAT * (1.0 + abs(value))
        if not promise < flat:
            return False
        direction, length = self._product(move), 1.0
        self._is_flat, self._was_fresh = promise > -flat, self._is_fresh
        for _ in range(_MAX_TRIALS):
            there = target if length == 1.0 else self.coef + length * move
            eta = self._eta + length * direction
            likelihood, mean = self._evaluate(eta, there)
            change = likelihood + (after if length == 1.0 else terms.value(there)) - value
            if change <= _SUFFICIENT * length * promise + flat:
                self.coef, self._eta, self.likelihood, self.mean = there, eta, likelihood, mean
                self._is_fresh, self._slopes = False, None
                self._centre(terms)
                return True
            bend = change - length * promise
            length = max(0.1 * length, min(0.5 * length, -promise * length**2 / (2.0 * bend)))
            self._paid = np.inf
        return False

    def _centre(self, terms: Terms) -> None:
        """Shift coefficients that may be shifted, so that the penalty is least: no mean changes."""
        rows = np.flatnonzero(terms.shifts)
        shift = median_shift(self.coef[rows])
        if shift.any():
            self.coef[rows] -= shift[:, np.newaxis]
            self._eta -= shift @ self._held.array[rows]

    def _product(self, coef: FloatArray) -> FloatArray:
        """Return B'z, shape (q, n)."""
        support = np.flatnonzero(coef.any(axis=1))
        columns = self._held.array
        if 2 * len(support) < len(columns):
            return np.asarray(coef[support].T @ columns[support])
        return np.asarray(coef.T @ columns)

    def _evaluate(self, eta: FloatArray, coef: FloatArray) -> tuple[float, FloatArray]:
        """Return the mean negative log-likelihood, and the means, shape (q, n)."""
        self.n_evaluations += 1
        self._count.add()
        log_normalizer, mean = self._family.normalizer_and_mean(eta.copy())
        linear = float(np.vdot(self._linear, coef)) + self._offset_term
        return float(self._held.weights @ log_normalizer) - linear, mean


def _whole_rows(moving: BoolArray, sizes: FloatArray, n_contrasts: int) -> tuple[BoolArray, FloatArray]:
    """Return which contrasts are to move, all of a column or none, and the sizes of their violations, shape (k, r)."""
    shape = len(moving), n_contrasts
    return (
        np.broadcast_to(moving.any(axis=1, keepdims=True), shape).copy(),
        np.broadcast_to(sizes.max(axis=1, keepdims=True), shape),
    )
