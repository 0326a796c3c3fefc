"""Progress of what takes a fit, or several, for each of many results."""

from typing import final


@final
class ProgressPrinter:
    """Prints a line for each result once it is there.

    Parameters
    ----------
    what : str
        Of which there will be `total`.
    total : int
    is_shown : bool
        Whether anything is printed.
    """

    def __init__(self, what: str, total: int, *, is_shown: bool) -> None:
        self._what, self._total, self._is_shown = what, total, is_shown
        self._n_done = 0

    def report(self, which: str, found: str) -> None:
        """Print which result was found, and how many there are now."""
        self._n_done += 1
        if self._is_shown:
            # At once, also into a file or a pipe: who watches is waiting.
            print(f"{self._what} {self._n_done} of {self._total}: {which}: {found}", flush=True)
