"""Bias-reduced estimates: Firth's modified score, which is the gradient of the likelihood with Jeffreys' prior."""

import warnings
from dataclasses import replace

import numpy as np
import problems
import pytest
from estimates import golden, other_rows
from problems import Data, drawn_classes, objective_of, rows_and_family
from scipy import optimize, special
from sklearn.preprocessing import SplineTransformer

from softglm import SoftmaxGLM, compare, infer
from softglm.inference.constrained import constrained_fit
from softglm.inference.estimate import estimate_at
from softglm.model import null_model

# logistf and brglm2 stop at 1e-12; pmlr's searches end where its statistics have six digits.
DIGITS = {"rtol": 1e-9, "atol": 1e-9}
SIX_DIGITS = {"rtol": 1e-5, "atol": 1e-5}
# logistf has its tests as p-values, of which 1 - F leaves sixteen decimals.
BY_P_VALUES = {"rtol": 1e-6, "atol": 0.0}
PRINTED = {"rtol": 0.0, "atol": 5.1e-5}
# Two ways to one maximum, from which either stops 1e-10 standard errors.
SAME = {"rtol": 1e-8, "atol": 1e-8}
# A maximum found by differences of values is known to the root of their rounding.
BY_VALUES = {"rtol": 0.0, "atol": 1e-4}
# Central differences of step 1e-5 lose 1e-10 to truncation, and of a criterion of some hundred nats 1e-8 to rounding.
STEP, DIFFERENCES = 1e-5, {"rel": 1e-7, "abs": 1e-5}


def inferred(X, y, *, fit_intercept=True, sample_weight=None, offset=None, **options):
    given = {"sample_weight": sample_weight, "offset": offset}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "SoftmaxGLM separated")
        model = SoftmaxGLM(alpha=0, fit_intercept=fit_intercept).fit(X, y, **given)
    return infer(model, X, y, **given, estimates="bias-reduced", **options)


def inferred_of(data: Data, **options):
    return inferred(data.X, data.y, sample_weight=data.weights, offset=data.offset, **options)


def penalised_log_likelihood(data: Data, coef):
    """By its definition: coef of shape (K - 1, m), constant first, against class 0; the whole information."""
    rows, K = np.column_stack([np.ones(len(data.y)), data.dense]), data.n_classes
    offset = np.zeros((len(rows), K)) if data.offset is None else data.offset.reshape(len(rows), -1)
    if offset.shape[1] == 1:
        offset = np.column_stack([np.zeros(len(rows)), offset])
    log_mean = special.log_softmax(offset + np.column_stack([np.zeros(len(rows)), rows @ coef.T]), axis=1)
    mean, information = np.exp(log_mean)[:, 1:], 0.0
    for row, means, weight in zip(rows, mean, data.row_weights, strict=True):
        information = information + weight * np.kron(np.diag(means) - np.outer(means, means), np.outer(row, row))
    return data.row_weights @ (data.shares * log_mean).sum(axis=1) + np.linalg.slogdet(information)[1] / 2.0


def maximum(data: Data, shape, terms=slice(None)):
    """The highest penalised likelihood by a general optimiser, the coefficients of other terms 0; and where it is."""
    coef = np.zeros(shape)

    def placed(values):
        coef[:, terms] = values.reshape(coef[:, terms].shape)
        return coef

    start = np.zeros(coef[:, terms].size)
    found = optimize.minimize(lambda values: -penalised_log_likelihood(data, placed(values)), start, method="BFGS")
    return -found.fun, placed(found.x)


def few_separated(seed=0, n=24, p=2, n_classes=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    y = (X @ rng.normal(size=(p, n_classes)) + 0.1 * rng.gumbel(size=(n, n_classes))).argmax(axis=1)
    y[:n_classes] = np.arange(n_classes)
    return Data(X, y.astype(np.int32))


def few_weighted_with_offset():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(30, 2))
    y = drawn_classes(rng, X @ rng.normal(size=(2, 3)))
    return Data(X, y, weights=rng.integers(1, 4, size=30).astype(float), offset=rng.normal(size=(30, 3)))


SMALL = {
    "separated": few_separated,
    "two separated classes": lambda: few_separated(n_classes=2),
    "weighted with offset": few_weighted_with_offset,
    "counts": lambda: replace(problems.counts(), X=problems.counts().X[:25, :2], y=problems.counts().y[:25]),
}


