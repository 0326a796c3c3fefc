"""Places for rows: the same ones in memory, in mapped files, in Parquet and in blocks, each in a process of its own.

Columns of the table: passes over the rows; seconds of CPU, and their ratio to memory; megabytes of anonymous memory at
the peak, beyond what the imports take; the proved gap. Times are minima over rounds in which the places take turns.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks import report

N_FEATURES, N_CLASSES, N_AT_ONCE, N_IN_BLOCK = 33, 5, 100_000, 10_000
_WAIT = 0.002
_LABELS = np.array([f"class {code}" for code in range(N_CLASSES)])


def add_options(parser):
    """Add the options of the command."""
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tol", type=float, default=1e-8)
    parser.add_argument("--folder", type=Path, help="where the rows are kept; by default a temporary folder")


def main(options):
    """Measure every place, and print the table."""
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        write_rows(Path(folder), options.rows)
        print(table(Path(folder), rounds=options.rounds, tol=options.tol))


def table(folder, *, rounds, tol):
    """Return a line for each place of the rows that `write_rows` has written."""
    runs = {place: [] for place in PLACES}
    for _ in range(rounds):
        for place in PLACES:
            command = [sys.executable, "-m", "benchmarks.scale", place, str(folder), str(tol)]
            run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own
            runs[place].append(json.loads(run.stdout))
        shutil.rmtree(folder / "cache")
    least = {place: {name: min(run[name] for run in found) for name in found[0]} for place, found in runs.items()}
    rows = [["place", "passes", "CPU (s)", "of memory", "anonymous (MB)", "gap (nats)"]]
    for place, found in least.items():
        ratio = found["cpu"] / least["memory"]["cpu"]
        numbers = [f"{found['cpu']:.2f}", f"{ratio:.2f}", f"{found['megabytes']:.0f}", f"{found['gap']:.0e}"]
        rows.append([place, str(found["passes"]), *numbers])
    return report.aligned(rows)


def write_rows(folder, n_rows):
    """Write rows with labels as files of NumPy's and as a Parquet file with the defaults of pyarrow."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    coef = rng.normal(size=(N_FEATURES, N_CLASSES)) / 4.0
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float64, (n_rows, N_FEATURES))
    codes = np.empty(n_rows, dtype=np.int32)
    schema = pa.schema([*((f"x{column}", pa.float64()) for column in range(N_FEATURES)), ("y", pa.string())])
    with pq.ParquetWriter(folder / "rows.parquet", schema) as writer:
        for start in range(0, n_rows, N_AT_ONCE):
            rows = slice(start, min(start + N_AT_ONCE, n_rows))
            X[rows] = rng.normal(size=X[rows].shape)
            codes[rows] = (X[rows] @ coef + rng.gumbel(size=(len(X[rows]), N_CLASSES))).argmax(axis=1)
            writer.write_table(pa.table([*X[rows].T, _LABELS[codes[rows]]], schema=schema))
    X.flush()
    np.save(folder / "codes.npy", codes)


def _blocks(folder):
    from softglm import Blocks

    X, codes = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("X", "codes"))

    def blocks():
        for start in range(0, len(codes), N_IN_BLOCK):
            yield np.array(X[start : start + N_IN_BLOCK]), codes[start : start + N_IN_BLOCK]

    return (Blocks(blocks),)


def _parquet(folder, cache=None):
    from softglm import Parquet

    return (Parquet(folder / "rows.parquet", "y", cache=cache),)


# What `fit` is given there. The second cached fit finds what the first has written.
PLACES = {
    "memory": lambda folder: (np.load(folder / "X.npy"), np.load(folder / "codes.npy")),
    "mapped files": lambda folder: tuple(np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("X", "codes")),
    "blocks": _blocks,
    "Parquet": _parquet,
    "Parquet, cached": lambda folder: _parquet(folder, folder / "cache"),
    "Parquet, cached before": lambda folder: _parquet(folder, folder / "cache"),
}


def _measured(place, folder, tol):
    """Return the numbers of one fit, in this process."""
    import pyarrow.parquet  # noqa: F401 - what imports take is no part of a fit

    from softglm import SoftmaxGLM

    given = PLACES[place](folder)
    before, most, is_done = _anonymous(), [0.0], threading.Event()

    def watch():
        while not is_done.wait(_WAIT):
            most[0] = max(most[0], _anonymous())

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.process_time()
    model = SoftmaxGLM(tol=tol).fit(*given)
    cpu = time.process_time() - begin
    is_done.set()
    watcher.join()
    return {"passes": model.n_passes_, "cpu": cpu, "megabytes": most[0] - before, "gap": model.gap_}


def _anonymous():
    """Return the megabytes of this process that are no part of a file."""
    with Path("/proc/self/status").open(encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) / 1024


if __name__ == "__main__":
    print(json.dumps(_measured(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))))
