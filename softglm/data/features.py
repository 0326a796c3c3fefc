"""The features of rows, wherever they are, without what was observed beside them."""

from abc import ABC, abstractmethod
from typing import Any, final

import numpy as np

from softglm.arrays import FloatArray, IntArray, Matrix
from softglm.data.in_memory import RowsInMemory
from softglm.data.rows import Rows


class Features(ABC):
    """A matrix X of features, and what is needed to make rows of it.

    Attributes
    ----------
    shape : tuple of int
        (n, p).
    dtype : dtype
        That of its entries.
    """

    shape: tuple[int, int]
    dtype: np.dtype[Any]

    @property
    @abstractmethod
    def matrix(self) -> Matrix:
        """X as an array or CSR matrix of this process.

        Raises
        ------
        ValueError
            If it is not in memory, and too large to be expected there.
        """

    @abstractmethod
    def rows(
        self, targets: FloatArray | IntArray, weights: FloatArray | None = None, offset: FloatArray | None = None
    ) -> Rows:
        """Return the rows of these features with what was observed there: see `Block` for what targets may be."""


@final
class FeaturesInMemory(Features):
    """An array or CSR matrix, as it is.

    Parameters
    ----------
    X : array or CSR matrix of shape (n, p)
    """

    def __init__(self, X: Matrix) -> None:
        self._X, self.shape, self.dtype = X, X.shape, X.dtype

    @property
    def matrix(self) -> Matrix:
        return self._X

    def rows(
        self, targets: FloatArray | IntArray, weights: FloatArray | None = None, offset: FloatArray | None = None
    ) -> Rows:
        return RowsInMemory(self._X, targets, weights, offset)
