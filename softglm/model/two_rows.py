r"""Two classes with a row of coefficients for each, the symmetric coding, as the one natural parameter that they have.

With B = B_1 - B_0 and S = B_1 + B_0 the ridge on both rows is  alpha/2 (|B_0|^2 + |B_1|^2) = alpha/4 (|B|^2 + |S|^2):
half as strong on the difference, which alone predicts, and S is 0 at the optimum.
"""

from typing import NamedTuple

from softglm.arrays import FloatArray


class OneRow(NamedTuple):
    """The same model with one row of coefficients.

    Attributes
    ----------
    coef, intercept : arrays of shape (1, p) and (1,)
    alpha : float
        Of the ridge on them.
    beside : float
        What the objective adds, which is 0 at the optimum.
    """

    coef: FloatArray
    intercept: FloatArray
    alpha: float
    beside: float


def one_row_of_two(coef: FloatArray, intercept: FloatArray, alpha: float) -> OneRow:
    """Return the second class against the first, of coef (2, p) and intercept (2,) under a ridge on both rows."""
    shared = coef.sum(axis=0)
    beside = alpha / 4.0 * float(shared @ shared)
    return OneRow(coef[1:] - coef[:1], intercept[1:] - intercept[:1], alpha / 2.0, beside)
