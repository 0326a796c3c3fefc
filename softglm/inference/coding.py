"""The coefficients in a coding of the classes: every one of them a linear form of the coordinates of the estimate."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.inference.covariance import Covariance
from softglm.inference.estimate import Estimate
from softglm.inference.forms import contrast_forms
from softglm.inference.lengths import row_lengths
from softglm.inference.separation import Separation

# The share of a number that is rounding.
_ROUNDING = 1e-8


@final
@dataclass(frozen=True, eq=False)
class Coding:
    """The coefficients of c contrasts of classes.

    Attributes
    ----------
    estimates : array of shape (c, n_terms)
        Infinite where the classes are separated.
    linear_map : array of shape (c n_terms, P)
        From coordinates to coefficients, class by class.
    is_estimable : bool array of shape (c, n_terms)
        Whether the data determine the coefficient.
    may_go_either_way : bool array of shape (c, n_terms)
        Which infinite coefficients the data may as well send to the other infinity.
    """

    estimates: FloatArray
    linear_map: FloatArray
    is_estimable: BoolArray
    may_go_either_way: BoolArray

    def std_errors(self, covariance: Covariance) -> FloatArray:
        """Return the standard errors, shape (c, n_terms).

        NaN where not estimable, infinite, or not told: a covariance of nothing, of residuals that add up to 0 in every
        cluster, tells nothing.
        """
        lengths = row_lengths(covariance.factor(self.linear_map)).reshape(self.estimates.shape)
        is_told = (lengths > 0.0) | ((lengths == 0.0) & (self.estimates == 0.0))
        return np.where(self.is_estimable & np.isfinite(self.estimates) & is_told, lengths, np.nan)

    def covariance(self, covariance: Covariance) -> FloatArray:
        """Return the covariance, (c n_terms) square; NaN where not estimable, infinite, or not told."""
        factor = covariance.factor(self.linear_map)
        with np.errstate(over="ignore"):
            matrix = np.asarray(factor @ factor.T)
        unknown = ~(self.is_estimable & np.isfinite(self.estimates)).ravel()
        matrix[unknown] = np.nan
        matrix[:, unknown] = np.nan
        return matrix


def against_base(estimate: Estimate, separated: Separation | None, base: int) -> Coding:
    """Return the log odds of every class against the base, c = K - 1.

    Parameters
    ----------
    estimate : Estimate
    separated : Separation or None
        Where the classes are.
    base : int
        The position of the base class.
    """
    estimates, linear_map = estimate.contrasts(base), estimate.contrast_map(base)
    if separated is None:
        classes = contrast_forms(estimate.n_classes, base) @ estimate.class_forms
        known = estimate.estimable(classes, estimate.term_forms).reshape(estimates.shape)
        return Coding(estimates, linear_map, known, np.zeros(estimates.shape, dtype=bool))
    estimates = estimates + separated.directions(base)
    determined = np.delete(separated.determined[:, base], base, axis=0)
    return Coding(estimates, linear_map, ~np.isnan(estimates), np.isinf(estimates) & ~determined)


def sum_to_zero(estimate: Estimate, separated: Separation | None) -> Coding:
    """Return the coefficients of every class, c = K, those of a term adding up to 0: as `against_base` otherwise."""
    estimates = estimate.symmetric
    known = estimate.estimable(estimate.class_forms, estimate.term_forms).reshape(estimates.shape)
    if separated is not None:
        known &= (separated.limits == 0.0).all(axis=1)
    return Coding(estimates, estimate.symmetric_map(), known, np.zeros(estimates.shape, dtype=bool))


def combined(estimate: Estimate, separated: Separation | None, base: int, weights: FloatArray) -> Coding:
    """Return linear combinations of the coefficients against the base, in arrays of shape (d,) for (c, n_terms).

    Parameters
    ----------
    estimate, separated, base
        As `against_base` takes them.
    weights : array of shape (d, (K - 1) n_terms)
        Of the coefficients, class by class.
    """
    estimates = weights @ estimate.contrasts(base).ravel()
    linear_map, known = weights @ estimate.contrast_map(base), are_estimable(estimate, weights)
    if separated is None:
        return Coding(estimates, linear_map, known, np.zeros(len(weights), dtype=bool))
    per_class = weights.reshape(len(weights), estimate.n_classes - 1, -1)
    limits, determined = separated.limits_of(np.insert(per_class, base, -per_class.sum(axis=1), axis=1))
    # Where some go up and some down, what is infinite may yet cancel.
    limits[np.isnan(limits) & known & estimate.sees(linear_map)] = 0.0
    estimates = estimates + limits
    return Coding(estimates, linear_map, ~np.isnan(limits), np.isinf(limits) & ~determined)


def are_estimable(estimate: Estimate, weights: FloatArray) -> BoolArray:
    """Tell of which combinations of the coefficients, (d, (K - 1) n_terms), collinear columns leave nothing open."""
    per_class = weights.reshape(-1, len(estimate.term_forms)) @ estimate.term_forms
    return np.asarray(estimate.row_space.estimable(per_class).reshape(len(weights), -1).all(axis=1))


def constant_term(estimate: Estimate) -> npt.NDArray[np.intp]:
    """Return which term is the constant of the model, the intercept or the column in its place; empty if none is."""
    if estimate.constant is None:
        return np.zeros(0, dtype=np.intp)
    sizes = np.abs(estimate.term_forms @ estimate.constant)
    alone = np.flatnonzero(sizes > _ROUNDING * np.abs(estimate.constant).max())
    return alone if len(alone) == 1 else alone[:0]
