"""scikit-learn's callbacks, experimental from 1.9 on; before, a stand-in that does nothing."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback import with_callbacks as _with_callbacks
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """An estimator without callbacks."""

    def _with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method itself."""
        return method


_Method = TypeVar("_Method", bound=Callable[..., Any])


def with_callbacks(method: _Method) -> _Method:
    """Return a `fit` that callbacks may watch, of the same type: scikit-learn's decorator has none."""
    return cast("_Method", _with_callbacks(method))


class FitTask:
    """The fit as callbacks see it: a task with one subtask per iteration, or nothing at all where none is set.

    Parameters
    ----------
    estimator : estimator
    max_iter : int
        The most subtasks there can be.
    data : dict
        X, y and metadata, as handed to the callbacks.
    """

    def __init__(self, estimator: Any, max_iter: int, data: dict[str, Any]) -> None:
        self._estimator, self._data = estimator, data
        # A search or a pipeline with callbacks hands its context down.
        self.is_watched = hasattr(estimator, "_skl_callbacks") or hasattr(estimator, "_parent_callback_ctx")
        if self.is_watched:
            self._context = estimator._init_callback_context(max_subtasks=max_iter)  # noqa: SLF001 - the documented hook
            self._context.call_on_fit_task_begin(estimator=estimator, **data)

    def iterate(self, fitted_attributes: Callable[[], dict[str, Any]]) -> None:
        """Tell the callbacks that an iteration ended, and with which attributes the estimator would predict."""
        subtask = self._context.subcontext(task_name="iteration")
        subtask.call_on_fit_task_begin(estimator=self._estimator, **self._data)
        subtask.call_on_fit_task_end(
            estimator=self._estimator, reconstruction_attributes=fitted_attributes, **self._data
        )

    def end(self, fitted_attributes: dict[str, Any]) -> None:
        """Tell the callbacks that the fit ended, and with which attributes: the estimator has them if none raises."""
        if self.is_watched:
            self._context.call_on_fit_task_end(
                estimator=self._estimator, reconstruction_attributes=fitted_attributes, **self._data
            )


def data_of_fit(X: Any, y: Any, **metadata: Any) -> dict[str, Any]:
    """Return what callbacks are handed: metadata are those that were given, or None."""
    return {"X": X, "y": y, "metadata": {name: value for name, value in metadata.items() if value is not None} or None}


__all__ = ["CallbackSupportMixin", "FitTask", "data_of_fit", "with_callbacks"]
