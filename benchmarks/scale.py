"""Places for rows: the same ones in memory, in files, in Parquet, in blocks and on Dask, beside who else fits such.

The first table has the seconds of CPU of each, in all of its processes, by rows: `.docs/explanation/performance.md`
keeps it, and `.docs/pictures.py` draws it. The second tells of one size: passes over the rows (for Spark, iterations);
seconds on the clock, and of CPU; megabytes of anonymous memory at the peak beyond what there was before the fit, and of
what was read or sent; how far from the optimum of the common objective, relative to what the features explain.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import report
from benchmarks.places import N_CLASSES, N_FEATURES, PLACES, RIVALS, mapped, write_rows

SIZES = (50_000, 200_000, 1_000_000, 5_000_000)
# The most rows of which the second table tells.
TOLD = 1_000_000
# How closely the optimum is known that gaps are told from.
_CLOSELY = 1e-12
_AT_ONCE = 50_000


def add_options(parser):
    """Add the options of the command."""
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES)
    parser.add_argument("--tol", type=float, default=1e-6)
    parser.add_argument("--folder", type=Path, help="where the rows are kept; by default a temporary folder")


def main(options):
    """Measure every place at every size, and print the tables."""
    sizes = sorted(options.rows)
    told = max((size for size in sizes if size <= TOLD), default=sizes[0])
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        write_rows(folder, sizes[-1])
        runs = {size: measured(folder, size, options.tol) for size in sizes}
        print(seconds_table(runs), detail_table(folder, told, runs[told]), dask_ml(), sep="\n\n")


def measured(folder, n_rows, tol):
    """Return what was measured in each place, by its name."""
    runs = {}
    for place in (*PLACES, *RIVALS):
        command = [sys.executable, "-m", "benchmarks.places", place, str(folder), str(n_rows), str(tol)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own
        runs[place] = json.loads(run.stdout.splitlines()[-1])
        print(f"{place}, {n_rows:,} rows: {runs[place].get('cpu', 'missing')} s of CPU", file=sys.stderr, flush=True)
    shutil.rmtree(folder / "cache", ignore_errors=True)
    return runs


def seconds_table(runs):
    """Return a line of Markdown for each place: seconds of CPU by rows."""
    places = {place: None for found in runs.values() for place in found}
    lines = [["CPU seconds", *(f"{size:,} rows" for size in runs)], ["---"] * (len(runs) + 1)]
    for place in places:
        cells = [found.get(place, {}).get("cpu") for found in runs.values()]
        lines.append([place, *("" if cell is None else f"{cell:.2g}" for cell in cells)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def detail_table(folder, n_rows, runs):
    """Return a line for each place, of one size."""
    from softglm import SoftmaxGLM

    X, codes = mapped(folder, n_rows)
    best = SoftmaxGLM(tol=_CLOSELY).fit(X, codes)
    least = loss(X, codes, {"coef": best.coef_, "intercept": best.intercept_, "is_one_vs_rest": False})
    shares = np.bincount(codes) / n_rows
    explained = -shares @ np.log(shares) - least
    rows = [[f"{n_rows:,} rows", "passes", "seconds", "CPU (s)", "anonymous (MB)", "moved (MB)", "gap"]]
    for place, found in runs.items():
        if "missing" in found:
            rows.append([place, found["missing"], *[""] * 5])
            continue
        numbers = [f"{found[name]:.2f}" for name in ("seconds", "cpu")]
        numbers += [f"{found[name]:.0f}" for name in ("megabytes", "moved")]
        rows.append([place, str(found["passes"]), *numbers, f"{(loss(X, codes, found) - least) / explained:.0e}"])
    return report.aligned(rows)


def loss(X, codes, model):
    """Return the mean log loss of a model, in nats, with the penalty of `SoftmaxGLM`; without it of one against all."""
    coef, intercept, total = np.array(model["coef"]), np.array(model["intercept"]), 0.0
    for start in range(0, len(codes), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        scores = X[rows] @ coef.T + intercept
        if model["is_one_vs_rest"]:
            scores = -np.logaddexp(0.0, -scores)
        scores -= scores.max(axis=1, keepdims=True)
        total += np.log(np.exp(scores).sum(axis=1)).sum() - scores[np.arange(len(scores)), codes[rows]].sum()
    return total / len(codes) + (not model["is_one_vs_rest"]) * 0.5 * np.square(coef).sum() / len(codes)


def dask_ml():
    """Return what dask-ml makes of several classes."""
    try:
        import dask.array
        import dask_ml
        from dask_ml.linear_model import LogisticRegression
    except ImportError as error:
        return f"dask-ml: {error}"
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2000, N_FEATURES)), rng.integers(N_CLASSES, size=2000)
    with np.errstate(over="ignore"):
        model = LogisticRegression().fit(
            *(dask.array.from_array(part, chunks=(500, *part.shape[1:])) for part in (X, y))
        )
    return f"dask-ml {dask_ml.__version__}: of {N_CLASSES} classes it fits coefficients of shape {model.coef_.shape}."
