"""What a user names is drawn as it is: no formula, no entry that a legend leaves out, no warning."""

import io
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from effort import mostly_slow
from matplotlib import pyplot as plt
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from softglm import SoftmaxGLM, infer
from softglm.plots import (
    CoefficientDisplay,
    ConvergenceDisplay,
    EffectDisplay,
    InfluenceDisplay,
    ReliabilityDisplay,
    Trace,
)
from softglm.plots.style import literal, shortened

# Names, and what is to be seen of them.
NAMES = {
    "$25K-$50K": "$25K-$50K",
    "_other": "_other",
    "a_b^2$": "a_b^2$",
    "\\alpha": "\\alpha",
    "<&>": "<&>",
    "100%": "100%",
    "line\nbreak": "line break",
    "_$x_1$": "_$x_1$",
    "$\\frac{$": "$\\frac{$",
    "\\$5 and $6": "\\$5 and $6",
    "tab\tand \x1b[0m": "tab and \\x1b[0m",
    "_child0": "_child0",
    "{x:d} {}": "{x:d} {}",
    "a name that is far too long to be drawn": "a name that \u2026to be drawn",
}
CLASSES, COLUMNS = list(NAMES)[:5], list(NAMES)[5:]
LEVELS = ["$1-$2", "_none", "50%\n", "x^2_3"]


def drawn(figure):
    """Return the texts in a picture."""
    file = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none"}):
        figure.savefig(file, format="svg")
    texts = ET.fromstring(file.getvalue()).iter("{http://www.w3.org/2000/svg}text")  # noqa: S314 - our own
    return ["".join(text.itertext()).strip() for text in texts]


def entries(legend):
    return [text.get_text().replace("\\$", "$") for text in legend.get_texts()]


def seen(names):
    return [NAMES[name] for name in names]


def fitted(classes, columns):
    rng = np.random.default_rng(8)
    codes = np.arange(40 * len(classes)) % len(classes)
    X = pd.DataFrame(rng.normal(size=(len(codes), len(columns))) + 0.3 * codes[:, np.newaxis], columns=columns)
    y = np.array(classes, dtype=object)[codes]
    model = SoftmaxGLM(alpha=0.1).fit(X, y)
    return model, X, y, infer(model, X, y)


@pytest.fixture(scope="module")
def fit():
    return fitted(CLASSES, COLUMNS)


@pytest.mark.parametrize("layout", ["panels", "together"])
def test_coefficients(fit, layout):
    *_, inference = fit
    display = CoefficientDisplay.from_inference(inference, layout=layout)
    texts = drawn(display.figure_)
    # There is room for more of a term than of other names.
    assert {*seen(COLUMNS[:-1]), literal(COLUMNS[-1], 32)} <= set(texts)
    base, others = NAMES[inference.reference], [NAMES[label] for label in display.classes]
    if layout == "panels":
        assert {f"{name} vs {base}" for name in others} <= set(texts)
    else:
        assert {*others, f"against {base}"} <= set(texts)
        assert sorted(entries(display.ax_.get_legend())) == sorted(others)


@pytest.mark.parametrize("kind", mostly_slow(["lines", "panels", "stacked"], kept=1))
@pytest.mark.parametrize("column", COLUMNS)
def test_effects_of_a_column(fit, kind, column):
    *_, inference = fit
    display = EffectDisplay.from_inference(inference, column, grid=[0.0, 1.5], kind=kind)
    texts = [text.replace("\u2026", "") for text in drawn(display.figure_)]
    assert set(seen(CLASSES)) <= set(texts)
    if len(column) < 24:
        assert NAMES[column] in texts
    if kind != "panels":
        assert sorted(entries(display.ax_.get_legend())) == sorted(seen(CLASSES))


def test_effects_of_a_factor():
    rng = np.random.default_rng(9)
    X = pd.DataFrame({"_a$b$": np.array(LEVELS)[np.arange(200) % 4], "z": rng.normal(size=200)})
    y = np.array(["_no", "$y$"])[(rng.random(200) < 0.5).astype(int)]
    columns = make_column_transformer(
        (OneHotEncoder(), ["_a$b$"]), remainder="passthrough", verbose_feature_names_out=False
    )
    inference = infer(make_pipeline(columns, SoftmaxGLM(alpha=0.1)).fit(X, y), X, y)
    texts = drawn(EffectDisplay.from_inference(inference, "_a$b$").figure_)
    assert {"$1-$2", "_none", "50%", "x^2_3", "_a$b$", "_no", "$y$"} <= set(texts)


