"""A new source of rows is one subclass with three verbs: fits, predictions, scores and infer ask nothing else."""

import numpy as np
import pytest

from softglm import SoftmaxGLM, infer
from softglm.observations import observe
from softglm.sources import Source

EQUAL = {"rtol": 1e-12, "atol": 1e-12}


class SourceOfArrays(Source):
    """Arrays as a newcomer may hold them: in pieces, and out of sight."""

    def __init__(self, X, y, sample_weight=None, offset=None):
        self._given = X, y, sample_weight, offset

    def _pieces(self):
        for rows in np.array_split(np.arange(len(self._given[0])), 3):
            yield tuple(None if part is None else part[rows] for part in self._given)

    def observe(self, *, class_weight, estimator, fitted_classes=None):
        return observe(*self._given, class_weight=class_weight, estimator=estimator, fitted_classes=fitted_classes)

    def predictions(self, model, method):
        return np.concatenate([getattr(model, method)(X, offset) for X, _, _, offset in self._pieces()])

    def totals(self, model, method):
        return tuple(map(sum, zip(*(getattr(model, method)(*piece) for piece in self._pieces()), strict=True)))


@pytest.fixture(name="given")
def _given():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = np.array(["low", "mid", "top"])[rng.integers(3, size=200)]
    return X, y, rng.uniform(0.5, 2.0, 200), rng.normal(size=(200, 3))


def test_fits_predictions_and_scores_are_those_of_rows_in_memory(given):
    there, here = SoftmaxGLM().fit(SourceOfArrays(*given)), SoftmaxGLM().fit(*given)
    assert np.array_equal(there.coef_, here.coef_)
    X, _, _, offset = given
    for method in ("decision_function", "predict", "predict_proba", "predict_log_proba"):
        elsewhere = getattr(there, method)(SourceOfArrays(*given))
        assert np.array_equal(elsewhere, getattr(here, method)(X, offset))
    np.testing.assert_allclose(there.score(SourceOfArrays(*given)), here.score(*given), **EQUAL)


def test_infer_asks_it_too(given):
    X, y, _, _ = given
    model = SoftmaxGLM(alpha=0).fit(X, y)
    there, here = infer(model, SourceOfArrays(X, y)), infer(model, X, y)
    assert np.array_equal(there.coefficients.std_error, here.coefficients.std_error)


@pytest.mark.parametrize("name", ["y", "sample_weight", "offset"])
def test_what_belongs_into_it_is_not_given_beside_it(given, name):
    source, part = SourceOfArrays(*given), dict(zip(("X", "y", "sample_weight", "offset"), given, strict=True))[name]
    with pytest.raises(ValueError, match=f"{name} was given beside a SourceOfArrays"):
        SoftmaxGLM().fit(source, **{name: part})
