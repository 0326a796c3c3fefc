"""Paths of a hundred strengths of the lasso, the elastic net and the grouped lasso, every solver at the same points.

Columns are brought to mean square 1 first, and nobody standardises them again. The strengths are glmnet's: from the
least with which no feature enters down to 1e-4 of it where n > p, else 1e-2; no solver may end before the last.
Seconds are those of the CPU, with one thread, medians over rounds that ask all solvers in turn. Solutions are judged by
one objective, in plain NumPy: a gap is what the objective is above the least that any solver found at the point (among
them softglm, untimed, at a tolerance of 1e-9), as a share of what it is without features; that of the worst point
counts.

`cold` is one fit that knows nothing, at the middle of the path, against scikit-learn's solvers at the first of ever
smaller tolerances with which they come to a gap of 1e-6. `memory` is what NumPy holds at the peak of the path.
"""

import sys
import time
from functools import partial
from statistics import median

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.memory import peak_of
from benchmarks.objective import null_value, value
from benchmarks.path_problems import KINDS, path_problem, sources
from benchmarks.path_rivals import (
    SoftGLM,
    fit_one_strength,
    one_strength_solvers,
    our_fits,
    our_penalty,
    path_rivals,
)
from benchmarks.shapes import our_rows
from benchmarks.timing import quiet

PARTS = (*(kind.name for kind in KINDS), "cold", "memory")
COLD_GAP = 1e-6
_MEMORY_SOURCES = {"wide"}
_REFERENCE_TOLERANCE = 1e-9
# In seconds: short paths are repeated until they fill it; no smaller tolerance is tried after a fit as long as this.
_BUDGET, _COLD_SECONDS = 0.2, 20.0
_DECADES = tuple(10.0**-k for k in range(2, 13))


def measure(results, chosen, parts, *, rounds, limit, store):
    """Add to results what they lack of the parts, for each of the chosen sources.

    Parameters
    ----------
    results : dict
        Of lists "paths", "cold" and "memory", a dict a line.
    chosen : sequence of Source
    parts : collection of str
        Of PARTS.
    rounds : int
    limit : float
        Seconds that a path may take.
    store : callable
        Called with the results after each line.
    """
    missing = {rival.name: rival.missing() for rival in path_rivals() if rival.missing()}
    results["skipped"] |= missing
    _warm()
    with threadpool_limits(1), quiet():
        for source in chosen:
            for kind in KINDS:
                for part, line in _lines(source, kind, parts, results, partial(_path, rounds=rounds, limit=limit)):
                    results[part].append(line)
                    store(results)


def _lines(source, kind, parts, results, path):
    """Yield (part, line) for what is asked for and not there yet."""
    makers = {"paths": path, "cold": _cold, "memory": _memory}
    wanted = [
        name
        for name, is_wanted in (
            ("paths", kind.name in parts),
            ("cold", "cold" in parts and not kind.is_grouped),
            ("memory", "memory" in parts and source.name in _MEMORY_SOURCES),
        )
        if is_wanted and not any((line["problem"], line["kind"]) == (source.name, kind.name) for line in results[name])
    ]
    problem = None
    for name in wanted:
        start = time.perf_counter()
        try:
            problem = problem or path_problem(source, kind)
        except ImportError as missing:
            results["skipped"][source.name] = str(missing)
            return
        if problem is None:
            return
        (n, p), K = problem.rows.X.shape, problem.rows.n_classes
        head = {"problem": source.name, "kind": kind.name, "n": n, "p": p, "K": K, "is_real": problem.is_real}
        try:
            yield name, head | makers[name](problem)
        except Exception as met:  # noqa: BLE001
            results["skipped"][f"{source.name}, {kind.name}, {name}"] = _said(met)
        print(f"{source.name}, {kind.name}, {name}: {time.perf_counter() - start:.1f} s", file=sys.stderr)


def _warm():
    """Make short paths, so that what happens once per process is not timed."""
    for kind in KINDS:
        problem = path_problem(sources()[0], kind)
        for rival in path_rivals():
            if rival.program != "glmnet" and not (rival.missing() or rival.refuses(problem)):
                _attempt(rival, problem, 1.0, 0.0)


def _attempt(rival, problem, limit, budget):
    """Return the path and why there is none, one of them None."""
    try:
        return rival.path(problem, limit, budget), None
    except Exception as met:  # noqa: BLE001 - whatever a solver raises is reported
        return None, _said(met)


def _said(met):
    return f"{type(met).__name__}: {met}"


