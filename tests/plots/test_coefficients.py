import numpy as np
import pytest
from matplotlib import pyplot as plt
from problems import collinear
from sklearn.datasets import load_iris

from softglm import SoftmaxGLM, infer
from softglm.plots import CoefficientDisplay

ROUNDING = {"rtol": 1e-12}
draw = CoefficientDisplay.from_inference


def labels_of(axis):
    return [label.get_text() for label in axis.get_yticklabels()]


def drawn(bars):
    """The centres of points, and the ends of their intervals."""
    line, _, (segments,) = bars.lines
    ends = np.array([segment[:, 0] for segment in segments.get_segments()])
    return np.array(line.get_xdata()), ends


def words_of(axis):
    return [text.get_text() for text in axis.texts]


def test_a_panel_for_each_contrast_shows_estimates_with_their_intervals(students):
    display = draw(students)
    assert len(display.axes_) == len(display.artists_) == 2
    assert display.ax_ is display.axes_[0]
    assert [axis.get_title() for axis in display.axes_] == ["general vs academic", "vocational vs academic"]
    assert labels_of(display.ax_) == ["ses_middle", "ses_high", "write"]
    assert display.figure_.get_supxlabel() == "log odds, 95% interval"
    table = students.coefficients
    for k, bars in enumerate(display.artists_):
        centres, ends = drawn(bars)
        np.testing.assert_allclose(centres, table.estimate[k, 1:], **ROUNDING)
        np.testing.assert_allclose(ends, np.stack([table.lower[k, 1:], table.upper[k, 1:]], axis=1), **ROUNDING)


def test_the_first_term_is_at_the_top(students):
    axis = draw(students).ax_
    bottom, top = axis.get_ylim()
    assert bottom > top
    assert np.all(np.diff(axis.get_yticks()) > 0)


def test_together_they_share_axes_and_differ_in_color_marker_and_place(students):
    _, ax = plt.subplots()
    display = draw(students, ax=ax)
    assert display.axes_ == [ax]
    assert display.figure_ is ax.figure
    one, other = (bars.lines[0] for bars in display.artists_)
    assert one.get_color() != other.get_color()
    assert one.get_marker() != other.get_marker()
    assert not np.any(np.isclose(one.get_ydata(), other.get_ydata()))
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["general", "vocational"]
    assert legend.get_title().get_text() == "against academic"


def test_odds_ratios_are_exponentials_on_a_logarithmic_axis(students):
    display = draw(students, odds_ratios=True, layout="together")
    assert display.ax_.get_xscale() == "log"
    assert display.figure_.get_supxlabel() == "odds ratio, 95% interval"
    ratios = students.coefficients.odds_ratios()
    centres, ends = drawn(display.artists_[1])
    np.testing.assert_allclose(centres, ratios.ratio[1, 1:], **ROUNDING)
    np.testing.assert_allclose(ends[:, 1], ratios.upper[1, 1:], **ROUNDING)


def test_terms_are_chosen_in_an_order_or_sorted_by_size(students):
    assert draw(students, intercept=True).terms == ("Intercept", "ses_middle", "ses_high", "write")
    chosen = draw(students, terms=["write", "Intercept"])
    assert chosen.terms == ("write", "Intercept")
    np.testing.assert_array_equal(chosen.estimate, students.coefficients.estimate[:, [3, 0]])
    display = draw(students, order="size")
    assert [display.terms[j] for j in np.argsort(display.ax_.get_yticks())] == ["ses_high", "ses_middle", "write"]
    # The labels go with the places.
    centres, _ = drawn(display.artists_[0])
    np.testing.assert_array_equal(display.artists_[0].lines[0].get_ydata(), display.ax_.get_yticks())
    np.testing.assert_allclose(centres, students.coefficients.estimate[0, 1:], **ROUNDING)


def test_per_deviation_they_count_standard_deviations(iris):
    display = draw(iris, per_deviation=True)
    table = iris.coefficients
    deviations = load_iris().data.std(axis=0)
    np.testing.assert_allclose(display.estimate, table.estimate[:, 1:] * deviations, rtol=1e-9)
    np.testing.assert_allclose(display.upper, table.upper[:, 1:] * deviations, rtol=1e-9)
    assert "per standard deviation" in display.figure_.get_supxlabel()


def test_infinite_estimates_are_arrows_with_names(separated_iris):
    display = draw(separated_iris)
    infinite, finite = display.axes_
    assert len(drawn(display.artists_[0])[0]) == 0
    assert len(drawn(display.artists_[1])[0]) == 4
    assert not words_of(finite)
    # All of them may go either way here: an arrow and a name at both ends.
    assert words_of(infinite) == ["\u00b1\u221e"] * 8
    arrows = [line.get_marker() for line in infinite.lines if line.get_marker() in {"<", ">"}]
    assert sorted(arrows) == ["<"] * 4 + [">"] * 4


def test_an_infinite_estimate_of_known_sign_points_there():
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    y = np.array([0, 0, 1, 1])
    with pytest.warns(UserWarning, match="separated"):
        result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    display = draw(result)
    assert words_of(display.ax_) == ["+\u221e"]
    assert [line.get_marker() for line in display.ax_.lines if line.get_marker() in {"<", ">"}] == [">"]
    assert words_of(draw(result.rebase(1)).ax_) == ["\u2212\u221e"]
    assert words_of(draw(result, odds_ratios=True).ax_) == ["\u221e"]
    assert words_of(draw(result.rebase(1), odds_ratios=True).ax_) == ["0"]


def test_what_the_data_do_not_determine_is_said_so():
    data = collinear()
    display = draw(infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y), order="size")
    unknown = int(np.isnan(display.estimate[0]).sum())
    assert unknown > 0
    assert words_of(display.ax_) == ["not determined"] * unknown
    # Last in the order of size.
    last = np.argsort(display.ax_.get_yticks())[-unknown:]
    assert np.isnan(display.estimate[0, last]).all()


def test_every_estimate_is_inside_the_picture_however_wide_an_interval_is(iris):
    display = draw(iris)
    display.lower[0, 0], display.upper[0, 0] = -1e6, 1e6
    display.plot()
    low, high = display.ax_.get_xlim()
    assert high - low < 1e3
    assert ((low < display.estimate) & (display.estimate < high)).all()


def test_two_classes_have_one_panel(coin):
    display = draw(coin)
    assert [axis.get_title() for axis in display.axes_] == ["2 vs 1"]


def test_the_frame_has_a_row_for_each_class_and_term(students):
    frame = draw(students).to_frame()
    assert list(frame) == ["class", "term", "estimate", "lower", "upper"]
    expected = students.coefficients.to_frame().query("term != 'Intercept'").reset_index(drop=True)
    for name in frame:
        assert frame[name].tolist() == expected[name].tolist()


def test_what_makes_no_sense_is_refused(students):
    with pytest.raises(ValueError, match=r"terms has \['age'\]"):
        draw(students, terms=["age"])
    with pytest.raises(ValueError, match="expected a list"):
        draw(students, terms="write")
    with pytest.raises(ValueError, match="layout must be"):
        draw(students, layout="grid")
    with pytest.raises(ValueError, match="order must be"):
        draw(students, order="random")
    _, axes = plt.subplots(1, 3)
    with pytest.raises(ValueError, match="ax has 3 axes, expected 2"):
        draw(students, ax=axes, layout="panels")
    display = draw(students)
    display.estimate[0, 0] = 1e3
    with pytest.raises(ValueError, match="Draw log odds"):
        display.plot(odds_ratios=True)
