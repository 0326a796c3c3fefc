"""Contrasts of mean probabilities: those of other programs, and differences of predictions wherever those are taken."""

import numpy as np
import pandas as pd
import pytest
from estimates import golden, other_rows
from problems import OVERLAPPING, collinear
from scipy.special import logit, softmax
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

from softglm import SeparationWarning, SoftmaxGLM, infer
from softglm.inference import multiplicity
from softglm.inference.contrasts import Contrasts

ROUNDING = {"rtol": 1e-9, "atol": 1e-12}
# Central differences of step 1e-5 in coefficients of order one.
DIFFERENCES = {"rtol": 1e-5, "atol": 1e-9}
# marginaleffects differentiates numerically, by forward differences.
MARGINALEFFECTS = {"rtol": 1e-5, "atol": 1e-7}
# What nnet's optimiser leaves of its Hessian.
NNET = {"rtol": 1e-4, "atol": 1e-6}
# Simulation errors of mvtnorm and ours.
SIMULATED = 0.003
KINDS = {"difference": lambda p: p, "ratio": np.log, "odds_ratio": logit}


def encoder():
    return OneHotEncoder(drop="first", sparse_output=False)


def product_of(factor, number, *others):
    """A factor, a number and their products, beside other columns."""
    both = make_column_transformer((encoder(), [factor]), (StandardScaler(), [number]))
    return make_union(
        make_pipeline(both, PolynomialFeatures(2, interaction_only=True, include_bias=False)),
        make_column_transformer(*others),
    )


def inferred(steps, X, y, **options):
    return infer(make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(X, y), X, y, **options)


@pytest.fixture(scope="module")
def voters():
    frame = other_rows("beps")
    steps = product_of("political.knowledge", "Europe", (encoder(), ["gender"]), (StandardScaler(), ["age"]))
    return inferred(steps, frame, frame["vote"])


@pytest.fixture(scope="module")
def women():
    frame = other_rows("womenlf")
    return inferred(product_of("children", "hincome", (encoder(), ["region"])), frame, frame["partic"])


def moved(X, by=1.0):
    """The rows with the first column moved."""
    return np.column_stack([X[:, 0] + by, X[:, 1:]])


def on_scale(found):
    """Estimates and standard errors where they were made."""
    if found.kind == "difference":
        return found.estimate, found.std_error
    return np.log(found.estimate), found.std_error / found.estimate


@pytest.mark.parametrize(
    ("name", "variable", "options"),
    [
        ("reference", "political.knowledge", {}),
        ("pairwise", "political.knowledge", {"pairs": "pairwise"}),
        ("values", "Europe", {"values": [3, 9]}),
        ("iqr", "Europe", {"values": "iqr", "kind": "odds_ratio"}),
        ("ratio_by_gender", "political.knowledge", {"kind": "ratio", "by": "gender"}),
        ("odds_ratio_by_gender", "political.knowledge", {"kind": "odds_ratio", "by": "gender"}),
        ("values_by_knowledge", "Europe", {"values": [3, 9], "by": "political.knowledge"}),
    ],
)
def test_averages_are_those_of_marginaleffects(voters, name, variable, options):
    expected = golden("marginaleffects")[name]
    found = voters.contrasts(variable, **options)
    estimate, std_error = on_scale(found)
    order = range(len(estimate))
    if name == "pairwise":  # whose second levels go fastest
        named = dict(zip(found.contrasts, order, strict=True))
        order = [named[contrast] for contrast in expected["contrasts"]]
    np.testing.assert_allclose(estimate[order], expected["estimate"], **MARGINALEFFECTS)
    np.testing.assert_allclose(std_error[order], expected["std_error"], **MARGINALEFFECTS)


def test_tables_are_those_of_marginaleffects_which_moves_half_a_unit_down_and_up(voters):
    expected, frame = golden("marginaleffects")["unit"], other_rows("beps")
    found = voters.contrasts([frame.assign(Europe=frame["Europe"] + half) for half in (-0.5, 0.5)])
    np.testing.assert_allclose(found.estimate, expected["estimate"], **MARGINALEFFECTS)
    np.testing.assert_allclose(found.std_error, expected["std_error"], **MARGINALEFFECTS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "factor"), [("regions", "region"), ("children", "children")])
