"""Work on every shard, wherever it is, whoever dies meanwhile."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from softglm.distributed.engine import ClusterError, Engine, Handle, Work

# Seconds between looks at who is there, while nobody answers.
_LOOK = 0.25


class _Asked(NamedTuple):
    """A worker that was asked, and for which shards."""

    worker: str
    shards: tuple[int, ...]


def answers(engine: Engine, work: Work, handles: Sequence[Handle]) -> list[Any]:
    """Return what the workers answer, each for the shards that it holds: one message each, unless some die.

    Then those who come to hold their shards are asked; which of them answer for which shards depends on that.

    Parameters
    ----------
    engine : Engine
    work : callable
        Pickled, and called where the shards are.
    handles : sequence
        Of the shards.

    Raises
    ------
    ClusterError
        If nobody is left for longer than the engine has patience, or worker after worker dies over the same shards.
    """
    result: list[Any] = []
    missing, deaths, asked = set(range(len(handles))), Counter[int](), dict[Handle, _Asked]()
    alone_since = time.monotonic()
    while missing:
        holders = engine.holders(handles)
        if holders:  # otherwise nobody can tell, and nobody could be asked
            for answer, of in list(asked.items()):
                if not set(of.shards) <= set(holders.get(of.worker, ())):
                    del asked[answer]
                    deaths.update(of.shards)
            _check_deaths(deaths, engine.n_attempts)
        free = missing.difference(*(of.shards for of in asked.values()))
        for worker, held in holders.items():
            chosen = tuple(sorted(free.intersection(held)))
            if chosen:
                asked[engine.run(worker, work, [handles[shard] for shard in chosen])] = _Asked(worker, chosen)
                free.difference_update(chosen)
        if holders:
            alone_since = time.monotonic()
        elif time.monotonic() - alone_since > engine.patience:
            raise ClusterError(_nobody_left(missing, engine.patience))
        waiting = list(asked)
        for position, answer in engine.gather(waiting, _LOOK).items():
            missing.difference_update(asked.pop(waiting[position]).shards)
            result.append(answer)
    return result


def _check_deaths(deaths: Counter[int], most: int) -> None:
    if deaths and max(deaths.values()) > most:
        shard, times = deaths.most_common(1)[0]
        raise ClusterError(
            f"Workers died {times} times while they worked on partition {shard}, expected at most {most} deaths. Most "
            "often it is memory: look at the log of the workers, give them more of it, or make partitions smaller."
        )


def _nobody_left(missing: Iterable[int], patience: float) -> str:
    return (
        f"No worker has answered for {patience:g} seconds, and the partitions {sorted(missing)[:10]} are still to be "
        "worked on. Start workers (or a cluster, if its scheduler is gone) and fit again; where workers take longer to "
        'start, set dask.config.set({"softglm.patience": seconds}) to more.'
    )
