"""Tables in HTML, for notebooks and pages."""

import html
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from softglm.inference.tables.content import Content

_LEFT = ' style="text-align:left"'


def written(content: Content) -> str:
    """Return a table in HTML, with its title above, and its notes below."""
    title = f"<div><b>{html.escape(content.title)}</b></div>" if content.title else ""
    facts = "".join(
        f"<tr>{''.join(_cells([label], _LEFT) + _cells([value]) for label, value in line)}</tr>"
        for line in zip_longest(*content.facts, fillvalue=("", ""))
    )
    body = []
    for name, rows in content.groups.items():
        body += [_head([name], f' colspan="{len(content.header) + 1}"{_LEFT}')] if name else []
        body += map(_row, rows)
    foot = f"<tfoot>{''.join(map(_row, content.foot))}</tfoot>" if content.foot else ""
    notes = "".join(f"<div>{html.escape(note)}</div>" for note in content.notes)
    return (
        f"{title}{f'<table>{facts}</table>' if facts else ''}<table><thead>{_head(['', *content.header])}</thead>"
        f"<tbody>{''.join(body)}</tbody>{foot}</table>{notes}"
    )


def facts_written(title: str, facts: Iterable[tuple[str, str]], notes: Iterable[str]) -> str:
    """Return what is no table of cells: a title, what is said under each of some headings, and notes below."""
    rows = "".join(f"<tr>{_cells([name], _LEFT, 'th')}{_cells([text], _LEFT)}</tr>" for name, text in facts)
    below = "".join(f"<div>{html.escape(note)}</div>" for note in notes)
    return f"<div><b>{html.escape(title)}</b></div>{f'<table>{rows}</table>' if rows else ''}{below}"


def _row(cells: Sequence[str]) -> str:
    return f"<tr>{_cells(cells[:1], _LEFT)}{_cells(cells[1:])}</tr>"


def _head(cells: Sequence[str], attributes: str = "") -> str:
    return f"<tr>{_cells(cells, attributes, 'th')}</tr>"


def _cells(cells: Sequence[str], attributes: str = "", tag: str = "td") -> str:
    return "".join(f"<{tag}{attributes}>{html.escape(cell)}</{tag}>" for cell in cells)
