"""Dask as the engine: shards are futures, which its scheduler has made again where a worker dies.

Of what it offers futures were chosen over actors, whose memory dies with their worker, and each worker is sent one task
a pass, for all of its shards: 9 to 12 milliseconds with two workers on one machine, where a task for each of 16 shards
takes 25 to 33. Messages to the workers themselves (`Client.run`, actors) take 2, and are known to nobody when the
worker dies.
"""

import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar, final

import dask
from distributed import Client, Future, KilledWorker, get_worker, wait

from softglm.distributed.engine import ClusterError, Engine, Handle, Work
from softglm.version import __version__

Answer = TypeVar("Answer")

# Seconds that the scheduler has for an answer that it knows: it has one thread, and may be at work for others.
_ANSWERS = 5.0
_PATIENCE = 60.0
_GONE = (
    "What the fit had loaded is gone. If the scheduler was stopped: start a cluster and a Client again, and fit again. "
    "If workers died: what came to them from scatter() died with them; have them read it themselves, as by "
    "dask.dataframe.read_parquet or dask.array.from_zarr."
)
_ENVIRONMENTS = (
    "softglm could not be imported where Dask needs it: {error}. Install the same version, {version}, where the "
    "scheduler and the workers run."
)


@final
class DaskEngine(Engine):
    """A cluster of Dask.

    Parameters
    ----------
    client : Client
        Connected to its scheduler.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.patience = float(dask.config.get("softglm.patience", _PATIENCE))
        self.n_attempts = int(dask.config.get("distributed.scheduler.allowed-failures"))

    def load(self, make: Callable[..., Any], *columns: Sequence[Any]) -> list[Handle]:
        made = dask.delayed(partial(_made, __version__, make), pure=False)
        futures: list[Handle] = self._client.compute([made(*row) for row in zip(*columns, strict=True)])
        return futures

    def holders(self, handles: Sequence[Handle]) -> Mapping[str, Sequence[int]]:
        for future in handles:
            _check(future)
        keys = [future.key for future in handles]
        try:
            held = self._asked(partial(self._client.scheduler.who_has, keys=keys))
            workers = () if any(held.values()) else self._asked(self._client.scheduler.ncores)
        except (TimeoutError, OSError, AttributeError):  # the last where the client has closed its connection
            return {}
        found: dict[str, list[int]] = {worker: [] for worker in workers}
        for position, key in enumerate(keys):
            for worker in held.get(key, ()):
                found.setdefault(worker, []).append(position)
        return found

    def run(self, worker: str, work: Work, handles: Sequence[Handle]) -> Handle:
        # As bytes, there and back: neither looked through for futures, nor copied piece by piece.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):
            return self._client.submit(_worked, __version__, pickle.dumps(work), *handles, workers=[worker], pure=False)

    def gather(self, answers: Sequence[Handle], seconds: float) -> Mapping[int, Any]:
        if not answers:
            time.sleep(seconds)
            return {}
        with suppress(TimeoutError, CancelledError):  # whatever became of them, they are looked at one by one
            wait(answers, timeout=seconds, return_when="FIRST_COMPLETED")
        for answer in answers:
            _check(answer)
        ended = {position: answer for position, answer in enumerate(answers) if answer.status == "finished"}
        collect = partial(self._client.gather, list(ended.values()), asynchronous=True)
        try:
            found = self._asked(collect) if ended else []
        except (TimeoutError, OSError, CancelledError):
            return {}  # their worker died between
        return {position: pickle.loads(answer) for position, answer in zip(ended, found, strict=True)}  # noqa: S301

    def _asked(self, question: Callable[[], Any]) -> Any:
        """Return what a coroutine returns within bounded time: what a plain call would wait for may never come."""
        return self._client.sync(question, callback_timeout=_ANSWERS)


def _check(future: Future) -> None:
    """Raise if a future will never be: what its work raised, or that the cluster has given it up."""
    if future.status not in {"error", "cancelled"}:  # one that is lost is made again
        return
    error = future.exception(timeout=_ANSWERS)
    if isinstance(error, KilledWorker):
        raise ClusterError(
            "Worker after worker died of the same partition. Most often it is memory: look at the log of the workers, "
            "give them more of it, or make partitions smaller."
        ) from error
    if error is None or isinstance(error, CancelledError):
        raise ClusterError(_GONE) from error
    if isinstance(error, ImportError) or isinstance(error.__cause__, ImportError):
        raise ClusterError(_ENVIRONMENTS.format(error=error.__cause__ or error, version=__version__)) from error
    raise error


def _made(version: str, make: Callable[..., Answer], *row: Any) -> Answer:
    _check_version(version)
    return make(*row)


def _worked(version: str, work: bytes, *shards: Any) -> bytes:
    _check_version(version)
    return pickle.dumps(pickle.loads(work)(shards, get_worker().state.nthreads))  # noqa: S301 - as all that Dask sends


def _check_version(version: str) -> None:
    if version != __version__:
        raise ClusterError(
            f"A worker has softglm {__version__}, and the fit runs with {version}: sums would be others. Install the "
            "same version everywhere."
        )
