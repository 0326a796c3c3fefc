"""Student's t for a coefficient is F for several; what clusters and rows are too few for is said."""

import numpy as np
import pytest
from problems import counts, overlapping, two_classes
from scipy import stats

from softglm import SeparationWarning, SoftmaxGLM, infer

ROUNDING = {"rtol": 1e-9}
# Of p-values far out in the tails.
TAILS = {"rtol": 1e-7}


def inferred(data, **options):
    return infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, **options)


def in_clusters(n_clusters, n_classes=3, seed=0, n=240):
    rng = np.random.default_rng(seed)
    clusters = np.arange(n) % n_clusters
    X = rng.normal(size=(n, 2)) + rng.normal(size=(n_clusters, 2))[clusters]
    y = (X @ rng.normal(size=(2, n_classes)) * 0.5 + rng.gumbel(size=(n, n_classes))).argmax(axis=1)
    return X, y, clusters


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n_clusters", [3, 4, 6, 10, 30])
def test_a_test_of_one_coefficient_has_the_p_value_of_the_table(n_clusters, n_classes):
    X, y, clusters = in_clusters(n_clusters, n_classes)
    options = {"covariance": "cluster", "clusters": clusters, "distribution": "t"}
    result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y, **options)
    table = result.coefficients
    for place, contrast in enumerate(np.identity(table.estimate.size)):
        test = result.wald_test(contrast)
        assert (test.df, test.df_denominator) == (1, n_clusters - 1)
        np.testing.assert_allclose(test.p_value, table.p_value.ravel()[place], **TAILS)
        np.testing.assert_allclose(test.statistic, table.z.ravel()[place] ** 2, **ROUNDING)
        assert str(test).startswith(f"F(1, {n_clusters - 1}) = ")


@pytest.mark.parametrize("ask", ["wald_test", "test_terms", "indistinguishable", "overall"])
def test_every_wald_test_is_an_f_test_with_the_degrees_of_freedom_of_the_table(ask):
    X, y, clusters = in_clusters(12)
    options = {"covariance": "cluster", "clusters": clusters}
    model = SoftmaxGLM(alpha=0).fit(X, y)
    normal, t = (infer(model, X, y, **options, distribution=law) for law in ("normal", "t"))

    def asked(result):
        if ask == "wald_test":
            test = result.wald_test(np.identity(6)[[1, 2, 4]])
        elif ask == "indistinguishable":
            test = result.indistinguishable(2, 1)
        elif ask == "overall":
            test = result.overall_test[1]
        else:
            terms = result.test_terms("wald", {"both": [0, 1]})
            return terms.statistic[0], terms.df[0], terms.df_denominator, terms.p_value[0]
        return test.statistic, test.df, test.df_denominator, test.p_value

    form, q, none, _ = asked(normal)
    statistic, df, denominator, p_value = asked(t)
    assert none is None
    assert (df, denominator) == (q, 11)
    np.testing.assert_allclose(statistic, form / q, **ROUNDING)
    np.testing.assert_allclose(p_value, stats.f.sf(form / q, q, 11), **TAILS)


def test_frames_and_tables_show_both_degrees_of_freedom():
    X, y, clusters = in_clusters(12)
    model = SoftmaxGLM(alpha=0).fit(X, y)
    tests = infer(model, X, y, covariance="cluster", clusters=clusters, distribution="t").test_terms("wald")
    assert tests.to_frame().columns.tolist() == ["term", "statistic", "df", "df_denominator", "p_value"]
    assert tests.to_frame()["df_denominator"].tolist() == [11, 11]
    assert str(tests).splitlines()[2].split() == ["F", "df1", "df2", "p-value"]


@pytest.mark.parametrize("n_clusters", [3, 4])
def test_fewer_clusters_than_restrictions_are_told_of(n_clusters):
    X, y, clusters = in_clusters(n_clusters)
    model = SoftmaxGLM(alpha=0).fit(X, y)
    for law in ("normal", "t"):
        result = infer(model, X, y, covariance="cluster", clusters=clusters, distribution=law)
        tests = result.test_terms("wald", {"both": [0, 1], "one": [0]})
        assert tests.df.tolist() == [n_clusters - 1, 2]
        assert tests.n_restrictions.tolist() == [4, 2]
        assert f"both {n_clusters - 1} of 4" in str(tests)
        assert tests.to_frame()["n_restrictions"].tolist() == [4, 2]
        every = result.wald_test(np.identity(6))
        assert (every.df, every.n_restrictions) == (n_clusters - 1, 6)
        assert f"room for {n_clusters - 1} of 6" in str(every)
        assert f"The overall test is of {n_clusters - 1} of 4 restrictions" in " ".join(str(result).split())


