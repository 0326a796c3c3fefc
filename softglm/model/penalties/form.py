"""The form of a penalty: all of it but its strength."""

from dataclasses import dataclass, replace
from typing import TypeAlias, final

import numpy as np

from softglm.arrays import FloatArray, IntArray
from softglm.model.penalties.box import Box
from softglm.model.penalties.elastic_net import ElasticNet
from softglm.model.penalties.group_elastic_net import GroupElasticNet
from softglm.model.penalties.penalty import Penalty
from softglm.model.penalties.ridge import Ridge
from softglm.model.penalties.sparse import SparsePenalty
from softglm.model.penalties.sparse_group import SparseGroup

AnyPenalty: TypeAlias = Penalty | SparsePenalty


@final
@dataclass(frozen=True, eq=False)
class PenaltyForm:
    """What a strength alpha multiplies, and within which bounds.

    Attributes
    ----------
    l1_ratio : float
        The share of alpha that holds coefficients at 0, the rest is a ridge.
    factors : array of shape (p,)
        By which alpha is multiplied for each feature.
    groups : int array of shape (p,) or None
        Codes from 0 of the features that leave 0 together, over all classes; None where each coefficient is by itself.
    within_ratio : float
        The share of l1_ratio on single coefficients, where there are groups.
    bounds : tuple of two arrays of shape (p, q), or None
        lower <= 0 and upper >= 0, of coefficients of the features as they come, whatever the units of the penalty.
    units : array of shape (p,) or None
        What the penalty takes for the unit of each feature; None for 1.
    """

    l1_ratio: float
    factors: FloatArray
    groups: IntArray | None = None
    within_ratio: float = 0.0
    bounds: tuple[FloatArray, FloatArray] | None = None
    units: FloatArray | None = None

    def in_units(self, units: FloatArray) -> "PenaltyForm":
        """Return the form that takes these for the units of the features, shape (p,)."""
        return replace(self, units=units)

    def is_sparse_at(self, alpha: float) -> bool:
        """Tell whether the penalty of a strength has a kink or bounds, or is a mere ridge."""
        return self.bounds is not None or (alpha * self.l1_ratio > 0.0 and bool(self.factors.any()))

    def at(self, alpha: float, *, fit_intercept: bool) -> AnyPenalty:
        """Return the penalty of a strength, in the units of the features as they come."""
        unscaled: AnyPenalty
        if not self.is_sparse_at(alpha):
            strength = alpha * (1.0 - self.l1_ratio) * self.factors
            unscaled = Ridge(np.append(strength, np.zeros(int(fit_intercept))))
        elif self.groups is None or self.within_ratio == 1.0:
            unscaled = ElasticNet.on_coefficients(alpha, self.l1_ratio, self.factors, fit_intercept=fit_intercept)
        elif self.within_ratio == 0.0:
            unscaled = GroupElasticNet.on_coefficients(
                alpha, self.l1_ratio, self.factors, self.groups, fit_intercept=fit_intercept
            )
        else:
            unscaled = SparseGroup.on_coefficients(
                alpha, self.l1_ratio, self.within_ratio, self.factors, self.groups, fit_intercept=fit_intercept
            )
        penalty = unscaled if self.units is None else unscaled.in_units(self.units)
        if self.bounds is None or not isinstance(penalty, ElasticNet):
            return penalty
        return Box(penalty.l1, penalty.smooth, *self.bounds)
