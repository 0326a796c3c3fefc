"""Of separated data all is told that is finite: suprema, and what they leave of the estimates."""

import warnings

import numpy as np
import pytest
from effort import mostly_slow
from problems import overlapping
from sklearn.datasets import load_iris

from softglm import SeparationWarning, SoftmaxGLM, compare, detect_separation, infer

# Of likelihoods that a long fit with a vanishing penalty approaches.
APPROACHED = 1e-4
DIGITS = {"rtol": 1e-6}


def separated(n_classes=2, seed=0, n=200, *, column="level"):
    """A rare level (or a column of numbers) that one class alone has, beside a number and a switch that overlap."""
    rng = np.random.default_rng(seed)
    z, switch = rng.normal(size=n), rng.integers(2, size=n).astype(float)
    eta = np.column_stack([np.zeros(n), *(z * slope + 0.3 * switch for slope in rng.normal(size=n_classes - 1))])
    y = (eta + rng.gumbel(size=eta.shape)).argmax(axis=1)
    rare = np.zeros(n)
    rare[:6] = 1.0 if column == "level" else rng.uniform(1.0, 2.0, 6)
    y[:6] = 1
    return np.column_stack([rare, z, switch]), y


def inferred(X, y, **given):
    with pytest.warns(SeparationWarning):
        model = SoftmaxGLM(alpha=0).fit(X, y, **given)
    return infer(model, X, y, **given)


def largest_likelihood(X, y, weights=None):
    """The log-likelihood with a penalty that hardly matters: as near to the supremum as that is small."""
    if not X.shape[1]:
        shares = np.bincount(y, weights) / (len(y) if weights is None else weights.sum())
        return float((np.log(shares[y]) * (1.0 if weights is None else weights)).sum())
    model = SoftmaxGLM(alpha=1e-9, tol=1e-13).fit(X, y, weights)
    log_probabilities = model.predict_log_proba(X)[np.arange(len(y)), y]
    return float(log_probabilities.sum() if weights is None else weights @ log_probabilities)


@pytest.mark.parametrize("column", ["level", "number"])
@pytest.mark.parametrize("n_classes", [2, 3, 4])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_likelihood_ratios_are_twice_the_difference_of_the_suprema(n_classes, column, is_weighted):
    X, y = separated(n_classes, column=column)
    weights = np.random.default_rng(5).integers(1, 4, len(y)).astype(float) if is_weighted else None
    result = inferred(X, y, **({"sample_weight": weights} if is_weighted else {}))
    whole = largest_likelihood(X, y, weights)
    assert result.log_likelihood == pytest.approx(whole, abs=APPROACHED)
    tests = result.test_terms("lr")
    expected = [2.0 * (whole - largest_likelihood(np.delete(X, j, axis=1), y, weights)) for j in range(3)]
    np.testing.assert_allclose(tests.statistic, expected, atol=4.0 * APPROACHED)
    assert tests.df.tolist() == [n_classes - 1] * 3
    overall = result.likelihood_ratio
    assert overall.statistic == pytest.approx(
        2.0 * (whole - largest_likelihood(X[:, :0], y, weights)), abs=4 * APPROACHED
    )
    assert overall.df == 3 * (n_classes - 1)
    assert f"LR chi2({overall.df})" in str(result)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_comparisons_with_and_of_separated_fits_are_their_likelihood_ratios(n_classes):
    X, y = separated(n_classes)
    result = inferred(X, y)
    tests = result.test_terms("lr")
    finite = infer(SoftmaxGLM(alpha=0).fit(X[:, 1:], y), X[:, 1:], y)
    np.testing.assert_allclose(compare(finite, result).statistic, tests.statistic[0], **DIGITS)
    infinite = inferred(X[:, :2], y)
    np.testing.assert_allclose(compare(infinite, result).statistic, tests.statistic[2], **DIGITS)
    assert compare(infinite, result).df == n_classes - 1
    with pytest.raises(ValueError, match="not nested"):
        compare(finite, infinite)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_finite_terms_have_the_tests_of_the_rows_that_nothing_decides(n_classes):
    X, y = separated(n_classes)
    result = inferred(X, y)
    # Rows of the level are decided for two classes; for three they still tell nothing of the others.
    rest = infer(SoftmaxGLM(alpha=0).fit(X[6:, 1:], y[6:]), X[6:, 1:], y[6:])
    wald, of_rest = result.test_terms("wald"), rest.test_terms("wald")
    assert np.isnan(wald.statistic[0])
    assert wald.df.tolist() == [n_classes - 1] * 3
    np.testing.assert_allclose(wald.statistic[1:], of_rest.statistic, **DIGITS)
    assert "infinite estimates have no Wald statistic" in str(wald)
    single = result.wald_test([0.0, 0.0, 1.0, -1.0] + [0.0] * 4 * (n_classes - 2))
    np.testing.assert_allclose(
        single.statistic, rest.wald_test([0.0, 1.0, -1.0] + [0.0] * 3 * (n_classes - 2)).statistic
    )
    with pytest.raises(ValueError, match="likelihood ratios are finite"):
        result.wald_test([0.0, 1.0, 1.0, 0.0] + [0.0] * 4 * (n_classes - 2))


