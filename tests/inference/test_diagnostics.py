from dataclasses import replace

import numpy as np
import pytest
from estimates import estimate_of, golden, housing_counts, hsb2, in_several_blocks, is_not_academic
from problems import OVERLAPPING, Data

from softglm.inference.diagnostics import adjusted_scores, cooks_distance, dfbeta, leverage, residuals
from softglm.inference.estimate import estimate_at
from softglm.inference.forms import contrast_forms

# Sums of products of order 1 that pass through one inverse.
ROUNDING = {"rtol": 1e-9, "atol": 1e-11}
# glm stops a Newton step after the deviance does.
R = {"rtol": 1e-7, "atol": 1e-9}
# Coefficients of collinear columns are not identified.
FULL_RANK = sorted(set(OVERLAPPING) - {"collinear", "constant_column"})
# Raw second moments of badly scaled columns are too badly conditioned for the dense formulas here.
WELL_CONDITIONED = sorted(set(FULL_RANK) - {"badly_scaled"})


def copies_of(data):
    """w_i."""
    return data.weights


def trials_of(data):
    """m_i."""
    return data.y.sum(axis=1).astype(float) if data.y.ndim == 2 else None


def ridge(data, penalised):
    return 1.0 / data.total_weight if penalised else 0.0


class DenseFormulas:
    """Lesaffre & Albert in reference coding, a matrix for each row."""

    def __init__(self, data, estimate):
        n, K = len(data.y), data.n_classes
        design = np.column_stack([np.ones(n), data.dense])
        maps = np.array([np.kron(np.identity(K - 1), row) for row in design])
        contrasts = estimate.contrasts(0)
        eta = design @ contrasts.T
        if data.offset is not None:
            offset = np.atleast_2d(data.offset.T).T
            eta += offset if K == 2 else offset[:, 1:] - offset[:, :1]
        odds = np.exp(np.column_stack([np.zeros(n), eta]))
        p = (odds / odds.sum(axis=1, keepdims=True))[:, 1:]
        m = np.ones(n) if trials_of(data) is None else trials_of(data)
        w = np.ones(n) if data.weights is None else data.weights
        in_fit = (w > 0.0)[:, np.newaxis, np.newaxis]
        bends = m[:, None, None] * (np.einsum("ik,kl->ikl", p, np.identity(K - 1)) - p[:, :, None] * p[:, None])
        self.information = np.einsum("i,ika,ikl,ilb->ab", w, maps, bends, maps)
        inverse = np.linalg.inv(self.information)
        spread = maps @ inverse @ maps.swapaxes(1, 2)
        e = (m[:, np.newaxis] * (data.shares[:, 1:] - p))[:, :, np.newaxis]
        bends = bends * in_fit
        self.leverage = np.trace(bends @ spread, axis1=1, axis2=2)
        deleted = np.linalg.solve(np.identity(K - 1) - bends @ spread, e * in_fit)
        self.adjusted = (maps.swapaxes(1, 2) @ deleted)[:, :, 0]
        self.dfbeta = self.adjusted @ inverse
        self.cooks = np.einsum("ia,ab,ib->i", self.dfbeta, self.information, self.dfbeta) / len(inverse)


@pytest.mark.parametrize("name", WELL_CONDITIONED)
def test_the_formulas_of_lesaffre_and_albert(name):
    data = OVERLAPPING[name]()
    estimate = estimate_of(data)
    dense, copies = DenseFormulas(data, estimate), copies_of(data)
    changes = dfbeta(estimate, copies, estimate.contrast_map(0))
    assert changes.shape == (len(data.y), data.n_classes - 1, data.dense.shape[1] + 1)
    # One unit of standard error each, whatever the units of X.
    unit = np.sqrt(np.diag(np.linalg.inv(dense.information)))
    np.testing.assert_allclose(changes.reshape(len(data.y), -1) / unit, dense.dfbeta / unit, **ROUNDING)
    np.testing.assert_allclose(leverage(estimate, copies), dense.leverage, **ROUNDING)
    np.testing.assert_allclose(cooks_distance(estimate, copies), dense.cooks, **ROUNDING)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("penalised", [True, False])
@pytest.mark.parametrize("name", OVERLAPPING)
def test_the_leverages_add_up_to_the_number_of_parameters(name, penalised, fit_intercept):
    data = OVERLAPPING[name]()
    estimate = estimate_of(data, ridge(data, penalised), fit_intercept=fit_intercept)
    copies = copies_of(data)
    total = (np.ones(len(data.y)) if copies is None else copies) @ leverage(estimate, copies)
    effective = np.trace(estimate.inverse_curvature @ estimate.information)
    np.testing.assert_allclose(total, effective, **ROUNDING)
    if not penalised:
        np.testing.assert_allclose(total, estimate.rank, **ROUNDING)


def without_a_copy(data, row):
    """The same data with one copy of a row fewer."""
    weights = np.ones(len(data.y)) if data.weights is None else data.weights.copy()
    weights[row] -= 1.0
    return replace(data, weights=weights)


