"""Tables in Markdown: with pipes, as GitHub, Jupyter and pandoc read them."""

import re
from collections.abc import Sequence
from itertools import zip_longest

from softglm.inference.tables.content import Content, Row

# What Markdown, or HTML in it, would take for its own. A backslash makes any punctuation plain.
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>|#~$&]")


def written(content: Content) -> str:
    """Return a table in Markdown, with its title above, and its notes below."""
    rows: list[Row] = []
    blank = [""] * len(content.header)
    for name, of_group in content.groups.items():
        rows += [[f"**{_escaped(name)}**", *blank]] if name else []
        rows += [_row(row) for row in of_group]
    rows += map(_row, content.foot)
    parts = [f"**{_escaped(content.title)}**"] if content.title else []
    if content.facts:
        parts.append(_facts(content.facts))
    parts.append(_table(_row(["", *content.header]), rows, [False, *(True for _ in content.header)]))
    return "\n\n".join([*parts, *map(_escaped, content.notes)])


def _facts(columns: Sequence[Sequence[tuple[str, str]]]) -> str:
    """Return a table without a head, of the columns of labels and values side by side."""
    lines = [_row([cell for pair in line for cell in pair]) for line in zip_longest(*columns, fillvalue=("", ""))]
    return _table([""] * len(lines[0]), lines, [False, True] * len(columns))


def _table(header: Row, rows: Sequence[Row], is_right: Sequence[bool]) -> str:
    """Return the lines of a table, as wide in the source as they are read."""
    widths = [max(3, *map(len, column)) for column in zip(header, *rows, strict=True)]

    def line(cells: Row) -> str:
        aligned = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, is_right, strict=True)
        )
        return f"| {' | '.join(aligned)} |"

    rules = ["-" * (width - right) + ":" * right for width, right in zip(widths, is_right, strict=True)]
    return "\n".join([line(header), f"| {' | '.join(rules)} |", *map(line, rows)])


def _row(cells: Row) -> Row:
    return [_escaped(cell) for cell in cells]


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))
