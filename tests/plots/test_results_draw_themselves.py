"""Every result that has a display draws itself: plot(ax=None) returns the display."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from sklearn.compose import make_column_transformer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, PolynomialFeatures, RobustScaler, StandardScaler

from softglm import SoftmaxGLM, SoftmaxGLMCV, infer, pool, regression_table, softglm_path
from softglm.plots import (
    CoefficientDisplay,
    CombinationDisplay,
    ContrastDisplay,
    ConvergenceDisplay,
    CVDisplay,
    EffectDisplay,
    MarginalEffectDisplay,
    PathDisplay,
    PredictionDisplay,
    RegressionTableDisplay,
    TermTestDisplay,
    Trace,
)


@pytest.fixture(scope="module")
def coins():
    """A path and a search of two classes, each of which has one panel."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(60, 2)), np.arange(60) % 2
    return softglm_path(X, y, n_alphas=3), SoftmaxGLMCV(3, l1_ratios=[1.0], cv=2).fit(X, y)


# What is drawn of an inference, and the display that draws it.
OF_AN_INFERENCE = {
    "itself": (lambda result: result, CoefficientDisplay),
    "coefficients": (lambda result: result.coefficients, CoefficientDisplay),
    "profiled": (lambda result: result.profiled(), CoefficientDisplay),
    "odds ratios": (lambda result: result.coefficients.odds_ratios(), CoefficientDisplay),
    "symmetric": (lambda result: result.symmetric(), CoefficientDisplay),
    "pooled": (lambda result: pool([result, result]), CoefficientDisplay),
    "marginal effects": (lambda result: result.marginal_effects(), MarginalEffectDisplay),
    "predictions": (lambda result: result.predict([[0.0, 1.0], [1.0, 0.0]], joint=True), PredictionDisplay),
    "average predictions": (lambda result: result.average_predictions("x0", [0.0, 1.0]), EffectDisplay),
    "of two features": (lambda result: result.average_predictions(["x0", "x1"], [[0, 1], [1, 2]]), PredictionDisplay),
    "differences": (lambda result: result.contrasts("x0", [0, 1]), ContrastDisplay),
    "combinations": (lambda result: result.linear_combinations("x0 - x1"), CombinationDisplay),
    "exponentials": (lambda result: result.linear_combinations("x0 - x1").odds_ratios(), CombinationDisplay),
    "tests of terms": (lambda result: result.test_terms(), TermTestDisplay),
    "side by side": (lambda result: regression_table([result]), RegressionTableDisplay),
    "risk ratios": (lambda result: result.contrasts("x0", [0, 1], kind="ratio"), ContrastDisplay),
}


@pytest.fixture(scope="module")
def small():
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(90, 2)), np.arange(90) % 2
    return infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)


@pytest.mark.parametrize("name", OF_AN_INFERENCE)
def test_what_an_inference_says_draws_itself(small, name):
    of, kind = OF_AN_INFERENCE[name]
    _, ax = plt.subplots()
    display = of(small).plot(ax)
    assert type(display) is kind
    assert display.ax_ is ax
    assert np.isfinite(display.to_frame().select_dtypes(float)).to_numpy().all()


@pytest.mark.parametrize("name", ["symmetric", "marginal effects", "predictions", "differences"])
def test_axes_that_are_given_may_be_logarithmic(small, name):
    of, _ = OF_AN_INFERENCE[name]
    _, ax = plt.subplots()
    ax.set_xscale("symlog")
    display = of(small).plot(ax)
    display.figure_.canvas.draw()
    assert display.ax_ is ax


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (lambda: plt.subplot(projection="polar"), "ax got polar axes, expected axes with an x and a y"),
        (lambda: plt.subplot(projection="3d"), "ax got 3d axes"),
        (plt.figure, "ax got a Figure"),
        (lambda: "left", "ax got a str"),
        (lambda: {"A": plt.subplots()[1]}, "ax got a dict"),
    ],
)
def test_what_are_no_axes_is_refused(small, place, message):
    for result in (small, small.marginal_effects(), small.average_predictions("x1")):
        with pytest.raises(TypeError, match=message):
            result.plot(place())


def test_paths_searches_and_traces_draw_themselves(coins):
    path, search = coins
    trace = Trace([1.0, 0.1], optimum=0.0, null_loss=1.0, seconds=[1.0, 2.0])
    for result, kind in [(path, PathDisplay), (search, CVDisplay), (trace, ConvergenceDisplay)]:
        _, ax = plt.subplots()
        display = result.plot(ax=ax)
        assert type(display) is kind
        assert display.ax_ is ax


