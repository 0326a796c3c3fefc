"""Effects and predictions of what goes into a pipeline, against differences of the pipeline's own predictions."""

import copy

import numpy as np
import pandas as pd
import polars as pl
import pytest
from effort import mostly_slow
from estimates import GOLDEN, golden
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    SplineTransformer,
    StandardScaler,
)

from softglm import SeparationWarning, SoftmaxGLM, infer

# Of differences of predictions, by steps of 1e-5 of the spread: their rounding and their third derivatives.
DIFFERENCES = {"rtol": 2e-5, "atol": 1e-9}
# Of first differences of those in the coefficients.
SECOND = {"rtol": 1e-3, "atol": 1e-8}
ROUNDING = {"rtol": 1e-9, "atol": 1e-12}
# What R's optimisers leave.
R = {"rtol": 1e-5, "atol": 1e-8}
N = 240
NUMBERS = ["age", "income", "z"]


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 80, N),
            "income": np.exp(rng.normal(10.0, 0.7, N)),
            "z": rng.normal(size=N),
            "sex": rng.integers(0, 2, N),
            "code": rng.integers(1, 5, N),
            "region": rng.choice(np.array(["north", "south", "west"], dtype=object), N),
            "level": pd.Categorical(
                rng.choice(["low", "middle", "high"], N), categories=["low", "middle", "high"], ordered=True
            ),
        }
    )


def classes(people, n_classes=3):
    rng = np.random.default_rng(1)
    age = (people["age"] - 48.0) / 18.0
    score = np.column_stack([0.0 * age, age**2 - 1.0, 0.8 * (people["region"] == "south") + 0.3 * people["z"]])
    score += rng.gumbel(size=score.shape)
    return score[:, :n_classes].argmax(axis=1)


class Rowwise(TransformerMixin, BaseEstimator):
    """What somebody wrote for their data, with names that nobody knows."""

    def fit(self, X, y=None):  # noqa: ARG002 - as the pipeline calls it
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        X = pd.DataFrame(X)
        return np.column_stack([X["age"] / X["income"], X["region"] == "south", (X["region"] == "west") * X["z"]])


def encoder(**options):
    return OneHotEncoder(sparse_output=False, **options)


def bins(encode, n=4):
    binned = KBinsDiscretizer(n, encode=encode)
    # Newer versions warn of another default to come.
    has_method = "quantile_method" in binned.get_params()
    return binned.set_params(quantile_method="averaged_inverted_cdf") if has_method else binned


def polynomial(degree=2):
    return PolynomialFeatures(degree, include_bias=False)


def basis(**options):
    return SplineTransformer(n_knots=4, include_bias=False, **options)


PIPELINES = {
    "a square": lambda: make_column_transformer((make_pipeline(StandardScaler(), polynomial()), ["age"])),
    "products of numbers and of a factor": lambda: make_pipeline(
        make_column_transformer((StandardScaler(), ["age", "z"]), (encoder(drop="first"), ["region"])), polynomial()
    ),
    "a spline": lambda: make_column_transformer((basis(), ["age", "income"]), ("passthrough", ["sex"])),
    "a spline that goes on straight": lambda: make_column_transformer((basis(extrapolation="linear"), ["z"])),
    "bins": lambda: make_column_transformer((bins("onehot"), ["age"]), (StandardScaler(), ["z"])),
    "dense bins": lambda: make_column_transformer((bins("onehot-dense"), ["age", "income"])),
    "ordinal bins": lambda: make_column_transformer((bins("ordinal", 3), ["age"]), (bins("ordinal", 2), ["z"])),
    "a logarithm": lambda: make_pipeline(
        ColumnTransformer([("log", FunctionTransformer(np.log1p), ["income"]), ("rest", "passthrough", ["z"])]),
        StandardScaler(),
    ),
    "a factor that is scaled": lambda: make_pipeline(
        make_column_transformer((encoder(), ["region", "level"]), (StandardScaler(), NUMBERS)), StandardScaler()
    ),
    "a factor behind an imputer": lambda: make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="most_frequent"), encoder()), ["region", "level"]),
        (make_pipeline(SimpleImputer(), StandardScaler()), ["income"]),
    ),
    "rare levels together": lambda: make_column_transformer((encoder(min_frequency=70), ["code", "region"])),
    "a threshold of variance": lambda: make_pipeline(
        make_column_transformer((encoder(drop="first"), ["region"]), (StandardScaler(), ["z"])), VarianceThreshold(0.1)
    ),
    "a selection": lambda: make_pipeline(
        make_column_transformer((encoder(), ["region", "level"]), (StandardScaler(), NUMBERS)), SelectKBest(k=6)
    ),
    "a union": lambda: make_column_transformer(
        (make_union(StandardScaler(), polynomial()), ["z"]), (encoder(), ["region"])
    ),
    "something of one's own": Rowwise,
    "principal components": lambda: make_column_transformer((make_pipeline(StandardScaler(), PCA(2)), NUMBERS)),
    "sparse dummies": lambda: make_column_transformer((OneHotEncoder(), ["region", "code", "level"])),
    "an order": lambda: make_column_transformer(
        (OrdinalEncoder(categories=[["low", "middle", "high"]]), ["level"]), (Binarizer(threshold=40), ["age"])
    ),
}


def fitted(pipeline, X, y, **given):
    model = make_pipeline(pipeline, SoftmaxGLM(alpha=0.01))
    return model.fit(X, y, **{f"softmaxglm__{name}": value for name, value in given.items()})


def mean_prediction(model, X, weights=None, offset=None, **changes):
    options = {} if offset is None else {"offset": offset}
    return np.average(model.predict_proba(X.assign(**changes), **options), axis=0, weights=weights)


def step_of(X, variable):
    return 1e-5 * X[variable.name].std()


def changes_of(X, variable):
    """What an input is set to, for differences: a step up and one down, or each of its levels."""
    if variable.kind == "number":
        return [X[variable.name] + sign * step_of(X, variable) for sign in (1.0, -1.0)]
    return [level.value for level in variable.levels]


