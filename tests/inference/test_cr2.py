"""CR2 and its degrees of freedom: clubSandwich's values, the formulas of the papers row by row, and identities."""

import re
from contextlib import nullcontext

import numpy as np
import pytest
from estimates import columns_of, estimate_of, golden, other_rows
from problems import Data, drawn_classes, overlapping
from scipy import linalg, special, stats

from softglm import SeparationWarning, SoftmaxGLM, infer, pool
from softglm.inference.cells import df_cell
from softglm.inference.few_clusters import few_clusters

R = golden("r_samples")["few_clusters"]
WOMEN, CHILE = ["hincome", "children=present"], ["age", "statusquo", "sex=M"]
MODELS = {
    "women": ("womenlf", WOMEN, "partic", ["not.work", "parttime", "fulltime"], ["region"]),
    "women_binary": ("womenlf", WOMEN, "partic", [("not.work", "parttime"), "fulltime"], ["region"]),
    "chile": ("chile", CHILE, "vote", ["A", "N", "U", "Y"], ["region", "population"]),
}
# Two programs at an optimum that each found to rounding; variances have twice the relative error.
DIGITS = {"rtol": 1e-7, "atol": 1e-12}
# Inverse roots of matrices that are nearly singular, where one cluster knows nearly all of something.
DENSE_DIGITS = {"rtol": 1e-6, "atol": 1e-12}


def as_in_r(name):
    """Return X, y and the clusters of a model of the golden values."""
    table, columns, response, classes, ways = MODELS[name]
    frame = other_rows(table)
    levels = {level: k for k, label in enumerate(classes) for level in ([label] if isinstance(label, str) else label)}
    return columns_of(frame, columns), frame[response].map(levels), frame[ways].astype(str).agg(" ".join, axis=1)


@pytest.mark.parametrize("name", MODELS)
def test_covariances_and_degrees_of_freedom_are_those_of_clubsandwich(name):
    X, y, clusters = as_in_r(name)
    result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y, covariance="CR2", clusters=clusters)
    table, theirs = result.coefficients, R[name]
    np.testing.assert_allclose(table.estimate, theirs["estimate"], **DIGITS)
    np.testing.assert_allclose(result.covariance_matrix, theirs["covariance"], **DIGITS)
    np.testing.assert_allclose(table.df, theirs["df"], **DIGITS)
    np.testing.assert_allclose(table.p_value, theirs["p_value"], **DIGITS)
    columns = {"hincome": [0], "children": [1], "both": [0, 1], "age": [0], "statusquo": [1], "sex": [2]}
    terms = result.test_terms("wald", {term: columns[term] for term in theirs["terms"]})
    for place, test in enumerate(theirs["terms"].values()):
        ours = (terms.statistic[place], terms.df[place], terms.df_denominator[place], terms.p_value[place])
        np.testing.assert_allclose(ours, [test["F"], test["df1"], test["df2"], test["p_value"]], **DIGITS)


def test_where_a_cluster_has_one_probability_clubsandwich_says_so_of_glm_itself():
    frame = other_rows("chile")
    X, y = frame[["population"]].to_numpy(dtype=float), (frame.vote == "Y").to_numpy()
    result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y, covariance="CR2", clusters=frame.population)
    np.testing.assert_allclose(result.covariance_matrix, R["constant"]["covariance"], rtol=1e-7)
    np.testing.assert_allclose(result.coefficients.df[0], R["constant"]["df"], rtol=1e-7)


def in_clusters(n_clusters, n_classes, *, seed=0, n=90, weights=None, offset=None):
    rng = np.random.default_rng(seed)
    clusters = np.sort(rng.integers(n_clusters, size=n))
    X = rng.normal(size=(n, 2)) + rng.normal(size=(n_clusters, 2))[clusters]
    y = drawn_classes(rng, 0.5 * X @ rng.normal(size=(2, n_classes)))
    order = rng.permutation(n)
    return Data(X[order], y[order], weights, offset), clusters[order]


