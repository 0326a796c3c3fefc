import sys

import numpy as np
import pytest
from effort import mostly_slow
from matplotlib import pyplot as plt
from matplotlib.text import Text

from softglm.plots import InfluenceDisplay

draw = InfluenceDisplay.from_inference


def test_points_are_residuals_over_leverages_and_areas_cooks_distances(students):
    display = draw(students)
    x, y = np.asarray(display.points_.get_offsets()).T
    np.testing.assert_array_equal(x, students.leverage)
    np.testing.assert_allclose(y**2, (students.residuals("pearson") ** 2).sum(axis=1), rtol=1e-12)
    areas = display.points_.get_sizes()
    order = np.argsort(students.cooks_distance)
    assert (np.diff(areas[order]) >= 0.0).all()
    # Linear in the distance.
    np.testing.assert_allclose(np.corrcoef(areas, students.cooks_distance)[0, 1], 1.0, rtol=1e-12)
    assert display.ax_.get_xlabel() == "leverage"
    names = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert names[0] == "2 times the mean leverage"
    assert names[1].startswith("Cook's distance")


def test_the_point_of_the_legend_has_the_area_of_its_distance(students):
    display = draw(students)
    (handle,) = (line for line in display.ax_.lines if str(line.get_label()).startswith("Cook"))
    distance = float(handle.get_label().split()[-1])
    area = np.interp(distance, *np.sort([students.cooks_distance, display.points_.get_sizes()], axis=1))
    np.testing.assert_allclose(handle.get_markersize() ** 2, area, rtol=0.05)


def test_the_most_influential_rows_are_named_the_first_first(students):
    most = np.argsort(-students.cooks_distance, kind="stable")
    assert [label.get_text() for label in draw(students).labels_] == [str(row) for row in most[:5]]
    names = [f"student {row}" for row in range(200)]
    labels = draw(students, names=names, n_labels=2).labels_
    assert [label.get_text() for label in labels] == [names[row] for row in most[:2]]
    assert labels[0].xy == (students.leverage[most[0]], draw(students).residual[most[0]])
    assert draw(students, n_labels=0).labels_ == []


@pytest.mark.parametrize("n_labels", mostly_slow([5, 10], kept=1))
def test_names_do_not_hide_each_other(students, iris, n_labels):
    for inference in (students, iris):
        display = draw(inference, n_labels=n_labels)
        display.figure_.canvas.draw()
        boxes = [Text.get_window_extent(label) for label in display.labels_]
        for position, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:position])


def test_a_row_without_which_there_is_no_fit_is_marked_and_named(students):
    display = draw(students)
    display.cooks_distance = display.cooks_distance.copy()
    display.cooks_distance[17] = np.inf
    display.plot(n_labels=1)
    assert [label.get_text() for label in display.labels_] == ["17"]
    (mark,) = (line for line in display.ax_.lines if line.get_label() == "no fit without it")
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (display.leverage[17], display.residual[17])
    assert len(display.points_.get_offsets()) == len(display.names) - 1


def test_two_classes_have_the_length_of_one_residual(coin):
    np.testing.assert_allclose(draw(coin).residual, np.abs(coin.residuals("pearson")), rtol=1e-12)


def test_axes_can_be_given_in_a_subfigure(students):
    figure = plt.figure(layout="constrained")
    _, right = figure.subfigures(1, 2)
    ax = right.subplots()
    display = draw(students, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure


def test_the_frame_has_a_row_for_each_row(students):
    frame = draw(students).to_frame()
    assert list(frame) == ["row", "leverage", "residual", "cooks_distance"]
    assert frame["row"].tolist() == list(range(200))
    np.testing.assert_array_equal(frame["cooks_distance"], students.cooks_distance)


def test_names_must_be_as_many_as_rows(students):
    with pytest.raises(ValueError, match="names has 2 entries, expected 200"):
        draw(students, names=["one", "two"])


@pytest.mark.parametrize("which", ["students", "iris"])
def test_the_picture_is_of_the_numbers_in_the_frame_of_the_inference(which, request):
    inference = request.getfixturevalue(which)
    frame = inference.influence_frame()
    drawn = draw(inference).to_frame()
    assert drawn.columns.tolist() == ["row", *frame.columns]
    for name in frame.columns:
        np.testing.assert_array_equal(drawn[name], frame[name])


def test_drawing_needs_no_pandas(students, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert len(draw(students).leverage) == 200
