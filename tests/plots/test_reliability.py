import numpy as np
import pytest
from matplotlib import pyplot as plt
from scipy import stats
from sklearn.datasets import load_digits, load_iris
from sklearn.svm import LinearSVC

from softglm import SoftmaxGLM
from softglm.plots import ReliabilityDisplay

draw = ReliabilityDisplay.from_predictions


def drawn_classes(seed=0, n=4000):
    """Labels drawn with the probabilities that are predicted: calibrated by construction."""
    rng = np.random.default_rng(seed)
    probability = rng.dirichlet([1.0, 2.0, 3.0], size=n)
    labels = (probability.cumsum(axis=1) < rng.uniform(size=(n, 1))).sum(axis=1)
    return np.array(["a", "b", "c"])[labels], probability


def test_points_are_shares_of_what_happened_where_the_probability_was_similar():
    y, probability = drawn_classes()
    display = draw(y, probability, n_bins=4, strategy="uniform")
    assert display.classes.tolist() == ["a", "b", "c"]
    assert [axis.get_title() for axis in display.axes_] == ["a", "b", "c"]
    p = probability[:, 1]
    for b, (low, high) in enumerate([(-1.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0)]):
        inside = (p > low) & (p <= high)
        bins = display.bins[1]
        assert bins.n_rows[b] == inside.sum()
        np.testing.assert_allclose(bins.predicted[b], p[inside].mean(), rtol=1e-12)
        np.testing.assert_allclose(bins.observed[b], (y[inside] == "b").mean(), rtol=1e-12)
        interval = stats.binomtest(int((y[inside] == "b").sum()), int(inside.sum())).proportion_ci(method="wilson")
        np.testing.assert_allclose([bins.lower[b], bins.upper[b]], interval, rtol=1e-9)
    points = display.artists_[1].lines[0]
    np.testing.assert_array_equal(points.get_xdata(), display.bins[1].predicted)
    np.testing.assert_array_equal(points.get_ydata(), display.bins[1].observed)


def test_intervals_cover_the_diagonal_of_calibrated_predictions():
    y, probability = drawn_classes()
    frame = draw(y, probability, n_bins=20).to_frame()
    covered = (frame["lower"] <= frame["predicted"]) & (frame["predicted"] <= frame["upper"])
    assert covered.mean() > 0.85


def test_quantile_bins_have_as_many_rows_each_and_ties_share_one():
    y, probability = drawn_classes(n=1000)
    assert draw(y, probability, n_bins=5).bins[0].n_rows.tolist() == [200] * 5
    constant = np.tile([0.2, 0.3, 0.5], (1000, 1))
    assert [bins.n_rows.tolist() for bins in draw(y, constant).bins] == [[1000]] * 3


def test_empty_bins_are_left_out():
    display = draw([0, 1, 1], [0.05, 0.95, 0.99], n_bins=10, strategy="uniform")
    assert display.bins[0].n_rows.tolist() == [1, 2]
    assert (display.bins[0].lower[1], display.bins[0].upper[1]) == pytest.approx((0.342, 1.0), abs=1e-3)


def test_two_classes_have_one_panel_that_of_the_second():
    X, y = load_iris(return_X_y=True)
    model = SoftmaxGLM().fit(X, y > 0)
    display = ReliabilityDisplay.from_estimator(model, X, y > 0, zoom=False)
    assert display.classes.tolist() == [True]
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("predicted probability", "observed share")


def test_ten_classes_have_ten_panels():
    X, y = load_digits(return_X_y=True)
    display = ReliabilityDisplay.from_estimator(SoftmaxGLM(alpha=1.0).fit(X, y), X, y, n_bins=5)
    assert len(display.axes_) == len(display.artists_) == len(display.figure_.axes) == 10
    assert display.figure_.get_supxlabel().startswith("predicted probability")


def rare_classes():
    """A class of nine in ten rows, and two rare ones."""
    rng = np.random.default_rng(5)
    odds = np.array([5.0, 0.8, 0.0]) + rng.normal(size=(3000, 1)) * [0.0, 1.8, 1.5]
    probability = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
    return (probability.cumsum(axis=1) < rng.uniform(size=(3000, 1))).sum(axis=1), probability


def along(axis, values):
    """Where values are on the x axis of a panel, from 0 to 1."""
    pixels = axis.transData.transform(np.column_stack([values, values]))[:, 0]
    return (pixels - axis.bbox.x0) / axis.bbox.width


