"""The time to a relative gap: each solver swept over its tolerances, then the winners timed again in turn.

*The sweep.* A solver's tolerances are tried from the loosest on until the tightest target is reached. Where the first
tolerance that reaches a target does so between two decades, the geometric means between them are tried as well: the
fastest run that reaches the target counts. A run past 20 times our time is stopped, and so are one past ten minutes
and the whole solver if its predicted memory is too large.

*The race.* The winning tolerances, ours and theirs, are then timed in turn over several rounds; the median counts.
"""

from dataclasses import asdict, dataclass, field, replace
from statistics import median

import numpy as np

from benchmarks.worker import Failed, Stopped, Worker

TARGETS = (1e-3, 1e-6, 1e-9)
MOST_BYTES = 8 * 2**30
MOST_SECONDS, MOST_TIMES = 600.0, 20.0
_RACE_SECONDS = 10.0


@dataclass(frozen=True)
class Effort:
    """How much time a measurement may take.

    Attributes
    ----------
    rounds : int
        Of the race.
    budget : float
        Seconds of repeated calls in each round; long fits are called once.
    floor : float
        No run is stopped before so many seconds.
    stride, refinements : int
        Every how many decades of the tolerance there is a run, and how many are added in between.
    """

    rounds: int = 5
    budget: float = 0.1
    floor: float = 0.25
    stride: int = 1
    refinements: int = 2


QUICK = Effort(rounds=2, budget=0.02, floor=0.1, stride=2, refinements=0)


@dataclass
class Sweep:
    """What a solver reached.

    Attributes
    ----------
    family : str
    runs : list of dict
        tol, seconds, gap of each run.
    reached : dict
        From target to tol and seconds, and what they were in each round.
    stopped_after : float or None
        The limit that ended the sweep, in seconds.
    note : str or None
        Why it did not run, or ended.
    """

    family: str
    runs: list = field(default_factory=list)
    reached: dict = field(default_factory=dict)
    stopped_after: float | None = None
    note: str | None = None


def key_of(target):
    """Return how a target is written in result files."""
    return f"{target:.0e}"


def measure(case, rivals, threads, effort):
    """Return all that is known about a case, ready for JSON."""
    problem = case.build()
    ours, peers = rivals[0], rivals[1:]
    n, p = problem.X.shape
    record = {
        "case": case.name,
        "source": case.source.name,
        "group": case.group,
        "scaling": case.scaling,
        "strength": case.strength,
        "n": n,
        "p": p,
        "K": problem.n_classes,
        "dtype": str(problem.X.dtype),
        "threads": threads,
    }
    if case.source.repeats is not None:
        # The large ones: fewer rounds, and a coarser sweep.
        effort = replace(effort, rounds=min(effort.rounds, case.source.repeats), stride=2, refinements=1)
    worker = Worker(problem, ours, threads)
    try:
        reference = worker.reference(10 * MOST_SECONDS)
        facts = worker.facts(MOST_SECONDS)
    except (Stopped, Failed) as problem_met:
        worker.stop()
        return {**record, "solvers": {}, "failed": f"softglm: {problem_met or 'out of time'}"}
    facts["gap"] = reference.gap(facts.pop("value"))
    workers, sweeps = {ours.name: worker}, {}
    sweeps[ours.name] = _sweep(worker, ours, reference, MOST_SECONDS, effort)
    longest = max((run["seconds"] for run in sweeps[ours.name].runs), default=MOST_SECONDS)
    limit = min(MOST_SECONDS, max(effort.floor, MOST_TIMES * longest))
    for peer in peers:
        sweeps[peer.name] = Sweep(peer.family, note=_reason_to_skip(peer, problem))
        if sweeps[peer.name].note:
            continue
        if peer.memory(problem) > MOST_BYTES:
            note = f"predicted memory {peer.memory(problem) / 2**30:.0f} GiB"
            sweeps[peer.name] = Sweep(peer.family, stopped_after=limit, note=note)
            continue
        try:
            workers[peer.name] = Worker(problem, peer, threads)
        except (Stopped, Failed) as problem_met:
            sweeps[peer.name].note = f"did not start: {problem_met}"
            continue
        sweeps[peer.name] = _sweep(workers[peer.name], peer, reference, limit, effort)
        if sweeps[peer.name].stopped_after is not None and sweeps[peer.name].reached:
            workers[peer.name] = Worker(problem, peer, threads)  # the race needs it again
    gaps = (run["gap"] for sweep in sweeps.values() for run in sweep.runs)
    lowest = min((gap for gap in gaps if gap is not None), default=0.0)
    _race(workers, sweeps, limit, effort)
    for worker in workers.values():
        worker.stop()
    return {
        **record,
        "reference": {**asdict(reference), "lowest_gap_seen": lowest},
        "softglm": facts,
        "limit": limit,
        "solvers": {name: asdict(sweep) for name, sweep in sweeps.items()},
    }


def _reason_to_skip(peer, problem):
    return peer.missing() or peer.refuses(problem)


def _sweep(worker, rival, reference, limit, effort):
    sweep = Sweep(rival.family)
    is_ours = rival.name == "softglm"

    def run(tol):
        timed = worker.fit(tol, limit)
        gap = reference.gap(timed.value)
        sweep.runs.append({"tol": tol, "seconds": timed.seconds, "gap": gap if np.isfinite(gap) else None})
        return gap

    try:
        if worker.fit(rival.tolerances[0], limit).seconds < effort.floor:  # the first fit of all is slower
            worker.fit(rival.tolerances[0], limit)
        for tol in rival.tolerances if is_ours else rival.tolerances[:: effort.stride]:
            if run(tol) <= TARGETS[-1] and not is_ours:
                break
        for target in () if is_ours else TARGETS:
            _refine(run, sweep, target, effort)
    except Stopped:
        sweep.stopped_after = limit
    except Failed as problem_met:
        sweep.note = str(problem_met)
    for target in TARGETS:
        fast = [run for run in sweep.runs if run["gap"] is not None and run["gap"] <= target]
        if fast:
            best = min(fast, key=lambda run: run["seconds"])
            sweep.reached[key_of(target)] = {"tol": best["tol"], "seconds": best["seconds"], "rounds": []}
    return sweep


def _refine(run, sweep, target, effort):
    """Try tolerances between the last that missed the target and the first that reached it."""
    for _ in range(effort.refinements):
        ordered = sorted(sweep.runs, key=lambda run: -run["tol"])
        hits = [entry["gap"] is not None and entry["gap"] <= target for entry in ordered]
        if True not in hits or not hits.index(True):
            return
        first = hits.index(True)
        if ordered[first]["seconds"] > 10 * effort.floor:
            return
        run(float(np.sqrt(ordered[first - 1]["tol"] * ordered[first]["tol"])))


def _race(workers, sweeps, limit, effort):
    """Time the winners again, everybody once in each round."""
    pairs = {
        (name, reached["tol"]): reached["seconds"]
        for name, sweep in sweeps.items()
        for reached in sweep.reached.values()
        if name in workers
    }
    times = {pair: [] for pair in pairs}
    for lap in range(effort.rounds):
        for (name, tol), seconds in pairs.items():
            if lap and (lap + 1) * seconds > _RACE_SECONDS:
                continue
            try:
                times[name, tol].append(workers[name].fit(tol, 2.0 * limit, effort.budget).seconds)
            except (Stopped, Failed, OSError):
                continue
    for name, sweep in sweeps.items():
        for reached in sweep.reached.values():
            rounds = times.get((name, reached["tol"]), [])
            if rounds:
                reached.update(rounds=rounds, seconds=median(rounds))
