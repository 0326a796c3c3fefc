"""One ridge, in everybody's units: the only place where they are converted.

softglm minimises the mean loss + alpha/2 ||coef||^2, intercepts free. A peer that states it otherwise:

    scikit-learn    C sum of losses + 1/2 ||coef||^2             C = 1 / (alpha n)
    cyanure         mean loss + lambda_1/2 ||coef||^2            lambda_1 = alpha
    glmnet          mean loss + lambda/2 ||coef||^2 (its         lambda = alpha
                    mixing parameter 0, standardize = FALSE)
    nnet            sum of losses + sum_j decay_j coef_j^2       decay = alpha n / 2; 0 for the intercepts
"""

import numpy as np


def scikit_learn_C(alpha, n):  # noqa: N802
    """Return C."""
    return 1.0 / (alpha * n) if alpha > 0.0 else np.inf


def cyanure_lambda(alpha):
    """Return lambda_1."""
    return alpha


def glmnet_lambda(alpha):
    """Return lambda."""
    return alpha


def nnet_decay(alpha, n):
    """Return the decay of the coefficients."""
    return alpha * n / 2.0
