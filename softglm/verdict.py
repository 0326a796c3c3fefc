"""How a fit goes and how it ended, in words for its user."""

from typing import Any

import numpy.typing as npt

from softglm.fit import Fit
from softglm.model import beyond_hessians
from softglm.observed import Observed
from softglm.solver import GapKind, Progress
from softglm.status import Status

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


def print_line(text: str) -> None:
    """Print how far something has come."""
    print(text, flush=True)


class StagePrinter:
    """Prints a line for each stage of a fit, once the next begins."""

    def __init__(self) -> None:
        self._last: Progress | None = None

    @staticmethod
    def begin(text: str | None) -> None:
        """Print what is to be known beforehand, if anything is."""
        if text is not None:
            print(f"SoftmaxGLM {text}")

    def report(self, progress: Progress) -> None:
        """Remember an iteration; print the last one of a stage that ended."""
        if self._last is not None and self._last.stage < progress.stage:
            self._print()
        self._last = progress

    def end(self, status: str) -> None:
        """Print the last stage, and how the fit ended."""
        self._print()
        print(f"SoftmaxGLM {status}")

    def _print(self) -> None:
        if self._last is not None:
            print(
                f"SoftmaxGLM stage {self._last.stage + 1}: loss {self._last.value:.9g} after iteration "
                f"{self._last.iteration}"
            )