def differences(X, variable, means):
    """The effects of an input, a row for each contrast, from the mean predictions where it is changed."""
    if variable.kind == "number":
        return (means[0] - means[1])[np.newaxis] / (2.0 * step_of(X, variable))
    return np.array(means[1:]) - means[0]


def expected_effects(model, X, result, **given):
    """Effects from the pipeline's predictions alone."""
    effects = []
    for variable in result.inputs.variables:
        changes = changes_of(X, variable)
        means = [mean_prediction(model, X, **given, **{variable.name: value}) for value in changes]
        effects.append(differences(X, variable, means))
    return np.concatenate(effects)


def effects_by_last_step(model, X, result):
    """The same as a function of the last step: what the steps before it make of the inputs is asked once."""
    before = model[:-1]
    inputs = [
        (variable, [before.transform(X.assign(**{variable.name: value})) for value in changes_of(X, variable)])
        for variable in result.inputs.variables
    ]

    def effects(last):
        means = [[last.predict_proba(design).mean(axis=0) for design in designs] for _, designs in inputs]
        pairs = zip(inputs, means, strict=True)
        return np.concatenate([differences(X, variable, found) for (variable, _), found in pairs])

    return effects


def jacobian_errors(last, result, effects_of, unit=1e-4):
    """Standard errors by perturbing the coefficients of the last step, class by class against the first."""
    covariance = result.covariance_matrix
    K, n_terms = len(result.classes), len(result.terms)
    slopes = []
    for position in range((K - 1) * n_terms):
        k, term = divmod(position, n_terms)
        step = unit * np.sqrt(covariance[position, position]) or unit  # a column that is constant has no error
        ends = []
        for sign in (1.0, -1.0):
            moved = copy.deepcopy(last)
            row = k if K == 2 else k + 1
            if term == 0:
                moved.intercept_[row] += sign * step
            else:
                moved.coef_[row, term - 1] += sign * step
            ends.append(effects_of(moved))
        slopes.append((ends[0] - ends[1]) / (2.0 * step))
    return np.sqrt(np.einsum("iek,ij,jek->ek", slopes, covariance, slopes))


@pytest.mark.parametrize("n_classes", mostly_slow([2, 3], kept=1))
@pytest.mark.parametrize("name", PIPELINES)
def test_effects_are_those_of_the_inputs(people, name, n_classes):
    y = classes(people, n_classes)
    model = fitted(PIPELINES[name](), people, y)
    result = infer(model, people, y)
    assert result.inputs.is_known
    effects = result.marginal_effects()
    assert not effects.notes
    np.testing.assert_allclose(effects.estimate, expected_effects(model, people, result), **DIFFERENCES)
    errors = jacobian_errors(model[-1], result, effects_by_last_step(model, people, result))
    np.testing.assert_allclose(effects.std_error, errors, **SECOND)


@pytest.mark.parametrize("name", ["a square", "products of numbers and of a factor", "a factor behind an imputer"])
def test_weights_and_offsets_are_those_of_the_fit(people, name):
    rng = np.random.default_rng(2)
    y, weights = classes(people), rng.integers(0, 4, N).astype(float)
    offset = rng.normal(size=(N, 3))
    model = fitted(PIPELINES[name](), people, y, sample_weight=weights, offset=offset)
    result = infer(model, people, y, sample_weight=weights, offset=offset)
    expected = expected_effects(model, people, result, weights=weights, offset=offset)
    np.testing.assert_allclose(result.marginal_effects().estimate, expected, **DIFFERENCES)


def test_counts_weigh_by_their_totals(people):
    rng = np.random.default_rng(3)
    Y = rng.integers(3, 40, size=(N, 3)).astype(float)
    model = fitted(PIPELINES["a square"](), people, Y)
    result = infer(model, people, Y)
    expected = expected_effects(model, people, result, weights=Y.sum(axis=1))
    np.testing.assert_allclose(result.marginal_effects().estimate, expected, **DIFFERENCES)


def test_a_search_has_the_effects_of_its_best_pipeline(people):
    y = classes(people)
    pipeline = make_pipeline(PIPELINES["a spline"](), SoftmaxGLM())
    search = GridSearchCV(pipeline, {"softmaxglm__C": [0.1, 1.0]}, cv=3).fit(people, y)
    result = infer(search, people, y)
    expected = expected_effects(search.best_estimator_, people, result)
    np.testing.assert_allclose(result.marginal_effects().estimate, expected, **DIFFERENCES)


@pytest.mark.parametrize("kind", ["numpy", "list", "polars", "float32", "pandas between the steps"])
def test_the_kind_of_table_changes_nothing(people, kind):
    y, X = classes(people), people[["age", "income", "z"]]
    steps = make_pipeline(StandardScaler(), polynomial())
    result = infer(fitted(steps, X, y), X, y)
    expected = result.marginal_effects()
    given, exactly = X, {"rtol": 1e-6, "atol": 1e-12}
    if kind == "numpy":
        given = X.to_numpy()
    elif kind == "list":
        given = X.to_numpy().tolist()
    elif kind == "polars":
        given = pl.DataFrame({name: X[name].to_numpy() for name in X})
    elif kind == "float32":
        given, exactly = X.to_numpy(np.float32), {"rtol": 1e-3, "atol": 1e-8}
    else:
        steps.set_output(transform="pandas")
    found = infer(fitted(steps, given, y), given, y).marginal_effects()
    names = ("x0", "x1", "x2") if kind in {"numpy", "list", "float32"} else tuple(X)
    assert found.terms == names
    np.testing.assert_allclose(found.estimate, expected.estimate, **exactly)
    np.testing.assert_allclose(found.std_error, expected.std_error, **exactly)


