"""Tests of terms and contrasts: against refits, against each other, and whatever the units of X are."""

import numpy as np
import pytest
from problems import collinear, constant_column, overlapping, two_classes, weighted_with_offset
from scipy import stats

from softglm import SoftmaxGLM, compare, infer

DIGITS = {"rtol": 1e-8, "atol": 1e-9}
KINDS = ["lr", "wald", "score"]


def inferred(data, X=None, alpha=0.0, **options):
    given = {"sample_weight": data.weights, "offset": data.offset}
    X = data.X if X is None else X
    model = SoftmaxGLM(alpha=alpha).fit(X, data.y, **given)
    return infer(model, X, data.y, **given, **options)


@pytest.mark.parametrize("make", [overlapping, two_classes, weighted_with_offset])
def test_the_likelihood_ratio_of_a_term_is_that_of_a_refit_without_it(make):
    data = make()
    whole = inferred(data)
    tests = whole.test_terms("lr")
    for column in range(data.X.shape[1]):
        reduced = inferred(data, np.delete(data.X, column, axis=1))
        assert tests.statistic[column] == pytest.approx(2 * (whole.log_likelihood - reduced.log_likelihood), rel=1e-9)
        compared = compare(reduced, whole)
        assert compared.statistic == pytest.approx(tests.statistic[column], rel=1e-9)
        assert compared.df == tests.df[column] == len(whole.classes) - 1


def test_all_terms_together_are_the_likelihood_ratio_of_the_fit():
    result = inferred(overlapping())
    together = result.test_terms("lr", {"everything": range(4)})
    assert together.statistic[0] == pytest.approx(result.likelihood_ratio.statistic, rel=1e-9)
    assert together.df[0] == result.likelihood_ratio.df


@pytest.mark.parametrize("kind", KINDS)
def test_tests_do_not_depend_on_the_units_or_the_origin_of_a_column(kind):
    data = overlapping()
    plain = inferred(data).test_terms(kind)
    moved = inferred(data, data.X * [1e6, 1e-6, -3.0, 1.0] + [0.0, 1e-4, 5.0, -7.0]).test_terms(kind)
    np.testing.assert_allclose(moved.statistic, plain.statistic, rtol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_tests_do_not_depend_on_the_base_class(kind):
    result = inferred(overlapping())
    np.testing.assert_allclose(result.rebase(2).test_terms(kind).statistic, result.test_terms(kind).statistic, **DIGITS)


def test_the_wald_test_of_a_single_coefficient_is_the_square_of_its_z():
    result = inferred(two_classes())
    np.testing.assert_allclose(result.test_terms("wald").statistic, result.coefficients.z[0, 1:] ** 2, **DIGITS)
    np.testing.assert_allclose(result.test_terms("wald").p_value, result.coefficients.p_value[0, 1:], rtol=1e-7)


def test_the_wald_test_of_a_term_is_that_of_its_coefficients():
    result = inferred(overlapping())
    contrast = np.zeros((2, 10))
    contrast[0, 2] = contrast[1, 7] = 1.0
    one = result.wald_test(contrast)
    assert one.statistic == pytest.approx(result.test_terms("wald").statistic[1], rel=1e-9)
    assert one.df == 2
    # A hypothesis says the same however it is written, and redundant rows add no degree of freedom.
    other = result.wald_test(np.array([[2.0, 1.0], [1.0, -1.0], [3.0, 0.0]]) @ contrast)
    assert (other.statistic, other.df) == (pytest.approx(one.statistic, rel=1e-9), 2)


def test_the_estimate_itself_is_never_rejected():
    result = inferred(overlapping())
    at_estimate = result.wald_test(np.identity(10), result.coefficients.estimate.ravel())
    assert at_estimate.statistic == pytest.approx(0.0, abs=1e-12)
    assert at_estimate.p_value == pytest.approx(1.0)


def test_classes_drawn_by_a_coin_are_indistinguishable():
    data = overlapping()
    rng = np.random.default_rng(0)
    y = np.where(data.y == 2, 2 + rng.integers(0, 2, len(data.y)), data.y)
    model = SoftmaxGLM(alpha=0).fit(data.X, y)
    result = infer(model, data.X, y)
    same, different = result.indistinguishable(2, 3), result.indistinguishable(0, 1)
    assert (same.df, different.df) == (4, 4)
    assert same.p_value > 0.01
    assert different.p_value < 1e-4
    assert result.indistinguishable(3, 2).statistic == pytest.approx(same.statistic, rel=1e-9)
    against_base = np.zeros((4, 15))
    against_base[:, 1:5] = np.identity(4)
    assert different.statistic == pytest.approx(result.wald_test(against_base).statistic, rel=1e-9)


def test_p_values_far_out_are_small_and_not_zero():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 1))
    y = (1.5 * x[:, 0] + rng.logistic(size=4000) > 0).astype(int)
    result = infer(SoftmaxGLM(alpha=0).fit(x, y), x, y)
    z, p_value = result.coefficients.z[0, 1], result.coefficients.p_value[0, 1]
    assert z > 9.0
    assert p_value == pytest.approx(2 * stats.norm.sf(z), rel=1e-12)
    assert p_value > 0.0


