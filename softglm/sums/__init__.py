"""What is summed over a block of rows: the only arithmetic whose size is that of the rows."""

from softglm.sums.features import Features
from softglm.sums.given import Combinations, Offsets, RowWeights, WeightedTotals
from softglm.sums.predictor import Predictor
from softglm.sums.sum import Sum

__all__ = ["Combinations", "Features", "Offsets", "Predictor", "RowWeights", "Sum", "WeightedTotals"]
