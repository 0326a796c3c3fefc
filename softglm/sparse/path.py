"""Fits under one sparse penalty after another, each from where the last one ended."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.model import Prepared, SparsePenalty
from softglm.model.penalties import EntrywisePenalty
from softglm.model.proof import conjugate_gap
from softglm.solver import Outcome, Progress
from softglm.sparse.columns import WorkingColumns
from softglm.sparse.likelihood import Point
from softglm.sparse.plain import Arrival, PlainNewton
from softglm.sparse.proof import Arrived, Others, Proofs
from softglm.sparse.restricted import Counts, Restricted
from softglm.sparse.slopes import AllSlopes
from softglm.sparse.solution import SparseSolution
from softglm.sparse.terms import Terms, overcoming
from softglm.sparse.together import ProofsTogether

Indices = npt.NDArray[np.intp]

# The next strength is at most so many times weaker, or strengths in between are fitted first, up to such a part of
# f_null.
_JUMP, _ROUGHLY = 10.0, 1e-2
# How much of the gap asked for is aimed at, and of what was left where the proof wanted more.
_AIM, _AGAIN = 0.5, 0.1
# The gap from which on Newton's step is short enough for a proof, at most points, relative to f_null.
_CLOSE = 1e-6
# So often a proof is tried.
_PROOFS = 8
# So many features may join at a time, however few have coefficients.
_JOINING = 16
# Of the model without the features that are held at 0.
_MOST_STEPS = 100
# What a change of units rounds by, relative.
_BESIDE = 4.0 * np.finfo(np.float64).eps
# The pull from which on a feature is promising, however much weaker the penalty has become; below it none is looked at.
_LEAST_PULL = 0.75


Report: TypeAlias = Callable[[Progress, FloatArray, FloatArray], None]
"""Called as ``report(progress, coef, intercept)`` after each iteration."""


@final
class SparsePath:
    """Fits of one problem under one penalty after another.

    Parameters
    ----------
    prepared : Prepared
    coef, intercept : arrays of shape (p, q) and (q,), or None
        Where to begin, of the columns as they are given; None for the null model.

    Raises
    ------
    TypeError
        If the rows cannot be held in memory.
    """

    def __init__(self, prepared: Prepared, coef: FloatArray | None = None, intercept: FloatArray | None = None) -> None:
        self._prepared, self._likelihood = prepared, prepared.likelihood
        self._held = held = WorkingColumns(prepared)
        _, constant = self._likelihood.split(prepared.null.parameters)
        self._working = Restricted(prepared, held, constant[np.newaxis][: held.n_constants])
        if coef is not None and intercept is not None:
            there = self._likelihood.centred(
                *(prepared.basis.down(coef, intercept) if prepared.basis else (coef, intercept))
            )
            held.hold(np.flatnonzero(coef.any(axis=1)))
            self._working.extend()
            slopes = there[: len(coef)] / held.units[:, np.newaxis]
            self._working.move_to(np.concatenate([there[len(coef) :], slopes[held.features]]))
        self._slopes = AllSlopes(prepared, held)
        if not held.holds_all:
            self._slopes.begin(self._working.here.mean, held.parameters(self._working.coef))
        self._latest: SparsePenalty | None = None
        self._step: FloatArray | None = None
        self._proofs = Proofs(prepared, held)
        self._plain, self._together = PlainNewton(prepared, held, self._working), None
        if self._plain.at_once:
            self._together = ProofsTogether(prepared, held, self._proofs, self._working.likelihood)
        # The latest terms, of a penalty and so many columns.
        self._made: tuple[SparsePenalty, int, Terms] | None = None

    @property
    def at_once(self) -> int:
        """So many fits may be made at once."""
        return max(self._plain.at_once, 1)

    def fit(
        self, penalties: Sequence[SparsePenalty], tol: float, max_iter: int, report: Report | None = None
    ) -> list[SparseSolution]:
        """Fit under the first of some penalties, and those of the next that are as soon fitted with it.

        Parameters
        ----------
        penalties : sequence of SparsePenalty
            In the units of the columns as they are given.
        tol : float
            Until the gap proved is at most so many times F of the null model.
        max_iter : int
            Of each fit.
        report : callable or None, default=None
            Called as ``report(progress, coef, intercept)`` after each iteration.
        """
        first, scale, before = penalties[0], abs(self._prepared.null.value), self._working.counts
        if not np.isfinite(scale) or not self._held.is_finite:
            return [self._ended(first, first.in_units(self._held.units), before, np.inf, Outcome.NON_FINITE)]
        if report is None and (together := self._fit_together(penalties, tol * scale, max_iter)):
            return together
        return [self._fit(first, tol * scale, max_iter, partial(self._tell, report, first, before), before)]

    def _fit_together(self, penalties: Sequence[SparsePenalty], most: float, max_iter: int) -> list[SparseSolution]:
        """Return the fits of the first of these penalties that Newton's method, as it stands, comes to."""
        those, before = self._plain.leading(penalties), self._working.counts
        if self._together is None or not those or not self._jump(those[0]) <= _JUMP:
            return []
        close = _CLOSE * abs(self._prepared.null.value)
        arrivals = self._plain.walk(those, min(_AIM * most, close), max_iter)
        solutions = []
        each = zip(penalties, arrivals, self._together.gaps(arrivals), self._all_given(arrivals), strict=False)
        for penalty, arrival, gap, given in each:
            spent, before = _spent(before, arrival.counts), arrival.counts
            if gap <= most:
                proved = gap, Outcome.CONVERGED
                solutions.append(self._solution(given, arrival.penalty, arrival.point, proved, spent))
            else:
                self._working.arrive(arrival.point)
                solutions.append(self._fit(penalty, most, max_iter, _nothing, _spent(spent, self._working.counts)))
        if arrivals:
            self._working.arrive(arrivals[-1].point)
        return solutions

    def _fit(
        self, penalty: SparsePenalty, most: float, max_iter: int, tell: Callable[[], None], before: Counts
    ) -> SparseSolution:
        """Fit under one penalty."""
        there = penalty.in_units(self._held.units)
        self._bound(there)
        jump = self._jump(there)
        while jump > _JUMP:
            jump /= _JUMP
            self._descend(there.times(jump), _ROUGHLY * abs(self._prepared.null.value), max_iter, tell)
        goal = _AIM * most
        for _ in range(_PROOFS):
            left = max_iter - (self._working.n_iterations - before.n_iterations)
            reached = self._descend(there, goal, left, tell)
            gap = self._proved(penalty, there)
            if gap <= most or reached is None or left <= 0:
                break
            goal = _AGAIN * min(goal, reached)
        is_out = self._working.n_iterations - before.n_iterations >= max_iter
        failed = Outcome.ITERATIONS if is_out else Outcome.PRECISION
        return self._ended(penalty, there, before, gap, Outcome.CONVERGED if gap <= most else failed)

    def _jump(self, penalty: SparsePenalty) -> float:
        """Return about how many times weaker than at the last fit a penalty on all working columns is.

        What has coefficients is pulled by as much as opposes it, the kink and the ridge.
        """
        within, opposed = self._terms(penalty).penalty, np.ones(len(self._held.units))
        coef = self._working.coef[self._held.n_constants :]
        opposed[self._held.features] += within.pull(-within.smooth.strength[: len(coef), np.newaxis] * coef)
        return float((self._pulls(penalty) / opposed).max(initial=0.0))

    def strongest(self, penalty: SparsePenalty) -> float:
        """Return the factor on a penalty from which on every feature that it holds at 0 is: see `strongest`."""
        there, factor, pull = penalty.in_units(self._held.units), 0.0, 1.0
        if self._held.n_constants == 0 and not (~penalty.is_kinked).any():
            return self._most(there)
        while pull > factor:
            # The features that are free are fitted beside none of the others, which are held more than enough.
            factor = 2.0 * max(pull, self._most(there))
            self._descend(there.times(factor), 0.0, _MOST_STEPS, _nothing)
            pull = self._most(there)
        return pull

    def _most(self, penalty: SparsePenalty) -> float:
        """Return the largest pull, by a penalty on all working columns."""
        return float(self._pulls(penalty, near=0.0).max(initial=0.0))

    def _pulls(self, penalty: SparsePenalty, near: float = _LEAST_PULL) -> FloatArray:
        """Return how features pull, shape (p,), by a penalty on all working columns; see `AllSlopes.pulls`."""
        if self._held.holds_all:
            return penalty.pull(self._working.slopes()[self._held.n_constants :])
        return self._slopes.pulls(penalty, near)

    def _bound(self, penalty: SparsePenalty) -> None:
        """Move to where the penalty is finite, if it has bounds."""
        if not isinstance(penalty, EntrywisePenalty) or penalty.bounds(self._working.coef.shape[1]) is None:
            return
        held, coef = self._held, self._working.coef.copy()
        within = self._terms(penalty).penalty
        coef[held.n_constants :] = within.prox(coef[held.n_constants :], np.zeros(len(held.features)))
        if (coef != self._working.coef).any():
            self._working.move_to(coef)
            self._step = None
            self._look()

    def _ended(
        self, penalty: SparsePenalty, there: SparsePenalty, before: Counts, gap: float, outcome: Outcome
    ) -> SparseSolution:
        spent, within = _spent(before, self._working.counts), self._terms(there).penalty
        given = self._given(penalty, self._working.here)
        return self._solution(given, within, self._working.here, (gap, outcome), spent)

    def _solution(
        self,
        given: tuple[FloatArray, FloatArray],
        within: SparsePenalty,
        point: Point,
        proved: tuple[float, Outcome],
        spent: Counts,
    ) -> SparseSolution:
        """Return it: coefficients and intercepts as they are given, and the penalty within the working columns."""
        value = within.value(point.coef[self._held.n_constants :])
        return SparseSolution(*given, point.likelihood + value, value, *proved, *spent)

    def _tell(self, report: Report | None, penalty: SparsePenalty, before: Counts) -> None:
        if report is None:
            return
        coef, intercept = self._given(penalty, self._working.here)
        iteration = self._working.n_iterations - before.n_iterations
        report(Progress(0, iteration, self._working.here.likelihood + penalty.value(coef)), coef, intercept)

    def _descend(
        self, penalty: SparsePenalty, goal: float, max_iter: int, after_step: Callable[[], None]
    ) -> float | None:
        """Move until F is about as near to its minimum as the goal; return how near, None where it cannot be reached.

        Parameters
        ----------
        penalty : SparsePenalty
            In the units of the working columns.
        goal : float
        max_iter : int
        """
        working, held = self._working, self._held
        if not self._held.holds_all:
            self._hold(penalty, np.concatenate([self._held.features, self._promising(penalty)]))
        self._latest = penalty
        before = working.n_iterations
        while True:
            left = max_iter - (working.n_iterations - before)
            by_steps = held.holds_all or self._proofs.apply
            ending = working.minimise(self._terms(penalty), goal, left, after_step, by_steps=by_steps)
            self._step = ending.step
            if held.holds_all:
                return ending.gap if ending.is_reached else None
            self._look()
            pulls = self._pulls(penalty)
            violators = np.flatnonzero((pulls > 1.0) & ~held.is_held)
            if not len(violators):
                return ending.gap if ending.is_reached else None
            gap = ending.gap + self._overcome(penalty, pulls, violators)
            if ending.is_reached and gap <= goal:
                return gap
            most = max(_JOINING, int(working.coef[held.n_constants :].any(axis=1).sum()))
            self._hold(penalty, violators[np.argsort(-pulls[violators], kind="stable")[:most]])

    def _look(self) -> None:
        """Look at the features that are not held, where they may matter, at the means to which the last step leads."""
        held, working, step = self._held, self._working, self._step
        if held.holds_all:
            return
        mean, parameters = working.here.mean, held.parameters(working.coef)
        if step is not None:
            mean = working.likelihood.tilted(working.here, working.likelihood.moves(step))
        steps = None if step is None else held.parameters(step)
        self._slopes.move(mean, parameters, steps, working.slopes()[held.n_constants :])

    def _overcome(self, penalty: SparsePenalty, pulls: FloatArray, violators: Indices) -> float:
        """Return about what features that are not held and pull by more than 1 add to the gap: see `fenchel_gap`."""
        working, pull = self._working, float(pulls[violators].max())
        cost = overcoming(pull, working.here.likelihood, working.coef.shape[1])
        cost += (1.0 - 1.0 / pull) * self._terms(penalty).value(working.coef)
        return min(penalty.restricted(violators).conjugate(self._slopes.values[violators]), cost)

    def _promising(self, penalty: SparsePenalty) -> Indices:
        """Return the features that may have coefficients, by the sequential strong rule (Tibshirani et al. 2012).

        A feature stays 0, as a rule, if its slope is below 2 l1 - l1_before. Of the pull m of a feature under this
        penalty and the one before, m / m_before is l1_before / l1.
        """
        pull = self._pulls(penalty)
        before = pull / max(float(pull.max(initial=0.0)), 1.0) if self._latest is None else self._pulls(self._latest)
        ratio = np.divide(pull, before, out=np.ones_like(pull), where=before > 0.0)
        is_promising = (pull >= np.maximum(2.0 - ratio, _LEAST_PULL)) & ~self._held.is_held
        promising = np.flatnonzero(is_promising)
        if len(promising) > (most := max(_JOINING, len(self._held.weights))):
            promising = promising[np.argsort(-pull[promising], kind="stable")[:most]]
        return np.concatenate([np.flatnonzero(~penalty.is_kinked), promising])

    def _hold(self, penalty: SparsePenalty, features: Indices) -> None:
        """Hold these features, and those that the penalty ties to them."""
        if self._held.holds_all:
            return
        groups = penalty.groups
        is_wanted = np.zeros(int(groups.max(initial=-1)) + 1, dtype=bool)
        is_wanted[groups[features]] = True
        self._held.hold(np.flatnonzero(is_wanted[groups]))
        self._working.extend()

    def _terms(self, penalty: SparsePenalty) -> Terms:
        n_held = len(self._held.features)
        if self._made is None or self._made[0] is not penalty or self._made[1] != n_held:
            family = self._prepared.family
            terms = Terms.of(
                penalty if self._held.holds_all else penalty.restricted(self._held.features),
                self._held.n_constants,
                family.n_parameters,
                is_symmetric=family.n_identifiable < family.n_parameters,
            )
            self._made = penalty, n_held, terms
        return self._made[2]

    def _proved(self, penalty: SparsePenalty, there: SparsePenalty) -> float:
        """Return a bound on F - F* here, under a penalty in the units of the rows, and of the working columns."""
        parameters = self._parameters(penalty, self._working.here)
        others = None if self._held.holds_all else Others(self._pulls(there), self._slopes.unit_pulls(there))
        arrived = Arrived(self._working, others, parameters, self._step)
        gap = self._proofs.gap(there, self._terms(there), arrived)
        # Where a step is known, and is too long for a proof, it is made, and the proof tried again.
        is_known = gap < np.inf or self._step is not None
        return gap if is_known else conjugate_gap(self._likelihood, penalty, parameters)

    def _parameters(self, penalty: SparsePenalty, point: Point) -> FloatArray:
        """Return the parameters of the likelihood, shape (m, q); of what is not penalised, what is identified of it."""
        parameters, p = self._held.parameters(point.coef), len(self._held.units)
        free = np.append(np.flatnonzero(penalty.is_free), np.arange(p, len(parameters)))
        parameters[free] = self._prepared.family.identified(parameters[free])
        if isinstance(penalty, EntrywisePenalty) and (bounds := penalty.bounds(parameters.shape[1])) is not None:
            parameters[:p] = _at_bounds(parameters[:p], *bounds)
        return parameters

    def _given(self, penalty: SparsePenalty, point: Point) -> tuple[FloatArray, FloatArray]:
        """Return coefficients and intercepts of the columns as they are given."""
        coef, intercept = self._likelihood.uncentred(self._parameters(penalty, point))
        basis = self._prepared.basis
        if basis is not None:
            coef, intercept = basis.up(coef, intercept)
        return coef, self._prepared.family.identified(intercept)

    def _all_given(self, arrivals: Sequence[Arrival]) -> list[tuple[FloatArray, FloatArray]]:
        """Return the same of many points, where all features are held and penalised, and there are intercepts."""
        if not arrivals:
            return []
        coefs, identified = np.array([arrival.point.coef for arrival in arrivals]), self._prepared.family.identified
        coef, basis = coefs[:, 1:] * self._held.units[:, np.newaxis], self._prepared.basis
        intercept = identified(coefs[:, 0]) - self._likelihood.moments.center @ coef
        if basis is None:
            return list(zip(coef, identified(intercept), strict=True))
        given = (basis.up(*those) for those in zip(coef, intercept, strict=True))
        return [(coef, identified(intercept)) for coef, intercept in given]


def _spent(before: Counts, after: Counts) -> Counts:
    return Counts(*(now - was for was, now in zip(before, after, strict=True)))


def _nothing() -> None:
    """Tell nobody."""


def _at_bounds(coef: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """Return coefficients at bounds where another unit has rounded them to beside them."""
    for bound in (lower, upper):
        is_near = np.isfinite(bound) & (np.abs(coef - bound) <= _BESIDE * np.abs(bound))
        coef = np.where(is_near, bound, coef)
    return coef


def strongest(prepared: Prepared, penalty: SparsePenalty) -> float:
    """Return the least factor on a penalty under which every feature that it may hold at 0 is, exactly.

    It is found at the model of the other features, free or bounded, with intercepts and offsets: just below it some
    feature has a coefficient.

    Parameters
    ----------
    prepared : Prepared
    penalty : SparsePenalty
        As it is at the strength 1.

    Raises
    ------
    TypeError
        If the rows cannot be held in memory.
    """
    return SparsePath(prepared).strongest(penalty)
