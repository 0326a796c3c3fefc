r"""Whether a maximum-likelihood estimate exists.

It does not if there is a theta that no observation opposes and some observation favours: moving along it, the
likelihood never falls and somewhere rises for ever (Albert & Anderson 1984, doi 10.1093/biomet/71.1.1).

The theta that nothing opposes form a cone, {gamma : a' gamma >= 0 for every contrast a}. In its relative interior every
contrast that can be separated is; the others, the overlap, are 0 on all of the cone, and span what it is orthogonal to.
Linear programs over all contrasts find such a gamma (Konis 2007); since few of them bind, they are solved over few, and
those that the solution violates join until none does.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy import linalg, optimize, sparse

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Block
from softglm.model.contrasts import ROUNDING, SEPARATED, Contrasts
from softglm.model.coordinates import KroneckerCoordinates
from softglm.model.objective import Objective

# Contrasts at a time.
_ENTRIES = 2**22
# How many contrasts join the program at a time, for each parameter.
_CONTRASTS_PER_PARAMETER = 3
# To this precision HiGHS solves, its best.
_FEASIBILITY = 1e-10


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


def separates(objective: Objective, parameters: FloatArray) -> bool:
    """Tell whether every contrast is positive at these parameters, shape (m, q): a proof of complete separation."""
    coef, intercept = objective.uncentred(parameters)
    family = objective.family
    directions = family.curvature_directions

    step = max(1, _ENTRIES // len(directions))

    def statistic(block: Block) -> tuple[FloatArray, ...]:
        counts = slice(None) if block.weights is None else block.weights > 0.0
        eta = block.times(coef)[:, counts] + intercept[:, np.newaxis]
        targets = block.targets_matrix(family.n_parameters)[:, counts]
        worst = -np.inf
        for rows in (slice(start, start + step) for start in range(0, eta.shape[1], step)):
            contrasts = directions @ eta[:, rows]
            opposed = np.where(family.can_fall(targets[:, rows]), -contrasts, -np.inf)
            np.maximum(opposed, contrasts, out=opposed, where=family.can_rise(targets[:, rows]))
            worst = max(worst, opposed.max(initial=-np.inf))
        return (np.array([worst]),)

    return bool(objective.rows.max(statistic)[0].max() < 0.0)


def is_separated(objective: Objective, coordinates: KroneckerCoordinates) -> bool:
    """Decide whether some theta separates the data, completely or not; the coordinates as for `recession`."""
    return not recession(Contrasts(objective, coordinates), _downhill(objective, coordinates)).is_trivial


def recession(contrasts: Contrasts, start: FloatArray) -> Recession:
    """Find a direction that separates all that can be separated.

    Parameters
    ----------
    contrasts : Contrasts
    start : array of shape (P,)
        Some gamma: the contrasts it leaves lowest are where the search begins.
    """
    count = _CONTRASTS_PER_PARAMETER * contrasts.n_parameters
    start = start / max(np.abs(start).max(initial=0.0), np.finfo(np.float64).tiny)
    if not len(contrasts.lowest(start, 1, at_most=SEPARATED)):
        return Recession(start, np.identity(len(start)))
    chosen = contrasts.lowest(start, count)
    while True:
        gamma, separated = _most_separating(chosen)
        span = _orthogonal_complement(chosen[~separated])
        gamma = span @ (span.T @ gamma)
        if not span.size:
            return Recession(gamma, span)
        more = contrasts.lowest(gamma, count, at_most=-SEPARATED)
        if not len(more):
            # Those at 0 may yet be separated by another gamma, unless those that overlap imply them.
            more = contrasts.lowest(gamma, count, at_most=SEPARATED, seen_by=span)
        if not len(more):
            return Recession(gamma, span)
        chosen = np.concatenate([chosen, more])


def _downhill(objective: Objective, coordinates: KroneckerCoordinates) -> FloatArray:
    """Return gamma, shape (P,), of the steepest descent from 0 in the metric of these coordinates."""
    _, gradient = objective.evaluate(np.zeros(objective.shape))
    core = coordinates.scales * coordinates.pull_back(gradient).reshape(coordinates.scales.shape)
    return np.ravel(Contrasts(objective, coordinates).pivoted(-core @ coordinates.classes.T))


def _most_separating(contrasts: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Separate as many of these contrasts, shape (k, P), as can be, opposing none.

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
        solution = farthest(contrasts, contrasts[~separated].mean(axis=0))
        more = ~separated & (contrasts @ solution > SEPARATED)
        if not more.any():
            break
        gamma += solution
        separated |= more
    return gamma, separated


def farthest(contrasts: FloatArray, form: FloatArray) -> FloatArray:
    """Return gamma, shape (P,): max c' gamma  subject to  a' gamma >= 0,  |gamma_j| <= 1.

    Parameters
    ----------
    contrasts : array of shape (k, P)
        a, of length 1.
    form : array of shape (P,)
        c.
    """
    # SciPy's linprog takes sparse constraints, its stubs do not know.
    constraints: Any = sparse.csr_array(-contrasts)
    program = optimize.linprog(
        c=-form,
        A_ub=constraints,
        b_ub=np.zeros(len(contrasts)),
        bounds=(-1.0, 1.0),
        method="highs-ds",
        options={"primal_feasibility_tolerance": _FEASIBILITY},
    )
    if not program.success:  # it is feasible and bounded, so that only rounding is left to blame
        raise ArithmeticError(f"The linear program for separation failed: {program.message}")
    return np.asarray(program.x)


def _orthogonal_complement(forms: FloatArray) -> FloatArray:
    """Return an orthonormal basis, shape (P, h), of what is orthogonal to forms of length 1, shape (k, P)."""
    if not len(forms):
        return np.identity(forms.shape[1])
    triangle = linalg.qr(forms, mode="r")[0][: forms.shape[1]]
    _, values, rows = linalg.svd(triangle)
    return np.asarray(rows[np.count_nonzero(values > ROUNDING) :].T)
