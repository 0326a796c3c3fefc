"""How a fit ended: each status is the sentence that its user will read."""

from enum import Enum
from typing import final

from softglm.solver import Outcome


@final
class Status(Enum):
    """How a fit ended."""

    CONVERGED = "converged"
    PRECISION = "stopped at the precision of the arithmetic, before the tolerance was proved"
    ITERATIONS = "ran out of iterations before the tolerance was reached"
    ROUNDED = "converged in float64, but rounding the coefficients to float32 lost more than the tolerance"
    SEPARATED = "separated: the maximum-likelihood estimate does not exist, some coefficients are infinite"
    UNDECIDED = "came to rest, but the data are too large to decide whether they are separated and an optimum exists"
    NON_FINITE = "the optimum is not finite: values of X or the offset are too large or too small for the arithmetic"


# A likelihood has no maximiser where its data are separated. (No outcome is ROUNDED: that happens after the solver.)
STATUS_OF = {
    Outcome.CONVERGED: Status.CONVERGED,
    Outcome.PRECISION: Status.PRECISION,
    Outcome.ITERATIONS: Status.ITERATIONS,
    Outcome.NO_MINIMISER: Status.SEPARATED,
    Outcome.UNDECIDED: Status.UNDECIDED,
    Outcome.NON_FINITE: Status.NON_FINITE,
}
