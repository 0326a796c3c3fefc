"""A fit of rows that are elsewhere takes little memory of its own, whatever there is of them."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

N_ROWS, N_FEATURES, N_AT_ONCE = 1_000_000, 20, 50_000
# Megabytes: an amount that does not depend on the data, and bytes for each row. The data take 160 of them.
MOST = 100 + 20e-6 * N_ROWS
SCRIPT = """
import sys, threading, time
import numpy as np
import pyarrow.parquet
from softglm import Blocks, Parquet, SoftmaxGLM

def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) / 1024

def watch():
    while True:
        most[0] = max(most[0], anonymous())
        time.sleep(0.001)

def blocks():
    for start in range(0, len(y), 50_000):
        yield np.array(X[start : start + 50_000]), y[start : start + 50_000]

folder, kind = sys.argv[1:]
X, y = (np.load(f"{folder}/{name}.npy", mmap_mode="r") for name in ("X", "y"))
given = {
    "memmap": (X, y),
    "blocks": (Blocks(blocks),),
    "Parquet": (Parquet(f"{folder}/rows.parquet", "y"),),
    "cached Parquet": (Parquet(f"{folder}/rows.parquet", "y", cache=f"{folder}/cache"),),
}[kind]
before, most = anonymous(), [0.0]
threading.Thread(target=watch, daemon=True).start()
SoftmaxGLM().fit(*given)
print(most[0] - before)
"""


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("rows"), np.random.default_rng(0)
    names = [f"x{column}" for column in range(N_FEATURES)]
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float64, (N_ROWS, N_FEATURES))
    y = rng.integers(3, size=N_ROWS).astype(np.int32)
    schema = pa.schema([*((name, pa.float64()) for name in names), ("y", pa.int32())])
    with pq.ParquetWriter(folder / "rows.parquet", schema) as writer:
        for rows in (slice(start, start + N_AT_ONCE) for start in range(0, N_ROWS, N_AT_ONCE)):
            X[rows] = rng.normal(size=(N_AT_ONCE, N_FEATURES)) + y[rows, np.newaxis]
            writer.write_table(pa.table([*X[rows].T, y[rows]], schema=schema))
    X.flush()
    np.save(folder / "y.npy", y)
    return folder


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells the memory of a process")
@pytest.mark.parametrize("kind", ["memmap", "blocks", "Parquet", "cached Parquet"])
def test_the_memory_of_a_fit_does_not_grow_with_the_features(kind, folder):
    run = subprocess.run([sys.executable, "-c", SCRIPT, folder, kind], capture_output=True, text=True, check=True)
    assert float(run.stdout) < MOST
