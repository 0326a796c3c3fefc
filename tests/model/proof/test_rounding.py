"""What rounding may have done to a gradient, beside what it has done: in extended precision."""

import numpy as np
import pytest
from problems import OVERLAPPING, PROBLEMS, Data, objective_of, rows_and_family

from softglm.data import PassCount
from softglm.fit import fit
from softglm.model.passes import CachedPasses, HeldColumns
from softglm.model.proof import gradient_rounding, value_rounding
from softglm.model.proof.rounding import sharp_rounding

REAL = np.longdouble
pytestmark = pytest.mark.skipif(
    np.finfo(REAL).eps > 1e-18, reason="long double is double here: there is nothing more exact to compare with"
)
# A bound of what can be is above what is: by 60 as a rule, and by no more than this, for the largest of the entries of
# a gradient over rows that are centred as they are read, in one more pass.
LOOSE = 2e3
# Of values of order 1 in extended precision.
RESOLUTION = 64.0 * float(np.finfo(REAL).eps)
NAMES = sorted({*OVERLAPPING, "weighted_with_offset", "wide", "collinear", "sparse_rows"} & set(PROBLEMS))


def exact(objective, parameters):
    """f and its gradient at the parameters, in extended precision."""
    rows = objective.rows
    X, targets, weights, offset = (
        part.T
        for part in rows.concatenate(
            lambda block: (
                block.centred(np.zeros(rows.n_features)).T,
                block.targets_matrix(objective.family.n_parameters),
                block.row_weights,
                np.zeros((objective.shape[1], len(block))) if block.offset is None else block.offset.T,
            )
        )
    )
    X, weights = X.astype(REAL), weights.astype(REAL)
    total = weights.sum()
    center = objective.moments.center.astype(REAL)
    features = np.column_stack([X - center, np.ones(len(X), REAL)]) if objective.fit_intercept else X
    eta = features @ parameters.astype(REAL) + offset
    if eta.shape[1] == 1:
        mean = 1 / (1 + np.exp(-eta))
        normalizer = np.logaddexp(REAL(0), eta[:, 0])
    else:
        largest = eta.max(axis=1, keepdims=True)
        sizes = np.exp(eta - largest)
        mean = sizes / sizes.sum(axis=1, keepdims=True)
        normalizer = np.log(sizes.sum(axis=1)) + largest[:, 0]
    curvature = objective.penalty.curvature.astype(REAL)[:, np.newaxis]
    value = weights @ (normalizer - (targets * eta).sum(axis=1)) / total
    value += (curvature * parameters.astype(REAL) ** 2).sum() / 2
    return value, features.T @ (weights[:, np.newaxis] * (mean - targets)) / total + curvature * parameters


def at(name, *, size, far=0.0):
    data = PROBLEMS[name]()
    rows, family = rows_and_family(data)
    if far:
        rows = rows_and_family(type(data)(**{**vars(data), "X": data.dense + far}))[0]
    objective = objective_of(rows, family, 0.1)
    best = fit(rows, family, objective.penalty)
    optimum = objective.centred(best.coef, best.intercept)
    return objective, optimum + size * np.random.default_rng(0).normal(size=optimum.shape)


@pytest.mark.parametrize("size", [0.0, 1.0, 30.0])
@pytest.mark.parametrize("far", [0.0, 100.0])
@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_gradient_is_off_by_no_more_than_it_may_be(name, held, far, size):
    objective, point = at(name, size=size, far=far)
    held = held and not objective.rows.is_sparse
    passes = CachedPasses(objective, HeldColumns(objective, PassCount())) if held else objective
    value, gradient = passes.evaluate(point)
    true_value, true = exact(objective, point)
    off = np.abs(gradient - true).astype(float)
    sharp = sharp_rounding(objective, point, is_centred=held).bound
    for bound in (gradient_rounding(objective, point, gradient, is_centred=held), sharp):
        assert (off <= bound).all()
    if held:
        assert sharp.max() <= LOOSE * max(off.max(), np.finfo(float).eps)
    assert abs(float(value - true_value)) <= value_rounding(objective, point)


@pytest.mark.parametrize("far", [1e3, 1e8, 1e12])
@pytest.mark.parametrize("name", ["overlapping", "two_classes", "many_classes"])
def test_what_numbers_of_so_many_digits_lose_is_part_of_the_gap(name, far):
    data = PROBLEMS[name]()
    there = data.dense + far
    # What the sum has rounded is not what is measured: the difference is exact.
    (rows, family), (near, _) = (rows_and_family(Data(X, data.y)) for X in (there, there - far))
    objective = objective_of(near, family, 0.1)
    best, optimum = fit(rows, family, objective.penalty), fit(near, family, objective.penalty)
    intercept = best.intercept.astype(REAL) + REAL(far) * best.coef.astype(REAL).sum(axis=0)
    center = objective.moments.center.astype(REAL) @ best.coef.astype(REAL)
    value, _ = exact(objective, np.concatenate([best.coef.astype(REAL), (intercept + center)[np.newaxis]]))
    least = exact(objective, objective.centred(optimum.coef, optimum.intercept))[0] - optimum.gap
    assert value - least <= best.gap + optimum.gap + RESOLUTION
