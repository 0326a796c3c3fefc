"""What is penalised, and how: each parameter is read by name or position, and a bad one is refused with the remedy."""

import pickle
import re

import numpy as np
import pandas as pd
import problems
import pytest

from softglm import SoftmaxGLM, softglm_path
from softglm.observations import observe
from softglm.penalised import penalty_form

DATA = problems.overlapping()
X, y = DATA.X, DATA.y
FRAME = pd.DataFrame(X, columns=["age", "height", "north", "south"])
BINARY = (y == 1).astype(int)
# Two descents to the same optimum, proved to a millionth of this.
SAME = {"rtol": 1e-6, "atol": 1e-8}


def fitted(*, data=(X, y), alpha=0.05, **parameters):
    return SoftmaxGLM(alpha, tol=1e-12, **parameters).fit(*data)


def assert_same(one, other):
    np.testing.assert_allclose(one.coef_, other.coef_, **SAME)
    np.testing.assert_allclose(one.intercept_, other.intercept_, **SAME)


@pytest.mark.parametrize(
    ("by_name", "by_place"),
    [
        ({"penalty_factors": {"age": 0.0, "south": 3}}, {"penalty_factors": [0.0, 1.0, 1.0, 3.0]}),
        ({"penalty_factors": {"age": 0.0}, "l1_ratio": 0.7}, {"penalty_factors": {0: 0}, "l1_ratio": 0.7}),
        ({"lower": {"age": 0.0}, "upper": {"north": 0.1}}, {"lower": {0: 0}, "upper": [np.inf, np.inf, 0.1, np.inf]}),
        ({"lower": {"age": -0.1}}, {"lower": np.array([[-0.1] + 3 * [-np.inf]] * 3)}),
    ],
)
def test_columns_go_by_name_or_by_position(by_name, by_place):
    assert_same(fitted(data=(FRAME, y), **by_name), fitted(**by_place))


@pytest.mark.parametrize(
    "groups",
    [
        [["north", "south"]],
        [[2, 3]],
        [["south", 2], ["age"]],
        {"place": ["north", "south"]},
        ["a", "b", "place", "place"],
        np.array([7, 8, 1, 1]),
        pd.Series(["x", "y", "z", "z"]),
    ],
    ids=str,
)
def test_groups_are_lists_of_columns_or_labels_of_them(groups):
    model = SoftmaxGLM(l1_ratio=1.0, groups=groups)
    assert penalty_form(model, observe(FRAME, y, None, estimator=model)).groups.tolist() == [0, 1, 2, 2]


