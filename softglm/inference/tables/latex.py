r"""Tables in LaTeX, with the rules of the package booktabs."""

import re
from collections.abc import Sequence
from itertools import pairwise

from softglm.inference.cells import NOT_ESTIMABLE
from softglm.inference.tables.content import Content, Row

_SPECIAL = {character: f"\\{character}" for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # At the beginning of a row these would belong to the \\ that ends the row above.
    "[": "{[}",
    "*": "{*}",
}
# Of a row; with a star behind it no page ends there.
_END = r"\\"
_SIGNS = {"": "", "+": "+", "-": "-", "±": r"\pm"}
_NUMBER = re.compile(r"(\(?)([+±-]?)(\d+(?:\.\d+)?|inf)(?:e([+-]\d+))?(\)?)(\**)")


def written(content: Content, *, caption: str | None, label: str | None) -> str:
    """Return a table in LaTeX: a tabular, and its notes below; with a caption or a label inside a table that floats."""
    lines = [
        rf"\begin{{tabular}}{{{_columns(content)}}}",
        *_head(content),
        *_body(content),
        r"\bottomrule",
        r"\end{tabular}",
        *_notes(content),
    ]
    if caption is None and label is None:
        return "\n".join(lines)
    above = [r"\begin{table}", r"\centering", _caption(content, caption), *_label(label)]
    return "\n".join([*above, *lines, r"\end{table}"])


def long_written(content: Content, *, caption: str | None, label: str | None) -> str:
    """Return a table of the package longtable, which breaks over pages and has its head on each; its notes below."""
    width = len(content.header) + 1
    first: list[str] = []
    if caption is not None or label is not None:
        first = [_caption(content, caption), *_label(label), r"\\"]
    return "\n".join(
        [
            rf"\begin{{longtable}}{{{_columns(content)}}}",
            *first,
            *_head(content),
            r"\endfirsthead",
            *_head(content),
            r"\endhead",
            r"\midrule",
            rf"\multicolumn{{{width}}}{{r}}{{\footnotesize continued on the next page}} \\",
            r"\endfoot",
            r"\bottomrule",
            r"\endlastfoot",
            *_kept_together(_body(content)),
            r"\end{longtable}",
            *_notes(content),
        ]
    )


def _columns(content: Content) -> str:
    return f"l{'r' * len(content.header)}"


def _caption(content: Content, caption: str | None) -> str:
    """Return the caption; without one, a label would be that of the section."""
    return rf"\caption{{{_escaped(content.title) if caption is None else caption}}}"


def _label(label: str | None) -> list[str]:
    return [rf"\label{{{label}}}"] if label else []


def _head(content: Content) -> list[str]:
    return [r"\toprule", _row(["", *content.header]), r"\midrule"]


def _body(content: Content) -> list[str]:
    n_columns = len(content.header)
    lines = []
    for place, (name, rows) in enumerate(content.groups.items()):
        if name:
            lines += [r"\addlinespace"] if place else []
            lines.append(rf"\multicolumn{{{n_columns + 1}}}{{l}}{{{_escaped(name)}}} \\")
        lines += [rf"\quad {_row(row)}" if name else _row(row) for row in rows]
    facts = [
        rf"{_escaped(label)} & \multicolumn{{{n_columns}}}{{l}}{{{_cell(value)}}} \\"
        for column in content.facts
        for label, value in column
    ]
    foot = [*facts, *map(_row, content.foot)]
    return [*lines, r"\midrule", *foot] if foot else lines


def _kept_together(lines: Sequence[str]) -> list[str]:
    """Let no page break part the name of a group from its first row, or an estimate from its error below."""
    kept = [
        f"{line}*" if line.endswith(_END) and (line.startswith(r"\multicolumn") or _has_no_name(below)) else line
        for line, below in pairwise(lines)
    ]
    return [*kept, *lines[-1:]]


def _has_no_name(line: str) -> bool:
    return line.removeprefix(r"\quad").lstrip().startswith("&")


def _notes(content: Content) -> list[str]:
    notes = r"\\".join(map(_escaped, content.notes))
    return [r"\par\smallskip", rf"{{\footnotesize\raggedright {notes}\par}}"] if notes else []


def _row(cells: Row) -> str:
    """Return a row: a name, and cells."""
    return rf"{' & '.join([_escaped(cells[0]), *map(_cell, cells[1:])])} \\"


def _cell(text: str) -> str:
    """Return a cell: of a number with a minus, which is no hyphen, and powers of ten."""
    if text == NOT_ESTIMABLE:
        return "--"
    found = _NUMBER.fullmatch(text)
    if found is None:
        return _escaped(text)
    opened, sign, digits, exponent, closed, stars = found.groups()
    sign = _SIGNS[sign]
    if exponent is not None:
        number = rf"${sign}{digits}\times 10^{{{int(exponent)}}}$"
    elif digits == "inf":
        number = rf"${sign}\infty$"
    else:
        number = f"${sign}${digits}" if sign else digits
    return f"{opened}{number}{closed}{f'$^{{{stars}}}$' if stars else ''}"


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(character, character) for character in " ".join(text.split()))
