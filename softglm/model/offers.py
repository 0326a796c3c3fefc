"""Metrics that could be had, and what makes them of passes over the rows."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias, final

from softglm.arrays import FloatArray
from softglm.data import Rows, RowsInMemory, Sampling
from softglm.model.class_means import ClassMeans, ClassMeansMetric
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.metric import HessianMetric, KroneckerMetric, MetricWithoutProof
from softglm.model.passes import Passes
from softglm.model.products import ProductMetric

Metric: TypeAlias = HessianMetric | MetricWithoutProof


@final
class PricedMetric(NamedTuple):
    """A metric that could be had: its price, and the way to it from a point."""

    price: float
    make: Callable[[FloatArray], Metric]


@final
class Metrics(NamedTuple):
    """What makes metrics: apart from the problem that offers them, or each would keep the rows of the other alive.

    Attributes
    ----------
    passes : Passes
    coordinates : KroneckerCoordinates
        In which Hessians are assembled and factored.
    sampling : Sampling or None
    is_exact : bool
        Whether passes are in double precision.
    held : RowsInMemory or None
        Some that stand for all of the rows: those of every sample, then.
    """

    passes: Passes
    coordinates: KroneckerCoordinates
    sampling: Sampling | None
    is_exact: bool
    held: RowsInMemory | None

    def sample(self, count: int) -> Rows:
        return self.passes.objective.rows.sample(count, self.sampling) if self.held is None else self.held

    def approximation(self, n_rows: int, point: FloatArray) -> KroneckerMetric:
        return KroneckerMetric(self.passes.approximation(point, self.sample(n_rows)))

    def class_means(self, point: FloatArray) -> ClassMeansMetric:
        objective = self.passes.objective
        return ClassMeansMetric.of(ClassMeans.at(objective, point), objective.penalty.curvature)

    def hessian(self, n_rows: int, point: FloatArray) -> HessianMetric:
        rows = self.sample(n_rows)
        return self.of_matrix(self.passes.hessian(point, self.coordinates, rows), rows)

    def products(self, point: FloatArray) -> ProductMetric:
        rows = self.sample(0)
        return ProductMetric(self.passes.objective, point, self.passes.approximation(point, rows), rows)

    def of_matrix(self, matrix: FloatArray, rows: Rows) -> HessianMetric:
        return HessianMetric(self.passes, matrix, self.coordinates, rows if self.is_exact else None)