@pytest.fixture(scope="module", params=SMALL.values(), ids=SMALL)
def small(request):
    data = request.param()
    return data, inferred_of(data)


def test_the_estimates_maximise_the_likelihood_with_jeffreys_prior(small):
    data, result = small
    estimate = result.coefficients.estimate
    value, expected = maximum(data, estimate.shape)
    np.testing.assert_allclose(estimate, expected, **BY_VALUES)
    assert penalised_log_likelihood(data, estimate) >= value - 1e-12


def test_a_likelihood_ratio_is_twice_the_difference_of_the_highest_penalised_likelihoods(small):
    data, result = small
    shape = result.coefficients.estimate.shape
    best = penalised_log_likelihood(data, result.coefficients.estimate)
    without, _ = maximum(data, shape, [0, *range(2, shape[1])])
    assert result.test_terms("lr").statistic[0] == pytest.approx(2.0 * (best - without), rel=1e-6)


@pytest.mark.parametrize("name", sorted(problems.PROBLEMS))
def test_the_gradient_is_that_of_the_criterion(name):
    data = problems.PROBLEMS[name]()
    objective = objective_of(*rows_and_family(data), 0.0)
    null = estimate_at(objective, null_model(objective).parameters)
    rng = np.random.default_rng(0)
    # A standard error away in every direction.
    away = null.coordinates.displacement(null.inverse_root @ rng.normal(size=null.n_parameters))
    here = estimate_at(objective, null.parameters + away, null.coordinates, is_bias_reduced=True)
    for direction in (null.inverse_root @ rng.normal(size=(null.n_parameters, 3))).T:
        move = STEP * null.coordinates.displacement(direction)
        slope = (here.at(here.parameters + move).criterion - here.at(here.parameters - move).criterion) / (2.0 * STEP)
        assert slope == pytest.approx(-here.gradient @ direction, **DIFFERENCES)


def test_endometrial_has_the_values_of_logistf_and_brglm2():
    frame, expected = other_rows("endometrial"), golden("r_bias_reduced")["endometrial"]
    result = inferred(frame[["NV", "PI", "EH"]].to_numpy(float), frame.HG)
    table = result.profiled()
    np.testing.assert_allclose(table.estimate[0], expected["estimate"], **DIGITS)
    np.testing.assert_allclose(table.std_error[0], expected["std_error"], **DIGITS)
    np.testing.assert_allclose(table.lower[0], expected["lower"], **DIGITS)
    np.testing.assert_allclose(table.upper[0], expected["upper"], **DIGITS)
    np.testing.assert_allclose(result.test_terms().statistic, expected["lr"][1:], **BY_P_VALUES)
    assert result.likelihood_ratio.statistic == pytest.approx(expected["overall"], rel=1e-9)
    assert result.likelihood_ratio.df == 3


def test_weights_and_an_offset_have_the_values_of_logistf():
    frame, expected = other_rows("endometrial"), golden("r_bias_reduced")["weighted_with_offset"]
    given = {"sample_weight": np.array(expected["weights"]), "offset": np.array(expected["offset"])}
    result = inferred(frame[["NV", "PI", "EH"]].to_numpy(float), frame.HG, **given)
    table = result.profiled()
    np.testing.assert_allclose(table.estimate[0], expected["estimate"], **DIGITS)
    np.testing.assert_allclose(table.lower[0], expected["lower"], **DIGITS)
    np.testing.assert_allclose(table.upper[0], expected["upper"], **DIGITS)
    np.testing.assert_allclose(result.test_terms().statistic, expected["lr"][1:], **BY_P_VALUES)
    assert result.likelihood_ratio.statistic == pytest.approx(expected["overall"], rel=1e-9)


def test_a_model_without_intercept_has_the_values_of_brglm2():
    frame, expected = other_rows("endometrial"), golden("r_bias_reduced")["without_intercept"]
    table = inferred(frame[["NV", "PI", "EH"]].to_numpy(float), frame.HG, fit_intercept=False).coefficients
    np.testing.assert_allclose(table.estimate[0], expected["estimate"], **DIGITS)
    np.testing.assert_allclose(table.std_error[0], expected["std_error"], **DIGITS)