def with_frequencies(data):
    """The same data with weights that can be copies: 1, 2, 3 and sometimes 0."""
    return data if data.weights is None else replace(data, weights=np.arange(len(data.y)) % 4.0)


@pytest.mark.parametrize("penalised", [True, False])
@pytest.mark.parametrize("name", FULL_RANK)
def test_dfbeta_is_one_newton_step_without_the_copy(name, penalised):
    data = with_frequencies(OVERLAPPING[name]())
    alpha = ridge(data, penalised)
    estimate = estimate_of(data, alpha)
    changes = dfbeta(estimate, copies_of(data), estimate.contrast_map(0))
    unit = np.sqrt(np.diag(estimate.contrast_map(0) @ estimate.solve(estimate.contrast_map(0).T)))
    predictor = estimate.objective.uncentred(estimate.parameters)
    for row in (1, 7, 21):
        reduced = without_a_copy(data, row)
        # The total strength of the penalty stays.
        there = estimate_of(reduced, alpha * data.total_weight / reduced.total_weight).objective
        deleted = estimate_at(there, there.centred(*predictor))
        step = deleted.contrast_map(0) @ deleted.solve(deleted.gradient)
        np.testing.assert_allclose(changes[row].ravel() / unit, step / unit, rtol=1e-7, atol=1e-9)


def test_dfbeta_is_close_to_the_refit_and_exact_to_first_order():
    # The step misses what is of second order: with ten times the rows, a tenth of it, relatively.
    errors = []
    for repeats in (1, 10):
        data = OVERLAPPING["overlapping"]()
        data = Data(np.repeat(data.X, repeats, axis=0), np.repeat(data.y, repeats))
        estimate = estimate_of(data)
        step = dfbeta(estimate, None, estimate.contrast_map(0))
        rows = np.arange(0, 30 * repeats, repeats)
        actual = np.array([estimate.contrasts(0) - estimate_of(without_a_copy(data, row)).contrasts(0) for row in rows])
        errors.append(np.linalg.norm(step[rows] - actual) / np.linalg.norm(actual))
    assert errors[0] < 0.1
    assert errors[1] < errors[0] / 8.0


@pytest.mark.parametrize("name", OVERLAPPING)
def test_adjusted_scores_are_what_moves_the_fit(name):
    data = OVERLAPPING[name]()
    estimate, copies = estimate_of(data), copies_of(data)
    slices, scores = zip(*adjusted_scores(estimate, copies), strict=True)
    assert [part.stop for part in slices][-1] == len(data.y)
    moved = np.concatenate(scores) @ estimate.inverse_curvature
    # Any contrast: each class against the first, at the mean of X.
    at_center = estimate.linear_map(
        contrast_forms(data.n_classes, 0) @ estimate.class_forms, np.identity(estimate.objective.shape[0])[-1:]
    )
    changes = dfbeta(estimate, copies, at_center)
    np.testing.assert_allclose(moved @ at_center.T, changes.reshape(len(moved), -1), **ROUNDING)
    distances = np.einsum("ia,ab,ib->i", moved, estimate.information, moved) / estimate.rank
    np.testing.assert_allclose(cooks_distance(estimate, copies), distances, **ROUNDING)


def test_two_classes_have_the_leverages_and_distances_of_r():
    values = golden("r")["binary"]
    estimate = estimate_of(hsb2(is_not_academic))
    np.testing.assert_allclose(leverage(estimate, None), values["leverage"], **R)
    np.testing.assert_allclose(cooks_distance(estimate, None), values["cooks_distance"], **R)
    np.testing.assert_allclose(residuals(estimate, "pearson", None), values["pearson"], **R)
    np.testing.assert_allclose(residuals(estimate, "deviance", None), values["deviance_residuals"], **R)


def test_a_copy_of_a_weighted_row_has_the_leverage_and_distance_of_r():
    values = golden("r")["binary_frequency"]
    copies = np.array(golden("r")["inputs"]["frequency"], dtype=float)
    estimate = estimate_of(hsb2(is_not_academic, weights=copies))
    np.testing.assert_allclose(leverage(estimate, copies), values["leverage"], **R)
    np.testing.assert_allclose(cooks_distance(estimate, copies), values["cooks_distance"], **R)


def test_rows_of_counts_have_the_leverages_distances_and_residuals_of_r():
    values = golden("r")["binary_counts"]
    high, other = np.array(values["y"]).T
    data = replace(housing_counts(), y=np.column_stack([other, high]))
    estimate, trials = estimate_of(data), trials_of(data)
    np.testing.assert_allclose(leverage(estimate, None), values["leverage"], **R)
    np.testing.assert_allclose(cooks_distance(estimate, None), values["cooks_distance"], **R)
    np.testing.assert_allclose(residuals(estimate, "pearson", trials), values["pearson"], **R)
    np.testing.assert_allclose(residuals(estimate, "deviance", trials), values["deviance_residuals"], **R)


