"""A known part of eta: asked for again wherever the model is used."""

import numpy as np
import pandas as pd
import problems
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from softglm import SoftmaxGLM, neg_log_loss

METHODS = pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba", "decision_function"])
# Sums of a few products, in another order.
ROUNDING = 1e-10


@pytest.fixture(params=["two_classes_with_offset", "weighted_with_offset"])
def data(request):
    return problems.PROBLEMS[request.param]()


@pytest.fixture
def model(data):
    return SoftmaxGLM().fit(data.X, data.y, sample_weight=data.weights, offset=data.offset)


@METHODS
def test_a_model_fitted_with_an_offset_asks_for_one(model, data, method):
    with pytest.raises(ValueError, match=r"fitted with an offset and none was given.*offset=0"):
        getattr(model, method)(data.X)


def test_scores_ask_for_the_offset_too(model, data):
    with pytest.raises(ValueError, match="offset=0"):
        model.score(data.X, data.y)
    with pytest.raises(ValueError, match="offset=0"):
        neg_log_loss(model, data.X, data.y)


@METHODS
def test_zero_leaves_the_offset_out(model, data, method):
    zeros = np.zeros_like(data.offset)
    assert np.array_equal(getattr(model, method)(data.X, offset=0), getattr(model, method)(data.X, offset=zeros))


def test_the_offset_is_added_to_eta(model, data):
    with_offset = model.decision_function(data.X, offset=data.offset)
    without = model.decision_function(data.X, offset=0)
    assert np.allclose(with_offset, without + data.offset, rtol=0.0, atol=ROUNDING)


def test_scores_use_the_offset(model, data):
    predicted = model.predict(data.X, offset=data.offset)
    assert model.score(data.X, data.y, offset=data.offset) == np.mean(predicted == data.y)
    log_probabilities = model.predict_log_proba(data.X, offset=data.offset)
    expected = log_probabilities[np.arange(len(data.y)), data.y].mean()
    assert neg_log_loss(model, data.X, data.y, offset=data.offset) == pytest.approx(expected)


def test_a_model_fitted_without_an_offset_takes_one(data):
    model = SoftmaxGLM().fit(data.X, data.y)
    eta = model.decision_function(data.X)
    assert np.allclose(model.decision_function(data.X, offset=data.offset), eta + data.offset, rtol=0.0, atol=ROUNDING)


def test_an_offset_of_zero_at_fit_is_an_offset(data):
    zero = SoftmaxGLM().fit(data.X, data.y, offset=0)
    assert np.allclose(zero.coef_, SoftmaxGLM().fit(data.X, data.y).coef_, rtol=0.0, atol=ROUNDING)
    with pytest.raises(ValueError, match="offset=0"):
        zero.predict(data.X)


def test_a_later_fit_without_offset_forgets_it(model, data):
    model.fit(data.X, data.y).predict(data.X)


def test_two_columns_for_two_classes_mean_the_second_minus_the_first():
    data = problems.two_classes_with_offset()
    pair = np.random.default_rng(1).normal(size=(len(data.y), 2))
    difference = pair[:, 1] - pair[:, 0]
    one = SoftmaxGLM().fit(data.X, data.y, offset=difference)
    for given in (pair, pd.DataFrame(pair[:, ::-1], columns=[1, 0]), difference[:, np.newaxis]):
        other = SoftmaxGLM().fit(data.X, data.y, offset=given)
        assert np.array_equal(one.coef_, other.coef_)
        assert np.array_equal(one.predict_proba(data.X, offset=difference), other.predict_proba(data.X, offset=given))


def test_a_constant_added_to_every_class_changes_nothing():
    data = problems.weighted_with_offset()
    shift = np.random.default_rng(2).normal(size=(len(data.y), 1))
    one = SoftmaxGLM().fit(data.X, data.y, offset=data.offset)
    other = SoftmaxGLM().fit(data.X, data.y, offset=data.offset + shift)
    assert np.allclose(one.coef_, other.coef_, rtol=0.0, atol=ROUNDING)