def test_alligators_have_the_values_of_brmultinom():
    frame, expected = other_rows("alligators"), golden("r_bias_reduced")["alligators"]
    lakes = ["Oklawaha", "Trafford", "George"]
    X = np.column_stack([frame["size"] == ">2.3", *(frame.lake == lake for lake in lakes)]).astype(float)
    foods = {food: k for k, food in enumerate(["Fish", "Invertebrate", "Reptile", "Bird", "Other"])}
    result = inferred(X, frame.foodchoice.map(foods), sample_weight=frame.freq)
    np.testing.assert_allclose(result.coefficients.estimate, expected["estimate"], **DIGITS)
    np.testing.assert_allclose(result.coefficients.std_error, expected["std_error"], **DIGITS)
    assert result.log_likelihood == pytest.approx(expected["log_likelihood"], rel=1e-11)


@pytest.fixture(scope="module")
def hepatitis():
    """Rows of counts: neither, C, another; withheld or not, before or after screening."""
    frame = other_rows("hepatitis")
    kind = np.where(frame.HCV == 1, 1, 2 * frame.nonABC)
    y = np.zeros((4, 3))
    np.add.at(y, (2 * frame.post + frame.withhold, kind), frame.counts)
    X = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    return inferred(X, y)


def test_hepatitis_has_the_published_estimates(hepatitis):
    expected = [[-2.4257, -1.5659, 1.9567], [-0.3643, -0.3763, 0.2563]]
    np.testing.assert_allclose(hepatitis.coefficients.estimate[:, 1:], expected, **PRINTED)


def test_hepatitis_has_the_tests_and_intervals_of_pmlr(hepatitis):
    expected, table = golden("r_bias_reduced")["hepatitis"], hepatitis.profiled()
    np.testing.assert_allclose(table.estimate, expected["estimate"], **SIX_DIGITS)
    np.testing.assert_allclose(table.lower, expected["lower"], **SIX_DIGITS)
    np.testing.assert_allclose(table.upper, expected["upper"], **SIX_DIGITS)
    np.testing.assert_allclose(hepatitis.test_terms().statistic, expected["terms"], **SIX_DIGITS)


def test_a_saturated_model_has_half_an_observation_more_in_every_cell_of_two():
    counts = np.array([[0, 5], [3, 0], [2, 2]])
    result = inferred(np.identity(3)[:, 1:], counts)
    log_odds = np.log((counts[:, 1] + 0.5) / (counts[:, 0] + 0.5))
    np.testing.assert_allclose(result.coefficients.estimate[0], log_odds - [0.0, *log_odds[[0, 0]]], **SAME)


def test_constants_alone_have_half_an_observation_more_in_every_class(hepatitis):
    totals = np.array([4549.0, 13.0, 26.0]) + 0.5
    table = hepatitis.null.coefficients
    np.testing.assert_allclose(table.estimate[:, 0], np.log(totals[1:] / totals[0]), **SAME)


def test_a_class_that_is_absent_changes_nothing():
    data = few_separated(n_classes=2)
    labels = np.array(["a", "c"])[data.y]
    three = np.column_stack([data.shares[:, 0], np.zeros(len(data.y)), data.shares[:, 1]])
    with pytest.warns(UserWarning, match="total weight of the classes"):
        one = inferred(data.X, three)
    other = inferred(data.X, labels)
    np.testing.assert_allclose(one.coefficients.estimate, other.coefficients.estimate, **SAME)
    np.testing.assert_allclose(one.coefficients.std_error, other.coefficients.std_error, **SAME)


def test_a_row_of_weight_two_is_two_rows():
    data = few_weighted_with_offset()
    copies = data.weights.astype(int)
    repeated = Data(
        np.repeat(data.X, copies, axis=0), np.repeat(data.y, copies), None, np.repeat(data.offset, copies, 0)
    )
    one, other = inferred_of(data), inferred_of(repeated)
    np.testing.assert_allclose(one.coefficients.estimate, other.coefficients.estimate, **SAME)
    np.testing.assert_allclose(one.coefficients.std_error, other.coefficients.std_error, **SAME)
    np.testing.assert_allclose(one.test_terms().statistic, other.test_terms().statistic, **SAME)


def test_a_row_of_counts_is_as_many_rows():
    data = SMALL["counts"]()
    rows, classes = (np.repeat(places, data.y.ravel()) for places in np.indices(data.y.shape).reshape(2, -1))
    one, other = inferred_of(data), inferred(data.X[rows], classes)
    np.testing.assert_allclose(one.coefficients.estimate, other.coefficients.estimate, **SAME)
    np.testing.assert_allclose(one.test_terms().statistic, other.test_terms().statistic, **SAME)


