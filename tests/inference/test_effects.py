import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from estimates import anes96, estimate_of, golden, hsb2, in_several_blocks, is_not_academic
from problems import OVERLAPPING, Data, real_data
from scipy import stats
from scipy.special import softmax
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from softglm import SeparationWarning, SoftmaxGLM, infer
from softglm.inference.covariance import Covariance
from softglm.inference.inference import Inference

ROUNDING = {"rtol": 1e-9, "atol": 1e-11}
# Central differences of step 1e-4 standard errors: their error is of the third derivative.
DIFFERENCES = {"rtol": 1e-6, "atol": 1e-9}
# What statsmodels' Newton method leaves.
STATSMODELS = {"rtol": 1e-7, "atol": 1e-10}
KINDS = ["average", "at-means"]


def effects_of(estimate, factors=None, root=None, *, level=0.95, **options):
    covariance = Covariance("model", estimate.inverse_root if root is None else root)
    features = tuple(f"x{j}" for j in range(estimate.objective.rows.n_features))
    classes = np.arange(estimate.n_classes)
    result = Inference(estimate, covariance, classes, 0, features, inputs=None, sample=None, level=level)
    return result.marginal_effects(groups=factors, **options)


def with_dummies(data):
    """The same data with a factor of three levels in columns 0 and 1, its base off, and a switch in column 2."""
    rng = np.random.default_rng(0)
    level, switch = rng.integers(3, size=len(data.y)), rng.integers(2, size=len(data.y))
    return replace(data, X=np.column_stack([level == 1, level == 2, switch, data.dense]).astype(float))


def probabilities(estimate, X, offset):
    """Predictions from the coefficients at x = 0, in symmetric coding; two classes: half the log odds each."""
    coded = estimate.symmetric
    eta = coded[:, 0] + X @ coded[:, 1:].T
    return softmax(eta if offset is None else eta + in_columns(offset), axis=1)


def in_columns(offset):
    return np.outer(offset, [-0.5, 0.5]) if offset.ndim == 1 else offset


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("discrete", ["factor", "column"])
@pytest.mark.parametrize("name", ["overlapping", "two_classes_with_offset", "weighted_with_offset", "counts"])
def test_effects_are_derivatives_and_differences_of_mean_predictions(name, discrete, kind):
    data = with_dummies(OVERLAPPING[name]())
    estimate = estimate_of(data)
    weights = data.row_weights / data.total_weight
    X = data.X if kind == "average" else np.tile(weights @ data.X, (len(data.y), 1))

    def mean_prediction(values):
        changed = X.copy()
        for column, value in values.items():
            changed[:, column] = value
        return weights @ probabilities(estimate, changed, data.offset)

    result = effects_of(estimate, {"level": (0, 1)}, kind=kind, discrete=discrete)
    if discrete == "factor":
        base = mean_prediction({0: 0.0, 1: 0.0})
        expected = [mean_prediction({0: 1.0, 1: 0.0}) - base, mean_prediction({0: 0.0, 1: 1.0}) - base]
    else:
        expected = [mean_prediction({j: 1.0}) - mean_prediction({j: 0.0}) for j in (0, 1)]
    expected.append(mean_prediction({2: 1.0}) - mean_prediction({2: 0.0}))
    np.testing.assert_allclose(result.estimate[:3], expected, **ROUNDING)
    assert result.is_discrete.tolist() == [True] * 3 + [False] * (data.X.shape[1] - 3)
    for column in range(3, data.X.shape[1]):
        step = 1e-5
        slope = mean_prediction({column: X[:, column] + step}) - mean_prediction({column: X[:, column] - step})
        np.testing.assert_allclose(result.estimate[column], slope / (2.0 * step), **DIFFERENCES)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["overlapping", "two_classes_with_offset", "weighted_with_offset", "counts"])
def test_standard_errors_are_those_of_the_delta_method(name, kind):
    data = with_dummies(OVERLAPPING[name]())
    estimate = estimate_of(data)
    size = len(estimate.information)
    root = np.random.default_rng(1).normal(size=(size, size)) / np.sqrt(estimate.total_weight)

    def effects_at(coordinates):
        moved = estimate.parameters + estimate.coordinates.displacement(coordinates)
        return effects_of(replace(estimate, parameters=moved), {"level": (0, 1)}, kind=kind).estimate

    steps = 1e-4 * np.identity(size)
    gradient = np.array([(effects_at(step) - effects_at(-step)) / 2e-4 for step in steps])
    variance = np.einsum("ajk,ab,bjk->jk", gradient, root @ root.T, gradient)
    result = effects_of(estimate, {"level": (0, 1)}, root, kind=kind)
    np.testing.assert_allclose(result.std_error, np.sqrt(variance), **DIFFERENCES)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", OVERLAPPING)
