"""What passes over the rows cost, so that the fit can weigh one against the other without reading a clock.

In nanoseconds, as measured on one core. Only ratios matter, and those vary little between machines.
"""

from softglm.model.objective import Objective

# Of a pass: once, and for each entry of X and parameter, each exponential.
_EVALUATION, _PRODUCT, _EXPONENTIAL = 5e4, 0.12, 3.0
# Of sums of products of two features: under one weight each, and under many at once; of a factorisation.
_METRIC, _GRAM, _GRAMS, _CHOLESKY = 5e4, 0.03, 0.014, 0.013
# Of one of the products that give the leverages.
_LEVERAGE = 0.06
# Of a feature that is copied, a weight that is formed; of a row that has a chance to be drawn.
_COPY, _DRAW = 2.0, 4.0


def evaluation_price(objective: Objective) -> float:
    """Return the price of f and its gradient."""
    rows, q = objective.rows, objective.shape[1]
    return _EVALUATION + q * (_PRODUCT * rows.n_entries + _EXPONENTIAL * rows.n_rows)


def approximation_price(objective: Objective, n_rows: int, *, is_full: bool = True) -> float:
    """Return the price of the Kronecker approximation of the Hessian from so many of the rows, or of its diagonal."""
    m, q = objective.shape
    share = n_rows / objective.rows.n_rows
    passes = _METRIC + _draws(objective, n_rows) + 2.0 * share * evaluation_price(objective)
    return passes + is_full * (n_rows * m * (_GRAM * m + _COPY) + _CHOLESKY * (3 * m**3 + q**3))


def hessian_price(objective: Objective, n_rows: int) -> float:
    """Return the price of the Hessian from so many of the rows, factored."""
    m, _ = objective.shape
    s, d = objective.family.identifiable_directions.shape[1], objective.family.n_curvature_directions
    share = n_rows / objective.rows.n_rows
    grams = n_rows * ((_GRAM if m > 2 * d else _GRAMS) * d * m**2 + _COPY * (m + d))
    factorisation: float = _CHOLESKY * (m * s) ** 3
    return _METRIC + _draws(objective, n_rows) + share * evaluation_price(objective) + grams + factorisation


def proof_price(objective: Objective) -> float:
    """Return the price of the largest leverage, which makes a Hessian a proof."""
    m, s = objective.shape[0], objective.family.identifiable_directions.shape[1]
    inverse: float = _CHOLESKY * (m * s) ** 3
    return _METRIC / 2.0 + inverse + objective.rows.n_rows * m * (_LEVERAGE * m + _COPY)


def _draws(objective: Objective, n_rows: int) -> float:
    """Return the price of drawing so many of the rows."""
    return _DRAW * objective.rows.n_rows if n_rows < objective.rows.n_rows else 0.0
