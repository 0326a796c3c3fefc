"""Tables in plain text, which can be pasted anywhere."""

from collections.abc import Sequence
from itertools import zip_longest

from softglm.inference.cells import aligned, wrapped
from softglm.inference.tables.content import Content


def written(content: Content) -> str:
    """Return the lines of a table."""
    table = aligned(content.header, content.groups, content.foot)
    above = [content.title, ""] if content.title else []
    if content.facts:
        above += [*_side_by_side(content.facts), ""]
        table.append("-" * len(table[0]))
    return "\n".join([*above, *table, *wrapped(content.notes, len(table[0]))])


def _side_by_side(columns: Sequence[Sequence[tuple[str, str]]]) -> list[str]:
    """Return lines with the columns of labels and values side by side."""
    printed = []
    for column in filter(None, columns):
        label, value = (max(len(pair[side]) for pair in column) for side in (0, 1))
        printed.append([f"{name.ljust(label)}  {number.rjust(value)}" for name, number in column])
    widths = [len(column[0]) for column in printed]
    return [
        "    ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in zip_longest(*printed, fillvalue="")
    ]
