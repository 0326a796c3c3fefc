"""How much each row decides: what a table or a picture of the rows shows."""

from typing import TYPE_CHECKING

import numpy as np

from softglm.arrays import FloatArray
from softglm.inference import diagnostics
from softglm.inference.estimate import Estimate
from softglm.inference.facts import Facts
from softglm.inference.sample import Sample
from softglm.optional import pandas

if TYPE_CHECKING:
    import pandas as pd


def residuals(self: Facts, kind: diagnostics.ResidualKind = "pearson") -> FloatArray:
    """Return the residuals of one copy of each row.

    Parameters
    ----------
    kind : {"pearson", "deviance", "response"}
        With y what was observed of a class and E what was expected: (y - E) / sqrt(E); the signed root of the
        contribution to the deviance; or y - E.

    Returns
    -------
    array of shape (n, K), or (n,) for two classes
        Two classes have the residuals of the second, as R's glm has them.

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    self.sample.require_rows("Residuals")
    return diagnostics.residuals(self.estimate, kind, self.sample.trials)


def influence_frame(self: Facts) -> "pd.DataFrame":
    """Return a data frame of the rows with the columns leverage, residual, cooks_distance.

    The residual is the length of the Pearson residual: over K classes the root of the sum of its squares, its size
    for two. It is what `softglm.plots.InfluenceDisplay` draws.

    Returns
    -------
    DataFrame
        With n rows, in the order of the fit.
    """
    self.sample.require_rows("Influences")
    pd = pandas("influence_frame")
    return pd.DataFrame(influence(self.estimate, self.sample))


def influence(estimate: Estimate, sample: Sample) -> dict[str, FloatArray]:
    """Return the leverage, residual and cooks_distance of the rows, each of shape (n,), under these names.

    The residual is the length of the Pearson residual: over K classes the root of the sum of its squares, its size for
    two.

    Parameters
    ----------
    estimate : Estimate
    sample : Sample
    """
    pearson = diagnostics.residuals(estimate, "pearson", sample.trials)
    return {
        "leverage": diagnostics.leverage(estimate, sample.copies),
        "residual": np.sqrt(np.square(pearson.reshape(len(pearson), -1)).sum(axis=1)),
        "cooks_distance": diagnostics.cooks_distance(estimate, sample.copies),
    }
