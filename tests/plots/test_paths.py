import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from problems import many_classes
from sklearn.datasets import load_breast_cancer, load_wine

from softglm import SoftmaxGLM, softglm_path
from softglm.plots import PathDisplay

# Points between lines of small text.
LEGIBLE = 10.0


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True, as_frame=True)
    return softglm_path(X, y, standardize=True, n_alphas=30)


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return softglm_path(X, y, standardize=True, n_alphas=30)


def names_of(axis):
    return [text.get_text() for text in axis.texts]


def test_each_class_has_a_panel_and_lines_are_coefficients_per_standard_deviation(wine):
    display = PathDisplay.from_path(wine)
    assert [axis.get_title() for axis in display.axes_] == ["0", "1", "2"]
    assert display.is_per_deviation
    for k, lines in enumerate(display.artists_):
        whole = np.stack([coef.toarray()[k] for coef in wine.coefs]) * wine.scale
        assert len(lines) == 4
        for line, feature in zip(lines, np.argsort(-np.abs(whole[-1]))[:4], strict=True):
            np.testing.assert_array_equal(line.get_xdata(), wine.alphas)
            np.testing.assert_allclose(line.get_ydata(), whole[:, feature])
            assert line.get_label() == wine.feature_names[feature] or "…" in line.get_label()
    assert display.ax_.get_xscale() == "log"
    left, right = display.ax_.get_xlim()
    assert left > right
    assert display.figure_.get_supylabel() == "log odds per standard deviation"


def test_lines_have_their_names_beside_them_and_counts_are_above(cancer):
    display = PathDisplay.from_path(cancer)
    assert len(display.axes_) == 1
    assert display.ax_.get_title() == "1"
    assert len(names_of(display.ax_)) == len(display.artists_[0]) == 8
    heights = sorted(text.get_position()[1] for text in display.ax_.texts)
    points = display.ax_.get_window_extent().height / display.figure_.dpi * 72.0
    assert np.diff(heights).min() * points >= LEGIBLE
    above = display.ax_.child_axes[0]
    assert above.get_xticklabels()[0].get_text() == "0"
    assert above.get_xticklabels()[-1].get_text() == str(cancer.coefs[-1].nnz)
    assert len(PathDisplay.from_path(cancer, n_named=2).artists_[0]) == 2
    assert not names_of(PathDisplay.from_path(cancer, n_named=0).ax_)


@pytest.mark.parametrize("against", ["l1", "deviance"])
def test_it_can_be_drawn_against_what_the_penalty_lets_through(wine, against):
    display = PathDisplay.from_path(wine, against=against)
    places = display.artists_[0][0].get_xdata()
    assert (np.diff(places) >= 0.0).all()
    expected = wine.deviance_explained if against == "deviance" else display.l1
    np.testing.assert_array_equal(places, expected)
    assert display.ax_.get_xscale() == "linear"


def test_a_path_that_is_not_standardised_is_drawn_as_it_is():
    data = many_classes()
    path = softglm_path(data.X, data.y, n_alphas=6)
    display = PathDisplay.from_path(path)
    assert not display.is_per_deviation
    assert len(display.axes_) == data.n_classes
    np.testing.assert_array_equal(display.coef[-1], path.coefs[-1].toarray())
    assert display.features[:2] == ("x0", "x1")
    assert display.figure_.get_supylabel() == "log odds per unit"


def test_an_estimator_gives_the_penalty():
    X, y = load_wine(return_X_y=True, as_frame=True)
    model = SoftmaxGLM(l1_ratio=0.5, standardize=True, penalty_factors={"ash": 2.0})
    display = PathDisplay.from_estimator(model, X, y)
    assert not hasattr(model, "coef_")
    path = softglm_path(X, y, l1_ratio=0.5, standardize=True, penalty_factors={"ash": 2.0})
    np.testing.assert_array_equal(display.alphas, path.alphas)
    with pytest.raises(TypeError, match="PathDisplay got a dict, expected a SoftmaxGLM"):
        PathDisplay.from_estimator({}, X, y)


def test_the_frame_holds_what_is_drawn(wine):
    frame = PathDisplay.from_path(wine).to_frame()
    assert list(frame.columns) == ["alpha", "class", "feature", "coefficient"]
    assert len(frame) == sum(coef.nnz for coef in wine.coefs)
    last = frame[(frame["alpha"] == wine.alphas[-1]) & (frame["class"] == 0) & (frame["feature"] == "proline")]
    place = list(wine.feature_names).index("proline")
    assert last["coefficient"].item() == wine.coefs[-1].toarray()[0, place] * wine.scale[place]


def test_it_can_be_drawn_into_axes_that_are_there(wine):
    figure, axes = plt.subplots(1, 3)
    display = PathDisplay.from_path(wine, ax=axes)
    assert display.figure_ is figure
    assert display.ax_.get_ylabel() == "log odds per standard deviation"
    with pytest.raises(ValueError, match="ax has 2 axes, expected 3"):
        PathDisplay.from_path(wine, ax=axes[:2])


def test_what_cannot_be_drawn_is_refused(wine):
    with pytest.raises(ValueError, match=r"against must be one of \['alpha', 'l1', 'deviance'\]"):
        PathDisplay.from_path(wine, against="lambda")
    X, y = load_wine(return_X_y=True)
    with pytest.raises(ValueError, match="The path has 1 strength, expected at least two"):
        PathDisplay.from_path(softglm_path(X, y, alphas=[0.1]))


def test_names_are_drawn_as_they_are():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(90, 3)), columns=["$25K-$50K", "_other", "a_b^2$"])
    y = np.array(["_x", "$y$", "z"])[np.abs(X.to_numpy()).argmax(axis=1)]
    display = PathDisplay.from_path(softglm_path(X, y, n_alphas=8))
    display.figure_.draw_without_rendering()
    drawn = {text.replace("\\$", "$") for axis in display.axes_ for text in names_of(axis)}
    assert drawn <= {"$25K-$50K", "_other", "a_b^2$"}
    assert display.axes_[0].get_title().replace("\\$", "$") == "$y$"
