"""What the solver says in the words of vectors, a fit says in those of its user."""

import pytest

from softglm.solver import Outcome
from softglm.status import STATUS_OF, Status
from softglm.verdict import REMEDY


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_of_the_solver_is_a_status(outcome):
    assert isinstance(STATUS_OF[outcome], Status)


def test_no_two_outcomes_are_the_same_status_and_only_rounding_comes_after_the_solver():
    assert len(set(STATUS_OF.values())) == len(Outcome)
    assert set(Status) - set(STATUS_OF.values()) == {Status.ROUNDED}


@pytest.mark.parametrize("outcome", Outcome)
def test_converged_is_converged_and_nothing_else_is(outcome):
    assert (STATUS_OF[outcome] is Status.CONVERGED) == (outcome is Outcome.CONVERGED)
    assert STATUS_OF[outcome].value.startswith("converged") == (outcome is Outcome.CONVERGED)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.CONVERGED])
def test_whatever_is_not_converged_has_a_remedy(status):
    assert REMEDY[status]
