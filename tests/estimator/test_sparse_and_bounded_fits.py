"""Lasso, elastic net, groups, bounds and standardised penalties: what they are is told by identities."""

import numpy as np
import pandas as pd
import problems
import pytest
from scipy import sparse
from sklearn.datasets import load_iris, load_wine
from sklearn.feature_selection import SelectFromModel
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from softglm import SoftmaxGLM
from softglm.fit import fit
from softglm.model import Ridge
from softglm.status import Status

DATA = problems.overlapping()
X, y = DATA.X, DATA.y
BINARY = (y == 1).astype(int)
WINE, CULTIVAR = load_wine(return_X_y=True)
WEIGHTS = np.random.default_rng(0).integers(1, 4, len(CULTIVAR)).astype(float)
# As near as the arithmetic allows, which is nearer than it can prove.
NEAREST = 1e-13
pytestmark = pytest.mark.filterwarnings("ignore:SoftmaxGLM stopped at the precision")
# Two descents to one optimum, each to about 1e-13 of the loss: coefficients are off by the root of that, at most.
SAME = {"rtol": 1e-6, "atol": 1e-7}
# Standardised columns and raw ones under a standardised penalty, in units of the coefficients.
STANDARDISED = 1e-10
# A slope that should be 0, of a loss of order 1.
FLAT = 1e-8


def fitted(*data, alpha=0.05, **parameters):
    model = SoftmaxGLM(alpha, tol=NEAREST, **parameters).fit(*(data or (X, y)))
    assert model.gap_ <= 1e-10
    return model


def assert_same(one, other):
    np.testing.assert_allclose(one.coef_, other.coef_, **SAME)
    np.testing.assert_allclose(one.intercept_, other.intercept_, **SAME)


def slopes_of(model, X, y):
    """The gradient of the mean log loss, shape (K, p), by hand."""
    Y = (y[:, np.newaxis] == model.classes_).astype(float)
    residuals = (model.predict_proba(X) - Y).T / len(y)
    return residuals @ X if len(residuals) > 2 else residuals[1:] @ X


@pytest.mark.parametrize("make", [problems.overlapping, problems.wide, problems.badly_scaled, problems.two_classes])
def test_a_plain_ridge_has_the_bits_that_the_core_gives_it(make):
    data = make()
    rows, family = problems.rows_and_family(data)
    ridge = Ridge.on_coefficients(0.1, data.X.shape[1], fit_intercept=True)
    expected = fit(rows, family, ridge)
    model = SoftmaxGLM(0.1).fit(data.X, data.y)
    assert expected.status is Status.CONVERGED
    np.testing.assert_array_equal(model.coef_, expected.coef.T)
    np.testing.assert_array_equal(model.intercept_, expected.intercept)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, lambda X: X + 1e4], ids=["dense", "sparse", "far"])
def test_a_standardised_penalty_is_that_behind_a_scaler(form, l1_ratio):
    raw = form(WINE)
    scaler = StandardScaler(with_mean=not sparse.issparse(raw)).fit(raw, sample_weight=WEIGHTS)
    model = SoftmaxGLM(0.05, l1_ratio=l1_ratio, tol=NEAREST, standardize=True).fit(raw, CULTIVAR, sample_weight=WEIGHTS)
    behind = SoftmaxGLM(0.05, l1_ratio=l1_ratio, tol=NEAREST).fit(
        scaler.transform(raw), CULTIVAR, sample_weight=WEIGHTS
    )
    np.testing.assert_allclose(model.scale_, scaler.scale_, rtol=STANDARDISED)
    np.testing.assert_allclose(model.coef_ * scaler.scale_, behind.coef_, rtol=0.0, atol=STANDARDISED)
    np.testing.assert_array_equal(model.coef_ == 0.0, behind.coef_ == 0.0)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_so_it_is_of_wide_rows_and_constant_columns(l1_ratio):
    data = problems.wide()
    raw = np.insert(data.X * np.exp(np.random.default_rng(1).normal(size=data.X.shape[1])), 3, 5.0, axis=1)
    scaler = StandardScaler().fit(raw)
    model = SoftmaxGLM(0.1, l1_ratio=l1_ratio, standardize=True).fit(raw, data.y)
    behind = SoftmaxGLM(0.1, l1_ratio=l1_ratio).fit(scaler.transform(raw), data.y)
    assert model.converged_
    assert not model.coef_[:, 3].any()
    np.testing.assert_allclose(model.coef_ * scaler.scale_, behind.coef_, rtol=0.0, atol=1e-8)


def test_class_weights_are_weights_of_the_deviations_too():
    factors = np.array([1.0, 3.0, 0.5])
    by_class = fitted(alpha=0.02, standardize=True, class_weight=dict(enumerate(factors)))
    by_row = SoftmaxGLM(0.02, standardize=True, tol=NEAREST).fit(X, y, sample_weight=factors[y])
    assert_same(by_class, by_row)