@pytest.mark.parametrize("library", ["pandas", "polars", "numpy"])
def test_factors_in_every_kind_of_table(people, library):
    X, y = people[["region", "z"]], classes(people)
    columns, given = [0, 1], X
    if library == "polars":
        given = pl.DataFrame({"region": X["region"].tolist(), "z": X["z"].to_numpy()})
    elif library == "numpy":
        given = X.to_numpy(dtype=object)
    steps = make_column_transformer((encoder(drop="first"), columns[:1]), (StandardScaler(), columns[1:]))
    result = infer(fitted(steps, given, y), given, y)
    factor = "x0" if library == "numpy" else "region"
    assert result.factors == {factor: (0, 1)}
    assert result.marginal_effects().contrasts == ("south - north", "west - north", "dP/dx")
    assert result.average_predictions(factor).grid.tolist() == ["north", "south", "west"]


def test_input_is_not_modified(people):
    y, before = classes(people), people.copy(deep=True)
    for name in ("a spline", "a factor behind an imputer", "ordinal bins"):
        result = infer(fitted(PIPELINES[name](), people, y), people, y)
        result.marginal_effects()
        result.marginal_effects("at-means")
        result.average_predictions(result.inputs.variables[0].name)
    pd.testing.assert_frame_equal(people, before)


@pytest.mark.parametrize("name", PIPELINES)
def test_average_predictions_are_means_of_the_pipelines(people, name):
    y = classes(people)
    model = fitted(PIPELINES[name](), people, y)
    result = infer(model, people, y)
    for variable in result.inputs.variables:
        values = [level.value for level in variable.levels] or np.quantile(people[variable.name], [0.1, 0.9])
        found = result.average_predictions(variable.name, list(values))
        expected = [mean_prediction(model, people, **{variable.name: value}) for value in values]
        np.testing.assert_allclose(found.probability, expected, **ROUNDING)
        by_default = result.average_predictions(variable.name)
        assert len(by_default.grid) == (len(variable.levels) or 51)
    first, *others = result.inputs.variables
    if others:
        state = [variable.levels[-1].value if variable.levels else 30.0 for variable in (first, others[0])]
        names = [first.name, others[0].name]
        both = result.average_predictions(names, [state])
        expected = mean_prediction(model, people, **dict(zip(names, state, strict=True)))
        np.testing.assert_allclose(both.probability[0], expected, **ROUNDING)


def test_at_the_means_numbers_have_their_means_and_factors_their_proportions(people):
    y, weights = classes(people), np.random.default_rng(4).uniform(0.5, 2.0, N)
    steps = PIPELINES["products of numbers and of a factor"]()
    model = fitted(steps, people, y, sample_weight=weights)
    result = infer(model, people, y, sample_weight=weights, weights="sampling", covariance="robust")
    place = people.assign(**{name: np.average(people[name], weights=weights) for name in ("age", "z")})

    def at(**changes):
        transformed = np.average(model[:-1].transform(place.assign(**changes)), axis=0, weights=weights)
        return model[-1].predict_proba(transformed[np.newaxis])[0]

    age, step = place["age"][0], 1e-4
    effects = result.marginal_effects("at-means")
    np.testing.assert_allclose(
        effects.estimate[0], (at(age=age + step) - at(age=age - step)) / (2.0 * step), **DIFFERENCES
    )
    row = effects.contrasts.index("west - north")
    np.testing.assert_allclose(effects.estimate[row], at(region="west") - at(region="north"), **ROUNDING)
    found = result.average_predictions("region", ["south"], "means")
    np.testing.assert_allclose(found.probability[0], at(region="south"), **ROUNDING)
    found = result.average_predictions("age", [30.0], {"region": "west", "z": 1.0})
    np.testing.assert_allclose(found.probability[0], at(age=30.0, region="west", z=1.0), **ROUNDING)


def kinds_of(result):
    return {variable.name: variable.kind for variable in result.inputs.variables}


def inferred(steps, X, y=None, **options):
    y = classes(X) if y is None else y
    return infer(fitted(steps, X, y), X, y, **options)


def levels_of(result, name):
    return [level.name for variable in result.inputs.variables if variable.name == name for level in variable.levels]


def test_a_factor_is_one_term_under_the_name_of_its_input(people):
    y = classes(people)
    steps = PIPELINES["a factor behind an imputer"]()
    model = make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(people, y)
    result = infer(model, people, y)
    assert result.features[0] == "pipeline-1__region_north"
    assert result.factors == {"region": (0, 1, 2), "level": (3, 4, 5)}
    assert result.test_terms().terms == ("region", "level", "pipeline-2__income")
    assert result.test_terms().df.tolist() == [4, 4, 2]


def test_powers_stay_terms_of_their_own(people):
    y = classes(people)
    steps = make_column_transformer((polynomial(), ["age"]), (encoder(), ["region"]), verbose_feature_names_out=False)
    model = make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(people, y)
    assert infer(model, people, y).test_terms("wald").terms == ("age", "age^2", "region")


def test_numbers_that_act_by_steps_are_factors_of_ranges(people):
    result = inferred(make_column_transformer((bins("onehot", 3), ["age"]), (Binarizer(threshold=0), ["z"])), people)
    assert kinds_of(result) == {"age": "factor", "z": "factor"}
    low, middle, high = levels_of(result, "age")
    edges = [float(end) for name in (low, middle, high) for end in name.strip("[]").split(", ")]
    assert edges == sorted(edges)
    assert edges[0] == people["age"].min()
    assert edges[-1] == people["age"].max()
    assert result.marginal_effects().contrasts[0] == f"{middle} - {low}"


def test_codes_are_levels_whatever_the_encoder_says_of_others(people):
    for unknown in ("error", "ignore"):
        result = inferred(make_column_transformer((encoder(handle_unknown=unknown), ["code"])), people)
        assert kinds_of(result) == {"code": "factor"}
        assert levels_of(result, "code") == ["1", "2", "3", "4"]


def test_codes_that_a_step_compares_as_texts_are_levels(people):
    def as_texts(X):
        texts = X["code"].astype(str)
        return np.column_stack([texts == "2", texts == "3", texts == "4"])

    result = inferred(FunctionTransformer(as_texts), people)
    assert levels_of(result, "code") == ["1", "2", "3", "4"]
    assert np.isfinite(result.marginal_effects().estimate).all()


