"""What a certificate says, and what is refused."""

import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
from problems import collinear, many_classes, separable, two_classes
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from softglm import SoftmaxGLM, certify

DATA = many_classes()
FITTED = SoftmaxGLM().fit(DATA.X, DATA.y)
ARRAYS = (FITTED.coef_, FITTED.intercept_)


def test_the_text_says_how_far_off_the_loss_the_probabilities_and_the_labels_are():
    certificate = certify((0.5 * FITTED.coef_, FITTED.intercept_), DATA.X, DATA.y, C=1.0)
    text, found = str(certificate), certificate.predictions
    assert text.startswith("(coef, intercept) beside the optimum of its objective: l2 penalty, C=1\n")
    assert f"above its minimum by {certificate.gap:.3g} (" in text
    assert f"at most {found.largest_probability_error:.2g} from those of the optimum" in text
    assert f"{found.n_changes} of 300 are others at the optimum: rows {np.flatnonzero(found.changes)[0]}, " in text
    assert "Proved by " in text
    assert repr(certificate) == text
    assert max(map(len, text.splitlines())) <= 90


def test_the_table_of_a_notebook_says_the_same_and_escapes_what_users_named():
    certificate = FITTED.certify(DATA.X, DATA.y)
    html = certificate._repr_html_()
    assert html.startswith("<div><b>SoftmaxGLM beside the optimum of its objective: l2 penalty")
    for part in ("Loss", "Probabilities", "Labels", "those of the optimum, in all of 300 rows", "Proved by "):
        assert part in html
        assert part in str(certificate)


def test_the_frame_has_a_row_for_each_row():
    certificate = FITTED.certify(DATA.X, DATA.y)
    frame = certificate.to_frame()
    assert list(frame.columns) == ["label", "label_near_optimum", "probability_error", "changes", "may_change"]
    np.testing.assert_array_equal(frame["label"], FITTED.predict(DATA.X))
    np.testing.assert_array_equal(frame["probability_error"], certificate.predictions.probability_errors)
    assert "300 rows" in repr(certificate.predictions)


WORDINGS = {
    (0, 0): "those of the optimum, in all of 300 rows",
    (1, 1): "1 of 300 is another at the optimum: rows 0",
    (3, 3): "3 of 300 are others at the optimum: rows 0, 1, 2",
    (0, 2): "at most 2 of 300 are others at the optimum: rows 0, 1",
    (1, 13): "1 to 13 of 300 are others at the optimum: rows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ...",
}


@pytest.mark.parametrize("counts", WORDINGS)
def test_labels_that_change_and_that_may_are_counted_in_words(counts):
    certificate, places = FITTED.certify(DATA.X, DATA.y), np.arange(300)
    found = replace(certificate.predictions, changes=places < counts[0], may_change=places < counts[1])
    assert WORDINGS[counts] in replace(certificate, predictions=found)._repr_html_()


def test_gaps_are_given_as_what_they_are_known_to_be():
    certificate = replace(FITTED.certify(DATA.X, DATA.y), loss=1.0, null_loss=2.0)
    for least, most, words in (
        (0.0, 1e-15, "above its minimum by at most 1e-15 (1e-15 of what the features explain)"),
        (1e-7, 2e-7, "above its minimum by 1e-07 to 2e-07 (2e-07 of"),
        (0.3, 0.3 + 1e-9, "above its minimum by 0.3 (23.1% of"),
        (0.0, np.inf, "1, and nothing is known of its minimum"),
    ):
        assert words in replace(certificate, least_gap=least, gap=most)._repr_html_()


def test_what_is_not_proved_is_called_an_estimate():
    certificate = replace(FITTED.certify(DATA.X, DATA.y), gap_kind="estimate")
    assert not certificate.is_proved
    assert "Estimated, not proved (a fit of these rows converged)." in str(certificate)


@pytest.mark.parametrize("model", [SoftmaxGLM(alpha=0), LogisticRegression(C=np.inf)])
def test_where_classes_are_separated_and_nothing_is_penalised_there_is_no_optimum(model):
    data = separable()
    with warnings.catch_warnings(action="ignore"):
        model.fit(data.X, data.y)
    certificate = certify(model, data.X, data.y)
    assert not certificate.has_optimum
    assert not certificate.is_proved
    assert (certificate.gap, certificate.relative_gap, certificate.gap_kind) == (np.inf, np.inf, "none")
    assert certificate.predictions.may_change.all()
    assert not certificate.predictions.changes.any()
    assert "There is no optimum (separated: " in str(certificate)
    assert "without a minimum: it falls by " in certificate._repr_html_()
    with pytest.raises(ValueError, match="there is no optimum"):
        certificate.of_rows(data.X)