def test_the_score_test_needs_the_model_without_the_term_only():
    data = overlapping()
    result = inferred(data)
    reduced = inferred(data, data.X[:, 1:])
    X = np.column_stack([np.ones(len(data.X)), data.X])
    mean = reduced.predict(data.X[:, 1:]).probability
    score = np.zeros(15)
    information = np.zeros((15, 15))
    for row, observed, probability in zip(X, data.shares, mean, strict=True):
        score += np.kron(observed - probability, row)
        information += np.kron(np.diag(probability) - np.outer(probability, probability), np.outer(row, row))
    assert result.test_terms("score").statistic[0] == pytest.approx(
        score @ np.linalg.pinv(information) @ score, rel=1e-6
    )


@pytest.mark.parametrize("kind", KINDS)
def test_of_collinear_columns_the_estimable_part_is_tested(kind):
    data = collinear()  # the fifth is a combination of the others, the sixth is the first
    plain = inferred(data, data.X[:, :4]).test_terms(kind, {"x0": [0], "x2": [2], "all": range(4)})
    result = inferred(data).test_terms(kind, {"x0": [0, 4, 5], "x2": [2], "all": range(6), "twins": [0]})
    np.testing.assert_allclose(result.statistic[1:3], plain.statistic[1:], rtol=1e-7)
    assert result.df.tolist() == [2, 2, 8, 0]
    assert np.isnan(result.statistic[3])
    assert np.isnan(result.p_value[3])
    assert str(result).splitlines()[-2].split() == ["twins", "-", "0", "-"]
    assert str(result).endswith("nothing of the term can be estimated.")


def test_collinear_columns_leave_nan_and_a_mask_where_nothing_is_known():
    data = collinear()
    plain = inferred(data, data.X[:, :4])
    result = inferred(data)
    table = result.coefficients
    assert result.n_parameters == plain.n_parameters
    assert table.is_estimable.tolist() == [[True, False, False, True, False, False, False]] * 2
    for values in (table.estimate, table.std_error, table.z, table.p_value, table.lower, table.upper):
        np.testing.assert_array_equal(np.isnan(values), ~table.is_estimable)
    np.testing.assert_allclose(table.estimate[:, 3], plain.coefficients.estimate[:, 3], **DIGITS)
    np.testing.assert_allclose(table.std_error[:, [0, 3]], plain.coefficients.std_error[:, [0, 3]], **DIGITS)
    np.testing.assert_array_equal(np.isnan(result.covariance_matrix[0]), ~np.tile(table.is_estimable[0], 2))
    assert result.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-11)
    assert result.condition_number == np.inf


def test_estimable_combinations_of_collinear_columns_are_tested_and_others_refused():
    data = collinear()
    plain = inferred(data, data.X[:, :4])
    result = inferred(data)
    # x4 = x0 - 2 x1 + x3 / 2 and x5 = x0: what X sees of them is this combination.
    combination = np.zeros(14)
    combination[1:7] = [1.0, 0.0, 0.0, 0.0, 1.0, 1.0]
    expected = np.zeros(10)
    expected[1] = 1.0
    assert result.wald_test(combination).statistic == pytest.approx(plain.wald_test(expected).statistic, rel=1e-7)
    with pytest.raises(ValueError, match="Drop the redundant columns"):
        result.wald_test(np.identity(14)[1])


