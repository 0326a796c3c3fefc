"""SoftmaxGLMCV by folds: the scores and the choice are those of LogisticRegressionCV and cv.glmnet."""

import json
import pickle
import re
from pathlib import Path

import numpy as np
import problems
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import GroupKFold, KFold, LeaveOneOut, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

import softglm
from softglm import SoftmaxGLM, SoftmaxGLMCV, infer, neg_log_loss
from softglm.selection import select

GOLDEN = Path(__file__).parents[1] / "golden"
R = json.loads((GOLDEN / "r_cv.json").read_text(encoding="utf-8"))
# LogisticRegressionCV at a small tolerance is exact to about this; glmnet, which stops at 1e-14 of the deviance, too.
TOLERANCE = 1e-6
# Of folds, so that what is compared does not hang on it.
EXACT = 1e-10
# What the default tolerance of folds changes of a score.
LOOSE = 1e-3


def iris():
    data = np.genfromtxt(GOLDEN / "data/iris.csv", delimiter=",", skip_header=1, dtype=str)
    return data[:, :4].astype(float), np.char.strip(data[:, 4], '"')


def splits(foldid):
    foldid = np.array(foldid)
    return [(np.flatnonzero(foldid != fold), np.flatnonzero(foldid == fold)) for fold in np.unique(foldid)]


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_scores_and_choice_are_those_of_logistic_regression_cv(K, weighted):
    data = problems.real_data("wine")
    X, y = scale(data.X)[data.y < K], data.y[data.y < K]
    weights = 1.0 + np.arange(len(y)) % 3 if weighted else None
    grid = {"Cs": np.logspace(-3, 1, 5), "cv": StratifiedKFold(3, shuffle=True, random_state=0)}
    ours = SoftmaxGLMCV(**grid, fold_tol=EXACT).fit(X, y, sample_weight=weights)
    theirs = LogisticRegressionCV(
        **grid, scoring="neg_log_loss", solver="newton-cg", tol=1e-9, max_iter=1000, **new_attributes()
    ).fit(X, y, sample_weight=weights)
    scores = theirs.scores_[1] if isinstance(theirs.scores_, dict) else theirs.scores_[:, 0]
    assert np.abs(ours.scores_[:, 0] - scores).max() <= TOLERANCE
    assert np.ravel(theirs.C_)[0] == ours.C_
    assert np.abs(ours.coef_ - theirs.coef_).max() <= TOLERANCE
    assert ours.coefs_paths_.shape == (3, 1, 5, 1 if K == 2 else K, 14)


def new_attributes():
    """What scikit-learn 1.8 and newer ask for, so that they do not warn."""
    known = LogisticRegressionCV().get_params()
    return {"use_legacy_attributes": False, "l1_ratios": (0.0,)} if "use_legacy_attributes" in known else {}


@pytest.mark.parametrize("case", ["ridge", "weighted_ridge", "lasso", "elastic_net"])
def test_means_errors_and_both_rules_are_those_of_cv_glmnet(case):
    X, y = iris()
    golden = R["iris"][case]
    l1_ratio = {"lasso": 1.0, "elastic_net": 0.5}.get(case, 0.0)
    options = {"alphas": golden["lambda"], "l1_ratios": [l1_ratio], "cv": splits(golden["foldid"]), "fold_tol": EXACT}
    model = SoftmaxGLMCV(**options).fit(X, y, sample_weight=golden["weights"])
    assert np.abs(-2.0 * model.mean_score_[0] - golden["mean"]).max() <= 1e-5
    assert np.abs(2.0 * model.standard_error_[0] - golden["error"]).max() <= 1e-5
    assert model.alpha_ == pytest.approx(golden["lambda_min"])
    simpler = SoftmaxGLMCV(**options, rule="1se").fit(X, y, sample_weight=golden["weights"])
    assert simpler.alpha_ == pytest.approx(golden["lambda_1se"])