def dense(data, clusters, n_classes, base, *, has_constant=True):
    """Return CR2 by the formulas of the papers, of n (K - 1) rows, and what makes Psi: (G, P, n (K - 1))."""
    model = SoftmaxGLM(alpha=0, fit_intercept=has_constant, tol=1e-12)
    model.fit(data.X, data.y, sample_weight=data.weights, offset=data.offset)
    mean = model.predict_proba(data.X, **({} if data.offset is None else {"offset": data.offset}))
    kept = np.delete(np.arange(n_classes), base)
    weights = np.ones(len(data.y)) if data.weights is None else data.weights
    rows = np.column_stack([np.ones(len(data.y)), data.X]) if has_constant else data.X
    # A triangular root, where softglm has another: it does not matter which.
    roots, errors, design = [], [], []
    for x, p, t, weight in zip(rows, mean[:, kept], np.identity(n_classes)[data.y][:, kept], weights, strict=True):
        root = linalg.cholesky(weight * (np.diag(p) - np.outer(p, p))).T
        roots.append(root)
        errors.append(linalg.solve(root, weight * (t - p)))
        design.append(root.T @ np.kron(np.identity(len(kept)), x))
    stacked, e, codes = np.vstack(design), np.concatenate(errors), np.repeat(clusters, len(kept))
    inverse = linalg.inv(stacked.T @ stacked)
    hat = np.identity(len(stacked)) - stacked @ inverse @ stacked.T
    loadings, meat = [], np.zeros_like(inverse)
    for cluster in np.unique(codes):
        here = codes == cluster
        values, vectors = linalg.eigh(hat[np.ix_(here, here)])
        powers = np.where(values > 1e-10, np.maximum(values, 1e-300) ** -0.5, 0.0)
        adjusted = stacked[here].T @ (vectors * powers) @ vectors.T
        meat += np.outer(adjusted @ e[here], adjusted @ e[here])
        loadings.append(inverse @ adjusted @ hat[here])
    return inverse @ meat @ inverse, np.array(loadings)


def psi(loadings, form):
    seen = np.einsum("p,gpn->gn", form, loadings)
    return seen @ seen.T


CASES = {
    "two classes": (5, 2, {}),
    "three": (7, 3, {}),
    "five, more clusters than parameters": (30, 5, {"n": 150}),
    "weighted": (6, 3, {"weights": np.arange(90) % 3 + 1.0}),
    "with an offset": (6, 3, {"offset": np.random.default_rng(1).normal(size=(90, 3))}),
}


@pytest.mark.parametrize("name", CASES)
def test_covariances_and_degrees_of_freedom_are_those_of_the_formulas_for_every_base(name):
    n_clusters, n_classes, options = CASES[name]
    data, clusters = in_clusters(n_clusters, n_classes, **options)
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y, sample_weight=data.weights, offset=data.offset)
    given = {"sample_weight": data.weights, "offset": data.offset, "covariance": "CR2", "clusters": clusters}
    result = infer(model, data.X, data.y, **given)
    for base in (0, n_classes - 1):
        covariance, loadings = dense(data, clusters, n_classes, base)
        ours = result.rebase(base)
        np.testing.assert_allclose(ours.covariance_matrix, covariance, **DENSE_DIGITS)
        products = [psi(loadings, form) for form in np.identity(len(covariance))]
        expected = [np.trace(product) ** 2 / np.square(product).sum() for product in products]
        np.testing.assert_allclose(ours.coefficients.df.ravel(), expected, **DENSE_DIGITS)


def test_a_direction_about_which_one_cluster_alone_knows_is_left_out():
    data, clusters = in_clusters(4, 2)
    dummies = np.identity(4)[clusters]
    data = Data(np.column_stack([data.X, dummies]), data.y)
    model = SoftmaxGLM(alpha=0, fit_intercept=False).fit(data.X, data.y)
    with pytest.warns(UserWarning, match="one cluster alone knows"):
        result = infer(model, data.X, data.y, covariance="CR2", clusters=clusters)
    covariance, loadings = dense(data, clusters, 2, 0, has_constant=False)
    known = np.arange(6) < 2
    np.testing.assert_allclose(result.covariance_matrix[:2, :2], covariance[:2, :2], rtol=1e-6, atol=1e-10)
    np.testing.assert_array_equal(np.isnan(result.covariance_matrix), ~np.outer(known, known))
    products = [psi(loadings, form) for form in np.identity(6)[:2]]
    expected = [np.trace(product) ** 2 / np.square(product).sum() for product in products]
    np.testing.assert_allclose(result.coefficients.df[0, :2], expected, **DENSE_DIGITS)


