"""Classes that share next to nothing of the weight: what moves the intercepts far hardly moves the slopes."""

import numpy as np
import pytest
from numpy.testing import assert_array_less
from penalised import prepared_of
from problems import many_classes, two_classes, weighted_with_offset
from sklearn.datasets import make_blobs

from softglm import softglm_path
from softglm.sparse.columns import WorkingColumns
from softglm.sparse.proof import Proofs

# What is computed here is rounded, too.
ROUNDED = 1.0 + 1e-12


@pytest.mark.parametrize("weights", [(1e3, 1e-4), (1.0, 1e6), (1e3, 1e-4, 1.0)])
def test_every_strength_is_proved_to_a_share_of_a_tiny_loss(weights):
    X, y = make_blobs(n_samples=60, centers=len(weights), random_state=0, cluster_std=20.0)
    path = softglm_path(X, y, l1_ratio=0.5, n_alphas=5, class_weight=dict(enumerate(weights)), tol=1e-8)
    assert path.converged.all()


@pytest.mark.parametrize("problem", [two_classes, many_classes, weighted_with_offset])
@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_no_slope_moves_further_than_it_is_said_to(problem, scale):
    prepared, rng = prepared_of(problem()), np.random.default_rng(0)
    held = WorkingColumns(prepared)
    z, q = held.array[held.n_constants :], prepared.family.n_parameters
    for _ in range(20):
        mean = prepared.family.mean(rng.normal(scale=scale, size=(q, z.shape[1])))
        # A move of the intercepts, and of the first feature as if it were free.
        moves = np.multiply.outer(rng.normal(size=q), np.ones(z.shape[1])) + np.outer(rng.normal(size=q), z[0])
        changes = mean * moves * (1.0 - mean) if q == 1 else mean * (moves - (mean * moves).sum(axis=0))
        length = np.sqrt((moves * changes).sum(axis=0) @ held.weights)
        reach = Proofs(prepared, held).reach(mean, held.n_constants)
        assert_array_less(np.abs(z @ (changes * held.weights).T), reach * length * ROUNDED + np.finfo(float).tiny)
