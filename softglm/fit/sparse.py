"""Fits under penalties that hold coefficients at 0, or within bounds."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
import numpy.typing as npt

from softglm.data import blas_as_found, one_blas_thread
from softglm.fit.digits import rounded_sparsely
from softglm.fit.result import Fit, Report, Start
from softglm.fit.strengths import check_penalty
from softglm.model import Prepared, SparsePenalty
from softglm.solver import GapKind
from softglm.sparse import SparsePath
from softglm.status import STATUS_OF


def sparse_path(prepared: Prepared, start: Start | None = None) -> SparsePath:
    """Return where fits under one sparse penalty after another begin; see `solve_sparse`."""
    with np.errstate(over="ignore", invalid="ignore"):
        return SparsePath(prepared) if start is None else SparsePath(prepared, start.coef, start.intercept)


def solve_sparse(
    path: SparsePath,
    prepared: Prepared,
    penalty: SparsePenalty,
    *,
    tol: float,
    max_iter: int,
    precision: npt.DTypeLike = np.float64,
    report: Report | None = None,
) -> Fit:
    """Fit under a sparse penalty, from where the path is; see `solve`."""
    (result,) = _solve_some(path, prepared, [penalty], tol=tol, max_iter=max_iter, report=report)
    if np.dtype(precision).itemsize < np.dtype(np.float64).itemsize:
        with np.errstate(over="ignore", invalid="ignore"):
            before = prepared.count.n_passes
            result = rounded_sparsely(result, prepared, penalty, precision, tol)
            result = replace(result, n_passes=result.n_passes + prepared.count.n_passes - before)
    return result


def solve_each_sparse(
    path: SparsePath,
    prepared: Prepared,
    penalties: Iterable[SparsePenalty],
    *,
    tol: float,
    max_iter: int,
    report: Report | None = None,
) -> Iterator[Fit]:
    """Yield the fit under each of some sparse penalties, from where the last one ended; see `solve`.

    Where rows are few, some are made at once.
    """
    following = iter(penalties)
    waiting: list[SparsePenalty] = []
    while waiting := [*waiting, *islice(following, path.at_once - len(waiting))]:
        some = _solve_some(path, prepared, waiting, tol=tol, max_iter=max_iter, report=report)
        yield from some
        waiting = waiting[len(some) :]


@one_blas_thread
def _solve_some(
    path: SparsePath,
    prepared: Prepared,
    penalties: Sequence[SparsePenalty],
    *,
    tol: float,
    max_iter: int,
    report: Report | None,
) -> list[Fit]:
    """Fit under the first of some penalties, and those of the next that are as soon fitted with it."""
    for penalty in penalties:
        check_penalty(penalty.smooth, prepared)
    with np.errstate(over="ignore", invalid="ignore"):
        solutions = path.fit(penalties, tol, max_iter, None if report is None else blas_as_found(report))
    return [
        Fit(
            coef=found.coef,
            intercept=found.intercept,
            loss=found.loss,
            null_loss=prepared.null.value,
            penalty=found.penalty,
            gap=found.gap,
            gap_kind=GapKind.DUALITY,
            status=STATUS_OF[found.outcome],
            is_unique=True,
            n_iterations=found.n_iterations,
            n_evaluations=found.n_evaluations,
            n_refreshes=found.n_hessians,
            n_passes=found.n_passes,
        )
        for found in solutions
    ]