def test_quasi_likelihood_refers_its_tests_to_f():
    data = counts()
    plain = inferred(data)
    result = plain.quasi_likelihood()
    freedom, dispersion = plain.goodness_of_fit().df, plain.goodness_of_fit().dispersion
    tests, of_plain = result.test_terms("wald"), plain.test_terms("wald")
    assert tests.df_denominator == freedom
    np.testing.assert_allclose(tests.statistic, of_plain.statistic / of_plain.df / dispersion, **ROUNDING)


def test_without_clusters_t_has_n_minus_k_degrees_of_freedom_everywhere():
    result = inferred(two_classes(), distribution="t")
    assert result.test_terms("wald").df_denominator == result.n_observations - result.n_parameters
    assert result.test_terms("lr").df_denominator is None


SHORT = {
    "HC1": {"covariance": "HC1"},
    "n/(n-k)": {"covariance": "robust", "correction": "n/(n-k)"},
    "clusters": {"covariance": "cluster", "clusters": [0, 0, 1, 1], "correction": "G/(G-1)*(n-1)/(n-k)"},
    "t": {"distribution": "t"},
}


@pytest.mark.parametrize("n_terms", [3, 5])
@pytest.mark.parametrize("name", SHORT)
def test_no_more_rows_than_parameters_is_an_error_where_they_are_compared(name, n_terms):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(4, n_terms)), np.array([[3, 4], [2, 5], [6, 1], [3, 4]])
    model = SoftmaxGLM(alpha=0 if n_terms == 3 else 0.1).fit(X, y)
    with pytest.raises(ValueError, match=r"needs more rows than parameters: n - k = 4 - "):
        infer(model, X, y, **SHORT[name])
    if n_terms == 5:
        assert np.isfinite(infer(model, X, y, covariance="robust").coefficients.std_error).all()


def test_residuals_that_add_up_to_zero_in_every_cluster_leave_no_standard_errors():
    rng = np.random.default_rng(0)
    clusters, y = np.arange(200) % 4, rng.integers(3, size=200)
    dummies = np.identity(4)[clusters][:, 1:]
    table = np.array([[3, 4], [2, 5]])
    model = SoftmaxGLM(alpha=0).fit(dummies, y)
    for result in (
        infer(model, dummies, y, covariance="cluster", clusters=clusters),
        infer(model, dummies, y, covariance="cluster", clusters=clusters, distribution="t"),
        infer(SoftmaxGLM(alpha=0).fit([[0.0], [1.0]], table), [[0.0], [1.0]], table, covariance="robust"),
    ):
        assert np.isfinite(result.coefficients.estimate).all()
        for missing in (result.coefficients.std_error, result.coefficients.z, result.coefficients.p_value):
            assert np.isnan(missing).all()
        assert np.isnan(result.test_terms("wald").p_value).all()
        assert "they know no variance" in " ".join(str(result).split())