@pytest.mark.parametrize(("name", "golden_name"), [("plain", "binary"), ("frequency", "binary_frequency")])
def test_adjusted_scores_make_the_hc3_of_r(name, golden_name):
    copies = np.array(golden("r")["inputs"]["frequency"], dtype=float) if name == "frequency" else None
    estimate = estimate_of(hsb2(is_not_academic, weights=copies))
    scores = np.concatenate([part for _, part in adjusted_scores(estimate, copies)])
    moved = estimate.contrast_map(0) @ estimate.solve(scores.T)
    np.testing.assert_allclose(
        (moved * (1.0 if copies is None else copies)) @ moved.T, golden("r")[golden_name]["hc3"], **R
    )


@pytest.mark.parametrize("name", OVERLAPPING)
def test_the_squares_of_residuals_add_up(name):
    data = OVERLAPPING[name]()
    estimate, trials = estimate_of(data), trials_of(data)
    response = residuals(estimate, "response", trials)
    if data.n_classes == 2:
        response = np.column_stack([-response, response])
    np.testing.assert_allclose(response.sum(axis=1), 0.0, **ROUNDING)
    totals = np.ones((len(data.y), 1)) if trials is None else trials[:, np.newaxis]
    weights = np.ones(len(data.y)) if data.weights is None else data.weights
    observed = totals * data.shares
    expected = observed - response

    pearson = residuals(estimate, "pearson", trials).reshape(len(data.y), -1)
    np.testing.assert_allclose(
        weights @ np.square(pearson).sum(axis=1), weights @ (response**2 / expected).sum(axis=1), **ROUNDING
    )
    logs = np.log(observed / expected, out=np.zeros_like(expected), where=observed > 0.0)
    deviance = residuals(estimate, "deviance", trials).reshape(len(data.y), -1)
    np.testing.assert_allclose(
        weights @ np.square(deviance).sum(axis=1), 2.0 * weights @ (observed * logs).sum(axis=1), **ROUNDING
    )
    for signed in (pearson, deviance):
        assert (signed * response[:, -signed.shape[1] :] >= 0.0).all()


def test_residuals_of_the_score_are_orthogonal_to_the_features():
    data = OVERLAPPING["weighted_with_offset"]()
    response = residuals(estimate_of(data), "response", None)
    np.testing.assert_allclose(
        np.column_stack([data.X, np.ones(150)]).T @ (data.weights[:, None] * response), 0.0, atol=1e-7
    )


def test_a_row_of_weight_zero_moves_nothing():
    data = OVERLAPPING["weighted"]()
    estimate = estimate_of(data)
    none = data.weights == 0.0
    assert (leverage(estimate, data.weights)[none] == 0.0).all()
    assert (cooks_distance(estimate, data.weights)[none] == 0.0).all()
    assert (dfbeta(estimate, data.weights, estimate.contrast_map(0))[none] == 0.0).all()


def test_a_row_without_which_there_is_no_estimate_is_marked():
    data = OVERLAPPING["soft_labels"]()
    alone = np.zeros((len(data.y), 1))
    alone[5] = 1.0
    estimate = estimate_of(replace(data, X=np.column_stack([data.X, alone])))
    changes, distances = dfbeta(estimate, None, estimate.contrast_map(0)), cooks_distance(estimate, None)
    assert np.isnan(changes[5]).all()
    assert np.isposinf(distances[5])
    assert np.isfinite(np.delete(changes, 5, axis=0)).all()
    assert np.isfinite(np.delete(distances, 5)).all()
    np.testing.assert_allclose(leverage(estimate, None).sum(), 3 * 5, **ROUNDING)
    with pytest.raises(ValueError, match="without row 5"):
        list(adjusted_scores(estimate, None))


@pytest.mark.parametrize("name", ["weighted_with_offset", "two_classes_with_offset", "counts"])
def test_many_blocks_are_one(name):
    data = OVERLAPPING[name]()
    repeated, times = in_several_blocks(data)
    one, many = estimate_of(data), estimate_of(repeated)
    copies, trials = copies_of(data), trials_of(data)
    each, trials_of_each = copies_of(repeated), trials_of(repeated)
    whole = np.tile(leverage(one, copies), times)
    np.testing.assert_allclose(leverage(many, each), whole, **ROUNDING)
    np.testing.assert_allclose(cooks_distance(many, each), np.tile(cooks_distance(one, copies), times), **ROUNDING)
    for kind in ("pearson", "deviance", "response"):
        whole = np.concatenate([residuals(one, kind, trials)] * times)
        np.testing.assert_allclose(residuals(many, kind, trials_of_each), whole, **ROUNDING)


def test_an_unknown_kind_of_residual_is_refused():
    estimate = estimate_of(OVERLAPPING["overlapping"]())
    with pytest.raises(ValueError, match="'anscombe'"):
        residuals(estimate, "anscombe", None)