def test_two_classes_are_scored_as_cv_glmnet_scores_them():
    columns = (GOLDEN / "data/anes96.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    table = np.genfromtxt(GOLDEN / "data/anes96.csv", delimiter=",", skip_header=1)
    golden = R["anes"]["ridge"]
    X = table[:, [columns.index(name) for name in R["anes"]["columns"]]]
    model = SoftmaxGLMCV(golden["lambda"], cv=splits(golden["foldid"]), fold_tol=EXACT)
    model.fit(X, table[:, columns.index("vote")])
    assert np.abs(-2.0 * model.mean_score_[0] - golden["mean"]).max() <= TOLERANCE
    assert np.abs(2.0 * model.standard_error_[0] - golden["error"]).max() <= TOLERANCE


@pytest.mark.parametrize(
    "name", ["soft_labels", "counts", "weighted_with_offset", "two_classes_with_offset", "sparse_rows"]
)
def test_a_score_is_that_of_a_model_fitted_to_the_other_rows(name):
    data = problems.PROBLEMS[name]()
    folds = list(KFold(3, shuffle=True, random_state=1).split(np.zeros(len(data.y))))
    model = SoftmaxGLMCV(Cs=[0.1, 10.0], cv=folds, fold_tol=EXACT)
    model.fit(data.X, data.y, sample_weight=data.weights, offset=data.offset)
    for place, C in enumerate(model.Cs_):
        for fold, (train, test) in enumerate(folds):
            given, scored = (
                {
                    "sample_weight": None if data.weights is None else data.weights[rows],
                    "offset": None if data.offset is None else data.offset[rows],
                }
                for rows in (train, test)
            )
            there = SoftmaxGLM(C=C).fit(data.X[train], data.y[train], **given)
            if scored["offset"] is None:
                del scored["offset"]
            expected = neg_log_loss(there, data.X[test], data.y[test], **scored)
            assert model.scores_[fold, 0, place] == pytest.approx(expected, abs=TOLERANCE)


def test_standard_deviations_are_those_of_the_rows_of_each_fold():
    data = problems.real_data("wine")
    inside = SoftmaxGLMCV(Cs=[0.1, 1.0], standardize=True, fold_tol=EXACT, cv=3).fit(data.X, data.y)
    for fold, (train, test) in enumerate(StratifiedKFold(3).split(data.X, data.y)):
        there = make_pipeline(StandardScaler(), SoftmaxGLM(C=1.0)).fit(data.X[train], data.y[train])
        assert inside.scores_[fold, 0, 1] == pytest.approx(
            neg_log_loss(there, data.X[test], data.y[test]), abs=TOLERANCE
        )


def test_the_final_fit_is_that_of_all_rows_and_infer_takes_it():
    data = problems.overlapping()
    model = SoftmaxGLMCV(Cs=5, cv=3).fit(data.X, data.y)
    alone = SoftmaxGLM(alpha=model.alpha_).fit(data.X, data.y)
    assert np.array_equal(model.coef_, alone.coef_)
    assert model.deviance_ == alone.deviance_
    assert pytest.approx(1.0 / (model.alpha_ * 150)) == model.C_
    assert np.array_equal(model.predict_proba(data.X), model.best_estimator_.predict_proba(data.X))
    assert "selected by a search" in " ".join(infer(model, data.X, data.y).notes)


def test_the_default_tolerance_of_folds_chooses_the_same():
    data = problems.real_data("wine")
    loose, exact = (SoftmaxGLMCV(Cs=7, cv=3, fold_tol=tol).fit(data.X, data.y) for tol in (1e-4, EXACT))
    assert loose.C_ == exact.C_
    assert np.abs(loose.scores_ - exact.scores_).max() <= LOOSE


def test_strengths_keep_the_order_in_which_they_are_given():
    data = problems.overlapping()
    up, down = (SoftmaxGLMCV(alphas, cv=3).fit(data.X, data.y) for alphas in ([1e-3, 1e-2, 0.1], [0.1, 1e-2, 1e-3]))
    assert np.array_equal(up.scores_, down.scores_[..., ::-1])
    assert np.array_equal(up.coefs_paths_, down.coefs_paths_[:, :, ::-1])
    assert np.array_equal(up.alphas_, [1e-3, 1e-2, 0.1])
    assert up.alpha_ == down.alpha_


def test_a_number_of_alphas_begins_where_nothing_is_in_the_model():
    data = problems.overlapping()
    model = SoftmaxGLMCV(10, l1_ratios=[1.0], cv=3).fit(data.X, data.y)
    assert not SoftmaxGLM(model.alphas_[0] * 1.001, l1_ratio=1.0).fit(data.X, data.y).coef_.any()
    assert SoftmaxGLM(model.alphas_[0] * 0.99, l1_ratio=1.0).fit(data.X, data.y).coef_.any()
    assert model.alphas_[-1] == pytest.approx(1e-4 * model.alphas_[0])
    assert model.n_nonzero_[0, -1] == 4.0


def test_shares_of_lasso_are_chosen_among_and_their_strengths_are_common():
    data = problems.overlapping()
    model = SoftmaxGLMCV(6, l1_ratios=[0.5, 1.0], cv=3).fit(data.X, data.y)
    assert model.scores_.shape == (3, 2, 6)
    row, place = np.unravel_index(model.mean_score_.argmax(), model.mean_score_.shape)
    assert (model.l1_ratio_, model.alpha_) == (model.l1_ratios_[row], model.alphas_[place])
    assert model.best_estimator_.l1_ratio == model.l1_ratio_
    assert model.penalty == model.best_estimator_.penalty


def test_a_scorer_sees_the_labels_and_the_weights_of_the_rows_left_out():
    data = problems.overlapping()
    labels, weights = np.array(["a", "b", "c"])[data.y], 1.0 + np.arange(150) % 2
    folds = list(StratifiedKFold(3).split(data.X, labels))
    model = SoftmaxGLMCV(Cs=[1.0], scoring="accuracy", cv=folds).fit(data.X, labels, sample_weight=weights)
    for fold, (train, test) in enumerate(folds):
        there = SoftmaxGLM(C=1.0).fit(data.X[train], labels[train], sample_weight=weights[train])
        assert model.scores_[fold, 0, 0] == there.score(data.X[test], labels[test], sample_weight=weights[test])
    plain = SoftmaxGLMCV(Cs=[1.0], scoring=lambda estimator, X, y: estimator.score(X, y), cv=folds)
    assert 0.0 < plain.fit(data.X, labels, sample_weight=weights).mean_score_[0, 0] < 1.0


def test_folds_may_be_made_by_groups_and_fitted_at_the_same_time():
    data = problems.overlapping()
    folds = list(GroupKFold(3).split(data.X, data.y, np.arange(150) // 10))
    with parallel_config("threading"):  # which takes no time to start
        one, two = (SoftmaxGLMCV(Cs=3, cv=folds, n_jobs=n_jobs).fit(data.X, data.y) for n_jobs in (None, 2))
    assert np.array_equal(one.scores_, two.scores_)


def test_it_is_cloned_pickled_and_used_at_the_end_of_a_pipeline():
    data = problems.overlapping()
    model = make_pipeline(StandardScaler(), SoftmaxGLMCV(Cs=3, cv=3, rule="1se")).fit(data.X, data.y)
    back = pickle.loads(pickle.dumps(model))  # noqa: S301 - our own
    assert np.array_equal(back.predict(data.X), model.predict(data.X))
    assert clone(model[-1]).get_params() == model[-1].get_params()


def test_features_are_selected_by_the_lasso_that_was_chosen():
    data = problems.overlapping()
    X = np.column_stack([data.X, np.random.default_rng(0).normal(size=(150, 6))])
    selector = SelectFromModel(SoftmaxGLMCV(10, l1_ratios=[1.0], cv=3, rule="1se")).fit(X, data.y)
    assert np.array_equal(selector.get_support(), selector.estimator_.coef_.any(axis=0))
    assert not selector.get_support().all()


def test_without_a_refit_there_are_scores_and_nothing_to_predict_with():
    data = problems.overlapping()
    model = SoftmaxGLMCV(Cs=3, cv=3, refit=False).fit(data.X, data.y)
    assert model.C_ in model.Cs_
    with pytest.raises(NotFittedError):
        model.predict(data.X)


def test_a_fit_that_raises_leaves_the_earlier_one(monkeypatch):
    data = problems.overlapping()
    model = SoftmaxGLMCV(Cs=3, cv=3).fit(data.X, data.y)
    before = pickle.dumps(model)

    def fail(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(softglm.estimator_cv, "attributes_of", fail)
    with pytest.raises(KeyboardInterrupt):
        model.fit(data.X[:100], data.y[:100])
    assert pickle.dumps(model) == before


@pytest.mark.parametrize("verbose", [True, 2])
def test_verbose_prints_a_line_for_each_fold_the_choice_and_the_final_fit(capsys, verbose):
    data = problems.overlapping()
    model = SoftmaxGLMCV(Cs=[0.1, 10.0, 1.0], cv=3, verbose=verbose).fit(data.X, data.y)
    lines = capsys.readouterr().out.splitlines()
    head = ["fold", "l1_ratio", "C", "features", "in", "score", "passes", "time", "[s]"]
    assert lines[0].split() == ["SoftmaxGLMCV", *head]
    folds = [line.split()[1:] for line in lines if re.match(r"SoftmaxGLMCV +\d/3 ", line)]
    printed = model.scores_[:, 0, [0, 2, 1]] if verbose > 1 else model.scores_[:, 0].max(axis=1)
    np.testing.assert_allclose([float(cells[4]) for cells in folds], printed.ravel(), rtol=1e-5)
    assert all(int(cells[5]) > 0 for cells in folds)
    (chose,) = (place for place, line in enumerate(lines) if line.startswith("SoftmaxGLMCV chose alpha "))
    assert chose == len(folds) + 1
    assert lines[-1].endswith(model.status_)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alphas": [0.1], "Cs": [1.0]}, "alphas and Cs were both given"),
        ({"alphas": []}, "alphas must be an int"),
        ({"alphas": [0.1, -1.0]}, "alphas has -1.0 at 1"),
        ({"Cs": [np.nan]}, "Cs has nan at 0"),
        ({"Cs": 0}, "Cs must be an integer of at least 1"),
        ({"Cs": "many"}, "Cs must be an integer of at least 1"),
        ({"l1_ratios": []}, "l1_ratios must be a sequence"),
        ({"l1_ratios": [2.0]}, "an entry of l1_ratios must be a number from 0 to 1"),
        ({"rule": "max"}, "rule must be"),
        ({"cv": "loocv"}, "cv must be"),
        ({"fold_tol": 0}, "fold_tol must be"),
        ({"refit": "no"}, "refit must be True or False"),
        ({"cv": LeaveOneOut(), "scoring": "roc_auc"}, "nothing can be chosen"),
    ],
)
@pytest.mark.filterwarnings("ignore")  # of scorers, about folds of a row
def test_a_parameter_that_cannot_be_is_named(parameters, message):
    data = problems.two_classes()
    with pytest.raises(ValueError, match=message):
        SoftmaxGLMCV(**{"Cs": None if "alphas" in parameters else [1.0, 2.0], "cv": 3, **parameters}).fit(
            data.X, data.y
        )


def test_a_fold_without_a_class_that_it_scores_is_named():
    data = problems.overlapping()
    order = np.argsort(data.y, kind="stable")
    with pytest.raises(ValueError, match=r"Fold 0 scores rows of the classes \[0\]"):
        SoftmaxGLMCV(cv=KFold(3)).fit(data.X[order], data.y[order])


def test_an_offset_is_scored_by_the_log_loss_alone():
    data = problems.two_classes_with_offset()
    with pytest.raises(ValueError, match="without their offset"):
        SoftmaxGLMCV(scoring="accuracy").fit(data.X, data.y, offset=data.offset)


def test_of_scores_that_are_equal_but_for_rounding_the_strongest_is_chosen():
    scores = np.log([[[0.5, 0.5, 0.6, 0.6, 0.6]]]) + np.array([0.0, 0.0, -1e-14, 0.0, -1e-5])
    for rule in ("min", "1se"):
        assert select(scores, np.ones(1), rule).chosen == (0, 2)
    assert select(scores, np.ones(1), "min", np.array([[True, True, False, True, True]])).chosen == (0, 3)
