"""What is summed over a block of rows: the only arithmetic whose size is that of the rows.

Every sum is a value: arrays, numbers and a family. The formulas are those of the derivation; who decides which sums are
made, and at which theta, is the model's room, and where they are made is that of the data.
"""

from softglm.sums.class_ranges import ClassRanges
from softglm.sums.columns import CentredColumns, Observations
from softglm.sums.comparison import Comparison, Leverages
from softglm.sums.deletions import Deletions, RowParts, between, downdate, lengths_in
from softglm.sums.digests import Digests
from softglm.sums.divergences import Divergences, seen_in
from softglm.sums.duals import (
    MeansAndInformation,
    SelectedFeatures,
    Tilt,
    TiltedDivergences,
    relative,
    tilted_mean,
)
from softglm.sums.evaluation import (
    Evaluation,
    EvaluationAndInformation,
    Information,
    InformationProduct,
    InterceptEvaluation,
    InterceptProduct,
)
from softglm.sums.features import Features
from softglm.sums.given import Combinations, Offsets, RowWeights, Targets, WeightedTotals
from softglm.sums.lengths import (
    Distances,
    DistanceScores,
    Fractions,
    LargestLeverage,
    LargestMove,
    LargestSizes,
    Residuals,
    Scores,
)
from softglm.sums.losses import Losses
from softglm.sums.margins import ClassesBelow, ContrastForms, Found, LowestMargins, MostOpposed, pivoted_directions
from softglm.sums.moments import (
    CONSTANT,
    CentredCross,
    ClassSpreads,
    CrossMoments,
    KroneckerFactors,
    SecondMoments,
    Squares,
    SquaresAbout,
    Totals,
)
from softglm.sums.moves import Moves
from softglm.sums.predictor import Predictor
from softglm.sums.roundings import GradientRounding
from softglm.sums.slopes import InformationSlopes
from softglm.sums.spread import Sizes, Spread
from softglm.sums.sum import Sum
from softglm.sums.working import ScaledColumns, StoredEntries, TiltedCross

__all__ = [
    "CONSTANT",
    "CentredColumns",
    "CentredCross",
    "ClassRanges",
    "ClassSpreads",
    "ClassesBelow",
    "Combinations",
    "Comparison",
    "ContrastForms",
    "CrossMoments",
    "Deletions",
    "Digests",
    "DistanceScores",
    "Distances",
    "Divergences",
    "Evaluation",
    "EvaluationAndInformation",
    "Features",
    "Found",
    "Fractions",
    "GradientRounding",
    "Information",
    "InformationProduct",
    "InformationSlopes",
    "InterceptEvaluation",
    "InterceptProduct",
    "KroneckerFactors",
    "LargestLeverage",
    "LargestMove",
    "LargestSizes",
    "Leverages",
    "Losses",
    "LowestMargins",
    "MeansAndInformation",
    "MostOpposed",
    "Moves",
    "Observations",
    "Offsets",
    "Predictor",
    "Residuals",
    "RowParts",
    "RowWeights",
    "ScaledColumns",
    "Scores",
    "SecondMoments",
    "SelectedFeatures",
    "Sizes",
    "Spread",
    "Squares",
    "SquaresAbout",
    "StoredEntries",
    "Sum",
    "Targets",
    "Tilt",
    "TiltedCross",
    "TiltedDivergences",
    "Totals",
    "WeightedTotals",
    "between",
    "downdate",
    "lengths_in",
    "pivoted_directions",
    "relative",
    "seen_in",
    "tilted_mean",
]
