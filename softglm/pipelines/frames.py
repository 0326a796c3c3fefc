"""Tables as users have them, of pandas, polars or NumPy: rows are taken and columns replaced, in new ones."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.inference.missing import is_missing

# Columns by their positions: float64, NaN where missing, for numbers; objects as they were for all others.
Columns = Mapping[int, npt.NDArray[Any]]


class Frame(ABC):
    """A table of named columns.

    Attributes
    ----------
    data : object
        The table itself, for whoever takes such tables.
    names : tuple of str
        Of its columns; those without a name are called as scikit-learn does.
    """

    data: Any
    names: tuple[str, ...]

    @abstractmethod
    def column(self, position: int) -> npt.NDArray[Any]:
        """Return a column of numbers as float64, NaN where missing; any other as objects."""

    @abstractmethod
    def take(self, rows: npt.NDArray[np.intp]) -> Self:
        """Return rows, repeated ones too."""

    @abstractmethod
    def replaced(self, columns: Columns) -> Self:
        """Return the table with other values in some columns, of types that give way to numbers they cannot hold.

        Raises
        ------
        ValueError
            If a column of categories has no such one.
        """

    @abstractmethod
    def categories(self, position: int) -> list[Any] | None:
        """Return the categories that the type of a column lists, in their order; None of other columns."""

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.data)


def frame_of(X: Any) -> Frame | None:
    """Return a table, or None for what is none that is known here, such as a sparse matrix or a list of texts.

    Columns that are added to a data frame later, or put in place of others, do not appear in it.

    Parameters
    ----------
    X : object
        What a user passed.

    Returns
    -------
    Frame or None
        Of pandas, polars or NumPy; of two-dimensional lists too.
    """
    if type(X).__module__.partition(".")[0] == "polars" and hasattr(X, "with_columns"):
        return _Polars(X.clone()) if hasattr(X, "height") else None
    if hasattr(X, "iloc"):
        return _Pandas(X.copy(deep=False)) if np.ndim(X) == 2 else None
    if sparse.issparse(X) or not isinstance(X, np.ndarray | list | tuple):
        return None
    try:
        array = np.asarray(X)
    except ValueError:  # rows of different lengths
        return None
    if array.dtype.kind in "US" and not isinstance(X, np.ndarray):
        array = np.array(X, dtype=object)  # numbers beside texts stay numbers
    return _Array(array) if array.ndim == 2 else None


def _all_names(names: Any) -> tuple[str, ...]:
    """Return names as scikit-learn has them: positions, unless all are texts."""
    given = list(names)
    if all(isinstance(name, str) for name in given):
        return tuple(given)
    return tuple(f"x{position}" for position in range(len(given)))


def _fits(values: npt.NDArray[Any], dtype: Any, *, holds_missing: bool = False) -> bool:
    """Tell whether numbers stay what they are in a NumPy type, or in one like it that holds missing ones too."""
    is_whole = dtype.kind in "biu"
    is_known = ~np.isnan(values)
    known = values[is_known]
    if is_whole and not ((holds_missing or is_known.all()) and (known == np.round(known)).all()):
        return False
    # Of infinite and of large numbers a whole one is made up, which compares as another.
    with np.errstate(over="ignore", invalid="ignore"):
        return bool((known.astype(dtype) == known).all())


def _numbers_of(column: npt.NDArray[Any]) -> npt.NDArray[np.float64] | None:
    """Return a column of objects as numbers, if all that are not missing are."""
    missing = np.array([is_missing(value) for value in column], dtype=bool)
    if missing.all() or not all(isinstance(value, int | float | np.number | np.bool_) for value in column[~missing]):
        return None
    numbers = np.full(len(column), np.nan)
    numbers[~missing] = column[~missing].astype(np.float64)
    return numbers


@final
class _Array(Frame):
    def __init__(self, X: npt.NDArray[Any]) -> None:
        self.data = X
        self.names = tuple(f"x{position}" for position in range(X.shape[1]))

    def column(self, position: int) -> npt.NDArray[Any]:
        column = self.data[:, position]
        if column.dtype.kind in "biuf":
            return np.asarray(column, dtype=np.float64)
        column = column.astype(object)
        numbers = _numbers_of(column)
        return column if numbers is None else numbers

    def take(self, rows: npt.NDArray[np.intp]) -> Self:
        return type(self)(self.data[rows])

    def replaced(self, columns: Columns) -> Self:
        X = self.data
        dtype: Any = X.dtype
        if dtype.kind in "biuf" and not all(_fits(values, dtype) for values in columns.values()):
            dtype = np.dtype(np.float64)
        elif dtype.kind in "US":
            dtype = np.result_type(dtype, *(values.astype(dtype.kind).dtype for values in columns.values()))
        X = X.astype(dtype)
        for position, values in columns.items():
            X[:, position] = values
        return type(self)(X)

    def categories(self, position: int) -> None:  # noqa: ARG002 - no column of an array has any
        return None


@final
class _Pandas(Frame):
    def __init__(self, X: Any) -> None:
        self.data, self.names = X, _all_names(X.columns)

    def column(self, position: int) -> npt.NDArray[Any]:
        from pandas.api import types

        column = self.data.iloc[:, position]
        if types.is_numeric_dtype(column.dtype) and not types.is_complex_dtype(column.dtype):
            return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
        values = np.asarray(column.astype(object).to_numpy(), dtype=object)
        numbers = _numbers_of(values) if column.dtype == object else None
        return values if numbers is None else numbers

    def take(self, rows: npt.NDArray[np.intp]) -> Self:
        return type(self)(self.data.iloc[rows].reset_index(drop=True))

    def replaced(self, columns: Columns) -> Self:
        import pandas as pd
        from pandas.api.types import is_object_dtype

        X = self.data.copy(deep=False)
        for position, values in columns.items():
            dtype: Any = X.dtypes.iloc[position]
            if values.dtype == np.float64 and not is_object_dtype(dtype):
                series = pd.Series(values, index=X.index)
                is_nullable = hasattr(dtype, "numpy_dtype")
                plain = dtype.numpy_dtype if is_nullable else getattr(dtype, "subtype", dtype)  # the latter of Sparse
                if _fits(values, np.dtype(plain), holds_missing=is_nullable):
                    series = series.astype(dtype)
            else:
                _check_categories(values, self.categories(position), self.names[position])
                series = pd.Series(values, index=X.index, dtype=object).astype(dtype)
            X.isetitem(position, series)
        return type(self)(X)

    def categories(self, position: int) -> list[Any] | None:
        import pandas as pd

        dtype = self.data.dtypes.iloc[position]
        return dtype.categories.tolist() if isinstance(dtype, pd.CategoricalDtype) else None


@final
class _Polars(Frame):
    def __init__(self, X: Any) -> None:
        self.data, self.names = X, tuple(X.columns)

    def column(self, position: int) -> npt.NDArray[Any]:
        import polars as pl

        column = self.data.to_series(position)
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            return np.asarray(column.cast(pl.Float64).fill_null(float("nan")).to_numpy(), dtype=np.float64)
        values = np.empty(len(column), dtype=object)
        values[:] = column.to_list()
        return values

    def take(self, rows: npt.NDArray[np.intp]) -> Self:
        return type(self)(self.data[rows.tolist()])

    def replaced(self, columns: Columns) -> Self:
        import polars as pl

        series = []
        for position, values in columns.items():
            known = self.data.to_series(position)
            if values.dtype == np.float64:
                changed = pl.Series(known.name, values, nan_to_null=known.null_count() > 0)
                if _fits(values, known.head(0).to_numpy().dtype, holds_missing=known.null_count() > 0):
                    changed = changed.cast(known.dtype)
            else:
                _check_categories(values, self.categories(position), known.name)
                changed = pl.Series(known.name, values.tolist(), dtype=known.dtype)
            series.append(changed)
        return type(self)(self.data.with_columns(series))

    def categories(self, position: int) -> list[Any] | None:
        import polars as pl

        dtype = self.data.dtypes[position]
        return dtype.categories.to_list() if isinstance(dtype, pl.Enum) else None


def _check_categories(values: npt.NDArray[Any], categories: list[Any] | None, name: str) -> None:
    """Raise unless all values but the missing ones are categories, where those are listed."""
    if categories is None:
        return
    unknown = [value for value in dict.fromkeys(values.tolist()) if not is_missing(value) and value not in categories]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of the categories of the column {name!r}.")
