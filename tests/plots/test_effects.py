import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from problems import collinear, many_classes
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler

from softglm import SoftmaxGLM, infer
from softglm.plots import EffectDisplay

draw = EffectDisplay.from_inference


def legend_of(axis):
    return [text.get_text() for text in axis.get_legend().get_texts()]


def test_lines_are_average_predictions_and_bands_their_intervals(students):
    display = draw(students, "write")
    expected = students.average_predictions("write", display.grid)
    assert len(display.artists_) == len(display.ax_.collections) == 3
    for k, line in enumerate(display.artists_):
        np.testing.assert_array_equal(line.get_xdata(), display.grid)
        np.testing.assert_array_equal(line.get_ydata(), expected.probability[:, k])
        edge = display.ax_.collections[k].get_paths()[0].vertices
        assert edge[:, 1].max() == expected.upper[:, k].max()
        assert edge[:, 1].min() == expected.lower[:, k].min()
    assert display.ax_.get_xlabel() == "write"
    assert display.ax_.get_ylabel() == "probability"
    assert legend_of(display.ax_) == ["academic", "general", "vocational"]


def test_the_grid_spans_the_data_and_the_rug_shows_them(students):
    display = draw(students, "write")
    observed = display.observed
    assert display.grid[[0, -1]].tolist() == [observed.min(), observed.max()] == [31.0, 67.0]
    rug = display.ax_.lines[-1]
    assert rug.get_marker() == "|"
    np.testing.assert_array_equal(rug.get_xdata(), np.unique(observed))
    assert len(draw(students, "write", rug=False).ax_.lines) == 3
    assert draw(students, 1, grid=[40.0, 50.0]).grid.tolist() == [40.0, 50.0]


@pytest.mark.parametrize("number", [np.int64, np.int16, np.float32])
def test_numbers_of_every_type_make_a_curve(students, number):
    display = draw(students, "write", grid=[number(value) for value in (40, 50, 60)])
    assert not display.is_discrete
    np.testing.assert_array_equal(display.artists_[0].get_xdata(), [40.0, 50.0, 60.0])


def test_a_factor_has_points_at_all_its_levels(students):
    display = draw(students, "ses")
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["low", "middle", "high"]
    states = [[0, 0], [1, 0], [0, 1]]
    expected = students.average_predictions(["ses_middle", "ses_high"], states).probability
    for k, bars in enumerate(display.artists_):
        np.testing.assert_allclose(bars.lines[0].get_ydata(), expected[:, k], rtol=1e-12)
    # Side by side, so that no interval hides another.
    assert len({float(bars.lines[0].get_xdata()[0]) for bars in display.artists_}) == 3
    assert draw(students, "ses", grid=["high", "low"]).grid.tolist() == ["high", "low"]


def test_groups_name_the_dummies_of_a_factor_and_base_its_level_without_one():
    X = pd.DataFrame({"ses_middle": [0, 1, 0] * 40, "ses_high": [0, 0, 1] * 40, "write": np.arange(120.0) % 7})
    y = np.tile([0, 1, 1, 0, 1, 0, 0], 18)[:120]
    result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    groups = {"ses": ["ses_middle", "ses_high"]}
    display = draw(result, "ses", groups=groups, base="low")
    assert display.grid.tolist() == ["low", "middle", "high"]
    assert display.feature == "ses"
    expected = result.average_predictions(["ses_middle", "ses_high"], [[0, 0], [1, 0], [0, 1]])
    np.testing.assert_array_equal(display.predictions.probability, expected.probability)
    assert draw(result, "ses", groups=groups).grid.tolist() == ["(base)", "middle", "high"]


def test_a_factor_with_all_its_columns_has_no_other_base():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"color": rng.choice(["blue", "red", "x_color_y"], size=200)})
    y = (rng.uniform(size=200) < np.where(X["color"] == "red", 0.8, 0.3)).astype(int)
    result = infer(make_pipeline(OneHotEncoder(), SoftmaxGLM()).fit(X, y), X, y)
    assert draw(result, "color").grid.tolist() == ["blue", "red", "x_color_y"]


