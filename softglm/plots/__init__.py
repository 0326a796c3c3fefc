"""Pictures of a fit, by scikit-learn's convention: ``SomeDisplay.from_...`` draws and returns the display.

They need matplotlib, which ``pip install ".[plots]"`` brings. Each display keeps its numbers (`to_frame`), can
draw them again (`plot`), and holds the figure and the axes for whatever a reader wants to change.
"""

from softglm.plots.choice import CVDisplay
from softglm.plots.coefficients import CoefficientDisplay
from softglm.plots.combinations import CombinationDisplay
from softglm.plots.contrasts import ContrastDisplay
from softglm.plots.convergence import ConvergenceDisplay
from softglm.plots.effects import EffectDisplay
from softglm.plots.influence import InfluenceDisplay
from softglm.plots.marginal import MarginalEffectDisplay
from softglm.plots.models import RegressionTableDisplay
from softglm.plots.paths import PathDisplay
from softglm.plots.predictions import PredictionDisplay
from softglm.plots.reliability import ReliabilityDisplay
from softglm.plots.term_tests import TermTestDisplay
from softglm.trace import Trace

__all__ = [
    "CVDisplay",
    "CoefficientDisplay",
    "CombinationDisplay",
    "ContrastDisplay",
    "ConvergenceDisplay",
    "EffectDisplay",
    "InfluenceDisplay",
    "MarginalEffectDisplay",
    "PathDisplay",
    "PredictionDisplay",
    "RegressionTableDisplay",
    "ReliabilityDisplay",
    "TermTestDisplay",
    "Trace",
]
