"""Whether what a user passed is in this process's memory, and if not, where: no optional package is imported to ask."""

import sys
from os import PathLike
from typing import Any

import numpy as np

from softglm.device import tensor_of
from softglm.observed import Observed
from softglm.response import observe
from softglm.sources.parquet import Parquet
from softglm.sources.source import Source
from softglm.sources.tensors import Tensors
from softglm.validation.labels import Labels


def source_of(X: Any, y: Any = None, sample_weight: Any = None, offset: Any = None) -> Source | None:
    """Return where the rows are, if that is not this process's memory.

    Parameters
    ----------
    X, y, sample_weight, offset : object
        As passed by the user. Of rows in a table, the latter three are names of its columns.
    """
    if type(X) is np.ndarray:  # all but always, and to be told for nothing
        return None
    if isinstance(X, str | PathLike) or _is_dataset(X):
        return Parquet(X, y, sample_weight=sample_weight, offset=offset)
    tensor = tensor_of(X)
    if tensor is not None:
        return Tensors(tensor, y, sample_weight, offset)
    if not isinstance(X, Source):
        return None
    for name, given in (("y", y), ("sample_weight", sample_weight), ("offset", offset)):
        if given is not None:
            raise ValueError(
                f"{name} was given beside a {type(X).__name__}, which says itself where it is. Leave it out."
            )
    return X


def _is_dataset(X: Any) -> bool:
    """Tell a dataset of pyarrow: whoever has one has imported that."""
    pads = sys.modules.get("pyarrow.dataset")
    return pads is not None and isinstance(X, pads.Dataset)


def observed(
    X: Any,
    y: Any,
    sample_weight: Any,
    offset: Any = None,
    *,
    class_weight: Any = None,
    estimator: Any = None,
    fitted_classes: Labels | None = None,
) -> Observed:
    """Read what a user passed, wherever it is; the parameters are those of `response.observe`."""
    source = source_of(X, y, sample_weight, offset)
    if source is not None:
        return source.observe(class_weight=class_weight, estimator=estimator, fitted_classes=fitted_classes)
    return observe(
        X, y, sample_weight, offset, class_weight=class_weight, estimator=estimator, fitted_classes=fitted_classes
    )
