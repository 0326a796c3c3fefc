"""What is minimised, and all that is known about its curvature."""

from softglm.model.coordinates import MAX_DENSE_FEATURES, null_coordinates
from softglm.model.intercept import Null, null_model
from softglm.model.objective import Objective
from softglm.model.penalty import Penalty, Ridge
from softglm.model.problem import GLM
from softglm.model.rebasing import Basis, rebased
from softglm.model.row_space import row_space

__all__ = [
    "GLM",
    "MAX_DENSE_FEATURES",
    "Basis",
    "Null",
    "Objective",
    "Penalty",
    "Ridge",
    "null_coordinates",
    "null_model",
    "rebased",
    "row_space",
]
