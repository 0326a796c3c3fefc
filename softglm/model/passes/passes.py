"""The protocol: what a fit asks of all rows, or of a sample of them, and what that costs."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from softglm.arrays import FloatArray
from softglm.data import Rows
from softglm.model.coordinates import coordinates_at, is_decomposed
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.objective import Objective
from softglm.model.passes.prices import approximation_price, evaluation_price


class Passes(ABC):
    """Passes over the rows of an objective, in its precision.

    Parameters
    ----------
    objective : Objective
    """

    # Whether rows are centred before they are multiplied, or what their products sum up to is.
    is_centred = False

    def __init__(self, objective: Objective) -> None:
        self.objective = objective

    @abstractmethod
    def evaluate(self, point: FloatArray) -> tuple[float, FloatArray]:
        """Return f and its gradient, shape (m, q)."""

    @abstractmethod
    def evaluate_with_hessian(
        self, point: FloatArray, coordinates: KroneckerCoordinates
    ) -> tuple[float, FloatArray, Callable[[], FloatArray]]:
        """Return f, its gradient, and a function that returns the Hessian in these coordinates: all in one pass."""

    @abstractmethod
    def hessian(self, point: FloatArray, coordinates: KroneckerCoordinates, rows: Rows) -> FloatArray:
        """Return the Hessian of f in these coordinates, shape (r s, r s), exact or as a sample of the rows has it."""

    @abstractmethod
    def largest_leverage(self, coordinates: KroneckerCoordinates, form: FloatArray, rows: Rows) -> float:
        """Return the largest leverage of these rows, u' T u of features u in these coordinates."""

    @property
    def second_moments(self) -> FloatArray | None:
        """The sum of w z z' over all rows, shape (m, m), where it is at hand."""
        return None

    def approximation(self, point: FloatArray, rows: Rows) -> KroneckerCoordinates:
        """Return coordinates in which the Kronecker approximation of the Hessian is the identity."""
        return coordinates_at(self.objective, point, rows)

    @property
    def evaluation_price(self) -> float:
        """The price of f and its gradient."""
        return evaluation_price(self.objective)

    def approximation_price(self, n_rows: int) -> float:
        """Return the price of the approximation from so many of the rows."""
        return approximation_price(self.objective, n_rows, is_full=is_decomposed(self.objective))

    @abstractmethod
    def hessian_price(self, n_rows: int) -> float:
        """Return the price of the Hessian from so many of the rows, factored."""
