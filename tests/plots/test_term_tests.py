"""Tests of terms: sorted by their p-values, each statistic beside its critical value."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from matplotlib import pyplot as plt
from scipy import stats

from softglm.inference.hypotheses import TermTests
from softglm.plots import TermTestDisplay


def given_tests(statistic, df, df_denominator=None):
    statistic, df = np.array(statistic, dtype=float), np.array(df)
    if df_denominator is None:
        p_value = stats.chi2.sf(statistic, np.maximum(df, 1))
    else:
        p_value = stats.f.sf(statistic, np.maximum(df, 1), df_denominator)
    terms = tuple(f"x{j}" for j in range(len(df)))
    return TermTests("lr", terms, statistic, df, p_value, df, df_denominator)


def names_of(display):
    return [label.get_text() for label in display.ax_.get_yticklabels()]


def words_of(display):
    return [text.get_text() for text in display.ax_.texts]


def test_terms_are_sorted_by_p_value_and_not_by_a_statistic_of_other_degrees_of_freedom():
    tests = given_tests([9.0, 8.0, 0.5, 60.0], [6, 1, 1, 2])
    display = tests.plot()
    assert isinstance(display, TermTestDisplay)
    assert names_of(display) == ["x3", "x1", "x0", "x2"]
    assert names_of(tests.plot(order="given")) == ["x0", "x1", "x2", "x3"]
    assert words_of(display) == ["2 df, p < 0.0001", "1 df, p = 0.0047", "6 df, p = 0.1736", "1 df, p = 0.4795"]
    significant, others, ticks = display.artists_
    np.testing.assert_allclose(significant.get_xdata(), [60.0, 8.0])
    np.testing.assert_allclose(others.get_xdata(), [9.0, 0.5])
    np.testing.assert_allclose(ticks.get_xdata(), stats.chi2.isf(0.05, [2, 1, 6, 1]))
    assert display.to_frame().equals(tests.to_frame())


@pytest.mark.parametrize(("level", "df_denominator"), [(0.05, None), (0.001, 12.0), (0.05, np.array([3.0, 40.0, 7.5]))])
def test_a_point_is_filled_just_where_it_is_beyond_its_tick(level, df_denominator):
    tests = given_tests([3.9, 5.5, 200.0], [1, 2, 3], df_denominator=df_denominator)
    display = tests.plot(order="given", level=level)
    significant, _, ticks = display.artists_
    beyond = tests.statistic > ticks.get_xdata()
    np.testing.assert_array_equal(significant.get_ydata(), np.flatnonzero(beyond))
    np.testing.assert_array_equal(beyond, tests.p_value < level)
    assert (df_denominator is None) == ("chi-squared" in display.ax_.get_xlabel())


def test_p_values_that_round_to_0_are_sorted_by_statistic_and_what_has_no_test_is_last():
    display = given_tests([np.nan, 2e4, 3e4], [0, 2, 2]).plot()
    assert names_of(display) == ["x2", "x1", "x0"]
    assert words_of(display)[-1] == "not tested"
    assert np.isnan(display.artists_[-1].get_xdata()[-1])


def test_small_statistics_are_told_apart_beside_large_ones_and_ticks_are_legible():
    display = given_tests([1e-3, 4.0, 9.0, 3e4], [1, 1, 1, 1]).plot()
    display.figure_.draw_without_rendering()
    axis = display.ax_
    ends = axis.transData.transform([(value, 0.0) for value in (0.0, 4.0, 9.0, axis.get_xlim()[1])])[:, 0]
    np.testing.assert_allclose((ends[1] - ends[0]) / (ends[2] - ends[0]), 2.0 / 3.0, rtol=1e-6)
    labels = [label.get_window_extent() for label in axis.get_xticklabels()]
    assert len(labels) >= 4
    assert all(one.x1 < other.x0 for one, other in pairwise(labels))
    ends = [text.get_window_extent().x0 for text in axis.texts]
    assert axis.transData.transform((3e4, 0.0))[0] < min(ends)


def test_statistics_of_nothing_at_all_are_drawn():
    display = given_tests([np.nan, np.nan], [0, 0]).plot()
    display.figure_.canvas.draw()
    assert words_of(display) == ["not tested"] * 2


def test_of_very_many_terms_the_first_are_drawn_and_the_axis_says_so(monkeypatch):
    monkeypatch.setattr("softglm.plots.term_tests._MOST_ROWS", 3)
    display = given_tests([1.0, 5.0, 2.0, 4.0, 3.0], [1] * 5).plot()
    assert names_of(display) == ["x1", "x3", "x4"]
    assert "3 of 5 terms" in display.ax_.get_xlabel()


@pytest.mark.parametrize("options", [{"order": "p"}, {"level": 5}])
def test_options_that_there_are_not_are_refused(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be"):
        given_tests([1.0], [1]).plot(**options)


def test_axes_that_are_given_are_drawn_into(students):
    _, ax = plt.subplots()
    display = replace(students.test_terms("wald"), kind="d1").plot(ax)
    assert display.ax_ is ax
    assert ax.get_xlabel() == "Pooled Wald (D1) chi-squared\n(axis of square roots)"
