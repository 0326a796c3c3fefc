"""Where a fit ends the conditions of the optimum hold, by a gradient in plain NumPy, and the loss is what is said."""

import numpy as np
import pytest
from penalised import PENALTIES, likelihood_and_gradient, path_of, violation_of
from problems import PROBLEMS

from softglm.solver import GapKind
from softglm.status import Status

SHARES = (1.1, 0.5, 0.03)
NAMES, KINDS = list(PROBLEMS), list(PENALTIES)
# Of slopes of order 1, where a fit goes on as long as losses tell it anything: twice the root of their last digits.
EXACT = 3e-8
# Of the loss, a sum of terms a hundred times as large where columns are off-centre.
RESOLUTION = 1e-11
# What is proved of each fit, relative to F of the null model.
TOL = 1e-8


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_as_far_as_the_arithmetic_goes(name, kind):
    data, fit_intercept = PROBLEMS[name](), (NAMES.index(name) + KINDS.index(kind)) % 2 == 0
    penalties, fits = path_of(data, PENALTIES[kind], SHARES, fit_intercept=fit_intercept, tol=0.0)
    for penalty, fit in zip(penalties, fits, strict=True):
        assert violation_of(data, penalty, fit, fit_intercept=fit_intercept) < EXACT
        likelihood, _, _ = likelihood_and_gradient(data, fit.coef, fit.intercept)
        assert fit.loss == pytest.approx(likelihood + penalty.value(fit.coef), rel=RESOLUTION, abs=RESOLUTION)
        assert fit.penalty == pytest.approx(penalty.value(fit.coef))


@pytest.mark.parametrize("kind", PENALTIES)
@pytest.mark.parametrize("name", PROBLEMS)
def test_every_fit_is_proved_whatever_is_free(name, kind):
    data = PROBLEMS[name]()
    # Nothing that is free separates the classes there.
    factors = np.ones(data.X.shape[1])
    factors[-1] = float(name == "separable" or kind in {"sparse groups of two", "rising"})
    _, fits = path_of(data, PENALTIES[kind], SHARES[1:], factors=factors, tol=TOL)
    for fit in fits:
        assert fit.status is Status.CONVERGED
        assert fit.gap_kind is GapKind.DUALITY
        assert fit.gap <= TOL * fit.null_loss


def test_a_path_of_fifty_is_proved_at_every_point():
    shares = np.geomspace(1.0, 1e-3, 50)
    for name in ("many_classes", "two_classes", "badly_scaled"):
        _, fits = path_of(PROBLEMS[name](), PENALTIES["lasso"], shares, tol=TOL)
        assert all(fit.status is Status.CONVERGED for fit in fits)
        counts = [np.count_nonzero(fit.coef) for fit in fits]
        assert counts[0] == 0
        assert counts[-1] > 0


@pytest.mark.parametrize("name", ["many_classes", "soft_labels", "two_classes_with_offset", "sparse_rows", "wide"])
@pytest.mark.parametrize("kind", ["lasso", "elastic net", "grouped"])
def test_some_class_of_each_feature_is_at_0_where_a_shift_changes_nothing(name, kind):
    data = PROBLEMS[name]()
    _, fits = path_of(data, PENALTIES[kind], (0.1, 0.01), tol=TOL)
    for fit in fits:
        if kind == "lasso" and fit.coef.shape[1] > 1:
            assert (fit.coef == 0.0).any(axis=1).all()
            ordered, q = np.sort(fit.coef, axis=1), fit.coef.shape[1]
            assert (ordered[:, (q - 1) // 2] <= 0.0).all()
            assert (ordered[:, q // 2] >= 0.0).all()
        assert abs(fit.intercept.sum()) < EXACT or len(fit.intercept) == 1