def test_rare_codes_are_levels_too(people):
    X, y = people.assign(code=np.arange(N) % 2 * 9), classes(people)
    X.loc[[7, 77, 177], "code"] = 4
    steps = make_column_transformer((encoder(), ["code"]), (StandardScaler(), ["z"]))
    result = inferred(steps, X, y)
    assert levels_of(result, "code") == ["0", "4", "9"]
    assert result.factors == {"code": (0, 1, 2)}


def test_levels_that_are_no_range_are_listed(people):
    X = people.assign(code=people["age"] - 18)
    steps = FunctionTransformer(lambda X: X[["code"]] % 2 == 1)
    assert levels_of(inferred(steps, X, classes(people)), "code") == ["0, 2, 4, 6, 8, ...", "1, 3, 5, 7, 9, ..."]


def test_the_dropped_level_is_the_base_and_else_the_first_of_the_encoder(people):
    for given, expected in (
        ({"drop": ["south"]}, ["south", "north", "west"]),
        ({"categories": [["west", "south", "north"]]}, ["west", "south", "north"]),
        ({}, ["north", "south", "west"]),
    ):
        result = inferred(make_column_transformer((encoder(**given), ["region"])), people)
        assert levels_of(result, "region") == expected
    ordered = make_column_transformer((OrdinalEncoder(categories=[["high", "low", "middle"]]), ["level"]))
    assert levels_of(inferred(ordered, people), "level") == ["high", "low", "middle"]

    def squared(X):
        return np.column_stack([X["level"].cat.codes, X["level"].cat.codes ** 2])

    assert levels_of(inferred(FunctionTransformer(squared), people), "level") == ["low", "middle", "high"]


def test_levels_that_the_pipeline_does_not_tell_apart_are_one(people):
    rare = people.assign(region=np.where(np.arange(N) % 11 == 0, "east", people["region"]))
    rare.loc[::13, "region"] = "isle"
    result = inferred(make_column_transformer((encoder(min_frequency=40), ["region"])), rare, classes(people))
    assert "east, isle" in levels_of(result, "region")


def test_missing_values_are_a_level_if_the_pipeline_takes_them(people):
    for missing in (None, np.nan):
        holes = people.assign(region=people["region"].astype(object))
        holes.loc[::9, "region"] = missing
        y = classes(people)
        result = inferred(make_column_transformer((encoder(), ["region"])), holes, y)
        assert levels_of(result, "region") == ["north", "south", "west", "missing"]
        imputed = make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="most_frequent"), encoder()), ["region"])
        )
        if missing is not None:
            assert levels_of(inferred(imputed, holes, y), "region") == ["north", "south", "west"]
    numbers = people.assign(code=people["code"].where(people["code"] != 4))
    steps = make_column_transformer((encoder(), ["code"]))
    assert levels_of(inferred(steps, numbers, classes(people)), "code") == ["1", "2", "3", "missing"]


def test_levels_without_weight_are_no_alternatives(people):
    y, weights = classes(people), (people["region"] != "west").to_numpy(float)
    model = fitted(make_column_transformer((encoder(), ["region"])), people, y, sample_weight=weights)
    result = infer(model, people, y, sample_weight=weights)
    assert levels_of(result, "region") == ["north", "south"]


def test_truths_are_switches(people):
    X = people.assign(old=people["age"] > 50)
    y = classes(people)
    result = inferred(make_column_transformer((StandardScaler(), ["old", "sex"])), X, y)
    assert kinds_of(result) == {"old": "switch", "sex": "switch"}
    assert result.marginal_effects().contrasts == ("1 - 0", "1 - 0")
    encoded = inferred(make_column_transformer((encoder(), ["old", "sex"])), X, y)
    assert kinds_of(encoded) == {"old": "switch", "sex": "switch"}
    assert encoded.factors == {"old": (0, 1), "sex": (2, 3)}


@pytest.mark.parametrize(
    "steps",
    [
        make_column_transformer((Binarizer(threshold=40), ["age"]), ("passthrough", ["age"])),
        make_column_transformer((FunctionTransformer(lambda X: X * (X > 45)), ["age"])),
        make_column_transformer((bins("onehot"), ["age"]), (StandardScaler(), ["age", "z"])),
    ],
)
def test_what_acts_smoothly_and_by_steps_has_no_effect_but_predictions(people, steps):
    result = inferred(steps, people)
    assert kinds_of(result)["age"] == "undetermined"
    effects = result.marginal_effects()
    assert np.isnan(effects.estimate[0]).all()
    assert np.isfinite(effects.estimate[1:]).all()
    assert "age has neither a derivative nor levels" in effects.notes[0]
    assert effects.notes[0] in " ".join(str(effects).splitlines())
    found = result.average_predictions("age", [30.0])
    model = fitted(steps, people, classes(people))
    np.testing.assert_allclose(found.probability[0], mean_prediction(model, people, age=30.0), **ROUNDING)


def centred(X):
    return np.asarray(X) - np.asarray(X).mean(axis=0)


def test_where_rows_are_not_transformed_one_by_one_effects_are_of_the_models_columns(people):
    X, y = people[["age", "z"]].to_numpy(float), classes(people)
    result = inferred(FunctionTransformer(centred), X, y)
    assert not result.inputs.is_known
    assert result.factors == {}
    assert result.marginal_effects().terms == ("x0", "x1")
    alone = infer(SoftmaxGLM(alpha=0.01).fit(centred(X), y), centred(X), y).marginal_effects()
    np.testing.assert_allclose(result.marginal_effects().estimate, alone.estimate, rtol=1e-6)
    assert len(result.average_predictions("x0", [0.0]).grid) == 1


