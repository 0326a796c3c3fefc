"""Which strength to choose, by the scores of folds: the best, or the strongest within one standard error of it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np

from softglm.arrays import BoolArray, FloatArray

Rule: TypeAlias = Literal["min", "1se"]

# Mean scores that differ by less, relative to them, are equal but for rounding.
_ROUNDING = 1e-12


@final
@dataclass(frozen=True, eq=False)
class Selection:
    """The scores of folds, averaged, and what is chosen by them.

    Attributes
    ----------
    mean, error : arrays of shape (n_l1_ratios, n_strengths)
        The mean score, by the weights of the folds, and its standard error.
    best, chosen : tuple of two int
        The place of the best mean, and of what the rule chooses.
    """

    mean: FloatArray
    error: FloatArray
    best: tuple[int, int]
    chosen: tuple[int, int]


def select(scores: FloatArray, weights: FloatArray, rule: Rule, candidates: BoolArray | None = None) -> Selection:
    """Choose by the scores of folds, as cv.glmnet does.

    Parameters
    ----------
    scores : array of shape (n_folds, n_l1_ratios, n_strengths)
        Greater is better; strengths decrease.
    weights : array of shape (n_folds,)
        Of the rows that each fold scores; folds of 0 do not count.
    rule : {"min", "1se"}
        The best, of those equal but for rounding the strongest; or of its row the strongest that is within one standard
        error of it.
    candidates : bool array of shape (n_l1_ratios, n_strengths) or None, default=None
        What may be chosen; None for all.
    """
    counted = weights > 0.0
    scores, shares = scores[counted], weights[counted] / weights.sum()
    mean = np.einsum("f,frs->rs", shares, scores)
    variance = np.einsum("f,frs->rs", shares, np.square(scores - mean)) / max(len(scores) - 1, 1)
    error = np.sqrt(variance)
    best, chosen = places(mean, error, rule, candidates)
    return Selection(mean, error, best, chosen)


def places(
    mean: FloatArray, error: FloatArray, rule: Rule, candidates: BoolArray | None = None
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the place of the best mean score, and of what the rule chooses; see `select`.

    Parameters
    ----------
    mean, error : arrays of shape (n_l1_ratios, n_strengths)
    rule : {"min", "1se"}
    candidates : bool array of shape (n_l1_ratios, n_strengths) or None, default=None
    """
    allowed = mean if candidates is None else np.where(candidates, mean, -np.inf)
    most = float(allowed.max())
    equal = allowed >= most - (_ROUNDING * abs(most) if np.isfinite(most) else 0.0)
    # Where what is allowed holds no number, as argmax has it.
    row, place = np.unravel_index(int((equal if equal.any() else allowed).argmax()), mean.shape)
    best = int(row), int(place)
    enough = allowed[best[0]] >= mean[best] - (error[best] if rule == "1se" else 0.0)
    return best, (best[0], int(enough.argmax()))
