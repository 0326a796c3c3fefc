r"""Whether a maximum-likelihood estimate exists.

It does not if there is a theta that no observation opposes and some observation favours: moving along it, the
likelihood never falls and somewhere rises for ever (Albert & Anderson 1984, doi 10.1093/biomet/71.1.1).

The theta that nothing opposes form a cone, {gamma : a' gamma >= 0 for every contrast a}. In its relative interior every
contrast that can be separated is; the others, the overlap, are 0 on all of the cone, and span what it is orthogonal to.
Linear programs over all contrasts find such a gamma (Konis 2007); since few of them bind, they are solved over few, and
those that the solution violates join until none does.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
from scipy import linalg, optimize, sparse

from softglm.arrays import BoolArray, FloatArray
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.objective import Objective
from softglm.model.proof.latest import Latest, told_by
from softglm.model.proof.margins import UNSEEN, Contrasts, Rounding
from softglm.model.proof.programs import ProgramCost
from softglm.sums import MostOpposed

# How many contrasts join the program at a time, for each parameter.
_CONTRASTS_PER_PARAMETER = 3
# Programs are solved in the span of what separates few contrasts where that is no more than this part of all.
_NARROWER = 0.5
# To this precision HiGHS solves, its best.
_FEASIBILITY = 1e-10
# What separates contrasts of length 1 by a gamma of entries up to 1, and more than so many times what they are off by.
_SEPARATED, _SAFE = 1e-7, 10.0
# Singular values of contrasts of length 1 that linear programs see well.
_CLEAR = 1e-4
# So often directions are magnified; and rounding that is magnified to more than this tells nothing.
_MAGNIFICATIONS = 16
_UNTOLD = 1e-2
_UNCLEAR = (
    "Whether the classes are separated hangs on differences between rows as small as the last digits of X, or of the "
    "arithmetic. Subtract a constant from columns that are far from 0, or round X to the digits that mean something."
)
_COLLINEAR = (
    "Whether the classes are separated may hang on the digits by which columns of X are not collinear. Replace one of "
    "two such columns by their difference, or leave it out."
)


@final
@dataclass(frozen=True)
class Recession:
    """The cone of directions that nothing opposes, as far as one of its inner points tells.

    Attributes
    ----------
    direction : array of shape (P,)
        gamma in its relative interior; 0 where nothing can be separated.
    span : array of shape (P, h)
        Orthonormal basis of the span of the cone, h = 0 where nothing can be separated. The estimate of a linear form
        is finite if the form is orthogonal to it, and so in the span of the contrasts that overlap.
    """

    direction: FloatArray
    span: FloatArray

    @property
    def is_trivial(self) -> bool:
        """Whether nothing can be separated."""
        return not self.span.size


_LATEST: Latest[Recession] = Latest()


def nothing_separated(n_parameters: int) -> Recession:
    """Return the cone where nothing can be separated."""
    return Recession(np.zeros(n_parameters), np.zeros((n_parameters, 0)))


def separates(objective: Objective, parameters: FloatArray) -> bool:
    """Tell whether every contrast is positive at these parameters, shape (m, q): a proof of complete separation.

    Positive is what is more than the rounding of the arithmetic, and of the last digits of X.
    """
    if objective.rows.noise is not None:
        return False
    most = objective.rows.max(MostOpposed(objective.family, *objective.uncentred(parameters)))
    return bool(most[0].max() < 0.0)


def is_separated(objective: Objective, coordinates: KroneckerCoordinates, parameters: FloatArray | None = None) -> bool:
    """Decide whether some theta separates the data, completely or not; the arguments are those of `cone_of`."""
    return not cone_of(Contrasts(objective, coordinates), objective, parameters).is_trivial


def cone_of(contrasts: Contrasts, objective: Objective, parameters: FloatArray | None = None) -> Recession:
    """Find what separates the data: the one decision, which the end of a fit and inference share.

    Parameters
    ----------
    contrasts : Contrasts
        Of the objective.
    objective : Objective
    parameters : array of shape (m, q) or None, default=None
        Which separate much of what can be, such as those of a fit; where that is all, they prove it. None for a step
        downhill from 0.

    Raises
    ------
    ArithmeticError
        If that hangs on differences as small as the last digits of the data, or on those by which columns are not
        collinear, or linear programs fail.
    ProgramTooLargeError
        If linear programs would take too long, or too much memory.
    """
    cone = _cone_of(contrasts, objective, parameters)
    if cone.is_trivial and not contrasts.are_complete:
        raise ArithmeticError(_COLLINEAR)
    return cone


def _cone_of(contrasts: Contrasts, objective: Objective, parameters: FloatArray | None) -> Recession:
    """Find what separates the data in the directions that coordinates have."""
    coordinates, start = contrasts.coordinates, None
    if parameters is not None:
        start = contrasts.pivoted(coordinates.features_at(parameters)).ravel()
        if separates(objective, parameters):
            return Recession(_unit(start), np.identity(len(start)))

    def searched() -> Recession:
        with suppress(ArithmeticError):  # other contrasts come first from elsewhere, and may tell
            if start is not None:
                return recession(contrasts, start)
        return recession(contrasts, _downhill(objective, coordinates))

    # Which direction is found inside a cone depends on the start. So only a long search is remembered: the others give
    # the same direction whatever was asked before.
    if not ProgramCost(*contrasts.shape).is_long:
        return searched()
    return _LATEST.of(told_by(objective, coordinates), searched)


def recession(contrasts: Contrasts, start: FloatArray) -> Recession:
    """Find a direction that separates all that can be separated.

    Parameters
    ----------
    contrasts : Contrasts
    start : array of shape (P,)
        Some gamma: the contrasts it leaves lowest are where the search begins.

    Raises
    ------
    ArithmeticError
        If that hangs on differences as small as the last digits of the data, or linear programs fail.
    ProgramTooLargeError
        If linear programs would take too long, or too much memory.
    """
    ProgramCost(*contrasts.shape).require_affordable()
    count, rounding = _CONTRASTS_PER_PARAMETER * contrasts.n_parameters, contrasts.rounding
    start = _unit(start)
    if not contrasts.any_lower(start, rounding.data):
        return Recession(start, np.identity(len(start)))
    chosen, basis = contrasts.lowest(start, count), None
    while True:
        found = _most_separating(chosen, rounding, basis)
        gamma, span = found.direction, found.span
        if not span.size:
            return Recession(gamma, span)
        more = contrasts.lowest(gamma, count, at_most=-rounding.data)
        if not len(more):
            # Those at 0 may yet be separated by another gamma, unless those that overlap imply them.
            more = contrasts.lowest(gamma, count, at_most=rounding.data, seen_by=span)
        if not len(more):
            # Directions that nothing sees but for rounding, and along which nothing is separated, tell nothing.
            if not found.is_clear or not gamma.any():
                raise ArithmeticError(_UNCLEAR)
            return Recession(gamma, span)
        if found.is_clear and span.shape[1] <= _NARROWER * contrasts.n_parameters:
            # What overlaps among few overlaps among all: the cone lies in this span, and they need not be asked again.
            basis, chosen = span, chosen[found.separated]
            more = more[linalg.norm(more @ span, axis=1) > UNSEEN * rounding.data]
        if not _has_news(more, chosen):
            raise ArithmeticError(_UNCLEAR)
        chosen = np.concatenate([chosen, more])


def _unit(gamma: FloatArray) -> FloatArray:
    """Return gamma of length 1; 0 stays 0."""
    gamma = gamma / max(np.abs(gamma).max(initial=0.0), np.finfo(np.float64).tiny)
    return np.asarray(gamma / max(linalg.norm(gamma), np.finfo(np.float64).tiny))


def _has_news(more: FloatArray, chosen: FloatArray) -> bool:
    """Tell whether some row of one array, (k, P), is none of the rows of the other, (l, P)."""
    return len(np.unique(np.concatenate([chosen, more]), axis=0)) > len(np.unique(chosen, axis=0))


def _downhill(objective: Objective, coordinates: KroneckerCoordinates) -> FloatArray:
    """Return gamma, shape (P,), of the steepest descent from 0 in the metric of these coordinates."""
    _, gradient = objective.evaluate(np.zeros(objective.shape))
    core = coordinates.scales * coordinates.pull_back(gradient).reshape(coordinates.scales.shape)
    return np.ravel(Contrasts(objective, coordinates).pivoted(-core @ coordinates.classes.T))


class _Found(NamedTuple):
    """A recession, which contrasts it separates, and whether it hangs on nothing as small as the last digits of X."""

    direction: FloatArray
    span: FloatArray
    separated: BoolArray
    is_clear: bool


class _Sight(NamedTuple):
    """What contrasts see of P directions.

    Attributes
    ----------
    values : array of shape (P,)
        How well, the singular values.
    vectors : array of shape (P, P)
        The directions.
    seen, narrow : bool arrays of shape (P,)
        Which are more than rounding, and which of those too little for linear programs.
    noise : float
        The rounding.
    """

    values: FloatArray
    vectors: FloatArray
    seen: BoolArray
    narrow: BoolArray
    noise: float


def _most_separating(contrasts: FloatArray, rounding: Rounding, basis: FloatArray | None) -> _Found:
    """Separate as many of these contrasts, shape (k, P), as can be, opposing none, in the span of a basis, (P, h).

    Where a gap is narrow the contrasts on its sides are nearly opposite, and all that overlap nearly orthogonal to some
    direction: what they see of it may be below what linear programs resolve. Then the programs are solved again in
    coordinates that magnify it, and so on, until what overlaps sees directions well, or to rounding not at all.
    """
    inside = contrasts if basis is None else contrasts @ basis
    forms, units, within = inside, np.identity(inside.shape[1]), basis
    noise = np.full(len(contrasts), rounding.data)
    for _ in range(_MAGNIFICATIONS):
        gamma, separated = _separated(forms, noise, within)
        separated, sight = _overlap(forms, noise, gamma, separated)
        smallest = float(sight.values[sight.seen].min(initial=np.inf))
        if not sight.narrow.any() or sight.noise > _UNTOLD * smallest:
            break
        magnified = sight.vectors / np.where(sight.seen, sight.values, smallest)
        units, through, within = units @ magnified, forms @ magnified, None
        # What overlaps sees nothing of these but rounding, which would be magnified too.
        through[np.ix_(~separated, ~sight.seen)] = 0.0
        lengths = np.sqrt(np.square(through).sum(axis=1))
        lengths[lengths == 0.0] = 1.0 / smallest
        forms, noise = through / lengths[:, np.newaxis], noise / (smallest * lengths)
    doubtful = sight.values[~sight.seen] > sight.noise * (rounding.arithmetic / rounding.data)
    # In the first coordinates, where magnified directions do not drown the others in rounding.
    span = _spectrum(inside[~separated])[1][:, np.count_nonzero(sight.seen & ~sight.narrow) :]
    gamma = span.T @ (units @ gamma)
    span = span if basis is None else basis @ span
    return _Found(_unit(span @ gamma), span, separated, not (sight.narrow.any() or doubtful.any()))


def _overlap(forms: FloatArray, noise: FloatArray, gamma: FloatArray, separated: BoolArray) -> tuple[BoolArray, _Sight]:
    """Return which contrasts remain separated where gamma is exactly orthogonal to the others, and what those see."""
    separated = separated.copy()
    while True:
        values, vectors = _spectrum(forms[~separated])
        loudest = float(noise[~separated].max(initial=0.0))
        seen = values > loudest
        narrow = seen & (values < max(_CLEAR, _SAFE * loudest))
        hidden = vectors[:, ~seen]
        # What is separated only as far as the others were allowed to be opposed is not.
        lost = separated & (forms @ (hidden @ (hidden.T @ gamma)) <= _least(noise))
        if narrow.any() or not lost.any():
            return separated, _Sight(values, vectors, seen, narrow, loudest)
        separated &= ~lost


def _least(noise: FloatArray) -> FloatArray:
    """Return what separates contrasts that are off by so much, shape (k,)."""
    return np.maximum(_SEPARATED, _SAFE * noise)


def _separated(contrasts: FloatArray, noise: FloatArray, basis: FloatArray | None) -> tuple[FloatArray, BoolArray]:
    """Separate as many of these contrasts, shape (k, P), as can be, off by so much, shape (k,); see `farthest`.

    The programs maximise the sum of a' gamma over those that are not separated yet, until it is 0: the sum of their
    solutions separates what any of them does. (One program, max sum min(a' gamma, 1) with gamma free, says the same;
    its solutions grow as long as the separation is narrow, and there HiGHS fails.)

    Returns
    -------
    gamma : array of shape (P,)
    separated : bool array of shape (k,)
    """
    gamma, separated = np.zeros(contrasts.shape[1]), np.zeros(len(contrasts), dtype=bool)
    while not separated.all():
        solution = farthest(contrasts, contrasts[~separated].mean(axis=0), noise, basis)
        more = ~separated & (contrasts @ solution > _least(noise))
        if not more.any():
            break
        gamma += solution
        separated |= more
    return gamma, separated


def farthest(
    contrasts: FloatArray, form: FloatArray, noise: FloatArray | float = 0.0, basis: FloatArray | None = None
) -> FloatArray:
    """Return gamma, shape (P,): max c' gamma  subject to  a' gamma >= -noise,  |gamma_j| <= 1.

    Parameters
    ----------
    contrasts : array of shape (k, P)
        a, of length 1.
    form : array of shape (P,)
        c.
    noise : array of shape (k,), or float, default=0
    basis : array of shape (m, P) or None, default=None
        Bound |B gamma| instead of |gamma|.
    """
    above, most, bound = -contrasts, np.broadcast_to(noise, len(contrasts)), 1.0
    if basis is not None:
        above, most, bound = np.concatenate([above, basis, -basis]), np.append(most, np.ones(2 * len(basis))), np.inf
    # SciPy's linprog takes sparse constraints, its stubs do not know.
    constraints: Any = sparse.csr_array(above)
    tolerances: Any = {"primal_feasibility_tolerance": _FEASIBILITY, "dual_feasibility_tolerance": _FEASIBILITY}
    # It is feasible and bounded: if HiGHS says otherwise, only rounding is left to blame, most often in its presolve.
    for presolve in (True, False):
        program = optimize.linprog(
            c=-form,
            A_ub=constraints,
            b_ub=most,
            bounds=(-bound, bound),
            method="highs-ds",
            options=tolerances | {"presolve": presolve},
        )
        if program.success:
            return np.asarray(program.x)
    raise ArithmeticError(f"The linear program for separation failed: {program.message}")


def _spectrum(forms: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return all P singular values of forms, shape (k, P), and the right singular vectors, shape (P, P)."""
    size = forms.shape[1]
    if not len(forms):
        return np.zeros(size), np.identity(size)
    # By the triangle first, which is small.
    triangle = linalg.qr(forms, mode="r")[0][:size]
    _, values, rows = linalg.svd(triangle)
    return np.append(values, np.zeros(size - len(values))), np.asarray(rows.T)
