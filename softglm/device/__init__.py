"""Rows in the memory of another processor, such as a GPU: sums run there as they stand, and their results leave."""

from softglm.device.rows import FeaturesOnDevice
from softglm.device.tensor import Tensor, tensor_of

__all__ = ["FeaturesOnDevice", "Tensor", "tensor_of"]
