"""Workers and schedulers that die while a fit goes on: the same bits, or an error that says what to do. Never a hang.

Real processes on loopback that are killed (SIGKILL), and every wait has an end.
"""

import os
import signal
import threading
import time
from contextlib import contextmanager

import pytest

pytest.importorskip("distributed")

import dask
from deaths import Deadly, make_shard, rows_of, tokens_in
from distributed import Client, LocalCluster
from processes import forked, serve_scheduler, serve_worker, started

from softglm.distributed import ClusterError, RowsOnCluster
from softglm.distributed.dask import DaskEngine

# Others' processes take their time, and leave files and sockets to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
N_SHARDS = 5
# Seconds: how long a test waits at most for what has to come; for a worker that is gone; and how much later at most it
# is told of that.
MOST, PATIENCE, AFTERWARDS = 60.0, 3.0, 5.0
# Seconds that a pass takes for each shard, and after which somebody is killed in the middle of it.
SLOWLY, SOON = 0.3, 0.4


@contextmanager
def limits():
    """Patience for processes that take long to start where processors are few.

    A cluster that starts its workers has little of its own: one that is not back in 15 seconds it never starts again.
    """
    patience = {"softglm.patience": MOST, "distributed.deploy.lost-worker-timeout": MOST}
    with forked(), dask.config.set(patience):
        yield


@pytest.fixture(scope="module", name="client")
def _client():
    """Two workers that are started again when they die."""
    with (
        limits(),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(name="apart")
def _apart(tmp_path):
    """A client, a scheduler and two workers, each a process that nobody starts again."""
    where = str(tmp_path / "scheduler.json")
    with limits():
        processes = [started(serve, where) for serve in (serve_scheduler, serve_worker, serve_worker)]
        try:
            with Client(scheduler_file=where, timeout=MOST) as client:
                client.wait_for_workers(2, timeout=MOST)
                yield client, *processes
        finally:
            for process in processes:
                process.kill()
                process.join(MOST)


def loaded(client, **columns):
    """Return rows on the cluster, and its engine."""
    engine = DaskEngine(client)
    columns = [[value] * N_SHARDS if name == "tokens" else value for name, value in columns.items()]
    return RowsOnCluster(engine, engine.load(make_shard, range(N_SHARDS), *columns), None), engine


def sums_of(rows, work):
    """Return the bits of a sum."""
    return rows.sum(work)[0].tobytes()


@contextmanager
def killed_soon(*kills):
    """Kill in the middle of the pass that is made within."""
    timers = [threading.Timer(SOON, kill) for kill in kills]
    for timer in timers:
        timer.start()
    yield
    for timer in timers:
        timer.join(MOST)


@contextmanager
def told_within(seconds):
    """Expect a ClusterError in time."""
    start = time.monotonic()
    with pytest.raises(ClusterError) as told:
        yield told
    assert time.monotonic() - start < seconds


@pytest.fixture(scope="module", name="expected")
def _expected(client):
    return sums_of(loaded(client)[0], Deadly())


@pytest.mark.parametrize("times", [1, 2])
def test_a_worker_that_is_killed_in_the_middle_of_a_pass_changes_no_bit(client, expected, tmp_path, times):
    rows, _ = loaded(client)
    assert sums_of(rows, Deadly(tokens_in(tmp_path, times))) == expected
    assert not list(tmp_path.iterdir())


def test_a_worker_that_is_killed_while_it_loads_changes_no_bit(client, expected, tmp_path):
    rows, _ = loaded(client, rows=[None] * N_SHARDS, tokens=tokens_in(tmp_path, 1))
    assert sums_of(rows, Deadly()) == expected
    assert not list(tmp_path.iterdir())


def test_all_workers_killed_and_started_again_change_no_bit(client, expected):
    rows, _ = loaded(client)
    client.wait_for_workers(1, timeout=MOST)
    kills = [lambda worker=worker: os.kill(worker, signal.SIGKILL) for worker in client.run(os.getpid).values()]
    with killed_soon(*kills):
        assert sums_of(rows, Deadly(seconds=SLOWLY)) == expected


def test_scattered_data_whose_holder_died_are_told_of(client):
    client.wait_for_workers(1, timeout=MOST)
    held = client.scatter([rows_of(seed) for seed in range(N_SHARDS)])
    rows, _ = loaded(client, rows=held)
    (worker,), *_ = client.who_has(held).values()
    (process,) = client.run(os.getpid, workers=[worker]).values()
    with told_within(MOST) as told, killed_soon(lambda: os.kill(process, signal.SIGKILL)):
        rows.sum(Deadly(seconds=SLOWLY))
    assert "scatter()" in str(told.value)


def test_work_that_kills_every_worker_ends(client, tmp_path):
    rows, engine = loaded(client)
    engine.n_attempts = 1  # a worker that starts again takes a while
    with told_within(MOST) as told:
        rows.sum(Deadly(tokens_in(tmp_path, 50)))
    assert "memory" in str(told.value)
    assert 50 - len(list(tmp_path.iterdir())) <= 2 * (engine.n_attempts + 1)


def test_a_worker_gone_for_good_changes_no_bit_and_both_are_told_of(apart):
    client, _, one, other = apart
    rows, engine = loaded(client)
    expected = sums_of(rows, Deadly())
    with killed_soon(one.kill):
        assert sums_of(rows, Deadly(seconds=SLOWLY)) == expected
    engine.patience = PATIENCE
    with told_within(SOON + PATIENCE + AFTERWARDS) as told, killed_soon(other.kill):
        rows.sum(Deadly(seconds=SLOWLY))
    assert "No worker has answered for 3 seconds" in str(told.value)


def test_a_killed_scheduler_is_told_of(apart):
    client, scheduler, *_ = apart
    rows, engine = loaded(client)
    engine.patience = PATIENCE
    with told_within(SOON + PATIENCE + AFTERWARDS) as told, killed_soon(scheduler.kill):
        rows.sum(Deadly(seconds=SLOWLY))
    assert "start a cluster and a Client again" in str(told.value)
