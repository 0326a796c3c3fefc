"""What is separated is asked as `infer` is asked: of arrays and frames, and of columns of text through a pipeline."""

import warnings
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.validation import check_is_fitted

from softglm import SoftmaxGLM, SoftmaxGLMCV, detect_separation, infer, softglm_path

TOWNS = ["Ulm", "Bonn", "Hof", "Kiel"]


@pytest.fixture(scope="module")
def letters():
    """Text, a category and a number; every letter from Kiel was answered."""
    rng = np.random.default_rng(3)
    X = pd.DataFrame(
        {
            "town": rng.choice(np.array(TOWNS, dtype=object), 120),
            "stamp": pd.Categorical(rng.choice(["red", "blue"], 120)),
            "weight": rng.uniform(10.0, 50.0, 120),
        }
    )
    answered = np.where((rng.random(120) < 0.5) | (X["town"] == "Kiel"), "yes", "no")
    return X, answered


def encoding(*, model=None, first="Bonn"):
    towns = OneHotEncoder(categories=[[first, *sorted(set(TOWNS) - {first})]], drop="first")
    columns = make_column_transformer(
        (towns, ["town"]), (OneHotEncoder(drop="first"), ["stamp"]), (StandardScaler(), ["weight"])
    )
    return make_pipeline(columns, SoftmaxGLM(alpha=0) if model is None else model)


def fitted(model, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y)


def searched(X, y):
    return fitted(GridSearchCV(encoding(), {"softmaxglm__tol": [1e-6]}, cv=2), X, y)


WAYS = {
    "to be fitted": lambda *_: encoding(),
    "fitted": lambda X, y: fitted(encoding(), X, y),
    "searched": searched,
    "chosen by folds": lambda X, y: fitted(encoding(model=SoftmaxGLMCV(Cs=2, cv=2)), X, y),
}


@pytest.mark.parametrize("way", WAYS)
def test_columns_of_text_are_asked_through_a_pipeline_and_named_by_it(letters, way):
    X, y = letters
    found = detect_separation(X, y, WAYS[way](X, y))
    result = infer(fitted(encoding(), X, y), X, y)
    assert found.kind == result.separation == "quasi-complete"
    assert found.terms == result.terms
    np.testing.assert_array_equal(np.isinf(found.directions("no")), np.isinf(result.coefficients.estimate))
    assert [term for term, limit in zip(found.terms, found.directions("no")[0], strict=True) if limit] == [
        "onehotencoder-1__town_Kiel"
    ]
    np.testing.assert_array_equal(found.separated_rows, X["town"] == "Kiel")


def test_other_frames_say_the_same(letters):
    X, y = letters
    of_pandas, of_polars = (
        detect_separation(frame, y, encoding()) for frame in (X, pl.DataFrame({name: list(X[name]) for name in X}))
    )
    assert of_pandas.terms == of_polars.terms
    np.testing.assert_array_equal(of_pandas.limits, of_polars.limits)


def test_a_pipeline_that_is_to_be_fitted_stays_as_it_is(letters):
    model = encoding()
    detect_separation(*letters, model)
    with pytest.raises(NotFittedError):
        check_is_fitted(model[0])


def test_a_fitted_pipeline_codes_as_it_was_fitted(letters):
    X, y = letters
    model = fitted(encoding(first="Kiel"), X, y)
    found = detect_separation(X, y, model)
    assert np.isinf(found.directions("no")[0]).sum() == 4  # against Kiel, all other towns, and the intercept


def test_a_model_says_whether_it_has_constants_unless_that_is_given():
    X, y = [[1.0], [2.0], [3.0], [2.5]], [0, 0, 1, 0]
    plain = SoftmaxGLM(alpha=0, fit_intercept=False)
    assert detect_separation(X, y).terms == ("Intercept", "x0")
    assert detect_separation(X, y, plain).terms == ("x0",)
    assert detect_separation(X, y, plain).kind == "none"
    assert detect_separation(X, y, plain, fit_intercept=True).kind == "complete"


