"""Fits under penalties that hold coefficients at 0, or within bounds."""

from dataclasses import replace

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


@one_blas_thread
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
    check_penalty(penalty.smooth, prepared)
    n_passes_before, null = prepared.count.n_passes, prepared.null
    with np.errstate(over="ignore", invalid="ignore"):
        found = path.fit(penalty, tol, max_iter, None if report is None else blas_as_found(report))
        result = Fit(
            coef=found.coef,
            intercept=found.intercept,
            loss=found.loss,
            null_loss=null.value,
            penalty=found.penalty,
            gap=found.gap,
            gap_kind=GapKind.DUALITY,
            status=STATUS_OF[found.outcome],
            is_unique=True,
            n_iterations=found.n_iterations,
            n_evaluations=found.n_evaluations,
            n_refreshes=found.n_hessians,
        )
        if np.dtype(precision).itemsize < np.dtype(np.float64).itemsize:
            result = rounded_sparsely(result, prepared, penalty, precision, tol)
    return replace(result, n_passes=prepared.count.n_passes - n_passes_before)