def test_of_classes_that_are_separated_altogether_no_report_blames_the_residuals():
    X, y = [[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]
    with pytest.warns(SeparationWarning):
        model = SoftmaxGLM(alpha=0).fit(X, y)
    text = " ".join(str(infer(model, X, y)).split())
    assert "The classes are separated" in text
    assert "they know no variance" not in text


@pytest.mark.parametrize("n_classes", [2, 3])
def test_where_clusters_are_few_a_test_depends_neither_on_units_nor_on_order_nor_on_the_base(n_classes):
    rng = np.random.default_rng(0)
    X, y, clusters = rng.normal(size=(200, 4)), rng.integers(n_classes, size=200), np.arange(200) % 4
    expected = None
    for recoding in (np.identity(4), np.diag([1.0, 1e1, 1e2, 1e3]), np.identity(4)[::-1], np.tril(np.ones((4, 4)))):
        design = X @ recoding
        model = SoftmaxGLM(alpha=0).fit(design, y)
        result = infer(model, design, y, covariance="cluster", clusters=clusters, distribution="t")
        slopes = np.delete(np.identity(5 * (n_classes - 1)), np.arange(0, 5 * (n_classes - 1), 5), axis=0)
        asked = [result.test_terms("wald", {"all": range(4)}).statistic[0], result.overall_test[1].statistic]
        asked += [result.rebase(base).wald_test(slopes).statistic for base in range(n_classes)]
        expected = asked[0] if expected is None else expected
        np.testing.assert_allclose(asked, expected, rtol=1e-7)


@pytest.mark.parametrize(("rows", "values"), [([1, 1], [0, 5]), ([1, 2, 1], [0, 0, 1e-3])])
def test_restrictions_that_contradict_one_another_are_refused(rows, values):
    result = inferred(overlapping())
    with pytest.raises(ValueError, match="contradict one another"):
        result.wald_test(np.identity(10)[rows], values)
    with pytest.raises(ValueError, match="contradict one another"):
        result.wald_test(np.zeros(10), 1.0)
    assert result.wald_test(np.identity(10)[[1, 1]] * [[1.0], [3.0]], [0.5, 1.5]).df == 1


def test_a_saturated_table_has_no_dispersion():
    X, y = np.array([[0.0], [1.0]]), np.array([[3, 4], [2, 5]])
    with pytest.raises(ValueError, match="degrees of freedom are 0"):
        infer(SoftmaxGLM(alpha=0).fit(X, y), X, y).quasi_likelihood()


def indefinite(n_classes, scale=1.0):
    """Two ways of clustering whose V_1 + V_2 - V_12 has negative eigenvalues."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2)) * [1.0, scale]
    y = rng.integers(n_classes, size=200)
    ways = np.column_stack([rng.integers(4, size=200), rng.integers(3, size=200)])
    return SoftmaxGLM(alpha=0).fit(X, y), X, y, ways


@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e4])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_an_indefinite_two_way_covariance_is_that_of_the_coefficients_clipped(n_classes, scale):
    model, X, y, ways = indefinite(n_classes, scale)
    result = infer(model, X, y, covariance="cluster", clusters=ways)
    one, other, both = (
        infer(model, X, y, covariance="cluster", clusters=codes).covariance_matrix
        for codes in (ways[:, 0], ways[:, 1], 3 * ways[:, 0] + ways[:, 1])
    )
    eigenvalues, vectors = np.linalg.eigh(one + other - both)
    assert eigenvalues[0] < 0.0
    clipped = (vectors * np.maximum(eigenvalues, 0.0)) @ vectors.T
    np.testing.assert_allclose(result.covariance_matrix, clipped, rtol=1e-7, atol=1e-9 * np.abs(clipped).max())
    assert "indefinite: its negative eigenvalues are set to 0" in " ".join(str(result).split())
    last = result.rebase(n_classes - 1)
    asked = infer(model, X, y, covariance="cluster", clusters=ways, reference=n_classes - 1)
    np.testing.assert_array_equal(last.coefficients.std_error, asked.coefficients.std_error)


def test_a_definite_two_way_covariance_is_left_as_it_is():
    data = overlapping()
    # Each pair of clusters meets in few rows: V_12 is small beside the others.
    ways = np.random.default_rng(0).integers(50, size=(150, 2))
    result = inferred(data, covariance="cluster", clusters=ways, correction="1")
    one, other, both = (
        inferred(data, covariance="cluster", clusters=codes, correction="1").covariance_matrix
        for codes in (ways[:, 0], ways[:, 1], 50 * ways[:, 0] + ways[:, 1])
    )
    assert np.linalg.eigvalsh(one + other - both)[0] > 0.0
    np.testing.assert_allclose(result.covariance_matrix, one + other - both, rtol=1e-8, atol=1e-12)
    assert "indefinite" not in str(result)


def headed(table):
    return next(line for line in str(table).splitlines() if "std. error" in line).split()


def asked(result):
    ratios = result.coefficients.odds_ratios()
    return result.coefficients, ratios, result.marginal_effects(), result.contrasts(0, 1)


def test_tables_of_students_t_say_so_and_with_how_many_degrees_of_freedom():
    X, y, clusters = in_clusters(6)
    model = SoftmaxGLM(alpha=0).fit(X, y)
    normal = infer(model, X, y)
    for table in asked(normal):
        assert "z" in headed(table)
        assert "degrees of freedom" not in str(table)
    students = infer(model, X, y, distribution="t")
    for table in asked(students):
        assert "t" in headed(table)
        assert str(table).endswith("t with 234 degrees of freedom.")
    assert "z" in headed(students.profiled())
    few = infer(model, X, y, covariance="CR2", clusters=clusters)
    for table in asked(few):
        assert headed(table)[3:5] == ["t", "df"]
