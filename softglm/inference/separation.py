r"""Which estimates are finite: separation, seen from every linear form of the parameters.

The directions that no observation opposes form a cone (see `softglm.model.proof.recession`). Along them the likelihood
never falls, so the estimate of a linear form c' gamma is

    finite where c' gamma = 0 on all of the cone, and else infinite:

the likelihood comes as close as one likes to its supremum only as the form grows, or whatever it is.
"""

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from scipy import linalg

from softglm.arrays import BoolArray, FloatArray
from softglm.fit import fit
from softglm.inference.estimable import row_space_of
from softglm.inference.estimate import coordinates_of
from softglm.inference.forms import class_forms, term_forms
from softglm.model import Objective, Ridge, rebased
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.proof.margins import Contrasts
from softglm.model.proof.programs import ProgramCost, ProgramTooLargeError
from softglm.model.proof.recession import Recession, cone_of, farthest, nothing_separated, separates
from softglm.model.proof.single_columns import separating_column
from softglm.solver import GapKind
from softglm.status import Status
from softglm.sums import RowWeights

# Of the fit that only says where the boundary between the classes is.
_RIDGE, _TOLERANCE = 1e-6, 1e-3
# At least so much of the columns is taken to be independent before they were looked at.
_INDEPENDENT = 0.5
# Forms of length 1 that see less than this of a cone see rounding, and what is lower than minus this is below 0.
_ROUNDING, _LOWER = 1e-8, 1e-7
# The size up to which linear programs over all that is separated take milliseconds.
_MOST_ENTRIES = 20_000


@final
@dataclass(frozen=True, eq=False)
class Separation:
    """What is separated, and what becomes of the estimates.

    Attributes
    ----------
    kind : {"none", "quasi-complete", "complete"}
        Complete where some theta gives every observation the largest eta, quasi-complete where some gives it none that
        is smaller, and at times a larger one.
    alternatives : bool array of shape (n, K)
        The classes that are separated from what was observed in each row: their probabilities there tend to 0.
    limits : array of shape (K, K, n_terms)
        Where the estimates of the coefficients of log(p_k / p_l) go: 0 for a finite one, inf or -inf along the
        direction that was found, NaN where columns are collinear. Terms as in `term_forms`, the intercept first.
    determined : bool array of shape (K, K, n_terms)
        Whether they are known to go there along every direction that separates as much. Where that is false they may
        as well go the other way; it always is where so much is separated that asking would take long.
    """

    kind: Literal["none", "quasi-complete", "complete"]
    alternatives: BoolArray
    limits: FloatArray
    determined: BoolArray

    def directions(self, reference: int) -> FloatArray:
        """Return the limits of the coefficients against one class, in its coding, shape (K - 1, n_terms)."""
        return np.delete(self.limits[:, reference], reference, axis=0)

    def limits_of(self, weights: FloatArray) -> tuple[FloatArray, BoolArray]:
        """Return where linear combinations of the coefficients go, shape (d,), and whether that is known.

        Of a term that is the sum of differences between classes of positive and classes of negative weight. NaN where
        some of these go to infinity and others to its opposite, or columns are collinear.

        Parameters
        ----------
        weights : array of shape (d, K, n_terms)
            Of every class; those of a term add up to 0.
        """
        limits, determined = np.zeros(len(weights)), np.ones(len(weights), dtype=bool)
        for place, combination in enumerate(weights):
            least = _ROUNDING * np.abs(combination).max(initial=0.0)
            for term in np.flatnonzero(np.abs(combination).max(axis=0) > least):
                among = np.ix_(combination[:, term] > least, combination[:, term] < -least, [term])
                with np.errstate(invalid="ignore"):
                    limits[place] += self.limits[among].sum()
                determined[place] &= self.determined[among].all()
        return limits, determined


