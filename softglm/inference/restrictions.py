"""Hypotheses on the coefficients, as users state them: linear restrictions, and classes that no feature tells apart."""

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.inference.coding import are_estimable
from softglm.inference.coefficient_names import CoefficientNames
from softglm.inference.combinations import Contrast, read_combinations
from softglm.inference.estimate import Estimate
from softglm.inference.forms import contrast_forms
from softglm.inference.lengths import unit_rows
from softglm.inference.significance import Test

# The share of a number that is rounding.
_ROUNDING = 1e-8


def read_restrictions(
    estimate: Estimate, names: CoefficientNames, contrast: Contrast, value: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Return R, shape (d, (K - 1) n_terms), and r, (d,), of the restrictions R b = r on the coefficients b.

    Parameters
    ----------
    estimate : Estimate
    names, contrast, value
        As `read_combinations` takes them.

    Raises
    ------
    ValueError
        As it does; if a combination of coefficients is not estimable, or no coefficients meet the restrictions.
    """
    read = read_combinations(names, contrast, value)
    rows, values = read.weights, read.value
    if not are_estimable(estimate, rows).all():
        raise ValueError(
            "contrast asks for a combination of coefficients that the collinear columns of X leave undetermined. Drop "
            "the redundant columns, or combine coefficients whose sum is estimable."
        )
    if not _are_consistent(rows, values):
        raise ValueError(
            "The restrictions contradict one another, as b = 0 and b = 1 do, or are of no coefficient: no estimate "
            f"has contrast @ b = {values.tolist()}. Drop some."
        )
    return rows, values


def equal_slopes(estimate: Estimate, row: int, base: int) -> tuple[FloatArray, FloatArray]:
    """Return linear forms of the coordinates that vanish where no feature tells two classes apart, and their values.

    Parameters
    ----------
    estimate : Estimate
    row : int
        The position of one class, among all but the other.
    base : int
        The position of the other.

    Returns
    -------
    tuple of arrays of shape (d, P) and (d,)
        The forms, and what the estimate makes of them.
    """
    classes = contrast_forms(estimate.n_classes, base)[[row]] @ estimate.class_forms
    m, _ = estimate.objective.shape
    terms = estimate.row_space.combinations(np.identity(m)[: estimate.objective.rows.n_features])
    return estimate.linear_map(classes, terms), np.ravel(classes @ (terms @ estimate.parameters).T)


def check_finite_statistic(test: Test, what: str) -> None:
    """Raise unless a test has a statistic, or nothing to test.

    Parameters
    ----------
    test : ChiSquaredTest or FTest
    what : str
        What the user called.

    Raises
    ------
    ValueError
        If it combines infinite estimates.
    """
    if test.df and np.isnan(test.statistic):
        raise ValueError(
            f"{what} has no finite statistic: the classes are separated, and the estimates that it combines are "
            'infinite. Use test_terms("lr"), or compare with a smaller model: likelihood ratios are finite.'
        )


def _are_consistent(rows: FloatArray, values: FloatArray) -> bool:
    """Tell whether rows b = values has a solution b."""
    scaled, lengths = unit_rows(rows)
    wanted = values / lengths
    solution = np.linalg.lstsq(scaled, wanted, rcond=None)[0]
    return bool(
        np.allclose(scaled @ solution, wanted, rtol=_ROUNDING, atol=_ROUNDING * np.abs(wanted).max(initial=0.0))
    )
