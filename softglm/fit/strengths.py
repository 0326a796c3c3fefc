"""What is asked of a penalty."""

import numpy as np

from softglm.model import Penalty, Prepared


def check_penalty(penalty: Penalty, prepared: Prepared) -> None:
    """Raise a ValueError if strengths are below 0, or on the intercepts, or not one for each row of the parameters."""
    curvature, p, n_constants = penalty.curvature, prepared.rows.n_features, int(prepared.fit_intercept)
    if curvature.shape != (p + n_constants,):
        raise ValueError(
            f"The penalty has strengths of shape {curvature.shape}, expected ({p + n_constants},): one for each of {p} "
            f"columns{', and 0 for the intercepts, which come last' * n_constants}."
        )
    if not (curvature.min(initial=0.0) >= 0.0 and curvature.sum() < np.inf):
        raise ValueError(
            f"The strengths of the penalty must be finite and at least 0, got {curvature.min()!r} to "
            f"{curvature.max()!r}: under others the loss has no minimum that could be proved."
        )
    if curvature[p:].any():
        raise ValueError(
            "The penalty has strength on the row of the intercepts, which are never penalised: the null model has "
            "nothing else. Set it to 0, as Ridge.on_coefficients does."
        )
