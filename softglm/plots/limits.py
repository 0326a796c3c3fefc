"""Where the axis of coefficients ends, whatever their intervals are."""

from typing import TYPE_CHECKING

import numpy as np

from softglm.arrays import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Ticks of a logarithmic axis, where it spans so many nats at most.
_FEW_NATS, _TICKS = 7.0, (1.0, 2.0, 5.0)
# Odds beyond exp of this overflow; no picture is so wide.
MOST_NATS = 600.0
# A wider axis than this many widths of what the estimates span would be there for the widest interval alone.
_MOST_SPANS = 4.0


def limit(axis: "Axes", estimate: FloatArray, lower: FloatArray, upper: FloatArray, *, odds_ratios: bool) -> None:
    """Keep an interval that is far wider than all else from making the rest a dot; it runs out of the picture."""
    finite = np.isfinite(estimate)
    if not finite.any():
        axis.set_xlim(*((0.1, 10.0) if odds_ratios else (-1.0, 1.0)))
        axis.set_xticks([1.0], ["1"]) if odds_ratios else axis.set_xticks([0.0], ["0"])
        axis.minorticks_off()
        return
    ends = np.concatenate([lower[finite], upper[finite], estimate[finite], [0.0]])
    widths = upper[finite] - lower[finite]
    half = np.median(widths[~np.isnan(widths)]) / 2.0 if not np.isnan(widths).all() else 0.0
    seen = np.append(estimate[finite], 0.0)
    reach = _MOST_SPANS * max(float(np.ptp(seen)), float(half))
    low, high = max(np.nanmin(ends), seen.min() - reach), min(np.nanmax(ends), seen.max() + reach)
    margin = 0.06 * (high - low)
    low, high = low - margin, high + margin
    if not np.isfinite(estimate).all():
        # Arrows and words at the edges hide no point.
        low, high = low - 0.15 * (high - low), high + 0.15 * (high - low)
    axis.set_xlim(*(np.exp(np.clip([low, high], -MOST_NATS, MOST_NATS)) if odds_ratios else (low, high)))
    if odds_ratios and high - low < _FEW_NATS:
        decades = 10.0 ** np.arange(np.floor(low / np.log(10.0)), np.ceil(high / np.log(10.0)) + 1.0)
        ticks = np.outer(decades, _TICKS).ravel()
        ticks = ticks[(ticks >= np.exp(low)) & (ticks <= np.exp(high))]
        axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.minorticks_off()
