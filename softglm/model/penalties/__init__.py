"""What is added to the mean negative log-likelihood."""

from softglm.model.penalties.box import Box
from softglm.model.penalties.elastic_net import ElasticNet
from softglm.model.penalties.form import AnyPenalty, PenaltyForm
from softglm.model.penalties.group_elastic_net import GroupElasticNet
from softglm.model.penalties.grouped import GroupedPenalty
from softglm.model.penalties.penalty import Penalty
from softglm.model.penalties.ridge import Ridge
from softglm.model.penalties.sparse import EntrywisePenalty, SparsePenalty
from softglm.model.penalties.sparse_group import SparseGroup

__all__ = [
    "AnyPenalty",
    "Box",
    "ElasticNet",
    "EntrywisePenalty",
    "GroupElasticNet",
    "GroupedPenalty",
    "Penalty",
    "PenaltyForm",
    "Ridge",
    "SparseGroup",
    "SparsePenalty",
]
