"""What a table holds: cells of text, made once, from which everything that is read is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

# A name, and what stands beside it in each column.
Row: TypeAlias = Sequence[str]


@final
@dataclass(frozen=True)
class Content:
    """The cells of a table, with what stands around them.

    Attributes
    ----------
    header : sequence of str, length c
        The names of the columns, but for the first, which has the names of rows.
    groups : dict from name to rows of 1 + c cells
        A group without a name stands for itself.
    title : str
        Above.
    facts : columns of pairs (label, value)
        What describes the whole.
    foot : rows of 1 + c cells
        Below the groups.
    notes : sequence of str
        Below all: what a reader has to know.
    """

    header: Sequence[str]
    groups: Mapping[str, Sequence[Row]]
    title: str = ""
    facts: Sequence[Sequence[tuple[str, str]]] = ()
    foot: Sequence[Row] = ()
    notes: Sequence[str] = ()
