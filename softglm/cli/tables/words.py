"""Words for lists and counts, in messages and notes."""

from collections.abc import Sequence
from difflib import get_close_matches

_MAX_LISTED = 12


def shortlist(items: Sequence[str]) -> str:
    """Return the items, comma-separated; of many, the first and how many more there are."""
    return ", ".join(items[:_MAX_LISTED]) + (
        f" and {len(items) - _MAX_LISTED} more" if len(items) > _MAX_LISTED else ""
    )


def count(number: int, noun: str) -> str:
    """Return the number with its noun, in the plural where it needs one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def hint_at(name: str, names: Sequence[str]) -> str:
    """Return a sentence with those of the names that one may be meant for, whatever its case; or with all of them."""
    by_lower_case = {known.lower(): known for known in names}
    close = [repr(by_lower_case[match]) for match in get_close_matches(name.lower(), by_lower_case)]
    return f"Did you mean {' or '.join(close)}?" if close else f"It has {shortlist(list(map(repr, names)))}."


def on_one_line(name: str) -> str:
    """Return a name with line breaks, and what else a terminal would obey, as Python writes them."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in name)
