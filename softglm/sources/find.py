"""Whether what a user passed is in this process's memory, and if not, where: no optional package is imported to ask."""

import sys
from os import PathLike
from typing import Any

import numpy as np

from softglm.device import tensor_of
from softglm.observations import observe
from softglm.observed import Observed
from softglm.optional import needed
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
    tensor = tensor_of(X)
    if tensor is not None:
        return Tensors(tensor, y, sample_weight, offset)
    if not is_elsewhere(X):
        return None
    if _is_of_dask(X):
        with needed("Fitting collections of Dask", "dask.array and distributed", "dask"):
            from softglm.sources.dask_collections import DaskSource
        return DaskSource(X, y, sample_weight, offset)
    if not isinstance(X, Source):
        return Parquet(X, y, sample_weight=sample_weight, offset=offset)
    for name, given in (("y", y), ("sample_weight", sample_weight), ("offset", offset)):
        if given is not None:
            raise ValueError(
                f"{name} was given beside a {type(X).__name__}, expected all of them in that. Leave it out."
            )
    return X


def is_elsewhere(X: Any) -> bool:
    """Tell whether rows are elsewhere than in this process's memory."""
    if type(X) is np.ndarray:  # all but always, and to be told for nothing
        return False
    if isinstance(X, Source | str | PathLike) or _is_of_dask(X):
        return True
    datasets = sys.modules.get("pyarrow.dataset")  # whoever has one has imported that
    return datasets is not None and isinstance(X, datasets.Dataset)


def _is_of_dask(X: Any) -> bool:
    """Tell an array or a frame of Dask, which whoever has one has imported."""
    dask = sys.modules.get("dask")
    return dask is not None and bool(dask.is_dask_collection(X))


def check_is_in_memory(X: Any, who: str) -> None:
    """Raise where someone needs the rows as arrays, and they are elsewhere."""
    if is_elsewhere(X):
        raise TypeError(
            f"{who} got a {type(X).__name__}, expected X and y in memory, as X.compute() has those of Dask, or arrays "
            "that are mapped into it, as numpy.load(path, mmap_mode='r') has them. What takes rows elsewhere: "
            "SoftmaxGLM, its predictions, and infer without a pipeline."
        )


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
    """Read what a user passed, wherever it is; the parameters are those of `observations.observe`."""
    source = source_of(X, y, sample_weight, offset)
    if source is not None:
        return source.observe(class_weight=class_weight, estimator=estimator, fitted_classes=fitted_classes)
    return observe(
        X, y, sample_weight, offset, class_weight=class_weight, estimator=estimator, fitted_classes=fitted_classes
    )
