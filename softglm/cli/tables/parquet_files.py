"""Parquet files, whose columns have types."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from softglm.cli.tables.columns import Column, Labels, UnusableDataError, check_names
from softglm.cli.tables.notation import Writing
from softglm.cli.tables.parsing import MOST_EXACT, remark_on, remark_on_merged
from softglm.cli.tables.reading import Reading
from softglm.cli.tables.sampling import stratified
from softglm.cli.tables.words import shortlist
from softglm.sources.arrow import Table
from softglm.sources.opening import open_dataset

if TYPE_CHECKING:
    import pandas as pd

# Of a file of which a sample is taken.
_ROWS_AT_ONCE = 2**16


def read_parquet(path: Path, target: str, reading: Reading) -> tuple[list[Column], Labels, int]:
    """Return the features and the target of a Parquet file, and how many rows it has.

    Of a sample, no others are in memory. Reading needs pandas and pyarrow.
    """
    try:
        frame, n_rows = (_whole if reading.sample is None else _sampled)(path, target, reading)
    except ImportError as error:
        raise UnusableDataError(
            f'{path} is a Parquet file, and reading it needs pandas and pyarrow. Install the extra "data", in a clone '
            'of softglm: pip install ".[data]".'
        ) from error
    if frame.empty:
        raise UnusableDataError(f"{path} has no rows.")
    _check_no_lists(path, frame)
    columns = [_typed_column_of(name, series, reading) for name, series in frame.items() if name != target]
    return columns, _labels_of(target, frame[target], reading), n_rows


def _whole(path: Path, target: str, reading: Reading) -> tuple["pd.DataFrame", int]:
    import pandas as pd

    with path.open("rb") as file:
        frame = pd.read_parquet(file)
    if frame.index.names != [None]:
        frame = frame.reset_index()
    frame.columns = [str(name) for name in frame.columns]
    check_names(path, list(frame.columns), target, reading.dropped, weights=reading.weights)
    return frame.drop(columns=list(reading.dropped)), len(frame)


def _sampled(path: Path, target: str, reading: Reading) -> tuple["pd.DataFrame", int]:
    """Return a sample of the rows: one pass over the target tells which, another takes them."""
    import pandas as pd

    table = Table(open_dataset(path), str(path))
    check_names(path, table.names, target, reading.dropped, weights=reading.weights)
    labels = [batch.record.column(target).to_pandas() for batch in table.batches([target], _ROWS_AT_ONCE)]
    codes = pd.concat(labels).factorize(sort=True)[0] if labels else np.empty(0, dtype=np.intp)
    rows = stratified(codes, min(reading.sample or 0, len(codes)))
    names = [name for name in table.names if name not in reading.dropped]
    taken = []
    for batch in table.batches(names, _ROWS_AT_ONCE):
        first, last = np.searchsorted(rows, [batch.first, batch.first + batch.record.num_rows])
        if first < last:
            drawn = batch.record.take(rows[first:last] - batch.first)
            taken.append(pd.DataFrame({name: drawn.column(name).to_pandas() for name in names}))
    return pd.concat(taken, ignore_index=True) if taken else pd.DataFrame(columns=names), len(codes)


def _check_no_lists(path: Path, frame: "pd.DataFrame") -> None:
    """Raise for columns whose entries hold several values: they are neither numbers nor names."""
    nested = [
        repr(name)
        for name, series in frame.items()
        if series.dtype.kind == "O"
        and any(hasattr(value, "__len__") and not isinstance(value, str | bytes) for value in series)
    ]
    if nested:
        raise UnusableDataError(
            f"{path} has lists or structures in {shortlist(nested)}, expected a single value in each row. Spread them "
            "over columns of their own, or drop those columns."
        )


def _labels_of(name: str, series: "pd.Series", reading: Reading) -> Labels:
    texts = _texts(series)
    is_missing = series.isna().to_numpy(dtype=bool) | _are_given_as_missing(series, reading)
    writing = Writing.of(set(texts[~is_missing]))
    is_string = not (series.dtype.kind in "iuf" or _are_all(series, Decimal))
    notation = next(iter(writing.readings)) if writing.settles else None
    if reading.notation in writing.readings:
        notation = reading.notation
    return Labels(name, texts, is_missing, may_be_continuous=not is_string, notation=notation)


def _texts(series: "pd.Series") -> npt.NDArray[Any]:
    """Return typed entries as text, of numbers in single precision no more digits than they have; none as empty."""
    values = np.asarray(series)
    entries = values if values.dtype.kind == "f" else series
    texts = [v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in entries]
    return np.where(series.isna(), "", np.array(texts, dtype=object))


def _typed_column_of(name: str, series: "pd.Series", reading: Reading) -> Column:
    """Return a typed column: a string that looks like a number is a string."""
    is_missing = series.isna().to_numpy(dtype=bool) | _are_given_as_missing(series, reading)
    if series.dtype.kind == "b" or _are_all(series, bool):
        return Column(name, series.where(~is_missing, other=False).to_numpy(dtype=bool), is_missing)
    is_decimal = _are_all(series, Decimal)
    merged = remark_on_merged(_large_integers_of(series)) if series.dtype.kind in "iu" or is_decimal else ""
    if series.dtype.kind in "iuf" and not merged:
        return Column(name, series.to_numpy(dtype=np.float64, na_value=np.nan), is_missing)
    if is_decimal and not merged:
        values = [np.nan if missing else float(value) for value, missing in zip(series, is_missing, strict=True)]
        return Column(name, np.array(values), is_missing)
    texts = _texts(series)
    return Column(name, texts, is_missing, merged or remark_on(set(texts[~is_missing])))


def _are_given_as_missing(series: "pd.Series", reading: Reading) -> npt.NDArray[np.bool_]:
    """Tell which entries the command line says are missing: of numbers those that equal it, whatever their zeros."""
    if not reading.na:
        return np.zeros(len(series), dtype=bool)
    if series.dtype.kind in "iuf":
        return np.isin(series.to_numpy(dtype=np.float64, na_value=np.nan), reading.na_numbers)
    return np.isin(_texts(series), list(reading.na))


def _large_integers_of(series: "pd.Series") -> Iterator[int]:
    """Return the whole numbers that neighbours may be merged with in float64."""
    return (int(value) for value in series.dropna().unique() if abs(value) >= MOST_EXACT and int(value) == value)


def _are_all(series: "pd.Series", kind: type) -> bool:
    """Tell whether entries are objects of one type, but for those that are missing."""
    known = series.dropna() if series.dtype.kind == "O" else []
    return len(known) > 0 and all(isinstance(value, kind) for value in known)
