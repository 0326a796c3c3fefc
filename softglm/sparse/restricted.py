r"""The fit on the working columns alone: prox-Newton over (feature, class) pairs, with a Hessian that is kept.

Each step minimises, over the pairs that are not 0 or should not be,

    <g, d> + 1/2 d' H d + h(B + d),

with g the gradient here and H the Hessian of this point or of an earlier one, and goes along d as far as F falls. The
iterations pay for the next Hessian: once they have cost twice its price it is made anew. They end where the gap is
small by Fenchel's inequality, or by what the step promises, if a proof that knows the step may be as sharp.
"""

from collections.abc import Callable
from typing import NamedTuple, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.model import Prepared
from softglm.sparse.columns import WorkingColumns
from softglm.sparse.gram import PairGram
from softglm.sparse.likelihood import Point, WorkingLikelihood
from softglm.sparse.terms import Terms, fenchel_gap, held_at_zero

Indices = npt.NDArray[np.intp]

# How many times the price of the next Hessian iterations pay.
_SHARE = 2.0
# A violation beyond this is one, relative to the largest slope.
ROUNDING = 1e-12
# So many pairs may join at a time, however few have.
_JOINING = 16
# Of what a step promises, it has to hold so much; and so often it is shortened.
SUFFICIENT, _MAX_TRIALS = 1e-4, 30
# Differences of F below this, relative to |F| + 1, are rounding; and what a step has to leave of the gap there.
FLAT, _PROGRESS = 1e-14, 0.5
# Of the gap asked for, the next step has to be expected to leave no more, for it to be relied on: where it leaves more,
# a proof is made in vain.
_SURE = 0.6
# In nanoseconds, about as measured, of an iteration: once; of an exponential with all that is done to it.
_ONCE, _EXPONENTIAL = 3e5, 4.0


@final
class Counts(NamedTuple):
    """How much was made."""

    n_iterations: int
    n_evaluations: int
    n_hessians: int
    n_passes: int


@final
class Ending(NamedTuple):
    """How it ended.

    Attributes
    ----------
    is_reached : bool
        Whether the gap that it aimed at is reached.
    gap : float
        The last one.
    step : array of shape (k, q) or None
        Newton's step from there, where it is what tells that the gap is reached.
    """

    is_reached: bool
    gap: float
    step: FloatArray | None = None


@final
class _Wanted(NamedTuple):
    """What tells where to go: the gradient, shape (k, q); which pairs are to move and by what, shape (k, r)."""

    terms: Terms
    gradient: FloatArray
    sizes: FloatArray
    moving: BoolArray


@final
class _Step(NamedTuple):
    """Where to go, shape (k, q); by how much F falls to first order, kinks included; r before, and there."""

    target: FloatArray
    promise: float
    before: float
    after: float


