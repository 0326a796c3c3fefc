"""Columns by what users call them: their names, or their positions."""

from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard, final

Name: TypeAlias = str | int

# No message lists more names than this.
_MOST_LISTED = 10


@final
@dataclass(frozen=True)
class Names:
    """The names of columns, in their order.

    Attributes
    ----------
    names : tuple of str, length p
    """

    names: tuple[str, ...]

    def find(self, column: Name) -> int | None:
        """Return the position of a column by its name, or by its position, which may count from the end; None without.

        Parameters
        ----------
        column : str or int
        """
        if isinstance(column, str):
            return self.names.index(column) if column in self.names else None
        return int(column) % len(self.names) if -len(self.names) <= column < len(self.names) else None

    def position(self, column: Name) -> int:
        """Return the position of a column of X, as `find` does.

        Parameters
        ----------
        column : str or int

        Raises
        ------
        ValueError
            If there is no such column.
        """
        found = self.find(column)
        if found is not None:
            return found
        if isinstance(column, str):
            raise ValueError(f"There is no column {column!r} among the features {list(self.names[:_MOST_LISTED])}.")
        raise ValueError(f"There is no column {column!r}: X has {len(self.names)}.")


def are_names(asked: Any) -> TypeGuard[str | list[str] | tuple[str, ...]]:  # noqa: ANN401 - users pass anything
    """Tell whether something is a name, or some of them."""
    if isinstance(asked, list | tuple):
        return bool(asked) and all(isinstance(name, str) for name in asked)
    return isinstance(asked, str)
