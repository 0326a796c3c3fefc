"""Workers and schedulers that die while a fit goes on: the same bits, or an error that says what to do. Never a hang.

Real processes on loopback, killed for good (SIGKILL), and every wait has an end.
"""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

pytest.importorskip("distributed")

import dask
from deaths import Deadly, shard_from, shard_of, tokens_in
from distributed import Client, LocalCluster

from softglm.distributed import ClusterError, RowsOnCluster
from softglm.distributed.dask import DaskEngine
from softglm.families import Categorical
from softglm.fit import fit
from softglm.model import Ridge

N_SHARDS = 6
# Seconds that a test may take at most, and how long after its patience an engine may take to say that nobody is left.
MOST, AFTERWARDS = 60.0, 5.0
PATIENCE = 3.0
RIDGE = Ridge.on_coefficients(1e-4, 5, fit_intercept=True)


@pytest.fixture(scope="module", autouse=True)
def quiet():
    with dask.config.set({"softglm.patience": 30.0, "distributed.comm.timeouts.connect": "3s"}):
        yield


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def apart(tmp_path):
    """A scheduler and two workers, each a process of its own that nobody starts again."""
    where = tmp_path / "scheduler.json"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    def start(*arguments):
        command = [sys.executable, "-m", "dask", *arguments, "--scheduler-file", str(where), "--no-dashboard"]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)

    processes = [start("scheduler", "--port", "0", "--host", "127.0.0.1")]
    processes += [start("worker", "--no-nanny", "--nthreads", "1") for _ in range(2)]
    with Client(scheduler_file=str(where), timeout=MOST) as client:
        client.wait_for_workers(2, timeout=MOST)
        yield client, *processes
    for process in processes:
        process.kill()
        process.wait(MOST)


def loaded(client, make=shard_of, *columns):
    engine = DaskEngine(client)
    return RowsOnCluster(engine, engine.load(make, range(N_SHARDS), *columns))


def test_one(client, tmp_path):
    t=time.time()
    rows = loaded(client)
    print('load', time.time()-t)
    ref = rows.sum(Deadly())
    for k in (1,2):
        t=time.time()
        got = rows.sum(Deadly(str(tokens_in(tmp_path, k))))
        print(k, time.time()-t, (got[0]==ref[0]).all())
    t=time.time()
    rows = loaded(client, shard_of, [str(tokens_in(tmp_path, 1))]*N_SHARDS)
    got = rows.sum(Deadly())
    print('loading', time.time()-t, (got[0]==ref[0]).all())
    pids = client.run(os.getpid)
    def killall():
        time.sleep(0.5)
        for p in pids.values(): os.kill(p, signal.SIGKILL)
    th=threading.Thread(target=killall); th.start()
    t=time.time()
    got = rows.sum(Deadly(None, 0.3))
    print('all', time.time()-t, (got[0]==ref[0]).all())
    with pytest.raises(ClusterError) as e:
        t=time.time()
        rows.sum(Deadly(str(tokens_in(tmp_path, 50))))
    print('always', time.time()-t, e.value)
    print(list(tmp_path.iterdir()))


def test_two(apart):
    client, scheduler, *workers = apart
    with dask.config.set({"softglm.patience": PATIENCE}):
        rows = loaded(client)
    ref = rows.sum(Deadly())
    th=threading.Timer(0.5, workers[0].kill); th.start()
    t=time.time()
    got = rows.sum(Deadly(None, 0.3))
    print('gone', time.time()-t, (got[0]==ref[0]).all())
    th=threading.Timer(0.5, workers[1].kill); th.start()
    t=time.time()
    with pytest.raises(ClusterError) as e: rows.sum(Deadly(None, 0.3))
    print('all gone', time.time()-t, e.value)

def test_three(apart):
    client, scheduler, *workers = apart
    with dask.config.set({"softglm.patience": PATIENCE}):
        rows = loaded(client)
    ref = rows.sum(Deadly())
    th=threading.Timer(0.5, scheduler.kill); th.start()
    t=time.time()
    with pytest.raises(ClusterError) as e: rows.sum(Deadly(None, 0.3))
    print('sched', time.time()-t, e.value)

def test_four(apart):
    client, scheduler, *workers = apart
    from deaths import rows_of
    data = client.scatter([rows_of(k) for k in range(N_SHARDS)], direct=True)
    print(client.who_has(data))
    with dask.config.set({"softglm.patience": PATIENCE}):
        rows = loaded(client, shard_from, data)
    ref = rows.sum(Deadly())
    th=threading.Timer(0.5, workers[0].kill); th.start()
    t=time.time()
    with pytest.raises(ClusterError) as e: rows.sum(Deadly(None, 0.3))
    print('scattered', time.time()-t, e.value)
