"""What is compared: the mean probabilities in two states or more of some columns, or of two tables of rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, TypeAlias, final

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Rows
from softglm.inference.cells import shown_value
from softglm.inference.deviations import quartiles, standard_deviation
from softglm.inference.estimate import Estimate
from softglm.inference.factors import BASE
from softglm.inference.groups import GroupedColumns, Groups, listed
from softglm.inference.means import determined_rows, mean_probabilities, rows_of_group
from softglm.inference.model_columns import check_finite
from softglm.inference.partition import Partition, partition_by_column, partition_by_labels
from softglm.inference.states import Means, States, Subject, joined
from softglm.inference.subjects import At, listed_values, subject_of
from softglm.sums import RowWeights

Pairs: TypeAlias = Literal["reference", "pairwise"]


@final
@dataclass(frozen=True, eq=False)
class Compared:
    """Mean probabilities, to be compared.

    Attributes
    ----------
    term : str
        What differs.
    states : tuple of str, length v
        Between what.
    is_moved : bool
        Whether they are one state, and that moved by so much: which is named by the move.
    by : str or None
        What tells groups apart.
    groups : tuple of length G
        Their labels; one None without groups.
    where : str
        Of which rows, or where, for a title.
    means : tuple of arrays
        As `States.means` returns them, shapes (G, v, ...).
    """

    term: str
    states: tuple[str, ...]
    is_moved: bool
    by: str | None
    groups: tuple[Any, ...]
    where: str
    means: Means


@final
@dataclass(frozen=True)
class Question:
    """What is asked to be compared, and where.

    Attributes
    ----------
    variable : object
        Columns by name or position, or a group of dummies; or two tables of rows.
    values : object
        What columns are compared between: a list; a number, to be moved by; "sd", "iqr", or None.
    at : {"average", "means"} or dict
        The other columns.
    by : name, array-like of labels, or None
        Groups of rows; at one place a column that is set to each of its values.
    groups, base
        Dummies of factors, and what their bases are called.
    offset : tuple of two array-likes, or None
        Of the tables.
    """

    variable: Any
    values: Any = None
    at: At = "average"
    by: Any = None
    groups: Groups | None = None
    base: str = BASE
    offset: tuple[Any, Any] | None = None


def compared(
    estimate: Estimate, columns: GroupedColumns, question: Question, read_rows: Callable[[Any, Any], Rows]
) -> Compared:
    """Return what is compared, and how its mean probabilities depend on the estimates.

    Parameters
    ----------
    estimate : Estimate
    columns : GroupedColumns
    question : Question
    read_rows : callable
        ``read_rows(X, offset)`` returns rows of a table.

    Raises
    ------
    ValueError
        If there is no such column, it cannot be set so, or the tables or the labels do not fit.
    """
    if not _are_tables(question.variable):
        if question.offset is not None:
            raise ValueError("offset is of two tables of rows; columns are compared at the offsets of the fit.")
        return _compared_columns(estimate, columns, question)
    if question.values is not None or question.at != "average" or question.groups is not None:
        raise ValueError("values, at and groups are of columns: two tables themselves are what is compared.")
    offsets = (None, None) if question.offset is None else question.offset
    if not _is_pair(offsets):
        raise ValueError("offset of two tables is a pair, of the offsets of either: pass offset=(first, second).")
    first, second = map(read_rows, question.variable, offsets)
    return _compared_tables(estimate, (first, second), question.by)


def _compared_columns(estimate: Estimate, columns: GroupedColumns, question: Question) -> Compared:
    """Return what columns are compared between, in groups of rows, or at places."""
    rows, at = estimate.objective.rows, question.at
    (weights,) = rows.concatenate(RowWeights())
    partition = _partition(question, rows, weights, columns)

    def states_at(place: At) -> States:
        subject = subject_of(
            listed(question.variable),
            place,
            estimate=estimate,
            columns=columns,
            groups=question.groups,
            base=question.base,
        )
        return _states(subject, question.values, weights[weights > 0.0])

    if partition is None or at == "average":
        states = states_at(at)
        means = states.means(None if partition is None else partition.members)
    else:
        fixed = at if isinstance(at, Mapping) else {}
        every = [states_at({**fixed, partition.name: label}) for label in partition.labels]
        states, means = every[0], joined([each.means() for each in every])
    return Compared(
        term=", ".join(states.terms),
        states=tuple(_state_name(value, states) for value in states.grid.tolist()),
        is_moved=states.is_moved,
        by=None if partition is None else partition.name,
        groups=(None,) if partition is None else partition.labels,
        where=_where(at, partition),
        means=means,
    )


def _compared_tables(estimate: Estimate, tables: tuple[Rows, Rows], labels: Any) -> Compared:  # noqa: ANN401
    """Return the mean probabilities over two tables of rows, in groups of the same labels."""
    partitions = [None if labels is None else partition_by_labels(labels, np.ones(rows.n_rows)) for rows in tables]
    partition = partitions[0]
    members = (None,) if partition is None else partition.members
    found = [_means_of_table(estimate, rows, group) for group in members for rows in tables]
    probability, gradients, known = (np.array(parts) for parts in zip(*found, strict=True))
    return Compared(
        term="rows",
        states=("first", "second"),
        is_moved=False,
        by=None if partition is None else partition.name,
        groups=(None,) if partition is None else partition.labels,
        where="averaged over rows",
        means=(
            probability.reshape(-1, 2, *probability.shape[1:]),
            gradients.reshape(-1, 2, *gradients.shape[1:]),
            known.reshape(-1, 2),
        ),
    )


def _are_tables(variable: Any) -> bool:  # noqa: ANN401 - users pass anything
    """Tell whether two tables of rows are asked about, and not columns."""
    is_table = len(getattr(variable, "shape", (1,))) > 1  # which as a list would be its names
    are_names = not is_table and any(isinstance(each, str | int | np.integer) for each in listed(variable))
    if not are_names and not _is_pair(variable):
        raise ValueError(
            f"contrasts got a {type(variable).__name__} to compare, expected a column, several, or a pair of tables of "
            "rows: contrasts((first, second))."
        )
    return not are_names


def _is_pair(tables: Any) -> bool:  # noqa: ANN401
    return isinstance(tables, list | tuple) and len(tables) == 2


def _partition(question: Question, rows: Rows, weights: FloatArray, columns: GroupedColumns) -> Partition | None:
    by = question.by
    if by is None:
        return None
    if isinstance(by, str | int | np.integer):
        return partition_by_column(by if isinstance(by, str) else int(by), rows, columns)
    if question.at != "average":
        raise ValueError("by holds labels of rows, and at one place there are no rows: pass the name of a column.")
    return partition_by_labels(by, weights)


def _states(subject: Subject, values: Any, weights: FloatArray) -> States:  # noqa: ANN401
    """Return what a variable is compared between: values, or a move from where it is, by 1 where nobody says."""
    number = subject.number
    values = 1.0 if values is None and number is not None else values
    if isinstance(values, Real) or (isinstance(values, str) and values in {"sd", "iqr"}):
        if number is None:
            raise ValueError(
                f"values={values!r} is for a number, and this has levels, or is several columns. Pass a list of those "
                "to compare."
            )
        known = ~np.isnan(number)
        if values == "iqr":
            values = list(quartiles(number[known], weights[known]))
        else:
            step = standard_deviation(number[known], weights[known]) if values == "sd" else float(values)
            check_finite([step], "values")
            return subject.moved(step)
    states = subject.states(None if values is None else listed_values(values))
    if len(states.grid) < 2:
        raise ValueError(f"values holds one value, {states.grid.tolist()}, expected two or more: to compare.")
    return states


def _state_name(value: Any, states: States) -> str:  # noqa: ANN401
    if states.is_moved:
        return f"{value:+.6g}"
    return ", ".join(map(shown_value, value)) if states.grid.ndim > 1 else shown_value(value)


def _where(at: At, partition: Partition | None) -> str:
    if at == "average":
        return "averaged over the rows" if partition is None else "averaged over the rows of each group"
    if not isinstance(at, Mapping):
        return "at the means"
    return f"at {', '.join(f'{name} = {shown_value(value)}' for name, value in at.items())}"


def _means_of_table(estimate: Estimate, rows: Rows, group: BoolArray | None) -> tuple[FloatArray, FloatArray, bool]:
    """Return the means over the rows of a group, and whether all of them are determined."""
    chosen = rows_of_group(rows, group)
    (known,) = rows.concatenate(determined_rows(estimate))
    return *mean_probabilities(estimate, chosen), bool(known[slice(None) if group is None else group].all())