@pytest.mark.parametrize(("l1_ratio", "factor"), [(1.0, 2.0), (0.0, 4.0)])
@pytest.mark.parametrize("labels", [y, BINARY], ids=["three classes", "two"])
def test_a_factor_is_a_column_in_other_units(labels, l1_ratio, factor):
    halved = X * [1.0, 0.5, 1.0, 1.0]
    model = fitted(X, labels, l1_ratio=l1_ratio, penalty_factors={1: factor})
    other = fitted(halved, labels, l1_ratio=l1_ratio)
    np.testing.assert_allclose(model.coef_ * [1.0, 2.0, 1.0, 1.0], other.coef_, **SAME)


def test_a_factor_for_all_is_a_strength():
    assert_same(fitted(penalty_factors=[3.0] * 4, l1_ratio=0.3), fitted(alpha=0.15, l1_ratio=0.3))


@pytest.mark.parametrize("l1_ratio", [0.3, 1.0])
@pytest.mark.parametrize("labels", [y, BINARY], ids=["three classes", "two"])
def test_the_slopes_are_those_of_an_optimum(labels, l1_ratio):
    alpha, factors = 0.03, np.array([1.0, 0.0, 2.0, 1.0])
    model = fitted(X, labels, alpha=alpha, l1_ratio=l1_ratio, penalty_factors=factors)
    slopes = slopes_of(model, X, labels) + alpha * (1.0 - l1_ratio) * factors * model.coef_
    kink = np.broadcast_to(alpha * l1_ratio * factors, slopes.shape)
    away = model.coef_ != 0.0
    np.testing.assert_allclose(slopes[away], (-kink * np.sign(model.coef_))[away], rtol=0.0, atol=FLAT)
    assert (np.abs(slopes[~away]) <= kink[~away] + FLAT).all()
    assert (~away).any()


def test_the_slopes_within_bounds_are_those_of_an_optimum():
    alpha, lower, upper = 0.01, -0.2, 0.3
    model = fitted(alpha=alpha, lower=lower, upper=upper)
    slopes = slopes_of(model, X, y) + alpha * model.coef_
    at_lower, at_upper = model.coef_ == lower, model.coef_ == upper
    assert at_lower.any()
    assert at_upper.any()
    assert (slopes[at_lower] >= -FLAT).all()
    assert (slopes[at_upper] <= FLAT).all()
    np.testing.assert_allclose(slopes[~at_lower & ~at_upper], 0.0, atol=FLAT)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.6])
def test_infinite_bounds_are_none(l1_ratio):
    free = fitted(l1_ratio=l1_ratio)
    assert_same(fitted(l1_ratio=l1_ratio, lower=-np.inf, upper=[np.inf] * 4), free)
    assert_same(fitted(l1_ratio=l1_ratio, lower=-50.0, upper=50.0), free)


def test_bounds_are_of_the_coefficients_as_they_come_whatever_the_penalty_is_measured_in():
    model = SoftmaxGLM(0.01, standardize=True, lower=-1e-3, upper=2e-3).fit(WINE, CULTIVAR)
    assert model.coef_.min() == -1e-3
    assert model.coef_.max() == 2e-3


@pytest.mark.parametrize("within_ratio", [0.0, 0.8])
@pytest.mark.parametrize("labels", [CULTIVAR, (CULTIVAR == 1).astype(int)], ids=["three classes", "two"])
def test_features_of_a_group_leave_0_together_and_in_all_classes(labels, within_ratio):
    groups = np.arange(13) // 3
    model = fitted(WINE, labels, alpha=0.05, l1_ratio=1.0, groups=groups, within_ratio=within_ratio, standardize=True)
    is_away = model.coef_ != 0.0
    of_group = np.array([is_away[:, groups == group].any() for group in range(5)])
    assert 0 < of_group.sum() < 5
    if within_ratio == 0.0:
        np.testing.assert_array_equal(is_away, np.broadcast_to(of_group[groups], is_away.shape))
    else:
        assert not is_away[:, of_group[groups]].all()


