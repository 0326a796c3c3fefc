"""A dataset of pyarrow from what a user names: a path, an address, or the dataset itself."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from softglm.optional import needed


def open_dataset(data: Any) -> Any:
    """Return a dataset of pyarrow: the given one, or that of a path."""
    with needed("Reading Parquet", "pyarrow", "data"):
        import pyarrow.dataset as pads
    if isinstance(data, pads.Dataset):
        return data
    if not isinstance(data, str | PathLike):
        raise TypeError(
            f"Parquet got a {type(data).__name__}, expected the path of a Parquet file or folder, or a dataset of "
            "pyarrow."
        )
    dataset = _of_path(fspath(data))
    if not dataset.files:
        raise ValueError(f"{fspath(data)} is a folder without files, expected a Parquet file, or a folder of them.")
    return dataset


def _of_path(path: str) -> Any:
    import pyarrow.dataset as pads

    try:
        with damage_said(path):
            return pads.dataset(_absolute(path), format="parquet", partitioning="hive")
    except FileNotFoundError as error:
        raise FileNotFoundError(
            errno.ENOENT, "There is no such file or folder, expected one of Parquet. Pass another path", path
        ) from error


@contextmanager
def damage_said(place: str) -> Iterator[None]:
    """Where files turn out to be damaged, or no Parquet, say in which table, and what to do."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ValueError(
            f"{place} cannot be read, expected whole Parquet files with one column of each name. Write it again, "
            f"rename columns, or move other files away. pyarrow says: {error}"
        ) from error


def _absolute(path: str) -> str:
    """Return a path that leads to the same place from wherever it is read later; addresses as they are."""
    return path if not path or "://" in path else str(Path(path).expanduser().absolute())
