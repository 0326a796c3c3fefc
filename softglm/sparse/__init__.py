"""Fits under penalties that set coefficients to 0: prox-Newton over the pairs of feature and class that have any."""

from softglm.sparse.path import SparsePath, strongest
from softglm.sparse.solution import SparseSolution

__all__ = ["SparsePath", "SparseSolution", "strongest"]
