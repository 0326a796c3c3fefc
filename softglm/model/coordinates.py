r"""Coordinates in which a Kronecker approximation of the curvature is the identity.

At the null model (coefficients 0) every row has the same mean, so the Fisher information is exactly S (x) M: S, the
information of one row, times M, the second moments of the centred features. The ridge adds I (x) P. Two small
eigendecompositions make all three diagonal at once, whatever the scales of the columns:

    F' (M + P / s) F = I,   F' M F = diag(gamma),   Q' S Q = diag(sigma),   s = mean(sigma)
    F' P F = s diag(1 - gamma), so the curvature in direction (j, a) is sigma_a gamma_j + s (1 - gamma_j)

Away from the null model the same form with S and M averaged there is only an approximation, but its price does not
grow with q^2.
"""

from typing import NamedTuple

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Rows
from softglm.families import UnconstrainedFamily
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.limits import beyond_hessians
from softglm.model.many_classes import as_matrix
from softglm.model.objective import Objective
from softglm.model.whitening import LEAST_SPREAD, simultaneous_eigenvectors, triangular
from softglm.sums import KroneckerFactors, SecondMoments
from softglm.sums.moments import noise

# A class direction keeps at least this curvature, or a vanishing class would have infinite scale.
_LEAST_CURVATURE = 1e-12
# Their decomposition has to pay: it may cost as much as this many evaluations, or as one of a small matrix.
_WORTH_EVALUATIONS, _MAX_SMALL_FEATURES = 300.0, 256


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
            features, gamma = simultaneous_eigenvectors(second_moments, penalty / typical)
        else:
            varies = is_sampled | (second_moments.diagonal() > LEAST_SPREAD)
            features, gamma = triangular(second_moments, penalty / typical, varies)
        # Equal to typical (1 - gamma), which would cancel where little is penalised.
        ridge = np.square(features).T @ penalty
    curvature = np.multiply.outer(gamma, classes.sigma) + ridge[:, np.newaxis]
    scales = np.zeros_like(curvature)
    np.divide(1.0, np.sqrt(curvature), out=scales, where=curvature > 0.0)
    return KroneckerCoordinates(features, classes.directions, scales, ridge)


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
