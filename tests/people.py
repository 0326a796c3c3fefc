"""A table of people, pipelines that take it, and what they say of it by their predictions alone."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    SplineTransformer,
    StandardScaler,
)

from softglm import SoftmaxGLM, infer

# Of differences of predictions, by steps of 1e-5 of the spread: their rounding and their third derivatives.
DIFFERENCES = {"rtol": 2e-5, "atol": 1e-9}
# Of first differences of those in the coefficients.
SECOND = {"rtol": 1e-3, "atol": 1e-8}
ROUNDING = {"rtol": 1e-9, "atol": 1e-12}
# What R's optimisers leave.
R = {"rtol": 1e-5, "atol": 1e-8}
N = 240
NUMBERS = ["age", "income", "z"]


def people_table():
    """Whole and other numbers, zeros and ones, codes, texts and an ordered category."""
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


def kinds_of(result):
    return {variable.name: variable.kind for variable in result.inputs.variables}


def inferred(steps, X, y=None, **options):
    y = classes(X) if y is None else y
    return infer(fitted(steps, X, y), X, y, **options)


def levels_of(result, name):
    return [level.name for variable in result.inputs.variables if variable.name == name for level in variable.levels]
