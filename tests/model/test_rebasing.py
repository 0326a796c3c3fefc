"""Columns of tiny spread, and of a spread that is tiny beside their mean, are fitted like any others."""

import warnings

import numpy as np
import pytest
from problems import drawn_classes
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from softglm import SoftmaxGLM, detect_separation
from softglm.data import AdaptedRows, Rebasing, RowsInMemory
from softglm.families import Bernoulli
from softglm.model import Basis, Objective, Ridge, null_coordinates, null_model, rebased
from softglm.model.rebasing import units_of

# Scales by powers of ten round every entry: coefficients agree to what the fit promises, and more.
SAME, SAME_PROBABILITY = 1e-6, 1e-8
ALL = [1e-300, 1e-200, 1e-150, 1e-100, 1e-20, 1e50, 1e99]
SCALES = {
    **{f"all {scale:g}": np.full(3, scale) for scale in ALL},
    **{f"one {scale:g}": np.array([1.0, scale, 1.0]) for scale in ALL},
    "all different": np.array([1e-300, 1e-120, 1e99]),
    "tiny and less tiny": np.array([1e-160, 1e-120, 1e-90]),
}


def problem(n_classes, n_rows=300):
    rng = np.random.default_rng(n_classes)
    X = rng.normal(size=(n_rows, 3))
    y = drawn_classes(rng, X @ rng.normal(size=(3, n_classes)))
    return X, y, rng.uniform(0.5, 2.0, n_rows)


@pytest.mark.parametrize("kind", ["dense", "sparse", "weighted"])
@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("name", SCALES)
def test_without_penalty_the_scales_of_columns_do_not_matter(name, n_classes, kind):
    X, y, weights = problem(n_classes)
    scale = SCALES[name]
    given = {"sample_weight": weights} if kind == "weighted" else {}
    kept = sparse.csr_array if kind == "sparse" else np.asarray
    plain = SoftmaxGLM(alpha=0).fit(kept(X), y, **given)
    scaled = SoftmaxGLM(alpha=0).fit(kept(X * scale), y, **given)
    assert scaled.converged_
    np.testing.assert_allclose(scaled.coef_ * scale, plain.coef_, rtol=0.0, atol=SAME)
    there, here = scaled.predict_proba(kept(X * scale)), plain.predict_proba(kept(X))
    np.testing.assert_allclose(there, here, rtol=0.0, atol=SAME_PROBABILITY)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", SCALES)
def test_with_a_penalty_a_tiny_column_has_nothing_to_say(name, n_classes):
    X, y, _ = problem(n_classes)
    scale = SCALES[name]
    model = SoftmaxGLM().fit(X * scale, y)
    # Where the penalty is nothing to a column, or everything.
    same = SoftmaxGLM(alpha=0).fit(X, y) if (scale > 1e10).all() else None
    without = SoftmaxGLM().fit(np.where(scale < 1e-10, 0.0, X * scale), y)
    assert model.converged_
    np.testing.assert_allclose(model.predict_proba(X * scale), without.predict_proba(X * scale), atol=SAME_PROBABILITY)
    if same is not None:
        np.testing.assert_allclose(model.coef_ * scale, same.coef_, rtol=0.0, atol=SAME)


@pytest.mark.parametrize("name", SCALES)
def test_separation_does_not_know_the_scales_of_columns(name):
    X, y, _ = problem(3)
    scale = SCALES[name]
    apart = (X @ [1.0, 2.0, -1.0] > 0.0).astype(int)
    assert detect_separation(X * scale, y).kind == "none"
    found, plain = detect_separation(X * scale, apart), detect_separation(X, apart)
    assert found.kind == "complete"
    # Along which of several directions something goes to infinity is not determined.
    told = found.determined & plain.determined
    np.testing.assert_array_equal(found.limits[told], plain.limits[told])
    np.testing.assert_array_equal(np.isinf(found.limits), np.isinf(plain.limits))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert SoftmaxGLM(alpha=0).fit(X * scale, apart).status_.startswith("separated")


@pytest.mark.parametrize("scale", [1e-150, 1e-200, 1e-300])
def test_wide_rows_without_penalty_count_tiny_columns_like_others(scale):
    rng = np.random.default_rng(0)
    # Soft labels separate nothing.
    X, targets = rng.normal(size=(20, 50)), rng.uniform(0.2, 0.8, 20)
    tiny = np.where(np.arange(50) % 2, scale, 1.0)
    Y = np.column_stack([1.0 - targets, targets])
    plain, scaled = (SoftmaxGLM(alpha=0).fit(X * factor, Y) for factor in (1.0, tiny))
    assert plain.converged_
    assert scaled.converged_
    np.testing.assert_allclose(scaled.coef_ * tiny, plain.coef_, rtol=0.0, atol=SAME)


@pytest.mark.parametrize("constant", [0.1, 1e8 + 0.1, -1.0 / 3.0])
def test_constant_columns_of_wide_rows_are_no_features(constant):
    rng = np.random.default_rng(0)
    X, targets = rng.normal(size=(21, 50)), rng.uniform(0.2, 0.8, 21)
    Y = np.column_stack([1.0 - targets, targets])
    # Their weighted means are rounded, and what is left of the constants would be scaled up.
    weights = rng.uniform(0.5, 2.0, 21)
    widened = SoftmaxGLM(alpha=0).fit(np.insert(X, 3, constant, axis=1), Y, sample_weight=weights)
    np.testing.assert_allclose(widened.coef_[:, 3], 0.0, atol=1e-12)
    assert widened.converged_
    plain = SoftmaxGLM(alpha=0).fit(X, Y, sample_weight=weights)
    np.testing.assert_allclose(np.delete(widened.coef_, 3, axis=1), plain.coef_, rtol=0.0, atol=SAME)


