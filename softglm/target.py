"""The model inside what was passed to `infer`, a pipeline or a search over either, and how X reaches it."""

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_is_fitted

from softglm.arrays import BoolArray
from softglm.data import Rows
from softglm.ending import Ending, check_transforms, sent_through
from softglm.estimator import SoftmaxGLM
from softglm.fitted import has_offset
from softglm.inference.inputs import Inputs
from softglm.observations import Observations
from softglm.observed import Observed
from softglm.pipelines import inputs_of
from softglm.reader import Reader
from softglm.sources import check_is_in_memory
from softglm.sums import RowWeights
from softglm.units import units_of


@final
@dataclass(frozen=True)
class Target:
    """The model inside what was passed, and how X reaches it.

    Attributes
    ----------
    model : SoftmaxGLM
    steps : Pipeline or None
        What X goes through first.
    notes : tuple of str
        What a reader has to know.
    columns : int array of shape (k,), or None
        Which columns of what the steps make reach the model; None for all.
    """

    model: SoftmaxGLM
    steps: Pipeline | None
    notes: tuple[str, ...]
    columns: npt.NDArray[np.intp] | None = None

    @classmethod
    def of(cls, estimator: Any) -> "Target":
        """Find the fitted model that a pipeline or a search ends in."""
        ending = Ending.of(estimator)
        estimator = ending.model
        _check_model(estimator, "infer", "a fitted")
        check_is_fitted(estimator)
        if not hasattr(estimator, "alpha_"):
            raise ValueError(
                "The coefficients of this SoftmaxGLM were set by hand, and of what they are the optimum is not known. "
                "Call infer on a model that was fitted: SoftmaxGLM(alpha=0).fit(X, y)."
            )
        return cls(estimator, ending.steps, ending.notes)

    @classmethod
    def to_be_fitted(cls, estimator: Any, X: Any, y: Any) -> "Target":
        """Find the model that a pipeline or a search ends in; where it is not fitted yet, fit copies of its steps."""
        ending = Ending.of(estimator)
        model, steps = ending.model, ending.steps
        _check_model(model, "detect_separation", "a")
        if steps is not None and not hasattr(model, "classes_"):
            check_transforms(steps)
            steps = clone(steps).fit(X, y)
        return cls(model, steps, ending.notes)

    def transform(self, X: Any) -> Any:
        """Send X through the earlier steps."""
        if self.steps is None:
            return self._chosen(X)
        check_is_in_memory(X, "A pipeline")
        return self._chosen(sent_through(self.steps, X))

    def _chosen(self, X: Any) -> Any:
        """Return the columns that reach the model."""
        return X if self.columns is None else _safe_indexing(X, self.columns, axis=1)

    def features(self, n_features: int) -> tuple[str, ...]:
        """Return the names of the columns that reach the model."""
        names: Any = getattr(self.model, "feature_names_in_", None)
        if self.steps is not None:
            # A step that has no names says so in one of three ways, the last of them that of many outside scikit-learn.
            try:
                names = self._chosen(np.asarray(self.steps.get_feature_names_out())[np.newaxis])[0]
            except (AttributeError, ValueError, NotImplementedError):
                names = None
        if names is None or len(names) != n_features:
            return tuple(f"x{column}" for column in (range(n_features) if self.columns is None else self.columns))
        return tuple(str(name) for name in names)

    def units(self, features: tuple[str, ...]) -> dict[str, str]:
        """Return what a unit of some features is, under their names, where a scaler has made them."""
        return units_of(self.steps, features) if self.columns is None else {}

    def inputs(self, given: Any, seen: Observed, rows: Rows) -> Inputs | None:
        """Return the columns that the earlier steps take, of what was given, where they made those seen; or None."""
        if self.steps is None:
            return None
        assert isinstance(seen, Observations)  # noqa: S101 - `transform` has refused others
        (weights,) = rows.concatenate(RowWeights())
        try:
            # They are asked later, when the user may have fitted theirs to other data.
            steps = deepcopy(self.steps)
        except Exception:  # noqa: BLE001 - what cannot be copied, such as a lock, is used as it is
            steps = self.steps
        return inputs_of(given, replace(self, steps=steps).transform, seen.X, weights)

    def reader(self, present: BoolArray) -> Reader:
        """Return what reads new rows and their offset as the model does, of the classes that are present."""
        return Reader(self.model, self.model.classes_, present, has_offset(self.model), self.transform)


def _check_model(model: Any, who: str, which: str) -> None:
    if isinstance(model, type):
        raise TypeError(f"{who} got the class {model.__name__}, expected {which} model of it: {model.__name__}().")
    if not isinstance(model, SoftmaxGLM):
        raise TypeError(
            f"{who} got a {type(model).__name__}, expected {which} SoftmaxGLM, a Pipeline that ends in one, or a "
            "search over either."
        )
