"""What is proved: how far the optimum is at the most, or that there is none."""

from softglm.model.proof.conjugate import Balance
from softglm.model.proof.nearness import distance_to_optimum, gap_beside
from softglm.model.proof.partial import partial_gap
from softglm.model.proof.rounding import gradient_rounding, representation_loss, sharp_rounding, value_rounding
from softglm.model.proof.streamed import conjugate_gap

__all__ = [
    "Balance",
    "conjugate_gap",
    "distance_to_optimum",
    "gap_beside",
    "gradient_rounding",
    "partial_gap",
    "representation_loss",
    "sharp_rounding",
    "value_rounding",
]
