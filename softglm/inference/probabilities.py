"""Probabilities of every class with their intervals, as a table: of rows, or of settings of features."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.inference.cells import cells_of, estimate_headings, notes_on_gaps
from softglm.inference.tables import Content, Table
from softglm.optional import pandas

if TYPE_CHECKING:
    import pandas as pd

# What is printed of many, and the decimals of probabilities.
_MOST_ROWS, _DECIMALS = 10, 4


@dataclass(frozen=True, eq=False, repr=False)
class Probabilities(Table):
    """A row for each of v rows or settings, with the probability of each of K classes; arrays of shape (v, K)."""

    _what: ClassVar[str]

    classes: npt.NDArray[Any]
    probability: FloatArray
    std_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    level: float

    @abstractmethod
    def _name(self, row: int) -> str:
        """Return what a row is of."""

    def _content(self) -> Content:
        return self._first(len(self.probability))

    def _excerpt(self) -> Content:
        return self._first(_MOST_ROWS)

    def _first(self, most: int) -> Content:
        groups = {}
        for row in range(min(len(self.probability), most)):
            cells = cells_of(
                estimate=self.probability[row],
                std_error=self.std_error[row],
                lower=self.lower[row],
                upper=self.upper[row],
                decimals=_DECIMALS,
            )
            groups[self._name(row)] = [[str(label), *own] for label, own in zip(self.classes, cells, strict=True)]
        more = len(self.probability) - len(groups)
        notes = [f"... and {more:,} more {self._what}: see to_frame()"] if more else []
        notes += notes_on_gaps(self.probability, self.std_error)
        return Content(estimate_headings(self.level, estimate="probability"), groups, notes=notes)

    def _tidy(self, columns: Mapping[str, npt.NDArray[Any]]) -> "pd.DataFrame":
        """Return a data frame with a row for each row and class, after columns of v entries."""
        pd = pandas()
        v, K = self.probability.shape
        named = {name: np.repeat(values, K) for name, values in columns.items()}
        named["class"] = np.tile(self.classes, v)
        for name in ("probability", "std_error", "lower", "upper"):
            named[name] = getattr(self, name).ravel()
        return pd.DataFrame(named)