def test_at_a_place_they_are_those_of_emmeans_and_so_are_their_adjusted_p_values(women, name, factor, kind):
    golden_values = golden("r_contrasts")["womenlf"][name]
    expected = golden_values[kind]
    found = women.contrasts(factor, kind=kind, at=golden_values["at"], adjust="holm")
    order = [found.classes.tolist().index(label) for label in golden("r_contrasts")["womenlf"]["classes"]]
    estimate, std_error = on_scale(found)
    np.testing.assert_allclose(estimate[:, order], expected["estimate"], **NNET)
    np.testing.assert_allclose(std_error[:, order], expected["std_error"], **NNET)
    np.testing.assert_allclose(found.p_value[:, order], expected["holm"], rtol=2e-3)
    largest = women.contrasts(factor, kind=kind, at=golden_values["at"], adjust="max-t")
    np.testing.assert_allclose(largest.p_value[:, order], expected["largest"], atol=SIMULATED)
    assert largest.quantile == pytest.approx(expected["quantile"], abs=10 * SIMULATED)
    assert 0.0 < largest.simulation_error < SIMULATED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["overlapping", "two_classes_with_offset", "weighted_with_offset", "sparse_rows"])
def test_they_are_contrasts_of_mean_predictions_and_their_covariance_that_of_the_delta_method(name, kind):
    data = OVERLAPPING[name]()
    given = {"sample_weight": data.weights, "offset": data.offset}
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y, **given), data.X, data.y, **given)
    X, offset, shape = np.array(data.dense, dtype=float), 0.0, result.coefficients.estimate.shape
    if data.offset is not None:
        offset = data.offset if np.ndim(data.offset) == 2 else np.outer(data.offset, [0.0, 1.0])
    groups = np.arange(len(X)) % 2

    def contrasts(flat):
        coded = np.vstack([np.zeros(shape[1]), flat.reshape(shape)])
        rows = []
        for group in (0, 1):
            weights = np.where(groups == group, data.row_weights, 0.0)
            means = [
                np.average(softmax(coded[:, 0] + there @ coded[:, 1:].T + offset, axis=1), axis=0, weights=weights)
                for there in (X, moved(X, 2.0))
            ]
            rows.append(KINDS[kind](means[1]) - KINDS[kind](means[0]))
        return np.concatenate(rows)

    flat, step = result.coefficients.estimate.ravel(), 1e-5
    units = step * np.identity(len(flat))
    jacobian = np.stack([(contrasts(flat + unit) - contrasts(flat - unit)) / (2 * step) for unit in units], axis=-1)
    covariance = jacobian @ result.covariance_matrix @ jacobian.T
    found = result.contrasts(0, 2, kind, by=groups)
    estimate, std_error = on_scale(found)
    np.testing.assert_allclose(estimate.ravel(), contrasts(flat), **ROUNDING)
    scale = np.ones(len(covariance)) if kind == "difference" else found.estimate.ravel()
    np.testing.assert_allclose(found.covariance, covariance * np.outer(scale, scale), **DIFFERENCES)
    np.testing.assert_allclose(found.covariance.diagonal(), found.std_error.ravel() ** 2, rtol=1e-12)
    reach = 1.959963984540054 * std_error
    ends = [estimate - reach, estimate + reach]
    expected = np.clip(ends, -1.0, 1.0) if kind == "difference" else np.exp(ends)
    np.testing.assert_allclose([found.lower, found.upper], expected, **ROUNDING)
    np.testing.assert_allclose(found.z, estimate / std_error, rtol=1e-12)


@pytest.mark.parametrize(("kind", "at"), list(zip(KINDS, ["average", "means", {"children": "present"}], strict=True)))
def test_they_are_contrasts_of_average_predictions(women, kind, at):
    for variable, values in (("region", None), ("hincome", [5, 12, 30])):
        means = KINDS[kind](women.average_predictions(variable, values, at).probability)
        found = women.contrasts(variable, values, kind, at)
        np.testing.assert_allclose(on_scale(found)[0], means[1:] - means[0], **ROUNDING)


