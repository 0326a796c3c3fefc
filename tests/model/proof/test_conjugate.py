from dataclasses import replace

import numpy as np
import pytest
from problems import OVERLAPPING, PROBLEMS, Data, objective_of, regression, rows_and_family
from proximal_gradient import SparseRegression, deviations
from scipy.special import rel_entr, softmax

from softglm.families import Bernoulli, Categorical
from softglm.fit import prepare
from softglm.model import Box, ElasticNet, GroupElasticNet, Objective, Ridge, SparseGroup
from softglm.model.proof import conjugate_gap
from softglm.model.proof.streamed import balance_at, balanced_gap
from softglm.sparse import SparsePath, columns, path, plain
from softglm.sums import Divergences, SelectedFeatures, Tilt, TiltedDivergences

# Of two values of F of order 1, computed in double precision by the program that knows the truth.
RESOLUTION = 2e-14
# At the optimum nothing is left but the bounds on rounding: so many roundings as a sum has terms, in the worst case,
# relative to slopes of 0.02.
NOTHING = 1e-10
ROUNDING = {"rtol": 1e-12, "atol": 1e-14}
# Of labels the sums are bounds: that of squares, which multiplies what is rounding, up to so many times what it is.
NEARLY = 4.0
DISTANCES = (0.0, 1e-6, 1e-4, 1e-2, 0.3, 3.0)


def elastic_net(shape):
    return ElasticNet.on_coefficients(0.05, 0.5, some_factors(shape), fit_intercept=True)


def lasso(shape):
    return ElasticNet.on_coefficients(0.05, 1.0, some_factors(shape), fit_intercept=True)


