"""imbalanced-learn resamples inside its pipelines, in training folds only."""

import numpy as np
import pandas as pd
import problems
import pytest
from imblearn.ensemble import BalancedBaggingClassifier
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.under_sampling import RandomUnderSampler
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate
from sklearn.preprocessing import StandardScaler

from softglm import SoftmaxGLM

FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)
# Two fits of the same problem, solved to a relative gap of about 1e-16.
SAME = 1e-7


@pytest.fixture
def data():
    """Of 900 rows 17 are of the third class."""
    rng, X = problems.normal_rows(0, 900, 3)
    return problems.Data(X, problems.drawn_classes(rng, X @ rng.normal(size=(3, 3)) + [2.0, 2.0, -1.5]))


@pytest.mark.parametrize("sampler", [RandomOverSampler, SMOTE, RandomUnderSampler])
def test_a_resampling_pipeline_is_cross_validated_and_finds_the_rare_class(data, sampler):
    model = make_pipeline(StandardScaler(), sampler(random_state=0), SoftmaxGLM())
    scoring = ["balanced_accuracy", "neg_log_loss"]
    resampled = cross_validate(model, data.X, data.y, cv=FOLDS, scoring=scoring, error_score="raise")
    plain = cross_validate(SoftmaxGLM(), data.X, data.y, cv=FOLDS, scoring=scoring)
    assert resampled["test_balanced_accuracy"].mean() > plain["test_balanced_accuracy"].mean()
    assert resampled["test_neg_log_loss"].mean() < plain["test_neg_log_loss"].mean()


def test_repeated_rows_count_as_weights(data):
    model = make_pipeline(RandomOverSampler(random_state=0), SoftmaxGLM(alpha=0.01)).fit(data.X, data.y)
    times = np.bincount(model[0].sample_indices_, minlength=len(data.y)).astype(float)
    weighted = SoftmaxGLM(alpha=0.01).fit(data.X, data.y, sample_weight=times)
    assert np.allclose(model[-1].coef_, weighted.coef_, rtol=0.0, atol=SAME)
    assert np.allclose(model[-1].intercept_, weighted.intercept_, rtol=0.0, atol=SAME)


def test_the_pipeline_is_searched_over_sampler_and_model(data):
    model = make_pipeline(SMOTE(random_state=0), SoftmaxGLM())
    grid = {"smote__k_neighbors": [1, 3], "softmaxglm__C": [0.1, 1.0]}
    search = GridSearchCV(model, grid, cv=FOLDS, scoring="balanced_accuracy", error_score="raise")
    assert search.fit(data.X, data.y).best_score_ == search.cv_results_["mean_test_score"].max()


def test_a_frame_keeps_its_names_through_the_sampler(data):
    frame = pd.DataFrame(data.X, columns=list("abc"))
    labels = pd.Series(np.array(["x", "y", "z"])[data.y])
    model = make_pipeline(RandomOverSampler(random_state=0), SoftmaxGLM()).fit(frame, labels)
    assert model[-1].feature_names_in_.tolist() == list("abc")
    assert set(model.predict(frame)) == {"x", "y", "z"}


def test_balanced_bagging(data):
    model = BalancedBaggingClassifier(SoftmaxGLM(), n_estimators=5, random_state=0).fit(data.X, data.y)
    assert model.predict_proba(data.X).shape == (900, 3)