def test_of_many_optima_other_rows_are_not_bounded():
    data = collinear()
    certificate = SoftmaxGLM(alpha=0).fit(data.X, data.y).certify(data.X, data.y)
    assert certificate.predictions.n_may_change == 0
    with pytest.raises(ValueError, match="columns are collinear and nothing is penalised"):
        certificate.of_rows(data.X)


def small_data():
    data = two_classes()
    return data.X, data.y


def liblinear(**options):
    return LogisticRegression(solver="liblinear", **options).fit(*small_data())


def one_for_each_class():
    return OneVsRestClassifier(LogisticRegression()).fit(DATA.X, DATA.y)


REFUSED = {
    "liblinear penalises the intercept": (lambda: certify(liblinear(), *small_data()), "penalises the intercept"),
    "one classifier for each class": (lambda: certify(one_for_each_class(), DATA.X, DATA.y), "got a OneVsRestClassif"),
    "a regression": (lambda: certify(LinearRegression().fit(DATA.X, DATA.y), DATA.X, DATA.y), "LinearRegression, exp"),
    "nothing says the strength": (lambda: certify(ARRAYS, DATA.X, DATA.y), "Pass alpha, the strength"),
    "both strengths": (lambda: certify(ARRAYS, DATA.X, DATA.y, alpha=0.1, C=1.0), "were both given"),
    "a strength beside a model": (lambda: certify(FITTED, DATA.X, DATA.y, C=1.0), "read from it"),
    "a negative strength": (lambda: certify(ARRAYS, DATA.X, DATA.y, alpha=-1.0), "alpha must be"),
    "coefficients the other way": (lambda: certify((ARRAYS[0].T, None), DATA.X, DATA.y, C=1.0), "Transpose it"),
    "too few intercepts": (lambda: certify((ARRAYS[0], np.zeros(2)), DATA.X, DATA.y, C=1.0), r"expected \(7,\)"),
    "three arrays": (lambda: certify((*ARRAYS, 1), DATA.X, DATA.y, C=1.0), r"expected \(coef, intercept\)"),
    "a coefficient that is missing": (
        lambda: certify((ARRAYS[0] * np.nan, None), DATA.X, DATA.y, C=1.0),
        "coef contains NaN",
    ),
    "other classes": (lambda: FITTED.certify(DATA.X, DATA.y + 1), "Pass the y of the fit"),
    "an offset that the fit had not": (
        lambda: FITTED.certify(DATA.X, DATA.y, offset=np.zeros((300, 7))),
        "fitted without",
    ),
    "an offset that no fit of theirs has": (
        lambda: certify(LogisticRegression().fit(*small_data()), *small_data(), offset=np.zeros(100)),
        "knows no offset",
    ),
    "a class without weight": (lambda: certify(FITTED, DATA.X, DATA.y, sample_weight=DATA.y > 0), "have weight in"),
    "only one class with weight": (
        lambda: certify(ARRAYS, DATA.X, DATA.y, sample_weight=DATA.y == 0, C=1.0),
        "nothing to tell apart",
    ),
    "a search that kept nothing": (
        lambda: certify(
            GridSearchCV(LogisticRegression(), {"C": [1.0]}, refit=False, cv=2).fit(DATA.X, DATA.y), DATA.X, DATA.y
        ),
        "no best_estimator_",
    ),
    "a step that changes rows": (
        lambda: certify(make_pipeline(StandardScaler(), Resampler(), FITTED), DATA.X, DATA.y),
        "changes rows, not features",
    ),
}


class Resampler:
    """A step of imbalanced-learn."""

    def fit(self, X, y=None):  # noqa: ARG002 - the protocol's
        return self

    def fit_resample(self, X, y):
        return X, y


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_certified_is_refused_and_the_message_says_what_to_do(name):
    call, words = REFUSED[name]
    with pytest.raises((TypeError, ValueError), match=words):
        call()


def test_coefficients_that_were_set_by_hand_are_to_be_passed_as_arrays():
    model = SoftmaxGLM()
    model.classes_, model.coef_, model.intercept_ = np.arange(7), *ARRAYS
    with pytest.raises(ValueError, match=re.escape("as (coef, intercept)")):
        model.certify(DATA.X, DATA.y)