def detect(
    objective: Objective, coordinates: KroneckerCoordinates | None = None, start: FloatArray | None = None
) -> Separation:
    """Find what separates the rows of an objective; its penalty and its offset do not matter.

    Parameters
    ----------
    objective : Objective
    coordinates : KroneckerCoordinates or None
        Of its null model.
    start : array of shape (m, q) or None
        Parameters that separate much of what can be, such as those of a fit.

    Raises
    ------
    ArithmeticError
        If it hangs on differences as small as the last digits of X.
    MemoryError
        If there are too many parameters, or deciding would take too long.
    """
    start, is_optimum = _start(objective) if start is None else (start, False)
    if coordinates is None:
        if not is_optimum:
            require_decidable(objective, start)
        coordinates = coordinates_of(objective)
    terms = term_forms(objective)
    # What a fit does, where double precision serves columns badly as they are.
    elsewhere = rebased(objective, coordinates)
    if elsewhere is not None:
        start = elsewhere[0].centred(*elsewhere[1].down(*objective.uncentred(start)))
        terms[:, : objective.rows.n_features] *= elsewhere[1].units
        terms /= np.maximum(np.abs(terms).max(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        objective, coordinates = elsewhere[0], coordinates_of(elsewhere[0])
    contrasts = Contrasts(objective, coordinates)
    is_trivial = is_optimum and contrasts.are_complete
    cone = nothing_separated(contrasts.n_parameters) if is_trivial else cone_of(contrasts, objective, start)
    alternatives = contrasts.alternatives(cone.direction, cone.span)
    limits, determined = _limits(objective, contrasts, cone, terms)
    return Separation(_kind(objective, cone, alternatives), alternatives, limits, determined)


def _start(objective: Objective) -> tuple[FloatArray, bool]:
    """Return parameters that separate much of what can be, and whether they are proved to be an optimum instead."""
    # Where programs take longer than a fit without penalty, that may prove that nothing is separated; and where it ends
    # by searching for what is, that is known from then on.
    cost = _cost_at_most(objective)
    for strength in (0.0, _RIDGE) if cost.is_long or cost.is_too_much else (_RIDGE,):
        penalty = Ridge.on_coefficients(strength, objective.rows.n_features, fit_intercept=objective.fit_intercept)
        result = fit(objective.rows, objective.family, penalty, fit_intercept=objective.fit_intercept, tol=_TOLERANCE)
        is_proved = result.status is Status.CONVERGED and result.gap_kind is GapKind.SELF_CONCORDANCE
        if strength == 0.0 and is_proved:
            return objective.centred(result.coef, result.intercept), True
    return objective.centred(result.coef, result.intercept), False


def _cost_at_most(objective: Objective, *, share: float = 1.0) -> ProgramCost:
    """Return what programs take if no columns are collinear; or of such a share of the parameters."""
    rank = min(objective.shape[0], objective.rows.n_rows)
    return ProgramCost(int(share * rank), objective.family.n_identifiable)


def require_decidable(objective: Objective, start: FloatArray) -> None:
    """Raise where a column separates and to say what else does would take too long, whatever is collinear.

    Parameters
    ----------
    objective : Objective
    start : array of shape (m, q)
        Parameters that separate much of what can be: where that is all, the answer is known.

    Raises
    ------
    ProgramTooLargeError
        With the column, and the remedy.
    """
    if not _cost_at_most(objective, share=_INDEPENDENT).is_too_much or separates(objective, start):
        return
    column = separating_column(objective)
    if column is not None:
        raise ProgramTooLargeError(
            f"The classes are separated: by column {column} of X alone some class is told from the others, so that the "
            "maximum-likelihood estimate does not exist. Which coefficients are finite was not decided: of "
            f"{objective.shape[0]:,} terms for each of {max(objective.shape[1], 2):,} classes linear programs would "
            "take too long. Select features, merge levels or classes that are rare, or fit with alpha > 0, where an "
            "optimum always exists."
        )


def _kind(
    objective: Objective, cone: Recession, alternatives: BoolArray
) -> Literal["none", "quasi-complete", "complete"]:
    if cone.is_trivial:
        return "none"
    (weights,) = objective.rows.concatenate(RowWeights())
    return (
        "complete" if alternatives[weights > 0.0].sum(axis=1).min() == alternatives.shape[1] - 1 else "quasi-complete"
    )


def _limits(
    objective: Objective, contrasts: Contrasts, cone: Recession, terms: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Return where the coefficients of the log ratio of any two classes go, (K, K, n_terms), and if that is known.

    Terms are forms of the parameters of the objective, shape (n_terms, m).
    """
    coordinates, (r, s) = contrasts.coordinates, contrasts.shape
    n_classes, n_terms = len(class_forms(objective.shape[1])), len(terms)
    forms = terms @ coordinates.features
    # What the terms of each class see of the cone, (K, n_terms, h); class 0, the pivot, has no column of gamma.
    seen = np.zeros((n_classes, n_terms, cone.span.shape[1]))
    np.matmul(forms, np.moveaxis(cone.span.reshape(r, s, -1), 1, 0), out=seen[n_classes - s :])
    lengths = np.asarray(linalg.norm(forms, axis=1))
    known = np.ones(n_terms, dtype=bool) if r == objective.shape[0] else row_space_of(objective, r).estimable(terms)
    signs = _Signs(contrasts, cone)
    limits = np.zeros((n_classes, n_classes, n_terms))
    determined = np.ones(limits.shape, dtype=bool)
    for k in range(n_classes):
        for j in range(k + 1, n_classes):
            # Of class 0 there is one column, and else the difference of two.
            length = lengths * (1.0 if k < n_classes - s else np.sqrt(2.0))
            within = np.divide(
                seen[k] - seen[j], length[:, np.newaxis], out=np.zeros_like(seen[k]), where=length[:, np.newaxis] > 0.0
            )
            sign, same = signs(within)
            sign[sign != 0.0] *= np.inf
            sign[~known], same[~known] = np.nan, False
            limits[k, j], limits[j, k] = sign, 0.0 - sign
            determined[k, j] = determined[j, k] = same
    return limits, determined


@final
class _Signs:
    """The signs of linear forms inside a cone.

    Parameters
    ----------
    contrasts : Contrasts
    cone : Recession
    """

    def __init__(self, contrasts: Contrasts, cone: Recession) -> None:
        self._center = cone.span.T @ cone.direction
        separated = contrasts.seen_by(cone.span, max(_MOST_ENTRIES // max(len(self._center), 1) - 1, 0))
        # What is separated, if that is not too much to ask programs about.
        self._separated = None if separated is None else separated / linalg.norm(separated, axis=1, keepdims=True)

    def __call__(self, within: FloatArray) -> tuple[FloatArray, BoolArray]:
        """Return the signs of forms of length 1, given what they see of the span, shape (k, h).

        Returns
        -------
        signs : array of shape (k,)
            1, -1 or 0.
        same : bool array of shape (k,)
            Whether they are known to hold on all of the cone.
        """
        signs = np.where(within @ self._center < 0.0, -1.0, 1.0)
        signs[linalg.norm(within, axis=1) <= _ROUNDING] = 0.0
        same = signs == 0.0
        if self._separated is not None:
            for i in np.flatnonzero(~same):
                lowest = farthest(self._separated, -signs[i] * within[i])
                same[i] = signs[i] * within[i] @ lowest >= -_LOWER
        return signs, same
