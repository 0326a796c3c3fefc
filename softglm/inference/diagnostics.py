r"""What one row does to the fit: leverage, one-step deletion, Cook's distance, residuals.

Row i was observed w_i times, and a copy of it weighs m_i in the objective: its row total. In whitened coordinates, with
V the inverse of the curvature of the whole fit, and Z_i the map from coordinates to the s identifiable directions of
eta_i, a copy has

    e_i = m_i Q' (share_i - mu_i)   score of Q' eta_i        Omega_i = m_i Q' A''(eta_i) Q   its information, W_i / w_i
    M_i = Z_i V Z_i'                covariance of Q' eta_i
    leverage_i = tr(Omega_i M_i),   sum_i w_i leverage_i = tr(V F)
    d_i = V Z_i' (I - Omega_i M_i)^-1 e_i    minus the Newton step from the fit to the one without that copy

(Lesaffre & Albert 1989, doi 10.2307/2347731). tr(V F) is the number of parameters, and with a penalty the effective
one; its total strength alpha W stays when a copy is left out. A row of weight 0 is not in the fit: no copy of it can be
left out, and all of these are 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Block
from softglm.inference.classes import class_probabilities, class_shares, log_probabilities
from softglm.inference.estimate import Estimate
from softglm.model.fisher import between_classes
from softglm.sums import Predictor, Sum

ResidualKind: TypeAlias = Literal["pearson", "deviance", "response"]

# An eigenvalue of Omega M this close to 1 is a direction about which only this copy knows anything.
_ALONE = 1e-8


@final
@dataclass(frozen=True)
class Copies:
    """One copy of each row of a block.

    Attributes
    ----------
    features : array of shape (rows, r)
        F'[x - c; 1].
    score : array of shape (rows, s)
        e_i.
    information : array of shape (rows, s, s)
        Omega_i.
    spread : array of shape (rows, s, s)
        M_i.
    """

    features: FloatArray
    score: FloatArray
    information: FloatArray
    spread: FloatArray

    @property
    def leverage(self) -> FloatArray:
        """tr(Omega_i M_i), shape (rows,)."""
        return np.asarray(np.einsum("iab,iba->i", self.information, self.spread))

    @property
    def deleted_score(self) -> FloatArray:
        """(I - Omega_i M_i)^-1 e_i, shape (rows, s); NaN where the rest of the data does not identify the model."""
        hat = self.information @ self.spread
        alone = _identified_alone(hat)
        hat[alone] = 0.0
        deleted = np.linalg.solve(np.identity(hat.shape[1]) - hat, self.score[:, :, np.newaxis])[:, :, 0]
        deleted[alone] = np.nan
        return np.asarray(deleted)


@final
@dataclass(frozen=True)
class Residuals(Sum):
    """The residuals of one trial of each row, to be joined.

    Attributes
    ----------
    predictor : Predictor
    kind : {"pearson", "deviance", "response"}
    """

    predictor: Predictor
    kind: ResidualKind

    def __call__(self, block: Block) -> tuple[FloatArray]:
        """Return the residuals, shape (K, rows), or (1, rows) for two classes."""
        eta = self.predictor.of(block)
        return (_residuals(class_shares(block, len(eta)), eta, self.kind),)


def leverage(estimate: Estimate, sample_weight: FloatArray | None) -> FloatArray:
    """Return tr(Omega_i M_i) of one copy of each row, shape (n,).

    Parameters
    ----------
    estimate : Estimate
    sample_weight : array of shape (n,), or None
        The copies w_i of each row; None for one of each, with all the weight that the objective gives the row.
    """
    return np.concatenate([copies.leverage for _, copies in _copies(estimate, sample_weight)])


def adjusted_scores(estimate: Estimate, sample_weight: FloatArray | None) -> Iterator[tuple[slice, FloatArray]]:
    """Yield, block by block, which rows, and Z_i' (I - Omega_i M_i)^-1 e_i of one copy of each, shape (rows, P).

    In place of the scores Z_i' e_i they make the sandwich HC3: V times them is d_i.

    Parameters
    ----------
    estimate : Estimate
    sample_weight : array of shape (n,), or None
        As for `leverage`.

    Raises
    ------
    ValueError
        If the fit without a copy does not exist.
    """
    for rows, scores in _deleted_scores(estimate, sample_weight):
        alone = np.flatnonzero(np.isnan(scores).any(axis=1))
        if len(alone):
            raise ValueError(
                f"HC3 does not exist: without row {rows.start + alone[0]}, of leverage "
                f"{leverage(estimate, sample_weight)[rows][alone[0]]:.3g}, some coefficient is not identified. Use "
                '"robust", or leave out the column that only this row tells something about.'
            )
        yield rows, scores


def cooks_distance(estimate: Estimate, sample_weight: FloatArray | None) -> FloatArray:
    """Return d_i' F d_i / tr(V F), shape (n,); inf where the fit without the copy does not exist.

    Parameters
    ----------
    estimate : Estimate
    sample_weight : array of shape (n,), or None
        As for `leverage`.
    """
    inverse = estimate.inverse_curvature
    metric = inverse @ estimate.information @ inverse / np.vdot(inverse, estimate.information)
    distances = np.concatenate(
        [np.einsum("ij,ij->i", scores @ metric, scores) for _, scores in _deleted_scores(estimate, sample_weight)]
    )
    return np.where(np.isnan(distances), np.inf, distances)


def dfbeta(estimate: Estimate, sample_weight: FloatArray | None, contrast_map: FloatArray) -> FloatArray:
    """Return what one copy of each row adds to each contrast: full minus deleted, in one Newton step.

    Parameters
    ----------
    estimate : Estimate
    sample_weight : array of shape (n,), or None
        As for `leverage`.
    contrast_map : array of shape ((K-1) n_terms, P)

    Returns
    -------
    array of shape (n, K-1, n_terms)
        NaN where the fit without the copy does not exist.
    """
    influence = estimate.solve(contrast_map.T)
    changes = np.concatenate([scores @ influence for _, scores in _deleted_scores(estimate, sample_weight)])
    return changes.reshape(len(changes), estimate.n_classes - 1, -1)


def residuals(estimate: Estimate, kind: ResidualKind, trials: FloatArray | None) -> FloatArray:
    """Return the residuals of one copy of each row.

    Parameters
    ----------
    estimate : Estimate
    kind : {"pearson", "deviance", "response"}
        With the counts y = m share and their expectations E = m mu: (y - E) / sqrt(E); the root of
        2 (y log(y / E) - y + E) with the sign of y - E; or y - E. The squares of the first two sum to Pearson's
        statistic and to the deviance.
    trials : array of shape (n,), or None
        The row totals m; None for labels, where they are 1.

    Returns
    -------
    array of shape (n, K), or (n,) for two classes
        Two classes have the residuals of the second, as R's glm has them: (y - E) / sqrt(E (1 - mu)), and the signed
        root of the whole contribution to the deviance.

    Raises
    ------
    ValueError
        If `kind` is not one of these.
    """
    if kind not in {"pearson", "deviance", "response"}:
        raise ValueError(f'kind must be "pearson", "deviance" or "response", got {kind!r}.')
    per_trial = estimate.objective.rows.concatenate(Residuals(estimate.predictor, kind))[0]
    if trials is not None:
        per_trial *= trials if kind == "response" else np.sqrt(trials)
    return per_trial.T if len(per_trial) > 1 else per_trial[0]


def _residuals(shares: FloatArray, eta: FloatArray, kind: ResidualKind) -> FloatArray:
    """Return the residuals of shares, shape (K, rows), or (1, rows) for two classes."""
    mean = class_probabilities(eta)
    response = shares - mean
    if kind == "response":
        return response if len(mean) > 2 else response[1:]
    squares = pearson_terms(shares, mean) if kind == "pearson" else 2.0 * relative_entropies(shares, eta)
    if len(mean) == 2:
        # The two cells of a coin know the same; one number carries both.
        squares, response = squares.sum(axis=0, keepdims=True), response[1:]
    elif kind == "deviance":
        squares -= 2.0 * response
    return np.sign(response) * np.sqrt(np.maximum(squares, 0.0))


def pearson_terms(observed: FloatArray, expected: FloatArray) -> FloatArray:
    """Return (observed - expected)^2 / expected, where 0 / 0 = 0."""
    squares = np.square(observed - expected)
    with np.errstate(divide="ignore"):  # inf is the truth where the impossible was observed
        return np.divide(squares, expected, out=np.zeros_like(squares), where=squares > 0.0)


def relative_entropies(shares: FloatArray, eta: FloatArray) -> FloatArray:
    """Return share log(share / mu), shape (K, rows), where 0 log 0 = 0, in nats."""
    observed = shares > 0.0
    logs = np.log(shares, out=np.zeros_like(shares), where=observed)
    return np.multiply(shares, logs - log_probabilities(eta), out=np.zeros_like(shares), where=observed)


def _deleted_scores(estimate: Estimate, sample_weight: FloatArray | None) -> Iterator[tuple[slice, FloatArray]]:
    """Yield what `adjusted_scores` yields, NaN where the fit without the copy does not exist."""
    for rows, copies in _copies(estimate, sample_weight):
        residuals = estimate.coordinates.classes @ copies.deleted_score.T
        yield rows, estimate.row_scores.of(copies.features, residuals)


def _copies(estimate: Estimate, sample_weight: FloatArray | None) -> Iterator[tuple[slice, Copies]]:
    """Yield, block by block, which rows, and one copy of each."""
    family, classes, scales = estimate.objective.family, estimate.coordinates.classes, estimate.coordinates.scales
    inverse = estimate.inverse_curvature.reshape(*scales.shape, *scales.shape)
    scaled = inverse * scales * scales[:, :, np.newaxis, np.newaxis]
    between_features = np.ascontiguousarray(scaled.transpose(1, 3, 0, 2))
    for block in estimate.row_blocks():
        size = block.weights
        if sample_weight is not None:
            copies = sample_weight[block.rows]
            size = np.divide(size, copies, out=np.zeros_like(size), where=copies > 0.0)
        bends = family.curvature_weights(block.mean) * size
        yield (
            block.rows,
            Copies(
                features=block.features,
                score=(block.residuals * size).T @ classes,
                information=between_classes(bends, family.curvature_directions, classes),
                spread=_spread(block.features, between_features),
            ),
        )


def _spread(features: FloatArray, inverse: FloatArray) -> FloatArray:
    """Return M_i, shape (rows, s, s), of features (rows, r) and the inverse between them, shape (s, s, r, r)."""
    s = len(inverse)
    spread = np.empty((len(features), s, s))
    for a in range(s):
        for b in range(a, s):
            spread[:, a, b] = spread[:, b, a] = np.einsum("ij,ij->i", features @ inverse[a, b], features)
    return spread


def _identified_alone(hat: FloatArray) -> BoolArray:
    """Tell for which rows Omega M, shape (rows, s, s), has an eigenvalue of 1 or more, shape (rows,)."""
    # The eigenvalues are those of a positive semidefinite matrix: none exceeds the trace.
    alone = np.trace(hat, axis1=1, axis2=2) >= 1.0 - _ALONE
    alone[alone] = np.linalg.eigvals(hat[alone]).real.max(axis=1, initial=0.0) >= 1.0 - _ALONE
    return np.asarray(alone)