def test_a_column_of_zeros_and_ones_has_two_points(students):
    display = draw(students, "ses_high")
    assert display.grid.tolist() == [0.0, 1.0]
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["0", "1"]
    assert len(display.artists_[0].lines[0].get_xdata()) == 2


def test_other_columns_are_held_where_asked(students):
    held = draw(students, "write", at={"ses_high": 1.0, "ses_middle": 0.0}, grid=[50.0])
    X = pd.DataFrame({"ses": ["high"], "write": [50.0]})
    np.testing.assert_allclose(held.predictions.probability, students.predict(X).probability, rtol=1e-12)
    means = draw(students, "write", at="means", grid=[50.0])
    assert not np.allclose(means.predictions.probability, held.predictions.probability)


@pytest.mark.parametrize("feature", ["write", "ses"])
def test_stacked_areas_fill_the_axes(students, feature):
    display = draw(students, feature, kind="stacked")
    assert len(display.artists_) == 3
    assert display.ax_.get_ylim() == (0.0, 1.0)
    if feature == "ses":
        tops = [bar.get_y() + bar.get_height() for bar in display.artists_[-1]]
    else:
        tops = [display.artists_[-1].get_paths()[0].vertices[:, 1].max()]
    np.testing.assert_allclose(tops, 1.0, rtol=1e-12)


@pytest.fixture(scope="module")
def ten_and_more():
    data = many_classes()
    return infer(SoftmaxGLM().fit(data.X, data.y), data.X, data.y)


def test_many_classes_differ_in_color_line_or_marker(ten_and_more):
    display = draw(ten_and_more, 0, kind="lines")
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in display.artists_}
    assert len(looks) == len(ten_and_more.classes)
    # Where all probabilities are small, the axis ends where they do.
    assert np.nanmax(display.predictions.upper) < display.ax_.get_ylim()[1]


def test_more_than_six_classes_have_a_panel_each_before_the_others_in_grey(ten_and_more):
    display = draw(ten_and_more, 0)
    K = len(ten_and_more.classes)
    assert len(display.axes_) == len(display.artists_) == K > 6
    assert [axis.get_title() for axis in display.axes_] == [str(label) for label in ten_and_more.classes]
    assert display.figure_.get_supxlabel() == "x0"
    assert display.figure_.get_supylabel() == "probability"
    for k, (axis, line) in enumerate(zip(display.axes_, display.artists_, strict=True)):
        assert line.axes is axis
        np.testing.assert_array_equal(line.get_ydata(), display.predictions.probability[:, k])
        others = [other.get_ydata() for other in axis.lines[: K - 1]]
        np.testing.assert_array_equal(np.transpose(others), np.delete(display.predictions.probability, k, axis=1))
        assert len(axis.collections) == 1
        assert axis.get_legend() is None


def test_a_panel_for_each_class_is_drawn_where_asked(students):
    figure, axes = plt.subplots(1, 3)
    display = draw(students, "ses", kind="panels", ax=axes)
    assert display.axes_ == list(axes)
    assert display.figure_ is figure
    for k, bars in enumerate(display.artists_):
        # In the middle of the level, since no other class is beside it.
        np.testing.assert_array_equal(bars.lines[0].get_xdata(), [0.0, 1.0, 2.0])
        np.testing.assert_array_equal(bars.lines[0].get_ydata(), display.predictions.probability[:, k])
    assert [axis.get_xlabel() for axis in axes] == ["ses"] * 3
    with pytest.raises(ValueError, match="ax has 2 axes, expected 3"):
        display.plot(axes[:2], kind="panels")


def test_long_names_that_begin_alike_are_told_apart():
    data = many_classes()
    names = np.array([f"one of the classes, number {k}" for k in range(data.n_classes)])[data.y]
    display = draw(infer(SoftmaxGLM().fit(data.X, names), data.X, names), 0)
    titles = {axis.get_title() for axis in display.axes_}
    assert len(titles) == data.n_classes
    assert max(map(len, titles)) <= 24


