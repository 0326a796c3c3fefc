"""What a unit of a column of the model is, where a step of the pipeline has scaled it: a standard deviation of age."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler


def units_of(steps: Pipeline | None, names: Sequence[str]) -> dict[str, str]:
    """Return the units of the columns that a scaler made, under their names: "SD of age".

    Only those are in it that no later step has changed.

    Parameters
    ----------
    steps : Pipeline or None
        Fitted: what X goes through before the model.
    names : sequence of str, length p
        Of the columns that it makes.
    """
    units = _units(steps, names)
    return {name: unit for name, unit in zip(names, units, strict=True) if unit}


def _units(step: Any, names: Sequence[str]) -> Sequence[str]:
    """Return the unit of each column that a step makes; "" where it is that of what came in, or no name."""
    if isinstance(step, Pipeline):
        return _of_steps([each for _, each in step.steps if each not in {None, "passthrough"}], names)
    if isinstance(step, ColumnTransformer):
        parts = [(name, each, step.output_indices_[name]) for name, each, _ in step.transformers_]
        return _of_parts(parts, names)
    if isinstance(step, FeatureUnion):
        made = {
            name: [k for k, each in enumerate(names) if each.startswith(f"{name}__")]
            for name, _ in step.transformer_list
        }
        return _of_parts([(name, each, made[name]) for name, each in step.transformer_list], names)
    if isinstance(step, StandardScaler) and step.with_std:
        return [f"SD of {name}" for name in names]
    if isinstance(step, MinMaxScaler) and np.ptp(step.feature_range) == 1.0:
        return [f"range of {name}" for name in names]
    return [""] * len(names)


def _of_steps(steps: Sequence[Any], names: Sequence[str]) -> Sequence[str]:
    """Return the units of what several steps make, one after the other."""
    if not steps or not hasattr(steps[-1], "get_support"):
        return _units(steps[-1], names) if steps else [""] * len(names)
    # Columns are selected, and stay what they were.
    chosen = steps[-1].get_support()
    before = np.full(len(chosen), "", dtype=object)
    before[chosen] = names
    return list(np.asarray(_of_steps(steps[:-1], before.tolist()), dtype=object)[chosen])


def _of_parts(parts: Sequence[tuple[str, Any, Any]], names: Sequence[str]) -> Sequence[str]:
    """Return the units of what several transformers, by their names, make beside each other, and where."""
    units = np.full(len(names), "", dtype=object)
    for prefix, step, places in parts:
        made = [name.removeprefix(f"{prefix}__") for name in np.asarray(names, dtype=object)[places]]
        units[places] = _units(step, made)
    return list(units)
