"""Several models side by side: a mark for each model that has a term, where its coefficient is."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from sklearn.datasets import load_iris

from softglm import SoftmaxGLM, infer, regression_table
from softglm.plots import RegressionTableDisplay


@pytest.fixture(scope="module")
def sepals():
    """Of the same flowers as `iris`, from their sepals."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    return infer(SoftmaxGLM(alpha=0.01).fit(X.iloc[:, :2], y), X.iloc[:, :2], y)


def points_of(bars):
    return bars.lines[0].get_xydata()


@pytest.mark.parametrize("odds_ratios", [False, True])
def test_every_model_has_a_mark_in_the_rows_of_its_terms_alone(iris, sepals, odds_ratios):
    display = regression_table([sepals, iris], names=["sepals", "all"], odds_ratios=odds_ratios).plot()
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == list(iris.features)
    assert [axis.get_title() for axis in display.axes_] == ["1 vs 0", "2 vs 0"]
    assert [text.get_text() for text in display.figure_.legends[0].get_texts()] == ["sepals", "all"]
    assert display.ax_.get_xscale() == ("log" if odds_ratios else "linear")
    for place, bars in enumerate(display.artists_):
        contrast, model = divmod(place, 2)
        result = (sepals, iris)[model]
        values = result.coefficients.estimate[contrast, 1:]
        points = points_of(bars)
        np.testing.assert_allclose(points[:, 0], np.exp(values) if odds_ratios else values, rtol=1e-12)
        np.testing.assert_array_equal(np.round(points[:, 1]), np.arange(len(values)))
    assert len(display.to_frame()) == 2 * (3 + 5)


def test_terms_are_chosen_and_intercepts_left_out_by_default(iris, sepals):
    table = regression_table([sepals, iris])
    chosen = RegressionTableDisplay.from_table(table, terms=["petal width (cm)", "Intercept"])
    assert chosen.terms == ("petal width (cm)", "Intercept")
    assert chosen.is_there.tolist() == [[[False, True], [True, True]]] * 2
    assert RegressionTableDisplay.from_table(table, intercept=True).terms == iris.terms
    for terms in (["petals"], "petals"):
        with pytest.raises(ValueError, match=r"terms has .*petals.*, expected a list of some of"):
            table.plot(terms=terms)


def test_one_contrast_has_one_panel_and_infinite_estimates_an_arrow(coin, separated_iris):
    assert len(regression_table([coin]).plot().axes_) == 1
    display = regression_table([separated_iris, separated_iris]).plot()
    words = [text.get_text() for text in display.ax_.texts]
    assert any("\u221e" in word for word in words)
    assert not list(display.axes_[1].texts)


def test_axes_that_are_given_are_drawn_into_with_the_legend_in_the_first(iris, sepals):
    figure, axes = plt.subplots(1, 2)
    display = regression_table([sepals, iris]).plot(axes)
    assert display.axes_ == list(axes)
    assert [axis.get_legend() is not None for axis in axes] == [True, False]
    assert not figure.legends
    with pytest.raises(ValueError, match="ax has 1 axes, expected 2"):
        regression_table([iris]).plot(plt.subplots()[1])


def test_of_very_many_terms_the_largest_are_drawn(coin, monkeypatch):
    monkeypatch.setattr("softglm.plots.log_odds._MOST_TERMS", 1)
    display = regression_table([coin]).plot()
    assert (len(display.terms), display.n_left_out) == (1, 1)
    assert "the 1 largest of 2 terms" in display.ax_.get_xlabel()
    assert np.abs(display.estimate).item() == np.abs(coin.coefficients.estimate[0, 1:]).max()


def test_models_of_constants_alone_are_drawn_as_nothing(iris):
    assert not iris.null.plot(order="size").terms
    assert regression_table([iris.null, iris]).plot().terms == iris.features


def test_odds_ratios_that_would_overflow_are_refused(iris):
    table = regression_table([iris])
    display = RegressionTableDisplay.from_table(table)
    display.estimate = display.estimate + 1e4
    with pytest.raises(ValueError, match="Some odds ratio is too large to draw"):
        display.plot(odds_ratios=True)
