"""What a fit does, watched."""

import pytest

from softglm.model.passes import StreamedPasses


@pytest.fixture
def precisions(monkeypatch):
    """The precision of each evaluation over all rows that are read where they are, in order."""
    seen = []

    def watch(name):
        method = getattr(StreamedPasses, name)

        def watched(self, *arguments):
            seen.append(self.objective.dtype)
            return method(self, *arguments)

        monkeypatch.setattr(StreamedPasses, name, watched)

    watch("evaluate")
    watch("evaluate_with_hessian")
    return seen
