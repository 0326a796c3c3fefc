"""What a model is fitted to, wherever its rows are: what a fit asks before the first sum is made."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Rows
from softglm.families import UnconstrainedFamily
from softglm.inference.covariance import Covariance
from softglm.inference.estimate import Estimate

Covariances: TypeAlias = Callable[[Estimate, str, str | None], Covariance]
"""Called as ``covariances(estimate, kind, correction)``."""


@final
@dataclass(frozen=True, eq=False)
class Units:
    """What rows stand for.

    Attributes
    ----------
    n_units : float
        Those of frequency weight w count w times, those of weight 0 not at all.
    n_observations : float
        And rows of counts as many times as these add up to; with sampling weights as n_units.
    holds_fractions : bool
        Whether some count of y is no whole number.
    n_copies : float or None
        The sum of frequency weights, where some of them are no whole numbers.
    trials, copies : array of shape (n,) or None
        Of each row, where `is_here`: see `Sample`.
    clusters : int array of shape (n, ways) or None
        And the number of its cluster.
    is_here : bool, default=True
        Whether what belongs to each row can be looked at.
    """

    n_units: float
    n_observations: float
    holds_fractions: bool
    n_copies: float | None
    trials: FloatArray | None = None
    copies: FloatArray | None = None
    clusters: npt.NDArray[np.intp] | None = None
    is_here: bool = True


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
    @abstractmethod
    def is_weighted(self) -> bool:
        """Whether sample weights were given."""

    @abstractmethod
    def units(self, clusters: Any, *, is_sampled: bool) -> Units:
        """Return what the rows stand for, whose weights are of sampling or of frequency.

        Parameters
        ----------
        clusters : object
            As the user passed them: see `infer`.
        is_sampled : bool
        """

    @abstractmethod
    def covariances(self, units: Units, clusters: Any, *, is_sampled: bool) -> Covariances:
        """Return what makes covariances of estimates from these rows.

        Parameters
        ----------
        units, clusters, is_sampled
            What they stand for, and as for that.
        """

    @property
    def n_present(self) -> int:
        """How many classes have weight."""
        return int(self.present.sum())