def test_infinite_coefficients_may_have_a_finite_difference():
    # Of two classes that a third is separated from the coefficients against it are infinite, their difference is not.
    X, y = load_iris(return_X_y=True)
    result = inferred(X, y)
    kept = y > 0
    pair = infer(SoftmaxGLM(alpha=0).fit(X[kept], y[kept]), X[kept], y[kept])
    contrast = np.concatenate([-np.identity(5), np.identity(5)], axis=1)  # of 2 against 1, each infinite against 0
    expected = pair.test_terms("wald", {"all": range(4)}).statistic[0]
    np.testing.assert_allclose(result.wald_test(contrast[1:]).statistic, expected, **DIGITS)
    np.testing.assert_allclose(
        result.indistinguishable(1, 2).statistic, pair.indistinguishable(1, 2).statistic, **DIGITS
    )


def test_score_tests_start_from_the_model_without_the_term_separated_or_not():
    X, y = separated(3)
    tests = inferred(X, y).test_terms("score")
    # Without the level nothing is separated, and the score test is the ordinary one: g' F^-1 g at the smaller fit.
    smaller = SoftmaxGLM(alpha=0).fit(X[:, 1:], y)
    mean, design = smaller.predict_proba(X[:, 1:]), np.column_stack([X, np.ones(len(y))])
    residuals = np.eye(3)[y] - mean
    gradient = (residuals[:, 1:, np.newaxis] * design[:, np.newaxis]).sum(axis=0).ravel()
    blocks = np.einsum("ik,kl->ikl", mean[:, 1:], np.identity(2)) - np.einsum("ik,il->ikl", mean[:, 1:], mean[:, 1:])
    information = np.einsum("ikl,ia,ib->kalb", blocks, design, design).reshape(8, 8)
    assert tests.statistic[0] == pytest.approx(gradient @ np.linalg.solve(information, gradient), rel=1e-6)
    # Without another term the level still separates: its rows say nothing.
    rest = infer(SoftmaxGLM(alpha=0).fit(X[6:, 1:], y[6:]), X[6:, 1:], y[6:]).test_terms("score")
    np.testing.assert_allclose(tests.statistic[1:], rest.statistic, rtol=1e-4)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_rows_that_nothing_decides_are_predicted(n_classes):
    X, y = separated(n_classes)
    found = inferred(X, y).predict(X)
    rest = infer(SoftmaxGLM(alpha=0).fit(X[6:, 1:], y[6:]), X[6:, 1:], y[6:]).predict(X[6:, 1:])
    assert np.isnan(found.probability[:6]).all()
    np.testing.assert_allclose(found.probability[6:], rest.probability, **DIGITS)
    np.testing.assert_allclose(found.std_error[6:], rest.std_error, **DIGITS)


def test_a_model_of_the_separating_column_alone():
    X, y = separated(2)
    result = inferred(X[:, :1], y)
    tests = result.test_terms("lr")
    counts = np.bincount(y[6:])
    remaining = counts @ np.log(counts / counts.sum())
    every = np.bincount(y) @ np.log(np.bincount(y) / len(y))
    assert tests.statistic[0] == pytest.approx(2.0 * (remaining - every), rel=1e-8)
    assert result.likelihood_ratio.statistic == pytest.approx(tests.statistic[0], rel=1e-8)
    assert compare(result.null, result).statistic == pytest.approx(tests.statistic[0], rel=1e-8)


def test_without_an_intercept_too():
    X, y = separated(2)
    model = SoftmaxGLM(alpha=0, fit_intercept=False)
    with pytest.warns(SeparationWarning):
        model.fit(X, y)
    result = infer(model, X, y)
    rest = infer(SoftmaxGLM(alpha=0, fit_intercept=False).fit(X[6:, 1:], y[6:]), X[6:, 1:], y[6:])
    np.testing.assert_allclose(result.test_terms("lr").statistic[1:], rest.test_terms("lr").statistic, **DIGITS)
    alone = infer(SoftmaxGLM(alpha=0, fit_intercept=False).fit(X[:, 1:], y), X[:, 1:], y)
    np.testing.assert_allclose(
        result.test_terms("lr").statistic[0], 2.0 * (result.log_likelihood - alone.log_likelihood), **DIGITS
    )


