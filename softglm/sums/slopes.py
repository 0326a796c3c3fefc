"""How the information changes with theta: what is summed for the gradient of its determinant."""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.families import UnconstrainedFamily
from softglm.sums.features import Features
from softglm.sums.grams import quadratic_forms
from softglm.sums.predictor import Predictor
from softglm.sums.sum import Sum


@final
@dataclass(frozen=True)
class InformationSlopes(Sum):
    """The gradient by theta of tr(V F), F the information: sum_i w_i x_i a_i', shape (p, q), and sum_i w_i a_i, (q,).

    Row i adds w_i sum_d v_d(mu_i) z_i' V_d z_i to the trace, and a_i is the gradient of that sum by eta_i.

    Attributes
    ----------
    family : UnconstrainedFamily
    predictor : Predictor
        Of theta.
    features : Features
        z.
    matrices : array of shape (d, r, r)
        V_d: what V is between the features, along each of the d directions of the family's curvature.
    """

    family: UnconstrainedFamily
    predictor: Predictor
    features: Features
    matrices: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        _, mean = self.family.normalizer_and_mean(self.predictor.of(block))
        forms = quadratic_forms(self.matrices, self.features.of(block))
        slopes = block.weighted(self.family.curvature_slopes(mean, forms))
        return block.cross(slopes), np.asarray(slopes.sum(axis=1))
