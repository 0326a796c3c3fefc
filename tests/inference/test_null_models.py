"""Which model without features is meant, and that it is a model."""

import numpy as np
import pandas as pd
import pytest
from estimates import anes96
from problems import counts, overlapping, two_classes, weighted_with_offset
from scipy import sparse

from softglm import SoftmaxGLM, compare, infer

ROUNDING = {"rtol": 1e-9, "atol": 1e-9}


def inferred(X, y, *, fit_intercept=True, sample_weight=None, offset=None, **options):
    model = SoftmaxGLM(alpha=0, fit_intercept=fit_intercept).fit(X, y, sample_weight, offset)
    return infer(model, X, y, sample_weight=sample_weight, offset=offset, **options)


def one_hot(codes):
    return np.identity(codes.max() + 1)[codes]


OWN_CONSTANTS = {
    "ones": lambda X: np.column_stack([np.ones(len(X)), X]),
    "sevens, last": lambda X: np.column_stack([X, np.full(len(X), 7.0)]),
    "every dummy of a factor": lambda X: np.column_stack([X, one_hot(np.arange(len(X)) % 4)]),
    "shares": lambda X: np.column_stack([X, np.abs(X[:, 0]) / 100.0, 1.0 - np.abs(X[:, 0]) / 100.0]),
    "sparse": lambda X: sparse.csr_array(np.column_stack([np.ones(len(X)), X])),
}


def with_an_intercept(name, X):
    """The same model, with an intercept in place of the constant of its own."""
    if name == "every dummy of a factor":
        return np.column_stack([X, one_hot(np.arange(len(X)) % 4)[:, 1:]])
    return np.column_stack([X, np.abs(X[:, 0]) / 100.0]) if name == "shares" else X


@pytest.mark.parametrize("make", [overlapping, two_classes, weighted_with_offset])
@pytest.mark.parametrize("name", OWN_CONSTANTS)
def test_a_constant_of_its_own_makes_the_null_model_one_of_constants(name, make):
    data = make()
    given = {"sample_weight": data.weights, "offset": data.offset}
    own = inferred(OWN_CONSTANTS[name](data.X), data.y, fit_intercept=False, **given)
    usual = inferred(with_an_intercept(name, data.X), data.y, **given)
    for ask in (
        lambda result: result.log_likelihood,
        lambda result: result.null_log_likelihood,
        lambda result: result.likelihood_ratio.statistic,
        lambda result: result.likelihood_ratio.df,
        lambda result: result.pseudo_r2(),
        lambda result: result.null_deviance,
        lambda result: compare(result.null, result).statistic,
    ):
        np.testing.assert_allclose(ask(own), ask(usual), **ROUNDING)
    robust = [
        inferred(X, data.y, fit_intercept=has, covariance="robust", **given).overall_test[1]
        for X, has in ((OWN_CONSTANTS[name](data.X), False), (with_an_intercept(name, data.X), True))
    ]
    assert robust[0].df == robust[1].df
    np.testing.assert_allclose(robust[0].statistic, robust[1].statistic, rtol=1e-7)
    assert "Null model: constants only, for X holds a constant" in " ".join(str(own).split())
    assert "Null model:" not in str(usual)


def test_without_any_constant_the_null_model_has_no_parameters():
    data = overlapping()
    result = inferred(data.X, data.y, fit_intercept=False)
    assert result.null_log_likelihood == pytest.approx(-len(data.y) * np.log(3.0))
    assert result.likelihood_ratio.df == result.n_parameters
    assert "no intercept, and X holds no constant" in " ".join(str(result).split())
    with pytest.raises(ValueError, match="has no constant"):
        _ = result.null


def test_counts_have_the_null_deviance_of_their_constants():
    data = counts()
    own = inferred(np.column_stack([np.ones(len(data.X)), data.X]), data.y, fit_intercept=False).goodness_of_fit()
    usual = inferred(data.X, data.y).goodness_of_fit()
    assert own.null_df == usual.null_df
    np.testing.assert_allclose(own.null_deviance, usual.null_deviance, **ROUNDING)


def test_constants_beside_an_intercept_are_named_and_no_two_rows_are_called_alike():
    data = overlapping()
    frame = pd.DataFrame(data.X, columns=["a", "b", "c", "d"]).assign(Intercept=1.0, year=2020.0)
    result = inferred(frame, data.y)
    assert result.terms == ("Intercept", "a", "b", "c", "d", "Intercept (column)", "year")
    assert "Constant: Intercept, year." in " ".join(str(result).split())
    tests = result.test_terms("lr", {"constants": ["Intercept", "year"], "all": list(frame.columns)})
    assert tests.df.tolist() == [0, 8]
    assert np.isnan(tests.p_value[0])
    np.testing.assert_allclose(result.log_likelihood, inferred(data.X, data.y).log_likelihood, **ROUNDING)


@pytest.mark.parametrize("make", [overlapping, two_classes, weighted_with_offset, anes96])
def test_the_null_model_is_a_model(make):
    data = make()
    result = inferred(data.X, data.y, sample_weight=data.weights, offset=data.offset)
    null = result.null
    assert null.log_likelihood == pytest.approx(result.null_log_likelihood, rel=1e-12)
    assert null.n_parameters == result.estimate.n_classes - 1
    assert compare(null, result).statistic == pytest.approx(result.likelihood_ratio.statistic, rel=1e-9)
    assert compare(null, result).df == result.likelihood_ratio.df
    assert null.likelihood_ratio.df == 0
    assert np.isnan(null.likelihood_ratio.p_value)
    assert null.terms == ("Intercept",)
    assert null.test_terms().terms == ()
    assert "Intercept" in str(null)
    if data.offset is None:
        weights = np.ones(len(data.y)) if data.weights is None else data.weights
        totals = np.bincount(data.y, weights)
        np.testing.assert_allclose(null.coefficients.estimate[:, 0], np.log(totals[1:] / totals[0]), rtol=1e-8)
        # Of counts of a multinomial: 1 / n_k + 1 / n_0.
        np.testing.assert_allclose(
            null.coefficients.std_error[:, 0] ** 2, 1.0 / totals[1:] + 1.0 / totals[0], rtol=1e-8
        )
    assert null.null.log_likelihood == pytest.approx(null.log_likelihood)


def test_the_null_model_has_the_covariance_that_was_asked_for():
    data = overlapping()
    clusters = np.arange(150) // 10
    null = inferred(data.X, data.y, covariance="cluster", clusters=clusters).null
    totals = np.zeros((15, 3))
    np.add.at(totals, (clusters, data.y), 1.0)
    scores = (totals - 10.0 * np.bincount(data.y) / 150.0)[:, 1:]
    shares = np.bincount(data.y)[1:] / 150.0
    inverse = np.linalg.inv(150.0 * (np.diag(shares) - np.outer(shares, shares)))
    expected = 15.0 / 14.0 * inverse @ scores.T @ scores @ inverse
    np.testing.assert_allclose(null.covariance_matrix, expected, rtol=1e-8)