def test_moved_numbers_are_tables_of_moved_rows(women):
    frame = other_rows("womenlf")
    groups = frame["children"].to_numpy()
    for by in (None, groups):
        found = women.contrasts("hincome", 2, by=by, pairs="pairwise")
        tables = women.contrasts((frame, frame.assign(hincome=frame["hincome"] + 2)), by=by)
        np.testing.assert_allclose(found.estimate, tables.estimate, **ROUNDING)
        np.testing.assert_allclose(found.covariance, tables.covariance, rtol=1e-6, atol=1e-12)
    deviation = frame["hincome"].std(ddof=0)
    np.testing.assert_allclose(
        women.contrasts("hincome", "sd").estimate, women.contrasts("hincome", deviation).estimate, **ROUNDING
    )
    assert women.contrasts("hincome").contrasts == ("+1",)


def test_tables_have_offsets_of_their_own():
    data = OVERLAPPING["two_classes_with_offset"]()
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y, offset=data.offset), data.X, data.y, offset=data.offset)
    tables = result.contrasts((data.X, moved(data.X)), offset=(data.offset, data.offset))
    np.testing.assert_allclose(tables.estimate, result.contrasts(0).estimate, **ROUNDING)
    np.testing.assert_allclose(tables.std_error, result.contrasts(0).std_error, **ROUNDING)
    exposed = result.contrasts((data.X, data.X), offset=(data.offset, data.offset + 1.0))
    assert exposed.estimate[0, 1] > 0.0
    with pytest.raises(ValueError, match="offset"):
        result.contrasts((data.X, data.X))


def test_at_means_a_number_is_moved_from_its_mean_and_groups_are_set(women):
    frame = other_rows("womenlf")
    mean = frame["hincome"].mean()
    found = women.contrasts("hincome", at="means", by="children")
    assert found.groups == ("absent", "present")
    for row, children in enumerate(found.groups):
        expected = women.contrasts("hincome", [mean, mean + 1.0], at={"children": children})
        np.testing.assert_allclose(found.estimate[row], expected.estimate[0], **ROUNDING)
        np.testing.assert_allclose(found.std_error[row], expected.std_error[0], **ROUNDING)


def test_groups_by_a_column_are_those_of_its_labels_and_of_weights(women):
    children = other_rows("womenlf")["children"].to_numpy()
    named, labelled = (women.contrasts("region", by=by) for by in ("children", children))
    np.testing.assert_array_equal(named.estimate, labelled.estimate)
    assert (named.by, labelled.by) == ("children", "group")
    means = [
        women.predict(other_rows("womenlf").assign(region=level)).probability[children == "present"].mean(0)
        for level in ("Atlantic", "Quebec")
    ]
    np.testing.assert_allclose(named.estimate[-1], means[1] - means[0], **ROUNDING)


def test_a_contrast_of_rows_is_that_of_their_joint_predictions(women):
    frame = other_rows("womenlf").head(6)
    first, second = frame.iloc[:3], frame.iloc[3:]
    joint = women.predict(frame, joint=True)
    weights = np.kron(np.repeat([-1.0, 1.0], 3) / 3.0, np.identity(3))
    found = women.contrasts((first, second))
    np.testing.assert_allclose(found.estimate[0], weights @ joint.probability.ravel(), **ROUNDING)
    np.testing.assert_allclose(found.covariance, weights @ joint.covariance @ weights.T, **ROUNDING)


