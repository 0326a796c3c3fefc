"""With metadata routing, neg_log_loss takes weights and offsets wherever scikit-learn scores."""

import copy
import inspect
import pickle

import numpy as np
import problems
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.metadata_routing import get_routing_for_object

from softglm import SoftmaxGLM, neg_log_loss

FOLDS = KFold(3, shuffle=True, random_state=0)
MAKE = {
    "labels": problems.overlapping,
    "two classes": problems.two_classes,
    "soft labels": problems.soft_labels,
    "counts": problems.counts,
}


@pytest.fixture(autouse=True)
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def scorer(**requests):
    return copy.deepcopy(neg_log_loss).set_score_request(**requests)


def weights_and_offset(data):
    rng = np.random.default_rng(50)
    return rng.exponential(size=len(data.y)), rng.normal(size=(len(data.y), data.n_classes))


def scores_by_hand(data, weights, offset, **parameters):
    """Fit and score each fold, and weigh the rows one by one."""
    result = []
    for train, test in FOLDS.split(data.X):
        model = SoftmaxGLM(**parameters).fit(data.X[train], data.y[train], weights[train], offset[train])
        logs = model.predict_log_proba(data.X[test], offset=offset[test])
        Y = data.y[test] if data.y.ndim == 2 else np.identity(data.n_classes)[data.y[test]]
        result.append(np.average((Y * logs).sum(axis=1) / Y.sum(axis=1), weights=weights[test] * Y.sum(axis=1)))
    return np.array(result)


@pytest.fixture(params=MAKE)
def data(request):
    return MAKE[request.param]()


@pytest.fixture
def model():
    return SoftmaxGLM().set_fit_request(sample_weight=True, offset=True)


def test_weighted_cross_validation_with_an_offset_is_what_a_loop_gives(data, model):
    weights, offset = weights_and_offset(data)
    given = {
        "cv": FOLDS,
        "params": {"sample_weight": weights, "offset": offset},
        "error_score": "raise",
    }
    expected = scores_by_hand(data, weights, offset)
    scoring = scorer(sample_weight=True, offset=True)
    assert np.allclose(cross_val_score(model, data.X, data.y, scoring=scoring, **given), expected, rtol=1e-12)
    several = cross_validate(model, data.X, data.y, scoring={"one": scoring, "other": scoring}, **given)
    assert np.allclose(several["test_one"], expected, rtol=1e-12)
    assert np.array_equal(several["test_one"], several["test_other"])


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_in_one_process_and_in_two(data, model, n_jobs):
    weights, offset = weights_and_offset(data)
    search = GridSearchCV(
        model,
        {"alpha": [0.01, 1.0]},
        scoring={"loss": scorer(sample_weight=True, offset=True)},
        refit="loss",
        cv=FOLDS,
        n_jobs=n_jobs,
        error_score="raise",
    ).fit(data.X, data.y, sample_weight=weights, offset=offset)
    expected = [scores_by_hand(data, weights, offset, alpha=alpha).mean() for alpha in (0.01, 1.0)]
    assert np.allclose(search.cv_results_["mean_test_loss"], expected, rtol=1e-12)
    assert search.score(data.X, data.y, sample_weight=weights, offset=offset) == pytest.approx(
        neg_log_loss(search.best_estimator_, data.X, data.y, weights, offset=offset)
    )


def test_through_a_pipeline_which_routes_the_offset_itself():
    data = problems.overlapping()
    weights, offset = weights_and_offset(data)
    last = SoftmaxGLM().set_fit_request(sample_weight=True, offset=True).set_predict_log_proba_request(offset=True)
    pipeline = make_pipeline(StandardScaler(with_mean=False, with_std=False).set_fit_request(sample_weight=False), last)
    scores = cross_val_score(
        pipeline,
        data.X,
        data.y,
        scoring=scorer(sample_weight=True, offset=True),
        cv=FOLDS,
        params={"sample_weight": weights, "offset": offset},
        error_score="raise",
    )
    assert np.allclose(scores, scores_by_hand(data, weights, offset), rtol=1e-12)


@pytest.mark.filterwarnings("ignore:Scoring failed:UserWarning")
def test_a_pipeline_that_is_not_asked_to_pass_the_offset_on_gives_no_scores_as_the_docstring_says():
    data = problems.overlapping()
    _, offset = weights_and_offset(data)
    scoring = scorer(offset=True)
    for predicts, has_scores in ((False, False), (True, True)):
        last = SoftmaxGLM().set_fit_request(offset=True)
        if predicts:
            last.set_predict_log_proba_request(offset=True)
        scores = cross_val_score(
            make_pipeline(StandardScaler(), last), data.X, data.y, scoring=scoring, cv=FOLDS, params={"offset": offset}
        )
        assert np.isfinite(scores).all() == has_scores
        assert np.isnan(scores).all() != has_scores
    assert "set_predict_log_proba_request(offset=True)" in type(neg_log_loss).__doc__


def test_requests_may_be_declined_and_renamed():
    data = problems.overlapping()
    weights, _ = weights_and_offset(data)
    model = SoftmaxGLM().set_fit_request(sample_weight=True)

    def scores(scoring, **params):
        return cross_val_score(model, data.X, data.y, scoring=scoring, cv=FOLDS, params=params, error_score="raise")

    taken = scores(scorer(sample_weight=True), sample_weight=weights)
    declined = scores(scorer(sample_weight=False), sample_weight=weights)
    assert not np.allclose(taken, declined)
    renamed = scorer(sample_weight="w")
    model.set_fit_request(sample_weight="w")
    assert np.array_equal(scores(renamed, w=weights), taken)


