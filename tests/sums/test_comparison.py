"""Bounds on predictions, against optima that are drawn within what is known of them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp, softmax

from softglm.data import make_block
from softglm.sums import Comparison, Leverages, Predictor

# Of probabilities and losses of order 1, computed another way.
ROUNDING = 1e-13
# Of differences of losses in extended precision, relative to the step.
REFERENCE = 1e-17
# What is left of the digits of a step, in units of it.
DIGITS = 1e-12
RNG = np.random.default_rng(50)
X, OFFSET = RNG.normal(size=(40, 3)), RNG.normal(size=(40, 4))
WEIGHTS = RNG.exponential(size=40)
SHARES = RNG.dirichlet(np.ones(4), size=40)


def drawn_within(comparison, q):
    """A step from where the optimum is near, of the most length that the metric allows; here it is the identity."""
    step = RNG.normal(size=(4, q))
    return comparison.distance * step / np.linalg.norm(step)


def compared(q, *, size=0.3, distance=0.05, divergence=np.inf):
    rng = np.random.default_rng(q)
    longest = np.sqrt(2.0) if q > 1 else 1.0
    leverages = Leverages(np.zeros(3), longest * np.identity(4)[:3], longest * np.identity(4)[3])
    return Comparison(
        near=Predictor(rng.normal(size=(3, q)), rng.normal(size=q)),
        step=Predictor(size * rng.normal(size=(3, q)), size * rng.normal(size=q)),
        leverages=leverages,
        distance=distance,
        divergence=divergence,
        of_eta=1e-15,
        of_constants=0.0,
    )


def block_of(q):
    if q == 1:
        return make_block(X, SHARES[:, 1], WEIGHTS, OFFSET[:, :1])
    return make_block(X, SHARES[:, :q] / SHARES[:, :q].sum(axis=1, keepdims=True), WEIGHTS, OFFSET[:, :q])


def etas(predictor, q, *, offset=True):
    eta = X @ predictor.coef + predictor.intercept + (OFFSET[:, :q] if offset else 0.0)
    return np.column_stack([np.zeros(len(eta)), eta]) if q == 1 else eta


@pytest.mark.parametrize("q", [1, 3, 4])
def test_no_optimum_within_the_distance_has_other_probabilities_or_labels_than_is_said(q):
    for size in (0.0, 0.01, 1.0):
        comparison = compared(q, size=size)
        errors, labels, _, changes, may_change, *_ = comparison(block_of(q))
        near = etas(comparison.near, q)
        given = near + etas(comparison.step, q, offset=False)
        np.testing.assert_array_equal(labels, given.argmax(axis=1))
        for _ in range(100):
            away = drawn_within(comparison, q)
            best = near + etas(Predictor(away[:3], away[3]), q, offset=False)
            assert (np.abs(softmax(given, axis=1) - softmax(best, axis=1)).max(axis=1) <= errors + ROUNDING).all()
            differ = best.argmax(axis=1) != labels
            assert may_change[differ].all()
            assert differ[changes].all()


@pytest.mark.parametrize("q", [1, 3])
def test_no_means_within_the_divergence_have_other_probabilities_or_labels_than_is_said(q):
    comparison = replace(compared(q, divergence=1e-3), leverages=None)
    errors, labels, _, changes, may_change, *_ = comparison(block_of(q))
    near = etas(comparison.near, q)
    given = near + etas(comparison.step, q, offset=False)
    for _ in range(300):
        best = near + 10.0 ** RNG.uniform(-4, 0) * RNG.normal(size=near.shape)
        log_best, log_near = log_softmax(best, axis=1), log_softmax(near, axis=1)
        allowed = WEIGHTS * (np.exp(log_best) * (log_best - log_near)).sum(axis=1) <= comparison.divergence
        off = np.abs(softmax(given, axis=1) - np.exp(log_best)).max(axis=1)
        assert (off <= errors + ROUNDING)[allowed].all()
        differ = best.argmax(axis=1) != labels
        assert may_change[differ & allowed].all()
        assert differ[changes & allowed].all()


def test_a_row_that_weighs_nothing_has_any_label_unless_the_hessian_tells():
    block = make_block(X, SHARES[:, :3], np.zeros(40), OFFSET[:, :3])
    by_both, by_divergence = (
        replace(compared(3, size=0.0, distance=1e-9, divergence=1e-12), **options)
        for options in ({}, {"leverages": None})
    )
    assert not by_both(block)[4].any()
    errors, _, _, changes, may_change, *_ = by_divergence(block)
    assert may_change.all()
    assert not changes.any()
    assert (errors <= 1.0).all()


@pytest.mark.parametrize("q", [1, 4])
@pytest.mark.parametrize("size", [0.0, 1e-12, 1e-6, 1e-2, 1.0, 30.0, 1e3])
def test_what_a_loss_rises_by_keeps_the_digits_of_the_step(q, size):
    comparison, block = compared(q, size=size), block_of(q)
    *_, rises, off, squares = comparison(block)
    near, step = (etas(comparison.near, q), etas(comparison.step, q, offset=False))
    targets = block.targets_matrix(q)
    targets = np.vstack([1.0 - targets, targets]).T if q == 1 else targets.T
    near, step, targets, weights = (np.asarray(each, dtype=np.longdouble) for each in (near, step, targets, WEIGHTS))
    mean = softmax(near, axis=1)
    apart = step - (mean * step).sum(axis=1, keepdims=True)
    bent = np.log1p((mean * (np.expm1(apart) - apart)).sum(axis=1))
    expected = weights * (bent + ((mean - targets) * step).sum(axis=1))
    assert (np.abs(rises - expected) <= off + REFERENCE * size).all()
    np.testing.assert_allclose(squares, (weights * (step**2).sum(axis=1)).astype(float), rtol=1e-10, atol=1e-40)
    if size <= 1e-2:
        assert (off <= DIGITS * size).all()


def test_where_losses_rise_by_much_they_are_differences():
    comparison, block = compared(3, size=50.0), block_of(3)
    *_, rises, _, _ = comparison(block)
    near, given = etas(comparison.near, 3), etas(comparison.near, 3) + etas(comparison.step, 3, offset=False)
    targets = block.targets_matrix(3).T
    losses = [logsumexp(eta, axis=1) - (targets * eta).sum(axis=1) for eta in (near, given)]
    np.testing.assert_allclose(rises, WEIGHTS * (losses[1] - losses[0]), rtol=1e-10, atol=1e-12)


def test_rows_of_zeros_tie_at_every_optimum_without_an_intercept():
    comparison = compared(3)
    comparison = replace(
        comparison,
        near=replace(comparison.near, intercept=np.zeros(3)),
        step=replace(comparison.step, intercept=np.zeros(3)),
        leverages=replace(comparison.leverages, constant=np.zeros(4)),
    )
    errors, labels, _, _, may_change, *_ = comparison(make_block(np.zeros((2, 3)), SHARES[:2, :3], None, None))
    assert not may_change.any()
    assert not labels.any()
    assert (errors <= ROUNDING).all()
