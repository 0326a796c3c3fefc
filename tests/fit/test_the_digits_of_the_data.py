"""What large numbers in X and in the offset hide is told where double precision can, and where not, so it is said."""

import warnings

import numpy as np
import pytest
from problems import drawn_classes
from scipy import sparse
from sklearn.preprocessing import StandardScaler

from softglm import SoftmaxGLM

# Two fits with proofs of a relative gap of 1e-8 and below, of losses of order 1.
SAME_LOSS, SAME_COEFFICIENTS = 1e-9, 1e-6
# Some roundings of sums of numbers of order 1, and the second order of those of numbers near 1000.
SUMS_ROUNDED = 1e-13
PENALTIES = [0.0, 1e-6, "1/n_samples", 10.0]


def problem(n_classes, n_rows=300, n_features=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features))
    return X, drawn_classes(rng, X @ rng.normal(size=(n_features, n_classes)))


def fitted(X, y, alpha=0.0, **given):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return SoftmaxGLM(alpha=alpha).fit(X, y, **given)


@pytest.mark.parametrize("alpha", PENALTIES)
@pytest.mark.parametrize("far", [1e3, -1e5, 2.0**30, 1e10])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n_rows", [60, 3000])
def test_columns_that_are_far_from_zero_are_fitted_as_if_they_were_not(n_rows, n_classes, far, alpha):
    X, y = problem(n_classes, n_rows)
    distance = np.array([far, 0.0, 3.0 * far])
    there = X + distance
    # Exact: what the sum has rounded is in both.
    here = there - distance
    distant, near = fitted(there, y, alpha), fitted(here, y, alpha)
    assert distant.converged_
    np.testing.assert_allclose(distant.loss_, near.loss_, rtol=0.0, atol=SAME_LOSS)
    np.testing.assert_allclose(distant.coef_, near.coef_, rtol=0.0, atol=SAME_COEFFICIENTS)


@pytest.mark.parametrize("alpha", [0.0, "1/n_samples"])
@pytest.mark.parametrize("far", [5e11, 1e13])
def test_where_the_intercept_has_no_digits_left_the_gap_says_so(far, alpha):
    X, y = problem(3)
    model = fitted(X + far, y, alpha)
    assert model.loss_ >= 0.0
    assert model.gap_ > 1e-10
    assert not model.converged_


@pytest.mark.parametrize("far", [0.0, 1e3, 3e3, 1e4, 1e6, 1e9])
def test_quasi_separated_classes_are_so_wherever_they_are(far):
    rng = np.random.default_rng(0)
    for _ in range(5):
        z = np.sort(rng.standard_normal(30))
        y = np.where(z < 0.0, 0, rng.integers(1, 3, 30))
        assert not fitted((far + z)[:, np.newaxis], y).converged_


@pytest.mark.parametrize("constant", [1e8, 1e50, -1e80])
@pytest.mark.parametrize("alpha", [0.0, "1/n_samples"])
def test_what_all_classes_have_in_common_in_an_offset_changes_nothing(alpha, constant):
    X, y = problem(3)
    rng = np.random.default_rng(0)
    plain = fitted(X, y, alpha, offset=np.zeros((len(y), 3)))
    per_row = constant * rng.choice([-1.0, 0.5, 1.0], size=(len(y), 1)) * np.ones(3)
    for offset in (np.full((len(y), 3), constant), per_row):
        model = fitted(X, y, alpha, offset=offset)
        assert model.converged_
        assert model.loss_ == plain.loss_
        np.testing.assert_array_equal(model.coef_, plain.coef_)


def nearly_collinear(distance, n_others, seed=1):
    """Columns of which the last is that far from a combination of the others, in a direction that decides y."""
    rng = np.random.default_rng(seed)
    base, hidden = rng.standard_normal((400, n_others)), rng.standard_normal(400)
    y = (hidden + rng.logistic(size=400) > 0.0).astype(int)
    weights = np.ones(1) if n_others == 1 else np.array([1.0, -1.0, 2.0])[:n_others]
    return np.column_stack([base, base @ weights + distance * hidden]), base, y


@pytest.mark.parametrize("n_others", [1, 2, 3])
@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-8, 1e-10, 1e-11, 1e-12])
def test_what_a_nearly_collinear_column_tells_is_found(distance, n_others):
    X, base, y = nearly_collinear(distance, n_others)
    model, without = fitted(X, y), fitted(base, y)
    # As the data have the hidden direction, their last digits in it.
    hidden = (X[:, -1] - base @ np.array([1.0, -1.0, 2.0])[:n_others]) / distance
    truth = fitted(np.column_stack([base, hidden]), y)
    assert truth.loss_ < without.loss_ - 0.05
    # Relative to the spread the last digits of the column are those of 1e-16.
    assert abs(model.loss_ - truth.loss_) < max(SAME_LOSS, 1e-3 * (1e-13 / distance))
    if model.gap_kind_ != "estimate":
        assert model.loss_ - truth.loss_ <= model.gap_ + truth.gap_ + SAME_LOSS
    if distance >= 1e-8:
        assert model.converged_
        assert model.gap_kind_ == "self-concordance"


