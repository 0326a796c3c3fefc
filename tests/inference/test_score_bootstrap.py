"""The wild bootstrap of scores: the formula draw by draw, what it cannot depend on, and what it refuses."""

import itertools

import numpy as np
import pytest
from problems import Data, drawn_classes
from scipy import linalg, optimize, special

from softglm import SoftmaxGLM, infer

# Two optima under a constraint, one of them by SciPy's quasi-Newton method.
DIGITS = {"rtol": 1e-5}
ROUNDING = {"rtol": 1e-9}
# Of p-values by some thousand draws: five standard errors.
ERRORS = 5.0


def in_clusters(n_clusters, n_classes=3, seed=0, n=120):
    rng = np.random.default_rng(seed)
    clusters = rng.permutation(np.arange(n) % n_clusters)
    X = rng.normal(size=(n, 2)) + 0.5 * rng.normal(size=(n_clusters, 2))[clusters]
    return Data(X, drawn_classes(rng, 0.4 * X @ rng.normal(size=(2, n_classes)))), clusters


def inferred(data, clusters, **options):
    options = {"covariance": "cluster", "clusters": clusters} | options
    return infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, **options)


def by_the_formula(data, clusters, forms, values):
    """Return the efficient scores of the clusters at the best fit with forms b = values, from log odds alone."""
    K = data.n_classes
    rows, shares = np.column_stack([np.ones(len(data.y)), data.X]), data.shares
    free, start = linalg.null_space(forms), linalg.lstsq(forms, values)[0]

    def mean(b):
        return special.softmax(np.column_stack([np.zeros(len(rows)), rows @ b.reshape(K - 1, -1).T]), axis=1)

    def loss(z):
        b = start + free @ z
        p = mean(b)
        return -np.log(p[np.arange(len(p)), data.y]).sum(), free.T @ ((p - shares)[:, 1:].T @ rows).ravel()

    b = start + free @ optimize.minimize(loss, np.zeros(free.shape[1]), jac=True, tol=1e-13).x
    p = mean(b)
    scores = np.einsum("ik,ij->ikj", (shares - p)[:, 1:], rows).reshape(len(rows), -1)
    bends = [np.diag(one[1:]) - np.outer(one[1:], one[1:]) for one in p]
    information = sum(np.kron(bend, np.outer(x, x)) for bend, x in zip(bends, rows, strict=True))
    totals = np.array([scores[clusters == cluster].sum(axis=0) for cluster in np.unique(clusters)])
    return totals @ linalg.solve(information, forms.T)


def statistic(scores, v):
    metric = sum(weight**2 * np.outer(c, c) for weight, c in zip(v, scores, strict=True))
    return (v @ scores) @ linalg.solve(metric, v @ scores)


@pytest.mark.parametrize("places", [[1], [2, 4], [1, 2, 4, 5]])
def test_every_sign_of_few_clusters_is_looked_at_by_the_formula(places):
    data, clusters = in_clusters(7)
    forms, values = np.identity(6)[places], 0.1 * np.arange(len(places))
    test = inferred(data, clusters).bootstrap_test(forms, values)
    scores = by_the_formula(data, clusters, forms, values)
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=7)))
    every = np.array([statistic(scores, v) for v in signs])
    observed = statistic(scores, np.ones(7))
    np.testing.assert_allclose(test.statistic, observed, **DIGITS)
    assert (test.is_exhaustive, test.n_draws, test.p_error) == (True, 128, 0.0)
    assert test.p_value == (every > observed * (1.0 - 1e-6)).mean()
    assert "all 128 signs of 7 clusters" in str(test)


def test_recentred_scores_have_statistics_in_the_same_order():
    data, clusters = in_clusters(6)
    scores = by_the_formula(data, clusters, np.identity(6)[[1, 4]], np.zeros(2))
    for v in np.random.default_rng(0).choice([-1.0, 1.0], size=(20, 6)):
        weighted = v[:, np.newaxis] * scores
        centred = weighted - weighted.mean(axis=0)
        recentred = weighted.sum(axis=0) @ linalg.solve(centred.T @ centred, weighted.sum(axis=0))
        w = statistic(scores, v)
        np.testing.assert_allclose(recentred, 6 * w / (6 - w), **ROUNDING)


