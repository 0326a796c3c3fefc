r"""Whether a maximum-likelihood estimate exists.

It does not if there is a theta that no observation opposes and some observation favours: moving along it, the
likelihood never falls and somewhere rises for ever (Albert & Anderson 1984, doi 10.1093/biomet/71.1.1). With the
directions D_d of the family, an observation t at x opposes theta where <D_d, theta' x> < 0 although t could have been
lower along D_d, or > 0 although it could have been higher. For labels these contrasts are eta_y >= eta_l for every l.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.model.coordinates import KroneckerCoordinates
from softglm.model.objective import Objective

# In the linear program a separated contrast reaches 1 and any other 0, since theta can be scaled at will.
_SEPARATED = 0.5
# Contrasts at a time.
_ENTRIES = 2**22
# Above the solver's feasibility tolerance of 1e-7.
_FEASIBLE = 1e-6


def separates(objective: Objective, parameters: FloatArray) -> bool:
    """Tell whether every contrast is positive at these parameters, shape (m, q): a proof of complete separation."""
    coef, intercept = objective.uncentred(parameters)
    family = objective.family
    directions = family.curvature_directions

    step = max(1, _ENTRIES // len(directions))

    def statistic(block: Block) -> tuple[FloatArray, ...]:
        eta = block.times(coef) + intercept[:, np.newaxis]
        targets = block.targets_matrix(family.n_parameters)
        worst = -np.inf
        for rows in (slice(start, start + step) for start in range(0, len(block), step)):
            contrasts = directions @ eta[:, rows]
            opposed = np.where(family.can_fall(targets[:, rows]), -contrasts, -np.inf)
            np.maximum(opposed, contrasts, out=opposed, where=family.can_rise(targets[:, rows]))
            worst = max(worst, opposed.max(initial=-np.inf))
        return (np.array([worst]),)

    return bool(objective.rows.max(statistic)[0].max() < 0.0)


def is_separated(objective: Objective, coordinates: KroneckerCoordinates) -> bool:
    """Decide by a linear program whether some theta separates the data, completely or not.

    max sum s  subject to  a' theta >= s,  0 <= s <= 1,  over the distinct contrasts a (Konis 2007). Its optimum counts
    the contrasts that can be separated.

    Parameters
    ----------
    objective : Objective
    coordinates : KroneckerCoordinates
        Whitened coordinates, in which the program is well scaled.
    """
    contrasts = _contrasts(objective, coordinates)
    n_contrasts, n_parameters = contrasts.shape
    # SciPy's linprog takes sparse constraints, its stubs do not know.
    constraints: Any = sparse.hstack([-contrasts, sparse.eye_array(n_contrasts)], format="csr")
    bounds: Any = np.repeat([[-np.inf, np.inf], [0.0, 1.0]], [n_parameters, n_contrasts], axis=0)
    program = optimize.linprog(
        c=np.repeat([0.0, -1.0], [n_parameters, n_contrasts]),
        A_ub=constraints,
        b_ub=np.zeros(n_contrasts),
        bounds=bounds,
        method="highs",
    )
    if not program.success:
        return False
    values = contrasts @ np.asarray(program.x)[:n_parameters]
    return bool(values.max() > _SEPARATED and values.min() > -_FEASIBLE)


def _contrasts(objective: Objective, coordinates: KroneckerCoordinates) -> sparse.csr_array:
    """Return the distinct contrasts, one per row, as linear forms in the coordinates of theta."""
    family, center = objective.family, objective.moments.center
    q, n_identifiable = family.identifiable_directions.shape
    # Where a constant added to every class changes nothing, the first class is the pivot.
    directions = family.curvature_directions[:, q - n_identifiable :]

    def statistic(block: Block) -> tuple[npt.NDArray[Any], ...]:
        targets = block.targets_matrix(family.n_parameters)
        return block.centred(center).T, family.can_fall(targets), family.can_rise(targets)

    centred, falls, rises = objective.rows.concatenate(statistic)
    distinct = np.unique(np.concatenate([centred, falls, rises]), axis=1)
    centred, falls, rises = np.split(distinct, [len(centred), len(centred) + len(falls)])
    features = coordinates.features_of(centred.T)
    signed = []
    for direction, fall, rise in zip(directions, falls, rises, strict=True):
        for sign, active in ((1.0, fall > 0.0), (-1.0, rise > 0.0)):
            signed.append(sparse.kron(sign * direction[np.newaxis], features[active], format="csr"))
    return sparse.csr_array(sparse.vstack(signed, format="csr"))
