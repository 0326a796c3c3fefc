"""What columns are set to, one after the other, and the mean probabilities in each of these states."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray

# Probabilities (..., v, K), their gradients in the coordinates (..., v, K, P), and which of them the data determine.
Means: TypeAlias = tuple[FloatArray, FloatArray, BoolArray]


@dataclass(frozen=True, eq=False)
class States(ABC):
    """Some columns, in each of v states, in all rows or at one place.

    Attributes
    ----------
    terms, grid, observed
        As in `AveragePredictions`.
    is_moved : bool
        Whether the grid is what is added to where the columns are, and not what they are set to.
    """

    terms: tuple[str, ...]
    grid: npt.NDArray[Any]
    observed: FloatArray
    is_moved: bool

    @abstractmethod
    def means(self, groups: Sequence[BoolArray] | None = None) -> Means:
        """Return the mean probabilities of every class in each state.

        Parameters
        ----------
        groups : sequence of bool arrays of shape (n,), or None, default=None
            The rows to average over, in each of G groups; None for one group of all. At one place there is no other.

        Returns
        -------
        tuple of arrays
            The probabilities, shape (G, v, K), their gradients, (G, v, K, P), and which are determined, (G, v).
        """


class Subject(ABC):
    """What is set to values, or moved."""

    @property
    @abstractmethod
    def number(self) -> FloatArray | None:
        """The values of a single number that has no levels, in rows of any weight, NaN where missing; else None."""

    @abstractmethod
    def states(self, values: list[Any] | None) -> States:
        """Return what it is when set to each of several values, by default to all of its levels, or a grid.

        Raises
        ------
        ValueError
            If it cannot be.
        """

    @abstractmethod
    def moved(self, by: float) -> States:
        """Return two states of a number: where it is, and moved by so much."""


def only_group(means: Means) -> Means:
    """Return the means of the only group."""
    probability, gradients, known = means
    return np.asarray(probability[0]), np.asarray(gradients[0]), np.asarray(known[0])


def joined(means: Sequence[Means]) -> Means:
    """Return means of several groups as one."""
    probability, gradients, known = (np.concatenate(parts) for parts in zip(*means, strict=True))
    return probability, gradients, known
