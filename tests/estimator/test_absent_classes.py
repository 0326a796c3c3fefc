"""Classes without weight keep their place; of one distinct label there is nothing to fit."""

import numpy as np
import pandas as pd
import problems
import pytest

from softglm import SoftmaxGLM

ABSENT = 2
# Two fits of the same problem, solved to a relative gap of about 1e-16.
SAME = 1e-8


@pytest.fixture
def data():
    return problems.many_classes()


def by_weight(data):
    return {"y": data.y, "sample_weight": (data.y != ABSENT).astype(float)}


def by_column(data):
    Y = np.identity(data.n_classes)[data.y]
    Y[:, ABSENT] = 0.0
    # Where nothing remains of a row, it counts for nothing.
    return {"y": Y + (Y.sum(axis=1, keepdims=True) == 0.0) * 1e-100 * (np.arange(data.n_classes) == 0)}


def by_class_weight(data):
    return {"y": data.y}


WAYS = pytest.mark.parametrize("way", [by_weight, by_column, by_class_weight])


def fit_without(data, way, **parameters):
    if way is by_class_weight:
        parameters["class_weight"] = {ABSENT: 0.0}
    with pytest.warns(UserWarning, match="zero") as caught:
        model = SoftmaxGLM(**parameters).fit(data.X, **way(data))
    assert len(caught) == 1
    assert f"[{ABSENT}]" in str(caught[0].message)
    assert caught[0].filename == __file__
    return model


@WAYS
def test_a_class_of_weight_zero_keeps_its_place_with_probability_zero(data, way):
    model = fit_without(data, way)
    assert model.classes_.tolist() == list(range(7))
    assert model.coef_.shape == (7, 4)
    assert model.intercept_.shape == (7,)
    assert np.all(model.coef_[ABSENT] == 0.0)
    assert model.intercept_[ABSENT] == -np.inf
    assert np.isfinite(np.delete(model.intercept_, ABSENT)).all()
    assert np.all(model.predict_proba(data.X)[:, ABSENT] == 0.0)
    assert np.all(model.predict_log_proba(data.X)[:, ABSENT] == -np.inf)
    assert np.all(model.decision_function(data.X)[:, ABSENT] == -np.inf)
    assert ABSENT not in model.predict(data.X)


@WAYS
def test_the_other_classes_are_fitted_as_if_it_did_not_exist(data, way):
    model = fit_without(data, way)
    kept = data.y != ABSENT
    alone = SoftmaxGLM().fit(data.X[kept], data.y[kept])
    others = np.delete(np.arange(7), ABSENT)
    assert np.allclose(model.coef_[others], alone.coef_, rtol=0.0, atol=SAME)
    assert np.allclose(model.coef_[others].sum(axis=0), 0.0, atol=SAME)
    assert np.allclose(model.predict_proba(data.X)[:, others], alone.predict_proba(data.X), rtol=0.0, atol=SAME)


@pytest.mark.parametrize("way", [by_weight, by_column])
def test_the_deviance_leaves_it_out(data, way):
    kept = data.y != ABSENT
    alone = SoftmaxGLM().fit(data.X[kept], data.y[kept])
    model = fit_without(data, way)
    assert model.deviance_ == pytest.approx(alone.deviance_)
    assert model.null_deviance_ == pytest.approx(alone.null_deviance_)


def test_a_class_that_occurs_but_has_class_weight_zero_is_an_infinite_surprise(data):
    assert fit_without(data, by_class_weight).deviance_ == np.inf


def test_balanced_weights_are_shared_by_the_classes_that_have_weight(data):
    model = fit_without(data, by_weight, class_weight="balanced")
    kept = data.y != ABSENT
    alone = SoftmaxGLM(class_weight="balanced").fit(data.X[kept], data.y[kept])
    assert np.allclose(np.delete(model.coef_, ABSENT, axis=0), alone.coef_, rtol=0.0, atol=SAME)


def test_an_offset_of_an_absent_class_does_not_matter(data):
    offset = np.random.default_rng(0).normal(size=(len(data.y), 7))
    with pytest.warns(UserWarning, match="zero"):
        model = SoftmaxGLM().fit(data.X, **by_weight(data), offset=offset)
    kept = data.y != ABSENT
    alone = SoftmaxGLM().fit(data.X[kept], data.y[kept], offset=np.delete(offset, ABSENT, axis=1)[kept])
    assert np.allclose(np.delete(model.coef_, ABSENT, axis=0), alone.coef_, rtol=0.0, atol=SAME)
    assert np.all(model.predict_proba(data.X, offset=offset)[:, ABSENT] == 0.0)


def test_the_warning_names_the_class(data):
    Y = pd.DataFrame(np.identity(7)[data.y], columns=list("abcdefg"))
    with pytest.warns(UserWarning, match=r"\['c', 'f'\]"):
        SoftmaxGLM().fit(data.X, Y * [1, 1, 0, 1, 1, 0, 1] + 1e-9 * (np.arange(7) == 0))


def test_when_two_classes_remain_they_are_fitted_in_two_rows(data):
    with pytest.warns(UserWarning, match=r"\[0, 3, 4, 5, 6\]"):
        model = SoftmaxGLM().fit(data.X, data.y, sample_weight=np.isin(data.y, [1, 2]))
    assert np.flatnonzero(np.isfinite(model.intercept_)).tolist() == [1, 2]
    assert set(model.predict(data.X)) == {1, 2}


@pytest.mark.parametrize(
    "refused",
    [
        lambda data: SoftmaxGLM().fit(data.X, np.ones(len(data.y))),
        lambda data: SoftmaxGLM().fit(data.X, ["a"] * len(data.y)),
        lambda data: SoftmaxGLM().fit(data.X, np.ones(len(data.y)), sample_weight=data.y),
        lambda data: SoftmaxGLM(class_weight=dict.fromkeys(range(7), 0.0)).fit(data.X, data.y),
        lambda data: SoftmaxGLM(class_weight={False: 0.0, True: 0.0}).fit(data.X, data.y == 1),
        lambda data: SoftmaxGLM(class_weight={1: 0.0}).fit(data.X, data.y == 1, sample_weight=data.y == 1),
    ],
)
def test_one_distinct_label_is_refused_and_so_is_no_class_with_weight(data, refused):
    with pytest.raises(ValueError, match=r"(?s)class.*nothing to tell apart.*at least two"):
        refused(data)


@pytest.mark.parametrize("make", [problems.many_classes, problems.counts], ids=lambda make: make.__name__)
def test_weights_that_are_all_zero_are_refused(make):
    data = make()
    with pytest.raises(ValueError, match=r"weight is zero"):
        SoftmaxGLM().fit(data.X, data.y, sample_weight=np.zeros(len(data.y)))