def _path(problem, *, rounds, limit):
    rivals = [rival for rival in path_rivals() if not (rival.missing() or rival.refuses(problem))]
    reference, _ = _attempt(SoftGLM(_REFERENCE_TOLERANCE), problem, limit, 0.0)
    solvers, values = {}, [values_of(problem, reference)] if reference else []
    for rival in rivals:
        solvers[rival.name] = {"seconds": None, "rounds": [], "gap": None, "proved": None, "points": 0, "note": None}
        rival.prepare(problem)
    try:
        for lap in range(rounds):
            for rival in rivals:
                solver = solvers[rival.name]
                if solver["note"] is not None:
                    continue
                path, solver["note"] = _attempt(rival, problem, limit, _BUDGET)
                if path is None:
                    continue
                solver["rounds"].append(path.seconds)
                if not lap:
                    solver["values"] = values_of(problem, path)
                    values.append(solver["values"])
                    solver["points"] = len(path.coefs)
                    solver["proved"] = _worst_proof(problem, path)
    finally:
        for rival in rivals:
            rival.close()
    null = null_value(problem.rows)
    lowest = least_of(values, len(problem.strengths))
    for solver in solvers.values():
        if solver["rounds"]:
            solver["seconds"] = median(solver["rounds"])
            found = solver.pop("values")
            solver["gap"] = float((found - lowest[: len(found)]).max() / null)
    proved = None if reference is None else {"points": len(reference.coefs), "gap": _worst_proof(problem, reference)}
    return {"n_strengths": len(problem.strengths), "null": null, "reference": proved, "solvers": solvers}


def values_of(problem, path):
    """Return the objective at each point of a path."""
    strengths = problem.strengths[: len(path.coefs)]
    return np.array(
        [
            value(problem.rows, coef, intercept) + problem.kind.value(alpha, coef)
            for alpha, coef, intercept in zip(strengths, path.coefs, path.intercepts, strict=True)
        ]
    )


def least_of(values, n_points):
    """Return the least value at each point, of paths that may end before the last."""
    padded = [np.append(found, np.full(n_points - len(found), np.inf)) for found in values]
    return np.min(padded, axis=0, initial=np.inf)


def _worst_proof(problem, path):
    return None if path.gaps is None else float(path.gaps.max() / null_value(problem.rows))


def _cold(problem):
    from softglm.fit import prepare, solve

    rows, alpha, null = problem.rows, problem.strengths[len(problem.strengths) // 2], null_value(problem.rows)

    def ours(tol):
        return solve(prepare(*our_rows(rows.X, rows.y, rows.n_classes)), our_penalty(problem, alpha), tol=tol)

    def value_at(coef, intercept):
        return value(rows, coef, intercept) + problem.kind.value(alpha, coef)

    best = ours(_REFERENCE_TOLERANCE)
    lowest = value_at(best.coef.T, best.intercept)
    taken = []
    while not taken or sum(taken) < _BUDGET:
        start = time.process_time()
        fit = ours(COLD_GAP)
        taken.append(time.process_time() - start)
    line = {
        "n_nonzero": int(np.count_nonzero(best.coef)),
        "seconds": median(taken),
        "gap": (value_at(fit.coef.T, fit.intercept) - lowest) / null,
        "proved": fit.gap / null,
        "solvers": {},
    }
    for solver in one_strength_solvers():
        for tol in _DECADES:
            seconds, coef, intercept = fit_one_strength(solver, problem, alpha, tol)
            gap = (value_at(coef, intercept) - lowest) / null
            line["solvers"][solver] = {"seconds": seconds, "tol": tol, "gap": gap}
            if gap <= COLD_GAP or seconds > _COLD_SECONDS:
                break
    return line


def _memory(problem):
    n_pairs, has_entered = 0, np.zeros(problem.rows.X.shape[1], dtype=bool)

    def run():
        nonlocal n_pairs
        for fit in our_fits(problem, COLD_GAP):
            n_pairs = max(n_pairs, np.count_nonzero(fit.coef))
            has_entered[fit.coef.any(axis=1)] = True

    peak = peak_of(run)
    n, K = len(problem.rows.y), problem.rows.n_classes
    return {
        "n_columns": int(has_entered.sum()),
        "n_pairs": int(n_pairs),
        "peak": peak,
        "rows": problem.rows.dense_bytes,
        "needed": 8 * (n * int(has_entered.sum()) + K * n + int(n_pairs) ** 2),
    }
