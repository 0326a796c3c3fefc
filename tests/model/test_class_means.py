"""The metric of classes that differ in their means, against the blocks of the Hessian that it stands for."""

import numpy as np
import pytest

from softglm import SoftmaxGLM
from softglm.data import RowsInMemory
from softglm.families import Bernoulli, Categorical
from softglm.model import Objective, Ridge
from softglm.model.class_means import ClassMeans, ClassMeansMetric, tells_class_means
from softglm.model.coordinates import second_moments

# Sums of some hundred products of numbers of order 1.
ROUNDING = 1e-9
STRENGTH = 0.01


def objective_of(seed, *, n=400, p=6, K=5, fit_intercept=True, strength=STRENGTH, is_even=False, away=0.0):
    rng = np.random.default_rng(seed)
    y = (np.arange(n) % K if is_even else np.append(np.arange(K), rng.integers(K, size=n - K))).astype(np.int32)
    X = rng.normal(size=(n, p)) + 2.0 * rng.normal(size=(K, p))[y] + away
    rows = RowsInMemory(X, y, weights=None if is_even else rng.uniform(0.5, 2.0, size=n))
    penalty = Ridge.on_coefficients(strength, p, fit_intercept=fit_intercept)
    return Objective(rows, Categorical(K), penalty, fit_intercept=fit_intercept), X, y


def of_labels(objective):
    moments, total = objective.rows.sum(second_moments(objective))
    return ClassMeans.of_labels(objective, moments / total)


def blocks(means, penalty):
    """The matrix of each class, shape (q, m, m), as the module's header has it."""
    within = (means.moments - (means.means * means.shares) @ means.means.T) / means.shares.sum()
    spread = means.moments.diagonal() / means.shares.sum()
    about = spread - np.square(means.means @ means.shares / means.shares.sum())
    np.fill_diagonal(within, np.maximum(within.diagonal(), 1e-3 * np.where(about > 1e-11 * spread, about, spread)))
    return [
        share * (within + np.outer(mean, mean)) + np.diag(penalty)
        for share, mean in zip(means.shares, means.means.T, strict=True)
    ]


@pytest.mark.parametrize(("fit_intercept", "away"), [(True, 0.0), (False, 0.0), (False, 300.0)])
def test_it_solves_with_the_blocks_between_centrings(fit_intercept, away):
    # Of shares that are all the same the ridge is diagonal with them: in F each block is the identity but for w w'.
    objective, *_ = objective_of(0, fit_intercept=fit_intercept, is_even=True, away=away)
    means, penalty = of_labels(objective), objective.penalty.curvature
    gradient = np.random.default_rng(1).normal(size=objective.shape)
    gradient -= gradient.mean(axis=1, keepdims=True)
    columns = [np.linalg.solve(block, own) for block, own in zip(blocks(means, penalty), gradient.T, strict=True)]
    expected = np.stack(columns, axis=1)
    expected -= expected.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(
        ClassMeansMetric.of(means, penalty).solve(gradient), expected, rtol=ROUNDING * (1.0 + away)
    )


def test_far_from_the_rows_classes_keep_no_more_of_a_spread_than_they_have():
    # Without an intercept rows are not centred: of second moments as large as the distance a thousandth is much.
    objective, *_ = objective_of(10, fit_intercept=False, is_even=True, away=300.0)
    means, penalty = of_labels(objective), objective.penalty.curvature
    within = (means.moments - (means.means * means.shares) @ means.means.T) / means.shares.sum()
    features = ClassMeansMetric.of(means, penalty).features
    joint = within + np.diag(penalty / means.shares.mean())
    np.testing.assert_allclose(features.T @ joint @ features, np.eye(6), atol=1e-6)


