"""The numeric core: rows, a family and a penalty in; the fitted linear predictor out."""

from softglm.fit.certified import Certified, PredictionBounds, certified, compared_elsewhere
from softglm.fit.result import Fit, Handover, Report, Start
from softglm.fit.solve import fit, mean_losses, prepare, solve
from softglm.fit.sparse import solve_each_sparse, solve_sparse, sparse_path

__all__ = [
    "Certified",
    "Fit",
    "Handover",
    "PredictionBounds",
    "Report",
    "Start",
    "certified",
    "compared_elsewhere",
    "fit",
    "mean_losses",
    "prepare",
    "solve",
    "solve_each_sparse",
    "solve_sparse",
    "sparse_path",
]
