r"""Coordinates in which a Kronecker approximation of the curvature is the identity.

At the null model (coefficients 0) every row has the same mean, so the Fisher information is exactly S (x) M: S, the
information of one row, times M, the second moments of the centred features. The ridge adds I (x) P. Two small
eigendecompositions make all three diagonal at once, whatever the scales of the columns:

    F' (M + P / s) F = I,   F' M F = diag(gamma),   Q' S Q = diag(sigma),   s = mean(sigma)
    F' P F = s diag(1 - gamma), so the curvature in direction (j, a) is sigma_a gamma_j + s (1 - gamma_j)

Away from the null model the same form with S and M averaged there is only an approximation, but its price does not
grow with q^2.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, final

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Rows
from softglm.families import UnconstrainedFamily
from softglm.model.limits import beyond_hessians
from softglm.model.many_classes import ManyClasses, as_matrix
from softglm.model.objective import Objective
from softglm.once import cached_property
from softglm.sums import Features, KroneckerFactors, SecondMoments
from softglm.sums.moments import noise

# Eigenvalues of a matrix with unit diagonal that are below this, times its size, are rounding: the column is collinear.
_RANK_TOLERANCE = 16 * np.finfo(np.float64).eps
# A column whose square spread is below this is constant: its reciprocal would overflow.
LEAST_SPREAD = 1e-290
# A gradient in nats per standard deviation that is more than rounding.
_HIDDEN = 1e-10
# Of more features than this eigendecompositions cost so much that a pivoted Cholesky factor takes their place, where
# the rank is beyond doubt: where the condition of the factor is below this, that of the matrix below its square.
_LARGE, _CLEAR = 512, 1e4
# A class direction keeps at least this curvature, or a vanishing class would have infinite scale.
_LEAST_CURVATURE = 1e-12
# Their decomposition has to pay: it may cost as much as this many evaluations, or as one of a small matrix.
_WORTH_EVALUATIONS, _MAX_SMALL_FEATURES = 300.0, 256


@final
@dataclass(frozen=True)
class KroneckerCoordinates:
    """The linear map theta = F (scales * Z) Q' from coordinates Z, flattened, to parameters.

    Attributes
    ----------
    features : array of shape (m, r), or (m,) for a diagonal matrix
        F.
    classes : array of shape (q, s), or (q,)
        Q, orthonormal and orthogonal to what the family cannot identify. Where classes are many d, of which S is
        diag(d) - d d' / sum(d): `ManyClasses` takes the place of Q, and s is q.
    scales : array of shape (r, s)
        One over the root of the approximate curvature; where classes are many, of its diagonal part.
    ridge : array of shape (r,)
        The diagonal of F' P F, P the curvature of the penalty; all of it, unless F is triangular.
    """

    features: FloatArray
    classes: FloatArray
    scales: FloatArray
    ridge: FloatArray

    def displacement(self, coordinates: FloatArray) -> FloatArray:
        """Return the parameters, shape (m, q), at these coordinates, shape (r * s,)."""
        if self.classes.ndim == 1:
            spread = self._many_classes.spread(coordinates.reshape(self.scales.shape))
            return np.asarray(self.features.dot(spread) if self.features.ndim == 2 else self._loadings * spread)
        core = self._stretch * coordinates.reshape(self.scales.shape)
        return np.asarray((self.features.dot(core) if self.features.ndim == 2 else core).dot(self.classes.T))

    def pull_back(self, gradient: FloatArray) -> FloatArray:
        """Return the gradient in these coordinates, shape (r * s,), of one in the parameters, shape (m, q)."""
        if self.classes.ndim == 1:
            core = self.features.T.dot(gradient) if self.features.ndim == 2 else self._loadings * gradient
            return np.asarray(self._many_classes.gather(core).reshape(-1))
        core = gradient.dot(self.classes)  # for small matrices dot takes half the time of @
        core = self._stretch * (self.features.T.dot(core) if self.features.ndim == 2 else core)
        return np.asarray(core.reshape(-1))

    def pulled_back_bound(self, bound: FloatArray) -> FloatArray:
        """Return what the entries of `pull_back` are at most in size, given a bound on those of a gradient, (m, q)."""
        core = bound.dot(np.abs(self.classes))
        if self.features.ndim == 2:
            core = np.abs(self.features).T.dot(core)
        return np.asarray(np.abs(self._stretch * core).reshape(-1))

    @cached_property
    def _stretch(self) -> FloatArray:
        """The scales, and with them F where it is diagonal."""
        return self.scales if self.features.ndim == 2 else self._loadings * self.scales

    @property
    def _loadings(self) -> FloatArray:
        """F, where it is diagonal, as a column."""
        return self.features[:, np.newaxis]

    @cached_property
    def _many_classes(self) -> ManyClasses:
        """What takes the place of Q."""
        return ManyClasses(self.classes, self.scales)

    @property
    def reach(self) -> FloatArray:
        """The largest entry of each row of F, shape (m,), with the scales where F is diagonal; 0 for what is left out.

        It is one over the spread of the column or, where columns are nearly collinear, more.
        """
        return np.asarray(np.abs(self._stretch if self.features.ndim == 1 else self.features).max(axis=1, initial=0.0))

    @cached_property
    def spreads(self) -> FloatArray:
        """The root mean squares of [x - c; 1], shape (m,), where F whitens it; 0 for what is left out."""
        if self.features.ndim == 1:
            reach = self.reach
            return np.divide(1.0, reach, out=np.zeros_like(reach), where=reach > 0.0)
        # In units of one over the reach: pseudo-inverses drop what is small.
        units = np.where(self.reach > 0.0, self.reach, 1.0)
        return np.asarray(linalg.norm(linalg.pinv(self.features / units[:, np.newaxis]), axis=0) / units)

    @cached_property
    def penalty(self) -> FloatArray:
        """The curvature of the penalty along each coordinate, shape (r * s,); 1 along those that move nothing."""
        return np.ravel(self.ridge[:, np.newaxis] * self.scales**2 + (self.scales == 0.0))

    def features_at(self, parameters: FloatArray) -> FloatArray:
        """Return the parameters per whitened feature, shape (r, q), of which theta is F times, whatever its units."""
        if self.features.ndim == 1:
            return np.divide(
                parameters,
                self.features[:, np.newaxis],
                out=np.zeros_like(parameters),
                where=self.features[:, np.newaxis] != 0.0,
            )
        lengths = np.maximum(linalg.norm(self.features, axis=1, keepdims=True), np.finfo(np.float64).tiny)
        return np.asarray(np.linalg.lstsq(self.features / lengths, parameters / lengths, rcond=None)[0])

    def shortened(self, factor: float) -> "KroneckerCoordinates":
        """Return coordinates in which the first step of L-BFGS, along the gradient, is shorter by this factor."""
        return replace(self, scales=self.scales * math.sqrt(factor))

    def nearest(self, parameters: FloatArray) -> FloatArray:
        """Return parameters, shape (m, q), that these coordinates can reach: near the given ones, and as good.

        Left out is what changes no prediction: constants over the classes, and combinations of collinear columns.
        """
        if self.classes.ndim == 1:
            identified = parameters - parameters.mean(axis=1, keepdims=True)
        else:
            identified = parameters @ self.classes @ self.classes.T
        if self.features.ndim == 1:
            return np.where(self.scales.any(axis=1, keepdims=True), identified, 0.0)
        if self.features.shape[0] == self.features.shape[1]:
            return np.where(self.features.any(axis=1, keepdims=True), identified, 0.0)
        lengths = np.sqrt(np.square(self.features).sum(axis=1))[:, np.newaxis]
        scaled = np.divide(identified, lengths, out=np.zeros_like(identified), where=lengths > 0.0)
        unit = np.divide(self.features, lengths, out=np.zeros_like(self.features), where=lengths > 0.0)
        return np.asarray(self.features @ linalg.lstsq(unit, scaled)[0])

    def leaves_out(self, gradient: FloatArray, center: FloatArray) -> bool:
        """Tell whether a gradient, shape (m, q), is more than rounding in what these coordinates lack.

        Columns that are collinear but for their last digits count as collinear; if those digits matter, the optimum in
        these coordinates is not that of the data.
        """
        if self.features.ndim == 1 or self.features.shape[0] == self.features.shape[1]:
            return False
        # The length of a row of F is about one over the spread of its column.
        lengths = np.sqrt(np.square(self.features).sum(axis=1))[:, np.newaxis]
        unit = np.divide(self.features, lengths, out=np.zeros_like(self.features), where=lengths > 0.0)
        kept, _ = np.linalg.qr(unit)
        standardised = gradient * lengths
        standardised -= kept @ (kept.T @ standardised)
        distance = 1.0 + np.abs(center * lengths[: len(center), 0]).max(initial=0.0)
        return bool(np.abs(standardised).max(initial=0.0) > _HIDDEN * distance)

    def features_of(self, centred: FloatArray) -> FloatArray:
        """Return F'[x - c; 1], shape (rows, r), of centred rows x - c, shape (rows, p); without the 1 where m = p."""
        return Features(np.empty(0), self.features).of_centred(centred)


