"""No window, no figure left behind, and the fits that several displays draw."""

import warnings

import matplotlib as mpl
import pandas as pd
import pytest
from estimates import GOLDEN
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from softglm import SeparationWarning, SoftmaxGLM, infer

mpl.use("Agg")
from matplotlib import pyplot as plt


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def students():
    """hsb2: prog by the factor ses and write, through a pipeline."""
    frame = pd.read_csv(GOLDEN / "data" / "hsb2.csv")
    dummies = OneHotEncoder(categories=[["low", "middle", "high"]], drop="first")
    columns = make_column_transformer((dummies, ["ses"]), remainder="passthrough", verbose_feature_names_out=False)
    X, y = frame[["ses", "write"]], frame["prog"]
    return infer(make_pipeline(columns, SoftmaxGLM(alpha=0)).fit(X, y), X, y)


@pytest.fixture(scope="session")
def iris():
    """Penalised, three classes."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    return infer(SoftmaxGLM(alpha=0.01).fit(X, y), X, y)


@pytest.fixture(scope="session")
def separated_iris():
    """Setosa is separated from the others, and they are not from each other."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SeparationWarning)
        return infer(SoftmaxGLM(alpha=0).fit(X, y), X, y, reference=1)


@pytest.fixture(scope="session")
def coin():
    """Two classes: the second and third of iris."""
    X, y = load_iris(return_X_y=True)
    X, y = X[y > 0][:, :2], y[y > 0]
    return infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
