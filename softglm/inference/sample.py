"""What the rows of a fit stand for, and how more of them are read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data import Rows
from softglm.inference.covariance import Covariance
from softglm.inference.estimate import Estimate


@final
@dataclass(frozen=True, eq=False)
class Sample:
    """What the rows stand for, beyond the weights that the objective gives them.

    Attributes
    ----------
    trials : array of shape (n,), or None
        The totals m_i of rows of counts; None for labels.
    copies : array of shape (n,), or None
        How many identical rows each one stands for (frequency weights); None for one.
    n_observations : float
        sum_i w_i m_i, of frequency weights and row totals; the number of rows with sampling weights.
    is_reweighted : bool
        Whether sampling or class weights make the likelihood a pseudo-likelihood.
    read_rows : callable
        ``read_rows(X, offset)`` returns new rows as the estimator would read them.
    covariance_of : callable
        ``covariance_of(estimate)`` returns the covariance of the kind that was asked for, of another fit to the rows,
        and the degrees of freedom of its t distribution, or None.
    clusters : array of shape (n, ways), or None
        The cluster of each row, by its number, for a clustered covariance.
    is_here : bool, default=True
        Whether the rows are in the memory of this process, or where it may look at each.
    """

    trials: FloatArray | None
    copies: FloatArray | None
    n_observations: float
    is_reweighted: bool
    read_rows: Callable[[Any, Any], Rows]
    covariance_of: Callable[[Estimate], tuple[Covariance, float | None]]
    clusters: npt.NDArray[np.intp] | None = None
    is_here: bool = True

    def require_rows(self, what: str) -> None:
        """Raise if there are too many rows elsewhere for what is said of each of them.

        Parameters
        ----------
        what : str
            What was asked for, in the plural.

        Raises
        ------
        ValueError
            With the remedy.
        """
        if not self.is_here:
            raise ValueError(
                f"{what} take numbers of each row, and the rows are on a cluster, from which only sums come. Pass "
                "X.compute(), if it fits into memory. What follows from probabilities, as residuals do, follows from "
                "predict_proba of the fitted model too, which is computed there."
            )
