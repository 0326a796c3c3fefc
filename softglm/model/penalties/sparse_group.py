"""The sparse group lasso with a ridge: groups leave 0 together, and not all of their coefficients do."""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import FloatArray, IntArray
from softglm.model.penalties.grouped import GroupedPenalty, per_group
from softglm.model.penalties.ridge import Ridge


@final
@dataclass(frozen=True)
class SparseGroup(GroupedPenalty):
    """r(B) = sum_g [ group_l1_g ||B_g|| + l1_g ||B_g||_1 + c_g / 2 ||B_g||^2 ]."""

    @classmethod
    def on_coefficients(
        cls,
        alpha: float,
        l1_ratio: float,
        share: float,
        factors: FloatArray,
        codes: IntArray,
        *,
        fit_intercept: bool,
    ) -> "SparseGroup":
        """Return alpha times factors, shape (p,): the share l1_ratio of it with a kink, the rest as a ridge.

        Of the kink, `share` is on each coefficient by itself and the rest on the norms of groups; 0 is the group
        lasso and 1 the lasso. A group's factor is the mean of its features', and its norm counts the root of their
        number.
        """
        by_group, roots = per_group(factors, codes)
        ridge = (1.0 - l1_ratio) * alpha * by_group[codes]
        return cls(
            codes,
            (1.0 - share) * l1_ratio * alpha * by_group * roots,
            share * l1_ratio * alpha * by_group[codes],
            Ridge(np.append(ridge, np.zeros(int(fit_intercept)))),
            np.ones(len(codes)),
        )
