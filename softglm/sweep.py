"""One fit after the other, under penalties of the same rows, each begun where the last one ended."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from softglm.fit import Fit, Handover, Report, Start, solve, solve_each_sparse, sparse_path
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
    handover = Handover()
    for is_sparse, group in groupby(penalties, lambda penalty: isinstance(penalty, SparsePenalty)):
        if is_sparse:
            path = sparse_path(prepared, start)
            those = (penalty for penalty in group if isinstance(penalty, SparsePenalty))
            for result in solve_each_sparse(path, prepared, those, tol=tol, max_iter=max_iter, report=report):
                start = Start(result.coef, result.intercept)
                yield result
            continue
        for penalty in group:
            assert isinstance(penalty, Penalty)  # noqa: S101 - there are no others
            result = solve(prepared, penalty, start, tol=tol, max_iter=max_iter, report=report, handover=handover)
            start = Start(result.coef, result.intercept)
            yield result