def test_a_column_that_does_not_vary_is_no_direction_to_go():
    X, y = np.random.default_rng(11).normal(size=(90, 8)), (np.arange(90) % 5).astype(np.int32)
    X[:, 2] = 1.0
    factors = Ridge(np.append(np.geomspace(0.01, 1.0, 8), 0.0))
    objective = Objective(RowsInMemory(X, y), Categorical(5), factors, fit_intercept=True)
    metric = ClassMeansMetric.of(of_labels(objective), objective.penalty.curvature)
    assert metric.features.shape == (9, 8)
    assert metric.scales.max() < 1e3


def test_rows_too_far_for_sums_to_tell_how_they_differ_have_no_class_means():
    assert tells_class_means(objective_of(12, fit_intercept=False, away=1e4)[0])
    assert not tells_class_means(objective_of(12, fit_intercept=False, away=1e6)[0])
    assert tells_class_means(objective_of(12, away=1e6)[0])


def test_rows_too_few_to_tell_what_is_about_the_means_have_no_class_means():
    assert tells_class_means(objective_of(13, n=12)[0])
    assert not tells_class_means(objective_of(13, n=11)[0])


def test_whitening_and_its_way_back_are_transposes_and_any_constant_over_the_classes_is_left_out():
    objective, *_ = objective_of(2)
    metric, rng = ClassMeansMetric.of(of_labels(objective), objective.penalty.curvature), np.random.default_rng(3)
    gradient, vector = rng.normal(size=objective.shape), rng.normal(size=metric.scales.size)
    assert metric.whiten(gradient) @ vector == pytest.approx(np.vdot(gradient, metric.unwhiten(vector)), rel=ROUNDING)
    np.testing.assert_allclose(metric.unwhiten(vector).sum(axis=1), 0.0, atol=ROUNDING)
    np.testing.assert_allclose(metric.whiten(gradient + rng.normal(size=(7, 1))), metric.whiten(gradient), atol=1e-8)


def test_a_shortened_metric_has_a_first_step_that_is_shorter_by_the_factor():
    objective, *_ = objective_of(4)
    metric = ClassMeansMetric.of(of_labels(objective), objective.penalty.curvature)
    gradient = np.random.default_rng(5).normal(size=objective.shape)
    np.testing.assert_allclose(metric.shortened(0.25).solve(gradient), 0.25 * metric.solve(gradient), rtol=ROUNDING)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_at_a_point_means_are_those_of_rows_weighted_by_the_curvature_of_each_class(fit_intercept):
    objective, X, _ = objective_of(6, fit_intercept=fit_intercept)
    point = np.random.default_rng(7).normal(size=objective.shape)
    found = ClassMeans.at(objective, point)
    design = X - objective.moments.center
    design = np.column_stack([design, np.ones(len(X))]) if fit_intercept else design
    mean = objective.family.mean((design @ point).T)
    weights = objective.rows.parts[2]
    bends = mean * (1.0 - mean) * weights / weights.sum()
    np.testing.assert_allclose(found.shares, bends.sum(axis=1), rtol=ROUNDING)
    np.testing.assert_allclose(found.means, (bends @ design).T / bends.sum(axis=1), rtol=ROUNDING, atol=ROUNDING)
    np.testing.assert_allclose(found.moments, (design.T * bends.sum(axis=0)) @ design, rtol=ROUNDING, atol=ROUNDING)


def test_what_is_not_of_several_classes_or_not_penalised_has_none():
    assert tells_class_means(objective_of(8)[0])
    assert not tells_class_means(objective_of(8, strength=0.0)[0])
    rng = np.random.default_rng(9)
    rows = RowsInMemory(rng.normal(size=(50, 3)), np.arange(50, dtype=np.int32) % 2)
    penalty = Ridge.on_coefficients(STRENGTH, 3, fit_intercept=True)
    assert not tells_class_means(Objective(rows, Bernoulli(), penalty, fit_intercept=True))


def test_under_a_strong_penalty_the_metric_of_the_null_model_leads_there_at_once():
    X, y = np.random.default_rng(14).normal(size=(400, 150)), np.arange(400) % 30
    model = SoftmaxGLM(C=0.01, tol=1e-2).fit(X, y)
    assert model.converged_
    assert model.n_passes_ <= 7  # 10 by class means
