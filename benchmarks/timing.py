"""Timing a call, and keeping the warnings that tolerances provoke out of the way."""

import contextlib
import gc
import time
import warnings
from statistics import median


def names_of_warnings():
    """Return the warnings that a sweep over tolerances is bound to meet."""
    from scipy.linalg import LinAlgWarning
    from sklearn.exceptions import ConvergenceWarning

    categories = [ConvergenceWarning, LinAlgWarning]
    with contextlib.suppress(ImportError):
        from statsmodels.tools.sm_exceptions import ConvergenceWarning as NoConvergence
        from statsmodels.tools.sm_exceptions import HessianInversionWarning

        categories += [NoConvergence, HessianInversionWarning]
    return categories


@contextlib.contextmanager
def quiet():
    """Leave out, by name, the warnings that a fit stopped early or met an ill-conditioned matrix."""
    with warnings.catch_warnings():
        for category in names_of_warnings():
            warnings.simplefilter("ignore", category)
        # Overflow in a trial step of a line search; the line search rejects the step.
        for words in ("overflow encountered", "invalid value encountered", "divide by zero encountered"):
            warnings.filterwarnings("ignore", message=words, category=RuntimeWarning)
        yield


def seconds_of(function):
    """Return the seconds of one call, and what it returned."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def median_seconds(function, *, budget=0.2, most=20, collect=True):
    """Return the median seconds of calls that together take about the budget, at least one and not too many.

    Of calls of microseconds garbage is not collected first: that would take longer than all of them.
    """
    if collect:
        gc.collect()
    taken = []
    while not taken or (sum(taken) < budget and len(taken) < most):
        taken.append(seconds_of(function)[0])
    return median(taken)


def in_turn(functions, *, rounds, budget=0.2):
    """Return the median over rounds of the seconds of each function; each round asks all of them in turn."""
    times = [[median_seconds(function, budget=budget) for function in functions] for _ in range(rounds)]
    return [median(column) for column in zip(*times, strict=True)]