def test_clusters_of_one_row_each_make_it_hc2():
    data, _ = in_clusters(5, 2)
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    result = infer(model, data.X, data.y, covariance="CR2", clusters=np.arange(len(data.y)))
    p = model.predict_proba(data.X)[:, 1]
    rows, weights = np.column_stack([np.ones(len(p)), data.X]), p * (1.0 - p)
    inverse = linalg.inv(rows.T * weights @ rows)
    leverage = weights * np.einsum("ij,jk,ik->i", rows, inverse, rows)
    hc2 = inverse @ (rows.T * ((data.y - p) ** 2 / (1.0 - leverage)) @ rows) @ inverse
    np.testing.assert_allclose(result.covariance_matrix, hc2, rtol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights_are_repeated_rows_of_the_same_cluster(n_classes):
    weights = np.arange(90) % 3
    data, clusters = in_clusters(6, n_classes, weights=weights.astype(float))
    weighted = infer(
        SoftmaxGLM(alpha=0).fit(data.X, data.y, sample_weight=weights),
        data.X,
        data.y,
        sample_weight=weights,
        covariance="CR2",
        clusters=clusters,
    )
    X, y, repeated = (np.repeat(part, weights, axis=0) for part in (data.X, data.y, clusters))
    rows = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y, covariance="CR2", clusters=repeated)
    np.testing.assert_allclose(weighted.covariance_matrix, rows.covariance_matrix, rtol=1e-7)
    np.testing.assert_allclose(weighted.coefficients.df, rows.coefficients.df, rtol=1e-7)


def test_a_test_of_one_coefficient_has_the_p_value_of_the_table_and_frames_have_its_degrees_of_freedom():
    data, clusters = in_clusters(7, 3)
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, covariance="CR2", clusters=clusters)
    table = result.coefficients
    for place, contrast in enumerate(np.identity(6)):
        test = result.wald_test(contrast)
        np.testing.assert_allclose(test.p_value, table.p_value.ravel()[place], rtol=1e-7)
        np.testing.assert_allclose(test.df_denominator, table.df.ravel()[place], rtol=1e-9)
    reach = stats.t(table.df).isf(0.025) * table.std_error
    np.testing.assert_allclose(table.upper - table.estimate, reach, rtol=1e-9)
    assert table.to_frame()["df"].tolist() == table.df.ravel().tolist()
    assert table.odds_ratios().to_frame()["df"].tolist() == table.df.ravel().tolist()
    assert "t   df  p-value" in str(result)
    assert "CR2, 7 clusters" in str(result)


def test_predictions_have_the_least_degrees_of_freedom_of_any_class_whatever_the_base():
    data, clusters = in_clusters(7, 3)
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, covariance="CR2", clusters=clusters)
    least = result.symmetric().coefficients.df.min()
    for one in (result, result.rebase(2)):
        np.testing.assert_allclose(one.degrees_of_freedom, least, rtol=1e-9)
    predicted = result.predict(data.X)
    of_log_odds = predicted.std_error / (predicted.probability * (1.0 - predicted.probability))
    widths = special.logit(predicted.upper) - special.logit(predicted.probability)
    np.testing.assert_allclose(widths, stats.t(least).isf(0.025) * of_log_odds, rtol=1e-7)
    constants = result.null.coefficients
    assert ((constants.df > 1.0) & (constants.df < 6.0)).all()


def test_a_contrast_that_is_a_coefficient_has_its_degrees_of_freedom_and_its_p_value():
    data, clusters = in_clusters(7, 2)
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, covariance="CR2", clusters=clusters)
    table = result.coefficients
    for column in range(data.X.shape[1]):
        contrast = result.contrasts(column, 1, kind="odds_ratio", at="means")
        for name in ("df", "z", "p_value"):
            one, other = getattr(contrast, name)[0, -1], getattr(table, name)[0, 1 + column]
            np.testing.assert_allclose(one, other, rtol=1e-7)
        np.testing.assert_allclose(np.log(contrast.lower[0, -1]), table.lower[0, 1 + column], rtol=1e-7)


def test_effects_and_contrasts_have_degrees_of_freedom_of_their_own_whatever_the_base():
    data, clusters = in_clusters(7, 3)
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, covariance="CR2", clusters=clusters)
    for asked in (lambda one: one.marginal_effects(per="sd"), lambda one: one.contrasts(0, 1, adjust="holm")):
        table = asked(result)
        np.testing.assert_allclose(asked(result.rebase(2)).df, table.df, rtol=1e-9)
        assert ((table.df > 1.0) & (table.df < 6.0)).all()
        reach = stats.t(table.df).isf(0.025) * table.std_error
        np.testing.assert_allclose(table.upper - table.estimate, reach, rtol=1e-9)
        assert table.to_frame()["df"].tolist() == table.df.ravel().tolist()
        assert "t   df  p-value" in str(table)
    joint, alone = (result.contrasts(0, 1, adjust=how) for how in ("max-t", None))
    assert joint.df is None
    assert joint.degrees_of_freedom == alone.df.min()
    assert (joint.p_value >= alone.p_value).all()


