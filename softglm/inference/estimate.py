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
from typing import Literal, final

import numpy as np
from scipy import linalg

from softglm.arrays import BoolArray, FloatArray
from softglm.data import physical_memory
from softglm.families import UnconstrainedFamily
from softglm.inference.contributions import Contributions, RowBlock, row_blocks
from softglm.inference.estimable import Identified, RowSpace, constant_of, row_space_of
from softglm.inference.forms import class_forms, contrast_forms, term_forms
from softglm.inference.jeffreys import log_prior_gradient
from softglm.inference.score_sums import RowScores
from softglm.model import Objective, null_coordinates, null_model
from softglm.model.fisher import assembled, between_classes, hessian_of, information_sum
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.many_classes import as_matrix
from softglm.once import cached_property
from softglm.sums import EvaluationAndInformation, Features, Predictor

# Eigenvalues of a singular information below this share of those at the null model, which are all W, are rounding.
_RANK_TOLERANCE = 1e-12
# The matrices of the size of the information that are held at a time.
_COPIES = 10
# A block has so many rows at least, and a core does so many operations a second, about.
_BLOCK, _SPEED = 1024, 1e10
# Forms of length 1 whose singular values are below this share of the largest are combinations of the others.
_INDEPENDENT = 1e-10


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
        W times the gradient of f in coordinates, at `parameters`; of a bias-reduced estimate minus that of what it
        maximises.
    value : float
        f, at `parameters`.
    is_singular : bool
        Whether the information is known to have directions of zero: the limit of a separated fit.
    observed : Objective or None
        For such a limit the objective of the data themselves, in which nothing has gone to infinity.
    is_bias_reduced : bool
        Whether the estimate maximises the log-likelihood plus half the log determinant of the information (Jeffreys'
        prior), and not the log-likelihood alone.
    """

    objective: Objective
    parameters: FloatArray
    coordinates: KroneckerCoordinates
    information: FloatArray
    curvature: FloatArray
    gradient: FloatArray
    value: float
    is_singular: bool = False
    observed: Objective | None = None
    is_bias_reduced: bool = False

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
    def kind(self) -> Literal["maximum likelihood", "penalised", "bias-reduced"]:
        """What it is, for a report."""
        if self.is_bias_reduced:
            return "bias-reduced"
        return "penalised" if self.is_penalised else "maximum likelihood"

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
        return -self.total_weight * (self.value - self.objective.penalty.value(self.parameters))

    @property
    def criterion(self) -> float:
        """What an unpenalised estimate maximises, in nats: the log-likelihood; bias-reduced, with Jeffreys' prior.

        The determinant is that in coordinates: in others it differs by a constant. -inf where it is 0.
        """
        if not self.is_bias_reduced:
            return self.log_likelihood
        if self._factor is None:
            return -math.inf
        return self.log_likelihood + float(np.log(self._factor[0].diagonal()).sum())

    def at(self, parameters: FloatArray) -> "Estimate":
        """Return the same elsewhere, at parameters of shape (m, q)."""
        return estimate_at(
            self.objective,
            parameters,
            self.coordinates,
            is_singular=self.is_singular,
            is_bias_reduced=self.is_bias_reduced,
        )

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
        if not identity.size:  # which the oldest SciPy does not solve
            return identity
        return np.asarray(linalg.solve_triangular(self._factor[0], identity, lower=True, trans="T"))

    @property
    def unidentified(self) -> FloatArray:
        """A basis, shape (P, P - rank), of the directions that change no likelihood."""
        return np.zeros((len(self.curvature), 0)) if self._factor is not None else self._spectrum[1]

    def solve(self, right: FloatArray) -> FloatArray:
        """Return curvature^-1 right, shape of `right`, (P,) or (P, k); its pseudo-inverse where it is singular."""
        if self._factor is not None:
            return np.asarray(linalg.cho_solve(self._factor, right) if right.size else right)
        return np.asarray(self.inverse_root @ (self.inverse_root.T @ right))

    @property
    def identified(self) -> Identified:
        """What the limit of a separated fit determines."""
        return Identified(self.coordinates.scales, self.unidentified)

    def sees(self, forms: FloatArray) -> BoolArray:
        """Tell which linear forms of the coordinates, shape (k, P), the limit of a separated fit determines, (k,)."""
        return self.identified.forms(forms)

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
        known = np.tile(self.row_space.estimable(terms), len(classes))
        if self.unidentified.size:
            known &= self.sees(self.linear_map(classes, terms))
        return np.asarray(known)

    @cached_property
    def row_space(self) -> RowSpace:
        """What the rows determine of linear forms of a column of the parameters: all, where anything is penalised."""
        m, r = self.coordinates.features.shape
        if r == m or self.is_penalised:
            return RowSpace(np.ones(m), np.zeros((m, 0)))
        return row_space_of(self.objective, r)

    @cached_property
    def constant(self) -> FloatArray | None:
        """The parameters, shape (m,), with which eta is 1 in every row: the intercept, or what columns of X add up to.

        None where no combination of the columns is constant.
        """
        if self.objective.fit_intercept:
            return np.asarray(np.identity(self.objective.shape[0])[-1])
        return constant_of(self.objective.rows, self.features)

    @property
    def predictor(self) -> Predictor:
        """What makes eta of a block of rows."""
        return Predictor(*self.objective.uncentred(self.parameters))

    @property
    def features(self) -> Features:
        """What makes F'[x - c; 1] of a block of rows."""
        return Features(self.objective.moments.center, self.coordinates.features)

    @property
    def contributions(self) -> Contributions:
        """What the rows of a block contribute to the score."""
        return Contributions(self.objective.family, self.predictor, self.features)

    def row_blocks(self) -> Iterator[RowBlock]:
        """Yield what the rows contribute, block by block, in their order."""
        yield from row_blocks(self.objective.rows, self.contributions)

    @property
    def row_scores(self) -> RowScores:
        """What makes the scores of rows of what they contribute."""
        return RowScores(self.contributions, self.coordinates.classes, self.coordinates.scales)

    def scores(self) -> Iterator[tuple[slice, FloatArray]]:
        """Yield, block by block, which rows, and the gradients of their log-likelihoods, weighted, (rows, P)."""
        return self.row_scores.weighted(self.objective.rows)

    def information_of(self, grams: FloatArray) -> FloatArray:
        """Return the information of some rows, shape (P, P), given sum_i v_di f_i f_i' for each direction d of A''.

        Parameters
        ----------
        grams : array of shape (d, r (r + 1) / 2)
            Packed upper triangles.
        """
        unpenalised = replace(self.coordinates, ridge=np.zeros_like(self.coordinates.ridge))
        between = between_classes(grams, self.objective.family.curvature_directions, self.coordinates.classes)
        return assembled(between, 1.0, unpenalised)


