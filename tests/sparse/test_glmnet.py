"""What R's glmnet says of the same paths, at `thresh = 1e-20`, or 1e-16 where rounding keeps it from more."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from estimates import GOLDEN, golden
from problems import Data, objective_of, rows_and_family
from sklearn import datasets

from softglm.fit import prepare, solve
from softglm.model import Ridge
from softglm.model.penalties import Box, ElasticNet, GroupElasticNet
from softglm.sweep import sweep

R = golden("glmnet")
# Of the null deviance: what is proved. The deviance alone, without the penalty, is as far off as the coefficients are:
# the root of the gap, at both.
TOL = 1e-14
DEVIANCE = {"rtol": 0.0, "atol": 5e-8}
# Coefficients per standard deviation of a column; by glmnet's thresh.
COEFFICIENTS = {1e-20: 1e-6, 1e-18: 1e-5, 1e-16: 1e-4}
PROBABILITIES = {"rtol": 0.0, "atol": 1e-7}
# The slope at glmnet's coefficients, per standard deviation of a column.
OPTIMALITY = 1e-7
# The largest strength, printed to 12 digits, is found by one pass; where a feature is free, after a fit to 1e-18.
LARGEST, LARGEST_AFTER_A_FIT = 1e-9, 1e-6
CASES = {
    f"{case['data']} {case['kind']} {case['variant']}{' standardised' * case['standardize']}": case
    for case in R["cases"]
}
SPARSE = {name: case for name, case in CASES.items() if case["kind"] != "ridge" or "limits" in case["variant"]}


def wide():
    """As the script in R makes it."""
    i, j = np.arange(1, 41)[:, np.newaxis], np.arange(1, 121)
    X = ((i**2 * (j + 3) * 17 + 31 * i * j**2 + 7 * j) % 127) / 127
    score = X[:, 0] - X[:, 1] + X[:, 2] * X[:, 3] + X[:, 4] / 2
    return X, (score > 0.25).astype(np.int32) + (score > 0.6)


def iris():
    frame = pd.read_csv(GOLDEN / "data" / "iris.csv")
    return frame.iloc[:, :4].to_numpy(), frame["Species"].astype("category").cat.codes.to_numpy(np.int32)


ROWS = {
    "iris": iris,
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "breast_cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
    "wide": wide,
}


def data_of(case):
    X, y = ROWS[case["data"]]()
    i, n_classes = np.arange(len(y)), y.max() + 1
    weights = 0.5 + (i % 4) / 2 if case["variant"] == "weights" else None
    offset = ((3 * i[:, np.newaxis] + 5 * np.arange(n_classes)) % 7 - 3) / 5 if case["variant"] == "offset" else None
    if n_classes == 2 and offset is not None:
        offset = offset[:, 1:] - offset[:, :1]
    return Data(X, y.astype(np.int32), weights, offset)


LIMITS = {"limits": (-0.4, 0.25), "at_least_0": (0.0, np.inf), "at_most_0": (-np.inf, 0.0)}


def penalty_of(case, data, strength):
    """glmnet's limits are those of columns as they are, whatever the units in which these are penalised."""
    p = data.X.shape[1]
    factors = np.ones(p)
    if case["variant"] == "factors":
        factors[:2] = 0.0, 2.0
    l1_ratio = {"lasso": 1.0, "elastic_net": 0.5, "ridge": 0.0}[case["kind"].removeprefix("grouped_")]
    weights = data.row_weights / data.total_weight
    spread = np.sqrt(weights @ (data.X - weights @ data.X) ** 2) if case["standardize"] else np.ones(p)
    if case["variant"] in LIMITS:
        lower, upper = (limit * spread for limit in LIMITS[case["variant"]])
        made = Box.on_coefficients(strength, l1_ratio, factors, lower, upper, fit_intercept=True)
    elif case["kind"].startswith("grouped"):
        codes = np.arange(p, dtype=np.int32)
        made = GroupElasticNet.on_coefficients(strength, l1_ratio, factors, codes, fit_intercept=True)
    elif l1_ratio == 0.0:
        made = Ridge(np.append(strength * factors, 0.0))
    else:
        made = ElasticNet.on_coefficients(strength, l1_ratio, factors, fit_intercept=True)
    return made.in_units(spread)


def explained(fit):
    return 1.0 - (fit.loss - fit.penalty) / fit.null_loss


def coef_of(case, point):
    """Coefficients as R has them, shape (p, q), and intercepts."""
    data = data_of(case)
    intercept = np.array(point["intercept"])
    coef = np.zeros(len(intercept) * data.X.shape[1])
    coef[point["nonzero"]] = point["coef"]
    return coef.reshape(len(intercept), -1).T, intercept


