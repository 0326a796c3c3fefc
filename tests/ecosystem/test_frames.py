"""Frames of pandas and polars go in, and between the steps of a pipeline."""

import numpy as np
import pandas as pd
import polars as pl
import problems
import pytest
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from softglm import SoftmaxGLM, infer, neg_log_loss

NAMES = list("abcd")
# A frame lies in memory column by column, so that sums round differently.
SAME = 1e-10
LABELS = np.array(["x", "y", "z"])
FRAMES = pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
OUTPUTS = pytest.mark.parametrize("output", ["pandas", "polars"])


@pytest.fixture
def data():
    return problems.overlapping()


def frame_of(library, data):
    colours = np.array(["red", "green", "blue"])[np.arange(len(data.y)) * 7 % 3]
    return library.DataFrame({**dict(zip(NAMES, data.X.T, strict=True)), "colour": colours})


def pipeline(output="default"):
    columns = make_column_transformer(
        (StandardScaler(), NAMES), (OneHotEncoder(sparse_output=False), ["colour"]), verbose_feature_names_out=False
    )
    return make_pipeline(columns, SoftmaxGLM()).set_output(transform=output)


@FRAMES
@OUTPUTS
def test_frames_between_the_steps_name_the_coefficients_and_change_nothing_else(data, library, output):
    frame, y = frame_of(library, data), LABELS[data.y]
    plain = pipeline().fit(frame, y)
    model = pipeline(output).fit(frame, y)
    assert model[-1].feature_names_in_.tolist() == [*NAMES, "colour_blue", "colour_green", "colour_red"]
    assert not hasattr(plain[-1], "feature_names_in_")
    assert np.allclose(model[-1].coef_, plain[-1].coef_, rtol=0.0, atol=SAME)
    assert np.allclose(model.predict_proba(frame), plain.predict_proba(frame), rtol=0.0, atol=SAME)


@OUTPUTS
def test_a_polars_series_of_labels_goes_with_a_polars_frame(data, output):
    frame, y = frame_of(pl, data), LABELS[data.y]
    model = pipeline(output).fit(frame, pl.Series(y))
    assert np.array_equal(model.classes_, LABELS)
    assert model.score(frame, pl.Series(y)) == model.score(frame, y)


@FRAMES
def test_columns_in_another_order_are_refused(data, library):
    frame = library.DataFrame(dict(zip(NAMES, data.X.T, strict=True)))
    model = SoftmaxGLM().fit(frame, data.y)
    with pytest.raises(ValueError, match="same order"):
        model.predict(frame[NAMES[::-1]])


@FRAMES
def test_frames_are_split_by_cross_validation_and_by_a_search(data, library):
    frame, y = frame_of(library, data), LABELS[data.y]
    scores = cross_val_score(pipeline(), frame, y, cv=3, scoring=neg_log_loss, error_score="raise")
    search = GridSearchCV(pipeline(), {"softmaxglm__C": [0.1, 1.0]}, cv=3, scoring=neg_log_loss, error_score="raise")
    search.fit(frame, y)
    assert search.cv_results_["mean_test_score"][1] == pytest.approx(scores.mean(), rel=1e-6)


@FRAMES
def test_infer_names_the_terms_as_the_frame_does(data, library):
    frame = library.DataFrame(dict(zip(NAMES, data.X.T, strict=True)))
    model = SoftmaxGLM(alpha=0).fit(frame, data.y)
    assert set(infer(model, frame, data.y).coefficients.to_frame()["term"]) == {"Intercept", *NAMES}
