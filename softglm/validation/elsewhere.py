"""Collections of Dask, told by whoever has them having imported it."""

import sys
from typing import Any


def is_dask_collection(values: Any) -> bool:
    """Tell an array or a frame of Dask, whose values are elsewhere."""
    dask = sys.modules.get("dask")
    return dask is not None and bool(dask.is_dask_collection(values))


def check_is_here(X: Any) -> None:
    """Raise for a collection of Dask, which NumPy would collect without a word."""
    if is_dask_collection(X):
        raise ValueError(
            "X is a collection of Dask, and this takes arrays in memory: of collections there are SoftmaxGLM.fit, the "
            "predictions and score of a fitted model, and infer on a model without a pipeline. Pass X.compute(), if it "
            "fits into memory."
        )
