"""At the size of a user's other figures every text can be read: large enough, none cut off, none over another."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.text import Text

from softglm.inference.averages import AveragePredictions
from softglm.inference.contrasts import Contrasts
from softglm.plots import CoefficientDisplay, ContrastDisplay, EffectDisplay, PathDisplay, ReliabilityDisplay

# Points of a text that is legible; pixels by which boxes may touch, as those of letters without descenders do.
LEAST_POINTS, TOUCHING = 8.0, 2.0
# As many as digits, and the columns of a wide table.
CLASSES = np.array([f"a class of the tenth, number {k}" for k in range(10)])
FEATURES = tuple(f"mean over all of the years, number {j}" for j in range(30))
LEVELS = ["none", "secondary school", "vocational training, completed", "university, bachelor", "university, master"]


def texts_of(figure):
    """The texts that are drawn, with their boxes."""
    figure.draw_without_rendering()
    beyond = []
    for axis in [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]:
        low, high = sorted(axis.get_view_interval())
        beyond += [tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high]
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text not in beyond]
    return [(text, Text.get_window_extent(text)) for text in texts if text.get_text().strip()]


def hidden_texts(figure):
    """What cannot be read."""
    texts = [(text, box) for text, box in texts_of(figure) if box.width > 0.0]
    inside = figure.bbox.padded(TOUCHING)
    found = [text for text, _ in texts if text.get_fontsize() < LEAST_POINTS]
    found += [text for text, box in texts if not (inside.contains(box.x0, box.y0) and inside.contains(box.x1, box.y1))]
    for k, (text, box) in enumerate(texts):
        upright = [other for one, other in texts[:k] if not one.get_rotation() % 90 or not text.get_rotation() % 90]
        found += [text for other in upright if box.padded(-TOUCHING).overlaps(other.padded(-TOUCHING))]
    return [text.get_text() for text in found]


def intervals(*shape):
    """Estimates, with ends of intervals around them."""
    estimate = np.random.default_rng(20).normal(scale=0.02, size=shape)
    return {"estimate": estimate, "lower": estimate - 0.02, "upper": estimate + 0.02}


def coefficients(n_terms=30, **options):
    return CoefficientDisplay(
        classes=CLASSES[1:],
        reference=CLASSES[0],
        terms=FEATURES[:n_terms],
        **intervals(9, n_terms),
        may_go_either_way=np.zeros((9, n_terms), dtype=bool),
        level=0.95,
    ).plot(**options)


def effects(grid, K=10, **options):
    """Over the levels of a factor, or over numbers."""
    probability = np.random.default_rng(20).dirichlet(np.ones(K), size=len(grid))
    ends = {"lower": 0.9 * probability, "upper": np.minimum(1.1 * probability, 1.0)}
    observed = np.linspace(0.0, 4.0, 50) if np.ndim(grid[0]) == 0 and not isinstance(grid[0], str) else np.empty(0)
    feature = "highest education that was completed, or is about to be"
    found = AveragePredictions(
        CLASSES[:K], probability, 0.1 * probability, **ends, level=0.95, terms=(feature,), grid=np.array(grid)
    )
    return EffectDisplay(feature, np.array(grid), found, observed).plot(**options)


def contrasts(**options):
    c = len(LEVELS) - 1
    found = Contrasts(
        term="highest education that was completed",
        contrasts=tuple(f"{level} - {LEVELS[0]}" for level in LEVELS[1:]),
        by=None,
        groups=(None,) * c,
        classes=CLASSES,
        kind="difference",
        where="",
        **intervals(c, 10),
        std_error=np.ones((c, 10)),
        z=None,
        p_value=None,
        adjust=None,
        level=0.95,
        root=np.empty((10 * c, 0)),
        quantile=2.0,
        simulation_error=0.0,
    )
    return ContrastDisplay(found).plot(**options)


def path(**options):
    strengths = np.geomspace(1.0, 1e-3, 8)
    coef = np.linspace(0.0, 1.0, 8)[:, np.newaxis, np.newaxis] * np.random.default_rng(20).normal(size=(5, 30))
    return PathDisplay(
        classes=tuple(CLASSES[:5]),
        features=FEATURES,
        alphas=strengths,
        l1=1.0 / strengths,
        deviance=1.0 - strengths,
        coef=coef,
        is_per_deviation=True,
    ).plot(**options)


def reliability(**options):
    probability = np.random.default_rng(20).dirichlet(np.ones(10), size=200)
    return ReliabilityDisplay.from_predictions(CLASSES[np.arange(200) % 10], probability, classes=CLASSES, **options)


@pytest.mark.parametrize(
    "draw",
    [
        coefficients,
        lambda: coefficients(layout="together"),
        lambda: effects(LEVELS, kind="panels"),
        lambda: effects(LEVELS, kind="lines"),
        lambda: effects([0.0, 2.0, 4.0], kind="stacked"),
        contrasts,
        path,
        reliability,
    ],
)
def test_with_ten_classes_thirty_features_and_long_names_all_can_be_read(draw):
    assert not hidden_texts(draw().figure_)


def test_one_panel_is_as_large_as_any_figure():
    with mpl.rc_context({"figure.figsize": (5.0, 4.5)}):
        display = ReliabilityDisplay.from_predictions([0, 1], [0.2, 0.8])
        assert tuple(display.figure_.get_size_inches()) == (5.0, 4.5)


@pytest.mark.parametrize("n_terms", [6, 30])
def test_names_beside_axes_that_are_given_are_inside_their_figure_and_as_many_as_fit(n_terms):
    figure, axis = plt.subplots()
    coefficients(n_terms, ax=axis)
    assert not hidden_texts(figure)
    names = [label.get_text() for label in axis.get_yticklabels()]
    assert names.count("") == (0 if n_terms == 6 else 15)


@pytest.mark.parametrize("make_room", [None, "constrained"])
def test_a_title_set_later_is_above_the_legend(make_room):
    figure, axis = plt.subplots(layout=make_room)
    effects([0.0, 4.0], K=2, kind="lines", ax=axis).ax_.set_title("what was done, and to which end")
    assert not hidden_texts(figure)