@pytest.mark.parametrize("distance", [1e-15, 3e-16])
def test_what_is_collinear_to_the_last_digit_is_no_proof(distance):
    X, _, y = nearly_collinear(distance, 1)
    model = fitted(X, y)
    assert model.gap_kind_ == "estimate"
    assert "collinear" in model.status_


@pytest.mark.parametrize("alpha", [0.0, 1e-6, 1.0])
def test_a_column_that_is_constant_to_its_last_digits_could_explain_only_so_much(alpha):
    X, y = problem(2)
    noise = np.where(y, np.nextafter(0.3, 1.0), 0.3)
    model, without = fitted(np.column_stack([X, noise]), y, alpha), fitted(X, y, alpha)
    np.testing.assert_allclose(model.loss_, without.loss_, rtol=0.0, atol=SAME_LOSS)
    # A penalty leaves next to nothing to it.
    assert (model.gap_kind_ == "estimate") == (alpha == 0.0)


def exactly_collinear():
    rng = np.random.default_rng(0)
    X, y = problem(3)
    first, second = np.identity(4)[rng.integers(4, size=len(y))], np.identity(3)[rng.integers(3, size=len(y))]
    whole = rng.integers(-5, 6, size=(len(y), 2)) * 1.0
    return {
        "a copy": np.column_stack([X, X[:, 0]]),
        "half of another": np.column_stack([X, 0.5 * X[:, 1]]),
        "minus eight times another": np.column_stack([-8.0 * X[:, 1], X]),
        "dummies of every level": np.column_stack([X, first]),
        "of two factors, and of both together": np.column_stack(
            [first, second, (first[:, :, np.newaxis] * second[:, np.newaxis]).reshape(len(y), -1)]
        ),
        "a sum of few digits": np.column_stack(
            [np.round(64.0 * X) / 64.0, np.round(64.0 * X) / 64.0 @ [1.0, -2.0, 0.5]]
        ),
        "a sum of whole numbers": np.column_stack([whole, whole.sum(axis=1) + 2020.0, X[:, 0]]),
    }, y


@pytest.mark.parametrize("name", exactly_collinear()[0])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_what_is_exactly_collinear_is_no_obstacle_to_a_proof(name, form):
    problems, y = exactly_collinear()
    model = fitted(form(problems[name]), y)
    assert model.converged_
    assert model.gap_kind_ == "self-concordance"
    assert "collinear" in model.status_


def test_dummies_that_were_scaled_are_collinear_to_their_last_digits_only():
    problems, y = exactly_collinear()
    model = fitted(StandardScaler().fit_transform(problems["dummies of every level"]), y)
    assert model.converged_
    assert model.gap_kind_ == "estimate"
    assert "collinear" in model.status_


@pytest.mark.parametrize("unit", [1e-163, 1e-155, 1e-90])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_of_columns_too_small_to_square_the_gap_is_a_number(n_classes, unit):
    X, y = problem(n_classes, n_rows=80)
    model = fitted(X * unit, y)
    assert model.converged_
    assert 0.0 < model.gap_ < SAME_LOSS
    np.testing.assert_allclose(model.loss_, fitted(X, y).loss_, rtol=0.0, atol=SAME_LOSS)


@pytest.mark.parametrize("unit", [1e-163, 1e-90, 1.0])
@pytest.mark.parametrize("far", [0.0, 60.0, 2e3])
def test_what_is_collinear_to_the_last_digit_is_no_proof_wherever_the_columns_are(unit, far):
    X, y = problem(2, n_rows=80)
    X += far
    X *= unit
    model = fitted(np.column_stack([X, X @ [0.3, 1.7, -0.9]]), y)
    assert model.gap_kind_ == "estimate"


@pytest.mark.parametrize("far", [60.0, 400.0, -900.0])
@pytest.mark.parametrize("alpha", [0.0, "1/n_samples"])
def test_the_loss_is_that_of_the_coefficients_where_columns_are_away_from_zero(far, alpha):
    X, y = problem(3)
    X += far
    model = fitted(X, y, alpha)
    eta = np.asarray(X, dtype=np.longdouble) @ model.coef_.T + model.intercept_
    eta -= eta[np.arange(len(y)), y][:, np.newaxis]
    loss = float(np.log(np.exp(eta).sum(axis=1)).mean()) + model.alpha_ / 2.0 * float((model.coef_**2).sum())
    np.testing.assert_allclose(model.loss_, loss, rtol=0.0, atol=SUMS_ROUNDED)