def probabilities_of(data, coef, intercept):
    """Of five rows, those in the file."""
    chosen = np.round(np.linspace(1, len(data.y), 5)).astype(int) - 1
    eta = data.X[chosen] @ coef + intercept + (0.0 if data.offset is None else data.offset[chosen])
    if coef.shape[1] == 1:
        eta = np.column_stack([np.zeros(5), eta])
    odds = np.exp(eta - eta.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def centred(case, coef):
    """Without what nothing determines: a constant added to a free feature's coefficients of all classes."""
    coef = coef.copy()
    if case["variant"] == "factors" and coef.shape[1] > 1:
        coef[0] -= coef[0].mean()
    return coef


@pytest.mark.parametrize("name", SPARSE)
def test_the_coefficients_of_glmnet_satisfy_the_conditions_of_an_optimum(name):
    case = CASES[name]
    data = data_of(case)
    for at, point in zip(R["kept"], case["points"], strict=True):
        penalty = penalty_of(case, data, case["lambda"][at])
        coef, intercept = coef_of(case, point)
        if case["variant"] in LIMITS:  # what is printed may miss them by a digit
            lower, upper = penalty.bounds(coef.shape[1])
            for limit in (lower, upper):
                coef = np.where(np.isclose(coef, limit, rtol=1e-11, atol=0.0), limit, coef)
        gradient = gradient_at(data, coef, intercept) + penalty.smooth.strength[: len(coef), np.newaxis] * coef
        violation = penalty.violation(coef, gradient) / data.X.std(axis=0)[:, np.newaxis]
        assert np.abs(violation).max() < OPTIMALITY


def gradient_at(data, coef, intercept):
    """Of the mean loss by the coefficients, shape (p, q)."""
    objective = objective_of(*rows_and_family(data), 0.0)
    _, gradient = objective.evaluate(objective.centred(coef, intercept))
    by_coef, by_intercept = objective.split(gradient)
    return by_coef + np.outer(objective.moments.center, by_intercept)


@cache
def path_of(name):
    """The same for several tests."""
    case = CASES[name]
    data = data_of(case)
    penalties = [penalty_of(case, data, strength) for strength in case["lambda"]]
    return data, list(sweep(prepare(*rows_and_family(data)), penalties, tol=TOL))


@pytest.mark.parametrize("name", CASES)
def test_a_path_is_that_of_glmnet(name):
    case = CASES[name]
    data, fits = path_of(name)
    np.testing.assert_allclose([explained(fit) for fit in fits], case["dev_ratio"], **DEVIANCE)
    for at, point in zip(R["kept"], case["points"], strict=True):
        coef, _ = coef_of(case, point)
        differ = data.X.std(axis=0)[:, np.newaxis] * (centred(case, fits[at].coef) - centred(case, coef))
        assert np.abs(differ).max() < COEFFICIENTS[case["thresh"]]
        expected = np.array(point["probability"])
        found = probabilities_of(data, fits[at].coef, fits[at].intercept)
        np.testing.assert_allclose(found[:, 1] if expected.ndim == 1 else found, expected, **PROBABILITIES)


@pytest.mark.parametrize("name", SPARSE)
def test_as_many_coefficients_are_zero_as_glmnet_says(name):
    _, fits = path_of(name)
    # At the largest strength itself the last digit decides who enters.
    assert [np.count_nonzero(fit.coef) for fit in fits[1:]] == CASES[name]["n_nonzero"][1:]


@pytest.mark.parametrize("kind", R["iris_at_0.05"])
def test_the_deviance_that_iris_explains_at_one_strength_is_that_of_glmnet(kind):
    case = CASES[f"iris {kind} plain standardised"]
    data = data_of(case)
    fit = solve(prepare(*rows_and_family(data)), penalty_of(case, data, 0.05), tol=TOL)
    assert explained(fit) == pytest.approx(R["iris_at_0.05"][kind], abs=DEVIANCE["atol"])


@pytest.mark.parametrize("name", [name for name, case in SPARSE.items() if case["variant"] not in LIMITS])
def test_the_largest_strength_is_that_of_glmnet(name):
    case = CASES[name]
    n_free = int(case["variant"] == "factors")
    data, largest, digits = data_of(case), case["lambda"][0], LARGEST_AFTER_A_FIT if n_free else LARGEST
    fit = solve(prepare(*rows_and_family(data)), penalty_of(case, data, (1.0 + digits) * largest), tol=TOL)
    assert not fit.coef[n_free:].any()
    penalty = penalty_of(case, data, 1.0)
    pull = penalty.pull(gradient_at(data, fit.coef, fit.intercept))
    assert pull.max() == pytest.approx(largest, rel=digits)
