r"""The optimum and its curvature: what every standard error, test and diagnostic is computed from.

All of it is assembled in whitened coordinates Z, shape (r, s), flattened: theta = F (scales * Z) Q'. They reveal the
rank and do not know the units of X. Numbers leave them at the end, by linear maps. Totals are W times the objective's
means, so that information and gradient are those of the log-likelihood.

    f_i = F'[x_i - c; 1] (r,) features      Q (q, s) classes      Q'(t_i - mu_i) (s,)
    score of row i:  v_i  scales * f_i (Q'(t_i - mu_i))',   v_i its weight in the objective, row total folded in
"""

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import final

import numpy as np
from scipy import linalg

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Block
from softglm.model import Objective, null_coordinates, null_model
from softglm.model.coordinates import KroneckerCoordinates, second_moments
from softglm.model.fisher import hessian

# Standard errors from the optimum that are no longer worth a Newton step.
_NEGLIGIBLE_DISTANCE = 1e-6
_MAX_STEPS, _MAX_HALVINGS = 30, 30
# A linear form is estimable if what it sees outside the row space is rounding, relative to its length.
_ESTIMABLE = 1e-7
# Of a form and a limit: their information is a sum of squares, so that its directions have half the digits.
_SEEN = 3e-4
# Eigenvalues of a singular information below this share of those at the null model, which are all W, are rounding.
_RANK_TOLERANCE = 1e-12
# The matrices of the size of the information that are held at a time.
_COPIES = 10
# Forms of length 1 whose singular values are below this share of the largest are combinations of the others.
_INDEPENDENT = 1e-10


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

    @property
    def rank(self) -> int:
        """How many parameters are identified: P, but for the limit of a separated fit."""
        return len(self.information) - int(self.unidentified.shape[1])

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
    def _spectrum(self) -> tuple[FloatArray, FloatArray]:
        """Where there is no Cholesky factor: R of `inverse_root`, and a basis of the null space, (P, P - rank)."""
        eigenvalues, vectors = linalg.eigh(self.curvature)
        kept = eigenvalues > _RANK_TOLERANCE * self.total_weight
        return vectors[:, kept] / np.sqrt(eigenvalues[kept]), vectors[:, ~kept]

    @cached_property
    def inverse_root(self) -> FloatArray:
        """R, shape (P, rank), with curvature^-1 = R R': what a rank is decided by, which a product would blur."""
        if self._factor is None:
            return self._spectrum[0]
        identity = np.identity(len(self.curvature))
        return np.asarray(linalg.solve_triangular(self._factor[0], identity, lower=True, trans="T"))

    @property
    def unidentified(self) -> FloatArray:
        """A basis, shape (P, P - rank), of the directions that change no likelihood."""
        return np.zeros((len(self.curvature), 0)) if self._factor is not None else self._spectrum[1]

    def solve(self, right: FloatArray) -> FloatArray:
        """Return curvature^-1 right, shape of `right`, (P,) or (P, k); its pseudo-inverse where it is singular."""
        if self._factor is not None:
            return np.asarray(linalg.cho_solve(self._factor, right))
        return np.asarray(self.inverse_root @ (self.inverse_root.T @ right))

    def sees(self, forms: FloatArray) -> BoolArray:
        """Tell which linear forms of the coordinates, shape (k, P), the limit of a separated fit determines, (k,)."""
        hidden = linalg.norm(forms @ self.unidentified, axis=1)
        return np.asarray(hidden <= _SEEN * linalg.norm(forms, axis=1))

    def sees_rows(self, features: FloatArray) -> BoolArray:
        """Tell of which rows, by their features (rows, r) in coordinates, the limit determines every class: (rows,)."""
        r, s = self.coordinates.scales.shape
        if not self.unidentified.size:
            return np.ones(len(features), dtype=bool)
        scales = self.coordinates.scales
        hidden = np.einsum("nr,rs,rsh->nsh", features, scales, self.unidentified.reshape(r, s, -1), optimize=True)
        length = np.sqrt(np.square(features) @ np.square(scales))
        return np.asarray((linalg.norm(hidden, axis=2) <= _SEEN * length).all(axis=1))

    def independent(self, forms: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return as many combinations of linear forms R, (d, P), and of their values, (d,), as there are independent.

        They are orthonormal in the metric of the curvature (their values have unit variances under the model), or in
        that of the null model, where the limit of a separated fit leaves no curvature along some of them.
        """
        if not len(forms):
            return forms, values
        seen = forms if self.is_singular else forms @ self.inverse_root
        lengths = np.asarray(linalg.norm(seen, axis=1))
        lengths[lengths == 0.0] = 1.0
        vectors, singular, _ = linalg.svd(seen / lengths[:, np.newaxis], full_matrices=False)
        kept = singular > _INDEPENDENT * singular[0]
        combinations = (vectors[:, kept] / singular[kept]).T / lengths
        return combinations @ forms, combinations @ values

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
        if self.unidentified.size:
            known &= self.sees(self.linear_map(classes, terms))
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
        hidden, length = self._outside_row_space(terms)
        if not hidden.any():
            return terms
        vectors, singular, _ = linalg.svd(hidden / length[:, np.newaxis])
        rank = int((singular > _ESTIMABLE).sum())
        return np.asarray((vectors[:, rank:].T / length) @ terms)

    def estimable_terms(self, terms: FloatArray) -> BoolArray:
        """Tell which linear forms of a column of the parameters, shape (t, m), the rows determine: shape (t,)."""
        hidden, length = self._outside_row_space(terms)
        return np.asarray(linalg.norm(hidden, axis=1) <= _ESTIMABLE * length)

    def _outside_row_space(self, terms: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what linear forms see of the null space of the rows, shape (t, m - r), and their lengths, scaled."""
        m, r = self.coordinates.features.shape
        if r == m or self.is_penalised:
            return np.zeros((len(terms), 0)), np.ones(len(terms))
        units, hidden = self._null_space
        scaled = terms / units
        length = linalg.norm(scaled, axis=1)
        return scaled @ hidden, np.where(length > 0.0, length, 1.0)

    @cached_property
    def _null_space(self) -> tuple[FloatArray, FloatArray]:
        """The units of [x - c; 1], shape (m,), and in them a basis of what changes no eta, shape (m, m - r).

        By the triangular factor of the rows: their second moments would see half as many digits.
        """
        objective = self.objective
        m, r = self.coordinates.features.shape
        center, constants = objective.moments.center, m - objective.rows.n_features
        (squares,) = objective.rows.sum(lambda block: (second_moments(objective, block, block.weights, is_full=False),))
        units = np.sqrt(squares / objective.moments.total_weight)
        units[units == 0.0] = 1.0

        def rows_of(block: Block) -> FloatArray:
            rows = np.concatenate([block.centred(center), np.ones((len(block), constants))], axis=1) / units
            # A constant column is noise about its mean.
            rows[:, squares == 0.0] = 0.0
            return rows if block.weights is None else rows * np.sqrt(block.weights)[:, np.newaxis]

        triangle = triangle_of(objective.rows.map(lambda block: (rows_of(block),)))
        return units, np.asarray(linalg.svd(triangle)[2][r:].T)

    @cached_property
    def constant(self) -> FloatArray | None:
        """The parameters, shape (m,), with which eta is 1 in every row: the intercept, or what columns of X add up to.

        None where no combination of the columns is constant.
        """
        objective = self.objective
        m, r = self.coordinates.features.shape
        if objective.fit_intercept:
            return np.asarray(np.identity(m)[-1])

        triangle = triangle_of(
            (np.append(block.features, np.ones((len(block.features), 1)), 1) * np.sqrt(block.weights)[:, np.newaxis],)
            for block in self.row_blocks()
        )
        if abs(triangle[r, r]) > _ESTIMABLE * linalg.norm(triangle[:, r]):
            return None
        return np.asarray(self.coordinates.features @ np.linalg.lstsq(triangle[:r, :r], triangle[:r, r], rcond=None)[0])

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


def triangle_of(blocks: Iterable[tuple[FloatArray, ...]]) -> FloatArray:
    """Return R, shape (m, m), of A = Q R, given the rows of A block by block."""
    triangle: FloatArray | None = None
    for (block,) in blocks:
        stacked = block if triangle is None else np.concatenate([triangle, block])
        triangle = np.asarray(np.linalg.qr(stacked, mode="r"))
    assert triangle is not None  # noqa: S101 - there are rows
    size = triangle.shape[1]
    return np.concatenate([triangle, np.zeros((size - len(triangle), size))])


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
    MemoryError
        If the information matrix is larger than the memory of this machine.
    """
    m, q = objective.shape
    n_parameters, memory = m * max(q - 1, 1), _physical_memory()
    needed = _COPIES * n_parameters**2 * np.dtype(np.float64).itemsize
    if needed > memory:
        raise MemoryError(
            f"The information matrix of {m} terms for each of {max(q, 2)} classes, {n_parameters:,} parameters, and "
            f"what is computed from it take {needed / 1e9:,.1f} GB, and this machine has {memory / 1e9:,.1f} GB. "
            "Select features first."
        )
    return null_coordinates(objective, null_model(objective).information, is_full=True)


def _physical_memory() -> float:
    """Return how many bytes this machine has; inf where the system does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return math.inf


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
