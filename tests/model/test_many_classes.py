"""Many classes: the same coordinates, intercepts and optima as with matrices of their size, and none of these."""

import tracemalloc

import numpy as np
import pytest
from problems import Data, objective_of, rows_and_family
from scipy import sparse

from softglm.data import RowsInMemory
from softglm.families import Categorical, Multinomial, categorical
from softglm.fit import fit
from softglm.model import GLM, Prepared, Ridge, null_coordinates, null_model
from softglm.model.coordinates import coordinates_at
from softglm.model.intercept import solve_intercept
from softglm.model.many_classes import ManyClasses, as_matrix
from softglm.model.pilot import pilot_size, row_scores
from softglm.tuning import Tuning

K = 300
ROUNDING = {"rtol": 1e-10, "atol": 1e-12}
# Shares that differ by 1e6 lose so many digits where they are subtracted.
WHITENED = 1e-9
# Of optima found on different ways to the default tolerance, in the loss.
SAME_LOSS = 1e-8
# Beside a penalty the features are whitened with the mean curvature of the classes, which is taken a little otherwise.
SAME_CHANCES = 5e-3
# What a fit may hold at a time, in blocks of eta in double precision: the one-hot targets of one block and their
# products with weights; or beside eta and these what eta may be off by. A single matrix of the size of the classes
# would be more.
MOST_BLOCKS = 4.5
SHARES = {
    "equal": np.full(K, 1.0 / K),
    "of Zipf": 1.0 / np.arange(1.0, K + 1.0),
    "one of nearly all": np.append(np.full(K - 1, 1e-6), 1.0),
    "random": np.random.default_rng(0).dirichlet(np.full(K, 0.3)) + 1e-9,
}


@pytest.fixture
def with_matrices(monkeypatch):
    """Return what undoes the special treatment of many classes."""
    return lambda: monkeypatch.setattr(categorical, "_MANY", 10**9)


def problem(seed=0, *, n=1500, p=3, n_classes=K, **given):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, p)), rng.permutation(np.arange(n, dtype=np.int32) % n_classes)
    return Data(X + rng.normal(size=(n_classes, p))[y], y, **given)


@pytest.mark.parametrize(("gamma", "ridge"), [(1.0, 0.0), (0.7, 0.02), (1e-3, 1.0), (0.0, 1.0)])
@pytest.mark.parametrize("name", SHARES)
def test_the_curvature_on_sums_of_zero_becomes_the_identity(name, gamma, ridge):
    shares = SHARES[name]
    scales = 1.0 / np.sqrt(gamma * shares + ridge)
    spread = ManyClasses(shares, np.tile(scales, (K, 1))).spread(np.identity(K))
    np.testing.assert_allclose(spread.sum(axis=1), 0.0, rtol=0.0, atol=WHITENED * np.abs(spread).sum(axis=1).max())
    curvature = spread @ (gamma * as_matrix(shares) + ridge * np.identity(K)) @ spread.T
    # Along the scales nothing moves.
    unit = scales / np.linalg.norm(scales)
    np.testing.assert_allclose(curvature, np.identity(K) - np.outer(unit, unit), rtol=0.0, atol=WHITENED)


def test_gathering_is_the_transpose_of_spreading_and_what_is_left_out_stays():
    rng = np.random.default_rng(1)
    scales = rng.random((4, K))
    scales[2] = 0.0
    classes = ManyClasses(SHARES["of Zipf"], scales)
    coordinates, gradient = rng.normal(size=(2, 4, K))
    np.testing.assert_allclose(
        np.vdot(classes.gather(gradient), coordinates), np.vdot(gradient, classes.spread(coordinates)), **ROUNDING
    )
    assert not classes.spread(coordinates)[2].any()
    assert not classes.gather(gradient)[2].any()


