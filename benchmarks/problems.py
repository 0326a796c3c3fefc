"""The list of what is measured, made before anything was."""

import re

from benchmarks.real_data import REAL, UNPENALISED
from benchmarks.synthetic import SYNTHETIC

SOURCES = (*REAL, *UNPENALISED, *SYNTHETIC)
_QUICK = {"iris", "wine", "anes96", "vehicle"}


def all_cases():
    """Return every case, those of one source together."""
    return [case for source in SOURCES for case in source.cases()]


def quick_cases():
    """Return some small cases of every kind."""
    return [
        case
        for case in all_cases()
        if case.source.name in _QUICK
        and case.strength in {0.0, 1.0}
        and case.is_binary == (case.source.name == "wine")
        and not (case.strength == 0.0 and case.source.name == "vehicle")
    ]


def matching(cases, pattern):
    """Return the cases whose name or group matches a regular expression."""
    return [case for case in cases if re.search(pattern, case.name) or re.search(pattern, case.group)]