def test_steps_that_raise_at_values_in_other_rows_leave_the_models_columns(people):
    def picky(X):
        X = np.asarray(X)
        if len(X) < N and len(np.unique(X[:, 0])) < 5:
            raise RuntimeError("Too few different values.")
        return X * 2.0

    X, y = people[["age", "z"]].to_numpy(float), classes(people)
    result = inferred(FunctionTransformer(picky), X, y)
    assert result.marginal_effects().terms == ("x0", "x1")


def test_texts_and_sparse_matrices_have_no_inputs():
    texts = ["good wine", "bad wine", "good bread", "bad bread"] * 10
    y = [0, 1, 1, 0, 1, 1, 0, 0] * 5
    result = infer(make_pipeline(CountVectorizer(), SoftmaxGLM()).fit(texts, y), texts, y)
    assert result.inputs is None
    assert result.marginal_effects().terms == ("bad", "bread", "good", "wine")
    sparse = CountVectorizer().fit_transform(texts)
    scaled = make_pipeline(StandardScaler(with_mean=False), SoftmaxGLM()).fit(sparse, y)
    assert infer(scaled, sparse, y).inputs is None


def test_a_column_of_texts_that_are_hardly_repeated_is_no_factor(people):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(list("abcdefgh"), 5)) for _ in range(N)]
    X = people.assign(text=texts)
    steps = make_column_transformer(
        (CountVectorizer(analyzer="char"), "text"), (StandardScaler(), ["z"]), sparse_threshold=0
    )
    result = inferred(steps, X, classes(people))
    assert kinds_of(result) == {"text": "undetermined", "z": "number"}
    assert "hardly any of its values is repeated" in result.marginal_effects().notes[0]


def test_columns_that_no_step_takes_have_no_effect(people):
    result = inferred(make_column_transformer((StandardScaler(), ["z"])), people)
    assert result.marginal_effects().terms == ("z",)
    with pytest.raises(ValueError, match="No column of the model depends on 'age'"):
        result.average_predictions("age", [30.0])


def test_dummies_that_a_user_made_are_a_factor_by_groups(people):
    y = classes(people)
    X = pd.get_dummies(people[["region"]], dtype=float).assign(z=people["z"])
    groups = {"region": ["region_south", "region_west"]}
    scaled = inferred(StandardScaler(), X.drop(columns="region_north"), y)
    effects = scaled.marginal_effects(groups=groups)
    assert effects.contrasts == ("south - (base)", "west - (base)", "dP/dx")
    assert effects.terms == ("region", "region", "z")
    encoded = make_column_transformer((encoder(drop="first"), ["region"]), ("passthrough", ["z"]))
    expected = inferred(make_pipeline(encoded, StandardScaler()), people, y)
    np.testing.assert_allclose(effects.estimate, expected.marginal_effects().estimate[[1, 2, 0]], rtol=1e-7)
    found = scaled.average_predictions("region", groups=groups, base="north")
    assert found.grid.tolist() == ["north", "south", "west"]
    np.testing.assert_allclose(found.probability, expected.average_predictions("region").probability, rtol=1e-7)
    bare = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    of_all = bare.marginal_effects(groups={"region": ["region_north", *groups["region"]]})
    assert of_all.contrasts == ("south - north", "west - north", "dP/dx")
    # What a pipeline encodes moves together anyway, named or not.
    named = expected.marginal_effects(groups={"where": ["onehotencoder__region_south", "onehotencoder__region_west"]})
    np.testing.assert_array_equal(named.estimate, expected.marginal_effects().estimate)
    with pytest.raises(ValueError, match="There is no column 'north'"):
        expected.marginal_effects(groups={"where": ["north"]})


def test_a_value_that_the_pipeline_does_not_take_is_named(people):
    result = inferred(PIPELINES["a factor that is scaled"](), people)
    with pytest.raises(ValueError, match="The pipeline does not take 'east' for 'region'"):
        result.average_predictions("region", ["east"])
    with pytest.raises(ValueError, match="'top' is none of the categories of the column 'level'"):
        result.average_predictions("level", ["top"])
    with pytest.raises(ValueError, match="'age' holds numbers, and 'old' is none"):
        result.average_predictions("age", ["old"])
    with pytest.raises(ValueError, match=r"expected \(v, 2\)"):
        result.average_predictions(["age", "region"], [40.0])
    with pytest.raises(ValueError, match="values is missing"):
        result.average_predictions(["age", "region"])
    with pytest.raises(ValueError, match="expected finite numbers"):
        result.average_predictions("age", [np.inf])


@pytest.mark.parametrize("as_table", [lambda X: X, lambda X: pl.DataFrame(X.to_dict("list")), pd.DataFrame.to_numpy])
@pytest.mark.parametrize("curve", [np.square, np.cos])
def test_where_the_means_are_no_codes_the_effects_there_are_refused(as_table, curve):
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"z": rng.normal(size=700), "code": rng.permutation(np.arange(700) % 350)})
    table = rng.normal(size=350)

    def coded(X):
        X = np.asarray(X)
        if (X[:, 1] % 1.0).any():
            raise KeyError("no such code")
        return np.column_stack([curve(X[:, 0]), table[X[:, 1].astype(int)]])

    given, y = as_table(X), rng.integers(2, size=700)
    result = infer(make_pipeline(FunctionTransformer(coded), SoftmaxGLM()).fit(given, y), given, y)
    assert np.isfinite(result.marginal_effects().estimate[0]).all()
    name = "x0" if isinstance(given, np.ndarray) else "z"
    message = rf"The pipeline does not take '{name}' moved by .* with .* for .*: 'no such code'\. Average effects leave"
    with pytest.raises(ValueError, match=message):
        result.marginal_effects("at-means")