def test_linear_maps_and_shifts_of_the_columns_move_with_the_estimates():
    data, rng = few_separated(p=3), np.random.default_rng(2)
    mixed, shift = rng.normal(size=(3, 3)) * [1e-3, 1.0, 1e4], np.array([5.0, -100.0, 1e3])
    one, other = inferred_of(data), inferred(data.X @ mixed + shift, data.y)
    slopes = other.coefficients.estimate[:, 1:] @ mixed.T
    np.testing.assert_allclose(slopes, one.coefficients.estimate[:, 1:], **SAME)
    intercepts = other.coefficients.estimate[:, 0] + other.coefficients.estimate[:, 1:] @ shift
    np.testing.assert_allclose(intercepts, one.coefficients.estimate[:, 0], **SAME)
    assert one.likelihood_ratio.statistic == pytest.approx(other.likelihood_ratio.statistic, rel=1e-8)


def test_the_order_of_the_classes_and_the_base_change_nothing():
    data = few_separated(n_classes=4, n=40)
    one, other = inferred_of(data), inferred(data.X, 3 - data.y)
    np.testing.assert_allclose(one.rebase(3).coefficients.estimate[::-1], other.coefficients.estimate, **SAME)
    np.testing.assert_allclose(one.test_terms().statistic, other.test_terms().statistic, **SAME)


def test_collinear_columns_leave_the_same_model_and_are_not_estimable():
    data = few_separated()
    redundant = np.column_stack([data.X, data.X.sum(axis=1), np.ones(len(data.y))])
    one, other = inferred_of(data), inferred(redundant, data.y)
    np.testing.assert_allclose(one.predict(data.X).probability, other.predict(redundant).probability, **SAME)
    assert one.n_parameters == other.n_parameters
    assert other.test_terms().df.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("seed", range(8))
def test_a_maximum_is_reached_however_few_the_rows_and_many_the_classes(seed):
    n_classes = 2 + seed % 4
    result = inferred_of(few_separated(seed, n=10, p=3, n_classes=n_classes))
    assert result.optimisation_error < 1e-8
    assert np.isfinite(result.coefficients.estimate).all()
    assert result.separation == "none"


def test_many_rows_leave_hardly_a_bias_to_reduce():
    data = problems.overlapping()
    many = Data(np.tile(data.X, (50, 1)), np.tile(data.y, 50))
    fitted = infer(SoftmaxGLM(alpha=0).fit(many.X, many.y), many.X, many.y)
    reduced = inferred_of(many)
    difference = np.abs(reduced.coefficients.estimate - fitted.coefficients.estimate) / fitted.coefficients.std_error
    assert 0.0 < difference.max() < 0.1


def test_everything_else_is_said_of_the_bias_reduced_estimates():
    data = few_separated()
    result = inferred_of(data, covariance="robust")
    intercept, coef = np.split(result.coefficients.estimate, [1], axis=1)
    eta = np.column_stack([np.zeros(len(data.X)), data.X @ coef.T + intercept.T])
    np.testing.assert_allclose(result.predict(data.X).probability, special.softmax(eta, axis=1), **SAME)
    assert np.isfinite(result.marginal_effects().std_error).all()
    assert np.isfinite(result.test_terms("wald").statistic).all()
    assert np.isfinite(result.leverage).all()


def test_the_report_says_that_estimates_are_bias_reduced():
    report = str(inferred_of(few_separated()))
    assert report.startswith("Bias-reduced multinomial logit, base class: 0")
    words = " ".join(report.split())
    assert "Estimates: bias-reduced (Firth 1993)" in words
    assert "The classes are separated: by maximum likelihood some of the coefficients are infinite." in words


def test_the_report_of_separated_classes_names_the_remedy():
    data = few_separated()
    with pytest.warns(UserWarning, match='infer from this fit with estimates="bias-reduced"'):
        model = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    assert 'and so does infer with estimates="bias-reduced".' in " ".join(str(infer(model, data.X, data.y)).split())


