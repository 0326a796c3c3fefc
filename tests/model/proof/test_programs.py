"""What deciding about separation costs is known before it is begun, and too much is refused with a remedy."""

import warnings

import numpy as np
import pytest
from problems import drawn_classes
from scipy import sparse

from softglm import SoftmaxGLM, detect_separation, infer
from softglm.model.proof import programs
from softglm.model.proof.programs import ProgramCost, ProgramTooLargeError

# Few seconds, whatever the machine, and many hours.
FEW, MANY = (40, 19), (4001, 1)


def test_programs_of_hundreds_of_parameters_are_begun_and_those_of_thousands_are_not():
    assert not ProgramCost(*FEW).is_too_much
    ProgramCost(*FEW).require_affordable()
    with pytest.raises(ProgramTooLargeError, match=r"4,001 independent terms.*2 classes.*about \d+ hours.*alpha > 0"):
        ProgramCost(*MANY).require_affordable()


def test_more_parameters_never_cost_less_nor_do_denser_contrasts():
    by_rank = [ProgramCost(r, 3) for r in (1, 10, 100, 1000)]
    by_class = [ProgramCost(10, s) for s in (1, 2, 5, 50, 500)]
    for costs in (by_rank, by_class):
        assert np.all(np.diff([cost.seconds for cost in costs]) > 0.0)
        assert np.all(np.diff([cost.n_bytes for cost in costs]) > 0.0)
    assert ProgramCost(600, 1).seconds > ProgramCost(20, 30).seconds


def test_memory_alone_may_be_too_much(monkeypatch):
    monkeypatch.setattr(programs, "_MOST_BYTES", 1e3)
    with pytest.raises(ProgramTooLargeError, match="GB"):
        ProgramCost(*FEW).require_affordable()


@pytest.fixture
def nothing_is_affordable(monkeypatch):
    """Every program would take too long."""
    monkeypatch.setattr(programs, "_MOST_SECONDS", 0.0)


def overlapping_rows(n_classes):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 3))
    return X, drawn_classes(rng, X @ rng.normal(size=(3, n_classes)))


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
@pytest.mark.usefixtures("nothing_is_affordable")
def test_without_programs_a_proved_optimum_is_none_and_positive_margins_are_complete(n_classes, kind):
    X, y = overlapping_rows(n_classes)
    found = detect_separation(kind(X), y)
    assert found.kind == "none"
    assert not found.excluded.any()
    assert not found.limits.any()
    apart = X.copy()
    apart[:, 0] += 100.0 * y
    found = detect_separation(kind(apart), y)
    assert found.kind == "complete"
    assert (found.excluded.sum(axis=1) == n_classes - 1).all()


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.usefixtures("nothing_is_affordable")
def test_what_only_programs_tell_is_refused_with_a_remedy_and_the_fit_is_undecided(n_classes):
    X, y = overlapping_rows(n_classes)
    X[:, 2] = X[:, 1] + ((y == 1) & (np.arange(len(y)) % 3 == 0))  # no column by itself
    with pytest.raises(MemoryError, match=r"linear programs would take.*Select features, merge.*alpha > 0"):
        detect_separation(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = SoftmaxGLM(alpha=0).fit(X, y)
    assert not model.converged_
    assert not model.status_.startswith("separated")
    with pytest.raises(MemoryError, match="alpha > 0"):
        infer(model, X, y)