def test_effects_add_up_to_zero_over_the_classes(name, fit_intercept, kind):
    result = effects_of(estimate_of(OVERLAPPING[name](), fit_intercept=fit_intercept), kind=kind)
    unit = np.nanmax(result.std_error, axis=1, initial=0.0)
    known = unit > 0.0
    np.testing.assert_allclose(result.estimate[known].sum(axis=1) / unit[known], 0.0, atol=1e-9)
    assert known.any()
    if result.estimate.shape[1] == 2:
        np.testing.assert_allclose(result.std_error[:, 0], result.std_error[:, 1], **ROUNDING)


def test_the_published_effect_of_write():
    result = effects_of(estimate_of(hsb2()))
    np.testing.assert_allclose(result.estimate[2], [0.0171411958, -0.0028291625, -0.0143120334], atol=5e-11)
    np.testing.assert_allclose(result.std_error[2], [0.0028767703, 0.0028245666, 0.0025116978], atol=5e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_the_effects_of_statsmodels(kind):
    name = kind.replace("-", "_")
    values = golden("statsmodels")["anes96"][name]
    result = effects_of(estimate_of(anes96()), kind=kind)
    np.testing.assert_allclose(result.estimate, values["effect"], **STATSMODELS)
    np.testing.assert_allclose(result.std_error, values["std_error"], **STATSMODELS)

    # It takes derivatives with respect to dummies; those of columns of 0 and 2 are not taken for dummies here.
    values = golden("statsmodels")["hsb2"][name]
    data = hsb2()
    result = effects_of(estimate_of(replace(data, X=data.X * [2.0, 2.0, 1.0])), kind=kind)
    unit = np.array([[2.0], [2.0], [1.0]])
    np.testing.assert_allclose(unit * result.estimate, values["effect"], **STATSMODELS)
    np.testing.assert_allclose(unit * result.std_error, values["std_error"], **STATSMODELS)


@pytest.mark.parametrize("kind", KINDS)
def test_discrete_changes_by_column_are_those_of_statsmodels(kind):
    values = golden("statsmodels")["hsb2_binary"][kind.replace("-", "_") + "_columns"]
    result = effects_of(estimate_of(hsb2(is_not_academic)), {"ses": (0, 1)}, kind=kind, discrete="column")
    np.testing.assert_allclose(result.estimate[:, 1], values["effect"], **STATSMODELS)
    np.testing.assert_allclose(result.std_error[:, 1], values["std_error"], **STATSMODELS)


@pytest.mark.parametrize("kind", KINDS)
def test_weight_two_is_a_repeated_row(kind):
    data = with_dummies(OVERLAPPING["overlapping"]())
    copies = np.arange(len(data.y)) % 3
    rows = np.repeat(np.arange(len(data.y)), copies)
    weighted = effects_of(estimate_of(replace(data, weights=copies.astype(float))), {"level": (0, 1)}, kind=kind)
    repeated = effects_of(estimate_of(Data(data.X[rows], data.y[rows])), {"level": (0, 1)}, kind=kind)
    np.testing.assert_allclose(weighted.estimate, repeated.estimate, **ROUNDING)
    np.testing.assert_allclose(weighted.std_error, repeated.std_error, **ROUNDING)


@pytest.mark.parametrize("kind", KINDS)
def test_counts_are_repeated_rows(kind):
    data = with_dummies(OVERLAPPING["counts"]())
    rows, classes = np.repeat(np.argwhere(data.y >= 0), data.y.ravel(), axis=0).T
    counted = effects_of(estimate_of(data), kind=kind)
    repeated = effects_of(estimate_of(Data(data.X[rows], classes.astype(np.int32))), kind=kind)
    np.testing.assert_allclose(counted.estimate, repeated.estimate, **ROUNDING)
    np.testing.assert_allclose(counted.std_error, repeated.std_error, **ROUNDING)


@pytest.mark.parametrize("kind", KINDS)
def test_a_factor_with_all_its_dummies_has_the_same_effects_against_its_first_level(kind):
    data = with_dummies(OVERLAPPING["overlapping"]())
    every = replace(data, X=np.column_stack([1.0 - data.X[:, :2].sum(axis=1), data.X]))
    one, other = estimate_of(data), estimate_of(every)
    without, with_base = (
        effects_of(one, {"level": (0, 1)}, kind=kind),
        effects_of(other, {"level": (0, 1, 2)}, kind=kind),
    )
    np.testing.assert_allclose(with_base.estimate, without.estimate, **ROUNDING)
    np.testing.assert_allclose(with_base.std_error, without.std_error, **ROUNDING)
    assert with_base.contrasts[:3] == ("x1 - x0", "x2 - x0", "1 - 0")
    assert without.contrasts[:3] == ("x0 - (base)", "x1 - (base)", "1 - 0")
    assert with_base.terms[:3] == ("level", "level", "x3")
    # Toggled each, the others as they are, nobody knows: the design has no such rows.
    alone = effects_of(other, {"level": (0, 1, 2)}, kind=kind, discrete="column")
    assert np.isnan(alone.estimate[:3]).all()
    assert np.isnan(alone.std_error[:3]).all()
    np.testing.assert_allclose(alone.estimate[3:], without.estimate[2:], **ROUNDING)


def test_what_the_data_do_not_determine_is_nan():
    result = effects_of(estimate_of(OVERLAPPING["collinear"]()))
    assert np.isnan(result.estimate).all(axis=1).tolist() == [True, True, False, True, True, True]
    constant = effects_of(estimate_of(OVERLAPPING["constant_column"]()))
    assert np.isnan(constant.estimate).all(axis=1).tolist() == [False, False, True, False, False]
    assert np.isfinite(np.delete(constant.p_value, 2, axis=0)).all()


def test_the_limit_of_a_separated_fit_has_the_effects_of_what_is_not_separated():
    iris = real_data("iris")
    rest = iris.y > 0
    # Infinitely far from the others: setosa has probability 1 at its rows and 0 elsewhere.
    offset = np.where((iris.y[:, np.newaxis] == 0) == (np.arange(3) == 0), 0.0, -1e4)
    whole, part = estimate_of(replace(iris, offset=offset)), estimate_of(Data(iris.X[rest], iris.y[rest] - 1))
    limit = replace(whole, is_singular=True)
    result, alone = effects_of(limit), effects_of(part)
    share = rest.mean()
    np.testing.assert_allclose(result.estimate[:, 1:], share * alone.estimate, rtol=1e-6)
    np.testing.assert_allclose(result.std_error[:, 1:], share * alone.std_error, rtol=1e-6)
    assert (abs(result.estimate[:, 0]) < 1e-12).all()
    # Nobody knows what is at the mean of the rows: none of them is near.
    assert np.isnan(effects_of(limit, kind="at-means").estimate).all()


def test_a_column_of_ones_in_place_of_the_intercept_has_no_effect_to_speak_of():
    data = with_dummies(OVERLAPPING["overlapping"]())
    one = effects_of(estimate_of(data), {"level": (0, 1)})
    column = replace(data, X=np.insert(data.X, 3, 1.0, axis=1))
    other = effects_of(estimate_of(column, fit_intercept=False), {"level": (0, 1)})
    np.testing.assert_allclose(np.delete(other.estimate, 3, axis=0), one.estimate, **ROUNDING)
    np.testing.assert_allclose(np.delete(other.std_error, 3, axis=0), one.std_error, **ROUNDING)
    assert np.isnan(other.estimate[3]).all()


def test_columns_that_are_no_dummies_of_one_factor_are_treated_by_themselves():
    data = with_dummies(OVERLAPPING["overlapping"]())
    data.X[:10, :2] = 1.0
    estimate = estimate_of(data)
    both, none = effects_of(estimate, {"level": (0, 1)}), effects_of(estimate)
    np.testing.assert_array_equal(both.estimate, none.estimate)
    scaled = estimate_of(replace(data, X=data.X / 3.0))
    np.testing.assert_allclose(
        effects_of(scaled, {"level": (0, 1)}).estimate, effects_of(scaled, discrete="column").estimate, **ROUNDING
    )
    assert not effects_of(scaled).is_discrete.any()


def test_rows_of_weight_zero_do_not_say_what_is_a_dummy():
    data = with_dummies(OVERLAPPING["overlapping"]())
    weights = np.ones(len(data.y))
    weights[:5], data.X[:5, :3] = 0.0, 7.0
    result = effects_of(estimate_of(replace(data, weights=weights)), {"level": (0, 1)})
    rest = effects_of(estimate_of(Data(data.X[5:], data.y[5:])), {"level": (0, 1)})
    assert result.is_discrete.tolist() == rest.is_discrete.tolist()
    np.testing.assert_allclose(result.estimate, rest.estimate, **ROUNDING)
    np.testing.assert_allclose(result.std_error, rest.std_error, **ROUNDING)


@pytest.mark.parametrize("name", ["sparse_rows", "weighted_with_offset", "counts"])
@pytest.mark.parametrize("kind", KINDS)
def test_blocks_and_sparse_rows_change_nothing(name, kind):
    data = OVERLAPPING[name]()
    one = effects_of(estimate_of(replace(data, X=data.dense)), kind=kind)
    many = effects_of(estimate_of(in_several_blocks(data)[0]), kind=kind)
    np.testing.assert_allclose(many.estimate, one.estimate, **ROUNDING)
    np.testing.assert_allclose(many.std_error, one.std_error, **ROUNDING)


def test_intervals_and_p_values():
    result = effects_of(estimate_of(hsb2()), level=0.9)
    np.testing.assert_allclose(result.z, result.estimate / result.std_error, **ROUNDING)
    np.testing.assert_allclose(result.p_value, 2.0 * stats.norm.sf(abs(result.z)), **ROUNDING)
    np.testing.assert_allclose(result.upper - result.estimate, stats.norm.ppf(0.95) * result.std_error, **ROUNDING)
    np.testing.assert_allclose(result.upper + result.lower, 2.0 * result.estimate, **ROUNDING)


def test_with_a_penalty_there_are_no_p_values():
    result = effects_of(estimate_of(hsb2(), 0.01))
    assert result.z is None
    assert result.p_value is None
    assert np.isfinite(result.std_error).all()
    assert result.to_frame().p_value.isna().all()


def test_a_tidy_frame():
    frame = effects_of(estimate_of(hsb2())).to_frame()
    numbers = ["estimate", "std_error", "z", "p_value", "lower", "upper"]
    assert frame.columns.tolist() == ["term", "contrast", "class", *numbers]
    assert frame.contrast.tolist() == ["1 - 0"] * 6 + ["dP/dx"] * 3
    assert frame.term.tolist() == ["x0"] * 3 + ["x1"] * 3 + ["x2"] * 3
    assert frame["class"].tolist() == [0, 1, 2] * 3
    assert frame.estimate[6] == pytest.approx(0.0171411958, abs=5e-11)


@pytest.mark.parametrize("option", [{"kind": "at-median"}, {"discrete": "none"}])
def test_unknown_options_are_refused(option):
    estimate = estimate_of(hsb2())
    with pytest.raises(ValueError, match="must be"):
        effects_of(estimate, **option)


def test_memory_is_that_of_blocks():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(200_000, 10))
    X[:, 0] = X[:, 0] > 0.0
    y = rng.integers(4, size=len(X)).astype(np.int32)
    offset = rng.normal(size=(len(X), 4))
    estimate = estimate_of(Data(X, y, offset=offset))
    effects_of(estimate)  # what is cached is not ours
    for kind in KINDS:
        tracemalloc.start()
        effects_of(estimate, kind=kind)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < X.nbytes / 2