def test_asked_for_the_normal_distribution_there_are_no_degrees_of_freedom():
    data, clusters = in_clusters(7, 3)
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    result = infer(model, data.X, data.y, covariance="CR2", clusters=clusters, distribution="normal")
    assert result.coefficients.df is None
    assert str(result.wald_test(np.identity(6)[[1, 4]])).startswith("chi2(2)")


def test_too_few_clusters_for_a_test_of_many_restrictions_are_told_of():
    data, clusters = in_clusters(3, 3)
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, covariance="CR2", clusters=clusters)
    test = result.wald_test(np.identity(6))
    assert (test.df, test.n_restrictions) == (0, 6)
    assert np.isnan(test.p_value)
    assert str(test) == "no test: too few clusters, or too little rank, to test 6 restrictions at once"
    assert "no overall test of 4 restrictions: the clusters are too few" in " ".join(str(result).split())
    assert "so many restrictions at once: both 4." in " ".join(str(result.test_terms("wald", {"both": [0, 1]})).split())


@pytest.mark.parametrize("n_clusters", [2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_as_many_restrictions_as_clusters_have_no_test_however_the_rows_fall(n_clusters, seed):
    data, clusters = in_clusters(n_clusters, 3, seed=seed)
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, covariance="CR2", clusters=clusters)
    for q in (1, 2, 3):
        test = result.wald_test(np.identity(6)[:q])
        assert (test.df, test.n_restrictions) == (q if q < n_clusters else 0, q)
        assert np.isnan(test.statistic) == np.isnan(test.p_value) == (q >= n_clusters)
    few = result.covariance.few_clusters
    np.testing.assert_allclose(few.test(np.identity(6)[:1], np.ones(1)).df_denominator, n_clusters - 1, rtol=0.2)
    printed = " ".join(str(result.test_terms("wald")).split())  # of two restrictions each
    assert " 0.0 " not in printed
    assert ("so many restrictions at once: x0 2, x1 2." in printed) == (n_clusters == 2)


def test_unequal_clusters_count_as_few():
    data, _ = in_clusters(5, 3)
    clusters = np.r_[np.zeros(87), 1, 2, 3]
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, covariance="CR2", clusters=clusters)
    assert result.test_terms("wald").df.tolist() == [0, 0]
    assert result.wald_test(np.identity(6)[1]).df == 1


def test_what_has_no_standard_error_has_no_degrees_of_freedom():
    data, clusters = in_clusters(5, 3, seed=7)
    is_decided = (data.y == 1) & (np.arange(len(data.y)) % 4 == 0)
    X = np.column_stack([data.X, data.X[:, 0], is_decided])
    with pytest.warns(SeparationWarning):
        model = SoftmaxGLM(alpha=0).fit(X, data.y)
    result = infer(model, X, data.y, covariance="CR2", clusters=clusters)
    table = result.coefficients
    np.testing.assert_array_equal(np.isnan(table.df), np.isnan(table.std_error))
    assert np.isnan(table.df).any(axis=0).tolist() == [False, True, False, True, True]
    lines = [line.split()[2:] for line in str(table).splitlines() if re.match(r" +x[023] ", line)]
    assert lines == [["-"] * 6] * 6
    lines = [line.split()[1:] for line in str(result.test_terms("wald")).splitlines() if re.match("x[023] ", line)]
    assert lines == [["-", df, "-", "-"] for df in "002"]


def test_degrees_of_freedom_that_would_be_rounded_to_nothing_are_shown():
    assert [df_cell(value) for value in (np.nan, 0.0263, 0.1, 4.84, 1234.56)] == ["-", "0.026", "0.1", "4.8", "1,234.6"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"covariance": "CR2"}, "and the clusters of the rows together"),
        ({"covariance": "CR2", "clusters": np.column_stack([np.arange(90) % 4] * 2)}, "in one way, got 2"),
        ({"covariance": "CR2", "clusters": np.arange(90) % 4, "correction": "G/(G-1)"}, "Leave it out"),
    ],
)
def test_what_cr2_has_no_use_for_is_refused(options, message):
    data, _ = in_clusters(4, 3)
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    with pytest.raises(ValueError, match=message):
        infer(model, data.X, data.y, **options)


