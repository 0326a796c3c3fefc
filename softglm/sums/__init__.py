"""What is summed over a block of rows: the only arithmetic whose size is that of the rows."""

from softglm.sums.features import Features
from softglm.sums.sum import Sum

__all__ = ["Features", "Sum"]