@final
class Restricted:
    """Coefficients of the working columns, and the means there.

    Parameters
    ----------
    prepared : Prepared
    held : WorkingColumns
    intercept : array of shape (n_constants, q)
        Where to begin.

    Attributes
    ----------
    likelihood : WorkingLikelihood
    here : Point
    n_iterations, n_hessians : int
        In all.
    """

    def __init__(self, prepared: Prepared, held: WorkingColumns, intercept: FloatArray) -> None:
        self._family, self._held, self._count = prepared.family, held, prepared.count
        self.likelihood = WorkingLikelihood(prepared, held)
        self._gram = PairGram(self._family, held.weights)
        self._reference = int(prepared.likelihood.moments.mean_target.argmax())
        self._is_symmetric = self._family.n_identifiable < self._family.n_parameters
        self.n_iterations = self.n_hessians = 0
        self._paid, self._is_fresh = 0.0, True
        # By what an iteration multiplies the gap, lately.
        self._contraction = 1.0
        # Of the last step: whether F could tell what it gained, and whether the Hessian was of where it began.
        self._is_flat = self._was_fresh = False
        coef = np.zeros((held.n_constants + len(held.features), self._family.n_parameters))
        coef[: held.n_constants] = intercept
        self.here = self.likelihood.at(coef)
        self._slopes: FloatArray | None = None

    @property
    def coef(self) -> FloatArray:
        """The coefficients, shape (k, q)."""
        return self.here.coef

    @property
    def counts(self) -> Counts:
        """What was made, in all."""
        return Counts(self.n_iterations, self.likelihood.n_evaluations, self.n_hessians, self._count.n_passes)

    def extend(self) -> None:
        """Give newly held columns coefficients of 0."""
        self.likelihood.extend()
        coef = np.zeros((self._held.matrix.shape[0], self.coef.shape[1]))
        if len(coef) > len(self.coef):
            coef[: len(self.coef)] = self.coef
            self.here, self._slopes = self.here._replace(coef=coef), None

    def move_to(self, coef: FloatArray) -> None:
        """Evaluate at other coefficients, shape (k, q)."""
        self.arrive(self.likelihood.at(coef))

    def arrive(self, there: Point) -> None:
        """Be at a point that has been evaluated."""
        self.here, self._slopes, self._is_fresh = there, None, False

    def slopes(self) -> FloatArray:
        """Return the gradient of the likelihood, shape (k, q), which nobody may change."""
        if self._slopes is None:
            self._slopes = self.likelihood.gradient(self.here.mean)
        return self._slopes

    def minimise(
        self, terms: Terms, goal: float, max_iter: int, after_step: Callable[[], None], *, by_steps: bool
    ) -> Ending:
        """Move until F is about as near to its minimum over these columns as the goal; call this after each step.

        Parameters
        ----------
        terms : Terms
        goal : float
        max_iter : int
        after_step : callable
        by_steps : bool
            Whether what Newton's step promises may tell, where a proof that knows the step would be as sharp.
        """
        if (terms.contrasts is None) != (self._gram.contrasts is None):
            self._gram = PairGram(self._family, self._held.weights, terms.contrasts)
        self._gram.bend(terms.curvature)
        gap, self._is_flat = np.inf, False
        for iteration in range(max_iter + 1):
            gradient = self.slopes()
            violation = terms.violation(self.coef, gradient)
            self._hold_reference(terms, violation)
            n, before = terms.n_constants, gap
            gap = fenchel_gap(terms.penalty, self.coef[n:], gradient[n:], self.here.likelihood)
            gap += self._open_gap(terms, violation)
            if gap <= goal:
                return Ending(is_reached=True, gap=gap)
            if 0.0 < before < np.inf:
                self._contraction = gap / before
            # Where F tells nothing any more, the gap does.
            has_stalled = self._is_flat and not gap < _PROGRESS * before
            if iteration == max_iter or (has_stalled and self._was_fresh):
                break
            if has_stalled:
                self._paid = np.inf
            wanted = self._wanted(terms, gradient, terms.sizes(violation))
            step = self._newton_step(wanted)
            if (
                by_steps
                and abs(step.promise) < 2.0 * goal
                and (self._is_fresh or gap * self._contraction <= _SURE * goal)
            ):
                return Ending(is_reached=True, gap=-step.promise / 2.0, step=step.target - self.coef)
            self.n_iterations += 1
            if not self._goes(wanted, step):
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

    def _wanted(self, terms: Terms, gradient: FloatArray, sizes: FloatArray) -> _Wanted:
        moving = terms.candidates(self.coef, sizes, ROUNDING * (1.0 + float(np.abs(gradient).max())))
        if terms.contrasts is not None:
            moving, sizes = _whole_rows(moving, sizes, terms.contrasts.shape[1])
        elif self._is_symmetric:
            moving[terms.is_free, self._reference] = False
        return _Wanted(terms, gradient, sizes, held_at_zero(moving, terms.shifts, self.coef, sizes))

    def _newton_step(self, wanted: _Wanted) -> _Step:
        """Return where to go, with a Hessian that is made anew, or grows, as that pays."""
        terms, gram = wanted.terms, self._gram
        if not self._is_fresh and self._paid >= _SHARE * gram.price(wanted.moving, self._held.matrix):
            self._renew(wanted)
        else:
            if not len(gram):
                self._paid, self._is_fresh = 0.0, True
            gram.include(self._joining(wanted), self._held.matrix, self.here.mean, terms.curvature)
        try:
            step = self._step(wanted)
        except np.linalg.LinAlgError:
            # Rows that were added at other means than those that were there.
            self._renew(wanted)
            step = self._step(wanted)
        self._paid += self._price(terms)
        return step

    def _goes(self, wanted: _Wanted, step: _Step) -> bool:
        """Make a step; tell whether F fell."""
        if self._search(wanted.terms, step):
            return True
        if self._is_fresh:
            return False
        self._renew(wanted)
        return self._search(wanted.terms, self._step(wanted))

    def _price(self, terms: Terms) -> float:
        columns, q = self._held.matrix, self.coef.shape[1]
        return float(_ONCE + columns.price(q) + _EXPONENTIAL * q * columns.shape[1] + terms.price(len(self._gram)))

    def _joining(self, wanted: _Wanted) -> BoolArray:
        """Return which of the moving pairs are new, the largest of them where they are many."""
        known = self._gram.index
        new = wanted.moving.copy()
        new[: len(known)] &= known < 0
        most = max(_JOINING, int((self.coef != 0.0).sum()))
        if new.sum() > most and len(self._gram):
            sizes = np.where(new, wanted.sizes, 0.0)
            new &= sizes >= np.partition(sizes, -most, axis=None)[-most]
        return new

    def _renew(self, wanted: _Wanted) -> None:
        self.n_hessians += 1
        self._gram.rebuild(wanted.moving, self._held.matrix, self.here.mean, wanted.terms.curvature)
        self._paid, self._is_fresh = 0.0, True

    def _step(self, wanted: _Wanted) -> _Step:
        """Return where the pairs want to go."""
        terms, gram = wanted.terms, self._gram
        columns, classes = gram.columns, gram.classes
        known = np.zeros((len(self.coef), gram.index.shape[1]), dtype=bool)
        known[columns, classes] = True
        allowed = held_at_zero(known, terms.shifts, self.coef, wanted.sizes)[columns, classes]
        there = gram.coordinates(self.coef).copy()
        start = there[columns, classes]
        linear = gram.coordinates(wanted.gradient)[columns, classes] + terms.curvature[columns] * start
        there[columns, classes] = terms.minimiser(gram.systems, (columns, classes), (linear, start), allowed)
        target = terms.centred(there if gram.contrasts is None else np.asarray(there @ gram.contrasts.T))
        before, after = terms.value(self.coef), terms.value(target)
        return _Step(target, float(np.vdot(wanted.gradient, target - self.coef)) + after - before, before, after)

    def _search(self, terms: Terms, step: _Step) -> bool:
        """Go towards the target as far as F falls enough; tell whether it did."""
        target, promise, before, after = step
        value, move, length = self.here.likelihood + before, target - self.coef, 1.0
        flat = FLAT * (1.0 + abs(value))
        if not promise < flat:
            return False
        self._is_flat, self._was_fresh = promise > -flat, self._is_fresh
        for _ in range(_MAX_TRIALS):
            there = self.likelihood.at(target if length == 1.0 else terms.centred(self.coef + length * move))
            change = there.likelihood + (after if length == 1.0 else terms.value(there.coef)) - value
            if change <= SUFFICIENT * length * promise + flat:
                self.arrive(there)
                return True
            bend = change - length * promise
            length = max(0.1 * length, min(0.5 * length, -promise * length**2 / (2.0 * bend)))
            self._paid = np.inf
        return False


def _whole_rows(moving: BoolArray, sizes: FloatArray, n_contrasts: int) -> tuple[BoolArray, FloatArray]:
    """Return which contrasts are to move, all of a column or none, and the sizes of their violations, shape (k, r)."""
    shape = len(moving), n_contrasts
    return (
        np.broadcast_to(moving.any(axis=1, keepdims=True), shape).copy(),
        np.broadcast_to(sizes.max(axis=1, keepdims=True), shape),
    )