def test_a_penalised_fit_is_refused():
    data, clusters = in_clusters(4, 3)
    with pytest.raises(ValueError, match="Refit with alpha=0"):
        infer(SoftmaxGLM().fit(data.X, data.y), data.X, data.y, covariance="CR2", clusters=clusters)


def test_more_than_memory_holds_is_said_before_the_work(monkeypatch):
    monkeypatch.setattr("softglm.inference.few_clusters.physical_memory", lambda: 1e4)
    estimate = estimate_of(overlapping())
    with pytest.raises(MemoryError, match=r"each of 150 clusters knows of 10 parameters.* Pass covariance=\"cluster\""):
        few_clusters(estimate, np.arange(150))


def test_where_a_test_would_be_dear_its_degrees_of_freedom_are_somewhat_less(monkeypatch):
    data, clusters = in_clusters(150, 3, n=600)
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, covariance="CR2", clusters=clusters)
    exact = result.overall_test[1].df_denominator
    monkeypatch.setattr("softglm.inference.few_clusters._MOST_PRODUCTS", 0.0)
    assert 0.9 * exact < result.wald_test(np.identity(6)[[1, 2, 4, 5]]).df_denominator < exact


@pytest.mark.parametrize(("n_clusters", "treated"), [(2, [1]), (7, [4]), (7, [0, 4])])
def test_what_one_cluster_alone_knows_has_no_standard_error(n_clusters, treated):
    data, clusters = in_clusters(n_clusters, 3, seed=11)
    X = np.column_stack([data.X, np.isin(clusters, treated)])
    model = SoftmaxGLM(alpha=0).fit(X, data.y)
    with nullcontext() if len(treated) > 1 else pytest.warns(UserWarning, match="one cluster alone knows"):
        result = infer(model, X, data.y, covariance="CR2", clusters=clusters)
    # Of two clusters the other one alone knows of the intercept.
    alone = [n_clusters == 2, False, False, len(treated) == 1]
    for table in (result.coefficients, result.symmetric().coefficients):
        assert np.isnan(table.std_error).all(axis=0).tolist() == alone
        np.testing.assert_array_equal(np.isnan(table.p_value), np.isnan(table.std_error))
    assert np.isfinite(result.coefficients.estimate).all()
    if any(alone):
        with pytest.raises(ValueError, match=r"which one cluster alone knows .*infer with covariance=.cluster"):
            pool([result, result])
    tests = [result.wald_test([*contrast, 0.0, 0.0, 0.0, 0.0]) for contrast in np.identity(4)]
    assert [np.isnan(test.statistic) for test in tests] == alone
    assert ("No standard error: " in str(result.summary())) == any(alone)


def test_dummies_of_all_clusters_leave_the_others_their_standard_errors():
    data, clusters = in_clusters(5, 2, seed=2, n=300)
    X = np.column_stack([data.X, np.identity(5)[clusters][:, 1:]])
    model = SoftmaxGLM(alpha=0).fit(X, data.y)
    with pytest.warns(UserWarning, match="of Intercept and 4 more, each of which one cluster alone knows"):
        result = infer(model, X, data.y, covariance="CR2", clusters=clusters, distribution="normal")
    assert result.known_to_one_cluster == ("Intercept", "x2", "x3", "x4", "x5")
    assert np.isfinite(result.coefficients.std_error).tolist() == [[False, True, True, *[False] * 4]]
    assert [test.df for test in (result.wald_test(np.identity(7)[2]), result.wald_test(np.identity(7)[3]))] == [1, 0]


def cluster_apart(n_classes):
    """Return data in which the rows of cluster 0 are alike, and a column that they alone have: they decide it alone."""
    data, clusters = in_clusters(6, n_classes, seed=4, n=180)
    X = np.where(clusters[:, np.newaxis] == 0, [0.3, -0.2], data.X)
    return np.column_stack([X, clusters == 0]), data.y, clusters