@pytest.mark.parametrize("weights", ["rademacher", "webb"])
def test_draws_are_those_of_the_seed_and_have_the_error_they_state(weights):
    data, clusters = in_clusters(9)
    result = inferred(data, clusters)
    one, again, other = (result.bootstrap_test("x0", draws=300, weights=weights, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert not one.is_exhaustive
    assert one.p_value != other.p_value
    many = result.bootstrap_test("x0", draws=9999, weights=weights)
    assert abs(one.p_value - many.p_value) < ERRORS * one.p_error
    assert f"300 draws of {weights.capitalize()} weights, 9 clusters" in str(one)


def test_webb_draws_divide_by_the_metric_of_their_own():
    data, clusters = in_clusters(8)
    test = inferred(data, clusters).bootstrap_test("x1", draws=2000, weights="webb")
    scores = by_the_formula(data, clusters, np.identity(6)[[2, 5]], np.zeros(2))
    rng = np.random.default_rng(5)
    drawn = rng.choice([-1.0, 1.0], size=(2000, 8)) * np.sqrt(rng.choice([0.5, 1.0, 1.5], size=(2000, 8)))
    share = np.mean([statistic(scores, v) >= test.statistic for v in drawn])
    assert abs(test.p_value - share) < ERRORS * np.sqrt(2.0) * test.p_error


def test_the_base_class_the_units_and_the_kind_of_covariance_do_not_matter():
    data, clusters = in_clusters(8)
    expected = inferred(data, clusters).bootstrap_test("x0")
    for result in (
        inferred(data, clusters).rebase(2),
        inferred(data, clusters, covariance="CR2"),
        inferred(Data(data.X * [1e3, 1e-3] + 5.0, data.y), clusters),
        inferred(data, np.array(list("hgfedcba"))[clusters]),
    ):
        test = result.bootstrap_test(["x0"])
        np.testing.assert_allclose(test.statistic, expected.statistic, rtol=1e-6)
        assert (test.p_value, test.n_restrictions) == (expected.p_value, 2)


def test_a_row_each_makes_it_the_bootstrap_of_independent_rows_near_the_score_test():
    data, _ = in_clusters(8)
    test = inferred(data, np.arange(120)).bootstrap_test("x1", draws=2000)
    by_likelihood = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y).test_terms("score")
    assert abs(test.p_value - by_likelihood.p_value[1]) < 0.1


@pytest.mark.parametrize(
    ("asked", "options", "message"),
    [
        ("x0", {"weights": "mammen"}, '"rademacher" or "webb", got \'mammen\''),
        ("x0", {"value": 1.0}, "value=1.0 goes with a contrast"),
        ("x0", {"draws": 0}, "positive whole number"),
        ("z", {}, "no column 'z'"),
        (["x0", "x1"], {}, "4 restrictions are too many for the scores of 4 clusters"),
        (np.identity(6)[[1, 1]], {"value": [0.0, 1.0]}, "contradict"),
    ],
)
def test_what_cannot_be_asked_is_refused(asked, options, message):
    with pytest.raises(ValueError, match=message):
        inferred(*in_clusters(4)).bootstrap_test(asked, **options)


def test_a_term_of_which_nothing_can_be_estimated_has_no_test():
    data, clusters = in_clusters(6)
    X = np.column_stack([data.X, np.ones(len(data.y)), data.X[:, 0]])
    result = inferred(Data(X, data.y), clusters)
    for term in ("x0", "x2"):
        with pytest.raises(ValueError, match="nothing to test"):
            result.bootstrap_test(term)
    # The twins together are the one column that they are.
    assert result.bootstrap_test(["x0", "x3"]).p_value == inferred(data, clusters).bootstrap_test("x0").p_value


def test_fits_without_clusters_in_one_way_are_refused():
    data, clusters = in_clusters(5)
    with pytest.raises(ValueError, match='infer with covariance="CR2" or "cluster"'):
        inferred(data, None, covariance="robust").bootstrap_test("x0")
    with pytest.raises(ValueError, match="in one way, got 2"):
        inferred(data, np.column_stack([clusters, clusters % 3])).bootstrap_test("x0")
    with pytest.warns(UserWarning, match="separated"):
        separated = SoftmaxGLM(alpha=0).fit(data.X, (data.X[:, 0] > 0.0).astype(int))
    result = infer(separated, data.X, data.X[:, 0] > 0.0, covariance="cluster", clusters=clusters)
    with pytest.raises(ValueError, match="needs finite estimates"):
        result.bootstrap_test("x1")
