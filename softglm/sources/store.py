"""Rows as files of NumPy's, written once, row by row, and mapped into memory: they take none of it but what is in use.

Each set of rows has a folder of its own, under a name that tells it from others. It is written under another name and
renamed when it is complete, so that whoever finds it finds it whole.
"""

import contextlib
import json
import shutil
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.arrays import FloatArray, Matrix
from softglm.data import Features, FeaturesInMemory
from softglm.data.block import is_sparse
from softglm.response import Response

# Of the way in which files are laid out: part of every name.
FORMAT = 2
# Datasets of pyarrow pass over files and folders that begin so: a store may be among the files that it is made of.
_PREFIX = "_softglm-"
_ABOUT = "about.json"


class Content(NamedTuple):
    """What was read of rows: the features and all that was observed beside them."""

    features: Features
    response: Response
    weights: FloatArray | None
    offset: FloatArray | None


@final
class Store:
    """A folder in which sets of rows are kept.

    Parameters
    ----------
    folder : path
        It is made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, name: str) -> tuple[Content, dict[str, Any]] | None:
        """Return the rows of a name, mapped, and what was learned of their columns; None if there are none.

        Those of which files are damaged or gone are removed, to be made again.
        """
        path = self._path(name)
        with _writing(self._folder):
            if not path.exists():
                return None
        try:
            return _loaded(path)
        except (OSError, KeyError, TypeError, ValueError):
            shutil.rmtree(path, ignore_errors=True)
            return None

    def added(self, write: Callable[[Path], str]) -> tuple[Content, dict[str, Any]]:
        """Add rows, and return what `find` does.

        Parameters
        ----------
        write : callable
            Writes them into a folder, and returns their name.
        """
        with _writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}partial-", dir=self._folder))
        try:
            name = write(partial)
            if self.find(name) is None:
                with contextlib.suppress(OSError):  # someone else has added the same just now
                    partial.rename(self._path(name))
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return _loaded(self._path(name))

    def _path(self, name: str) -> Path:
        return self._folder / f"{_PREFIX}{name}"


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Where files cannot be written, say which folder that is, and what to do."""
    try:
        yield
    except OSError as error:
        raise OSError(
            error.errno,
            f"{error.strerror or error}. The cache in {folder} cannot be used, expected a folder in which files can be "
            "written, with room for 8 bytes for each number. Pass another one, make room, or leave out cache",
        ) from error


def write_rows(
    path: Path,
    pieces: Iterable[Matrix],
    concluded: Callable[[], tuple[Response, FloatArray | None, FloatArray | None]],
    columns: Callable[[], dict[str, Any]],
) -> None:
    """Write rows into a folder.

    Parameters
    ----------
    path : path
    pieces : iterable of matrices
        The features: at least one piece, all dense or all CSR, of one dtype.
    concluded : callable
        Returns y, the weights and the offset of all rows, once these have been read.
    columns : callable
        Returns what was learned of the columns of X.
    """
    n_features = _write_features(path, pieces)
    response, weights, offset = concluded()
    classes = response.classes
    beside = {"codes": response.codes, "counts": response.counts, "weights": weights, "offset": offset}
    for name, values in {**beside, "classes": classes.astype(str) if classes.dtype == object else classes}.items():
        if values is not None:
            with _writing(path.parent):
                np.save(path / f"{name}.npy", values, allow_pickle=False)
    learned = {name: np.asarray(value).tolist() for name, value in columns().items()}
    about = {
        "n_features": n_features,
        "columns": learned,
        "classes_are_objects": classes.dtype == object,
        "files": sorted(file.name for file in path.iterdir()),
    }
    with _writing(path.parent):
        (path / _ABOUT).write_text(json.dumps(about), encoding="utf-8")


def _write_features(path: Path, pieces: Iterable[Matrix]) -> int:
    """Write X, and return how many columns it has."""
    with contextlib.ExitStack() as stack:
        files: dict[str, _GrowingFile] = {}

        def append(name: str, values: npt.NDArray[Any]) -> None:
            if name not in files:
                files[name] = stack.enter_context(contextlib.closing(_GrowingFile(path / f"{name}.npy", values)))
            with _writing(path.parent):
                files[name].append(values)

        n_features, ends = 0, array("q", [0])
        for X in pieces:
            n_features = X.shape[1]
            if is_sparse(X):
                append("data", X.data)
                append("indices", X.indices)
                ends.frombytes((X.indptr[1:].astype(np.int64) + ends[-1]).tobytes())
            else:
                append("X", X)
    if "data" in files:
        indptr = np.frombuffer(ends, dtype=np.int64)
        fits = ends[-1] <= np.iinfo(np.int32).max
        np.save(path / "indptr.npy", indptr.astype(np.int32) if fits else indptr, allow_pickle=False)
    return n_features


@final
class _GrowingFile:
    """A file of NumPy's to which rows are added: how many they are is written last, where there is room for it."""

    def __init__(self, path: Path, like: npt.NDArray[Any]) -> None:
        self._file: BinaryIO = path.open("wb")
        self._dtype, self._shape, self._n_rows = like.dtype, like.shape[1:], 0
        self._write_header()
        self._start = self._file.tell()

    def append(self, values: npt.NDArray[Any]) -> None:
        self._file.write(np.ascontiguousarray(values, dtype=self._dtype).data)
        self._n_rows += len(values)

    def close(self) -> None:
        self._file.seek(0)
        self._write_header()
        assert self._file.tell() == self._start  # noqa: S101 - NumPy leaves room for any number of rows
        self._file.close()

    def _write_header(self) -> None:
        shape = (self._n_rows, *self._shape)
        header = {"descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)


def _loaded(path: Path) -> tuple[Content, dict[str, Any]]:
    about = json.loads((path / _ABOUT).read_text(encoding="utf-8"))

    def mapped(name: str) -> npt.NDArray[Any] | None:
        file = f"{name}.npy"
        is_there = file in about["files"]
        return np.asarray(np.load(path / file, mmap_mode="r", allow_pickle=False)) if is_there else None

    classes = np.load(path / "classes.npy", allow_pickle=False)
    if about["classes_are_objects"]:
        classes = classes.astype(object)
    columns = dict(about["columns"])
    if "feature_names_in_" in columns:
        columns["feature_names_in_"] = np.array(columns["feature_names_in_"], dtype=object)
    X = mapped("X")
    features = FeaturesInMemory(_sparse(mapped, about["n_features"]) if X is None else X)
    content = Content(
        features, Response(classes, mapped("codes"), mapped("counts")), mapped("weights"), mapped("offset")
    )
    return content, columns


def _sparse(mapped: Callable[[str], Any], n_features: int) -> Matrix:
    data, indices, indptr = mapped("data"), mapped("indices"), mapped("indptr")
    X = sparse.csr_array((len(indptr) - 1, n_features), dtype=data.dtype)
    X.data, X.indices, X.indptr = data, indices, indptr  # the constructor would copy them
    return X
