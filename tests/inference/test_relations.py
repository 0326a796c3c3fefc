"""Which columns of X are said to look like functions of others, and which are not."""

import numpy as np
import pytest
from estimates import estimate_of
from problems import Data
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

from softglm.data import RowsInMemory
from softglm.inference.covariance import Covariance
from softglm.inference.inference import Inference
from softglm.inference.relations import described, relations_of

N = 400


def found(X, weights=None):
    rows = RowsInMemory(X, np.zeros(X.shape[0], dtype=np.int32), weights)
    return {relation.column: relation.factors for relation in relations_of(rows)}


@pytest.fixture
def columns():
    rng = np.random.default_rng(0)
    return {
        "age": rng.integers(18, 80, N).astype(float),
        "year": np.repeat(np.arange(1990.0, 2030.0), N // 40),
        "z": rng.normal(size=N),
        "sex": rng.integers(0, 2, N).astype(float),
        "dummies": np.eye(4)[rng.integers(0, 4, N)],
    }


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda c: [c["age"], c["age"] ** 2, c["z"]], {1: (0, 0)}),
        (lambda c: [c["age"], (c["age"] - 40.0) ** 2 / 100.0], {1: (0, 0)}),
        (lambda c: [c["year"], c["z"], c["year"] ** 2], {2: (0, 0)}),
        (lambda c: [c["z"], c["age"], c["age"] * c["z"]], {2: (0, 1)}),
        (lambda c: [c["z"], c["age"], 3.0 - (c["age"] - 50.0) * (c["z"] - 1.0)], {2: (0, 1)}),
        (lambda c: [c["z"], c["sex"], c["sex"] * c["z"]], {2: (0, 1)}),
        (lambda c: [c["age"] * c["z"], c["age"], c["z"]], {0: (1, 2)}),
        (lambda c: [c["z"], c["z"] ** 2, c["z"] ** 3], {1: (0, 0), 2: (0, 1)}),
    ],
)
def test_squares_and_products_are_found_shifted_and_scaled_too(columns, make, expected, dtype):
    assert found(np.column_stack(make(columns)).astype(dtype)) == expected


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda c: [c["z"], np.exp(c["z"])], {1: (0,)}),
        (lambda c: [c["age"], c["z"], -np.log(c["age"])], {2: (0,)}),
        (lambda c: [c["age"], np.abs(c["age"] - 45.0)], {1: (0,)}),
        (lambda c: [c["age"] // 10.0, c["age"]], {0: (1,)}),
        (lambda c: [np.abs(c["age"] - 45.0), c["z"], c["age"]], {0: (2,)}),
    ],
)
def test_other_functions_are_found_by_equal_values_and_by_order(columns, make, expected):
    assert found(np.column_stack(make(columns))) == expected


@pytest.mark.parametrize(
    "make",
    [
        lambda c: [c["dummies"], c["age"], c["z"]],
        lambda c: [c["dummies"][:, 1:], c["sex"]],
        lambda c: [c["z"], c["z"] + 1e-3 * np.random.default_rng(1).normal(size=N)],
        lambda c: [c["z"], 2.0 * c["z"] + 1.0, c["age"], c["z"] - c["age"]],
        lambda c: [c["z"], c["z"] > 0.0, c["age"]],
        lambda c: [c["z"], np.ones(N), c["sex"]],
        lambda _: [np.random.default_rng(2).integers(0, 2, (N, 40)).astype(float)],
        lambda _: [(np.random.default_rng(3).uniform(size=(N, 40)) < 0.03).astype(float)],
        lambda _: [np.random.default_rng(4).integers(0, 3, (N, 30)).astype(float)],
        lambda c: [c["z"]],
    ],
)
def test_columns_that_are_only_related_are_not_named(columns, make):
    assert found(np.column_stack(make(columns)).astype(float)) == {}


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
def test_real_measurements_are_not_named(load):
    assert found(load().data) == {}


def test_what_holds_in_most_rows_only_is_no_relation(columns):
    X = np.column_stack([columns["age"], columns["age"] ** 2, columns["z"]])
    X[7, 1] += 1.0
    many = np.tile(X, (20, 1))
    many[7 + N :: N, 1] -= 1.0
    assert found(many) == {}
    weights = np.ones(len(many))
    weights[7] = 0.0
    assert found(many, weights) == {1: (0, 0)}


def test_sparse_columns_are_looked_at_and_very_many_are_not(columns):
    X = np.column_stack([columns["dummies"], columns["age"], columns["age"] ** 2])
    assert found(sparse.csr_array(X)) == {5: (4, 4)}
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(50, 300))
    wide[:, 1] = wide[:, 0] ** 2
    assert found(wide) == {}


def effects(X):
    rng = np.random.default_rng(0)
    estimate = estimate_of(Data(X, rng.integers(3, size=len(X)).astype(np.int32)))
    covariance, features = Covariance("model", estimate.inverse_root), ("age", "age2", "z")
    return Inference(estimate, covariance, np.arange(3), 0, features, inputs=None, sample=None).marginal_effects()


def test_the_table_of_effects_says_so(columns):
    result = effects(np.column_stack([columns["age"], columns["age"] ** 2, columns["z"]]))
    (line,) = result.notes
    assert line.startswith("age2 looks like age * age: it is moved alone. Put PolynomialFeatures, or whatever made it,")
    assert line in " ".join(str(result).splitlines())
    assert effects(np.random.default_rng(0).normal(size=(N, 3))).notes == ()


def test_many_relations_are_not_all_listed(columns):
    z = columns["z"]
    X = np.column_stack([z, *(np.tanh(z - k / 4.0) for k in range(8))])
    rows = RowsInMemory(X, np.zeros(N, dtype=np.int32))
    (line,) = described(relations_of(rows), [f"x{j}" for j in range(9)])
    assert line.startswith("x1 looks like a function of x0, x2 like ")
    assert ", and 3 more: each is moved alone." in line
