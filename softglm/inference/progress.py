"""Progress of what takes a fit, or several, for each of many results."""

from time import perf_counter
from typing import final

from softglm.progress import say, verbosity


@final
class ProgressPrinter:
    """Prints a line for each result once it is there, with the seconds so far.

    Parameters
    ----------
    what : str
        Of which there will be `total`.
    total : int
    verbose : bool or int
        Whether anything is printed.
    """

    def __init__(self, what: str, total: int, *, verbose: int) -> None:
        self._what, self._total, self._is_shown = what, total, verbosity(verbose) > 0
        self._n_done, self._began = 0, perf_counter()

    def report(self, which: str, found: str) -> None:
        """Print which result was found, and how many there are now."""
        self._n_done += 1
        if self._is_shown:
            seconds = perf_counter() - self._began
            say(self._what, f"{self._n_done} of {self._total}: {which}: {found} ({seconds:.3f} s)")
