"""Groups of rows to average over: those with the same value of a column, or with the same label."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Rows
from softglm.inference.groups import GroupedColumns
from softglm.inference.inputs import Inputs
from softglm.inference.means import counted_columns
from softglm.inference.missing import is_missing
from softglm.inference.names import Name, Names
from softglm.sums import RowWeights

# What has more different values tells no groups.
MOST_GROUPS = 250


@final
@dataclass(frozen=True, eq=False)
class Partition:
    """Groups of rows.

    Attributes
    ----------
    name : str
        Of the column whose values they are; "group" of labels.
    labels : tuple of length G
        Those values.
    members : tuple of bool arrays of shape (n,)
    """

    name: str
    labels: tuple[Any, ...]
    members: tuple[BoolArray, ...]


def partition_by_column(name: Name, rows: Rows, columns: GroupedColumns) -> Partition:
    """Return the groups of rows of any weight with the same value of an input, or of a column of the model.

    Parameters
    ----------
    name : str or int
    rows : Rows
        Of the fit.
    columns : GroupedColumns

    Raises
    ------
    ValueError
        If there is no such column, or its values are too many.
    """
    (weights,) = rows.concatenate(RowWeights())
    inputs, counted = columns.known_inputs, np.flatnonzero(weights > 0.0)
    if inputs is not None and (inputs.position(name) is not None or not isinstance(name, str)):
        position = Names(inputs.names).position(name)
        levels = _levels(inputs, position)
        return _partition(inputs.names[position], inputs.observed(position), levels, counted, len(weights))
    column = Names(columns.features).position(name)
    values = counted_columns(rows, np.array([column]))[:, 0]
    return _partition(columns.features[column], values, (), counted, len(weights))


def partition_by_labels(labels: Any, weights: FloatArray) -> Partition:  # noqa: ANN401 - users pass anything
    """Return the groups of rows of any weight with the same label.

    Parameters
    ----------
    labels : array-like of shape (n,)
    weights : array of shape (n,)
        Of the rows.

    Raises
    ------
    ValueError
        If their number is not that of the rows, or they are too many.
    """
    values, n_rows = np.asarray(labels), len(weights)
    if values.shape != (n_rows,):
        raise ValueError(
            f"by has shape {values.shape}, expected the name of a column, or a label for each of the {n_rows} rows."
        )
    counted = np.flatnonzero(weights > 0.0)
    return _partition("group", values[counted], _categories(labels), counted, n_rows)


def _categories(labels: Any) -> list[Any]:  # noqa: ANN401 - users pass anything
    """Return the categories that the type of labels lists in their order: of pandas, or an Enum of polars."""
    dtype = getattr(labels, "dtype", None)
    has_order = type(dtype).__name__ in {"CategoricalDtype", "Enum"}
    return list(getattr(dtype, "categories", ())) if has_order else []


def _levels(inputs: Inputs, position: int) -> Sequence[Any]:
    """Return the levels of a factor, in their order."""
    variable = inputs.variable(position)
    return () if variable is None else [level.value for level in variable.levels]


def _partition(
    name: str, values: npt.NDArray[Any], levels: Sequence[Any], counted: npt.NDArray[np.intp], n_rows: int
) -> Partition:
    """Return the groups: levels in their order, then other values in theirs; missing values are in none."""
    distinct = list(dict.fromkeys(value for value in values.tolist() if not is_missing(value)))
    if len(distinct) > MOST_GROUPS:
        raise ValueError(
            f"by has {len(distinct)} different values in {name!r}, expected at most {MOST_GROUPS}. Pass a label for "
            "each row, such as of bins: by=pandas.cut(...)."
        )
    labels = dict.fromkeys(level for level in levels if level in distinct) | dict.fromkeys(_sorted(distinct))
    places = {label: place for place, label in enumerate(labels)}
    codes = np.full(n_rows, -1)
    codes[counted] = [-1 if is_missing(value) else places[value] for value in values.tolist()]
    return Partition(name, tuple(places), tuple(codes == place for place in places.values()))


def _sorted(values: list[Any]) -> list[Any]:
    """Return values sorted if they can be; else as they come."""
    try:
        return sorted(values)
    except TypeError:
        return values