def test_all_dummies_of_a_factor_are_determined_without_a_penalty(people):
    y = classes(people)
    every = make_column_transformer((encoder(), ["region", "level"]), (polynomial(), ["z"]))
    less = make_column_transformer((encoder(drop="first"), ["region", "level"]), (polynomial(), ["z"]))
    found, expected = (
        infer(make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(people, y), people, y) for steps in (every, less)
    )
    for kind in ("average", "at-means"):
        effects = found.marginal_effects(kind)
        assert effects.terms == expected.marginal_effects(kind).terms
        np.testing.assert_allclose(effects.estimate, expected.marginal_effects(kind).estimate, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(effects.std_error, expected.marginal_effects(kind).std_error, rtol=1e-6)
    one, other = (each.average_predictions("level") for each in (found, expected))
    np.testing.assert_allclose(one.probability, other.probability, rtol=1e-7)


def test_a_copy_of_an_input_has_an_effect_that_the_data_do_not_determine(people):
    X = people.assign(again=2.0 * people["age"])
    y = classes(people)
    steps = make_column_transformer((StandardScaler(), ["age", "again", "z"]))
    result = infer(make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(X, y), X, y)
    assert np.isnan(result.marginal_effects().estimate).all(axis=1).tolist() == [True, False, True]
    assert np.isnan(result.average_predictions("age", [30.0]).probability).all()
    curved = make_column_transformer((polynomial(), ["age", "again", "z"]))
    result = infer(make_pipeline(curved, StandardScaler(), SoftmaxGLM(alpha=0)).fit(X, y), X, y)
    assert np.isnan(result.marginal_effects().estimate).all(axis=1).tolist() == [True, False, True]


def test_of_separated_classes_the_effects_that_are_finite(people):
    rng = np.random.default_rng(5)
    y = classes(people)
    X = people.assign(decides=np.where((y == 0) & (rng.uniform(size=N) < 0.3), "yes", "no"))
    steps = make_column_transformer((encoder(drop="first"), ["region", "decides"]), (polynomial(), ["z"]))
    with pytest.warns(SeparationWarning):
        model = make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(X, y)
    result = infer(model, X, y)
    without = result.predict(X.assign(decides="no")).probability.mean(axis=0)  # before the steps are fitted again
    rest = (X["decides"] == "no").to_numpy()
    alone = infer(make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(X[rest], y[rest]), X[rest], y[rest])
    effects, expected = result.marginal_effects(), alone.marginal_effects()
    assert effects.terms == ("z", "region", "region", "decides")
    share = rest.mean()
    np.testing.assert_allclose(effects.estimate[:3], share * expected.estimate[:3], rtol=1e-5)
    np.testing.assert_allclose(effects.std_error[:3], share * expected.std_error[:3], rtol=1e-5)
    assert np.isnan(effects.estimate[3]).all()
    assert np.isnan(effects.std_error[3]).all()
    assert np.isnan(result.marginal_effects("at-means").estimate).all()
    assert np.isfinite(result.average_predictions("region").std_error).all()
    no, yes = result.average_predictions("decides").probability
    np.testing.assert_allclose(no, without, rtol=1e-9)
    assert np.isnan(yes).all()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_level_that_separates_leaves_the_other_levels_of_its_factor_as_they_are(people, n_classes):
    y = classes(people, n_classes)
    X = people.assign(region=people["region"].where(np.arange(N) >= 6, "rare"))
    y[:6] = 1
    steps = make_column_transformer((encoder(drop="first"), ["region"]), ("passthrough", ["z"]))
    with pytest.warns(SeparationWarning):
        model = make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(X, y)
    result = infer(model, X, y)
    found = result.average_predictions("region")
    for level, probability in zip(levels_of(result, "region"), found.probability, strict=True):
        expected = result.predict(X.assign(region=level)).probability.mean(axis=0)
        np.testing.assert_allclose(probability, expected, rtol=1e-9)
        assert np.isnan(probability).all() == (level == "rare")
    effects = result.marginal_effects().to_frame()
    of_region = effects[effects["term"] == "region"]
    assert of_region.groupby("contrast")["estimate"].apply(lambda each: each.isna().all()).sum() == 1


def test_a_spline_that_does_not_extrapolate_is_moved_inwards_at_its_ends(people):
    y = classes(people)
    effects = []
    for extrapolation in ("error", "linear"):
        steps = make_column_transformer((basis(extrapolation=extrapolation), ["z", "age"]))
        effects.append(infer(fitted(steps, people, y), people, y).marginal_effects())
    np.testing.assert_allclose(effects[0].estimate, effects[1].estimate, rtol=1e-6)
    np.testing.assert_allclose(effects[0].std_error, effects[1].std_error, rtol=1e-6)


def test_missing_numbers_stay_missing_when_others_move(people):
    X, y = people[["age", "z"]].astype(float), classes(people)
    X.loc[::7, "age"] = np.nan
    steps = make_pipeline(SimpleImputer(add_indicator=True), polynomial(), StandardScaler())
    model = fitted(steps, X, y)
    result = infer(model, X, y)
    assert kinds_of(result) == {"age": "number", "z": "number"}
    expected = expected_effects(model, X, result)
    np.testing.assert_allclose(result.marginal_effects().estimate, expected, **DIFFERENCES)


def test_what_becomes_of_the_pipeline_and_the_frame_later_does_not_matter(people):
    X, y = people.copy(), classes(people)
    model = fitted(PIPELINES["a factor behind an imputer"](), X, y)
    result, again = infer(model, X, y), infer(model, X, y)
    expected = again.marginal_effects().estimate
    X["income"], X["region"] = 0.0, "elsewhere"
    model.fit(people[:100], y[:100])
    np.testing.assert_array_equal(result.marginal_effects().estimate, expected)
    np.testing.assert_array_equal(again.marginal_effects().estimate, expected)


def test_a_line_that_ends_where_the_data_do_is_no_longer_one_beyond(people):
    X, y = people[["age", "z"]], classes(people)
    model = fitted(MinMaxScaler(clip=True), X, y)
    found = infer(model, X, y).average_predictions("age", [0.0, 30.0, 200.0])
    expected = [mean_prediction(model, X, age=age) for age in (0.0, 30.0, 200.0)]
    np.testing.assert_allclose(found.probability, expected, **ROUNDING)


def test_many_columns_that_are_rarely_on_are_followed_all_the_same(people):
    rng = np.random.default_rng(6)
    dummies = pd.DataFrame((rng.uniform(size=(N, 12)) < 0.05).astype(float)).add_prefix("d")
    X, y = people[["z"]].join(dummies), classes(people)
    model = fitted(PolynomialFeatures(2, include_bias=False, interaction_only=True), X, y)
    result = infer(model, X, y)
    expected = expected_effects(model, X, result)
    np.testing.assert_allclose(result.marginal_effects().estimate, expected, **DIFFERENCES)


def test_rebased_or_not_the_inputs_are_asked_once(people):
    calls = []

    def counting(X):
        calls.append(len(X))
        return np.asarray(X, dtype=float)

    X, y = people[["age", "z"]].to_numpy(float), classes(people)
    result = inferred(FunctionTransformer(counting), X, y)
    asked_by_infer = len(calls)
    result.marginal_effects()
    first = len(calls) - asked_by_infer
    result.rebase(2).marginal_effects()
    assert 0 < first < 5
    assert len(calls) == asked_by_infer + first


def column_of(frame, name):
    """A column by its name in the golden values: products of numbers, their squares, and dummies, "factor=level"."""
    product = np.ones(len(frame))
    for factor in name.split("*"):
        variable, is_dummy, level = factor.partition("=")
        base, _, power = variable.partition("^")
        values = frame[base]
        product *= (values.astype(str) == level) if is_dummy else values.astype(float) ** int(power or 1)
    return product


class Columns(TransformerMixin, BaseEstimator):
    """The columns of these names."""

    def __init__(self, names):
        self.names = names

    def fit(self, X, y=None):  # noqa: ARG002 - as the pipeline calls it
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return np.column_stack([column_of(X, name) for name in self.names])

    def get_feature_names_out(self, _=None):
        return np.array(self.names, dtype=object)


@pytest.fixture(scope="module", params=["mroz", "swisslabor", "womenlf", "beps", "chile"])
def case(request):
    expected = golden("r_other")["inputs"][request.param]
    inputs = {part.partition("=")[0].partition("^")[0] for name in expected["columns"] for part in name.split("*")}
    frame = pd.read_csv(GOLDEN / "data" / f"{expected['data']}.csv", keep_default_na=False, na_values=["NA"])
    frame = frame.dropna(subset=[expected["response"], *inputs])
    X, y = frame[[name for name in frame if name in inputs]], frame[expected["response"]]
    model = make_pipeline(Columns(expected["columns"]), SoftmaxGLM(alpha=0)).fit(X, y)
    return expected, infer(model, X, y)


def in_order(result, expected, values):
    """The classes of R in ours."""
    return np.array(values)[..., [expected["classes"].index(label) for label in result.classes]]


def test_effects_are_those_of_r(case):
    expected, result = case
    assert result.log_likelihood == pytest.approx(expected["log_likelihood"], rel=1e-8)
    effects = result.marginal_effects()
    rows = dict(zip(zip(effects.terms, effects.contrasts, strict=True), range(len(effects.terms)), strict=True))
    pairs = [((name, "dP/dx"), values) for name, values in expected["slopes"].items()]
    for name, values in expected["contrasts"].items():
        for position, level in enumerate(values["levels"]):
            one = {key: values[key][position] for key in ("estimate", "std_error")}
            pairs.append(((name, f"{level} - {values['base']}"), one))
    assert len(pairs) == len(rows)
    for key, values in pairs:
        row = rows[key]
        np.testing.assert_allclose(effects.estimate[row], in_order(result, expected, values["estimate"]), **R)
        np.testing.assert_allclose(effects.std_error[row], in_order(result, expected, values["std_error"]), **R)


def test_average_predictions_are_those_of_r(case):
    expected, result = case
    for name, values in expected["predictions"].items():
        found = result.average_predictions(name)
        assert set(found.grid) == set(values["levels"])
        order = [values["levels"].index(level) for level in found.grid]
        np.testing.assert_allclose(found.probability, in_order(result, expected, values["estimate"])[order], **R)
        np.testing.assert_allclose(found.std_error, in_order(result, expected, values["std_error"])[order], **R)
    for name, values in expected["predictions_at_values"].items():
        found = result.average_predictions(name, values["values"])
        np.testing.assert_allclose(found.probability, in_order(result, expected, values["estimate"]), **R)
        np.testing.assert_allclose(found.std_error, in_order(result, expected, values["std_error"]), **R)


def test_polynomial_features_have_the_effects_of_r():
    expected = golden("r_other")["inputs"]["womenlf"]
    frame = pd.read_csv(GOLDEN / "data" / "womenlf.csv")
    columns = make_column_transformer((StandardScaler(), ["hincome"]), (encoder(drop="first"), ["children"]))
    # The square of the dummy is the dummy: the columns are collinear, and the effects determined all the same.
    model = make_pipeline(columns, polynomial(), SoftmaxGLM(alpha=0)).fit(frame, frame["partic"])
    result = infer(model, frame, frame["partic"])
    assert result.is_collinear
    effects = result.marginal_effects()
    assert effects.terms == ("hincome", "children")
    for row, values in enumerate((expected["slopes"]["hincome"], expected["contrasts"]["children"])):
        for name in ("estimate", "std_error"):
            of_r = np.ravel(in_order(result, expected, values[name]))
            np.testing.assert_allclose(getattr(effects, name)[row], of_r, **R)


def with_a_day(X):
    return np.column_stack([X["age"], X["age"] == 65])


def in_kilograms(X):
    return np.column_stack([np.where(X["region"] == "west", 0.4536 * X["z"], X["z"])])


SEEN_IN_FEW_ROWS = {
    "one value among many": (FunctionTransformer(with_a_day), "age"),
    "another slope in some rows": (FunctionTransformer(in_kilograms), "z"),
    "a few values": (FunctionTransformer(lambda X: np.column_stack([X["age"], X["age"].isin([20, 33, 57])])), "age"),
    "a bump": (
        FunctionTransformer(lambda X: np.column_stack([X["age"], np.exp(-((X["age"] - 60.3) ** 2))])),
        "age",
    ),
}


@pytest.mark.parametrize("name", SEEN_IN_FEW_ROWS)
def test_what_a_few_rows_do_not_tell_is_seen_in_all_of_them(people, name):
    steps, column = SEEN_IN_FEW_ROWS[name]
    y = classes(people)
    model = fitted(steps, people, y)
    result = infer(model, people, y)
    values = sorted(people[column].unique())[:: max(people[column].nunique() // 25, 1)]
    found = result.average_predictions(column, values)
    expected = [mean_prediction(model, people, **{column: value}) for value in values]
    np.testing.assert_allclose(found.probability, expected, rtol=1e-9)
    (variable,) = (each for each in result.inputs.variables if each.name == column)
    assert variable.slope is None


def test_a_straight_line_is_one_in_all_rows_and_has_no_slope_where_a_value_is_missing(people):
    y = classes(people)
    X = people.assign(age=people["age"].where(np.arange(N) % 5 > 0))
    straight = inferred(make_column_transformer((StandardScaler(), NUMBERS)), people, y).inputs.variables
    assert all(each.slope is not None for each in straight)
    steps = make_column_transformer((SimpleImputer(), ["age"]), ("passthrough", ["z"]))
    model = fitted(steps, X, y)
    result = infer(model, X, y)
    effects = result.marginal_effects()
    step = 1e-3
    up, down = (mean_prediction(model, X, age=X["age"] + sign * step) for sign in (1.0, -1.0))
    np.testing.assert_allclose(effects.estimate[effects.terms.index("age")], (up - down) / (2.0 * step), rtol=1e-6)


@pytest.mark.parametrize("n_levels", [20, 30])
def test_a_factor_of_many_levels_keeps_to_its_own_columns_among_products(n_levels):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"region": [f"l{i:02d}" for i in rng.integers(n_levels, size=900)], "x": rng.normal(size=900)})
    steps = make_pipeline(
        make_column_transformer((encoder(drop="first"), ["region"]), remainder="passthrough"),
        PolynomialFeatures(interaction_only=True, include_bias=False),
    )
    result = inferred(steps, X, rng.integers(3, size=900))
    assert result.factors["region"] == tuple(range(n_levels - 1))


def by_week(X):
    angle = X["t"] * 2.0 * np.pi / 7.0
    return np.column_stack([np.sin(angle), np.cos(angle)])


SMOOTH = {
    "years": (lambda rng: rng.integers(1980, 2021, 400).astype(float), SplineTransformer(12)),
    "many knots": (lambda rng: rng.integers(18, 90, 400).astype(float), SplineTransformer(60)),
    "seconds": (lambda rng: 1.6e9 + 3600.0 * rng.integers(0, 5000, 400), SplineTransformer(8)),
    "weeks": (lambda rng: rng.integers(0, 1500, 400).astype(float), FunctionTransformer(by_week)),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_what_bends_sharply_is_smooth_all_the_same(name):
    make, steps = SMOOTH[name]
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"t": make(rng)})
    y = rng.integers(2, size=400)
    model = fitted(steps, X, y)
    result = infer(model, X, y)
    assert kinds_of(result) == {"t": "number"}
    step = 1e-6 * float(X["t"].std())
    up, down = (mean_prediction(model, X, t=X["t"] + sign * step) for sign in (1.0, -1.0))
    np.testing.assert_allclose(result.marginal_effects().estimate[0], (up - down) / (2.0 * step), rtol=1e-3)


