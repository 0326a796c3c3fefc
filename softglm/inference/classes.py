"""Every class on an equal footing: two classes have one natural parameter in the core, and two columns in a result."""

from typing import Any

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.families import Bernoulli, Categorical


def every_class(maps: FloatArray) -> FloatArray:
    """Return linear maps to the eta of every class, shape (K, s), of those to eta as the core has it, shape (q, s).

    The first of two classes is the pivot: its eta is 0.
    """
    return np.concatenate([np.zeros_like(maps), maps]) if len(maps) == 1 else maps


def class_probabilities(eta: FloatArray) -> FloatArray:
    """Return the probability of every class, shape (K, rows), of eta (q, rows): small ones to full accuracy."""
    if len(eta) == 1:
        return Bernoulli().probabilities(eta)
    return Categorical(len(eta)).mean(eta)


def log_probabilities(eta: FloatArray) -> FloatArray:
    """Return their logarithms, finite where a probability underflows to 0."""
    if len(eta) == 1:
        # log mu = -A(-eta), and 0, not -0, where it is 0
        return 0.0 - np.stack([Bernoulli().log_normalizer(eta), Bernoulli().log_normalizer(-eta)])
    return Categorical(len(eta)).log_softmax(eta)


def class_shares(block: Block, n_parameters: int) -> FloatArray:
    """Return the share of every class in what was observed, shape (K, rows)."""
    shares = block.targets_matrix(n_parameters)
    return np.concatenate([1.0 - shares, shares]) if n_parameters == 1 else shares


def position_of(label: Any, classes: npt.NDArray[Any]) -> int:  # noqa: ANN401 - a class is what the user's labels are
    """Return the position of a class.

    Raises
    ------
    ValueError
        If it is none of them.
    """
    found = [position for position, known in enumerate(classes.tolist()) if known == label]
    if not found:
        raise ValueError(f"There is no class {label!r} among {classes[:10].tolist()}.")
    return found[0]
