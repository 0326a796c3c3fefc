"""What takes long to separate is searched for once, by whoever asks first: other rows or weights are searched anew."""

import warnings

import numpy as np
import pytest
from scipy import optimize, sparse

from softglm import SoftmaxGLM, detect_separation, infer
from softglm.model.proof import programs as costs
from softglm.model.proof import recession
from softglm.model.proof.latest import Latest

# Rows and features. Of few a fit reads a copy, which is no longer known; there programs take milliseconds.
FEW, MANY = (300, 4), (9000, 15)


@pytest.fixture(name="programs")
def _programs(monkeypatch):
    """The linear programs that were solved, of which none are remembered from before."""
    solved, solve = [], optimize.linprog

    def counted(*given, **options):
        solved.append(given)
        return solve(*given, **options)

    monkeypatch.setattr(optimize, "linprog", counted)
    monkeypatch.setattr(recession, "_LATEST", Latest())
    monkeypatch.setattr(costs, "_LONG_SECONDS", 0.0)
    return solved


def separated_by_two_columns(n_rows, n_features):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, n_features))
    y = rng.integers(1, 3, size=n_rows)
    y[X[:, 0] < X[:, 1]] = 0
    return X, y


def test_what_a_fit_has_found_is_not_searched_for_again(programs):
    X, y = separated_by_two_columns(*MANY)
    X = sparse.csr_array(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = SoftmaxGLM(alpha=0).fit(X, y)
    assert programs
    programs.clear()
    result = infer(model, X, y)
    assert detect_separation(X, y).kind == result.separated.kind == "quasi-complete"
    assert not programs


@pytest.mark.parametrize("part", ["rows", "weights", "labels"])
def test_of_other_rows_it_is(part, programs):
    X, y = separated_by_two_columns(*FEW)
    assert detect_separation(X, y).kind == "quasi-complete"
    weights = np.ones(len(y))
    programs.clear()
    if part == "rows":
        X = X.copy()
        X[0] += 10.0
    elif part == "labels":
        y = np.roll(y, 1)
    else:
        weights[y == 2] = 0.0
    found = detect_separation(X, y, sample_weight=weights)
    # Without programs where a fit, or margins, tell.
    assert programs or found.kind != "quasi-complete"


def test_a_short_search_does_not_depend_on_what_was_asked_before():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(22, 2))
    y = np.argmax(8.0 * X @ rng.normal(size=(2, 4)) + rng.gumbel(size=(22, 4)), axis=1)
    alone = detect_separation(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    assert not alone.determined.all()
    assert (detect_separation(X, y).limits == alone.limits).all()