@pytest.mark.parametrize("tuning", [Tuning(), Tuning(decomposed_features=0, decomposed_unpenalised=0)])
@pytest.mark.parametrize("alpha", [0.0, 1e-3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_coordinates_measure_gradients_as_those_of_matrices_do(fit_intercept, alpha, tuning, with_matrices):
    rows, family = rows_and_family(problem())
    objective = objective_of(rows, family, alpha, fit_intercept=fit_intercept, tuning=tuning)
    gradient = family.identified(np.random.default_rng(2).normal(size=objective.shape))
    few, many = null_model(objective).information, null_coordinates(objective, null_model(objective).information)
    assert few.shape == many.classes.shape == (K,)
    with_matrices()
    dense = null_coordinates(objective, null_model(objective).information)
    assert dense.classes.shape == (K, K - 1)
    steps = [to.displacement(to.pull_back(gradient)) for to in (many, dense)]
    np.testing.assert_allclose(*steps, rtol=1e-7, atol=1e-7 * np.abs(steps[0]).max())
    np.testing.assert_allclose(many.nearest(gradient), dense.nearest(gradient), **ROUNDING)
    np.testing.assert_allclose(as_matrix(few), null_model(objective).information, **ROUNDING)


def test_where_classes_are_few_the_diagonal_is_not_taken_for_the_information():
    objective = objective_of(*rows_and_family(problem(n_classes=256)), 1e-3)
    assert null_model(objective).information.shape == (256, 256)


@pytest.mark.parametrize("kind", ["labels", "soft labels", "offset", "weights", "sparse", "no intercept", "rare"])
def test_the_optimum_is_that_found_with_matrices_by_as_many_evaluations(kind, with_matrices):
    rng, data, fit_intercept = np.random.default_rng(3), problem(3), kind != "no intercept"
    X, y, weights, offset = data.X, data.y, None, None
    if kind == "soft labels":
        y = rng.dirichlet(np.full(K, 0.1), size=len(y))
    elif kind == "rare":
        y = np.concatenate([np.arange(K), rng.choice(K, size=1200, p=SHARES["of Zipf"] / SHARES["of Zipf"].sum())])
        y = y.astype(np.int32)
    elif kind == "offset":
        offset = rng.normal(size=(len(y), K))
    elif kind == "weights":
        weights = rng.exponential(size=len(y))
    elif kind == "sparse":
        X = sparse.csr_array(np.where(np.abs(X) > 1.0, X, 0.0))
    ridge = Ridge.on_coefficients(1e-3, X.shape[1], fit_intercept=fit_intercept)

    def result():
        # Whether few passes pay is another question, and depends on how Hessians are made.
        rows, tuning = RowsInMemory(X, y, weights, offset), Tuning(sampled_rows=0)
        return fit(rows, Categorical(K), ridge, fit_intercept=fit_intercept, tuning=tuning)

    here = result()
    with_matrices()
    there = result()
    assert here.status is there.status
    assert here.relative_gap <= SAME_LOSS
    np.testing.assert_allclose(here.loss, there.loss, rtol=SAME_LOSS)
    np.testing.assert_allclose(here.coef.sum(axis=1), 0.0, rtol=0.0, atol=1e-9)
    assert here.n_evaluations <= 1.5 * there.n_evaluations + 10


@pytest.mark.parametrize("family", [Categorical(K), Multinomial(K, 5)])
@pytest.mark.parametrize("seed", range(3))
def test_the_best_intercepts_of_many_classes_are_exact(seed, family):
    data, rng = problem(seed), np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(K, 0.5), size=len(data.y)) + 1e-6
    trials = float(family.mean(np.zeros((K, 1))).sum())
    targets = trials * shares / shares.sum(axis=1, keepdims=True)
    rows = RowsInMemory(data.X, targets, rng.exponential(size=len(targets)), rng.normal(size=(len(targets), K)))
    objective = objective_of(rows, family, 0.1)
    start = rng.normal(size=objective.shape)
    solved, is_exact = solve_intercept(objective, start)
    assert is_exact
    np.testing.assert_array_equal(solved[:-1], start[:-1])
    _, gradient = objective.evaluate(solved)
    np.testing.assert_allclose(gradient[-1], 0.0, atol=1e-14 * trials)


@pytest.mark.parametrize("share", [1e-9, 1e-16, 1e-24])
def test_intercepts_that_are_called_exact_are_so_for_classes_of_next_to_no_weight(share):
    rng = np.random.default_rng(4)
    codes = (np.arange(2 * K) % K).astype(np.int32)
    weights, offset = np.where(codes < 3, share, 1.0), rng.normal(size=(2 * K, K))
    objective = objective_of(RowsInMemory(np.zeros((2 * K, 1)), codes, weights, offset), Categorical(K), 1.0)
    solved, is_exact = solve_intercept(objective, np.zeros(objective.shape))
    eta = offset + solved[-1]
    means = np.exp(eta - eta.max(axis=1, keepdims=True))
    expected = weights @ (means / means.sum(axis=1, keepdims=True)) / weights.sum()
    missing = ((expected - objective.moments.mean_target) ** 2 / objective.moments.mean_target).sum()
    assert not is_exact or missing < 1e-15


def test_rows_of_rare_classes_have_the_chances_that_matrices_give_them(with_matrices):
    tuning = Tuning(rows_per_feature=2, least_sample=8, few_entries=0, unusual=0.0)
    rng, found = np.random.default_rng(5), []
    labels = np.append(np.arange(K), np.minimum(rng.geometric(0.02, size=4000), K) - 1).astype(np.int32)
    soft = rng.dirichlet(SHARES["of Zipf"], size=len(labels))
    for targets in (labels, soft):
        rows = RowsInMemory(rng.normal(size=(len(labels), 2)), targets)
        objective = objective_of(rows, Categorical(K), 1e-3, tuning=tuning)
        sample = rows.sample(pilot_size(objective), rows.sampling())

        def scores(objective=objective, rows=rows, sample=sample):
            information = null_model(objective).information
            of_rows = row_scores(objective, information, null_coordinates(objective, information), sample)
            assert of_rows is not None
            return rows.concatenate(of_rows)[0]

        found.append((objective, scores(), scores))
    with_matrices()
    for _, before, scores in found:
        np.testing.assert_allclose(scores(), before, rtol=SAME_CHANCES)


def test_an_approximation_beside_the_null_model_is_about_that_of_matrices(with_matrices):
    rows, family = rows_and_family(problem(6))
    objective = objective_of(rows, family, 1e-3)
    point = family.identified(0.1 * np.random.default_rng(6).normal(size=objective.shape))
    _, gradient = objective.evaluate(point)
    many = coordinates_at(objective, point, rows)
    with_matrices()
    dense = coordinates_at(objective, point, rows)
    lengths = [np.linalg.norm(to.pull_back(gradient)) for to in (many, dense)]
    np.testing.assert_allclose(*lengths, rtol=0.02)


@pytest.mark.parametrize("n_classes", [257, 1000])
def test_many_classes_have_no_hessian(n_classes):
    rows, family = rows_and_family(problem(n=2 * n_classes, p=1, n_classes=n_classes))
    for alpha in (0.0, 1e-3):
        prepared = Prepared(rows, family, fit_intercept=False)
        passes = prepared.passes(Ridge.on_coefficients(alpha, 1, fit_intercept=False))
        assert not GLM.starting_at_null(prepared, passes).hessians


@pytest.mark.parametrize(
    ("kind", "alpha"),
    [("labels", 0.0), ("labels", 1e-3), ("weights", 0.0), ("weights", 1e-3), ("no intercept", 1e-3), ("float32", 1e-3)],
)
def test_a_fit_holds_no_matrix_of_the_size_of_the_classes(kind, alpha):
    data = problem(7, n=5000, p=4, n_classes=5000)
    weights = np.random.default_rng(7).random(5000) + 0.5 if kind == "weights" else None
    rows = RowsInMemory(data.X.astype(np.float32) if kind == "float32" else data.X, data.y, weights)
    ridge = Ridge.on_coefficients(alpha, 4, fit_intercept=kind != "no intercept")
    tracemalloc.start()
    try:
        fit(rows, Categorical(5000), ridge, fit_intercept=kind != "no intercept", max_iter=2)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most <= MOST_BLOCKS * 1024 * 5000 * 8
