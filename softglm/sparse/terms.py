"""The penalty as it acts on the working columns, intercept included."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.linalg import helmert

from softglm.arrays import BoolArray, FloatArray
from softglm.model.penalties import EntrywisePenalty, GroupedPenalty, SparsePenalty
from softglm.solver.group_newton import minimise_grouped
from softglm.solver.pivoting import minimise_entrywise
from softglm.solver.principal import PrincipalSystems

Indices = npt.NDArray[np.intp]

# How much larger than it is a pull is taken: rounding leaves the scaled gradient within what the penalty holds.
_ROUNDING = 256 * np.finfo(np.float64).eps
# The part of its violation that a subproblem of groups may leave: its Hessian is but that of some point nearby.
_LEFT = 0.01
# In nanoseconds, about as measured: for each pair of pairs; what groups factor, in each subproblem anew.
_SOLVED, _FACTORS = 3.0, 0.01


@final
@dataclass(frozen=True)
class Terms:
    """What is added to the likelihood, for each of k working columns, of which the first n_constants are not penalised.

    Attributes
    ----------
    penalty : SparsePenalty
        On the coefficients of the features among them, in their units.
    n_constants : int
    curvature : array of shape (k,)
        Of the smooth part.
    l1 : array of shape (k,)
    lower, upper : arrays of shape (k, q)
    is_kinked : bool array of shape (k,)
    shifts : int array
        Columns whose coefficients may all be shifted by one constant, which changes nothing but what the kink costs.
    is_free : bool array of shape (k,)
        Columns that are neither penalised nor bounded.
    is_open : bool array of shape (k,)
        Columns that nothing holds, at least in one direction.
    contrasts : array of shape (q, q - 1) or None
        Orthonormal ones, where coefficients may be replaced by those of contrasts.
    """

    penalty: SparsePenalty
    n_constants: int
    curvature: FloatArray
    l1: FloatArray
    lower: FloatArray
    upper: FloatArray
    is_kinked: BoolArray
    shifts: Indices
    is_free: BoolArray
    is_open: BoolArray
    contrasts: FloatArray | None

    @classmethod
    def of(cls, penalty: SparsePenalty, n_constants: int, n_parameters: int, *, is_symmetric: bool) -> "Terms":
        """Return the terms of a penalty on k - n_constants features, with q = n_parameters.

        Parameters
        ----------
        penalty : SparsePenalty
        n_constants, n_parameters : int
        is_symmetric : bool
            Whether a constant added to all natural parameters of a row changes nothing.
        """
        p = len(penalty.groups)
        zeros, ones = np.zeros(n_constants), np.ones(n_constants, dtype=bool)
        curvature = np.concatenate([zeros, penalty.smooth.strength[:p]])
        assert isinstance(penalty, EntrywisePenalty | GroupedPenalty)  # noqa: S101 - there are no others
        l1 = np.concatenate([zeros, penalty.l1])
        bounds = penalty.bounds(n_parameters) if isinstance(penalty, EntrywisePenalty) else None
        lower, upper = (
            np.full((n_constants + p, n_parameters), -np.inf),
            np.full((n_constants + p, n_parameters), np.inf),
        )
        if bounds is not None:
            lower[n_constants:], upper[n_constants:] = bounds
        is_kinked = np.concatenate([~ones, penalty.is_kinked])
        is_free = np.concatenate([ones, penalty.is_free])
        is_unbounded = (lower == -np.inf).all(axis=1) & (upper == np.inf).all(axis=1)
        is_shifted = is_kinked & (curvature == 0.0) & is_unbounded
        if isinstance(penalty, GroupedPenalty) or not is_symmetric:
            is_shifted = np.zeros(len(l1), dtype=bool)
        is_open = ~is_kinked & (curvature == 0.0) & ((lower == -np.inf) | (upper == np.inf)).any(axis=1)
        # Norms of groups are those of contrasts; and the coefficients of a column sum to 0, or they would be shorter.
        is_rotated = isinstance(penalty, GroupedPenalty) and is_symmetric and not l1.any()
        contrasts = helmert(n_parameters).T if is_rotated else None
        return cls(
            penalty,
            n_constants,
            curvature,
            l1,
            lower,
            upper,
            is_kinked,
            np.flatnonzero(is_shifted),
            is_free,
            is_open,
            contrasts,
        )

    def value(self, coef: FloatArray) -> float:
        """Return r, of coefficients of shape (k, q)."""
        return self.penalty.value(coef[self.n_constants :])

    def centred(self, coef: FloatArray) -> FloatArray:
        """Return coefficients, shape (k, q), shifted where they may be, so that r is least: no mean changes."""
        if len(self.shifts):
            coef = coef.copy()
            coef[self.shifts] -= median_shift(coef[self.shifts])[:, np.newaxis]
        return coef

    def violation(self, coef: FloatArray, gradient: FloatArray) -> FloatArray:
        """Return how far each entry is from the optimum, shape (k, q), given the gradient of the likelihood."""
        smooth = gradient + self.curvature[:, np.newaxis] * coef
        n = self.n_constants
        smooth[n:] = self.penalty.violation(coef[n:], smooth[n:])
        return smooth

    def candidates(self, coef: FloatArray, sizes: FloatArray, tolerance: float) -> BoolArray:
        """Tell which entries are to move, shape (k, q): those that are not 0, or should not be.

        Parameters
        ----------
        coef, sizes : arrays of shape (k, q)
            The latter as `sizes` returns them.
        tolerance : float
        """
        moving = (self._of_groups(np.abs(coef)) > 0.0) | (sizes > tolerance)
        return np.asarray(moving | ~self.is_kinked[:, np.newaxis])

    def sizes(self, violation: FloatArray) -> FloatArray:
        """Return the sizes of violations, shape (k, q): of groups the largest in each."""
        return self._of_groups(np.abs(violation))

    def _of_groups(self, sizes: FloatArray) -> FloatArray:
        if isinstance(self.penalty, EntrywisePenalty):
            return sizes
        n, codes = self.n_constants, self.penalty.groups
        largest = np.zeros(int(codes.max(initial=-1)) + 1)
        np.maximum.at(largest, codes, sizes[n:].max(axis=1))
        whole = sizes.copy()
        whole[n:] = largest[codes, np.newaxis]
        return whole

    def price(self, n_pairs: int) -> float:
        """Return what the subproblem of so many pairs costs, in nanoseconds, about."""
        factors = _FACTORS * n_pairs**3 if isinstance(self.penalty, GroupedPenalty) else 0.0
        return _SOLVED * n_pairs**2 + factors

    def minimiser(
        self,
        systems: PrincipalSystems,
        pairs: tuple[Indices, Indices],
        quadratic: tuple[FloatArray, FloatArray],
        allowed: BoolArray,
    ) -> FloatArray:
        """Return where a quadratic of some (column, class) pairs is least with these terms, shape (d,).

        Parameters
        ----------
        systems : PrincipalSystems
            Of its Hessian.
        pairs : two int arrays of shape (d,)
        quadratic : two arrays of shape (d,)
            Its gradient, and the point where it has that.
        allowed : bool array of shape (d,)
            Which of the pairs may leave 0.
        """
        (columns, classes), (linear, start), l1 = pairs, quadratic, self.l1[pairs[0]]
        if isinstance(self.penalty, EntrywisePenalty):
            lower, upper = self.lower[columns, classes], self.upper[columns, classes]
            return minimise_entrywise(systems, linear, np.where(allowed, l1, np.inf), lower, upper, start)
        # In the units in which norms of groups are those of their coefficients; what is in none is in one of its own.
        assert isinstance(self.penalty, GroupedPenalty)  # noqa: S101 - there are no others
        n, group_l1 = self.n_constants, np.append(self.penalty.group_l1, 0.0)
        codes = np.concatenate([np.full(n, len(group_l1) - 1), self.penalty.groups])[columns]
        units = np.concatenate([np.ones(n), self.penalty.units])[columns]
        hessian = systems.matrix
        if (units != 1.0).any():
            hessian = hessian / units / units[:, np.newaxis]
        solution = minimise_grouped(hessian, linear / units, codes, group_l1, l1 / units, start * units, tol=_LEFT)
        return np.asarray(solution / units)


def fenchel_gap(penalty: SparsePenalty, coef: FloatArray, slopes: FloatArray, likelihood: float) -> float:
    """Return about how far F is above its minimum, where what is not penalised has a gradient near 0.

    By Fenchel's inequality at the fitted means mu; where the penalty forbids those, at mu + e (t - mu), which costs the
    likelihood all of it at e = 1, and e^2 / 2 for each class about mu if the model is true.

    Parameters
    ----------
    penalty : SparsePenalty
    coef, slopes : arrays of shape (p, q)
        The latter the gradient of the likelihood.
    likelihood : float
    """
    slopes = _held_slopes(penalty, slopes)
    value, product = penalty.value(coef), float(np.vdot(slopes, coef))
    gap = value + product + penalty.conjugate(slopes)
    pull = float(penalty.pull(slopes).max(initial=0.0)) * (1.0 + _ROUNDING)
    if not pull > 1.0:
        return gap
    cost = overcoming(pull, likelihood, coef.shape[1])
    return float(min(gap, value + product / pull + penalty.conjugate(slopes / pull) + cost))


def overcoming(pull: float, likelihood: float, n_parameters: int) -> float:
    """Return about what it costs to shorten mu - t until slopes pull by 1 that pulled by more."""
    away = 1.0 - 1.0 / pull
    return away * min(abs(likelihood), away * n_parameters / 2.0)


def _held_slopes(penalty: SparsePenalty, slopes: FloatArray) -> FloatArray:
    """Return slopes with 0 where nothing of the penalty opposes them, which in the end they are."""
    if isinstance(penalty, EntrywisePenalty) and (bounds := penalty.bounds(slopes.shape[1])) is not None:
        p, (lower, upper) = len(slopes), bounds
        is_endless = (slopes < 0.0) & (upper == np.inf) | (slopes > 0.0) & (lower == -np.inf)
        is_open = is_endless & ((penalty.l1 == 0.0) & (penalty.smooth.strength[:p] == 0.0))[:, np.newaxis]
        return np.where(is_open, 0.0, slopes)
    return np.where(penalty.is_free[:, np.newaxis], 0.0, slopes) if penalty.is_free.any() else slopes


def held_at_zero(allowed: BoolArray, shifts: Indices, coef: FloatArray, sizes: FloatArray) -> BoolArray:
    """Return the allowed entries without one that is 0 of each shifting column that has them all, shape (k, q).

    All of them at once would be free to shift, along a direction without curvature.
    """
    full = shifts[allowed[shifts].all(axis=1)] if len(shifts) else shifts
    if not len(full):
        return allowed
    allowed = allowed.copy()
    allowed[full, np.where(coef[full] == 0.0, sizes[full], np.inf).argmin(axis=1)] = False
    return allowed


def median_shift(coef: FloatArray) -> FloatArray:
    """Return for each row what to subtract, so that h is least and some entry exactly 0, shape (k,)."""
    ordered = np.sort(coef, axis=1)
    q = coef.shape[1]
    low, high = ordered[:, (q - 1) // 2], ordered[:, q // 2]
    nearest = np.where(np.abs(low) < np.abs(high), low, high)
    has_zero = (coef == 0.0).any(axis=1)
    return np.asarray(np.where((low <= 0.0) & (high >= 0.0) & has_zero, 0.0, nearest))
