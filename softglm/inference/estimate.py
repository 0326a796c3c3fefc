r"""The optimum and its curvature: what every standard error, test and diagnostic is computed from.

All of it is assembled in whitened coordinates Z, shape (r, s), flattened: theta = F (scales * Z) Q'. They reveal the
rank and do not know the units of X. Numbers leave them at the end, by linear maps. Totals are W times the objective's
means, so that information and gradient are those of the log-likelihood.

    f_i = F'[x_i - c; 1] (r,) features      Q (q, s) classes      Q'(t_i - mu_i) (s,)
    score of row i:  v_i  scales * f_i (Q'(t_i - mu_i))',   v_i its weight in the objective, row total folded in
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import final

import numpy as np
from scipy import linalg

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Block
from softglm.model import GLM, Objective, null_coordinates, null_model
from softglm.model.coordinates import KroneckerCoordinates, second_moments
from softglm.model.fisher import hessian

# Standard errors from the optimum that are no longer worth a Newton step.
_NEGLIGIBLE_DISTANCE = 1e-6
_MAX_STEPS, _MAX_HALVINGS = 30, 30
# A linear form is estimable if what it sees outside the row space is rounding, relative to its length.
_ESTIMABLE = 1e-7
# Eigenvalues of a singular information below this share of those at the null model, which are all W, are rounding.
_RANK_TOLERANCE = 1e-12


@final
@dataclass(frozen=True)
class RowBlock:
    """What a block of rows contributes.

    Attributes
    ----------
    rows : slice
        Which rows of the data these are.
    features : array of shape (rows, r)
        F'[x - c; 1].
    mean : array of shape (q, rows)
        mu.
    residuals : array of shape (q, rows)
        t - mu.
    weights : array of shape (rows,)
        As in the objective: class weights and row totals folded in.
    """

    rows: slice
    features: FloatArray
    mean: FloatArray
    residuals: FloatArray
    weights: FloatArray


@final
@dataclass(frozen=True, eq=False)
class Estimate:
    """The optimum in whitened coordinates, P = r s of them, with its first two derivatives.

    Attributes
    ----------
    objective : Objective
        Its rows hold shares t_i / m_i; row totals m_i, sample and class weights are folded into their weights.
    parameters : array of shape (m, q)
        The optimum; symmetric coding for q > 1.
    coordinates : KroneckerCoordinates
    information : array of shape (P, P)
        W times the Fisher information in coordinates, penalty left out.
    curvature : array of shape (P, P)
        W times the Hessian in coordinates, penalty included.
    gradient : array of shape (P,)
        W times the gradient of f in coordinates, at `parameters`.
    is_singular : bool
        Whether the information is known to have directions of zero: the limit of a separated fit.
    observed : Objective or None
        For such a limit the objective of the data themselves, in which nothing has gone to infinity.
    """

    objective: Objective
    parameters: FloatArray
    coordinates: KroneckerCoordinates
    information: FloatArray
    curvature: FloatArray
    gradient: FloatArray
    is_singular: bool = False
    observed: Objective | None = None

    @property
    def n_classes(self) -> int:
        """K."""
        return max(self.objective.shape[1], 2)

    @property
    def total_weight(self) -> float:
        """W."""
        return self.objective.moments.total_weight

    @property
    def is_penalised(self) -> bool:
        """Whether anything is."""
        return bool(self.objective.penalty.curvature.any())

    @property
    def n_parameters(self) -> int:
        """P, (K - 1) times the rank of X with its constant."""
        return len(self.information)

    @cached_property
    def rank(self) -> int:
        """How many parameters are identified: P, but for the limit of a separated fit."""
        return len(self.information) if self._pseudo_inverse is None else round(self._pseudo_inverse[1])

    @property
    def log_likelihood(self) -> float:
        """sum_i v_i (<t_i, eta_i> - A(eta_i)), in nats, without the multinomial coefficients."""
        value, _ = self.objective.evaluate(self.parameters)
        return -self.total_weight * (value - self.objective.penalty.value(self.parameters))

    @property
    def class_forms(self) -> FloatArray:
        """The map from q natural parameters to K centred ones (symmetric coding), shape (K, q)."""
        return class_forms(self.objective.shape[1])

    @property
    def term_forms(self) -> FloatArray:
        """The maps from a column of the parameters to its terms at x = 0, intercept first, shape (n_terms, m)."""
        return term_forms(self.objective)

    @cached_property
    def _factor(self) -> tuple[FloatArray, bool] | None:
        if self.is_singular:
            return None
        try:
            return linalg.cho_factor(self.curvature, lower=True)
        except linalg.LinAlgError:
            return None

    @cached_property
    def _pseudo_inverse(self) -> tuple[FloatArray, int] | None:
        """The pseudo-inverse of the curvature and its rank, where there is no Cholesky factor."""
        if self._factor is not None:
            return None
        eigenvalues, vectors = linalg.eigh(self.curvature)
        kept = eigenvalues > _RANK_TOLERANCE * self.total_weight
        roots = vectors[:, kept] / np.sqrt(eigenvalues[kept])
        return roots @ roots.T, int(kept.sum())

    def solve(self, right: FloatArray) -> FloatArray:
        """Return curvature^-1 right, shape of `right`, (P,) or (P, k); its pseudo-inverse where it is singular."""
        if self._factor is not None:
            return np.asarray(linalg.cho_solve(self._factor, right))
        assert self._pseudo_inverse is not None  # noqa: S101 - the other of the two
        return np.asarray(self._pseudo_inverse[0] @ right)

    @cached_property
    def inverse_curvature(self) -> FloatArray:
        """curvature^-1, shape (P, P)."""
        return self.solve(np.identity(len(self.curvature)))

    @property
    def distance(self) -> float:
        """How far the optimum is, in its own standard errors: sqrt(g' H^-1 g)."""
        return math.sqrt(max(float(self.gradient @ self.solve(self.gradient)), 0.0))

    def linear_map(self, classes: FloatArray, terms: FloatArray) -> FloatArray:
        """Return the map from coordinates to linear forms of the parameters, class by class.

        Parameters
        ----------
        classes : array of shape (c, q)
            Forms of the q natural parameters.
        terms : array of shape (t, m)
            Forms of the m rows of the parameters.

        Returns
        -------
        array of shape (c * t, P)
        """
        coordinates = self.coordinates
        features = terms @ coordinates.features
        directions = classes @ coordinates.classes
        maps = np.einsum("tr,rs,cs->ctrs", features, coordinates.scales, directions, optimize=True)
        return np.asarray(maps.reshape(len(classes) * len(terms), coordinates.scales.size))

    def contrast_map(self, reference: int) -> FloatArray:
        """Return the map to reference coding at x = 0: class by class, the intercept first, ((K-1) n_terms, P)."""
        return self.linear_map(contrast_forms(self.n_classes, reference) @ self.class_forms, self.term_forms)

    def symmetric_map(self) -> FloatArray:
        """Return the map to symmetric coding at x = 0: class by class, the intercept first, (K n_terms, P)."""
        return self.linear_map(self.class_forms, self.term_forms)

    def contrasts(self, reference: int) -> FloatArray:
        """Return the estimates in reference coding at x = 0, shape (K - 1, n_terms), intercept first."""
        return np.asarray(contrast_forms(self.n_classes, reference) @ self.symmetric)

    @property
    def symmetric(self) -> FloatArray:
        """The estimates in symmetric coding at x = 0, shape (K, n_terms), intercept first."""
        return np.asarray((self.term_forms @ self.parameters @ self.class_forms.T).T)

    def estimable(self, classes: FloatArray, terms: FloatArray) -> BoolArray:
        """Tell which linear forms, given as for `linear_map`, the data determine: shape (c * t,)."""
        known = np.tile(self.estimable_terms(terms), len(classes))
        if self._pseudo_inverse is not None:
            forms = self.linear_map(classes, terms)
            unseen = forms - forms @ self.curvature @ self._pseudo_inverse[0]
            known &= linalg.norm(unseen, axis=1) <= np.sqrt(_ESTIMABLE) * linalg.norm(forms, axis=1)
        return np.asarray(known)

    def estimable_combinations(self, terms: FloatArray) -> FloatArray:
        """Return a basis of those combinations of linear forms of a column of the parameters that are estimable.

        Parameters
        ----------
        terms : array of shape (t, m)

        Returns
        -------
        array of shape (d, m), d <= t
        """
        unseen, length = self._outside_row_space(terms)
        if not unseen.any():
            return terms
        vectors, singular, _ = linalg.svd(unseen / length[:, np.newaxis])
        hidden = int((singular > _ESTIMABLE).sum())
        return np.asarray((vectors[:, hidden:].T / length) @ terms)

    def estimable_terms(self, terms: FloatArray) -> BoolArray:
        """Tell which linear forms of a column of the parameters, shape (t, m), the rows determine: shape (t,)."""
        unseen, length = self._outside_row_space(terms)
        return np.asarray(linalg.norm(unseen, axis=1) <= _ESTIMABLE * length)

    def _outside_row_space(self, terms: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the part of linear forms that no row sees, shape (t, m), and their lengths, in units of the spread."""
        features = self.coordinates.features
        m, r = features.shape
        if r == m or self.is_penalised:
            return np.zeros_like(terms), np.ones(len(terms))
        moments = self._moments
        diagonal = moments.diagonal()
        units = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
        # F' M F = I, so F F' M is the projection onto the row space.
        unseen = (terms - terms @ features @ features.T @ moments) / units
        length = linalg.norm(terms / units, axis=1)
        return unseen, np.where(length > 0.0, length, 1.0)

    @cached_property
    def _moments(self) -> FloatArray:
        objective = self.objective
        moments = objective.rows.sum(lambda block: (second_moments(objective, block, block.weights),))[0]
        return np.asarray(moments / objective.moments.total_weight)

    def row_blocks(self) -> Iterator[RowBlock]:
        """Yield what the rows contribute, block by block, in their order."""
        yield from row_blocks(self.objective, self.parameters, self.coordinates)

    def scores(self) -> Iterator[tuple[slice, FloatArray]]:
        """Yield, block by block, which rows, and the gradients of their log-likelihoods, weighted, (rows, P)."""
        for block in self.row_blocks():
            yield block.rows, self.scores_of(block.features, block.residuals * block.weights)

    def scores_of(self, features: FloatArray, residuals: FloatArray) -> FloatArray:
        """Return scales * f_i (Q' e_i)' for each row, shape (rows, P).

        Parameters
        ----------
        features : array of shape (rows, r)
        residuals : array of shape (q, rows)
            e.
        """
        coded = residuals.T @ self.coordinates.classes
        scores = features[:, :, np.newaxis] * coded[:, np.newaxis]
        scores *= self.coordinates.scales
        return np.asarray(scores.reshape(len(features), -1))


def class_forms(n_parameters: int) -> FloatArray:
    """Return the map from q natural parameters to K centred ones, shape (K, q); two classes have one, that of y = 1."""
    if n_parameters == 1:
        return np.array([[-0.5], [0.5]])
    return np.identity(n_parameters) - 1.0 / n_parameters


def term_forms(objective: Objective) -> FloatArray:
    """Return the maps from the m rows of the parameters to the terms at x = 0, intercept first, (n_terms, m)."""
    m, _ = objective.shape
    identity = np.identity(m)
    if not objective.fit_intercept:
        return identity
    intercept = np.append(-objective.moments.center, 1.0)
    return np.concatenate([intercept[np.newaxis], identity[:-1]])


def contrast_forms(n_classes: int, reference: int) -> FloatArray:
    """Return e_k - e_reference for every other class k, shape (K - 1, K)."""
    forms = np.identity(n_classes)
    forms[:, reference] -= 1.0
    return np.delete(forms, reference, axis=0)


def row_blocks(objective: Objective, parameters: FloatArray, coordinates: KroneckerCoordinates) -> Iterator[RowBlock]:
    """Yield what the rows contribute, block by block, in their order."""
    coef, intercept = objective.uncentred(parameters)
    q = objective.shape[1]

    def statistic(block: Block) -> tuple[FloatArray, ...]:
        mean = objective.family.normalizer_and_mean(block.predictor(coef, intercept))[1]
        weights = np.ones(len(block)) if block.weights is None else block.weights
        features = coordinates.features_of(block.centred(objective.moments.center))
        return features, mean, block.targets_matrix(q) - mean, weights

    first = 0
    for features, mean, residuals, weights in objective.rows.map(statistic):
        rows = slice(first, first + len(weights))
        yield RowBlock(rows, features, mean, residuals, weights)
        first = rows.stop


def estimate_at(
    objective: Objective,
    parameters: FloatArray,
    coordinates: KroneckerCoordinates | None = None,
    *,
    is_singular: bool = False,
) -> Estimate:
    """Return the curvature at these parameters, shape (m, q), in the coordinates of the null model."""
    if coordinates is None:
        coordinates = coordinates_of(objective)
    unpenalised = replace(coordinates, ridge=np.zeros_like(coordinates.ridge))
    total = objective.moments.total_weight
    information = total * hessian(objective, parameters, unpenalised)
    ridge = total * np.ravel(coordinates.ridge[:, np.newaxis] * coordinates.scales**2)
    _, gradient = objective.evaluate(parameters)
    return Estimate(
        objective=objective,
        parameters=parameters,
        coordinates=coordinates,
        information=information,
        curvature=information + np.diag(ridge) if ridge.any() else information,
        gradient=total * coordinates.pull_back(gradient),
        is_singular=is_singular,
    )


def coordinates_of(objective: Objective) -> KroneckerCoordinates:
    """Return the whitened coordinates of the null model.

    Raises
    ------
    ValueError
        If the information matrix is too large.
    """
    coordinates = null_coordinates(objective, null_model(objective).information)
    if coordinates.features.ndim == 1 or not GLM(objective, coordinates).has_hessian:
        m, q = objective.shape
        raise ValueError(
            f"The model has {m} terms for each of {max(q, 2)} classes, and its information matrix would not fit "
            "in memory. Select features first."
        )
    return coordinates


def refined(estimate: Estimate, tolerance: float = _NEGLIGIBLE_DISTANCE) -> Estimate:
    """Take exact Newton steps until the optimum is within this many standard errors, or rounding stops them."""
    for _ in range(_MAX_STEPS):
        distance = estimate.distance
        if distance <= tolerance:
            break
        nearer = _newton_step(estimate, distance)
        if nearer is None:
            break
        estimate = nearer
    return estimate


def _newton_step(estimate: Estimate, distance: float) -> Estimate | None:
    """Return the estimate after a Newton step, halved until it approaches the optimum; None if no step does."""
    objective, coordinates = estimate.objective, estimate.coordinates
    step = coordinates.displacement(estimate.solve(estimate.gradient))
    value, _ = objective.evaluate(estimate.parameters)
    length = 1.0
    for _ in range(_MAX_HALVINGS):
        trial = estimate.parameters - length * step
        there, gradient = objective.evaluate(trial)
        pulled = estimate.total_weight * coordinates.pull_back(gradient)
        # Near the optimum f is flat to rounding, and the gradient tells alone.
        if there < value or np.sqrt(abs(pulled @ estimate.solve(pulled))) < 0.5 * distance:
            return estimate_at(objective, trial, coordinates, is_singular=estimate.is_singular)
        length /= 2.0
    return None
