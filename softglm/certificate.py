"""What a certificate says of a fitted model: numbers, the rows they are about, and the text they stand in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.inference.cells import wrapped
from softglm.inference.tables.html import facts_written
from softglm.optional import pandas
from softglm.solver import GapKind

if TYPE_CHECKING:
    import pandas as pd

NO_OPTIMUM = "none"
# So many rows are listed, the rest are counted.
_LISTED = 12
_WIDTH = 88


@final
@dataclass(frozen=True, eq=False, repr=False)
class CertifiedPredictions:
    """What the predictions of a model are beside those of the optimum of its objective, for each of n rows.

    Attributes
    ----------
    labels, labels_near_optimum : array of shape (n,)
        What the model predicts, and what a fit does that is proved to be near the optimum.
    probability_errors : array of shape (n,)
        How far some probability is from that of the optimum, at the most.
    changes, may_change : bool array of shape (n,)
        Whether it is certain that the optimum has another label; and whether it is not certain that it has the same.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from softglm import SoftmaxGLM
    >>> X, y = load_iris(return_X_y=True)
    >>> SoftmaxGLM(tol=0.1, max_iter=2).fit(X, y).certify(X, y).predictions
    <CertifiedPredictions: ...>
    """

    labels: npt.NDArray[Any]
    labels_near_optimum: npt.NDArray[Any]
    probability_errors: FloatArray
    changes: BoolArray
    may_change: BoolArray

    @property
    def largest_probability_error(self) -> float:
        """The largest of `probability_errors`."""
        return float(self.probability_errors.max(initial=0.0))

    @property
    def n_changes(self) -> int:
        """How many labels are certainly others at the optimum."""
        return int(self.changes.sum())

    @property
    def n_may_change(self) -> int:
        """How many labels may be others at the optimum: never fewer than are."""
        return int(self.may_change.sum())

    def to_frame(self) -> "pd.DataFrame":
        """Return a row for each row, in their order. It needs pandas.

        Returns
        -------
        pandas.DataFrame
            With the columns label, label_near_optimum, probability_error, changes, may_change.
        """
        pd = pandas()
        return pd.DataFrame(
            {
                "label": self.labels,
                "label_near_optimum": self.labels_near_optimum,
                "probability_error": self.probability_errors,
                "changes": self.changes,
                "may_change": self.may_change,
            }
        )

    def __repr__(self) -> str:
        """Return one line."""
        return (
            f"<CertifiedPredictions: {len(self.labels)} rows, probabilities {self.largest_probability_error:.2g} "
            f"from the optimum at the most, {self.n_may_change} labels may be others there>"
        )


Predicts: TypeAlias = Callable[[Any, Any], CertifiedPredictions]
"""Called as ``predicts(X, offset)`` for rows that were not fitted; it raises where nothing is proved of them."""


@final
@dataclass(frozen=True, eq=False, repr=False)
class Certificate:
    """How far a fitted model is from the optimum of its own objective, and what that means for its predictions.

    Print it; in a notebook it is a table.

    Attributes
    ----------
    model : str
        What was certified.
    objective : str
        What it minimises, in words.
    alpha : float
        The strength of the penalty, beside the mean loss.
    loss, null_loss : float
        The objective at the coefficients, and that of the model without features, in nats per unit of weight.
    gap, least_gap : float
        What the loss is above its minimum: at the most, and at the least. inf where there is no minimum, or none is
        known.
    gap_kind : {"self-concordance", "strong convexity", "duality", "estimate", "none"}
        What proves it; "estimate" is no proof, and "none" says that there is no optimum.
    status : str
        How the fit that was made beside the model ended.
    predictions : CertifiedPredictions
        Of the rows of X.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM
    >>> X, y = load_wine(return_X_y=True)
    >>> certificate = SoftmaxGLM().fit(X, y).certify(X, y)
    >>> certificate.gap < 1e-14, certificate.predictions.n_may_change
    (True, 0)
    """

    model: str
    objective: str
    alpha: float
    loss: float
    null_loss: float
    gap: float
    least_gap: float
    gap_kind: str
    status: str
    predictions: CertifiedPredictions
    _predicts: Predicts

    @property
    def has_optimum(self) -> bool:
        """Whether the objective has a minimum."""
        return self.gap_kind != NO_OPTIMUM

    @property
    def is_proved(self) -> bool:
        """Whether the bounds are proved, rounding included, and no estimates."""
        return self.gap_kind not in {NO_OPTIMUM, GapKind.ESTIMATE.value}

    @property
    def relative_gap(self) -> float:
        """The gap as a share of what the features can explain, (f - f*) / (f_null - f*)."""
        explained = self.null_loss - self.loss + self.gap
        return self.gap / explained if 0.0 < explained < np.inf else float("inf")

    def of_rows(self, X: Any, offset: Any = None) -> CertifiedPredictions:
        """Say the same of other rows: by the metric of the Hessian, which bounds every linear predictor.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
            The rows, as the model, or the pipeline around it, predicts them.
        offset : array-like of shape (n, K), or (n,) for two classes, or 0, default=None
            Theirs, if the model was fitted with one.

        Returns
        -------
        CertifiedPredictions
            With a bound for each row.

        Raises
        ------
        ValueError
            If nothing is proved of rows that were not fitted; the message says why. Or if X does not fit the model.
        """
        return self._predicts(X, offset)

    def to_frame(self) -> "pd.DataFrame":
        """Return `predictions` as a data frame, a row for each row of X. It needs pandas.

        Returns
        -------
        pandas.DataFrame
            With the columns label, label_near_optimum, probability_error, changes, may_change.
        """
        return self.predictions.to_frame()

    def __str__(self) -> str:
        """Return a few lines of text."""
        facts, notes = self._facts(), wrapped(self._notes(), _WIDTH)
        width = max(len(name) for name, _ in facts)
        indent = "\n" + " " * (width + 2)
        lines = [f"{name.ljust(width)}  {indent.join(wrapped([text], _WIDTH - width))}" for name, text in facts]
        return "\n".join([self._title(), "", *lines, "", *notes])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return facts_written(self._title(), self._facts(), self._notes())

    def _title(self) -> str:
        return f"{self.model} beside the optimum of its objective: {self.objective}"

    def _facts(self) -> list[tuple[str, str]]:
        """Return headings, and what is said under each."""
        if not self.has_optimum:
            return [("Loss", f"{self.loss:.6g}, without a minimum: it falls by {self.least_gap:.3g} and further")]
        found = self.predictions
        return [
            ("Loss", f"{self.loss:.6g}, {self._above()}"),
            ("Probabilities", f"at most {found.largest_probability_error:.2g} from those of the optimum"),
            ("Labels", _labels_text(found)),
        ]

    def _above(self) -> str:
        if not self.gap < np.inf:
            return "and nothing is known of its minimum"
        least, most = f"{self.least_gap:.3g}", f"{self.gap:.3g}"
        share = f"{self.relative_gap:.2g}" if self.relative_gap < 0.001 else f"{self.relative_gap:.1%}"
        between = most if least == most else f"{least} to {most}" if self.least_gap else f"at most {most}"
        return f"above its minimum by {between} ({share} of what the features explain)"

    def _notes(self) -> list[str]:
        if not self.has_optimum:
            return [f"There is no optimum ({self.status})."]
        if not self.is_proved:
            return [f"Estimated, not proved (a fit of these rows {self.status})."]
        return [f"Proved by {self.gap_kind} of a fit beside it, rounding included."]


def _labels_text(found: CertifiedPredictions) -> str:
    """Say how many labels may be others at the optimum, and of which rows."""
    least, most, n = found.n_changes, found.n_may_change, len(found.labels)
    if not most:
        return f"those of the optimum, in all of {n:,} rows"
    rows = np.flatnonzero(found.may_change)
    listed = ", ".join(map(str, rows[:_LISTED])) + (", ..." if len(rows) > _LISTED else "")
    if least == most:
        return f"{most:,} of {n:,} {'is another' if most == 1 else 'are others'} at the optimum: rows {listed}"
    between = f"{least:,} to {most:,}" if least else f"at most {most:,}"
    return f"{between} of {n:,} are others at the optimum: rows {listed}"
