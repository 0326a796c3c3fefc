"""What leads the fits of small problems the ways of large ones: the only file that knows how."""

import numpy as np
import pytest

from softglm.model import Objective


@pytest.fixture
def too_large_for_the_hessian(monkeypatch):
    """Every problem counts as one whose exact Hessian does not fit."""
    monkeypatch.setattr("softglm.model.glm._MAX_PARAMETERS", 0)


@pytest.fixture
def in_single_precision(monkeypatch):
    """No rows are few; those of dense arrays are copied in single precision."""
    monkeypatch.setattr("softglm.model.kept._MOST_NUMBERS", 0)


@pytest.fixture
def in_double_precision(monkeypatch, in_single_precision):  # noqa: ARG001 - then not even those
    """No rows are few, and none are in the range of single precision."""
    monkeypatch.setattr("softglm.data.in_memory.RowsInMemory.in_single_precision", lambda *_: None)


@pytest.fixture
def converted(monkeypatch, in_single_precision):  # noqa: ARG001 - but not copied
    """Every problem counts as one of many rows."""
    monkeypatch.setattr("softglm.data.in_memory._COPIED_ENTRIES", 0)


@pytest.fixture
def far(monkeypatch, converted):  # noqa: ARG001 - each time
    """Every problem counts as one of many rows far from zero."""
    monkeypatch.setattr("softglm.data.in_memory._NEAR", -1.0)


@pytest.fixture
def sampled(monkeypatch, in_single_precision):  # noqa: ARG001 - few rows are not sampled
    """Every problem counts as one of many rows, of which a part tells enough to begin with."""
    monkeypatch.setattr("softglm.model.sampling._ROWS_PER_FEATURE", 2)
    monkeypatch.setattr("softglm.model.sampling._LEAST_ROWS", 8)
    monkeypatch.setattr("softglm.model.sampling._FEW_ENTRIES", 0)


@pytest.fixture
def no_strong_convexity(monkeypatch):
    """The penalty proves nothing."""
    monkeypatch.setattr("softglm.model.glm.GLM.bound", lambda *_: np.inf)
    monkeypatch.setattr("softglm.model.glm.GLM.bound_settled", lambda *_: np.inf)


@pytest.fixture
def too_many_features(monkeypatch):
    """Every problem counts as one whose features are too many for an eigendecomposition."""
    monkeypatch.setattr("softglm.model.coordinates.MAX_DENSE_FEATURES", 0)
    monkeypatch.setattr("softglm.fit.MAX_DENSE_FEATURES", 0)


@pytest.fixture(params=[0, 2**20], ids=["converted", "copied"])
def converted_or_copied(request, monkeypatch, in_single_precision):  # noqa: ARG001 - either way
    """No rows are few, and those of dense arrays are converted for each pass, or copied, in single precision."""
    monkeypatch.setattr("softglm.data.in_memory._COPIED_ENTRIES", request.param)


@pytest.fixture
def precisions(monkeypatch):
    """The precision of each evaluation over all rows, in order."""
    seen, evaluate = [], Objective.evaluate

    def watched(self, parameters):
        seen.append(self.dtype)
        return evaluate(self, parameters)

    monkeypatch.setattr("softglm.model.objective.Objective.evaluate", watched)
    return seen