def test_nothing_changes_where_nothing_is_separated():
    data = overlapping()
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y)
    assert not result.estimate.unidentified.size
    assert result.estimate.sees(np.identity(10)).all()


NARROW = {
    "seconds": np.r_[np.sort(np.random.default_rng(1).integers(1.5e9, 1.6e9, 200)), 1.55e9, 1.55e9 + 1.0],
    "cents": np.r_[np.linspace(1e6, 1.1e6, 50), 1.05e6, 1.05e6 + 0.01],
    "milliseconds": np.r_[np.linspace(1.5e12, 1.6e12, 100).round(), 1.55e12, 1.55e12 + 1.0],
    "years": np.arange(1990.0, 2021.0),
}


@pytest.mark.parametrize("is_separated", [True, False])
@pytest.mark.parametrize("name", NARROW)
def test_infer_never_contradicts_what_the_fit_and_the_detection_say_of_a_narrow_gap(name, is_separated):
    t = NARROW[name]
    threshold = t[-2] if name != "years" else 2005.0
    X, y = t[:, np.newaxis], t > threshold
    if not is_separated:  # the two beside the gap change places
        y[t == threshold], y[t == t[t > threshold].min()] = True, False
    assert detect_separation(X, y).kind == ("complete" if is_separated else "none")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = SoftmaxGLM(alpha=0).fit(X, y)
    # Where double precision cannot tell, the fit says so; it never says the opposite.
    assert model.status_.startswith("separated") == is_separated
    assert not (is_separated and model.converged_)
    if is_separated:
        result = infer(model, X, y)
        assert result.separation == "complete"
        assert np.isinf(result.coefficients.estimate).all()
        assert result.log_likelihood == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e-100])
def test_columns_whose_squares_underflow_are_not_called_constant(scale):
    X, y = separated(2)
    X = X[6:, 1:] * [scale, 1.0]
    model = SoftmaxGLM(alpha=0).fit(X, y[6:])
    assert model.coef_[0, 0] * scale == pytest.approx(SoftmaxGLM(alpha=0).fit(X / [scale, 1.0], y[6:]).coef_[0, 0])
    with pytest.raises(ValueError, match="whose squares no covariance can hold"):
        infer(model, X, y[6:])


@pytest.mark.parametrize("seed", mostly_slow(range(40), kept=8))
def test_rounding_excludes_nobody_from_the_limit(seed):
    rng = np.random.default_rng(seed)
    n, n_classes = 60, 3 + seed % 2
    rare = np.zeros(n)
    rare[:3] = 1.0
    number = [rng.integers(20, 70, n), 37 + 0.4 * rng.normal(size=n), 175 + 7 * rng.normal(size=n), rng.normal(size=n)]
    X, y = np.column_stack([rare, number[seed % 4]]).astype(float), rng.integers(n_classes, size=n)
    y[:3] = [0, 1, 0]  # classes 2 and 3 never occur with the rare level
    result = inferred(X, y)
    with pytest.warns(SeparationWarning):
        reached = -SoftmaxGLM(alpha=0).fit(X, y).loss_ * n
    assert result.log_likelihood == pytest.approx(reached, abs=1e-4)
    found = detect_separation(X, y)
    assert found.kind == "quasi-complete"
    assert np.flatnonzero(found.separated_rows).tolist() == [0, 1, 2]
    assert found.excluded[:3].sum(axis=0).tolist() == [0, 0, *[3] * (n_classes - 2)]


@pytest.mark.parametrize("scales", [[1e9, 1e-6], [1e16, 1.0], [1.0, 1e-16], [1e16, 1e16]])
def test_complete_separation_excludes_all_but_what_was_observed_whatever_the_scales(scales):
    x = np.random.default_rng(10).normal(size=(80, 2))
    X, y = x * scales, (x @ [1.0, 2.0] > 0.1).astype(int)
    excluded = detect_separation(X, y).excluded
    np.testing.assert_array_equal(excluded, np.identity(2)[1 - y].astype(bool))
    assert inferred(X, y).log_likelihood == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("size", [2e4, 1e8])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_an_offset_of_any_size_does_not_bring_back_what_is_excluded(n_classes, size):
    X, y = separated(n_classes)
    offset = np.zeros((len(y), n_classes))
    offset[:6, 1] = -size  # against what was observed
    result = inferred(X, y, offset=offset)
    plain = inferred(X, y)
    assert result.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-6 * size)
    np.testing.assert_allclose(
        result.test_terms("wald").statistic[1:], plain.test_terms("wald").statistic[1:], rtol=1e-4
    )
