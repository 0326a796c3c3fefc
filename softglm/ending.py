"""The model that a pipeline, or a search over one, ends in, and how X reaches it."""

from dataclasses import dataclass
from typing import Any, final

from sklearn.pipeline import Pipeline

_SELECTED = (
    "The model was selected by a search over the same data; standard errors, tests and intervals ignore the selection "
    "and are too optimistic."
)


@final
@dataclass(frozen=True)
class Ending:
    """The model inside what was passed, and what X goes through first.

    Attributes
    ----------
    model : estimator
    steps : Pipeline or None
        The earlier steps.
    notes : tuple of str
        What a reader has to know.
    """

    model: Any
    steps: Pipeline | None
    notes: tuple[str, ...]

    @classmethod
    def of(cls, estimator: Any) -> "Ending":
        """Find the model that a pipeline or a search ends in."""
        notes: tuple[str, ...] = ()
        steps: list[tuple[str, Any]] = []
        while (isinstance(estimator, Pipeline) and estimator.steps) or _is_search(estimator):
            if isinstance(estimator, Pipeline):
                steps += estimator.steps[:-1]
                estimator = estimator.steps[-1][1]
            elif hasattr(estimator, "best_estimator_"):
                notes = (_SELECTED,)
                estimator = estimator.best_estimator_
            else:
                raise ValueError(
                    f"{type(estimator).__name__} has no best_estimator_. Fit it with refit=True, or pass the fitted "
                    "model itself."
                )
        return cls(estimator, Pipeline(steps) if steps else None, notes)

    def transform(self, X: Any) -> Any:
        """Send X through the earlier steps."""
        return X if self.steps is None else sent_through(self.steps, X)


def sent_through(steps: Pipeline, X: Any) -> Any:
    """Return what the steps make of X; raise if one of them changes rows."""
    check_transforms(steps)
    return steps.transform(X)


def check_transforms(steps: Pipeline) -> None:
    """Raise if a step changes rows."""
    for name, step in steps.steps:
        if step not in {None, "passthrough"} and not hasattr(step, "transform"):
            raise ValueError(
                f"The step {name!r} of the pipeline has no transform: it changes rows, not features. Pass the last "
                "step by itself, with the rows it was fitted on."
            )


def _is_search(estimator: Any) -> bool:
    """Tell whether this is a search over parameters, such as GridSearchCV, and no model that chooses its own."""
    has_own = hasattr(estimator, "coef_") and not hasattr(estimator, "best_estimator_")
    return hasattr(estimator, "refit") and hasattr(estimator, "cv") and not has_own