def test_a_fitted_model_names_its_columns_and_knows_its_classes(letters):
    X, y = letters
    numbers = X[["weight"]]
    model = fitted(SoftmaxGLM(alpha=0), numbers, y)
    assert detect_separation(numbers, y, model).terms == ("Intercept", "weight")
    assert detect_separation(numbers, y, SoftmaxGLM()).terms == ("Intercept", "weight")
    with pytest.raises(ValueError, match="Pass the y of the fit"):
        detect_separation(numbers, np.where(y == "yes", "ja", "nein"), model)
    with pytest.raises(ValueError, match="feature names"):
        detect_separation(numbers.rename(columns={"weight": "mass"}), y, model)


def test_classes_that_the_model_gives_no_weight_are_none():
    X, y = [[0.0], [1.0], [0.0], [1.0], [2.0]], [0, 0, 1, 1, 2]
    assert detect_separation(X, y).kind == "quasi-complete"
    found = detect_separation(X, y, SoftmaxGLM(class_weight={2: 0.0}))
    assert (found.kind, found.classes.tolist()) == ("none", [0, 1])


def test_what_cannot_be_asked_is_refused_with_the_remedy(letters):
    X, y = letters
    with pytest.raises(ValueError, match=r"text in columns 'town'.* OneHotEncoder"):
        detect_separation(X, y)
    with pytest.raises(ValueError, match=r"text in columns 'town'.* OneHotEncoder"):
        detect_separation(X, y, SoftmaxGLM())
    with pytest.raises(TypeError, match=r"detect_separation\(X, y, estimator\)"):
        detect_separation(encoding(), X, y)
    with pytest.raises(TypeError, match="got a LogisticRegression, expected a SoftmaxGLM"):
        detect_separation(X, y, encoding(model=LogisticRegression()))
    with pytest.raises(ValueError, match="refit=True"):
        detect_separation(X, y, GridSearchCV(encoding(), {"softmaxglm__tol": [1e-6]}))
    with pytest.raises(TypeError, match=r"got the class SoftmaxGLM, expected a model of it: SoftmaxGLM\(\)"):
        detect_separation(X, y, encoding(model=SoftmaxGLM))
    with pytest.raises(ValueError, match="fit_intercept must be True or False, got 'no'"):
        detect_separation([[1.0], [2.0], [3.0]], [0, 1, 0], fit_intercept="no")


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.text = []

    def handle_data(self, data):
        self.text.append(data)


def shown(result):
    """The words of a notebook, in their order."""
    parser = Cells()
    parser.feed(result._repr_html_())
    return parser.text


def test_notebooks_show_what_is_printed(letters):
    found, towns = detect_separation(*letters, encoding()), (letters[0]["town"] == "Kiel").sum()
    headline = f"Separation is quasi-complete: some class has a probability that tends to 0 in {towns} of 120 rows."
    assert shown(found) == [headline, "yes against no", "onehotencoder-1__town_Kiel +inf"]
    either = detect_separation(np.array([[0.0, 1.0], [1.0, 3.0], [5.0, 2.0]]), ["<a>", "<a>", "b&c"])
    assert shown(either)[1] == "b&c against <a>"
    assert shown(either)[-1] == "At \u00b1inf the data allow either sign."
    assert shown(detect_separation([[0.0], [1.0], [0.0], [1.0]], [0, 0, 1, 1])) == [
        "No separation: the maximum-likelihood estimate exists."
    ]


def test_notebooks_show_a_path_as_a_table(letters):
    X, y = letters
    path = softglm_path(X[["weight"]], y, n_alphas=5)
    lines = str(path).splitlines()
    cells = shown(path)
    assert cells[:5] == [lines[0], "alpha", "features in", "explained", "gap"]
    assert " ".join(cells[5:]) == " ".join(" ".join(lines[3:]).split())