def test_a_threshold_beside_a_line_is_no_derivative(people):
    steps = FunctionTransformer(lambda X: np.column_stack([X["age"], X["age"] > 30.5]))
    result = inferred(steps, people)
    assert kinds_of(result) == {"age": "undetermined"}
    assert np.isnan(result.marginal_effects().estimate).all()


class Uncopied(Rowwise):
    def __deepcopy__(self, memo):
        raise TypeError("a lock cannot be copied")


def test_steps_that_cannot_be_copied_are_asked_as_they_are(people):
    result = inferred(Uncopied(), people)
    assert result.inputs.is_known


WITHOUT_DERIVATIVE = {
    "a root of counts": (lambda rng: rng.poisson(2.0, 400).astype(float), FunctionTransformer(np.sqrt)),
    "a root of incomes, some 0": (
        lambda rng: np.where(np.arange(400) % 40 == 0, 0.0, np.exp(rng.normal(10.0, 0.7, 400))),
        FunctionTransformer(np.sqrt),
    ),
    "a cubic root": (lambda rng: np.round(rng.normal(size=400)), FunctionTransformer(np.cbrt)),
}


@pytest.mark.parametrize("name", WITHOUT_DERIVATIVE)
def test_a_derivative_that_does_not_exist_is_missing_and_said_to_be(name):
    make, steps = WITHOUT_DERIVATIVE[name]
    rng = np.random.default_rng(4)
    X = pd.DataFrame({"t": make(rng)})
    y = (rng.uniform(size=400) < 1.0 / (1.0 + np.exp(-(X["t"] - X["t"].mean()) / X["t"].std()))).astype(int)
    result = infer(fitted(steps, X, y), X, y)
    effects = result.marginal_effects()
    assert np.isnan(effects.estimate).all()
    assert "no average derivative" in " ".join(str(effects).split())
    assert np.isfinite(result.average_predictions("t", [1.0, 4.0]).std_error).all()


def test_logarithms_of_what_comes_near_zero_keep_their_derivative():
    rng = np.random.default_rng(4)
    X = pd.DataFrame({"t": np.exp(2.0 * rng.normal(size=400))})
    y = rng.integers(2, size=400)
    model = fitted(FunctionTransformer(np.log), X, y)
    step = 1e-8
    up, down = (mean_prediction(model, X, t=X["t"] + sign * step) for sign in (1.0, -1.0))
    found = infer(model, X, y).marginal_effects()
    np.testing.assert_allclose(found.estimate[0], (up - down) / (2.0 * step), rtol=1e-3)