def test_collinear_fits_predict_what_their_rows_determine():
    data = collinear()
    plain = inferred(data, data.X[:, :4]).predict(data.X[:5, :4])
    result = inferred(data)
    inside = result.predict(data.X[:5])
    np.testing.assert_allclose(inside.probability, plain.probability, **DIGITS)
    np.testing.assert_allclose(inside.std_error, plain.std_error, **DIGITS)
    outside = data.X[:5] + np.array([0, 0, 0, 0, 0, 1.0])
    assert np.isnan(result.predict(outside).probability).all()


def test_a_constant_column_hides_the_intercept():
    result = inferred(constant_column())
    assert result.coefficients.is_estimable[0].tolist() == [False, True, True, False, True, True]
    assert "Not estimable" in str(result)


def test_penalised_fits_are_not_tested():
    result = inferred(overlapping(), alpha=0.01)
    table = result.coefficients
    assert table.z is None
    assert table.p_value is None
    for ask in (
        result.test_terms,
        lambda: result.likelihood_ratio,
        lambda: result.wald_test(np.identity(10)),
        lambda: result.confidence_intervals("profile"),
        lambda: result.indistinguishable(0, 1),
        lambda: compare(result, result),
    ):
        with pytest.raises(ValueError, match="Refit with alpha=0"):
            ask()
    assert " ".join(str(result).split()).endswith("Refit with alpha=0 to test.")


def test_only_nested_fits_of_the_same_rows_are_compared():
    data = overlapping()
    whole = inferred(data)
    other = inferred(data, np.column_stack([data.X[:, 0], data.X[:, 1] ** 2]))
    with pytest.raises(ValueError, match="not nested"):
        compare(other, whole)
    fewer = infer(SoftmaxGLM(alpha=0).fit(data.X[:140], data.y[:140]), data.X[:140], data.y[:140])
    with pytest.raises(ValueError, match="the same rows"):
        compare(fewer, whole)
    with pytest.raises(ValueError, match="the same"):
        compare(inferred(two_classes()), whole)
    # Nested in other words: the span is what counts.
    rotated = inferred(data, data.X @ np.array([[1.0, 1.0], [1.0, -1.0], [0.0, 0.0], [0.0, 0.0]]))
    subset = inferred(data, data.X[:, :2])
    assert compare(rotated, whole).statistic == pytest.approx(compare(subset, whole).statistic, rel=1e-8)


def test_groups_are_columns_that_exist():
    result = inferred(overlapping())
    for columns in (["nothing"], [4], [-5]):
        with pytest.raises(ValueError, match="There is no column"):
            result.test_terms(groups={"group": columns})
    np.testing.assert_allclose(
        result.test_terms(groups={"last": [-1]}).statistic, result.test_terms(groups={"last": ["x3"]}).statistic
    )


def test_a_group_may_be_a_single_column():
    result = inferred(overlapping())
    expected = result.test_terms("wald", groups={"first": ["x0"]}).statistic
    for column in ("x0", 0, np.int64(0)):
        np.testing.assert_array_equal(result.test_terms("wald", groups={"first": column}).statistic, expected)
    with pytest.raises(ValueError, match=r"groups must be a dict .* got \['x0'\]"):
        result.test_terms("wald", groups=["x0"])


def test_a_term_without_a_class_is_tested_by_test_terms():
    with pytest.raises(ValueError, match=r"'x0' is of some class, as in '\[1\]x0'; test_terms tests it"):
        inferred(overlapping()).wald_test("x0=0")


def test_a_class_is_not_compared_with_itself():
    with pytest.raises(ValueError, match="two different classes, got 0 twice"):
        inferred(overlapping()).indistinguishable(0, 0)


def test_contrasts_have_a_column_for_each_coefficient():
    with pytest.raises(ValueError, match=r"expected \(d, 10\)"):
        inferred(overlapping()).wald_test(np.identity(9))


def test_unknown_kinds_are_named():
    result = inferred(overlapping())
    for ask in (
        lambda: result.test_terms("f"),
        lambda: result.pseudo_r2("r"),
        lambda: result.confidence_intervals("bootstrap"),
    ):
        with pytest.raises(ValueError, match="must be"):
            ask()
    with pytest.raises(ValueError, match="two classes"):
        result.pseudo_r2("tjur")


def test_tjur_is_the_difference_of_the_mean_probabilities():
    data = two_classes()
    result = inferred(data)
    probability = result.predict(data.X).probability[:, 1]
    expected = probability[data.y == 1].mean() - probability[data.y == 0].mean()
    assert result.pseudo_r2("tjur") == pytest.approx(expected, rel=1e-12)
