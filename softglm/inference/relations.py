"""Columns of X that look like functions of others: a square, a product, a logarithm, a bin.

Moving such a column alone, as an effect of a column does, is a change that no row can undergo. Candidates are found in
a sample of the rows, and looked at in all of them:

    x_j = a + b x_k + c x_l + d x_k x_l          products and squares, centred or scaled
    equal x_k always with equal x_j              functions, where there are so many equal ones that this is no chance
    the order of x_j is that of x_k              functions that rise, or fall, of columns without equal values
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Block, Rows
from softglm.inference.means import counted_columns
from softglm.sums import Sum

# Rows of the sample, those of a first look, and of those as many at random; columns beyond which nobody looks.
_SAMPLE, _FIRST, _RANDOM, _MOST_COLUMNS = 200, 64, 32, 200
# Pairs of columns looked at together.
_PAIRS = 2048
# Squared shares of a column that are rounding, being differences of squares, of single precision even.
_ROUNDING = 1e-9
# Shares of what a product explains that it may leave, in both precisions.
_LEFT, _SINGLE_LEFT = 1e-6, 1e-3
# What a product has beyond its two columns, and a column beyond them, is evidence if it is no smaller share of either:
# below, the digits of single precision, in which data are often made whatever their type, decide what it looks like.
_LEAST_BEYOND = 1e-3
# What is left in all rows is the largest of them, and of coefficients with fewer digits: so many times that.
_ALL_LEFT = 10.0
# Eigenvalues below this share of the largest are of a column that is there twice.
_SAME = 1e-12
# No single row may be this share of the evidence for a product.
_ONE_ROW = 0.9
# Pairs of equal values of which so many would differ in the other column by chance: more than a few are none.
_EVIDENCE = 5.0
# Different values whose order is no chance.
_LEAST_VALUES = 10
# No list is longer.
_MOST_LISTED = 5

# A column, and the two whose product it looks like.
_Product: TypeAlias = tuple[int, int, int]


@final
@dataclass(frozen=True)
class Relation:
    """A column that looks like a function of others.

    Attributes
    ----------
    column : int
    factors : tuple of int
        Two columns of which it looks like the product, twice the same for a square; or one of which it is a function.
    """

    column: int
    factors: tuple[int, ...]


@final
@dataclass(frozen=True)
class EverySoManyRows(Sum):
    """A sample of the rows of any weight, to be joined: one of so many in each block."""

    step: int

    def __call__(self, block: Block) -> tuple[FloatArray]:
        """Return the rows of the sample as columns, shape (p, some)."""
        # Copied: a view would keep its block in memory.
        return (block.counted[:: self.step].T.copy(),)


@final
@dataclass(frozen=True)
class ProductTerms:
    """Columns that may be products of others, and what they are regressed on.

    Attributes
    ----------
    center, unit : arrays of shape (p,)
    products : int array of shape (c, 3)
        Columns, and the two whose product each looks like.
    """

    center: FloatArray
    unit: FloatArray
    products: npt.NDArray[np.intp]

    def of(self, block: Block) -> tuple[FloatArray, FloatArray]:
        """Return [1, x_k, x_l, x_k x_l], shape (c, rows, 4), and x_j, shape (c, rows), all scaled."""
        columns, firsts, seconds = self.products.T
        scaled = (block.counted - self.center) / self.unit
        one, other = scaled[:, firsts], scaled[:, seconds]
        return np.stack([np.ones_like(one), one, other, one * other], axis=2).swapaxes(0, 1), scaled[:, columns].T


@final
@dataclass(frozen=True)
class NormalEquations(Sum):
    """The normal equations of columns on the terms of products."""

    terms: ProductTerms

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        """Return their left sides, shape (c, 4, 4), and their right ones, shape (c, 4)."""
        lower, target = self.terms.of(block)
        return lower.swapaxes(1, 2) @ lower, np.einsum("crt,cr->ct", lower, target)


@final
@dataclass(frozen=True)
class LargestRests(Sum):
    """What products leave of columns in the row where it is most: a maximum.

    Attributes
    ----------
    terms : ProductTerms
    coefficients : array of shape (c, 4)
    """

    terms: ProductTerms
    coefficients: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray]:
        """Return it for each column, shape (c,)."""
        lower, target = self.terms.of(block)
        rest = np.abs(target - np.einsum("crt,ct->cr", lower, self.coefficients))
        return (rest.max(axis=1, initial=0.0),)


def relations_of(rows: Rows) -> list[Relation]:
    """Return the columns that look like functions of others, in their order; none of very many columns.

    Parameters
    ----------
    rows : Rows
        Those of weight 0 have no say.

    Returns
    -------
    list of Relation
        One for each such column: the product it looks like, before any other function.
    """
    if not 2 <= rows.n_features <= _MOST_COLUMNS:
        return []
    step = max(rows.n_rows // _SAMPLE, 1)
    (sample,) = rows.concatenate(EverySoManyRows(step))
    sample = sample[:, :: max(sample.shape[1] // _SAMPLE, 1)].T
    spread = sample.std(axis=0)
    varies = spread > np.finfo(np.float32).eps * np.abs(sample).max(axis=0, initial=0.0)
    if len(sample) <= _LEAST_VALUES or not varies.any():
        return []
    center, unit = sample.mean(axis=0), np.where(varies, spread, 1.0)
    scaled = np.where(varies, (sample - center) / unit, 0.0)
    left = _SINGLE_LEFT if rows.dtype == np.float32 else _LEFT
    products = _verified_products(rows, center, unit, _products(scaled, left), left)
    found = {j: Relation(j, (k, other)) for j, k, other in reversed(products)}
    for j, k in _functions(rows, scaled):
        linked = found.get(k)
        if j not in found and not (linked and j in linked.factors):
            found[j] = Relation(j, (k,))
    return [found[j] for j in sorted(found)]


def described(relations: Sequence[Relation], features: Sequence[str]) -> tuple[str, ...]:
    """Return what a reader has to know of columns that look like functions of others: nothing, or one line."""
    if not relations:
        return ()
    verbs = ["looks", *[""] * (len(relations) - 1)]
    parts = []
    for verb, relation in zip(verbs[:_MOST_LISTED], relations, strict=False):
        names = [features[factor] for factor in relation.factors]
        what = " * ".join(names) if len(names) == 2 else f"a function of {names[0]}"
        parts.append(" ".join(filter(None, [features[relation.column], verb, "like", what])))
    if len(relations) > _MOST_LISTED:
        parts.append(f"and {len(relations) - _MOST_LISTED} more")
    each, made = ("it", "it") if len(relations) == 1 else ("each", "them")
    line = (
        f"{', '.join(parts)}: {each} is moved alone. Put PolynomialFeatures, or whatever made {made}, into a pipeline, "
        "and effects are of its inputs."
    )
    return (line,)


def _products(scaled: FloatArray, left: float) -> list[_Product]:
    """Return which columns look like products in the sample, of columns of mean 0 and spread 1, (rows, p)."""
    few = scaled[_first_look(scaled)]
    squares = np.arange(scaled.shape[1])
    asked = [(squares, squares)]
    firsts, seconds = np.triu_indices(scaled.shape[1], 1)
    asked += [(firsts[at : at + _PAIRS], seconds[at : at + _PAIRS]) for at in range(0, len(firsts), _PAIRS)]
    found = []
    for pairs in asked:
        for pair, j in np.argwhere(_may_be_products(few, *pairs)).tolist():
            k, other = int(pairs[0][pair]), int(pairs[1][pair])
            if j not in {k, other} and _is_product(scaled, j, k, other, left):
                found.append((j, k, other))
    # Squares first, then of nearby columns.
    return sorted(found, key=lambda product: (product[0], product[1] != product[2], product[1:]))


def _first_look(scaled: FloatArray) -> npt.NDArray[np.intp]:
    """Choose rows: some at random, some where columns that are rarely on are on."""
    chosen = np.random.default_rng(0).choice(len(scaled), min(_RANDOM, len(scaled)), replace=False)
    return np.unique(np.concatenate([chosen, np.abs(scaled).argmax(axis=0)[: _FIRST - _RANDOM]]))


def _may_be_products(few: FloatArray, firsts: npt.NDArray[np.intp], seconds: npt.NDArray[np.intp]) -> BoolArray:
    """Tell for which pairs and which columns, (pairs, p), the product explains what the two columns do not.

    All pairs are of two columns, or all of one and itself.
    """
    one, other = few[:, firsts].T, few[:, seconds].T
    lower = [np.ones_like(one), one] if (firsts == seconds).all() else [np.ones_like(one), one, other]
    basis, triangle = np.linalg.qr(np.stack([*lower, one * other], axis=2))
    shares = np.square(basis.swapaxes(1, 2) @ few)
    lengths = np.square(few).sum(axis=0)
    rest = np.abs(lengths - shares.sum(axis=1))
    is_new = np.abs(triangle[:, -1, -1]) > _LEFT * np.abs(triangle).max(axis=(1, 2))
    explained = (shares[:, -1] > _ROUNDING * lengths) & (rest <= _ROUNDING * lengths)
    return np.asarray(explained & is_new[:, np.newaxis])


def _is_product(scaled: FloatArray, j: int, k: int, other: int, left: float) -> bool:
    """Tell whether a column of the sample is a combination of two others, their product, and a constant."""
    lower = np.column_stack([np.ones(len(scaled)), scaled[:, k], scaled[:, other]])
    product = scaled[:, k] * scaled[:, other]
    targets = np.column_stack([product, scaled[:, j]])
    beyond, unexplained = (targets - lower @ np.linalg.lstsq(lower, targets, rcond=None)[0]).T
    length = np.linalg.norm(beyond)
    if length <= _LEAST_BEYOND * np.linalg.norm(product) or np.square(beyond).max() > _ONE_ROW * length**2:
        return False
    slope = beyond @ unexplained / length**2
    rest = np.linalg.norm(unexplained - slope * beyond)
    remaining = np.linalg.norm(unexplained)
    return bool(remaining > _LEAST_BEYOND * np.linalg.norm(scaled[:, j]) and rest <= left * remaining)


def _verified_products(
    rows: Rows, center: FloatArray, unit: FloatArray, products: list[_Product], left: float
) -> list[_Product]:
    """Return the products that are some in all rows of any weight."""
    if not products:
        return []
    terms = ProductTerms(center, unit, np.array(products))
    gram, right = rows.sum(NormalEquations(terms))
    # A square has one column twice.
    coefficients = np.einsum("cst,ct->cs", np.linalg.pinv(gram, rcond=_SAME, hermitian=True), right)
    (most,) = rows.max(LargestRests(terms, coefficients))
    return [product for product, rest in zip(products, most.tolist(), strict=True) if rest <= _ALL_LEFT * left]


def _functions(rows: Rows, scaled: FloatArray) -> Iterator[tuple[int, int]]:
    """Yield columns, and one that each looks like a function of."""
    candidates = list(dict.fromkeys(_candidates(scaled)))
    if not candidates:
        return
    used = sorted({column for pair in candidates for column in pair})
    columns = dict(zip(used, counted_columns(rows, np.array(used)).T, strict=True))
    for j, k in candidates:
        if _is_function(columns[j], columns[k]) or _is_in_order(columns[j], columns[k]):
            yield j, k


def _candidates(scaled: FloatArray) -> Iterator[tuple[int, int]]:
    """Yield columns of the sample, and one that each looks like a function of; of two that are so, the later one."""
    p = scaled.shape[1]
    is_function = np.zeros((p, p), dtype=bool)
    is_ordered = np.zeros((p, p), dtype=bool)
    for k in range(p):
        order = np.argsort(scaled[:, k], kind="stable")
        equal = np.diff(scaled[order, k]) == 0.0
        changes = np.diff(scaled[order], axis=0)
        agrees = (changes[equal] == 0.0).all(axis=0)
        rises = changes[~equal]
        is_function[k] = agrees & equal.any()
        is_ordered[k] = agrees & ((rises > 0.0).all(axis=0) | (rises < 0.0).all(axis=0))
    for k, j in np.argwhere(is_function | is_ordered).tolist():
        back = is_function[j, k] or is_ordered[j, k]
        if (j > k or not back) and not _is_affine(scaled[:, j], scaled[:, k]):
            yield j, k


def _is_affine(y: FloatArray, x: FloatArray) -> bool:
    """Tell whether centred columns are multiples of one another, or one of them is constant."""
    squares = (x @ x) * (y @ y)
    return bool(squares == 0.0 or squares - (x @ y) ** 2 <= _ROUNDING * squares)


def _is_function(y: FloatArray, x: FloatArray) -> bool:
    """Tell whether equal x always have equal y, where so many pairs of them would not if y varied as it does near by.

    Near by: columns that are merely related, such as one that is on where another is large, differ most often where
    they change; a bin does not.
    """
    order = np.argsort(x, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(x[order]) != 0.0))
    sizes = np.diff(np.append(starts, len(x)))
    values = y[order][starts]
    if (y[order] != np.repeat(values, sizes)).any():
        return False
    # Of each run of equal x and its two neighbours, the chance that two rows differ in y.
    around = np.lib.stride_tricks.sliding_window_view
    rows, levels = around(np.pad(sizes, 1), 3), around(np.pad(values, 1), 3)
    same = (levels[:, :, np.newaxis] == levels[:, np.newaxis]) * rows[:, :, np.newaxis] * rows[:, np.newaxis]
    chance = 1.0 - same.sum(axis=(1, 2)) / rows.sum(axis=1) ** 2
    return bool((sizes - 1) @ chance >= _EVIDENCE)


def _is_in_order(y: FloatArray, x: FloatArray) -> bool:
    """Tell whether y rises, or falls, wherever x rises, and nowhere else."""
    order = np.argsort(x, kind="stable")
    rises, changes = np.diff(x[order]) > 0.0, np.diff(y[order])
    if rises.sum() < _LEAST_VALUES - 1 or (changes[~rises] != 0.0).any():
        return False
    return bool((changes[rises] > 0.0).all() or (changes[rises] < 0.0).all())
