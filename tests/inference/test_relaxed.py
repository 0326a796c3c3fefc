"""Sparse and bounded fits have no standard errors, and say why; a refit of what was selected has some."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from softglm import SoftmaxGLM, infer

X, y = load_wine(return_X_y=True, as_frame=True)
X = X.iloc[:, :6]
LASSO = SoftmaxGLM(0.1, l1_ratio=1.0, standardize=True).fit(X, y)
KEPT = np.flatnonzero(LASSO.coef_.any(axis=0))
# Of coefficients and errors, in the other units of a scaled column.
SAME = {"rtol": 1e-6}
NOTE = "Relaxed: 5 of 6 features, those with some coefficient other than 0 under l1_ratio=1 and alpha=0.1"


def test_there_are_no_p_values_of_a_lasso_and_the_message_offers_what_there_is():
    with pytest.raises(ValueError, match=r"This model holds coefficients at 0 .* no p-value would hold.* relaxed=True"):
        infer(LASSO, X, y)
    with pytest.raises(ValueError, match="holds coefficients at 0"):
        infer(make_pipeline(StandardScaler(), SoftmaxGLM(0.1, l1_ratio=0.5)).fit(X, y), X, y)


def test_bounds_leave_no_normal_estimates():
    model = SoftmaxGLM(0.01, lower=0.0, standardize=True).fit(X, y)
    for relaxed in (False, True):
        with pytest.raises(ValueError, match=r"have bounds \(lower, upper\).* Refit without bounds"):
            infer(model, X, y, relaxed=relaxed)


def test_relaxed_is_the_fit_without_a_penalty_of_the_selected_features():
    assert 0 < len(KEPT) < 6
    before = LASSO.coef_.copy()
    result = infer(LASSO, X, y, relaxed=True)
    plain = infer(SoftmaxGLM(alpha=0).fit(X.iloc[:, KEPT], y), X.iloc[:, KEPT], y)
    np.testing.assert_allclose(result.coefficients.estimate, plain.coefficients.estimate, **SAME)
    np.testing.assert_allclose(result.coefficients.std_error, plain.coefficients.std_error, **SAME)
    assert result.features == tuple(X.columns[KEPT])
    text = " ".join(str(result).split())
    assert NOTE in text
    assert "do not allow for the selection, and are too optimistic" in text
    np.testing.assert_array_equal(LASSO.coef_, before)


def test_it_is_the_same_behind_a_scaler_and_effects_are_asked_of_the_columns_that_were_given():
    pipeline = make_pipeline(StandardScaler(), SoftmaxGLM(0.1, l1_ratio=1.0)).fit(X, y)
    scaled, raw = infer(pipeline, X, y, relaxed=True), infer(LASSO, X, y, relaxed=True)
    np.testing.assert_allclose(scaled.coefficients.p_value[:, 1:], raw.coefficients.p_value[:, 1:], rtol=1e-5)
    ours, theirs = (result.average_predictions("alcohol", [13.0]).probability for result in (scaled, raw))
    np.testing.assert_allclose(ours, theirs, **SAME)
    left_out = X.columns[np.setdiff1d(np.arange(6), KEPT)[0]]
    with pytest.raises(ValueError, match=f"No column of the model depends on '{left_out}'"):
        scaled.average_predictions(left_out, [80.0, 120.0])


def test_columns_without_names_keep_their_numbers():
    model = SoftmaxGLM(0.1, l1_ratio=1.0, standardize=True).fit(X.to_numpy(), y)
    assert infer(model, X.to_numpy(), y, relaxed=True).features == tuple(f"x{j}" for j in KEPT)


def test_other_data_than_those_of_the_fit_are_refused():
    with pytest.raises(ValueError, match=r"not those of the fit\. Pass these"):
        infer(LASSO, X.iloc[1:], y[1:], relaxed=True)


def test_there_must_be_something_selected():
    with pytest.raises(ValueError, match="No feature has a coefficient other than 0 under alpha=10"):
        infer(SoftmaxGLM(10.0, l1_ratio=1.0, standardize=True).fit(X, y), X, y, relaxed=True)
    with pytest.raises(ValueError, match="this model has selected none"):
        infer(SoftmaxGLM().fit(X, y), X, y, relaxed=True)


def test_a_standardised_ridge_has_the_inference_of_a_ridge_behind_a_scaler():
    factors = {"ash": 0.5}
    raw = infer(SoftmaxGLM(0.1, standardize=True, penalty_factors=factors).fit(X, y), X, y)
    scaler = StandardScaler().set_output(transform="pandas")
    behind = infer(make_pipeline(scaler, SoftmaxGLM(0.1, penalty_factors=factors)).fit(X, y), X, y)
    for name in ("estimate", "std_error"):
        ours, theirs = (getattr(result.coefficients, name)[:, 1:] for result in (raw, behind))
        np.testing.assert_allclose(ours * scaler.fit(X).scale_, theirs, **SAME)
    assert raw.effective_parameters == pytest.approx(behind.effective_parameters)
    assert "Ridge alpha 0.05 to 0.1" in " ".join(str(behind).split())


def test_labels_and_weights_reach_the_refit():
    weights = 1 + np.arange(len(y)) % 2
    model = SoftmaxGLM(0.1, l1_ratio=1.0, standardize=True).fit(X, y, sample_weight=weights)
    result = infer(model, X, y, sample_weight=weights, relaxed=True)
    whole = pd.concat([X, X.iloc[1::2]]), pd.concat([y, y.iloc[1::2]])
    repeated = infer(SoftmaxGLM(0.1, l1_ratio=1.0, standardize=True).fit(*whole), *whole, relaxed=True)
    np.testing.assert_allclose(result.coefficients.std_error, repeated.coefficients.std_error, rtol=1e-5)