def test_dummies_of_a_model_without_a_pipeline_are_levels():
    rng = np.random.default_rng(3)
    level = rng.integers(3, size=300)
    X = np.column_stack([level == 1, level == 2, rng.normal(size=300)]).astype(float)
    y = (rng.uniform(size=300) < 0.2 + 0.25 * level).astype(np.int32)
    result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    found = result.contrasts("level", groups={"level": [0, 1]}, base="none", pairs="pairwise")
    assert found.contrasts == ("x0 - none", "x1 - none", "x1 - x0")
    means = result.average_predictions("level", groups={"level": [0, 1]}).probability
    np.testing.assert_allclose(
        found.estimate, [means[1] - means[0], means[2] - means[0], means[2] - means[1]], rtol=1e-9
    )
    assert result.contrasts("x1").contrasts == ("1 - 0",)
    there = result.contrasts("x2", at={"x0": 1.0, "x1": 0.0})
    here = result.predict(np.array([[1.0, 0.0, X[:, 2].mean()], [1.0, 0.0, X[:, 2].mean() + 1.0]])).probability
    np.testing.assert_allclose(there.estimate[0], here[1] - here[0], **ROUNDING)
    by = result.contrasts("x2", by="x1")
    assert by.groups == (0.0, 1.0)
    np.testing.assert_allclose(by.estimate, result.contrasts("x2", by=X[:, 1]).estimate, **ROUNDING)


def test_rows_of_weight_0_and_missing_labels_are_in_no_group():
    data = OVERLAPPING["overlapping"]()
    n = len(data.y)
    weights = np.where(np.arange(n) < 20, 0.0, 1.0)
    labels = np.where(np.arange(n) < 20, "never", "always").astype(object)
    labels[-5:] = None
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y, sample_weight=weights)
    result = infer(model, data.X, data.y, sample_weight=weights)
    found = result.contrasts(0, by=labels)
    assert found.groups == ("always",)
    rest = data.X[20:-5]
    expected = result.contrasts((rest, moved(rest)))
    np.testing.assert_allclose(found.estimate, expected.estimate, **ROUNDING)


def test_frequency_weights_are_repeated_rows():
    data = OVERLAPPING["overlapping"]()
    copies = np.arange(len(data.y)) % 3
    X, y = np.repeat(data.X, copies, axis=0), np.repeat(data.y, copies)
    weighted = infer(
        SoftmaxGLM(alpha=0).fit(data.X, data.y, sample_weight=copies), data.X, data.y, sample_weight=copies
    )
    repeated = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    for values in (1, "sd", "iqr"):
        one, other = (each.contrasts(1, values, "ratio") for each in (weighted, repeated))
        np.testing.assert_allclose(one.estimate, other.estimate, rtol=1e-7)
        np.testing.assert_allclose(one.std_error, other.std_error, rtol=1e-6)


def test_robust_errors_t_distributions_and_penalties_are_followed():
    data = OVERLAPPING["overlapping"]()
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    robust = infer(model, data.X, data.y, covariance="robust", distribution="t")
    plain = infer(model, data.X, data.y).contrasts(0)
    found = robust.contrasts(0)
    np.testing.assert_array_equal(found.estimate, plain.estimate)
    assert (np.abs(found.std_error / plain.std_error - 1.0) > 1e-3).all()
    assert found.quantile > plain.quantile
    largest = robust.contrasts(0, [-1.0, 0.0, 1.0], adjust="max-t")
    assert found.quantile < largest.quantile < robust.contrasts(0).quantile + 1.0
    assert (largest.p_value >= robust.contrasts(0, [-1.0, 0.0, 1.0]).p_value).all()
    penalised = infer(SoftmaxGLM().fit(data.X, data.y), data.X, data.y)
    assert penalised.contrasts(0).z is None
    assert penalised.contrasts(0).to_frame()["p_value"].isna().all()
    with pytest.raises(ValueError, match=r"Adjusted tests need a fit without penalty"):
        penalised.contrasts(0, adjust="holm")


def test_intervals_stay_inside_their_range():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(25, 1))
    y = (X[:, 0] + rng.normal(size=25) > 0).astype(int)
    result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    assert result.contrasts(0, [-3.0, 3.0]).upper.max() == 1.0
    for kind in ("ratio", "odds_ratio"):
        found = result.contrasts(0, [-3.0, 3.0], kind)
        assert (found.lower > 0.0).all()
        assert (found.lower < found.estimate).all()