class _Classes(NamedTuple):
    """The information of one row, per unit of weight, as Q diag(sigma) Q': sigma of shape (s,), Q of shape (q, s).

    Where classes are many both are d, shape (q,), of diag(d) - d d' / sum(d).
    """

    sigma: FloatArray
    directions: FloatArray


def _diagonalised(information: FloatArray, family: UnconstrainedFamily) -> _Classes:
    """Return the information, shape (q, q) or (q,), in orthonormal directions that the family identifies."""
    if information.ndim == 1:
        shares = np.maximum(information, _LEAST_CURVATURE * max(information.mean(), 1.0))
        return _Classes(shares, shares)
    identifiable = family.identifiable_directions
    sigma, rotation = np.linalg.eigh(identifiable.T @ information @ identifiable)
    return _Classes(np.maximum(sigma, _LEAST_CURVATURE * max(sigma.mean(), 1.0)), identifiable @ rotation)


def _kronecker_coordinates(
    second_moments: FloatArray,
    classes: _Classes,
    penalty: FloatArray,
    *,
    is_exact: bool = True,
    is_sampled: bool = False,
) -> KroneckerCoordinates:
    """Diagonalise information (x) second_moments + I (x) diag(penalty).

    Parameters
    ----------
    second_moments : array of shape (m, m), or (m,) for its diagonal alone
    classes : _Classes
        The information.
    penalty : array of shape (m,)
    is_exact : bool, default=True
        If not, one triangular factorisation takes the place of two eigendecompositions: only diagonal if nothing, or
        everything alike, is penalised, and of full rank, for which every coefficient has to be penalised.
    is_sampled : bool, default=False
        Whether the moments are those of a sample, in which a column may not vary although it does elsewhere. Otherwise
        such a column is left out.
    """
    typical = classes.sigma.mean()
    if second_moments.ndim == 1:
        features, gamma, ridge = np.ones(len(penalty)), second_moments, penalty * (is_sampled | (second_moments > 0.0))
    else:
        if is_exact:
            features, gamma = _simultaneous_eigenvectors(second_moments, penalty / typical)
        else:
            varies = is_sampled | (second_moments.diagonal() > LEAST_SPREAD)
            features, gamma = _triangular(second_moments, penalty / typical, varies)
        # Equal to typical (1 - gamma), which would cancel where little is penalised.
        ridge = np.square(features).T @ penalty
    curvature = np.multiply.outer(gamma, classes.sigma) + ridge[:, np.newaxis]
    scales = np.zeros_like(curvature)
    np.divide(1.0, np.sqrt(curvature), out=scales, where=curvature > 0.0)
    return KroneckerCoordinates(features, classes.directions, scales, ridge)


