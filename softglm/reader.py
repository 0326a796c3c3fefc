"""How new rows are read by what says more of them than their probabilities: as the model itself reads them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray
from softglm.data import Rows, RowsInMemory
from softglm.sources import check_is_in_memory
from softglm.validation.features import clean_features
from softglm.validation.offset import read_offset_to_predict

Transform: TypeAlias = Callable[[Any], Any]


@final
@dataclass(frozen=True)
class Reader:
    """Reads rows that are to be predicted, of the classes that are present.

    Attributes
    ----------
    model : estimator
        It knows the columns.
    classes : array of shape (K,)
    present : bool array of shape (K,)
    needs_offset : bool
    transform : callable
        What X goes through first.
    """

    model: Any
    classes: npt.NDArray[Any]
    present: BoolArray
    needs_offset: bool
    transform: Transform

    def __call__(self, X: Any, offset: Any) -> Rows:
        """Return the rows, and their offset."""
        check_is_in_memory(X, "What is said of new rows beyond their probabilities")
        X = clean_features(self.transform(X), self.model)
        known = read_offset_to_predict(offset, X.shape[0], self.classes, is_required=self.needs_offset)
        if known is not None and known.shape[1] > 1:
            known = known[:, self.present]
        return RowsInMemory(X, np.broadcast_to(np.int32(0), X.shape[0]), offset=known)
