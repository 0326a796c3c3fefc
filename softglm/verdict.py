"""How a fit goes and how it ended, in words for its user."""

import math
from typing import Any, final

import numpy.typing as npt

from softglm.fit import Fit
from softglm.model import beyond_hessians
from softglm.observed import Observed
from softglm.progress import ProgressColumns, say
from softglm.solver import GapKind, Progress
from softglm.status import Status

_WHO = "SoftmaxGLM"

REMEDY = {
    Status.PRECISION: "Centre the columns of X that are far from zero for their spread, and drop those that are nearly "
    "collinear; if C is huge, choose a smaller one.",
    Status.ITERATIONS: "Increase max_iter, now {max_iter}.",
    Status.ROUNDED: "Centre the columns of X, or pass X as float64.",
    Status.SEPARATED: "Set alpha > 0 (the default), or leave out what separates the classes; for standard errors "
    'and tests, infer from this fit with estimates="bias-reduced".',
    Status.UNDECIDED: "Set alpha > 0, where an optimum always exists.",
    Status.NON_FINITE: "Rescale X and the offset: squares and exponentials of them have to be finite.",
}

ONE_CLASS = "converged: only one class has weight, its probability is 1 everywhere, and no loss is below this one of 0"


def sentence(result: Fit) -> str:
    """Return how the fit ended, for the user."""
    proof = "an estimate" if result.gap_kind is GapKind.ESTIMATE else f"proved by {result.gap_kind.value}"
    # Relative to what the fit was to reach.
    is_sparse = result.gap_kind is GapKind.DUALITY
    size = f"gap {_of_null_loss(result):.1e} of the loss" if is_sparse else f"relative gap {result.relative_gap:.1e}"
    passes = f"{result.n_passes} pass{'es' * (result.n_passes != 1)}"
    text = f"{result.status.value} ({size}, {proof}, {passes})"
    if result.status in {Status.SEPARATED, Status.NON_FINITE}:
        text = result.status.value
    elif not result.is_unique:
        text += (
            "; columns of X are constant or collinear and nothing is penalised: of the many optima this is the one of "
            "minimum norm in standardised coordinates"
        )
    return text


def _of_null_loss(result: Fit) -> float:
    """Return the gap relative to the loss without features."""
    return result.gap / result.null_loss if result.null_loss > 0.0 else float(result.gap > 0.0)


def without_weight(absent: npt.NDArray[Any]) -> str:
    """Say which classes have no weight, and what becomes of them."""
    return (
        f"The total weight of the classes {absent[:10].tolist()} is zero beside that of the others: they keep their "
        "place in classes_ and get probability 0."
    )


def beforehand(seen: Observed, *, fit_intercept: bool) -> str | None:
    """Say what a fit without a penalty will not be able to prove; None where it can."""
    n_rows, n_columns = seen.n_rows, seen.n_features
    rank = min(n_columns + int(fit_intercept), n_rows)  # or less
    reason = beyond_hessians(seen.family, rank) if seen.n_present > 1 else None
    if reason is None:
        return None
    return (
        f"{reason}: without a penalty it will stay undecided whether there is an optimum, unless one column shows that "
        "there is none, and its gap will be an estimate. Set alpha > 0 for a proof."
    )


@final
class FitPrinter:
    """Prints how a fit goes, a line for each stage or each iteration, and how it ended.

    Parameters
    ----------
    verbose : int
        0 prints nothing, 1 a line for each stage, once the next begins, 2 one for each iteration.
    """

    def __init__(self, verbose: int) -> None:
        self.is_silent, self._is_detailed = not verbose, verbose > 1
        self._columns = ProgressColumns(_WHO, {"stage": 5, "iteration": 9, "loss": 12, "gap": 8, "passes": 6})
        self._last: tuple[int, list[str], float] | None = None

    def begin(self, seen: Observed, place: str | None, *, fit_intercept: bool, alpha: float) -> None:
        """Print what is to be known beforehand, if anything is; of rows elsewhere every iteration will be told."""
        if self.is_silent:
            return
        if self._is_detailed:
            sizes = f"{seen.n_rows:,} rows, {seen.n_features:,} features, {seen.n_present} classes"
            say(_WHO, f"fits {sizes}, alpha {alpha:.4g}")
        warning = beforehand(seen, fit_intercept=fit_intercept) if alpha == 0.0 else None
        for text in (place, warning):
            if text is not None:
                say(_WHO, text)
        self._is_detailed |= place is not None

    def report(self, progress: Progress, n_passes: int) -> None:
        """Print an iteration, or remember it as what may be the last one of its stage."""
        if self.is_silent:
            return
        gap = f"~{progress.gap:.1e}" if progress.gap < math.inf else "-"
        cells = [str(progress.stage + 1), str(progress.iteration), f"{progress.value:.9g}", gap, str(n_passes)]
        if self._is_detailed:
            self._columns.add(cells)
            return
        if self._last is not None and self._last[0] < progress.stage:
            self._print_last()
        self._last = progress.stage, cells, self._columns.seconds

    def end(self, status: str) -> None:
        """Print the last stage, and how the fit ended."""
        if self.is_silent:
            return
        self._print_last()
        say(_WHO, f"after {self._columns.seconds:.3f} s: {status}")

    def _print_last(self) -> None:
        if self._last is not None:
            _, cells, seconds = self._last
            self._columns.add(cells, seconds)