def test_of_a_separated_fit_the_switches_that_do_not_separate_have_effects():
    rng = np.random.default_rng(5)
    data = with_dummies(OVERLAPPING["overlapping"]())
    X = np.insert(data.X, 0, (data.y == 0) & (rng.uniform(size=len(data.y)) < 0.3), axis=1)
    with pytest.warns(SeparationWarning):
        model = SoftmaxGLM(alpha=0).fit(X, data.y)
    result, rest = infer(model, X, data.y), X[:, 0] == 0.0
    alone = infer(SoftmaxGLM(alpha=0).fit(data.X[rest], data.y[rest]), data.X[rest], data.y[rest])
    groups = {"level": ["x1", "x2"]}
    effects, expected = result.marginal_effects(groups=groups), alone.marginal_effects(groups={"level": ["x0", "x1"]})
    assert effects.terms[:3] == ("x0", "level", "level")
    assert np.isnan(effects.estimate[0]).all()
    assert np.isnan(effects.std_error[0]).all()
    np.testing.assert_allclose(effects.estimate[1:], rest.mean() * expected.estimate, rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(effects.std_error[1:], rest.mean() * expected.std_error, rtol=1e-5, atol=1e-12)
    assert np.isnan(result.marginal_effects("at-means").estimate).all()


def test_a_level_that_decides_leaves_the_others_of_its_factor_as_they_are():
    rng = np.random.default_rng(5)
    data = OVERLAPPING["overlapping"]()
    decides = (data.y == 0) & (rng.uniform(size=len(data.y)) < 0.3)
    other = ~decides & (rng.uniform(size=len(data.y)) < 0.5)
    X = np.column_stack([decides, other, data.X]).astype(float)
    with pytest.warns(SeparationWarning):
        model = SoftmaxGLM(alpha=0).fit(X, data.y)
    result = infer(model, X, data.y)
    of_factor = result.marginal_effects(groups={"factor": [0, 1]})
    assert np.isnan(of_factor.estimate).all(axis=1).tolist() == [True, False, *[False] * data.X.shape[1]]
    # Rows at that level leave it for another: what is predicted there is known.
    off, on = (X.copy() for _ in range(2))
    off[:, :2], on[:, :2] = [0.0, 0.0], [0.0, 1.0]
    expected = result.predict(on).probability.mean(axis=0) - result.predict(off).probability.mean(axis=0)
    np.testing.assert_allclose(of_factor.estimate[1], expected, rtol=1e-9)
    assert "infinite estimates leave it open" in " ".join(str(of_factor).split())
    by_column = result.marginal_effects(discrete="column")
    assert np.isnan(by_column.estimate).all(axis=1).tolist() == [True, False, *[False] * data.X.shape[1]]


def of_squares(is_piped):
    """Return an inference of weighted rows, and their columns repeated: a number, a switch, and one mostly 0."""
    rng = np.random.default_rng(7)
    X = np.column_stack([3.0 * rng.normal(size=120), rng.integers(2, size=120), rng.integers(8, size=120) == 0])
    X[:, 2] *= rng.uniform(1.0, 2.0, size=120)
    y, weights = rng.integers(3, size=120), np.arange(120) % 3
    if is_piped:
        model = make_pipeline(PolynomialFeatures(2, include_bias=False), SoftmaxGLM(alpha=0.1))
        model.fit(X, y, softmaxglm__sample_weight=weights)
    else:
        model = SoftmaxGLM(alpha=0.1).fit(X, y, sample_weight=weights)
    return infer(model, X, y, sample_weight=weights), np.repeat(X, weights, axis=0)


@pytest.mark.parametrize("is_piped", [False, True])
def test_effects_per_spread_are_slopes_times_it_and_differences_stay(is_piped):
    result, columns = of_squares(is_piped)
    plain = result.marginal_effects()
    assert plain.is_discrete.tolist() == [False, True, False]
    quartiles = np.quantile(columns, [0.25, 0.75], axis=0, method="inverted_cdf")
    spreads = {"sd": columns.std(axis=0), "iqr": np.ptp(quartiles, axis=0)}
    for per, spread in spreads.items():
        scaled = result.marginal_effects(per=per)
        sizes = np.array([spread[0], 1.0, spread[2] or np.nan])[:, np.newaxis]
        for name in ("estimate", "std_error", "lower", "upper"):
            np.testing.assert_allclose(getattr(scaled, name), sizes * getattr(plain, name), **ROUNDING)
        assert [f"dP/dx per {per.upper()}" in each for each in scaled.contrasts] == [True, False, True]
        words = {"sd": "standard deviation", "iqr": "interquartile range"}[per]
        assert str(scaled).startswith(f"Average marginal effects, of numbers per {words}, on the probability")
        assert replace(scaled, levels=(None,) * 3).of_what == f" per {words}"
        # No interquartile range of a column that is 0 in most rows.
        assert np.isnan(scaled.estimate[2]).all() == (per == "iqr")


def test_units_of_effects_that_there_are_not_are_refused():
    result, _ = of_squares(is_piped=False)
    with pytest.raises(ValueError, match=r"per must be one of .*'sd', 'iqr'.*, got 'mad'"):
        result.marginal_effects(per="mad")