def test_points_of_rare_classes_are_apart_and_the_diagonal_is_straight():
    display = draw(*rare_classes())
    assert display.ax_.get_xlim()[1] == 1.0 > max(axis.get_xlim()[1] for axis in display.axes_[1:])
    for axis, bins in zip(display.axes_[1:], display.bins[1:], strict=True):
        low = bins.predicted[bins.predicted < 0.05]
        assert len(low) >= 4
        # They take a quarter of the panel at least, where even axes from 0 to 1 give them a twentieth.
        assert np.ptp(along(axis, np.append(low, 0.0))) > 1 / 4
        assert axis.get_xlim() == axis.get_ylim()
        assert bins.upper.max() <= axis.get_ylim()[1]
    assert "arcsine" in display.figure_.get_supxlabel()
    display.plot(zoom=False)
    assert {axis.get_xlim() for axis in display.axes_} == {(0.0, 1.0)}
    assert along(display.ax_, np.array([0.05]))[0] == pytest.approx(0.05)


def test_axes_can_be_given():
    y, probability = drawn_classes(n=100)
    _, axes = plt.subplots(1, 3)
    display = draw(y, probability, ax=axes)
    assert display.axes_ == list(axes)
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match="ax has 1 axes, expected 3"):
        display.plot(ax)


def test_the_frame_has_a_row_for_each_bin():
    y, probability = drawn_classes(n=300)
    frame = draw(y, probability, n_bins=3).to_frame()
    assert list(frame) == ["class", "predicted", "observed", "lower", "upper", "n_rows"]
    assert frame["class"].tolist() == ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    assert frame.groupby("class")["n_rows"].sum().tolist() == [300] * 3


def test_what_makes_no_sense_is_refused():
    y, probability = drawn_classes(n=20)
    with pytest.raises(ValueError, match="a column for each of the classes"):
        draw(y, probability[:, :2])
    with pytest.raises(ValueError, match=r"y has the labels \['c'\]"):
        draw(y, probability[:, :2] / probability[:, :2].sum(axis=1, keepdims=True), classes=["a", "b"])
    with pytest.raises(ValueError, match="no probabilities"):
        draw(y, 2.0 * probability)
    with pytest.raises(ValueError, match="no probabilities"):
        draw(y, np.where(probability > 0.9, np.nan, probability) * [np.nan, 1.0, 1.0])
    with pytest.raises(ValueError, match="n_bins must be an integer of at least 1"):
        draw(y, probability, n_bins=0)
    with pytest.raises(TypeError, match="got a LinearSVC"):
        ReliabilityDisplay.from_estimator(LinearSVC(), probability, y)


@pytest.mark.parametrize(
    ("labels", "strangers"),
    [([1, 2, 3, 3], "3"), ([0, 1, 2, 1], "0"), ([-1, 1, 2, 7], "-1, 7"), ([1.0, 2.0, np.nan, 1.0], "nan")],
)
def test_labels_that_are_none_of_the_classes_are_named(labels, strangers):
    with pytest.raises(ValueError, match=rf"y has the labels \[{strangers}[.0]*\], which are not among \[1, 2\]"):
        draw(labels, np.full((4, 2), 0.5), classes=[1, 2])


def test_numbers_are_not_the_texts_that_name_them():
    with pytest.raises(ValueError, match=r"y has the labels \[1, 2\], which are not among \['1', '2'\]"):
        draw([1, 2, 2], np.full((3, 2), 0.5), classes=["1", "2"])


@pytest.mark.parametrize("classes", [None, [0, 1], []])
@pytest.mark.parametrize("dtype", [int, float, str])
def test_no_rows_at_all_are_refused(dtype, classes):
    with pytest.raises(ValueError, match=r"y has shape \(0,\)"):
        draw(np.array([], dtype=dtype), np.empty((0, 2)), classes=classes)


def test_classes_in_any_order_have_the_columns_that_they_name():
    y, probability = drawn_classes()
    sorted_, turned = draw(y, probability, classes=["a", "b", "c"]), draw(y, probability[:, ::-1], classes=list("cba"))
    for bins, others in zip(sorted_.bins, turned.bins[::-1], strict=True):
        np.testing.assert_array_equal(bins.observed, others.observed)


@pytest.mark.parametrize(
    "options",
    [
        {"n_bins": 2.5},
        {"n_bins": "ten"},
        {"n_bins": 10**12},
        {"n_bins": True},
        {"level": "high"},
        {"level": None},
        {"strategy": ["uniform"]},
    ],
)
def test_options_of_bins_that_cannot_be_meant_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        ReliabilityDisplay.from_predictions([0, 1, 1], [0.2, 0.6, 0.7], **options)
