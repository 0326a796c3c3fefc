"""What glmnet prints, and what scikit-learn's saga finds."""

import numpy as np
import pytest
from penalised import grouped, lasso, likelihood_and_gradient, null_intercept, prepared_of
from problems import PROBLEMS, real_data
from sklearn.linear_model import LogisticRegression

from softglm.fit import solve
from softglm.sparse import strongest

# Digits that were printed; glmnet stops before the optimum.
PRINTED, GLMNET = 1e-11, 1e-6
SAGA = 1e-6

# glmnet 4.1.6 on iris, standardize=TRUE, lambda=.05, thresh=1e-14: dev.ratio.
EXPLAINED = {
    ("lasso", 1.0): 0.735558739028,
    ("lasso", 0.5): 0.721238385876,
    ("grouped", 1.0): 0.786003042737,
    ("grouped", 0.5): 0.743194977844,
}
# The first lambda.
LARGEST = {"lasso": 0.434995773979, "grouped": 0.560170128639}
MAKERS = {"lasso": lasso, "grouped": grouped}


def standardised(kind, l1_ratio=1.0):
    data = real_data("iris")
    return data, MAKERS[kind](np.ones(4), fit_intercept=True, l1_ratio=l1_ratio).in_units(data.dense.std(axis=0))


@pytest.mark.parametrize(("kind", "l1_ratio"), EXPLAINED)
def test_glmnet_explains_as_much_deviance(kind, l1_ratio):
    data, penalty = standardised(kind, l1_ratio)
    fit = solve(prepared_of(data), penalty.times(0.05), tol=1e-12)
    explained = 1.0 - (fit.loss - fit.penalty) / fit.null_loss
    assert explained == pytest.approx(EXPLAINED[kind, l1_ratio], abs=GLMNET)


@pytest.mark.parametrize("kind", LARGEST)
def test_glmnet_begins_at_the_same_strength(kind):
    data, penalty = standardised(kind)
    prepared = prepared_of(data)
    assert strongest(prepared, penalty) == pytest.approx(LARGEST[kind], rel=PRINTED)
    _, gradient, _ = likelihood_and_gradient(data, np.zeros((4, 3)), null_intercept(prepared))
    assert strongest(prepared, penalty) == pytest.approx(penalty.pull(gradient).max(), rel=PRINTED)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("name", ["overlapping", "two_classes"])
def test_saga_finds_the_same_coefficients(name, l1_ratio):
    data, alpha = PROBLEMS[name](), 0.02
    penalty = lasso(np.ones(4), fit_intercept=True, l1_ratio=l1_ratio).times(alpha)
    fit = solve(prepared_of(data), penalty, tol=1e-14)
    C = 1.0 / (alpha * len(data.y))
    # Before 1.8 the kind of the penalty has a parameter of its own.
    named = {} if LogisticRegression().penalty == "deprecated" else {"penalty": "elasticnet"}
    saga = LogisticRegression(solver="saga", C=C, l1_ratio=l1_ratio, tol=1e-12, max_iter=100_000, **named)
    saga.fit(data.X, data.y)
    np.testing.assert_allclose(fit.coef.T, saga.coef_, rtol=SAGA, atol=SAGA)
