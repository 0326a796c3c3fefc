"""What infer accepts: models, pipelines and searches, with the data of their fit; and what it says of anything else."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from estimates import GOLDEN
from problems import counts, overlapping, separable, soft_labels, sparse_rows, two_classes, weighted, wide
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FunctionTransformer, Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from softglm import Inference, SeparationWarning, SoftmaxGLM, infer
from softglm.inference.estimate import estimate_at
from softglm.inference.forms import class_forms

DIGITS = {"rtol": 1e-8, "atol": 1e-10}
# float32 rounds coefficients, from which Newton steps in float64 start; the data are rounded too.
SINGLE = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture(scope="module")
def pupils():
    return pd.read_csv(GOLDEN / "data" / "hsb2.csv")


def encoder():
    return OneHotEncoder(categories=[["low", "middle", "high"]], drop="first")


def columns(**options):
    return make_column_transformer((encoder(), ["ses"]), (StandardScaler(), ["write"]), **options)


def test_the_estimator_is_not_modified():
    data = overlapping()
    model = SoftmaxGLM(alpha=0, tol=1e-3).fit(data.X, data.y)
    before = {name: np.copy(value) for name, value in vars(model).items()}
    assert isinstance(infer(model, data.X, data.y), Inference)
    for name, value in vars(model).items():
        np.testing.assert_array_equal(value, before[name])


def test_a_loose_fit_is_finished_first():
    data = overlapping()
    tight = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y)
    model = SoftmaxGLM(alpha=0, tol=1e-2).fit(data.X, data.y)
    # The fit may end closer than asked for: move it half a standard error away, within what its gap allows.
    model.coef_ += 0.05 * np.array([[1.0], [0.0], [-1.0]]) * tight.coefficients.std_error[0, 1:]
    loose = infer(model, data.X, data.y)
    assert loose.optimisation_error <= 1e-6
    np.testing.assert_allclose(loose.coefficients.estimate, tight.coefficients.estimate, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("covariance", ["model", "laplace", "robust", "HC3"])
@pytest.mark.parametrize("make", [overlapping, two_classes, wide])
def test_penalised_fits_end_at_their_optimum_too_and_wide_ones(make, covariance):
    data = make()
    result = infer(SoftmaxGLM(alpha=0.1).fit(data.X, data.y), data.X, data.y, covariance=covariance)
    assert result.optimisation_error <= 1e-6
    assert result.coefficients.is_estimable.all()
    assert (result.coefficients.std_error > 0.0).all()


@pytest.mark.parametrize("covariance", ["model", "robust"])
def test_the_optimisation_error_is_the_largest_of_any_combination(covariance):
    data = overlapping()
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, covariance=covariance)
    # A step away from the optimum is known in the units of every standard error.
    step = 1e-3 * np.array([1.0, -0.5, 0.2, 0.3, 0.4]) * result.coefficients.std_error[0]
    moved = result.estimate.parameters.copy()
    moved[:-1] += np.outer(step[1:], [-1.0, 1.0, 0.0])
    there = estimate_at(result.estimate.objective, moved @ class_forms(3), result.estimate.coordinates)
    away = replace(result, estimate=there)
    displacement = (away.coefficients.estimate - result.coefficients.estimate).ravel()
    expected = np.sqrt(displacement @ np.linalg.inv(result.covariance_matrix) @ displacement)
    assert away.optimisation_error == pytest.approx(expected, rel=1e-2)


@pytest.mark.parametrize(
    "other",
    [
        lambda data: {"X": data.X + 0.5, "y": data.y},
        lambda data: {"X": data.X, "y": np.roll(data.y, 1)},
        lambda data: {"X": data.X, "y": data.y, "sample_weight": 1.0 + np.arange(len(data.y))},
    ],
)
def test_other_data_than_those_of_the_fit_are_noticed(other):
    data = overlapping()
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    with pytest.raises(ValueError, match="standard errors from the optimum for these data"):
        infer(model, **other(data))


def test_a_missing_and_a_superfluous_offset_are_noticed():
    data = overlapping()
    known = np.zeros((len(data.y), 3))
    with pytest.raises(ValueError, match="fitted with one"):
        infer(SoftmaxGLM(alpha=0).fit(data.X, data.y, offset=known), data.X, data.y)
    with pytest.raises(ValueError, match="fitted without"):
        infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, offset=known)


def test_classes_that_the_model_does_not_know_are_noticed():
    data = overlapping()
    with pytest.raises(ValueError, match="Pass the y of the fit"):
        infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y + 1)


def test_a_pipeline_names_the_terms_and_the_factors(pupils):
    pipeline = make_pipeline(columns(), SoftmaxGLM(alpha=0)).fit(pupils, pupils["prog"])
    result = infer(pipeline, pupils, pupils["prog"])
    assert result.terms == (
        "Intercept",
        "onehotencoder__ses_middle",
        "onehotencoder__ses_high",
        "standardscaler__write",
    )
    assert result.factors == {"ses": (0, 1)}
    tests = result.test_terms()
    assert tests.terms == ("ses", "standardscaler__write")
    np.testing.assert_allclose(tests.statistic, [11.0582220022, 31.4469230235], rtol=1e-8)
    assert result.reference == "academic"
    assert result.coefficients.classes.tolist() == ["general", "vocational"]
    expected = pipeline.predict_proba(pupils[:7])
    np.testing.assert_allclose(result.predict(pupils[:7]).probability, expected, **DIGITS)


def test_the_columns_may_come_in_any_order_with_encoders_inside_pipelines(pupils):
    X = pupils.assign(school=np.where(np.arange(200) % 3, "public", "private"))
    inner = make_pipeline(FunctionTransformer(feature_names_out="one-to-one"), OneHotEncoder(drop="first"))
    transformer = make_column_transformer(
        (StandardScaler(), ["write"]), (inner, ["school", "ses"]), verbose_feature_names_out=False
    )
    pipeline = make_pipeline(transformer, StandardScaler(), SoftmaxGLM(alpha=0)).fit(X, pupils["prog"])
    result = infer(pipeline, X, pupils["prog"])
    assert result.factors == {"school": (1,), "ses": (2, 3)}
    assert result.features == ("write", "school_public", "ses_low", "ses_middle")


def test_infrequent_and_dropped_categories_are_counted(pupils):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.choice(list("uvwxyz"), 200, p=[0.4, 0.3, 0.2, 0.05, 0.03, 0.02]), "b": pupils["ses"]})
    pipeline = make_pipeline(OneHotEncoder(drop="first", min_frequency=20), SoftmaxGLM(alpha=0))
    result = infer(pipeline.fit(X, pupils["prog"]), X, pupils["prog"])
    assert result.factors == {"a": (0, 1, 2), "b": (3, 4)}
    assert [result.features[column] for column in result.factors["b"]] == ["b_low", "b_middle"]


def test_steps_without_names_leave_factors_the_names_of_their_inputs(pupils):
    def halves(X):
        return np.asarray(X)[:, :2] * 0.5

    transformer = columns(sparse_threshold=0)
    pipeline = make_pipeline(transformer, FunctionTransformer(halves), SoftmaxGLM(alpha=0))
    result = infer(pipeline.fit(pupils, pupils["prog"]), pupils, pupils["prog"])
    assert result.factors == {"ses": (0, 1)}
    assert result.terms == ("Intercept", "x0", "x1")


def test_steps_that_mix_columns_leave_no_factors(pupils):
    def mixed(X):
        return np.asarray(X) @ np.array([[1.0, 0.0], [0.0, 1.0], [0.1, 0.2]])

    transformer = columns(sparse_threshold=0)
    pipeline = make_pipeline(transformer, FunctionTransformer(mixed), SoftmaxGLM(alpha=0))
    result = infer(pipeline.fit(pupils, pupils["prog"]), pupils, pupils["prog"])
    assert result.factors == {}


def test_a_pipeline_without_dropped_dummies_still_tests_its_factor(pupils):
    transformer = make_column_transformer((OneHotEncoder(), ["ses"]), remainder="passthrough")
    pipeline = make_pipeline(transformer, SoftmaxGLM(alpha=0))
    X = pupils[["ses", "write"]]
    result = infer(pipeline.fit(X, pupils["prog"]), X, pupils["prog"])
    assert result.coefficients.is_estimable.tolist() == [[False, False, False, False, True]] * 2
    np.testing.assert_allclose(result.test_terms().statistic, [11.0582220022, 31.4469230235], rtol=1e-8)
    assert result.test_terms().df.tolist() == [4, 2]


def test_a_factor_and_a_column_of_its_name_are_two_terms(pupils):
    X = pupils.assign(level=pupils["ses"].map({"low": 0, "middle": 1, "high": 2}) + 0.1 * (np.arange(200) % 7))
    rename = FunctionTransformer(lambda frame: frame.to_numpy(), feature_names_out=lambda *_: ["ses"])
    transformer = make_column_transformer((encoder(), ["ses"]), (rename, ["level"]), verbose_feature_names_out=False)
    result = infer(make_pipeline(transformer, SoftmaxGLM(alpha=0)).fit(X, X["prog"]), X, X["prog"])
    assert result.test_terms("wald").terms == ("ses", "ses (column)")
    assert result.test_terms("wald").df.tolist() == [4, 2]


def test_a_search_is_taken_at_its_best_and_said_to_be_one(pupils):
    search = GridSearchCV(make_pipeline(columns(), SoftmaxGLM()), {"softmaxglm__alpha": [0.0, 0.1]}, cv=3)
    search.fit(pupils, pupils["prog"])
    result = infer(search, pupils, pupils["prog"])
    direct = infer(search.best_estimator_, pupils, pupils["prog"])
    np.testing.assert_array_equal(result.coefficients.estimate, direct.coefficients.estimate)
    assert "ignore the selection" in " ".join(str(result).split())
    with pytest.raises(ValueError, match="refit=True"):
        infer(clone(search).set_params(refit=False).fit(pupils, pupils["prog"]), pupils, pupils["prog"])


def test_a_search_inside_a_pipeline_and_pipelines_inside_each_other_are_unwrapped():
    data = overlapping()
    inner = make_pipeline(StandardScaler(), GridSearchCV(SoftmaxGLM(), {"alpha": [0.0, 1.0]}, cv=3))
    outer = make_pipeline(StandardScaler(), inner).fit(data.X, data.y)
    result = infer(outer, data.X, data.y)
    np.testing.assert_allclose(result.predict(data.X).probability, outer.predict_proba(data.X), **DIGITS)
    assert result.notes


def test_class_weights_of_one_are_none():
    data = overlapping()
    model = SoftmaxGLM(alpha=0, class_weight={0: 1.0}).fit(data.X, data.y)
    assert infer(model, data.X, data.y).aic > 0.0


def test_a_step_that_fits_otherwise_than_it_transforms_is_named_as_a_cause():
    class CrossFitted(TransformerMixin, BaseEstimator):
        def fit(self, X, _y=None):
            self.n_features_in_ = X.shape[1]
            self.is_fitted_ = True
            return self

        def transform(self, X):
            return X

        def fit_transform(self, X, _y=None):
            self.is_fitted_ = True
            return X + (np.arange(len(X)) % 5 == 0)[:, np.newaxis]

    data = overlapping()
    pipeline = make_pipeline(CrossFitted(), SoftmaxGLM(alpha=0)).fit(data.X, data.y)
    with pytest.raises(ValueError, match="TargetEncoder"):
        infer(pipeline, data.X, data.y)
    fitted_on = pipeline[0].fit_transform(data.X)
    assert infer(pipeline[-1], fitted_on, data.y).optimisation_error <= 1e-6


def test_steps_that_change_rows_are_named():
    class Sampler:
        def fit_transform(self, X, _y=None):
            return X

    data = overlapping()
    pipeline = make_pipeline(StandardScaler(), SoftmaxGLM(alpha=0)).fit(data.X, data.y)
    pipeline.steps[0] = ("sampler", Sampler())
    with pytest.raises(ValueError, match="Pass the last step by itself"):
        infer(pipeline, data.X, data.y)


def test_other_estimators_are_refused():
    data = two_classes()
    with pytest.raises(TypeError, match="expected a fitted SoftmaxGLM"):
        infer(LogisticRegression().fit(data.X, data.y), data.X, data.y)


def test_sparse_and_single_precision_rows_are_those_of_dense_double_ones():
    data = sparse_rows()
    dense = infer(SoftmaxGLM(alpha=0).fit(data.dense, data.y), data.dense, data.y)
    sparse = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y)
    np.testing.assert_allclose(sparse.coefficients.std_error, dense.coefficients.std_error, **DIGITS)
    data = overlapping()
    single = data.X.astype(np.float32)
    double = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y)
    result = infer(SoftmaxGLM(alpha=0).fit(single, data.y), single, data.y)
    np.testing.assert_allclose(result.coefficients.estimate, double.coefficients.estimate, **SINGLE)
    assert result.optimisation_error <= 1e-6


def test_fractions_are_warned_of_under_the_model():
    data = soft_labels()
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    with pytest.warns(UserWarning, match='covariance="robust"'):
        infer(model, data.X, data.y)
    assert infer(model, data.X, data.y, covariance="robust").covariance.is_robust
    whole = counts()
    infer(SoftmaxGLM(alpha=0).fit(whole.X, whole.y), whole.X, whole.y)


def test_a_class_without_weight_has_no_equation():
    data = overlapping()
    weights = (data.y != 1).astype(float)
    model = SoftmaxGLM(alpha=0)
    with pytest.warns(UserWarning, match="total weight of the classes"):
        model.fit(data.X, data.y, weights)
    result = infer(model, data.X, data.y, sample_weight=weights)
    kept = data.y != 1
    pair = infer(SoftmaxGLM(alpha=0).fit(data.X[kept], data.y[kept]), data.X[kept], data.y[kept])
    assert result.classes.tolist() == [0, 2]
    np.testing.assert_allclose(result.coefficients.estimate, pair.coefficients.estimate, **DIGITS)
    np.testing.assert_allclose(result.covariance_matrix, pair.covariance_matrix, **DIGITS)
    np.testing.assert_allclose(result.predict(data.X[:3]).probability, pair.predict(data.X[:3]).probability, **DIGITS)


OPTIONS = {
    "covariance": ({"covariance": "HC2"}, "must be one of"),
    "weights": ({"weights": "importance"}, "must be one of"),
    "correction": ({"covariance": "robust", "correction": "stata"}, "must be one of"),
    "distribution": ({"distribution": "F"}, "must be one of"),
    "level": ({"level": 95}, "between 0 and 1"),
    "clusters without cluster": ({"clusters": np.arange(150)}, "together, or neither"),
    "cluster without clusters": ({"covariance": "cluster"}, "together, or neither"),
    "correction of the model": ({"correction": "n/(n-k)"}, "for robust covariances"),
    "correction by clusters": ({"covariance": "robust", "correction": "G/(G-1)"}, "counts clusters"),
    "clusters too few": ({"covariance": "cluster", "clusters": np.arange(149)}, "expected"),
    "clusters in three ways": ({"covariance": "cluster", "clusters": np.ones((150, 3))}, "one or two ways"),
    "one cluster": ({"covariance": "cluster", "clusters": np.ones(150)}, "single cluster"),
    "missing clusters": ({"covariance": "cluster", "clusters": np.full(150, np.nan)}, "missing labels"),
    "reference": ({"reference": 7}, "There is no class 7"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_that_make_no_sense_are_refused_with_the_remedy(name):
    options, message = OPTIONS[name]
    data = overlapping()
    with pytest.raises(ValueError, match=message):
        infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, **options)


def test_students_t_has_the_degrees_of_freedom_of_the_clusters():
    data = overlapping()
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    options = {"covariance": "cluster", "clusters": np.arange(150) // 10}
    normal = infer(model, data.X, data.y, **options)
    student = infer(model, data.X, data.y, **options, distribution="t")
    assert student.degrees_of_freedom == 14.0
    np.testing.assert_array_equal(student.coefficients.z, normal.coefficients.z)
    wider = (student.coefficients.upper - student.coefficients.lower) / (
        normal.coefficients.upper - normal.coefficients.lower
    )
    np.testing.assert_allclose(wider, 2.1447866879 / 1.9599639845, rtol=1e-9)
    assert (student.coefficients.p_value > normal.coefficients.p_value).all()
    assert infer(model, data.X, data.y, distribution="t").degrees_of_freedom == 140.0


@pytest.mark.parametrize(("correction", "factor"), [("1", 1.0), ("n/(n-1)", 150 / 149), ("n/(n-k)", 150 / 140)])
def test_corrections_are_the_formulas_they_are_named_after(correction, factor):
    data = overlapping()
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    plain = infer(model, data.X, data.y, covariance="robust").covariance_matrix
    corrected = infer(model, data.X, data.y, covariance="robust", correction=correction)
    np.testing.assert_allclose(corrected.covariance_matrix, factor * plain, rtol=1e-12)
    assert (correction in corrected.covariance.description) == (correction != "1")


def separated(X, y):
    with pytest.warns(SeparationWarning):
        model = SoftmaxGLM(alpha=0).fit(X, y)
    return infer(model, X, y)


def infer_pair(X, y):
    return infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)


def test_iris_is_infinite_against_setosa_and_finite_between_the_others():
    X, y = load_iris(return_X_y=True)
    result = separated(X, y)
    assert result.separation == "quasi-complete"
    assert result.log_likelihood == pytest.approx(-5.949273, abs=1e-6)
    assert not np.isfinite(result.coefficients.estimate).any()
    between = result.rebase(1).coefficients
    kept = y > 0
    pair = infer_pair(X[kept], y[kept]).coefficients
    # Setosa adds nothing to them, in the limit.
    np.testing.assert_allclose(between.estimate[1], pair.estimate[0], rtol=1e-6)
    np.testing.assert_allclose(between.std_error[1], pair.std_error[0], rtol=1e-6)
    assert "separated" in str(result)
    assert "±inf" in str(result)
    assert np.isnan(result.predict(X).probability).all()  # each of them is infinitely far from setosa, or is one
    apart, alone = (each.indistinguishable(1, 2).statistic for each in (result, infer_pair(X[kept], y[kept])))
    assert apart == pytest.approx(alone, rel=1e-6)
    for ask in (lambda: result.indistinguishable(0, 2), lambda: result.wald_test(np.identity(10))):
        with pytest.raises(ValueError, match=r"separated.*infinite.*likelihood ratios are finite"):
            ask()
    null = infer(SoftmaxGLM(alpha=1e-3).fit(X, y), X, y)
    assert result.null_log_likelihood == pytest.approx(null.null_log_likelihood, rel=1e-12)


def test_of_completely_separated_classes_nothing_is_finite():
    data = separable()
    result = separated(data.X, data.y)
    assert result.separation == "complete"
    assert result.log_likelihood == pytest.approx(0.0, abs=1e-9)
    assert not np.isfinite(result.coefficients.estimate).any()
    assert np.isnan(result.coefficients.std_error).all()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_dummy_that_decides_is_infinite_and_the_rest_is_the_fit_without_its_rows(sign):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=200), np.arange(200) % 10 == 0]).astype(float)
    y = (rng.random(200) < 0.5).astype(int)
    y[X[:, 1] == 1] = int(sign > 0)
    result = separated(X, y)
    assert result.separation == "quasi-complete"
    table = result.coefficients
    assert table.estimate[0, 2] == sign * np.inf
    assert np.isnan(table.std_error[0, 2])
    kept = X[:, 1] == 0
    rest = infer(SoftmaxGLM(alpha=0).fit(X[kept, :1], y[kept]), X[kept, :1], y[kept])
    np.testing.assert_allclose(table.estimate[0, :2], rest.coefficients.estimate[0], rtol=1e-7)
    np.testing.assert_allclose(table.std_error[0, :2], rest.coefficients.std_error[0], rtol=1e-7)
    assert result.rebase(1).coefficients.estimate[0, 2] == -sign * np.inf
    assert result.log_likelihood == pytest.approx(rest.log_likelihood, abs=1e-9)
    assert np.isinf(table.odds_ratios().ratio[0, 2]) or table.odds_ratios().ratio[0, 2] == 0.0


def test_weighted_rows_are_inferred_on_with_their_weights():
    data = weighted()
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y, data.weights)
    result = infer(model, data.X, data.y, sample_weight=data.weights)
    assert result.n_observations == pytest.approx(data.weights.sum())


def test_an_optimum_that_the_gap_does_not_explain_is_doubted():
    data = overlapping()
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    typical = np.argsort(model.predict_proba(data.X)[np.arange(len(data.y)), data.y])[len(data.y) // 2]
    forgotten = infer(model, np.delete(data.X, typical, axis=0), np.delete(data.y, typical))
    assert 1e-3 < forgotten.moved <= 0.5
    (note,) = forgotten.notes
    assert f"The optimum of these data is {forgotten.moved:.2g} standard errors from the fitted" in note
    assert "are X, y, weights and offset" in " ".join(str(forgotten).split())


def test_forgotten_weights_are_doubted():
    data = overlapping()
    weights = np.where(np.arange(len(data.y)) % 10, 1.0, 1.5)
    model = SoftmaxGLM(alpha=0.01).fit(data.X, data.y, sample_weight=weights)
    assert infer(model, data.X, data.y).notes
    assert not infer(model, data.X, data.y, sample_weight=weights).notes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("alpha", [0.0, 0.01])
@pytest.mark.parametrize("tol", [1e-8, 1e-4, 1e-2])
@pytest.mark.parametrize("make", [overlapping, two_classes])
def test_the_data_of_the_fit_are_not_doubted(make, tol, alpha, dtype):
    data = make()
    X = data.X.astype(dtype)
    assert not infer(SoftmaxGLM(alpha=alpha, tol=tol).fit(X, data.y), X, data.y).notes


WEIGHTS = {
    "without those that left out one of three": (3, 1.0 * (np.arange(60) % 3 != 2), None),
    "that leave out one of three": (3, None, 1.0 * (np.arange(60) % 3 != 0)),
    "that leave out one of two": (2, None, 1.0 * (np.arange(60) % 2)),
    "that leave out another": (3, 1.0 * (np.arange(60) % 3 != 2), 1.0 * (np.arange(60) % 3 != 0)),
}


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.filterwarnings("ignore:The total weight of the classes")
def test_weights_of_other_classes_than_those_of_the_fit_are_noticed(name):
    K, of_fit, given = WEIGHTS[name]
    X, y = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % K
    model = SoftmaxGLM(alpha=0.1).fit(X, y, sample_weight=of_fit)
    assert infer(model, X, y, sample_weight=of_fit).estimate.n_parameters > 0
    with pytest.raises(ValueError, match=r"have weight in these data.*Pass the y and the sample_weight of the fit"):
        infer(model, X, y, sample_weight=given)


HOSTILE = {
    "text": (["a"] * 60, "X holds text in column 'b'"),
    "dates": (pd.date_range("2020-01-01", periods=60), "X holds dates in column 'b'"),
    "missing objects": ([None] * 60, "X holds missing values"),
    "lists": ([[1.0]] * 60, "X holds lists or structures in column 'b'"),
    "huge numbers": ([1e120] * 60, "X has values up to 1e.120"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_new_rows_that_hold_no_numbers_are_explained_as_by_the_model(name):
    entries, message = HOSTILE[name]
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), columns=["a", "b"])
    y = np.arange(60) % 3
    model = SoftmaxGLM(alpha=0.1).fit(X, y)
    new = X.assign(b=pd.Series(entries, dtype=object if name == "missing objects" else None))
    with pytest.raises((TypeError, ValueError), match=message) as by_model:
        model.predict(new)
    with pytest.raises(by_model.type, match=message):
        infer(model, X, y).predict(new)


@pytest.mark.parametrize("covariance", ["robust", "HC1", "HC3"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_of_completely_separated_classes_no_covariance_is_finite_and_none_fails(n_classes, covariance):
    X, y = np.arange(12.0)[:, np.newaxis], np.repeat(np.arange(n_classes), 12 // n_classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = SoftmaxGLM(alpha=0).fit(X, y)
        result = infer(model, X, y, covariance=covariance)
    assert not np.isfinite(result.coefficients.std_error).any()


def test_an_empty_pipeline_is_refused_by_its_name():
    with pytest.raises(TypeError, match=r"infer got a Pipeline, expected"):
        infer(Pipeline([]), np.zeros((2, 1)), [0, 1])


def test_of_columns_that_never_vary_nothing_is_estimable_without_an_intercept():
    X, y = np.zeros((6, 1)), np.array([0, 1, 2] * 2)
    result = infer(SoftmaxGLM(alpha=0, fit_intercept=False).fit(X, y), X, y)
    assert not np.isfinite(result.coefficients.std_error).any()
