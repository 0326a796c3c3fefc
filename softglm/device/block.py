"""A block of rows in the memory of a device."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data import Block


@final
@dataclass(frozen=True, slots=True)
class DeviceBlock(Block):
    """A dense block on a device, and so are its weights and offset; class codes stay here.

    Arrays of rows that it returns are there, whatever the type says; what is as small as the parameters may be either.
    """

    def times(self, coef: FloatArray) -> FloatArray:
        X = self.X.astype(coef.dtype, copy=False)
        eta: FloatArray = np.matmul(coef.T, X.T)
        return eta

    def cross(self, values: FloatArray) -> FloatArray:
        products: FloatArray = np.matmul(values, self.X.astype(values.dtype, copy=False))
        return products.T

    def design(self, center: FloatArray, n_constants: int = 0, dtype: npt.DTypeLike = np.float64) -> FloatArray:
        n_rows, p = self.X.shape
        design = np.empty_like(self.X, shape=(n_rows, p + n_constants), dtype=dtype)
        np.subtract(self.X, center, out=design[:, :p])  # in double precision, as the center is
        design[:, p:] = 1.0
        return design

    def targets_matrix(self, n_parameters: int) -> FloatArray:
        matrix = np.zeros_like(self.X, shape=(n_parameters, len(self)), dtype=np.float64)
        if self.targets.ndim == 1 and n_parameters > 1:
            matrix[self.targets, np.arange(len(self))] = 1.0
        else:
            matrix[:] = self.targets.T
        return matrix

    def columns(self, features: npt.NDArray[np.intp]) -> FloatArray:
        return np.asarray(self.X[:, features], dtype=np.float64)

    def squares(self, center: FloatArray, values: FloatArray) -> FloatArray:
        centred = self.centred(center)
        centred *= centred
        squares: FloatArray = np.matmul(values, centred)
        return squares

    def own_squares(self, values: FloatArray) -> FloatArray:
        squares: FloatArray = np.matmul(values, np.square(self.X.astype(np.float64, copy=False)))
        return squares