def test_all_lines_go_into_axes_that_are_given_alone(ten_and_more):
    _, ax = plt.subplots()
    assert draw(ten_and_more, 0, ax=ax).axes_ == [ax]


def test_what_the_data_do_not_determine_is_said_so():
    data = collinear()
    display = draw(infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y), 0)
    assert np.isnan(display.predictions.probability).all()
    assert [text.get_text() for text in display.ax_.texts] == ["not determined\nby the data"]
    assert not draw(infer(SoftmaxGLM().fit(data.X, data.y), data.X, data.y), 0).ax_.texts


def test_axes_can_be_given(coin):
    figure, ax = plt.subplots()
    display = draw(coin, "x0", ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    again = display.plot(kind="stacked")
    assert again is display
    assert display.ax_ is not ax


def test_the_frame_has_a_row_for_each_value_and_class(students):
    frame = draw(students, "write", grid=[40.0, 50.0]).to_frame()
    assert list(frame) == ["value", "class", "probability", "std_error", "lower", "upper"]
    assert frame["value"].tolist() == [40.0] * 3 + [50.0] * 3
    assert draw(students, "ses").to_frame()["value"].unique().tolist() == ["low", "middle", "high"]


def test_what_infinite_estimates_decide_is_said_so(separated_iris):
    display = draw(separated_iris, 0)
    assert [text.get_text() for text in display.ax_.texts] == ["not determined\nby the data"]


def test_what_makes_no_sense_is_refused(students):
    with pytest.raises(ValueError, match="no column 'age' among the columns"):
        draw(students, "age")
    with pytest.raises(ValueError, match="There is no column 7"):
        draw(students, 7)
    with pytest.raises(ValueError, match=r"The pipeline does not take 0\.0 for 'ses'"):
        draw(students, "ses", grid=[0.0])
    with pytest.raises(ValueError, match="grid has shape"):
        draw(students, "write", grid=[[1.0]])
    with pytest.raises(ValueError, match="kind must be"):
        draw(students, "write", kind="bars")


def test_dummies_are_levels_scaled_or_not():
    X = pd.DataFrame({"color": ["blue", "red", "green"] * 20})
    y = np.tile([0, 1, 0, 1, 1, 0], 10)
    model = make_pipeline(OneHotEncoder(sparse_output=False), StandardScaler(), SoftmaxGLM()).fit(X, y)
    display = draw(infer(model, X, y), "color")
    assert display.grid.tolist() == ["blue", "green", "red"]
    levels = pd.DataFrame({"color": display.grid})
    np.testing.assert_allclose(display.predictions.probability, model.predict_proba(levels), rtol=1e-12)


def test_labels_between_dollars_are_drawn_as_they_are():
    X = pd.DataFrame({"income": ["$1 to $2", "$3", "above"] * 20})
    y = np.tile([0, 1, 0, 1, 1, 0], 10)
    display = draw(infer(make_pipeline(OneHotEncoder(), SoftmaxGLM()).fit(X, y), X, y), "income")
    display.figure_.canvas.draw()
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == [r"\$1 to \$2", r"\$3", "above"]


def test_a_curve_goes_through_what_the_pipeline_makes_of_its_feature():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.uniform(20, 70, 200), "z": rng.normal(size=200)})
    y = (np.abs(X["age"] - 45) + rng.normal(0, 8, 200) < 13).astype(int)
    model = make_pipeline(SplineTransformer(), SoftmaxGLM(alpha=0.01)).fit(X, y)
    display = draw(infer(model, X, y), "age", grid=[25.0, 45.0, 65.0])
    expected = [model.predict_proba(X.assign(age=age)).mean(axis=0) for age in display.grid]
    np.testing.assert_allclose(display.predictions.probability, expected, rtol=1e-10)
    assert display.ax_.get_xlabel() == "age"
