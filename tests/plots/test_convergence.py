import numpy as np
import pytest
from matplotlib import pyplot as plt
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression

from softglm import SoftmaxGLM
from softglm.plots import ConvergenceDisplay, Trace

X, y = load_wine(return_X_y=True)
FAST = Trace([0.5, 0.1, 0.1], optimum=0.1, null_loss=1.1, evaluations=[1, 2, 3], seconds=[0.01, 0.02, 0.03])
SLOW = Trace([0.9, 0.6], optimum=0.1, null_loss=1.1, evaluations=[1, 10], seconds=[0.01, 0.2])


def test_lines_are_gaps_against_each_cost():
    display = ConvergenceDisplay.from_traces({"fast": FAST, "slow": SLOW})
    assert [axis.get_xlabel() for axis in display.axes_] == ["evaluations of loss and gradient", "seconds"]
    assert display.ax_.get_ylabel() == "relative suboptimality"
    for lines, cost in zip(display.artists_, ("evaluations", "seconds"), strict=True):
        assert [line.get_label() for line in lines] == ["fast", "slow"]
        for line, trace in zip(lines, (FAST, SLOW), strict=True):
            np.testing.assert_array_equal(line.get_xdata(), getattr(trace, cost)[:2])
    for axis in display.axes_:
        assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
    # Zero has no logarithm: a line ends where float64 does, and what is below is marked.
    np.testing.assert_allclose(display.artists_[0][0].get_ydata(), [0.4, 1e-15])
    assert [text.get_text() for text in display.ax_.texts] == ["rounding"]
    np.testing.assert_allclose(display.artists_[0][1].get_ydata(), [0.8, 0.5])
    ticks = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert ticks[0] == "$10^{-15}$"
    assert ticks[-1] == "$10^{0}$"
    assert [text.get_text() for text in display.figure_.legends[0].get_texts()] == ["fast", "slow"]


def test_gaps_below_what_the_minimum_is_known_to_are_not_told_apart():
    rough = Trace([0.5, 0.1], optimum=0.1, null_loss=1.1, evaluations=[1, 2], resolution=3e-9)
    display = ConvergenceDisplay.from_traces({"rough": rough})
    np.testing.assert_allclose(display.artists_[0][0].get_ydata(), [0.4, 1e-8])
    assert display.ax_.get_yticklabels()[0].get_text() == "$10^{-8}$"
    assert [text.get_text() for text in display.ax_.texts] == ["rounding"]


def test_a_line_ends_where_rounding_begins_whatever_the_fit_does_there():
    turning = Trace([1.0, 1e-9, 1e-17, 4e-15, -3e-17], optimum=0.0, null_loss=1.0, seconds=[1.0, 2.0, 3.0, 4.0, 5.0])
    above = Trace([1.0, 0.1], optimum=0.0, null_loss=1.0, seconds=[1.0, 2.0])
    display = ConvergenceDisplay.from_traces({"turning": turning, "above": above})
    turned, whole = display.artists_[0]
    assert turned.get_xdata().tolist() == [1.0, 2.0, 3.0]
    assert whole.get_xdata().tolist() == [1.0, 2.0]
    assert not ConvergenceDisplay.from_traces({"above": above}).ax_.texts
    # No marker is cut off by the end of the axes.
    low, _ = display.ax_.get_ylim()
    assert low < 1e-16


@pytest.mark.parametrize(
    ("evaluations", "expected"),
    [
        ([2.0, 15.0], ["2", "5", "10"]),
        ([2.0, 150.0], ["3", "10", "30", "100"]),
        # None of those falls in.
        ([31.0, 42.0], ["35", "40"]),
        ([0.00031, 0.00033], ["0.00031", "0.00032", "0.00033"]),
    ],
)
def test_a_short_axis_of_costs_has_numbers(evaluations, expected):
    trace = Trace([0.5, 0.1], optimum=0.1, null_loss=1.1, evaluations=evaluations)
    axis = ConvergenceDisplay.from_traces({"short": trace}).ax_.xaxis
    assert [label.get_text() for label in axis.get_ticklabels()] == expected
    assert not len(axis.get_minorticklocs())


def test_a_long_axis_of_costs_has_powers_of_ten():
    trace = Trace([0.5, 0.1], optimum=0.1, null_loss=1.1, evaluations=[2.0, 2000.0])
    ticks = [label.get_text() for label in ConvergenceDisplay.from_traces({"long": trace}).ax_.get_xticklabels()]
    assert "$\\mathdefault{10^{2}}$" in ticks


def test_series_differ_in_more_than_color():
    one, other = ConvergenceDisplay.from_traces({"fast": FAST, "slow": SLOW}).artists_[0]
    assert one.get_marker() != other.get_marker()
    assert one.get_linestyle() != other.get_linestyle()


def test_only_costs_that_every_trace_has_are_drawn():
    untimed = Trace([0.3], optimum=0.1, null_loss=1.1, evaluations=[4])
    display = ConvergenceDisplay.from_traces({"fast": FAST, "untimed": untimed})
    assert len(display.axes_) == 1
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["fast", "untimed"]
    # Nothing is below the floor of the second.
    alone = ConvergenceDisplay.from_traces({"untimed": untimed}).ax_
    assert not any("leq" in label.get_text() for label in alone.get_yticklabels())
    with pytest.raises(ValueError, match=r"\['untimed'\] have no seconds"):
        display.plot(against="seconds")
    timed = Trace([0.3], optimum=0.1, null_loss=1.1, seconds=[4.0])
    with pytest.raises(ValueError, match="no cost in common"):
        ConvergenceDisplay.from_traces({"untimed": untimed, "timed": timed})


def test_estimators_are_recorded_and_drawn():
    rivals = {"SoftmaxGLM": SoftmaxGLM(), "LogisticRegression": LogisticRegression(max_iter=5)}
    _, ax = plt.subplots()
    display = ConvergenceDisplay.from_estimators(rivals, X, y, repeats=1, ax=ax, against="evaluations")
    assert display.axes_ == [ax]
    assert list(display.traces) == list(rivals)
    assert display.traces["SoftmaxGLM"].gap[-1] < 1e-13
    assert display.traces["LogisticRegression"].gap[-1] > 0.1


def test_the_frame_has_a_row_for_each_loss():
    untimed = Trace([0.3], optimum=0.1, null_loss=1.1, evaluations=[4])
    frame = ConvergenceDisplay.from_traces({"fast": FAST, "untimed": untimed}).to_frame()
    assert list(frame) == ["name", "evaluations", "seconds", "loss", "gap"]
    assert frame["name"].tolist() == ["fast"] * 3 + ["untimed"]
    np.testing.assert_allclose(frame["gap"], [0.4, 0.0, 0.0, 0.2], atol=1e-16)
    assert frame["seconds"].isna().tolist() == [False, False, False, True]


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="dict with at least one name"):
        ConvergenceDisplay.from_traces([FAST])
    with pytest.raises(ValueError, match=r"against has \['hours'\]"):
        ConvergenceDisplay.from_traces({"fast": FAST}, against="hours")
