"""One fit after the other, under penalties of the same rows, each begun where the last one ended."""

from collections.abc import Iterable, Iterator

from softglm.fit import Fit, Report, Start, solve
from softglm.model import Penalty, Prepared


def sweep(
    prepared: Prepared,
    penalties: Iterable[Penalty],
    start: Start | None = None,
    *,
    tol: float = 1e-8,
    max_iter: int = 1000,
    report: Report | None = None,
) -> Iterator[Fit]:
    """Yield the fit under each penalty, as soon as it is made.

    Parameters
    ----------
    prepared : Prepared
    penalties : iterable of Penalty
        From the strongest to the weakest, or so that neighbours have like optima.
    start : Start or None, default=None
        Of the first; None for the null model.
    tol : float, default=1e-8
    max_iter : int, default=1000
        Of each fit; see `solve`.
    report : callable or None, default=None
    """
    for penalty in penalties:
        result = solve(prepared, penalty, start, tol=tol, max_iter=max_iter, report=report)
        start = Start(result.coef, result.intercept)
        yield result
