"""Profile intervals: their ends are where the likelihood says, and infinite where it never falls that far."""

import numpy as np
import pytest
from estimates import golden, other_rows
from problems import overlapping, two_classes, weighted_with_offset
from scipy import stats
from sklearn.datasets import load_iris

from softglm import SeparationWarning, SoftmaxGLM, infer
from softglm.data import RowsInMemory
from softglm.families import Categorical
from softglm.fit import fit
from softglm.model import Ridge

# What an interval promises.
ACCURACY = 1e-6


def inferred(data, **options):
    given = {"sample_weight": data.weights, "offset": data.offset}
    return infer(SoftmaxGLM(alpha=0).fit(data.X, data.y, **given), data.X, data.y, **given, **options)


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_at_the_ends_the_likelihood_has_fallen_by_half_the_quantile(level):
    data = overlapping()
    result = inferred(data, level=level)
    ends = result.confidence_intervals("profile")
    quantile = stats.chi2.isf(1.0 - level, 1)
    for end in ends[:, 1, 2]:
        # Class 2 against 0 moves along column 1 as an offset; what is left of that column is for class 1 alone.
        known = np.outer(data.X[:, 1], [0.0, 0.0, end])
        design = np.delete(data.X, 1, axis=1)
        least = _loss_with_one_class_moved(design, data.X[:, 1], data.y, known)
        assert 2.0 * (result.log_likelihood + least) == pytest.approx(quantile, abs=1e-5)


def _loss_with_one_class_moved(design, column, y, known):
    """The least negative log-likelihood over the other coefficients and that of `column` in class 1 against 0."""
    from scipy.optimize import minimize_scalar

    def loss(slope):
        offset = known + np.outer(column, [0.0, slope, 0.0])
        rows = RowsInMemory(design, y, None, offset)
        ridge = Ridge.on_coefficients(0.0, design.shape[1], fit_intercept=True)
        return len(y) * fit(rows, Categorical(3), ridge, tol=1e-12).loss

    return minimize_scalar(loss, bracket=(-1.0, 1.0), tol=1e-9).fun


@pytest.mark.parametrize("make", [two_classes, weighted_with_offset])
def test_profile_intervals_contain_the_estimate_and_approach_walds_as_the_level_falls(make):
    result = inferred(make(), level=0.01)
    wald, profile = result.confidence_intervals("wald"), result.confidence_intervals("profile")
    estimate = result.coefficients.estimate
    assert (profile[0] < estimate).all()
    assert (estimate < profile[1]).all()
    np.testing.assert_allclose(profile - estimate, wald - estimate, rtol=0.02)


def test_profile_intervals_do_not_depend_on_the_units():
    data = two_classes()
    plain = inferred(data).confidence_intervals("profile")
    units = np.array([1e3, 1.0, 1e-3, -1.0])
    model = SoftmaxGLM(alpha=0).fit(data.X * units, data.y)
    scaled = infer(model, data.X * units, data.y).confidence_intervals("profile")
    np.testing.assert_allclose(scaled[:, 0, 1:4] * units[:3], plain[:, 0, 1:4], rtol=ACCURACY)
    np.testing.assert_allclose(-scaled[::-1, 0, 4], plain[:, 0, 4], rtol=ACCURACY)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_intervals_of_infinite_estimates_have_one_end(sign):
    X, y = _decided_by_a_dummy(sign)
    result = _separated(X, y)
    lower, upper = result.confidence_intervals("profile")[:, 0, 2]
    infinite, finite = (upper, lower) if sign > 0 else (lower, upper)
    assert infinite == sign * np.inf
    known = finite * X[:, 1]
    there = infer(SoftmaxGLM(alpha=0).fit(X[:, :1], y, offset=known), X[:, :1], y, offset=known)
    quantile = stats.chi2.isf(0.05, 1)
    assert 2.0 * (result.log_likelihood - there.log_likelihood) == pytest.approx(quantile, abs=1e-6)


def test_intervals_of_what_stays_finite_are_those_without_the_separated_rows():
    X, y = _decided_by_a_dummy(1.0)
    kept = X[:, 1] == 0
    rest = infer(SoftmaxGLM(alpha=0).fit(X[kept, :1], y[kept]), X[kept, :1], y[kept])
    np.testing.assert_allclose(
        _separated(X, y).confidence_intervals("profile")[:, :, :2], rest.confidence_intervals("profile"), atol=ACCURACY
    )


def test_intervals_of_what_may_go_either_way_have_no_end():
    X, y = load_iris(return_X_y=True)
    intervals = _separated(X, y).rebase(1).confidence_intervals("profile")
    assert (intervals[:, 0] == np.array([[-np.inf], [np.inf]])).all()
    kept = y > 0
    pair = infer(SoftmaxGLM(alpha=0).fit(X[kept], y[kept]), X[kept], y[kept])
    np.testing.assert_allclose(intervals[:, 1], pair.confidence_intervals("profile")[:, 0], rtol=1e-5)


def test_tests_of_single_coefficients_are_those_of_vgam():
    expected = golden("r_contrasts")["single"]["womenlf"]
    frame = other_rows("womenlf")
    classes = ["fulltime", "not.work", "parttime"]
    dummies = [(frame["region"] == region).astype(float) for region in ("BC", "Ontario", "Prairie", "Quebec")]
    X = np.column_stack([frame["hincome"], frame["children"] == "present", *dummies]).astype(float)
    y = frame["partic"].map(classes.index).to_numpy()
    found = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y).profiled()
    # VGAM's coefficients are ordered term by term.
    np.testing.assert_allclose(found.estimate[:, 1:].T.ravel(), expected["estimate"], rtol=1e-6)
    np.testing.assert_allclose(found.z[:, 1:].T.ravel(), expected["z"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [two_classes, weighted_with_offset])
def test_p_values_are_below_one_less_the_level_where_0_is_outside_the_interval(make):
    found = inferred(make(), level=0.9).profiled()
    np.testing.assert_array_equal(found.p_value < 0.1, (found.lower > 0.0) | (found.upper < 0.0))
    np.testing.assert_array_equal(np.sign(found.z), np.sign(found.estimate))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_of_two_classes_they_are_tests_of_terms_also_of_infinite_estimates(sign):
    X, y = _decided_by_a_dummy(sign)
    result = _separated(X, y)
    found = result.profiled()
    np.testing.assert_allclose(found.z[0, 1:] ** 2, result.test_terms().statistic, rtol=1e-6)
    assert np.sign(found.z[0, 2]) == sign


def test_what_may_go_either_way_may_be_0():
    X, y = load_iris(return_X_y=True)
    found = _separated(X, y).profiled()
    assert (found.p_value == 1.0).all()


def _decided_by_a_dummy(sign):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=200), np.arange(200) % 10 == 0]).astype(float)
    y = (rng.random(200) < 0.5).astype(int)
    y[X[:, 1] == 1] = int(sign > 0)
    return X, y


def _separated(X, y):
    with pytest.warns(SeparationWarning):
        model = SoftmaxGLM(alpha=0).fit(X, y)
    return infer(model, X, y)