def test_a_constant_offset_moves_the_intercept_only():
    data = problems.two_classes()
    one, moved = SoftmaxGLM().fit(data.X, data.y), SoftmaxGLM().fit(data.X, data.y, offset=3.0)
    assert np.allclose(one.coef_, moved.coef_, rtol=0.0, atol=ROUNDING)
    assert np.allclose(one.intercept_, moved.intercept_ + 3.0, rtol=0.0, atol=ROUNDING)


def test_offsets_and_class_weights_and_counts_go_together():
    data = problems.counts()
    offset = np.random.default_rng(3).normal(size=data.y.shape)
    times = data.y.ravel()
    n, K = data.y.shape
    X, y = np.repeat(np.repeat(data.X, K, axis=0), times, axis=0), np.repeat(np.tile(np.arange(K), n), times)
    counted = SoftmaxGLM(class_weight="balanced").fit(data.X, data.y, offset=offset)
    rows = np.repeat(np.repeat(np.arange(n), K), times)
    listed = SoftmaxGLM(class_weight="balanced").fit(X, y, offset=offset[rows])
    assert np.allclose(counted.coef_, listed.coef_, rtol=0.0, atol=1e-8)
    assert counted.deviance_ < counted.null_deviance_


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def routed():
    model = SoftmaxGLM().set_fit_request(offset=True, sample_weight=True)
    return model.set_score_request(offset=True, sample_weight=True).set_predict_request(offset=True)


@pytest.mark.usefixtures("routing")
def test_routing_takes_the_offset_through_a_pipeline(routed, data):
    weights = np.ones(len(data.y)) if data.weights is None else data.weights
    passed = {"offset": data.offset, "sample_weight": weights}
    pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), routed)
    pipeline.fit(data.X, data.y, **passed)
    X = StandardScaler().fit_transform(data.X)
    plain = SoftmaxGLM().fit(X, data.y, **passed)
    assert np.array_equal(pipeline[-1].coef_, plain.coef_)
    assert pipeline.score(data.X, data.y, **passed) == plain.score(X, data.y, **passed)
    assert np.array_equal(pipeline.predict(data.X, offset=data.offset), plain.predict(X, offset=data.offset))
    with pytest.raises(ValueError, match="offset=0"):
        pipeline.score(data.X, data.y)


@pytest.mark.usefixtures("routing")
def test_routing_takes_the_offset_through_cross_validation(routed, data):
    folds = KFold(4, shuffle=True, random_state=0)
    weights = np.ones(len(data.y)) if data.weights is None else data.weights
    result = cross_validate(
        routed, data.X, data.y, cv=folds, params={"offset": data.offset, "sample_weight": weights}, error_score="raise"
    )
    for score, (train, test) in zip(result["test_score"], folds.split(data.X), strict=True):
        model = SoftmaxGLM().fit(data.X[train], data.y[train], sample_weight=weights[train], offset=data.offset[train])
        assert score == model.score(data.X[test], data.y[test], weights[test], offset=data.offset[test])


@pytest.mark.usefixtures("routing")
def test_routing_takes_the_offset_through_a_grid_search(routed, data):
    search = GridSearchCV(routed, {"alpha": [0.001, 0.1]}, cv=3, error_score="raise")
    search.fit(data.X, data.y, offset=data.offset)
    assert search.best_params_["alpha"] in {0.001, 0.1}
    plain = SoftmaxGLM(**search.best_params_).fit(data.X, data.y, offset=data.offset)
    assert np.array_equal(search.best_estimator_.coef_, plain.coef_)


@pytest.mark.usefixtures("routing")
def test_an_offset_that_nobody_asked_for_is_refused(data):
    pipeline = make_pipeline(StandardScaler(), SoftmaxGLM())
    with pytest.raises(ValueError, match="offset"):
        pipeline.fit(data.X, data.y, offset=data.offset)


def test_without_routing_cross_validation_says_why_the_offset_is_missing(data):
    with pytest.raises(ValueError, match="offset=0"):
        cross_validate(SoftmaxGLM(), data.X, data.y, params={"offset": data.offset}, error_score="raise")
