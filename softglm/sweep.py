"""One fit after the other, under penalties of the same rows, each begun where the last one ended."""

from collections.abc import Iterable, Iterator

from softglm.fit import Fit, Handover, Report, Start, solve, solve_sparse, sparse_path
from softglm.model import Penalty, Prepared, SparsePenalty


def sweep(
    prepared: Prepared,
    penalties: Iterable[Penalty | SparsePenalty],
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
    penalties : iterable of Penalty or SparsePenalty
        From the strongest to the weakest, or so that neighbours have like optima.
    start : Start or None, default=None
        Of the first; None for the null model.
    tol : float, default=1e-8
        The relative gap to prove; under sparse penalties relative to F of the null model; see `solve`.
    max_iter : int, default=1000
        Of each fit; see `solve`.
    report : callable or None, default=None
    """
    # What fits know of the rows, they pass on.
    path, handover = None, Handover()
    for penalty in penalties:
        if isinstance(penalty, SparsePenalty):
            path = path or sparse_path(prepared, start)
            result = solve_sparse(path, prepared, penalty, tol=tol, max_iter=max_iter, report=report)
        else:
            path = None
            result = solve(prepared, penalty, start, tol=tol, max_iter=max_iter, report=report, handover=handover)
        start = Start(result.coef, result.intercept)
        yield result
