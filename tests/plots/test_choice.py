import numpy as np
import pytest
from matplotlib import pyplot as plt
from sklearn.datasets import load_iris

from softglm import SoftmaxGLM, SoftmaxGLMCV
from softglm.plots import CVDisplay

draw = CVDisplay.from_estimator


@pytest.fixture(scope="module")
def lasso():
    X, y = load_iris(return_X_y=True)
    return SoftmaxGLMCV([1e-3, 2e-3, 4e-3, 0.03, 0.3], l1_ratios=[1.0], standardize=True, cv=3).fit(X, y)


def test_means_are_log_losses_with_their_errors_from_the_strongest_penalty_on(lasso):
    display = draw(lasso)
    x, y = display.artists_[0].lines[0].get_data()
    np.testing.assert_array_equal(x, lasso.alphas_[::-1])
    np.testing.assert_array_equal(y, -lasso.mean_score_[0, ::-1])
    low, high = display.ax_.get_xlim()
    assert low > high
    assert display.ax_.get_xscale() == "log"
    assert display.ax_.get_ylabel() == "log loss, one standard error"


def test_the_best_and_the_simplest_strength_are_marked_by_name(lasso):
    display = draw(lasso)
    assert [label.get_text() for label in display.labels_] == ["min", "1 SE"]
    simpler = SoftmaxGLMCV(**{**lasso.get_params(), "rule": "1se"}).fit(*load_iris(return_X_y=True))
    assert [label.xy[0] for label in display.labels_] == [lasso.alpha_, simpler.alpha_]


def test_the_features_in_the_model_are_counted_above(lasso):
    (above,) = draw(lasso).ax_.child_axes
    np.testing.assert_array_equal(above.get_xticks(), lasso.alphas_[::-1])
    counts = [text.get_text() for text in above.get_xticklabels()]
    assert counts == [f"{count:.0f}" for count in lasso.n_nonzero_[0, ::-1]]


def test_several_shares_of_lasso_have_a_legend_and_no_counts():
    X, y = load_iris(return_X_y=True)
    display = draw(SoftmaxGLMCV(4, l1_ratios=[0.5, 1.0], cv=3).fit(X, y))
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["0.5", "1"]
    assert not any(child.get_visible() for child in display.ax_.child_axes)
    assert len(display.to_frame()) == 8


def test_where_one_strength_is_both_it_has_one_label_and_scores_are_not_losses():
    X, y = load_iris(return_X_y=True)
    display = draw(SoftmaxGLMCV(Cs=[1e-4, 1.0], scoring="accuracy", cv=3).fit(X, y))
    assert [label.get_text() for label in display.labels_] == ["best, 1 SE"]
    assert display.ax_.get_ylabel() == "score, one standard error"
    assert display.mean.max() <= 1.0


def test_it_draws_where_it_is_told_to(lasso):
    _, axis = plt.subplots()
    display = draw(lasso, ax=axis)
    assert display.ax_ is axis
    assert display.plot().ax_ is not axis


def test_single_rows_have_errors_too():
    X, y = load_iris(return_X_y=True)
    display = draw(SoftmaxGLMCV(Cs=3, cv="loo").fit(X, y))
    assert (display.error > 0.0).all()
    assert not any(child.get_visible() for child in display.ax_.child_axes)


@pytest.mark.parametrize("model", [SoftmaxGLM(), SoftmaxGLMCV()])
def test_what_has_no_scores_is_refused(model):
    with pytest.raises(TypeError, match=r"expected a SoftmaxGLMCV that is fitted"):
        draw(model)
