"""Places for rows, and who fits them there: each in a process of its own, which prints what that took.

``python -m benchmarks.places PLACE FOLDER ROWS TOL``; the rows are those that `write_rows` has written.
"""

import atexit
import json
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

N_FEATURES, N_CLASSES, N_IN_FILE, N_IN_BLOCK = 33, 5, 50_000, 10_000
NAMES = [f"x{column}" for column in range(N_FEATURES)]
_LABELS = np.array([f"class {code}" for code in range(N_CLASSES)])
# Seconds between looks at the memory.
_WAIT = 0.005
_EPOCHS = 5
_SPARK_TOL = 1e-6


class Answer(NamedTuple):
    """A model: of scores, (K, p) and (K,), whose softmax are probabilities, unless they are of one class each."""

    coef: np.ndarray
    intercept: np.ndarray
    passes: int
    is_one_vs_rest: bool = False


def write_rows(folder, n_rows):
    """Write rows with labels as files of NumPy's, and as Parquet files with the defaults of pyarrow."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    coef = rng.normal(size=(N_FEATURES, N_CLASSES)) / 4.0
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float64, (n_rows, N_FEATURES))
    codes = np.empty(n_rows, dtype=np.int32)
    for start in range(0, n_rows, N_IN_FILE):
        rows = slice(start, min(start + N_IN_FILE, n_rows))
        X[rows] = rng.normal(size=X[rows].shape)
        codes[rows] = (X[rows] @ coef + rng.gumbel(size=(len(X[rows]), N_CLASSES))).argmax(axis=1)
        table = pa.table([*X[rows].T, _LABELS[codes[rows]]], names=[*NAMES, "y"])
        pq.write_table(table, folder / f"rows-{start:09d}.parquet")
    X.flush()
    np.save(folder / "codes.npy", codes)


def mapped(folder, n_rows):
    """Return X and the codes of the first rows, mapped into memory."""
    return tuple(np.load(folder / f"{name}.npy", mmap_mode="r")[:n_rows] for name in ("X", "codes"))


def files(folder, n_rows):
    """Return the Parquet files of the first rows."""
    return [str(path) for path in sorted(folder.glob("rows-*.parquet"))[: -(-n_rows // N_IN_FILE)]]


def _fitted(tol, *given):
    from softglm import SoftmaxGLM

    def fit():
        model = SoftmaxGLM(tol=tol).fit(*given)
        return Answer(model.coef_, model.intercept_, model.n_passes_)

    return fit


def _memory(folder, n_rows, tol):
    return _fitted(tol, *(np.array(part) for part in mapped(folder, n_rows)))


def _mapped(folder, n_rows, tol):
    return _fitted(tol, *mapped(folder, n_rows))


def _blocks(folder, n_rows, tol):
    from softglm import Blocks

    X, codes = mapped(folder, n_rows)

    def blocks():
        for start in range(0, n_rows, N_IN_BLOCK):
            yield np.array(X[start : start + N_IN_BLOCK]), codes[start : start + N_IN_BLOCK]

    return _fitted(tol, Blocks(blocks))


def _parquet(folder, n_rows, tol, cache=None):
    import pyarrow.dataset

    from softglm import Parquet

    return _fitted(tol, Parquet(pyarrow.dataset.dataset(files(folder, n_rows)), "y", cache=cache))


def _cached(folder, n_rows, tol):
    return _parquet(folder, n_rows, tol, folder / "cache")


def _dask(n_workers):
    def place(folder, n_rows, tol):
        import dask.dataframe
        from distributed import Client

        atexit.register(Client(n_workers=n_workers, threads_per_worker=1, dashboard_address=":0").close)
        frame = dask.dataframe.read_parquet(files(folder, n_rows))
        return _fitted(tol, frame[NAMES], frame["y"])

    return place


def _sgd(folder, n_rows, tol):  # noqa: ARG001 - it has none
    from sklearn.linear_model import SGDClassifier

    X, codes = mapped(folder, n_rows)
    model = SGDClassifier(loss="log_loss", alpha=1.0 / n_rows, random_state=0)

    def fit():
        for _ in range(_EPOCHS):
            for start in range(0, n_rows, N_IN_BLOCK):
                rows = slice(start, start + N_IN_BLOCK)
                model.partial_fit(X[rows], codes[rows], classes=np.arange(N_CLASSES))
        return Answer(model.coef_, model.intercept_, _EPOCHS, is_one_vs_rest=True)

    return fit


def _spark(folder, n_rows, tol):  # noqa: ARG001 - its own is of something else
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import StringIndexer, VectorAssembler
    from pyspark.sql import SparkSession

    options = {"spark.driver.memory": "8g", "spark.ui.enabled": "false"}
    spark = SparkSession.builder.master("local[2]").config(map=options).getOrCreate()

    def fit():
        rows = spark.read.parquet(*files(folder, n_rows))
        rows = VectorAssembler(inputCols=NAMES, outputCol="features").transform(rows)
        coded = StringIndexer(inputCol="y", outputCol="label", stringOrderType="alphabetAsc").fit(rows)
        rows = coded.transform(rows).select("features", "label").cache()
        model = LogisticRegression(
            family="multinomial", regParam=1.0 / n_rows, standardization=False, tol=_SPARK_TOL, maxIter=1000
        ).fit(rows)
        return Answer(model.coefficientMatrix.toArray(), model.interceptVector.toArray(), model.summary.totalIterations)

    return fit


# What returns a fit that is ready to run, imported and connected. The second cached fit finds what the first has
# written.
PLACES = {
    "memory": _memory,
    "mapped files": _mapped,
    "blocks": _blocks,
    "Parquet": _parquet,
    "Parquet, cached": _cached,
    "Parquet, cached before": _cached,
    "Dask, 1 worker": _dask(1),
    "Dask, 2 workers": _dask(2),
}
RIVALS = {"SGDClassifier.partial_fit": _sgd, "Spark ML, local[2]": _spark}


def measured(place, folder, n_rows, tol):
    """Return what a fit takes, with all processes that it has started, and its model."""
    fit = {**PLACES, **RIVALS}[place](folder, n_rows, tol)
    before, most, is_done = _anonymous(), [0.0], threading.Event()

    def watch():
        while not is_done.wait(_WAIT):
            most[0] = max(most[0], _anonymous())

    watcher = threading.Thread(target=watch)
    moved, cpu, begin = _moved(), _cpu(), time.perf_counter()
    watcher.start()
    answer = fit()
    seconds = time.perf_counter() - begin
    is_done.set()
    watcher.join()
    return {
        "seconds": seconds,
        "cpu": _cpu() - cpu,
        "megabytes": most[0] - before,
        "moved": _moved() - moved,
        **{name: np.asarray(value).tolist() for name, value in answer._asdict().items()},
    }


def _processes(pid="self"):
    """Return the folders of a process and of all that it has started."""
    folder = Path("/proc") / pid
    children = [child for path in folder.glob("task/*/children") for child in path.read_text().split()]
    return [folder, *(found for child in children for found in _processes(child))]


def _anonymous():
    """Return the megabytes of memory that are no part of a file."""
    lines = [line for folder in _processes() for line in (folder / "status").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def _cpu():
    """Return the seconds of all processors."""
    stats = [(folder / "stat").read_text().rpartition(")")[2].split() for folder in _processes()]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / 100.0


def _moved():
    """Return the megabytes that were read from files, of which mapped ones are not told, or sent over loopback."""
    read = sum(int((folder / "io").read_text().split()[1]) for folder in _processes())
    (loopback,) = [line for line in Path("/proc/net/dev").read_text().splitlines() if line.strip().startswith("lo:")]
    return (read + int(loopback.split()[1])) / 1e6


if __name__ == "__main__":
    try:
        print(json.dumps(measured(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))))
    except ImportError as error:
        print(json.dumps({"missing": str(error)}))