def test_rows_are_the_estimates_with_their_intervals(students):
    effects = students.marginal_effects()
    display = effects.plot()
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert names == ["ses: middle - low", "ses: high - low", "write"]
    for k, bars in enumerate(display.artists_):
        line, _, (segments,) = bars.lines
        np.testing.assert_array_equal(line.get_xdata(), effects.estimate[:, k])
        ends = np.array([segment[:, 0] for segment in segments.get_segments()])
        np.testing.assert_allclose(ends, np.stack([effects.lower[:, k], effects.upper[:, k]], axis=1), rtol=1e-12)
    split = effects.plot(layout="panels")
    assert [axis.get_title() for axis in split.axes_] == ["academic", "general", "vocational"]
    with pytest.raises(ValueError, match="layout must be"):
        effects.plot(layout="grid")


def test_odds_ratios_are_drawn_as_such_and_symmetric_coefficients_have_no_base(students):
    ratios = students.coefficients.odds_ratios()
    display = ratios.plot()
    assert display.ax_.get_xscale() == "log"
    np.testing.assert_allclose(display.artists_[0].lines[0].get_xdata(), ratios.ratio[0, 1:], rtol=1e-12)
    titles = [axis.get_title() for axis in students.symmetric().plot().axes_]
    assert titles == ["academic", "general", "vocational"]


def test_of_very_many_terms_the_largest_are_drawn(small):
    table = small.coefficients
    wide = type(table)(
        **{
            **vars(table),
            "terms": tuple(f"x{j}" for j in range(150)),
            **{
                name: np.arange(150.0)[np.newaxis]
                for name in ("estimate", "std_error", "lower", "upper", "z", "p_value")
            },
            "may_go_either_way": np.zeros((1, 150), dtype=bool),
        }
    )
    display = wide.plot()
    assert display.terms == tuple(f"x{j}" for j in range(50, 150))
    assert "the 100 largest of 150 terms" in display.figure_.get_supxlabel()
    assert wide.plot(terms=wide.terms[:120]).n_left_out == 0


def mixed():
    rng = np.random.default_rng(6)
    X = pd.DataFrame({"age": rng.uniform(20, 60, 90), "car": np.arange(90) % 2, "income": rng.lognormal(size=90)})
    X["region"] = np.array(["east", "south", "west"])[rng.integers(0, 3, 90)]
    X.loc[3, "age"] = np.nan
    return X, np.arange(90) % 3


NUMBERS = make_pipeline(SimpleImputer(), StandardScaler())


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (
            make_column_transformer(
                (NUMBERS, ["age", "car"]),
                (MinMaxScaler(), ["income"]),
                (OneHotEncoder(drop="first"), ["region"]),
            ),
            ["per SD of age", "per SD of car", "per range of income", "region_south", "region_west"],
        ),
        (make_column_transformer((RobustScaler(), ["income"]), ("passthrough", ["car"])), ["income", "car"]),
        (make_column_transformer((StandardScaler(with_std=False), ["income"])), ["income"]),
        # Selected columns stay what they were; products of them do not.
        (
            make_pipeline(make_column_transformer((NUMBERS, ["age", "income"])), SelectKBest(k=2), "passthrough"),
            ["per SD of age", "per SD of income"],
        ),
        (
            make_pipeline(
                make_column_transformer((NUMBERS, ["age", "car"]), verbose_feature_names_out=False),
                PolynomialFeatures(2, interaction_only=True, include_bias=False),
            ),
            ["age", "car", "age car"],
        ),
        (
            make_column_transformer(
                (make_union(StandardScaler(), PolynomialFeatures((2, 2), include_bias=False)), ["income"]),
            ),
            ["per SD of income", "income^2"],
        ),
    ],
)
def test_after_a_scaler_rows_say_of_what_a_unit_is(steps, expected):
    X, y = mixed()
    result = infer(make_pipeline(steps, SoftmaxGLM(alpha=0.1)).fit(X, y), X, y)
    for display in (result.plot(), result.coefficients.plot()):
        names = [label.get_text() for label in display.ax_.get_yticklabels()]
        assert [name.split("__")[-1] for name in names] == expected
        assert display.terms == result.features
    # Where the axis says it, of all, the rows need not.
    display = result.plot(per_deviation=True)
    assert not any("SD" in label.get_text() for label in display.ax_.get_yticklabels())


def test_what_has_no_standard_error_is_a_point():
    rng = np.random.default_rng(2)
    clusters = np.arange(90) % 6
    X, y = np.column_stack([rng.normal(size=90), clusters == 0]), rng.integers(2, size=90)
    with pytest.warns(UserWarning, match="one cluster alone knows"):
        result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y, covariance="CR2", clusters=clusters)
    effects, predictions = result.marginal_effects(), result.average_predictions("x1")
    drawn = (result.plot(terms=["x1"]), effects.plot(), predictions.plot(), result.predict(X[:1]).plot())
    for display in drawn:
        display.figure_.canvas.draw()
        values = [container.lines[0].get_xydata() for container in display.artists_]
        assert np.isfinite(values).all()
        assert np.size(values) > 0
