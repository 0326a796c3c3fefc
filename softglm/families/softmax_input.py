"""A softmax unit can say anything: the constructive proof."""

import numpy as np

from softglm.arrays import FloatArray
from softglm.families.categorical import Categorical


def softmax_input(probabilities: FloatArray, weights: FloatArray) -> FloatArray:
    """Find an input x with softmax(W x) = the given probabilities.

    Softmax only sees differences to a pivot, so W x need only satisfy, with the last
    state as the pivot, the K - 1 linear equations::

        <w_k - w_K, x> = log(p_k / p_K),   k < K,

    which have a solution for every p > 0 if the rows w_k - w_K have rank K - 1. The
    x returned is the one of least norm.

    Parameters
    ----------
    probabilities : array, shape (K,)
        Strictly positive, with sum one.
    weights : array, shape (K, d)
        One row for each state.

    Returns
    -------
    array, shape (d,)
        The input of least norm.

    Raises
    ------
    ValueError
        If a probability is not positive, if they do not sum to one, if the shapes do
        not match, or if the rows w_k - w_K have a rank below K - 1.

    Examples
    --------
    >>> import numpy as np
    >>> weights = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> x = softmax_input(np.array([0.7, 0.2, 0.1]), weights)
    >>> Categorical(3).mean(weights @ x).round(9).tolist()
    [0.7, 0.2, 0.1]
    """
    K = len(probabilities) if np.ndim(probabilities) == 1 else 0
    if K < 2 or np.ndim(weights) != 2 or len(weights) != K:
        raise ValueError(
            "softmax_input needs probabilities of shape (K,), K >= 2, and weights of "
            f"shape (K, d); got {np.shape(probabilities)} and {np.shape(weights)}. "
            "Give the weights one row for each state."
        )
    if not np.isfinite(weights).all():
        raise ValueError("The weights must be finite; got NaN or infinity. Replace them by numbers.")
    die = Categorical(K)
    log_odds = die.minimal_from_symmetric(die.natural_parameter(probabilities))
    pivoted_weights = weights[:-1] - weights[-1]
    rank = np.linalg.matrix_rank(pivoted_weights)
    if rank < K - 1:
        raise ValueError(
            f"The differences w_k - w_K of {K} rows of weights must have rank {K - 1}; "
            f"got rank {rank}. Make the rows affinely independent, which takes at "
            f"least {K - 1} columns."
        )
    x: FloatArray = np.linalg.lstsq(pivoted_weights, log_odds, rcond=None)[0]
    return x
