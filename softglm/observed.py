"""What a model is fitted to, wherever its rows are: what a fit asks before the first sum is made."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Rows
from softglm.families import UnconstrainedFamily


class Observed(ABC):
    """Rows with their classes, of which it is known who has weight.

    Attributes
    ----------
    classes : array of shape (K,)
        Sorted, the names of the columns of a frame; of a fitted model, in its order.
    present : bool array of shape (K,)
        Which classes have weight: see `Response.present`.
    factors : array of shape (K,) or None
        The class weights c_k.
    columns : dict
        What a fit learns of the columns of X, by the names of scikit-learn's attributes; empty if there is none.
    n_rows, n_features : int
    dtype : dtype
        That of the entries of X.
    """

    present: BoolArray
    factors: FloatArray | None
    columns: dict[str, Any]

    @property
    @abstractmethod
    def classes(self) -> npt.NDArray[Any]:
        """The classes, shape (K,)."""

    @property
    @abstractmethod
    def n_rows(self) -> int:
        """How many rows X has."""

    @property
    @abstractmethod
    def n_features(self) -> int:
        """How many columns X has."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """That of the entries of X."""

    @property
    @abstractmethod
    def has_offset(self) -> bool:
        """Whether an offset was given."""

    @property
    @abstractmethod
    def family(self) -> UnconstrainedFamily:
        """Bernoulli for two classes, else Categorical of those that are present."""

    @abstractmethod
    def rows(self, *, with_class_weights: bool = True) -> tuple[Rows, float]:
        """Return the rows to fit, absent classes left out, and their total weight W."""

    @abstractmethod
    def deviances(self, losses: tuple[float, float], total_weight: float) -> tuple[float, float]:
        """Return the deviance of the model and of the null model, given their mean losses without class weights."""

    @property
    def n_present(self) -> int:
        """How many classes have weight."""
        return int(self.present.sum())