def with_cr2(X, y, clusters):
    return infer(SoftmaxGLM(alpha=0, tol=1e-12).fit(X, y), X, y, covariance="CR2", clusters=clusters)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_what_does_not_hang_on_a_cluster_apart_is_as_without_it_and_the_rest_has_no_standard_error(n_classes):
    X, y, clusters = cluster_apart(n_classes)
    with pytest.warns(UserWarning, match="predictions and effects that hang on it have none either"):
        result = with_cr2(X, y, clusters)
    others = clusters != 0
    without = with_cr2(X[others, :2], y[others], clusters[others])
    predicted = result.predict(X, joint=True)
    expected = without.predict(X[others, :2], joint=True)
    np.testing.assert_allclose(predicted.std_error[others], expected.std_error, rtol=1e-6)
    assert np.isfinite(predicted.probability).all()
    assert np.isnan([predicted.std_error[~others], predicted.lower[~others], predicted.upper[~others]]).all()
    known = np.repeat(others, n_classes)
    np.testing.assert_allclose(predicted.covariance[np.ix_(known, known)], expected.covariance, rtol=1e-5, atol=1e-12)
    assert np.isnan(predicted.covariance[~known]).all()
    assert np.isnan(predicted.covariance[:, ~known]).all()
    settings = {"x0": [0.0, 1.0]}
    of_others = result.average_predictions("x0", settings["x0"], at={"x2": 0.0, "x1": 0.0})
    there = without.average_predictions("x0", settings["x0"], at={"x1": 0.0})
    np.testing.assert_allclose(of_others.std_error, there.std_error, rtol=1e-6)
    compared = result.contrasts("x0", settings["x0"], at={"x2": 0.0, "x1": 0.0}, kind="odds_ratio")
    expected = without.contrasts("x0", settings["x0"], at={"x1": 0.0}, kind="odds_ratio")
    np.testing.assert_allclose(compared.std_error, expected.std_error, rtol=1e-6)


def test_a_form_has_a_standard_error_just_where_residuals_show_its_variance_but_for_a_share():
    X, y, clusters = cluster_apart(2)
    _, loadings = dense(Data(X, y), clusters, 2, 0)
    inverse = infer(SoftmaxGLM(alpha=0, tol=1e-12).fit(X, y), X, y).covariance_matrix
    with pytest.warns(UserWarning, match="one cluster alone knows"):
        result = with_cr2(X, y, clusters)
    forms = np.array([[1.0, 0.3, -0.2, size] for size in (0.0, 1e-6, 1e-4, 1e-2, 1.0, 1.1)])
    wanting = [1.0 - np.trace(psi(loadings, form)) / (form @ inverse @ form) for form in forms]
    told = [not np.isnan(result.wald_test(form).statistic) for form in forms]
    assert told == [share < 1e-6 for share in wanting]
    assert 0 < sum(told) < len(told)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_effects_averages_and_contrasts_have_standard_errors_just_where_residuals_show_their_variance(n_classes):
    X, y, clusters = cluster_apart(n_classes)
    X[:, 0] += np.random.default_rng(5).normal(size=len(X))  # or no effect of it would be shared by cluster 0
    with pytest.warns(UserWarning, match="one cluster alone knows"):
        result = with_cr2(X, y, clusters)
    at_others, at_0 = ({"x2": value, "x1": 0.0} for value in (0.0, 1.0))
    hanging = (
        result.marginal_effects(),
        result.average_predictions("x0", [0.0, 1.0]),
        result.average_predictions("x0", [0.0, 1.0], at_0),
        result.contrasts("x0", [0.0, 1.0]),
        result.contrasts("x2", [0.0, 1.0], kind="ratio"),
        result.contrasts("x0", [0.0, 1.0], at=at_0, adjust="max-t"),
        result.contrasts((X, X * [2.0, 1.0, 1.0])),
    )
    for table in hanging:
        values = table.probability if hasattr(table, "probability") else table.estimate
        assert np.isfinite(values).all()
        assert np.isnan([table.std_error, table.lower, table.upper]).all()
        assert "No standard error: it hangs on a coefficient that one cluster alone knows." in " ".join(
            str(table).split()
        )
    for table in (
        result.average_predictions("x0", [0.0, 1.0], at_others),
        result.contrasts("x0", [0.0, 1.0], at=at_others),
        result.contrasts("x0", [0.0, 1.0], by="x2").std_error[:1],
    ):
        errors = getattr(table, "std_error", table)
        assert (errors > 0.0).all()
        assert "No standard error" not in str(table)


def test_what_has_no_error_has_an_interval_of_one_point():
    data, clusters = in_clusters(7, 2)
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, covariance="CR2", clusters=clusters)
    nothing = result.contrasts((data.X, data.X))
    for values in (nothing.estimate, nothing.std_error, nothing.lower, nothing.upper):
        assert not values.any()
    assert np.isnan(nothing.df).all()
