"""A scheduler and workers of Dask, each a process of its own that nobody starts again."""

import asyncio

import dask
from distributed import Scheduler, Worker
from distributed.utils import get_mp_context

# What processes are forked from has imported these: where processors are few that takes most of a process's life.
IMPORTED = ["distributed", "softglm", "softglm.distributed.dask", "deaths", "processes"]


def forked():
    """Return a setting of Dask with which its workers, and those below, are forked from a process that does nothing."""
    setting = dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"})
    get_mp_context().set_forkserver_preload(IMPORTED)
    return setting


def started(serve, where):
    """Start a process that serves, and return it."""
    process = get_mp_context().Process(target=serve, args=(where,), daemon=True)
    process.start()
    return process


def serve_scheduler(where):
    """Schedule, and write into a file where."""
    asyncio.run(_served(Scheduler, port=0, scheduler_file=where))


def serve_worker(where):
    """Work for the scheduler that has written a file."""
    asyncio.run(_served(Worker, nthreads=1, scheduler_file=where))


async def _served(kind, **options):
    async with kind(host="127.0.0.1", dashboard=False, **options) as server:
        await server.finished()
