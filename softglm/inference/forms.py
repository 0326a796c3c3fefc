"""Linear forms of the parameters: of their classes, and of the terms of a column."""

import numpy as np

from softglm.arrays import FloatArray
from softglm.model import Objective


def class_forms(n_parameters: int) -> FloatArray:
    """Return the map from q natural parameters to K centred ones, shape (K, q); two classes have one, that of y = 1."""
    if n_parameters == 1:
        return np.array([[-0.5], [0.5]])
    return np.identity(n_parameters) - 1.0 / n_parameters


def term_forms(objective: Objective) -> FloatArray:
    """Return the maps from the m rows of the parameters to the terms at x = 0, intercept first, (n_terms, m)."""
    m, _ = objective.shape
    identity = np.identity(m)
    if not objective.fit_intercept:
        return identity
    intercept = np.append(-objective.moments.center, 1.0)
    return np.concatenate([intercept[np.newaxis], identity[:-1]])


def contrast_forms(n_classes: int, reference: int) -> FloatArray:
    """Return e_k - e_reference for every other class k, shape (K - 1, K)."""
    forms = np.identity(n_classes)
    forms[:, reference] -= 1.0
    return np.delete(forms, reference, axis=0)