def test_of_separated_classes_what_is_finite_is_contrasted():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(300, 3))
    y = rng.integers(3, size=300).astype(np.int32)
    X[:, 0] = (y == 0) & (rng.uniform(size=300) < 0.3)
    with pytest.warns(SeparationWarning):
        result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    rest = X[:, 0] == 0.0
    alone = infer(SoftmaxGLM(alpha=0).fit(X[rest, 1:], y[rest]), X[rest, 1:], y[rest])
    found, expected = result.contrasts(1), alone.contrasts(0)
    np.testing.assert_allclose(found.estimate, rest.mean() * expected.estimate, rtol=1e-6)
    np.testing.assert_allclose(found.std_error, rest.mean() * expected.std_error, rtol=1e-6)
    assert np.isnan(result.contrasts(0, adjust="max-t").estimate).all()
    groups = result.contrasts(1, by="x0", kind="ratio", adjust="holm")
    np.testing.assert_allclose(groups.estimate[0], alone.contrasts(0, kind="ratio").estimate[0], rtol=1e-6)
    # Where the dummy is on, class 0 is certain, and all others have probability 0.
    assert groups.estimate[1, 0] == 1.0
    assert np.isnan(groups.z[1]).all()
    assert np.isnan(result.contrasts((X[:2], moved(X[rest][:2]))).estimate).all()
    assert "-: infinite estimates leave it open" in str(result.contrasts(0))


def test_what_collinear_columns_leave_undetermined_is_nan():
    data = collinear()
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y)
    effects = result.marginal_effects().estimate
    for column, effect in enumerate(effects):
        assert np.isnan(result.contrasts(column, 1).estimate).all() == np.isnan(effect).all()
    tables = result.contrasts((data.X[:5], data.X[5:10]))
    assert np.isfinite(tables.estimate).all()


def test_no_adjustment_is_pointwise_and_adjusted_p_values_are_ordered(women):
    plain, holm, largest = (women.contrasts("region", adjust=how) for how in (None, "holm", "max-t"))
    assert (plain.p_value <= largest.p_value).all()
    assert (largest.p_value <= np.minimum(1.0, plain.p_value.size * plain.p_value)).all()
    assert (plain.p_value <= holm.p_value).all()
    np.testing.assert_array_equal(holm.lower, plain.lower)
    assert (largest.lower < plain.lower).all()
    again = women.contrasts("region", adjust="max-t")
    np.testing.assert_array_equal(again.p_value, largest.p_value)


def test_of_two_classes_holm_counts_the_hypotheses_once():
    data = OVERLAPPING["two_classes_with_offset"]()
    given = {"offset": data.offset}
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y, **given), data.X, data.y, **given)
    for adjust in ("holm", "max-t"):
        single = result.contrasts(0, adjust=adjust)
        np.testing.assert_allclose(single.p_value, result.contrasts(0).p_value, **ROUNDING)
    several = result.contrasts(0, [0.0, 0.5, 3.0], adjust="holm")
    np.testing.assert_array_equal(
        several.p_value[:, 0], multiplicity.holm(result.contrasts(0, [0.0, 0.5, 3.0]).p_value[:, 0])
    )


def test_a_table_says_what_it_holds(women):
    found = women.contrasts("region", by="children", kind="odds_ratio", adjust="max-t")
    text = str(found)
    assert text.startswith("Odds ratios, of each class against all others, of probabilities averaged over the rows of")
    assert "region: BC / Atlantic, children = absent" in text
    assert "hold for all 24 together" in text.replace("\n", " ")
    frame = found.to_frame()
    assert list(frame) == [
        "term",
        "contrast",
        "group",
        "class",
        "estimate",
        "std_error",
        "z",
        "p_value",
        "lower",
        "upper",
    ]
    assert len(frame) == found.estimate.size
    np.testing.assert_array_equal(frame["p_value"], found.p_value.ravel())
    assert isinstance(found, Contrasts)
    assert "group" not in women.contrasts("hincome").to_frame()