@pytest.mark.parametrize("scale", [1e-30, 1e-37])
def test_tiny_columns_in_single_precision(scale):
    X, y, _ = problem(3)
    single = (X * scale).astype(np.float32)
    model, exact = SoftmaxGLM(alpha=0).fit(single, y), SoftmaxGLM(alpha=0).fit(single.astype(np.float64) / scale, y)
    assert model.converged_
    assert model.coef_.dtype == np.float32
    # float32 keeps seven digits.
    np.testing.assert_allclose(model.coef_.astype(np.float64) * scale, exact.coef_, rtol=1e-6)


def test_coefficients_beyond_single_precision_are_not_called_converged():
    X, y, _ = problem(2)
    with pytest.warns(ConvergenceWarning, match="rounding the coefficients to float32 lost more"):
        model = SoftmaxGLM(alpha=0).fit((X * 1e-43).astype(np.float32), y)
    assert not model.converged_
    assert np.isfinite(model.coef_).all()


def test_coefficients_beyond_double_precision_are_not_called_converged():
    X, y, _ = problem(2)
    with pytest.warns(ConvergenceWarning, match="too large or too small for the arithmetic"):
        model = SoftmaxGLM(alpha=0).fit(np.sign(X) * 1e-310 * np.arange(1, 4), y)
    assert not model.converged_
    assert np.isfinite(model.coef_).all()


@pytest.mark.parametrize(
    ("mean", "spread"),
    [([1e-150, 1e-200, 3.0], [1e-157, 1e-203, 1e-9]), ([1e9, 1e12, -1e7], [1.0, 1e4, 1e-3])],
)
def test_a_spread_that_is_tiny_beside_the_mean_is_one(mean, spread):
    X, y, _ = problem(3)
    given = np.add(mean, X * spread)
    # What the sum has rounded is not the fit's fault.
    plain, moved = SoftmaxGLM(alpha=0).fit((given - mean) / spread, y), SoftmaxGLM(alpha=0).fit(given, y)
    assert moved.converged_
    np.testing.assert_allclose(moved.coef_ * spread, plain.coef_, rtol=0.0, atol=SAME)


def test_a_warm_start_has_coefficients_of_the_columns_as_they_are():
    X, y, _ = problem(3)
    tiny, plain = SoftmaxGLM(alpha=0, warm_start=True), SoftmaxGLM(alpha=0).fit(X, y)
    tiny.fit(X * 1e-200, y)
    n_first = tiny.n_iter_[0]
    tiny.fit(X * 1e-200, y)
    assert tiny.n_iter_[0] <= min(n_first, 1)
    np.testing.assert_allclose(tiny.coef_ * 1e-200, plain.coef_, rtol=0.0, atol=SAME)


def objective(X, alpha=0.0):
    nothing = Ridge.on_coefficients(alpha, X.shape[1], fit_intercept=True)
    return Objective(RowsInMemory(X, np.arange(len(X)) % 2 * 1.0), Bernoulli(), nothing, fit_intercept=True)


@pytest.mark.parametrize("alpha", [0.0, 1e-190, 1e-3])
@pytest.mark.parametrize("scale", [1e-60, 1.0, 1e90])
def test_ordinary_columns_stay_as_they_are(scale, alpha):
    given = objective(np.column_stack([scale * problem(2)[0], np.full(300, 7.0), np.zeros(300)]), alpha)
    assert rebased(given, null_coordinates(given, null_model(given).information)) is None


@pytest.mark.parametrize(("origin", "units"), [([0.0, 0.0], [2.0**900, 1.0]), ([3.0, -1e9], [1.0, 2.0**-3])])
def test_rebased_rows_have_the_same_predictor_in_the_coefficients_of_the_basis(origin, units):
    X = problem(2)[0][:, :2] / units + origin
    there = objective(X)
    moved = AdaptedRows(there.rows, Rebasing(np.array(origin), np.array(units)))
    basis = Basis(np.array(origin), np.array(units))
    coef, intercept = np.array([[1.5], [-0.5]]), np.array([0.25])
    (eta,) = moved.concatenate(lambda block: (block.predictor(coef, intercept),))
    up = basis.up(coef, intercept)
    # About an origin of 1e9 double precision has lost nine of its digits.
    tolerance = 1e-13 * (1.0 + np.abs(np.array(origin) * units).max())
    np.testing.assert_allclose((X @ up[0] + up[1]).T, eta, rtol=0.0, atol=tolerance)
    for ours, given in zip(basis.down(*up), (coef, intercept), strict=True):
        np.testing.assert_allclose(ours, given, rtol=0.0, atol=tolerance)


def test_units_are_powers_of_two_whose_reciprocals_are_numbers():
    units = units_of(np.array([0.0, 1.0, 3e-200, 5e-324, 1e300]))
    assert units[0] == 1.0
    assert (np.frexp(units)[0] == 0.5).all()
    assert np.isfinite(1.0 / units).all()
    assert 0.5 <= 3e-200 * units[2] < 1.0


def test_a_penalty_is_the_same_in_other_units():
    ridge = Ridge.on_coefficients(0.5, 2, fit_intercept=True)
    units = np.array([4.0, 0.25])
    there = np.array([[1.0], [2.0], [3.0]])
    here = there.copy()
    here[:2] *= units[:, np.newaxis]
    assert ridge.in_units(units).value(there) == ridge.value(here)