def test_a_group_of_columns_is_standardised_as_behind_a_scaler():
    scaler = StandardScaler().fit(WINE)
    parameters = {"alpha": 0.05, "l1_ratio": 0.9, "groups": np.arange(13) // 3}
    model = fitted(WINE, CULTIVAR, **parameters, standardize=True)
    behind = fitted(scaler.transform(WINE), CULTIVAR, **parameters)
    np.testing.assert_allclose(model.coef_ * scaler.scale_, behind.coef_, **SAME)


def test_a_group_of_copies_is_one_column_of_their_mean():
    # Two copies in one group share its coefficient, and its norm counts the root of 2: that of one column, once.
    twice = np.column_stack([X, X[:, 0]])
    model = fitted(twice, y, l1_ratio=1.0, groups=[[0, 4]], grouped=True)
    alone = fitted(X, y, l1_ratio=1.0, grouped=True)
    np.testing.assert_allclose(model.coef_[:, 0] + model.coef_[:, 4], alone.coef_[:, 0], **SAME)
    np.testing.assert_allclose(model.predict_proba(twice), alone.predict_proba(X), **SAME)


@pytest.mark.parametrize("labels", [y, BINARY], ids=["three classes", "two"])
def test_within_groups_wholly_is_the_lasso(labels):
    assert_same(fitted(X, labels, l1_ratio=0.8, groups=[[0, 1]], within_ratio=1.0), fitted(X, labels, l1_ratio=0.8))


def test_of_two_classes_grouped_is_the_lasso():
    assert_same(fitted(X, BINARY, l1_ratio=0.8, grouped=True), fitted(X, BINARY, l1_ratio=0.8))


def test_without_any_strength_l1_ratio_says_nothing():
    np.testing.assert_array_equal(fitted(alpha=0.0, l1_ratio=1.0).coef_, fitted(alpha=0.0).coef_)


def test_what_is_unique_under_the_lasso_is_the_median_of_the_classes():
    model = fitted(alpha=0.01, l1_ratio=1.0)
    np.testing.assert_array_equal(np.median(model.coef_, axis=0), 0.0)
    np.testing.assert_allclose(fitted(alpha=0.01).coef_.sum(axis=0), 0.0, atol=1e-8)


def test_the_gap_is_proved_by_duality_and_relative_to_the_loss_without_features():
    model = SoftmaxGLM(0.05, l1_ratio=1.0, tol=1e-3).fit(X, y)
    assert model.gap_kind_ == "duality"
    shares = np.bincount(y) / len(y)
    assert model.gap_ <= 1e-3 * -(shares @ np.log(shares))
    assert model.loss_ - model.gap_ <= fitted(l1_ratio=1.0).loss_ <= model.loss_ + 1e-12
    assert "of the loss, proved by duality" in model.status_


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({}, "l2"),
        ({"l1_ratio": 1.0}, "l1"),
        ({"l1_ratio": 0.5}, "elasticnet"),
        ({"l1_ratio": 1.0, "grouped": True}, "group"),
        ({"l1_ratio": "nonsense"}, "l2"),
    ],
)
def test_the_penalty_has_the_name_that_scikit_learn_knows(parameters, name):
    assert SoftmaxGLM(**parameters).penalty == name


def test_a_lasso_selects_what_is_not_0():
    frame = pd.DataFrame(StandardScaler().fit_transform(WINE), columns=[f"c{j}" for j in range(13)])
    selector = SelectFromModel(SoftmaxGLM(0.1, l1_ratio=1.0)).fit(frame, CULTIVAR)
    np.testing.assert_array_equal(selector.get_support(), selector.estimator_.coef_.any(axis=0))
    assert 0 < selector.get_support().sum() < 13
    pipeline = make_pipeline(selector, SoftmaxGLM())
    assert pipeline.fit(frame, CULTIVAR).score(frame, CULTIVAR) > 0.95


def test_a_grid_search_over_l1_ratio():
    pipeline = make_pipeline(StandardScaler(), SoftmaxGLM(0.02))
    grid = {"softmaxglm__l1_ratio": [0.0, 0.5, 1.0], "softmaxglm__alpha": [0.01, 0.1]}
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(WINE, CULTIVAR)
    assert search.best_score_ > 0.95
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_strength_that_overflows_is_refused():
    with pytest.raises(ValueError, match="times penalty_factors overflows"):
        SoftmaxGLM(1e300, l1_ratio=0.5, penalty_factors=[1e100] * 4).fit(X, y)


@pytest.mark.parametrize(
    "ties", [{"grouped": True}, {"groups": [0, 0, 1, 2]}, {"groups": [[0, 1]], "within_ratio": 0.5}]
)
def test_groups_of_a_plain_ridge_are_said_to_change_nothing(ties):
    X, y = load_iris(return_X_y=True)
    with pytest.warns(UserWarning, match="Set l1_ratio=1 for the group lasso"):
        tied = SoftmaxGLM(**ties).fit(X, y)
    np.testing.assert_array_equal(tied.coef_, SoftmaxGLM().fit(X, y).coef_)


@pytest.mark.parametrize("bound", [0.1, 1 / 3, 0.7, 1e-3])
@pytest.mark.parametrize("target", [y, BINARY])
@pytest.mark.filterwarnings("ignore:SoftmaxGLM converged in float64, but rounding")  # where slopes at bounds are steep
def test_in_single_precision_no_coefficient_is_rounded_beyond_its_bound(bound, target):
    model = SoftmaxGLM(0.0, lower=-bound, upper=bound, tol=1e-5).fit(X.astype(np.float32), target)
    assert model.coef_.dtype == np.float32
    at_bound = np.abs(model.coef_.astype(float))
    assert bound * (1.0 - 1e-6) < at_bound.max() <= bound
    assert np.isfinite([model.loss_, model.gap_, model.deviance_]).all()