def test_what_makes_no_sense_is_refused(women):
    n = len(other_rows("womenlf"))
    for message, variable, options in (
        ("kind must be one of", "hincome", {"kind": "quotient"}),
        ("pairs must be one of", "hincome", {"pairs": "all"}),
        ("adjust must be one of", "hincome", {"adjust": "tukey"}),
        ("holds one value", "hincome", {"values": [3]}),
        ("is for a number, and this has levels", "children", {"values": "sd"}),
        ("is for a number, and this has levels", ["hincome", "children"], {"values": 1}),
        ("values is missing", ["hincome", "children"], {}),
        ("no column 'height'", "height", {}),
        ("no column 'height'", "hincome", {"by": "height"}),
        ("by has shape", "hincome", {"by": np.zeros(n - 1)}),
        ("by holds labels of rows", "hincome", {"by": np.zeros(n), "at": "means"}),
        ("different values in 'group', expected at most 250", "hincome", {"by": np.arange(n)}),
        ("named twice", "hincome", {"by": "hincome", "at": "means"}),
        ("finite", "hincome", {"values": np.inf}),
        ("There is no column 99", "hincome", {"by": 99}),
        ("offset is of two tables", "hincome", {"offset": (None, None)}),
        ("values, at and groups are of columns", (other_rows("womenlf"), other_rows("womenlf")), {"values": [0, 1]}),
        ("got a tuple to compare.*pair of tables", (other_rows("womenlf"),), {}),
        ("got a DataFrame to compare", other_rows("womenlf"), {}),
        ("of two tables is a pair", (other_rows("womenlf"), other_rows("womenlf")), {"offset": np.zeros(n)}),
        ("by has shape", (other_rows("womenlf").head(3), other_rows("womenlf").head(4)), {"by": [0, 1, 0]}),
    ):
        with pytest.raises(ValueError, match=message):
            women.contrasts(variable, **options)


def test_names_may_be_in_any_list(women):
    values = [[10, "absent"], [20, "present"]]
    for names in (("hincome", "children"), pd.Index(["hincome", "children"]), np.array(["hincome", "children"])):
        assert women.contrasts(names, values).term == "hincome, children"


def test_groups_have_the_order_of_levels_or_of_categories():
    frame = pd.DataFrame({"z": np.random.default_rng(0).normal(size=90), "size": ["small", "large", "middle"] * 30})
    order = ["small", "middle", "large"]
    frame["size"] = pd.Categorical(frame["size"], order)
    levels = OneHotEncoder(categories=[order], drop="first", sparse_output=False)
    y = (np.random.default_rng(1).normal(size=90) + frame["z"] > 0).astype(int)
    result = inferred(make_column_transformer((levels, ["size"]), ("passthrough", ["z"])), frame, y)
    assert result.contrasts("z", by="size").groups == tuple(order)
    for labels in (frame["size"], frame["size"].array):
        assert result.contrasts("z", by=labels).groups == tuple(order)
    assert result.contrasts("z", by=pd.cut(frame["z"], 2)).groups == tuple(pd.cut(frame["z"], 2).cat.categories)
    polars = pytest.importorskip("polars")
    enum = polars.Series(frame["size"].tolist(), dtype=polars.Enum(order))
    assert result.contrasts("z", by=enum).groups == tuple(order)


def test_rows_of_counts_are_averaged_by_their_totals():
    data = OVERLAPPING["counts"]()
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y)
    means = [
        np.average(result.predict(X).probability, axis=0, weights=data.y.sum(axis=1)) for X in (data.X, moved(data.X))
    ]
    np.testing.assert_allclose(result.contrasts(0).estimate[0], means[1] - means[0], **ROUNDING)


def test_a_constant_column_has_no_contrasts():
    data = OVERLAPPING["overlapping"]()
    X = np.column_stack([data.X, np.ones(len(data.y))])
    result = infer(SoftmaxGLM(alpha=0).fit(X, data.y), X, data.y)
    for adjust in ("holm", "max-t"):
        contrasts = result.contrasts(X.shape[1] - 1, [0, 1], adjust=adjust)
        assert np.isnan(contrasts.p_value).all()
        assert "together" not in str(contrasts)
