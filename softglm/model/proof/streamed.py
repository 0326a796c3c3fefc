"""The proof under a penalty with kinks or bounds, of any parameters: two passes over the rows."""

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.families import Bernoulli, Categorical
from softglm.model.objective import Objective
from softglm.model.penalties import Ridge, SparsePenalty
from softglm.model.proof.conjugate import LEAST, PARTS, Balance, Setting, Tilted, gap_by, overcome, pull_of
from softglm.model.proof.rounding import gradient_rounding, value_rounding
from softglm.sums import CONSTANT, MeansAndInformation, SelectedFeatures, Tilt, TiltedDivergences

Indices = npt.NDArray[np.intp]

# What is left of a mean square, relative to it, may be rounding.
_CANCELS = 1e-12
# The least that the largest h is.
_CLOSE = 1e-13


def conjugate_gap(objective: Objective, penalty: SparsePenalty, parameters: FloatArray) -> float:
    """Return a bound on F - F*, in nats per unit of weight: two passes. inf where nothing is proved.

    Parameters
    ----------
    objective : Objective
        The likelihood; whatever penalty it has is left out.
    penalty : SparsePenalty
        r.
    parameters : array of shape (m, q)
    """
    if not isinstance(objective.family, Bernoulli | Categorical):
        return float("inf")
    return balanced_gap(objective, penalty, parameters, balance_at(objective, penalty, parameters))


def balance_at(objective: Objective, penalty: SparsePenalty, parameters: FloatArray) -> Balance:
    """Return the gradient of the likelihood, of no step, and its information on what is not penalised: one pass."""
    free = _free(objective, penalty)
    sums = MeansAndInformation(objective.family, *objective.rounded(parameters), _features(objective, free))
    cross, mean, packed = objective.rows.sum(sums)
    (r, q), weight = (len(free), objective.shape[1]), objective.moments.total_weight
    upper, lower = np.triu_indices(r)
    information = np.empty((r, r, q, q))
    information[upper, lower] = information[lower, upper] = packed / weight
    return Balance(np.zeros(objective.shape), _slopes(objective, cross, mean), information.swapaxes(1, 2))


def balanced_gap(objective: Objective, penalty: SparsePenalty, parameters: FloatArray, balance: Balance) -> float:
    """Return the bound on F - F*, given the balance at these parameters: one pass."""
    setting = _setting(objective, penalty, parameters, balance)

    def tilting(step: FloatArray, length: float, margin: FloatArray) -> Tilted:
        off = setting.off[setting.features]
        pulls = pull_of(penalty, balance.gradient[setting.features], length * setting.reach + 2.0 * off)
        shrinkage = _shrinkage(overcome(pulls))
        moved = np.flatnonzero(step.any(axis=1) | (margin > 0.0))
        tilt = Tilt(objective.family, *objective.rounded(parameters), _features(objective, moved), step[moved])
        cross, mean, *sums, short = objective.rows.sum(TiltedDivergences(tilt, shrinkage, LEAST, margin[moved]))
        apart, squares = (total / objective.moments.total_weight for total in sums)

        def between(h: float) -> tuple[float, float]:
            place = min(max(int(np.searchsorted(shrinkage, h)), 1), len(shrinkage) - 1)
            # A square of a logarithm is between two points at most what it is at one of them.
            return float(np.interp(h, shrinkage, apart)), float(squares[place - 1] + squares[place])

        return Tilted(_slopes(objective, cross, mean), between, shrinkage[-1], are_means=not short[0])

    return gap_by(setting, balance, tilting)


def _shrinkage(furthest: float) -> FloatArray:
    """Return the h at which divergences are summed, which are convex between them, where one has to be about that."""
    return np.append(PARTS * max(furthest, _CLOSE), (1.0 + furthest) / 2.0)


def _setting(objective: Objective, penalty: SparsePenalty, parameters: FloatArray, balance: Balance) -> Setting:
    noise, free = objective.rows.noise, _free(objective, penalty)
    coef, _ = objective.split(parameters)
    far = 0.0 if noise is None else float(noise @ np.abs(coef).max(axis=1))
    deviations = most_deviations(objective)
    return Setting(
        penalty=penalty,
        features=slice(len(coef)),
        free=free,
        coef=coef,
        identifiable=objective.family.identifiable_directions,
        deviations=np.append(deviations, 1.0)[: len(parameters)],
        reach=deviations[:, np.newaxis] / 2.0,
        noise=CONSTANT * np.abs(np.append(objective.moments.center, 0.0)[free]),
        off=gradient_rounding(_likelihood(objective), parameters, balance.gradient, of_any_means=True),
        moved=value_rounding(objective, parameters) + far,
    )


def most_deviations(objective: Objective) -> FloatArray:
    """Return what the standard deviations of the columns are at most, shape (p,), about 0 without an intercept."""
    moments = objective.moments
    squares = moments.size**2 - np.square(moments.center) * (1.0 - _CANCELS)
    return np.sqrt(np.maximum(squares, 0.0))


def _likelihood(objective: Objective) -> Objective:
    return objective.with_penalty(Ridge(np.zeros(objective.shape[0])))


def _slopes(objective: Objective, cross: FloatArray, mean: FloatArray) -> FloatArray:
    """Return G, shape (m, q), of means that sum up to these."""
    likelihood = _likelihood(objective)
    _, gradient = likelihood.assembled((np.zeros(1), cross, mean), np.zeros(objective.shape))
    return gradient


def _free(objective: Objective, penalty: SparsePenalty) -> Indices:
    """Return which rows of the parameters are not penalised, shape (r,)."""
    return np.append(np.flatnonzero(penalty.is_free), np.arange(len(penalty.is_free), objective.shape[0]))


def _features(objective: Objective, rows: Indices) -> SelectedFeatures:
    """Return the features of some rows of the parameters, in their order."""
    p = len(objective.moments.center)
    columns = rows[rows < p]
    return SelectedFeatures(columns, objective.moments.center[columns], int((rows >= p).any()))
