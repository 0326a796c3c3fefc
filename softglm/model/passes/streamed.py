"""Passes that read the rows where they are, each time."""

from collections.abc import Callable
from typing import final

from softglm.arrays import FloatArray
from softglm.data import Rows
from softglm.model.fisher import hessian, hessian_of, information_sum
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.passes.passes import Passes
from softglm.model.passes.prices import hessian_price
from softglm.model.proof.certificate import largest_leverage
from softglm.sums import EvaluationAndInformation


@final
class StreamedPasses(Passes):
    """Each is one sum over the rows."""

    def evaluate(self, point: FloatArray) -> tuple[float, FloatArray]:
        return self.objective.evaluate(point)

    def evaluate_with_hessian(
        self, point: FloatArray, coordinates: KroneckerCoordinates
    ) -> tuple[float, FloatArray, Callable[[], FloatArray]]:
        both = EvaluationAndInformation(information_sum(self.objective, point, coordinates))
        grams, *sums = self.objective.rows.sum(both)
        value, gradient = self.objective.assembled(tuple(sums), point)
        return value, gradient, lambda: hessian_of(self.objective, grams, coordinates)

    def hessian(self, point: FloatArray, coordinates: KroneckerCoordinates, rows: Rows) -> FloatArray:
        return hessian(self.objective, point, coordinates, rows)

    def largest_leverage(self, coordinates: KroneckerCoordinates, form: FloatArray, rows: Rows) -> float:
        return largest_leverage(self.objective, coordinates, form, rows)

    def hessian_price(self, n_rows: int) -> float:
        return hessian_price(self.objective, n_rows)
