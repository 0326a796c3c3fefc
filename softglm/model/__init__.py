"""What is minimised, and all that is known about its curvature."""

from softglm.model.collinearity import Combinations
from softglm.model.coordinates import null_coordinates
from softglm.model.glm import GLM
from softglm.model.intercept import Null, null_model
from softglm.model.limits import beyond_hessians
from softglm.model.objective import Objective
from softglm.model.penalties import (
    AnyPenalty,
    Box,
    ElasticNet,
    GroupElasticNet,
    Penalty,
    PenaltyForm,
    Ridge,
    SparseGroup,
    SparsePenalty,
)
from softglm.model.prepared import Prepared
from softglm.model.rebasing import Basis, rebased
from softglm.model.row_space import row_space

__all__ = [
    "GLM",
    "AnyPenalty",
    "Basis",
    "Box",
    "Combinations",
    "ElasticNet",
    "GroupElasticNet",
    "Null",
    "Objective",
    "Penalty",
    "PenaltyForm",
    "Prepared",
    "Ridge",
    "SparseGroup",
    "SparsePenalty",
    "beyond_hessians",
    "null_coordinates",
    "null_model",
    "rebased",
    "row_space",
]
