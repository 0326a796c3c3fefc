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
from softglm.cli.tables.words import shortlist

if TYPE_CHECKING:
    import pandas as pd


def read_parquet(path: Path, target: str, reading: Reading) -> tuple[list[Column], Labels]:
    """Return the features and the target of a Parquet file; reading it needs pandas and pyarrow."""
    try:
        import pandas as pd

        with path.open("rb") as file:
            frame = pd.read_parquet(file)
    except ImportError as error:
        raise UnusableDataError(
            f'{path} is a Parquet file, and reading it needs pandas and pyarrow. Install the extra "data", in a clone '
            'of softglm: pip install ".[data]".'
        ) from error
    if frame.empty:
        raise UnusableDataError(f"{path} has no rows.")
    if frame.index.names != [None]:
        frame = frame.reset_index()
    frame.columns = [str(name) for name in frame.columns]
    check_names(path, list(frame.columns), target, reading.dropped)
    frame = frame.drop(columns=list(reading.dropped))
    _check_no_lists(path, frame)
    columns = [_typed_column_of(name, series, reading) for name, series in frame.items() if name != target]
    return columns, _labels_of(target, frame[target], reading)


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
    is_string = not (series.dtype.kind in "iuf" or _is_decimal(series))
    notation = next(iter(writing.readings)) if writing.settles else None
    if reading.notation in writing.readings:
        notation = reading.notation
    return Labels(name, texts, is_missing, may_be_continuous=not is_string, notation=notation)


def _texts(series: "pd.Series") -> npt.NDArray[Any]:
    """Return typed entries as text, of numbers in single precision no more digits than they have."""
    values = np.asarray(series)
    entries = values if values.dtype.kind == "f" else series
    return np.array([v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in entries], dtype=object)


def _typed_column_of(name: str, series: "pd.Series", reading: Reading) -> Column:
    """Return a typed column: a string that looks like a number is a string."""
    is_missing = series.isna().to_numpy(dtype=bool) | _are_given_as_missing(series, reading)
    if series.dtype.kind == "b":
        return Column(name, series.to_numpy(dtype=bool, na_value=False), is_missing)
    is_decimal = _is_decimal(series)
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
    if not reading.missing:
        return np.zeros(len(series), dtype=bool)
    if series.dtype.kind in "iuf":
        return np.isin(series.to_numpy(dtype=np.float64, na_value=np.nan), reading.missing_numbers)
    return np.isin(_texts(series), list(reading.missing))


def _large_integers_of(series: "pd.Series") -> Iterator[int]:
    """Return the whole numbers that neighbours may be merged with in float64."""
    return (int(value) for value in series.dropna().unique() if abs(value) >= MOST_EXACT and int(value) == value)


def _is_decimal(series: "pd.Series") -> bool:
    return series.dtype.kind == "O" and all(isinstance(value, Decimal) for value in series.dropna())