def test_a_pipeline_of_frames_keeps_the_names():
    model = SoftmaxGLM(0.1, l1_ratio=1.0, penalty_factors={"age": 0})
    assert model.fit(FRAME, y).coef_[:, 0].any()
    with pytest.raises(ValueError, match="have no names: pass X as a frame, or positions"):
        model.fit(X, y)  # the names of the earlier fit are not those of this X


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"l1_ratio": 1.5}, "l1_ratio must be a number from 0 to 1, got 1.5"),
        ({"l1_ratio": None}, "l1_ratio must be a number from 0 to 1, got None"),
        ({"l1_ratio": True}, "l1_ratio must be a number from 0 to 1, got True"),
        ({"l1_ratio": np.nan}, "l1_ratio must be a number"),
        ({"within_ratio": 0.5}, "within_ratio=0.5 is the share of single coefficients"),
        ({"within_ratio": -1, "grouped": True}, "within_ratio must be a number from 0 to 1, got -1"),
        ({"grouped": "yes"}, "grouped must be True or False, got 'yes'"),
        ({"standardize": "yes"}, "standardize must be True or False, got 'yes'"),
        ({"penalty_factors": [1.0, 2.0]}, "penalty_factors has shape (2,), expected (4,)"),
        ({"penalty_factors": 2.0}, "penalty_factors has shape (), expected (4,)"),
        ({"penalty_factors": [1.0, -2.0, 1.0, 1.0]}, "penalty_factors has -2.0 for the column ['height']"),
        ({"penalty_factors": [1.0, np.inf, 1.0, 1.0]}, "To leave a column out, drop it"),
        ({"penalty_factors": [1.0, np.nan, 1.0, 1.0]}, "penalty_factors has NaN"),
        ({"penalty_factors": ["a", "b", "c", "d"]}, "penalty_factors must hold numbers"),
        ({"penalty_factors": {"weight": 1.0}}, "names the column 'weight', expected names of X: ['age'"),
        ({"penalty_factors": {4: 1.0}}, "penalty_factors has the position 4, expected one from 0 to 3"),
        ({"penalty_factors": {"age": [1.0, 2.0]}}, "for the column 'age', expected a number"),
        ({"groups": [["age", "height"], ["age"]]}, "groups has the column ['age'] twice"),
        ({"groups": [["age", "weight"]]}, "groups names the column 'weight'"),
        ({"groups": ["a", "b"]}, "groups must be a label"),
        ({"groups": 3}, "groups must be a label"),
        ({"groups": [0.5, 0.5, 1.0, 1.0]}, "groups must be a label"),
        ({"groups": [[0, 1]], "penalty_factors": {0: 2.0}}, "which are one group: expected one factor"),
        ({"groups": [[0, 1]], "lower": 0}, "groups (or grouped=True) and bounds were both given"),
        ({"lower": 0.5}, "lower has 0.5, expected numbers of at most 0, or -inf for none"),
        ({"upper": -0.5}, "upper has -0.5, expected numbers of at least 0, or inf for none"),
        ({"upper": np.nan}, "upper has NaN"),
        ({"lower": [0.0, 0.0]}, "lower has shape (2,), expected a number, (4,) for the columns of X, or (3, 4)"),
        ({"lower": [[0.0], [0.0, 1.0]]}, "lower has rows of different lengths"),
        ({"lower": "none"}, "lower must hold numbers"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_what_cannot_be_meant_is_refused_by_the_fit_and_by_the_path(parameters, message):
    for refused in (SoftmaxGLM(0.1, **parameters).fit, lambda X, y: softglm_path(X, y, **parameters)):
        with pytest.raises(ValueError, match=re.escape(message)):
            refused(FRAME, y)


def test_bounds_of_two_classes_have_one_row():
    bounded = fitted(data=(X, BINARY), upper=[[0.1, np.inf, 0.0, np.inf]])
    assert bounded.coef_.shape == (1, 4)
    assert (bounded.coef_ <= [[0.1, np.inf, 0.0, np.inf]]).all()
    with pytest.raises(ValueError, match=re.escape("expected a number, (4,) for the columns of X, or (1, 4)")):
        fitted(data=(X, BINARY), upper=np.ones((3, 4)))


def test_bounds_are_of_the_classes_that_are_present():
    lower = np.array([[-0.01] * 4, [-np.inf] * 4, [-0.02] * 4])
    with pytest.warns(UserWarning, match="The total weight of the classes"):
        model = SoftmaxGLM(0.01, lower=lower).fit(X, y, sample_weight=(y != 0).astype(float))
    assert model.coef_[2].min() == pytest.approx(-0.02)
    assert model.coef_[1].min() < -0.02


def test_a_model_that_was_pickled_before_there_were_these_parameters_is_a_ridge():
    model = SoftmaxGLM(0.1).fit(X, y)
    state = model.__getstate__()
    added = set(SoftmaxGLM().get_params()) - {"alpha", "C", "fit_intercept", "class_weight", "tol", "max_iter"}
    added -= {"warm_start", "verbose"}
    for name in [*added, "scale_"]:
        del state[name]
    old = SoftmaxGLM.__new__(SoftmaxGLM)
    old.__setstate__(pickle.loads(pickle.dumps(state)))  # noqa: S301 - our own
    assert old.get_params() == model.get_params()
    np.testing.assert_array_equal(old.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(old.fit(X, y).coef_, model.coef_)
