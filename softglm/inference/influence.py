"""How much each row decides: what a table or a picture of the rows shows."""

import numpy as np

from softglm.arrays import FloatArray
from softglm.inference.diagnostics import cooks_distance, leverage, residuals
from softglm.inference.estimate import Estimate
from softglm.inference.sample import Sample


def influence(estimate: Estimate, sample: Sample) -> dict[str, FloatArray]:
    """Return the leverage, residual and cooks_distance of the rows, each of shape (n,), under these names.

    The residual is the length of the Pearson residual: over K classes the root of the sum of its squares, its size for
    two.

    Parameters
    ----------
    estimate : Estimate
    sample : Sample
    """
    pearson = residuals(estimate, "pearson", sample.trials)
    return {
        "leverage": leverage(estimate, sample.copies),
        "residual": np.sqrt(np.square(pearson.reshape(len(pearson), -1)).sum(axis=1)),
        "cooks_distance": cooks_distance(estimate, sample.copies),
    }
