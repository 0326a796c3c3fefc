"""What is added to the mean negative log-likelihood."""

from softglm.model.penalties.elastic_net import ElasticNet
from softglm.model.penalties.form import AnyPenalty, PenaltyForm
from softglm.model.penalties.penalty import Penalty
from softglm.model.penalties.ridge import Ridge
from softglm.model.penalties.sparse import EntrywisePenalty, GroupedPenalty, SparsePenalty

__all__ = [
    "AnyPenalty",
    "ElasticNet",
    "EntrywisePenalty",
    "GroupedPenalty",
    "Penalty",
    "PenaltyForm",
    "Ridge",
    "SparsePenalty",
]