def test_weights_of_which_nobody_said_anything_are_refused():
    data = problems.overlapping()
    model = SoftmaxGLM().set_fit_request(sample_weight=True)
    given = {"cv": FOLDS, "params": {"sample_weight": np.ones(150)}}
    with pytest.raises(UnsetMetadataPassedError, match=r"sample_weight.*request"):
        cross_validate(model, data.X, data.y, scoring=scorer(), **given)


def test_the_scores_of_labels_are_those_of_scikit_learns_scorer():
    data = problems.overlapping()
    weights, _ = weights_and_offset(data)
    model = LogisticRegression().set_fit_request(sample_weight=True)
    ours, theirs = (
        cross_val_score(model, data.X, data.y, scoring=scoring, cv=FOLDS, params={"sample_weight": weights})
        for scoring in (
            scorer(sample_weight=True),
            get_scorer("neg_log_loss").set_score_request(sample_weight=True),
        )
    )
    assert np.allclose(ours, theirs, rtol=1e-10)


def test_setting_requests_returns_the_scorer_itself_as_scikit_learns_do():
    for scoring in (copy.deepcopy(neg_log_loss), get_scorer("neg_log_loss")):
        assert scoring.set_score_request(sample_weight=True) is scoring
        assert get_routing_for_object(scoring).score.requests["sample_weight"] is True


def test_what_is_not_named_stays_and_the_routing_is_a_copy():
    scoring = scorer(sample_weight=True).set_score_request(offset="known")
    requests = get_routing_for_object(scoring).score.requests
    assert requests == {"sample_weight": True, "offset": "known"}
    requests["offset"] = False
    assert get_routing_for_object(scoring).score.requests["offset"] == "known"
    assert get_routing_for_object(neg_log_loss).score.requests == {"sample_weight": None, "offset": None}


def test_a_request_that_is_none_is_refused_and_changes_nothing():
    scoring = scorer(sample_weight=True)
    with pytest.raises(ValueError, match="alias"):
        scoring.set_score_request(sample_weight="no name")
    assert get_routing_for_object(scoring).score.requests["sample_weight"] is True


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda it: clone(it, safe=False), lambda it: pickle.loads(pickle.dumps(it))],  # noqa: S301
)
def test_copies_keep_their_requests_and_are_asked_apart(duplicate):
    scoring = scorer(sample_weight=True)
    copied = duplicate(scoring)
    assert get_routing_for_object(copied).score.requests["sample_weight"] is True
    copied.set_score_request(sample_weight=False)
    assert get_routing_for_object(scoring).score.requests["sample_weight"] is True


def test_without_routing_it_is_called_as_before_and_takes_no_requests():
    data = problems.overlapping()
    weights, offset = weights_and_offset(data)
    with sklearn.config_context(enable_metadata_routing=False):
        model = SoftmaxGLM().fit(data.X, data.y, offset=offset)
        score = neg_log_loss(model, data.X, data.y, sample_weight=weights, offset=offset)
        logs = model.predict_log_proba(data.X, offset=offset)[np.arange(150), data.y]
        assert score == pytest.approx(np.average(logs, weights=weights))
        with pytest.raises(RuntimeError, match="enable_metadata_routing=True"):
            neg_log_loss.set_score_request(sample_weight=True)


@pytest.mark.parametrize("several", [False, True])
def test_without_routing_a_search_over_weighted_fits_warns_of_nothing(several):
    data = problems.overlapping()
    weights, _ = weights_and_offset(data)
    with sklearn.config_context(enable_metadata_routing=False):
        scoring = {"loss": neg_log_loss, "accuracy": "accuracy"} if several else neg_log_loss
        search = GridSearchCV(
            SoftmaxGLM(), {"alpha": [0.1]}, scoring=scoring, refit="loss", cv=FOLDS, error_score="raise"
        )
        search.fit(data.X, data.y, sample_weight=weights)
    assert np.isfinite(search.best_score_)


def test_it_looks_like_a_function():
    assert repr(neg_log_loss) == neg_log_loss.__name__ == "neg_log_loss"
    assert list(inspect.signature(neg_log_loss).parameters) == [
        "estimator",
        "X",
        "y",
        "sample_weight",
        "predict_params",
    ]
    assert inspect.getdoc(neg_log_loss).startswith("Score a fitted classifier by the mean log-probability")
    assert "scoring=neg_log_loss" in repr(GridSearchCV(SoftmaxGLM(), {}, scoring=neg_log_loss))


def test_an_impossible_row_without_weight_does_not_count():
    data = problems.overlapping()
    with pytest.warns(UserWarning, match="zero"):
        model = SoftmaxGLM().fit(data.X, data.y, sample_weight=data.y > 0)
    weights = (data.y > 0).astype(float)
    kept = data.y > 0
    expected = neg_log_loss(model, data.X[kept], data.y[kept])
    assert neg_log_loss(model, data.X, data.y, sample_weight=weights) == pytest.approx(expected)
    assert neg_log_loss(model, data.X, data.y) == -np.inf