def test_influence(fit):
    *_, y, inference = fit
    names = np.empty(len(y), dtype=object)
    names[np.argsort(-inference.cooks_distance, kind="stable")] = [list(NAMES)[k % len(NAMES)] for k in range(len(y))]
    display = InfluenceDisplay.from_inference(inference, names=names.tolist(), n_labels=len(NAMES))
    texts = drawn(display.figure_)
    short = [name for name in seen(NAMES) if len(name) <= 16]
    assert set(short) <= set(texts)
    assert len(display.labels_) == len(NAMES)


@pytest.mark.parametrize("classes", [CLASSES, COLUMNS, ["_a", "$b$_c$"]])
def test_reliability(classes):
    model, X, y, _ = fitted(classes, ["x"])
    texts = drawn(ReliabilityDisplay.from_estimator(model, X, y).figure_)
    # Of two classes the second is drawn.
    expected = [NAMES.get(name, name) for name in (classes if len(classes) > 2 else model.classes_[1:])]
    assert {name for name in expected if len(name) <= 18} <= set(texts)


@pytest.mark.parametrize("cost", [{}, {"seconds": [0.1, 0.2]}])
def test_convergence(cost):
    names = [name for name in NAMES if len(name) < 24]
    trace = Trace([1.0, 0.1], optimum=0.0, null_loss=1.0, evaluations=[1, 2], **cost)
    display = ConvergenceDisplay.from_traces(dict.fromkeys(names, trace))
    legend = display.figure_.legends[0] if cost else display.ax_.get_legend()
    assert sorted(entries(legend)) == sorted(seen(names))
    assert set(seen(names)) <= set(drawn(display.figure_))


LONG = [f"a name that is far too long to be drawn as a whole, {number}" for number in range(4)]


def overlapping(texts, figure):
    """Return the texts that reach beyond the figure on its left or right, or over another."""
    figure.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    beyond = [name for name, box in boxes if box.x0 < figure.bbox.x0 or box.x1 > figure.bbox.x1]
    return beyond + [name for k, (name, box) in enumerate(boxes) if any(box.overlaps(b) for _, b in boxes[:k])]


@pytest.mark.parametrize("costs", [["seconds"], ["seconds", "evaluations"]])
def test_long_names_of_traces_fit_into_the_picture(costs):
    trace = Trace([1.0, 0.1], optimum=0.0, null_loss=1.0, evaluations=[1, 2], seconds=[0.1, 0.2])
    display = ConvergenceDisplay.from_traces(dict.fromkeys(LONG, trace), against=costs)
    legends = [display.ax_.get_legend(), *display.figure_.legends]
    (legend,) = (legend for legend in legends if legend is not None)
    assert len(legend.get_texts()) == len(LONG)
    assert not overlapping(legend.get_texts(), display.figure_)


@pytest.mark.parametrize("name", [*NAMES, "", "_", "$", "$$", "\\$", "\\\\$x$", "\ud800", "é\u200d"])
def test_a_label_has_an_entry_in_any_legend_and_is_no_formula(name):
    figure, axis = plt.subplots()
    axis.plot([0, 1], label=shortened(name))
    axis.set_title(literal(name))
    (text,) = axis.legend().get_texts()
    whole = NAMES.get(name, "\\ud800" if name == "\ud800" else name)
    # XML leaves out what is not there.
    assert drawn(figure).count(whole) == 2 or not whole
    assert text.get_text().strip().replace("\\$", "$") == whole


def test_where_no_text_is_a_formula_nothing_is_escaped():
    with mpl.rc_context({"text.parse_math": False}):
        assert literal("$25K-$50K") == "$25K-$50K"


@pytest.mark.parametrize(
    ("name", "text"), [(3.0, "3"), (np.float32(2.0), "2"), (0.5, "0.5"), (True, "True"), ("3.0", "3.0"), (None, "None")]
)
def test_labels_that_are_no_text_are_as_they_print(name, text):
    assert literal(name) == shortened(name) == text
