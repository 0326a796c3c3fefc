"""The group lasso with a ridge: glmnet's "grouped", and groups of columns."""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import FloatArray, IntArray
from softglm.model.penalties.grouped import GroupedPenalty, per_group
from softglm.model.penalties.ridge import Ridge


@final
@dataclass(frozen=True)
class GroupElasticNet(GroupedPenalty):
    """r(B) = sum_g [ group_l1_g ||B_g|| + c_g / 2 ||B_g||^2 ]: l1 is 0."""

    @classmethod
    def on_coefficients(
        cls, alpha: float, l1_ratio: float, factors: FloatArray, codes: IntArray, *, fit_intercept: bool
    ) -> "GroupElasticNet":
        """Return alpha times factors, shape (p,): the share l1_ratio of it on norms, the rest as a ridge.

        A group's factor is the mean of its features'. Its norm counts the root of their number: so much larger is it
        where each coefficient is as large.
        """
        by_group, roots = per_group(factors, codes)
        ridge = (1.0 - l1_ratio) * alpha * by_group[codes]
        return cls(
            codes,
            l1_ratio * alpha * by_group * roots,
            np.zeros(len(codes)),
            Ridge(np.append(ridge, np.zeros(int(fit_intercept)))),
            np.ones(len(codes)),
        )
