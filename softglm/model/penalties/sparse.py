r"""Penalties that hold coefficients at 0 until it pays to let them go.

r(B) = 1/2 sum_j c_j ||B_j||^2 + h(B), with h convex and B_j, shape (q,), the row of coefficients of feature j. h is a
sum over entries, features or groups of features; it has a kink at 0, or bounds. What a fit asks is the same of all: h
and its prox, the conjugate c_j(G_j) of what r adds for a feature (or group), which bounds the optimum from below, and
how far a gradient is from the subdifferential.
"""

from abc import ABC, abstractmethod
from typing import Self

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray, IntArray
from softglm.model.penalties.ridge import Ridge
from softglm.once import cached_property


class SparsePenalty(ABC):
    """A penalty r(B) = 1/2 sum_j c_j ||B_j||^2 + h(B) on coefficients B, shape (p, q); intercepts are free.

    Attributes
    ----------
    smooth : Ridge
        The quadratic part, with c for each row of the parameters: p rows, and 0 for the intercepts if there are any.
    """

    smooth: Ridge

    def value(self, coef: FloatArray) -> float:
        """Return r(B), B of shape (p, q); inf beyond bounds."""
        return float((self.smooth.strength[: len(coef)] @ (coef * coef)).sum()) / 2.0 + self.kinked(coef)

    @property
    @abstractmethod
    def groups(self) -> IntArray:
        """Which features h ties together, shape (p,): codes from 0, as many as there are groups."""

    @property
    @abstractmethod
    def is_kinked(self) -> BoolArray:
        """Which features h holds at 0, shape (p,), until their slope is large enough."""

    @property
    @abstractmethod
    def is_free(self) -> BoolArray:
        """Which features are not penalised at all, shape (p,), nor bounded."""

    @abstractmethod
    def kinked(self, coef: FloatArray) -> float:
        """Return h(B); inf beyond bounds."""

    @abstractmethod
    def prox(self, coef: FloatArray, step: FloatArray) -> FloatArray:
        """Return the minimiser of h(Z) + sum_j ||Z_j - B_j||^2 / (2 step_j), shape (p, q); step has shape (p,).

        The steps of the features of a group are equal.
        """

    @abstractmethod
    def conjugate(self, gradient: FloatArray) -> float:
        """Return the sum of c_j(G_j) = sup_b -<G_j, b> - r_j(b) over the features (or groups) that are not free.

        inf where it is. The gradient G, shape (p, q), is that of what r is added to.
        """

    @abstractmethod
    def pull(self, gradient: FloatArray) -> FloatArray:
        """Return how a gradient, shape (p, q), pulls at features held at 0, shape (p,), the same for each of a group.

        That is the least factor on the kink that would hold them: above 1 the group leaves 0. It is 0 for features
        that are not kinked, and grows in proportion to the gradient, which may be of one class, shape (p, 1).
        """

    @abstractmethod
    def violation(self, coef: FloatArray, gradient: FloatArray) -> FloatArray:
        """Return the element of gradient + dh(B) that is nearest to 0, shape (p, q): all 0 at the optimum.

        The gradient is that of everything but h.
        """

    @abstractmethod
    def times(self, factor: float) -> Self:
        """Return the penalty times a factor, at least 0; bounds, if there are any, stay."""

    @abstractmethod
    def in_units(self, units: FloatArray) -> Self:
        """Return the same penalty on the coefficients of columns that are multiplied by units > 0, shape (p,).

        So, with units their standard deviations, it is the penalty of standardised columns on those as they are.
        """

    @abstractmethod
    def restricted(self, features: npt.NDArray[np.intp]) -> Self:
        """Return the penalty on these features alone: whole groups."""


class EntrywisePenalty(SparsePenalty):
    """One whose h is a sum over entries: h(B) = sum_jk l1_j |B_jk|, within lower_jk <= B_jk <= upper_jk.

    Attributes
    ----------
    l1 : array of shape (p,)
    """

    l1: FloatArray

    @property
    def groups(self) -> IntArray:
        return np.arange(len(self.l1), dtype=np.int32)

    @cached_property
    def is_kinked(self) -> BoolArray:
        return self.l1 > 0.0

    @abstractmethod
    def bounds(self, n_parameters: int) -> tuple[FloatArray, FloatArray] | None:
        """Return lower <= 0 and upper >= 0, shape (p, q) each; None where no entry has any."""