def estimate_at(
    objective: Objective,
    parameters: FloatArray,
    coordinates: KroneckerCoordinates | None = None,
    *,
    is_singular: bool = False,
    is_bias_reduced: bool = False,
) -> Estimate:
    """Return the curvature at these parameters, shape (m, q), in the coordinates of the null model."""
    if coordinates is None:
        coordinates = coordinates_of(objective)
    unpenalised = replace(coordinates, ridge=np.zeros_like(coordinates.ridge))
    total = objective.moments.total_weight
    sums = EvaluationAndInformation(information_sum(objective, parameters, unpenalised))
    grams, *evaluation = objective.rows.sum(sums)
    information = total * hessian_of(objective, grams, unpenalised)
    ridge = total * np.ravel(coordinates.ridge[:, np.newaxis] * coordinates.scales**2)
    value, gradient = objective.assembled(tuple(evaluation), parameters)
    estimate = Estimate(
        objective=objective,
        parameters=parameters,
        coordinates=coordinates,
        information=information,
        curvature=information + np.diag(ridge) if ridge.any() else information,
        gradient=total * coordinates.pull_back(gradient),
        value=value,
        is_singular=is_singular,
        is_bias_reduced=is_bias_reduced,
    )
    if not is_bias_reduced:
        return estimate
    slope = log_prior_gradient(objective, parameters, coordinates, estimate.inverse_curvature)
    return replace(estimate, gradient=estimate.gradient - slope)


def coordinates_of(objective: Objective) -> KroneckerCoordinates:
    """Return the whitened coordinates of the null model.

    Raises
    ------
    MemoryError
        As `check_size` does.
    """
    check_size(objective.family, objective.shape[0], objective.rows.n_rows)
    return null_coordinates(objective, as_matrix(null_model(objective).information), is_full=True)


def check_size(family: UnconstrainedFamily, n_terms: int, n_rows: int) -> None:
    """Raise if so many terms, the columns of X and their constant, are too many, before anything is computed.

    Raises
    ------
    MemoryError
        If the information matrix, or what it is summed from, is larger than the memory of this machine.
    """
    memory = physical_memory()
    q, d = family.n_parameters, family.n_curvature_directions
    n_parameters = n_terms * family.n_identifiable
    # The directions themselves, their weights in a block of rows, and the sums under each.
    numbers = _COPIES * n_parameters**2 + d * (q + min(n_rows, _BLOCK) + n_terms * (n_terms + 1) // 2)
    needed = numbers * np.dtype(np.float64).itemsize
    if needed > memory:
        operations = 4.0 * n_parameters**3 + 1.0 * n_rows * d * n_terms**2
        raise MemoryError(
            f"The information matrix of {n_terms} terms for each of {max(q, 2)} classes, {n_parameters:,} parameters, "
            f"and what is computed from it take {needed / 1e9:,.1f} GB, and this machine has {memory / 1e9:,.1f} GB. "
            "Select features first, or merge the rare levels of factors, or rare classes. (Of one core it would take "
            f"some {operations / _SPEED:,.0f} seconds.)"
        )
