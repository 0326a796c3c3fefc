"""What statistics say of SoftmaxGLM on all rows: standard errors, tests and intervals, or why there are none."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import final

import numpy as np

from softglm.arrays import BoolArray, FloatArray, IntArray
from softglm.cli.comparison import Choice, timed_fit
from softglm.cli.tables import Table, Weights, filled
from softglm.infer import infer
from softglm.inference.inference import Inference
from softglm.sources import Blocks


@final
@dataclass(frozen=True)
class Refusal:
    """Why there is no table of coefficients, and whether that is since the classes are separated."""

    reason: str
    is_separated: bool = False


@final
@dataclass(frozen=True)
class Report:
    """What is said of the coefficients.

    Attributes
    ----------
    result : Inference or Refusal
    references : tuple of str
        The values of text that the coefficients of the others are relative to; none where the penalty tells them apart.
    is_imputed : bool
        Whether some values were filled in.
    """

    result: Inference | Refusal
    references: tuple[str, ...]
    is_imputed: bool


def report_on(table: Table, choice: Choice, reference: str | None = None) -> Report:
    """Fit SoftmaxGLM to all rows of a table, by maximum likelihood unless a penalty was chosen, and infer from it.

    The base class is `reference`, one of those of the table, or the first.
    """
    X, kept = filled(table.X, slice(None), table.variables), columns_to_infer(table.variables, choice)
    features = tuple(compress(table.features, kept))
    return Report(
        inferred(
            X[:, kept],
            table.codes,
            choice,
            features=features,
            classes=table.classes,
            reference=reference,
            weights=table.weights,
        ),
        tuple(compress(table.features, ~kept)),
        is_imputed=bool(np.isnan(table.X).any()),
    )


def columns_to_infer(variables: Sequence[slice], choice: Choice) -> BoolArray:
    """Return which columns are estimable beside a constant: without a penalty not the first of each text."""
    kept = np.ones(variables[-1].stop, dtype=bool)
    if is_likelihood(choice):
        kept[[variable.start for variable in variables if variable.stop - variable.start > 1]] = False
    return kept


def is_likelihood(choice: Choice) -> bool:
    """Tell whether nothing is penalised: so it is for a table of coefficients, unless a penalty was chosen."""
    return not choice.alpha


def inferred(
    X: FloatArray | Blocks,
    codes: IntArray | None,
    choice: Choice,
    *,
    features: Sequence[str],
    classes: Sequence[str],
    reference: str | None = None,
    weights: Weights | None = None,
) -> Inference | Refusal:
    """Fit and infer, the base class being the reference, or the first; a Refusal where that cannot be.

    Sampling weights leave no likelihood, and have robust standard errors.
    """
    chosen = replace(choice, alpha=0.0) if is_likelihood(choice) else choice
    values = None if weights is None or isinstance(X, Blocks) else weights.values  # blocks hold theirs
    is_sampled = weights is not None and not weights.are_copies
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the report says what they would
        try:
            result = infer(
                timed_fit(chosen.model(), X, codes, values).model,
                X,
                codes,
                sample_weight=values,
                weights="sampling" if is_sampled else "frequency",
                covariance="robust" if is_sampled else "model",
            )
        except (ValueError, ArithmeticError, MemoryError) as error:
            return Refusal(str(error))
    if result.separation != "none" and not np.isfinite(result.coefficients.estimate).any():
        return Refusal(
            f"The classes are separated ({result.separation} separation): a combination of features tells them apart, "
            "and no coefficient has a finite maximum-likelihood estimate.",
            is_separated=True,
        )
    result = replace(result, features=tuple(features), classes=np.array(classes, dtype=object))
    return result if reference is None else result.rebase(reference)