def _triangular(moments: FloatArray, penalty: FloatArray, varies: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return F, shape (m, m), with F'(moments + diag(penalty))F = I, and the diagonal of F' moments F.

    The row of F of a column that does not vary is 0.
    """
    unit = np.zeros_like(penalty)
    np.divide(1.0, np.sqrt(moments.diagonal() + penalty), out=unit, where=varies)
    joint = moments * unit
    joint *= unit[:, np.newaxis]
    np.fill_diagonal(joint, 1.0)
    factor, info = lapack.dpotrf(joint, lower=1)
    shift = np.finfo(np.float64).eps * len(joint)
    while info:  # collinear to rounding: any metric will do there
        factor, info = lapack.dpotrf(joint + shift * np.identity(len(joint)), lower=1)
        shift *= 10.0
    inverse, _ = lapack.dtrtri(factor, lower=1)
    features: FloatArray = np.ascontiguousarray((inverse * unit).T)
    return features, np.maximum(varies - np.square(features).T @ penalty, 0.0)


def _simultaneous_eigenvectors(moments: FloatArray, penalty: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return F, shape (m, r), and gamma in [0, 1] with F'(moments + diag(penalty))F = I and F' moments F = diag(gamma).

    r is the rank. A column that does not vary is left out, and so are collinear combinations that nothing penalises:
    their coefficients stay at zero.
    """
    joint = moments.copy()
    joint[np.diag_indices_from(joint)] += penalty
    varies = moments.diagonal() > LEAST_SPREAD
    unit = np.zeros_like(penalty)
    np.divide(1.0, np.sqrt(joint.diagonal()), out=unit, where=varies)
    # Scaled to a unit diagonal first: otherwise the columns of largest scale would drown the others in rounding.
    joint *= unit[:, np.newaxis]
    joint *= unit
    if len(unit) > _LARGE and not penalty.any():
        factor = _factor_of_clear_rank(joint)
        if factor is not None:
            factor *= unit[:, np.newaxis]
            return factor, np.ones(factor.shape[1])
    eigenvalues, vectors = np.linalg.eigh(joint)
    kept = eigenvalues > _RANK_TOLERANCE * len(unit) * eigenvalues.max(initial=0.0)
    whitened = unit[:, np.newaxis] * vectors[:, kept] / np.sqrt(eigenvalues[kept])
    gamma, rotation = np.linalg.eigh(whitened.T @ moments @ whitened)
    return whitened @ rotation, np.clip(gamma, 0.0, 1.0)


def _factor_of_clear_rank(matrix: FloatArray) -> FloatArray | None:
    """Return V, shape (m, r), of the column space of a matrix M of unit diagonal and rank r, with V' M V = I.

    That takes a small part of the time of eigendecompositions. None where it is not clear what is rounding.
    """
    size = len(matrix)
    factor, pivots, rank, _ = lapack.dpstrf(matrix, tol=_RANK_TOLERANCE * size, lower=1)
    # M = E L L' E', E = [I; W], in the order of the pivots: its column space is that of E.
    length = _norm(np.tril(factor[:rank, :rank]))
    inverse = np.tril(lapack.dtrtri(factor[:rank, :rank], lower=1)[0])
    if not length * _norm(inverse) < _CLEAR:
        return None
    dependent = factor[rank:, :rank] @ inverse
    del factor  # each of these matrices is as large as what the rows are summed to
    # V = E (E'E)^-1 L^-T, where (E'E)^-1 = I - W' (I + W W')^-1 W.
    small = np.linalg.solve(np.identity(size - rank) + dependent @ dependent.T, dependent @ inverse.T)
    within = inverse.T
    within -= dependent.T @ small
    whitened = np.empty((size, rank))
    whitened[pivots[:rank] - 1] = within
    whitened[pivots[rank:] - 1] = dependent @ within
    return whitened


def _norm(matrix: FloatArray) -> float:
    return float(np.abs(matrix).sum(axis=0).max(initial=0.0))


def null_coordinates(
    objective: Objective, information: FloatArray, moments: FloatArray | None = None, *, is_full: bool | None = None
) -> KroneckerCoordinates:
    """Return the coordinates of the null model.

    Parameters
    ----------
    objective : Objective
    information : array of shape (q, q), or (q,)
        Of one row there; where classes are many d, of diag(d) - d d' / sum(d).
    moments : array of shape (m, m) or (m,), or None, default=None
        sum w z z' of z = [x - c; 1], or its diagonal, if it is at hand; 0 for constant columns.
    is_full : bool or None, default=None
        Whether to use all second moments, or only the scales of the columns; None for what pays in a fit.

    Raises
    ------
    FloatingPointError
        If the squares of X overflow.
    """
    if moments is None:
        is_full = is_decomposed(objective) if is_full is None else is_full
        moments, _ = objective.rows.sum(second_moments(objective, is_full=is_full))
    classes = _diagonalised(information, objective.family)
    return _coordinates_of(objective, moments / objective.moments.total_weight, classes)


def scaled_coordinates(objective: Objective, information: FloatArray, squares: FloatArray) -> KroneckerCoordinates:
    """Return coordinates in which the features are scaled and nothing else, where every coefficient is penalised.

    Parameters
    ----------
    objective : Objective
    information : array of shape (q, q)
        Of one row at the null model.
    squares : array of shape (m,)
        sum w z^2 of z = [x - c; 1]. A column that does not vary is left out.

    Raises
    ------
    FloatingPointError
        If the squares of X overflow.
    """
    center, total = objective.moments.center, objective.moments.total_weight
    _require_finite(squares)
    varies = np.ones(len(squares), dtype=bool)
    varies[: len(center)] = squares[: len(center)] > noise(center, total)
    directions, penalty = objective.family.identifiable_directions, objective.penalty.curvature
    typical = max(float(as_matrix(information).trace()) / directions.shape[1], _LEAST_CURVATURE)
    features = varies / np.sqrt(squares * (typical / total) + penalty)
    scales = np.repeat(varies.astype(np.float64)[:, np.newaxis], directions.shape[1], axis=1)
    return KroneckerCoordinates(features, directions, scales, features**2 * penalty)


def quick_coordinates(
    objective: Objective, information: FloatArray, moments: FloatArray, *, is_sampled: bool
) -> tuple[KroneckerCoordinates, KroneckerCoordinates]:
    """Return about those of the null model, where every coefficient is penalised, and diagonal ones.

    Parameters
    ----------
    objective : Objective
    information : array of shape (q, q), or (q,)
        Of one row at the null model, as for `null_coordinates`.
    moments : array of shape (m, m) or (m,)
        The mean of z z', of all of the rows or of a sample, or only its diagonal.
    is_sampled : bool

    Raises
    ------
    FloatingPointError
        If the squares of X overflow.
    """
    is_full = moments.ndim == 2
    own = moments.diagonal() if is_full else moments
    classes = _diagonalised(information, objective.family)
    diagonal = _coordinates_of(objective, own, classes, is_sampled=is_sampled)
    if not is_full:
        return diagonal, diagonal
    return _coordinates_of(objective, moments, classes, is_exact=False, is_sampled=is_sampled), diagonal


def _coordinates_of(
    objective: Objective,
    moments: FloatArray,
    classes: _Classes,
    *,
    is_exact: bool = True,
    is_sampled: bool = False,
) -> KroneckerCoordinates:
    _require_finite(moments)
    return _kronecker_coordinates(
        moments, classes, objective.penalty.curvature, is_exact=is_exact, is_sampled=is_sampled
    )


def coordinates_at(objective: Objective, point: FloatArray, rows: Rows) -> KroneckerCoordinates:
    """Return the Kronecker approximation at a point: A'' averaged, and z z' averaged by the trace of A''.

    Parameters
    ----------
    objective : Objective
    point : array of shape (m, q)
    rows : Rows
        All of the rows, or a sample of them.
    """
    family, is_full = objective.family, is_decomposed(objective)
    factors = KroneckerFactors(family, *objective.rounded(point), second_moments(objective, is_full=is_full))
    information, moments = rows.sum(factors)
    moments /= information.trace() if information.ndim == 2 else information.sum()
    information /= objective.moments.total_weight
    return _kronecker_coordinates(
        moments,
        _diagonalised(information, family),
        objective.penalty.curvature,
        is_exact=not objective.is_penalised,
        is_sampled=rows is not objective.rows,
    )


def is_decomposed(objective: Objective) -> bool:
    """Tell whether all second moments are used, or only the scales of the columns."""
    n_features, n_parameters, tuning = len(objective.moments.center), objective.shape[1], objective.tuning
    if not objective.penalty.curvature.any():
        n_varying = int(np.count_nonzero(objective.moments.size))
        n_terms = min(n_varying + int(objective.fit_intercept), objective.rows.n_rows)
        if n_features <= tuning.decomposed_unpenalised and not beyond_hessians(objective.family, n_terms, tuning):
            return True  # a proof needs to know what is collinear
    flops, flops_of_evaluation = 20.0 * n_features**3, 4.0 * objective.rows.n_entries * n_parameters
    return n_features <= tuning.decomposed_features and (
        n_features <= _MAX_SMALL_FEATURES or flops <= _WORTH_EVALUATIONS * flops_of_evaluation
    )


def second_moments(objective: Objective, *, is_full: bool = True) -> SecondMoments:
    """Return the sum of w z z', z = [x - c; 1], or of its diagonal alone."""
    return SecondMoments(objective.moments.center, int(objective.fit_intercept), is_full, objective.dtype)


def _require_finite(moments: FloatArray) -> None:
    if not np.isfinite(moments).all():
        raise FloatingPointError("squares of X overflow")
