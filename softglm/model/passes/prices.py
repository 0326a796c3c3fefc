"""What passes over the rows cost, so that the fit can weigh one against the other without reading a clock.

In nanoseconds, about as measured on one core. Only ratios matter, and those vary little between machines.
"""

import numpy as np

from softglm.data import Rows
from softglm.model.objective import Objective
from softglm.sums.grams import is_by_products

# Of an evaluation: once, for each exponential, and for each entry of X: under one parameter, under more, and for each.
_EVALUATION, _EXPONENTIAL, _ENTRY_ALONE, _ENTRY, _PRODUCT = 5e4, 3.0, 0.3, 0.6, 0.025
# Of second moments: once, for each feature that is copied, and for each product of two (for few features: much more).
_METRIC, _COPY, _GRAM, _NARROW = 5e4, 0.8, 0.018, 0.35
# Where products are summed under many weights: for each that is formed, and for each sum. Of a weight.
_FORMED, _SUMMED, _WEIGHT = 0.3, 0.01, 1.0
# Of the factorisation of a matrix, of its inverse; of a row's leverage, for each product of two features.
_CHOLESKY, _INVERSE, _LEVERAGE = 0.0055, 0.018, 0.02
# Of a Hessian of rows that are held: once, and for each of its entries; and how much dearer sums of so few rows are.
_HELD, _ASSEMBLED, _DEARER = 3e4, 4.0, 1.6
# Of a row that has a chance to be drawn. What is left of the price of a row in single precision.
_DRAW, _SINGLE = 4.0, 0.55


def evaluation_price(objective: Objective) -> float:
    """Return the price of f and its gradient."""
    return objective.rows.pass_price + _evaluation_work(objective)


def approximation_price(objective: Objective, n_rows: int, *, is_full: bool = True) -> float:
    """Return the price of the Kronecker approximation of the Hessian from so many of the rows, or of its diagonal."""
    m, q = objective.shape
    share = n_rows / objective.rows.n_rows
    passes = _METRIC + _reading(objective, n_rows) + 1.5 * share * _evaluation_work(objective)
    sums = _moments_work(objective, n_rows)
    of_classes = 0 if objective.family.has_many_classes else q**3
    return passes + is_full * (sums + _CHOLESKY * (3 * m**3 + of_classes))


def second_moments_price(objective: Objective) -> float:
    """Return the price of the second moments of all rows, and of their whitening."""
    m = objective.shape[0]
    return objective.rows.pass_price + _moments_work(objective, objective.rows.n_rows) + _CHOLESKY * 3 * m**3


def hessian_price(objective: Objective, n_rows: int) -> float:
    """Return the price of the Hessian from so many of the rows, factored."""
    m, d = objective.shape[0], objective.family.n_curvature_directions
    sums = _gram_price(objective, n_rows) + n_rows * (_COPY * m + _WEIGHT * d)
    share = n_rows / objective.rows.n_rows
    passes = _METRIC + _reading(objective, n_rows) + share * _evaluation_work(objective)
    return passes + _work(objective) * sums + _factorisation_price(objective)


def cached_hessian_price(objective: Objective, n_rows: int) -> float:
    """Return the price of the Hessian of so many rows that are held as columns, factored."""
    m, s = objective.shape[0], objective.family.n_identifiable
    work = _DEARER * (_gram_price(objective, n_rows) + _ASSEMBLED * (m * s) ** 2 + _factorisation_price(objective))
    return float(_HELD + work)


def _gram_price(objective: Objective, n_rows: int) -> float:
    """Return the price of the sums of products of features under all the weights."""
    m, d = objective.shape[0], objective.family.n_curvature_directions
    return n_rows * m * (m * (_FORMED + _SUMMED * d) if is_by_products(m, d) else (_GRAM * m + _NARROW) * d)


def _factorisation_price(objective: Objective) -> float:
    m, s = objective.shape[0], objective.family.n_identifiable
    return float(_CHOLESKY * (m * s) ** 3)


def proof_price(objective: Objective, rows: Rows) -> float:
    """Return the price of the largest leverage of these rows, which makes their Hessian a proof."""
    m, s = objective.shape[0], objective.family.n_identifiable
    inverse: float = _INVERSE * (m * s) ** 3
    leverages = rows.n_rows * m * (_LEVERAGE * m + _COPY)
    return rows.pass_price + _METRIC / 2.0 + inverse + leverages


def _moments_work(objective: Objective, n_rows: int) -> float:
    m = objective.shape[0]
    return _work(objective) * n_rows * m * (_GRAM * m + _NARROW + _COPY)


def _evaluation_work(objective: Objective) -> float:
    rows, q = objective.rows, objective.shape[1]
    entry = _ENTRY_ALONE if q == 1 else _ENTRY + _PRODUCT * q
    return _EVALUATION + _work(objective) * (entry * rows.n_entries + _EXPONENTIAL * q * rows.n_rows)


def _work(objective: Objective) -> float:
    """Return what passes cost in the precision of the objective, relative to double."""
    return _SINGLE if objective.dtype == np.float32 else 1.0


def _reading(objective: Objective, n_rows: int) -> float:
    """Return the price of coming by so many of the rows: of a pass, or of drawing them."""
    rows = objective.rows
    return _DRAW * rows.n_rows if n_rows < rows.n_rows else rows.pass_price
