"""Paths that are fitted by Newton's method as it stands, and proved many points at once."""

from functools import partial

import numpy as np
import pytest
from penalised import lasso, path_of, prepared_of
from problems import many_classes, overlapping, separable, soft_labels, two_classes, weighted_with_offset

from softglm.sparse import plain
from softglm.sparse.together import ProofsTogether
from softglm.status import Status
from softglm.sweep import sweep

SAME = {"rtol": 1e-6, "atol": 1e-7}
EXACT = 1e-15
KINDS = {"lasso": lasso, "elastic net": partial(lasso, l1_ratio=0.5), "nearly a lasso": partial(lasso, l1_ratio=0.99)}
FALLING = np.geomspace(1.0, 1e-3, 40)


def one_by_one(monkeypatch, *path):
    """Return a path as it is fitted where all is not small."""
    with monkeypatch.context() as patched:
        patched.setattr(plain, "_FEW_PRODUCTS", 0)
        return path_of(*path, tol=EXACT)[1]


def relative(coef):
    """Return coefficients of classes relative to their mean."""
    return coef - coef.mean(axis=1, keepdims=True) if coef.shape[1] > 1 else coef


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (many_classes, "lasso"),
        (two_classes, "lasso"),
        (soft_labels, "lasso"),
        (weighted_with_offset, "elastic net"),
        (overlapping, "nearly a lasso"),
    ],
)
def test_the_optimum_is_that_of_larger_problems(monkeypatch, problem, kind):
    shares = FALLING[::13]
    _, fits = path_of(problem(), KINDS[kind], shares, tol=EXACT)
    for fit, other in zip(fits, one_by_one(monkeypatch, problem(), KINDS[kind], shares), strict=True):
        # Of even numbers of classes the lasso leaves a shift open.
        np.testing.assert_allclose(relative(fit.coef), relative(other.coef), **SAME)
        assert fit.loss == pytest.approx(other.loss, rel=1e-12)


@pytest.mark.parametrize(("problem", "kind"), [(many_classes, "lasso"), (two_classes, "elastic net")])
def test_along_a_path_about_one_evaluation_a_strength_is_enough(problem, kind):
    _, fits = path_of(problem(), KINDS[kind], FALLING, tol=1e-6)
    assert all(fit.gap <= 1e-6 * fit.null_loss for fit in fits)
    assert sum(fit.n_evaluations for fit in fits) <= 1.2 * len(fits)


@pytest.mark.parametrize("tol", [1e-2, 1e-9])
@pytest.mark.parametrize("shares", [(1.0, 1e-4), (1e-3, 0.9, 1e-2, 1e-2), (2.0, 1e-6, 0.5)])
def test_strengths_may_come_as_they_like(shares, tol):
    for problem in (overlapping, two_classes, separable):
        _, fits = path_of(problem(), lasso, shares, tol=tol)
        assert all(fit.status is Status.CONVERGED and fit.gap <= tol * fit.null_loss for fit in fits)


def test_what_is_not_proved_with_others_is_fitted_by_itself(monkeypatch):
    gaps = ProofsTogether.gaps

    def some(proofs, arrivals):
        return [np.nan if place % 3 == 0 else gap for place, gap in enumerate(gaps(proofs, arrivals))]

    _, fits = path_of(overlapping(), lasso, FALLING[::8], tol=1e-9)
    monkeypatch.setattr(ProofsTogether, "gaps", some)
    _, others = path_of(overlapping(), lasso, FALLING[::8], tol=1e-9)
    for fit, other in zip(fits, others, strict=True):
        assert other.status is Status.CONVERGED
        assert other.loss == pytest.approx(fit.loss, rel=1e-9)


def test_no_more_iterations_are_made_than_allowed():
    data, penalties = overlapping(), [lasso(np.ones(4), fit_intercept=True).times(alpha) for alpha in (0.1, 0.01, 1e-3)]
    fits = list(sweep(prepared_of(data), penalties, tol=EXACT, max_iter=1))
    assert all(fit.n_iterations <= 1 for fit in fits)
    assert fits[-1].status is Status.ITERATIONS