def with_a_free_feature(shape):
    factors = some_factors(shape)
    factors[shape[0] // 2] = 0.0
    return ElasticNet.on_coefficients(0.02, 1.0, factors, fit_intercept=True)


def grouped(shape):
    return GroupElasticNet.on_coefficients(0.05, 0.7, np.ones(shape[0]), codes(shape), fit_intercept=True)


def sparse_group(shape):
    return SparseGroup.on_coefficients(0.05, 1.0, 0.4, np.ones(shape[0]), codes(shape), fit_intercept=True)


def box(shape):
    rng = np.random.default_rng(0)
    lower, upper = -rng.exponential(0.3, size=shape), rng.exponential(0.3, size=shape)
    lower[rng.random(shape) < 0.3] = 0.0
    upper[rng.random(shape) < 0.3] = np.inf
    return Box.on_coefficients(0.05, 0.3, np.ones(shape[0]), lower, upper, fit_intercept=True)


def all_free(shape):
    return ElasticNet.on_coefficients(1.0, 1.0, np.zeros(shape[0]), fit_intercept=True)


def some_factors(shape):
    return np.random.default_rng(0).choice([0.5, 1.0, 2.0], size=shape[0])


def codes(shape):
    return (np.arange(shape[0]) // 2).astype(np.int32)


PENALTIES = {make.__name__: make for make in (elastic_net, lasso, with_a_free_feature, grouped, sparse_group, box)}
# Each problem under some of the penalties, so that each pair of neighbours in the tables is met.
CASES = [
    (name, list(PENALTIES)[(first + second) % len(PENALTIES)], (first + second) % 3 > 0)
    for first, name in enumerate(PROBLEMS)
    for second in range(4)
]


class Case:
    """A problem under a penalty of its standardised columns, with the truth about it."""

    def __init__(self, data, make, *, fit_intercept=True):
        scale, q = deviations(data, fit_intercept=fit_intercept), 1 if data.n_classes == 2 else data.n_classes
        self.scale, penalty = scale, make((len(scale), q)).in_units(scale)
        if not fit_intercept:
            penalty = replace(penalty, smooth=Ridge(penalty.smooth.strength[:-1]))
        self.penalty, self.truth = penalty, SparseRegression(data, penalty, fit_intercept=fit_intercept)
        self.objective = Objective(*rows_and_family(data), penalty.smooth, fit_intercept=fit_intercept)
        self.minimum = self.truth.minimum()

    def beside(self, distance, support_only=False):
        """Parameters at about this distance from the optimum, allowed by the penalty; and F there above the minimum."""
        coef, constant, rng = self.minimum.coef, self.minimum.constant, np.random.default_rng(5)
        where = coef != 0.0 if support_only else rng.random(coef.shape) < 0.5
        coef = coef + distance * rng.normal(size=coef.shape) * where / self.scale[:, np.newaxis]
        if isinstance(self.penalty, Box):
            coef = np.clip(coef, *self.penalty.bounds(coef.shape[1]))
        if self.objective.fit_intercept:
            constant = constant + distance * rng.normal(size=constant.shape)
        parameters = np.vstack([coef, constant]) if self.objective.fit_intercept else coef
        return parameters, self.truth.value(coef, constant) - self.minimum.value

    def proved(self, parameters):
        return conjugate_gap(self.objective, self.penalty, parameters)


@pytest.mark.parametrize(("problem", "penalty", "fit_intercept"), CASES)
def test_it_is_never_below_the_gap(problem, penalty, fit_intercept):
    case = Case(PROBLEMS[problem](), PENALTIES[penalty], fit_intercept=fit_intercept)
    for distance in DISTANCES:
        for support_only in (True, False):
            parameters, gap = case.beside(distance, support_only)
            assert case.proved(parameters) >= gap - RESOLUTION


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("problem", [name for name in OVERLAPPING if name not in {"badly_scaled", "collinear"}])
def test_at_the_optimum_nothing_is_left_and_near_it_little(problem, penalty):
    case = Case(PROBLEMS[problem](), PENALTIES[penalty])
    assert 0.0 < case.proved(case.beside(0.0)[0]) < NOTHING
    far, near = (case.proved(case.beside(distance)[0]) for distance in (1e-4, 1e-7))
    assert near < 2e-2 * far


@pytest.mark.parametrize("problem", ["overlapping", "two_classes", "soft_labels"])
def test_where_coefficients_are_off_on_the_support_it_is_of_the_order_of_their_distance(problem):
    # A bound of first order: kinks give the slopes no room.
    case = Case(PROBLEMS[problem](), lasso)
    assert case.proved(case.beside(1e-5, support_only=True)[0]) < 1e-3


def newton_step(case, parameters):
    """Newton's step on the support, where the kinks of a lasso are not felt, and of the intercepts."""
    truth, coef, p = case.truth, parameters[:-1], len(parameters) - 1
    eta = truth.rows @ coef + parameters[-1] + truth.offset
    means, rows = softmax(eta, axis=1), np.column_stack([truth.rows, np.ones(len(eta))])
    gradient = rows.T @ (truth.weights[:, np.newaxis] * (means - truth.targets))
    gradient[:p] += case.penalty.l1[:, np.newaxis] * np.sign(coef) + case.penalty.smooth.strength[:p, np.newaxis] * coef
    curvature = (
        np.einsum("ik,kl->ikl", means, np.identity(means.shape[1])) - means[:, :, np.newaxis] * means[:, np.newaxis]
    )
    hessian = np.einsum("i,ia,ib,ikl->akbl", truth.weights, rows, rows, curvature).reshape(gradient.size, -1)
    hessian += np.diag(np.repeat(case.penalty.smooth.strength, means.shape[1]))
    moves = np.vstack([coef != 0.0, np.ones((1, means.shape[1]), dtype=bool)]).ravel()
    step = np.zeros(gradient.size)
    step[moves] = -np.linalg.pinv(hessian[np.ix_(moves, moves)], rcond=1e-12) @ gradient.ravel()[moves]
    return step.reshape(gradient.shape)


def gradient_beyond(case, parameters, step):
    """That of the likelihood at mu', by the definition."""
    truth, q = case.truth, parameters.shape[1]
    rows = np.column_stack([truth.rows, np.ones(len(truth.rows))])[:, : len(parameters)]
    eta, u = (
        values if q > 1 else np.column_stack([np.zeros(len(values)), values])
        for values in (rows @ parameters, rows @ step)
    )
    means = softmax(eta + truth.offset, axis=1)
    tilted = means * (1.0 + u - (means * u).sum(axis=1, keepdims=True))
    return rows.T @ (truth.weights[:, np.newaxis] * (tilted - truth.targets))[:, -q:]


def proved_by(case, parameters, step):
    """The bound of a step, as a fit has it that knows one."""
    balance = balance_at(case.objective, case.penalty, parameters)
    beyond = balance._replace(step=step, gradient=gradient_beyond(case, parameters, step))
    return balanced_gap(case.objective, case.penalty, parameters, beyond)


@pytest.mark.parametrize("penalty", [lasso, elastic_net])
@pytest.mark.parametrize("problem", ["overlapping", "many_classes", "soft_labels", "weighted_with_offset", "counts"])
def test_with_newtons_step_it_is_the_gap(problem, penalty):
    case = Case(PROBLEMS[problem](), penalty)
    for distance in (1e-3, 1e-5):
        parameters, gap = case.beside(distance, support_only=True)
        bound = proved_by(case, parameters, newton_step(case, parameters))
        assert gap - RESOLUTION <= bound < (1.0 + 100.0 * distance) * gap + NOTHING
        assert bound <= case.proved(parameters) + NOTHING  # the same where nothing but intercepts has left 0


@pytest.mark.parametrize("penalty", PENALTIES)
def test_whatever_the_step_it_is_a_bound(penalty):
    case = Case(PROBLEMS["weighted_with_offset"](), PENALTIES[penalty])
    for seed, distance in enumerate(DISTANCES):
        parameters, gap = case.beside(distance)
        step = 0.1 * distance * np.random.default_rng(seed).normal(size=parameters.shape)
        step[:-1] /= case.scale[:, np.newaxis]
        assert proved_by(case, parameters, step) >= gap - RESOLUTION


@pytest.mark.parametrize("penalty", PENALTIES)
def test_the_gradient_that_is_given_need_not_be_exact(penalty):
    case = Case(PROBLEMS["overlapping"](), PENALTIES[penalty])
    for distance in (0.0, 1e-4, 1e-2):
        parameters, gap = case.beside(distance)
        balance = balance_at(case.objective, case.penalty, parameters)
        exact = balanced_gap(case.objective, case.penalty, parameters, balance)
        for seed in range(4):
            off = 0.1 * np.random.default_rng(seed).normal(size=parameters.shape) * np.abs(balance.gradient)
            other = balance._replace(gradient=balance.gradient + off)
            bound = balanced_gap(case.objective, case.penalty, parameters, other)
            # What is left of the balance costs as much as slopes that are off.
            assert gap - RESOLUTION <= bound < exact + distance + NOTHING


def test_of_what_is_not_balanced_nothing_is_proved():
    case = Case(PROBLEMS["overlapping"](), with_a_free_feature)
    parameters, _ = case.beside(1e-3)
    balance = balance_at(case.objective, case.penalty, parameters)
    assert balanced_gap(case.objective, case.penalty, parameters, balance) < np.inf
    unseen = balance.information.copy()
    unseen[0], unseen[:, :, 0] = 0.0, 0.0
    far = np.add(balance.gradient, [0.2, 0.0, -0.2])
    for wrong in (balance._replace(information=unseen), balance._replace(gradient=far)):
        assert balanced_gap(case.objective, case.penalty, parameters, wrong) == np.inf


def test_whatever_penalty_the_objective_has_is_left_out():
    case = Case(PROBLEMS["overlapping"](), elastic_net)
    parameters, _ = case.beside(1e-3)
    bare = case.objective.with_penalty(Ridge(np.zeros(len(parameters))))
    assert conjugate_gap(bare, case.penalty, parameters) == case.proved(parameters)


@pytest.mark.parametrize("name", ["Poisson", "Gaussian"])
def test_nothing_is_proved_of_other_families(name):
    rows, family = regression(name)
    penalty = lasso((rows.n_features, 1))
    objective = objective_of(rows, family, 0.0)
    assert conjugate_gap(objective, penalty, np.zeros(objective.shape)) == np.inf


def test_without_an_optimum_there_is_none():
    # Features that are free separate the classes.
    case = Case(PROBLEMS["separable"](), all_free)
    assert case.proved(case.beside(0.0)[0]) == np.inf


def test_a_free_column_that_others_say_asks_for_nothing():
    data = PROBLEMS["overlapping"]()
    constant = np.full(len(data.y), 3.7)
    double = Data(np.column_stack([data.X, constant, data.X[:, 0] + data.X[:, 1]]), data.y)
    factors = np.array([0.0, 0.0, 1.0, 1.0, 0.0, 0.0])
    case = Case(double, lambda _: ElasticNet.on_coefficients(0.02, 1.0, factors, fit_intercept=True))
    assert case.proved(case.beside(0.0)[0]) < NOTHING


@pytest.mark.parametrize("far", [1e2, 1e5])
def test_rounding_is_counted(far):
    data = PROBLEMS["overlapping"]()
    data = replace(data, X=data.X + far)
    case = Case(data, lasso)
    parameters, _ = case.beside(0.0)
    exactly = SparseRegression(data, case.penalty, fit_intercept=True, dtype=np.longdouble)
    best = exactly.minimum()
    coef, constant = parameters[:-1], parameters[-1]
    # The means of the columns are rounded, and with them what an intercept stands for.
    constant = constant + (exactly.center - case.objective.moments.center) @ coef
    true = float(exactly.value(coef, constant) - best.value)
    assert case.proved(parameters) >= true


def divergences(family, targets, tilt, shrinkage):
    """A block's sums, of 40 rows with one free feature and the intercept."""
    rng = np.random.default_rng(3)
    X, coef = rng.normal(size=(40, 2)), rng.normal(size=(2, family.n_parameters))
    data = Data(X, targets, rng.exponential(size=40))
    rows, _ = rows_and_family(data)
    features = SelectedFeatures(np.array([1]), np.array([0.2]), 1)
    there = Tilt(family, coef, np.zeros(family.n_parameters), features, tilt)
    total = TiltedDivergences(there, shrinkage, 0.05, np.zeros(2))
    eta = X @ coef
    means = softmax(eta if family.n_parameters > 1 else np.column_stack([np.zeros(40), eta]), axis=1)
    u = np.column_stack([X[:, 1] - 0.2, np.ones(40)]) @ tilt
    u = u if family.n_parameters > 1 else np.column_stack([np.zeros(40), u])
    tilted = means * (1.0 + u - (means * u).sum(axis=1, keepdims=True))
    return rows.sum(total), data, means, tilted


@pytest.mark.parametrize("kind", ["labels", "shares"])
@pytest.mark.parametrize("family", [Bernoulli(), Categorical(4)], ids=repr)
def test_the_sums_are_those_of_the_definition(family, kind):
    rng, K = np.random.default_rng(1), max(family.n_parameters, 2)
    y = rng.permutation(np.arange(40, dtype=np.int32) % K)
    y = y if kind == "labels" else rng.dirichlet(np.ones(K), size=40)
    tilt, shrinkage = 0.1 * rng.normal(size=(2, family.n_parameters)), np.array([0.0, 1e-3, 0.5])
    (cross, mean, apart, squares, short), data, means, tilted = divergences(family, y, tilt, shrinkage)
    w, q = data.row_weights, family.n_parameters
    np.testing.assert_allclose(mean, w @ tilted[:, -q:], **ROUNDING)
    np.testing.assert_allclose(cross, (data.X.T * w) @ tilted[:, -q:], **ROUNDING)
    for h, of_all, of_squares in zip(shrinkage, apart, squares, strict=True):
        dual = (1.0 - h) * tilted + h * data.shares
        for bound, exact in (
            (of_all, w @ rel_entr(dual, means).sum(axis=1)),
            (of_squares, w @ (means * np.log(dual / means) ** 2).sum(axis=1)),
        ):
            if kind == "shares":
                np.testing.assert_allclose(bound, exact, **ROUNDING)
            else:
                assert exact <= bound <= NEARLY * exact
    assert short.tolist() == [0.0]


@pytest.mark.parametrize("K", [2, 5])
def test_of_a_small_tilt_the_bound_on_the_divergence_is_exact(K):
    rng = np.random.default_rng(K)
    mean, weights = rng.dirichlet(np.ones(K), size=50).T, rng.exponential(size=50)
    labels = rng.integers(K, size=50)
    for size in (1e-2, 1e-4):
        v = size * rng.normal(size=mean.shape)
        v -= (mean * v).sum(axis=0)
        apart, _ = Divergences.of(mean, v, labels, weights).at(0.0)
        exact = weights @ rel_entr(mean * (1.0 + v), mean).sum(axis=0)
        assert exact * (1.0 - size**2) <= apart <= exact * (1.0 + 5.0 * size)


def test_rows_where_the_tilt_leaves_no_means_are_counted():
    family, tilt = Categorical(3), np.array([[0.0, 0.0, 0.0], [-4.0, 0.0, 4.0]])
    (*_, short), _, means, tilted = divergences(family, np.arange(40, dtype=np.int32) % 3, tilt, np.array([0.1]))
    assert short[0] == np.count_nonzero((tilted < 0.05 * means).any(axis=1)) > 0


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_tilt_balances_what_is_not_penalised(fit_intercept):
    case = Case(PROBLEMS["weighted_with_offset"](), with_a_free_feature, fit_intercept=fit_intercept)
    parameters, _ = case.beside(1e-2)
    balance = balance_at(case.objective, case.penalty, parameters)
    free, (r, q) = np.flatnonzero(case.penalty.is_free), balance.information.shape[:2]
    there = np.append(free, np.arange(len(case.scale), len(parameters)))
    residual = balance.gradient[there]
    tilt = -np.linalg.pinv(balance.information.reshape(r * q, r * q)) @ residual.ravel()
    step = np.zeros_like(parameters)
    step[there] = tilt.reshape(r, q)
    gradient = gradient_beyond(case, parameters, step)
    assert np.abs(residual).max() > 1e-4
    np.testing.assert_allclose(gradient[there], 0.0, atol=1e-14 * np.abs(case.scale).max())


@pytest.mark.parametrize("problem", ["overlapping", "two_classes", "weighted_with_offset"])
def test_what_moves_the_unpenalised_moves_no_slope_by_more_than_its_length(problem):
    case = Case(PROBLEMS[problem](), with_a_free_feature)
    parameters, _ = case.beside(0.1)
    still = balance_at(case.objective, case.penalty, parameters)
    free = np.append(np.flatnonzero(case.penalty.is_free), len(case.scale))
    for seed in range(5):
        step = np.zeros_like(parameters)
        step[free] = np.random.default_rng(seed).normal(size=(2, parameters.shape[1]))
        moved = gradient_beyond(case, parameters, step) - still.gradient
        entries = step[free].ravel()
        length = np.sqrt(entries @ still.information.reshape(len(entries), -1) @ entries)
        assert (np.abs(moved[:-1]) <= case.scale[:, np.newaxis] * length / 2.0).all()
        np.testing.assert_allclose(np.vdot(moved, step), length**2, **ROUNDING)


def of_what_is_held(case, parameters):
    """The bound where a fit that begins there has arrived, from the means that it has at hand."""
    objective = case.objective
    prepared = prepare(objective.rows, objective.family, fit_intercept=objective.fit_intercept)
    (solution,) = SparsePath(prepared, *objective.uncentred(parameters)).fit([case.penalty], np.inf, 0)
    return solution.gap


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("problem", ["overlapping", "two_classes", "weighted_with_offset", "soft_labels", "wide"])
@pytest.mark.parametrize("holds_all", [True, False])
def test_from_what_a_fit_holds_it_is_never_below_the_gap_and_near_it_as_sharp(
    monkeypatch, problem, penalty, fit_intercept, holds_all
):
    monkeypatch.setattr(columns, "_FEW_NUMBERS", 2**20 if holds_all else 0)
    monkeypatch.setattr(columns, "_FEW_FEATURES", 0)
    monkeypatch.setattr(plain, "_FEW_PRODUCTS", 0)
    case = Case(PROBLEMS[problem](), PENALTIES[penalty], fit_intercept=fit_intercept)
    for distance in DISTANCES:
        parameters, gap = case.beside(distance, support_only=True)
        bound = of_what_is_held(case, parameters)
        assert bound >= gap - RESOLUTION
        if distance <= 1e-4:
            assert bound <= 2.0 * case.proved(parameters) + NOTHING


@pytest.mark.parametrize("penalty", ["elastic_net", "lasso"])
@pytest.mark.parametrize("problem", ["overlapping", "two_classes", "weighted_with_offset", "soft_labels"])
def test_of_many_points_at_once_it_is_never_below_the_gap_and_near_it_as_sharp(monkeypatch, problem, penalty):
    # Wherever a fit begins it has arrived.
    monkeypatch.setattr(path, "_CLOSE", np.inf)
    case = Case(PROBLEMS[problem](), PENALTIES[penalty], fit_intercept=True)
    for distance in DISTANCES:
        parameters, gap = case.beside(distance, support_only=True)
        bound = of_what_is_held(case, parameters)
        assert bound >= gap - RESOLUTION
        if distance <= 1e-4:
            assert bound <= 2.0 * case.proved(parameters) + NOTHING