def test_what_has_no_bias_that_is_known_is_refused_with_the_remedy():
    data = problems.overlapping()
    given = {"estimates": "bias-reduced"}
    with pytest.raises(ValueError, match=r"takes the place of a penalty.*Refit with alpha=0"):
        infer(SoftmaxGLM().fit(data.X, data.y), data.X, data.y, **given)
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    with pytest.raises(ValueError, match="estimates must be one of"):
        infer(model, data.X, data.y, estimates="firth")
    with pytest.raises(ValueError, match="takes the ridge of a model as a prior"):
        infer(model, data.X, data.y, covariance="laplace", **given)
    clusters = np.arange(len(data.y)) % 7
    with pytest.raises(ValueError, match="do not sum to 0"):
        infer(model, data.X, data.y, covariance="CR2", clusters=clusters, **given)
    clustered = infer(model, data.X, data.y, covariance="cluster", clusters=clusters, **given)
    with pytest.raises(ValueError, match=r"bootstrap_test needs scores.*bias-reduced"):
        clustered.bootstrap_test(clustered.features[0])
    weighted = SoftmaxGLM(alpha=0, class_weight={0: 2.0, 1: 1.0, 2: 1.0}).fit(data.X, data.y)
    for covariance in ("model", "robust"):
        with pytest.raises(ValueError, match="leave no likelihood"):
            infer(weighted, data.X, data.y, covariance=covariance, **given)
    result = infer(model, data.X, data.y, **given)
    with pytest.raises(ValueError, match="penalised by different amounts"):
        compare(None, result)
    with pytest.raises(ValueError, match="standard errors from the optimum"):
        infer(model, data.X[::-1], data.y, **given)


def several_maxima():
    """An offset of four nats for a class that was often not the observed one."""
    x = np.array([3.0, -1.0, 2.0, 1.0, -2.0, 0.0, 3.0, -3.0, -3.0, -2.0, 3.0, 2.0])
    y = np.array([2, 2, 0, 1, 1, 1, 2, 2, 2, 2, 0, 1], dtype=np.int32)
    favoured = [2, 1, 0, 2, 2, 2, 2, 2, 2, 0, 2, 1]
    return Data(x[:, np.newaxis], y, offset=4.0 * np.identity(3)[favoured])


def climbed_from_around(estimate):
    """The maxima of twelve climbs, from three standard errors away."""
    moves = 3.0 * np.random.default_rng(0).normal(size=(12, estimate.n_parameters)) @ estimate.inverse_root.T
    starts = [estimate.at(estimate.parameters + estimate.coordinates.displacement(move)) for move in moves]
    everywhere = np.zeros((0, estimate.n_parameters)), np.zeros(0)
    return [estimate.at(constrained_fit(start, *everywhere).parameters) for start in starts]


def test_of_several_maxima_the_highest_is_taken_and_the_report_says_so():
    result = inferred_of(several_maxima())
    found = np.array([maximum.criterion for maximum in climbed_from_around(result.estimate)])
    assert found.max() == pytest.approx(result.estimate.criterion, abs=1e-8)
    assert found.min() < result.estimate.criterion - 1e-2
    assert "has several maxima, and the estimates are the highest one found" in " ".join(str(result).split())


@pytest.mark.parametrize("seed", [5, 6, 17, 19, 24])
def test_a_fit_that_went_far_out_does_not_hide_the_maximum_near_the_null_model(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(60, 1))
    y = (1.5 * x[:, 0] + rng.logistic(size=60) > 0.0).astype(np.int32)
    # Of the outer columns few rows know: their coefficients go to hundreds, separated or not.
    spline = SplineTransformer(n_knots=4, include_bias=False, extrapolation="linear")
    estimate = inferred(spline.fit_transform(x), y).estimate
    start = estimate.at(null_model(estimate.objective).parameters)
    climbed = constrained_fit(start, np.zeros((0, start.n_parameters)), np.zeros(0))
    assert estimate.criterion >= climbed.criterion - SAME["atol"]


def test_no_likelihood_ratio_is_told_of_a_maximum_that_is_not_the_highest():
    highest = inferred_of(several_maxima()).estimate
    lower = min(climbed_from_around(highest), key=lambda maximum: maximum.criterion)
    away = highest.coordinates.features_at(highest.parameters - lower.parameters) @ highest.coordinates.classes
    way = (away / highest.coordinates.scales).ravel()
    with pytest.raises(ArithmeticError, match=r'several maxima.*Use test_terms\("wald"\)'):
        constrained_fit(lower, way[np.newaxis] / (way @ way), np.ones(1))


def test_a_report_without_a_likelihood_ratio_has_walds_test(monkeypatch):
    def refuse(_estimate):
        raise ArithmeticError

    monkeypatch.setattr("softglm.inference.facts.overall_ratio", refuse)
    assert inferred_of(few_separated()).overall_test[0] == "Wald"
