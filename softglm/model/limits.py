"""How large a problem may be for exact Hessians, which proofs rest on where nothing is penalised."""

from softglm.families import UnconstrainedFamily
from softglm.tuning import DEFAULT, Tuning

# Weights of a Hessian are formed for d curvature directions, of which classes have K (K - 1) / 2, and a block of so
# many rows: no more entries than this.
_MAX_ENTRIES, _ROWS = 2**26, 2048


def has_few_directions(family: UnconstrainedFamily) -> bool:
    """Tell whether the curvature directions are few enough for a Hessian: up to 242 classes."""
    return family.n_curvature_directions * (family.n_parameters + _ROWS) <= _MAX_ENTRIES


def beyond_hessians(family: UnconstrainedFamily, n_terms: int, tuning: Tuning = DEFAULT) -> str | None:
    """Say why a model has no exact Hessians, before anything is computed; None if it has, as far as that is known.

    Parameters
    ----------
    family : UnconstrainedFamily
    n_terms : int
        The columns of X and their constant, m. Where they are collinear their rank counts, and may be less.
    tuning : Tuning, optional
    """
    if not has_few_directions(family):
        return f"{family.n_parameters:,} classes make {family.n_curvature_directions:,} pairs, too many for a Hessian"
    n_parameters = n_terms * family.n_identifiable
    if n_parameters > tuning.hessian_parameters:
        return f"{n_parameters:,} parameters are beyond the {tuning.hessian_parameters:,} of the largest Hessian"
    return None
