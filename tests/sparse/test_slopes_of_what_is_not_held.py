"""Features that are not held are looked at where they may matter, and no pull of the others is told too small."""

import numpy as np
import pytest
from problems import PROBLEMS, rows_and_family

from softglm.fit import prepare
from softglm.model import ElasticNet, GroupElasticNet, SparseGroup
from softglm.sparse import columns
from softglm.sparse import slopes as all_slopes
from softglm.sparse.columns import WorkingColumns
from softglm.sparse.likelihood import WorkingLikelihood
from softglm.sparse.slopes import AllSlopes

# Of sums of a few dozen terms, relative to the largest.
ROUNDING = {"rtol": 1e-9, "atol": 1e-12}


def in_pairs(p):
    return (np.arange(p) // 2).astype(np.int32)


PENALTIES = {
    "lasso": lambda p: ElasticNet.on_coefficients(1.0, 1.0, np.linspace(0.5, 2.0, p), fit_intercept=True),
    "groups": lambda p: GroupElasticNet.on_coefficients(1.0, 1.0, np.ones(p), in_pairs(p), fit_intercept=True),
    "sparse groups": lambda p: SparseGroup.on_coefficients(1.0, 1.0, 0.4, np.ones(p), in_pairs(p), fit_intercept=True),
}


@pytest.mark.parametrize("many", [0, 8])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("problem", ["overlapping", "two_classes", "weighted_with_offset", "sparse_rows", "wide"])
def test_no_pull_is_told_too_small_and_those_that_matter_are_exact(monkeypatch, problem, penalty, many):
    prepared = prepare(*rows_and_family(PROBLEMS[problem]()))
    everything = WorkingColumns(prepared)
    monkeypatch.setattr(columns, "_FEW_FEATURES", 0)
    monkeypatch.setattr(columns, "_FEW_NUMBERS", 0)
    monkeypatch.setattr(all_slopes, "_MANY", many)
    held = WorkingColumns(prepared)
    held.hold(np.arange(2))
    exact, here = WorkingLikelihood(prepared, everything), WorkingLikelihood(prepared, held)
    rng, q, rest = np.random.default_rng(0), prepared.family.n_parameters, len(everything.features) - 2
    slopes, coef = AllSlopes(prepared, held), np.zeros((3, q))
    slopes.begin(here.at(coef).mean, held.parameters(coef))
    kinks = PENALTIES[penalty](2 + rest)
    n_told = 0
    for length in (0.0, 1e-3, 1e-3, 1e-2, 1.0, 1e-3):
        coef, step = coef + length * rng.normal(size=coef.shape), length * rng.normal(size=coef.shape)
        point = here.at(coef)
        mean = here.tilted(point, here.moves(step))
        slopes.move(mean, held.parameters(coef), held.parameters(step), here.gradient(mean)[1:])
        truth = kinks.pull(exact.gradient(mean)[1:])
        near = float(np.median(truth))
        told = slopes.pulls(kinks, near)
        assert (told >= truth - ROUNDING["atol"]).all()
        matters = truth >= near
        np.testing.assert_allclose(told[matters], truth[matters], **ROUNDING)
        assert (told[~matters] < near).all() or np.allclose(told, truth, **ROUNDING)
        n_told += int((~np.isclose(told, truth, **ROUNDING)).sum())
    assert n_told > 0 or many or problem != "wide"
