"""Optional packages: where one is missing, the error says which extra brings it, and the command that installs that."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def needed(who: str, packages: str, extra: str) -> Iterator[None]:
    """Import within what an extra brings; what fails says what to do.

    Parameters
    ----------
    who : str
        Who cannot do without.
    packages : str
        Which packages.
    extra : str
        Which of the extras in pyproject.toml brings them.

    Raises
    ------
    ImportError
        If an import within fails.
    """
    try:
        yield
    except ImportError as error:
        reason, *_ = str(error).splitlines()
        raise ImportError(
            f'{who} needs {packages} ({reason}). Install the extra "{extra}", in a clone of softglm: '
            f'pip install ".[{extra}]".'
        ) from error


def pandas(who: str = "to_frame") -> Any:
    """Return the module, for a result that becomes a data frame.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    with needed(who, "pandas", "data"):
        import pandas as pd
    return pd
