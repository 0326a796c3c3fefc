"""How many times longer the others take: ratios of one result file, with what is only a bound marked as one.

A rival that was stopped counts as the time at which it was, but as no more than 20 times ours; one that reaches the
target at no tolerance counts as 20, and so does one that took longer than that, as small problems are not stopped.
"""

import math
from typing import NamedTuple

CAP = 20.0
OURS = "softglm"


class Ratio(NamedTuple):
    """Their seconds over ours, and whether that is a lower bound only."""

    value: float
    is_bound: bool

    def __str__(self):
        """Return as tables show it."""
        return f"{'>' if self.is_bound else ''}{self.value:.3g}"


def our_seconds(cell, target):
    """Return our time to the target, or None where we missed it."""
    reached = cell["solvers"].get(OURS, {}).get("reached", {}).get(target)
    return None if reached is None else reached["seconds"]


def ratio(cell, name, target):
    """Return the ratio of one solver in one cell, or None where it did not take part or we missed the target."""
    sweep, ours = cell["solvers"].get(name), our_seconds(cell, target)
    if sweep is None or ours is None or not (sweep["runs"] or sweep["stopped_after"]):
        return None
    reached = sweep["reached"].get(target)
    if reached is None and sweep["stopped_after"] is not None:
        # Ten minutes may be less than 20 times our time.
        return Ratio(min(CAP, sweep["stopped_after"] / ours), is_bound=True)
    if reached is None or reached["seconds"] > CAP * ours:
        return Ratio(CAP, is_bound=True)
    return Ratio(reached["seconds"] / ours, is_bound=False)


def best_of(cell, family, target):
    """Return the ratio of the fastest solver of a family and its name, or (None, None)."""
    ratios = {name: ratio(cell, name, target) for name, sweep in cell["solvers"].items() if sweep["family"] == family}
    ratios = {name: value for name, value in ratios.items() if value is not None}
    if not ratios:
        return None, None
    name = min(ratios, key=lambda name: (ratios[name].value, ratios[name].is_bound))
    return ratios[name], name


def geometric_mean(ratios):
    """Return the geometric mean, itself a bound if any of the ratios is; None of nothing."""
    ratios = [value for value in ratios if value is not None]
    if not ratios:
        return None
    mean = math.exp(sum(math.log(value.value) for value in ratios) / len(ratios))
    return Ratio(mean, any(value.is_bound for value in ratios))
