"""Combinations of the features in which their second moments, with a penalty, are the identity."""

import numpy as np
from scipy.linalg import lapack

from softglm.arrays import BoolArray, FloatArray

# Eigenvalues of a matrix with unit diagonal that are below this, times its size, are rounding: the column is collinear.
_RANK_TOLERANCE = 16 * np.finfo(np.float64).eps
# A column whose square spread is below this is constant: its reciprocal would overflow.
LEAST_SPREAD = 1e-290
# Of more features than this eigendecompositions cost so much that a pivoted Cholesky factor takes their place, where
# the rank is beyond doubt: where the condition of the factor is below this, that of the matrix below its square.
_LARGE, _CLEAR = 512, 1e4


def triangular(moments: FloatArray, penalty: FloatArray, varies: BoolArray) -> tuple[FloatArray, FloatArray]:
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


def simultaneous_eigenvectors(moments: FloatArray, penalty: FloatArray) -> tuple[FloatArray, FloatArray]:
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
