"""What is assumed about y: exponential families, in terms of eta alone."""

from softglm.families.base import ExponentialFamily
from softglm.families.bernoulli import Bernoulli
from softglm.families.categorical import Categorical
from softglm.families.dirichlet import Beta, Dirichlet
from softglm.families.exponential import Exponential
from softglm.families.gamma import Gamma
from softglm.families.gaussian import Gaussian
from softglm.families.multinomial import Multinomial
from softglm.families.poisson import Poisson
from softglm.families.softmax_input import softmax_input
from softglm.families.unconstrained import UnconstrainedFamily

__all__ = [
    "Bernoulli",
    "Beta",
    "Categorical",
    "Dirichlet",
    "Exponential",
    "ExponentialFamily",
    "Gamma",
    "Gaussian",
    "Multinomial",
    "Poisson",
    "UnconstrainedFamily",
    "softmax_input",
]
