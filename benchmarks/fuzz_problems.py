"""Random problems of every kind that arithmetic finds hard: one generator for each case, from the seed and its number.

A kind is a function that makes a draft worse; each case has that of its kind, and some have others too.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse

# Chances that a case has the trouble of one more kind, and one more.
_MORE = 0.25
_STRENGTHS = {"zero": 0.4, "default": 0.15, "any": 0.45}
_TOLERANCES = (1e-8, 1e-4, 1e-12)


@dataclass
class Draft:
    """What a user would pass, in the making.

    Attributes
    ----------
    kinds : list of str
        What was done to it; the first is the kind of the case.
    X : array or sparse array of shape (n, p)
    y : array of shape (n,) or (n, K)
    n_classes : int
    weights, offset : array or None
    options : dict
        Parameters of the estimator.
    """

    kinds: list
    X: Any
    y: np.ndarray
    n_classes: int
    weights: np.ndarray | None = None
    offset: np.ndarray | None = None
    options: dict = field(default_factory=dict)


def problem(seed, number):
    """Return the draft of one case."""
    rng = np.random.default_rng([seed, number])
    names = list(KINDS)
    kind = names[rng.integers(len(names))]
    draft = _base(rng, kind)
    while rng.random() < _MORE:
        draft.kinds.append(names[rng.integers(len(names))])
    draft.options = _options(rng)
    for name in names:
        if name in draft.kinds:
            KINDS[name](rng, draft)
    return draft


def _log_uniform(rng, low, high, size=None):
    """Return 10 to the power of what is uniform."""
    return 10.0 ** rng.uniform(low, high, size)


def _base(rng, kind):
    """Return standardised columns, and classes drawn from a logit that is flat, steep or separates."""
    K, p = int(rng.integers(2, 7)), int(rng.integers(1, 13))
    n = max(round(5 * 40.0 ** rng.random()), K)
    if kind == "wide":
        n, p = int(rng.integers(max(5, K), 31)), int(rng.integers(10, 41))
    X = rng.normal(size=(n, p))
    odd = rng.random(p)
    X[:, odd < 0.15] = (X[:, odd < 0.15] > 0.5).astype(float)
    X[:, odd > 0.9] = rng.standard_t(2, size=(n, int((odd > 0.9).sum())))
    slopes = rng.normal(size=(p, K)) * (rng.random(p) < 0.7)[:, np.newaxis] * rng.choice([0.0, 0.5, 1.0, 3.0])
    eta = X @ slopes + rng.normal(size=K)
    return Draft([kind], X, _with_two(_drawn(rng, eta)), K)


def _drawn(rng, eta):
    return (eta + rng.gumbel(size=eta.shape)).argmax(axis=1)


def _with_two(y):
    """Return labels of which at least two occur."""
    if len(np.unique(y)) < 2:
        y[0] = (y[1] + 1) % 2
    return y


def _options(rng):
    kind = rng.choice(list(_STRENGTHS), p=list(_STRENGTHS.values()))
    alpha = {"zero": 0.0, "default": "1/n_samples", "any": float(_log_uniform(rng, -14, 10))}[kind]
    tol = float(rng.choice(_TOLERANCES, p=[0.8, 0.1, 0.1]))
    return {"alpha": alpha, "fit_intercept": bool(rng.random() < 0.8), "tol": tol}


def _dense(draft):
    return draft.X.toarray() if sparse.issparse(draft.X) else draft.X


def _put(draft, X):
    """Put columns in place of those of the draft, which stay sparse and single where they were."""
    X = np.asarray(X, dtype=draft.X.dtype)
    draft.X = sparse.csr_array(X) if sparse.issparse(draft.X) else X


def plain(rng, draft):
    """Nothing that is hard."""


def scales(rng, draft):
    """Columns in units from 1e-12 to 1e12."""
    X = _dense(draft)
    _put(draft, X * _log_uniform(rng, -12, 12, X.shape[1]))


def shifts(rng, draft):
    """Means up to 1e13 times the spread."""
    X = _dense(draft)
    shift = _log_uniform(rng, 0, 13, X.shape[1]) * rng.choice([-1.0, 1.0], X.shape[1])
    if rng.random() < 0.3:
        shift[:] = 2.0 ** rng.integers(10, 40)
    shift[rng.random(X.shape[1]) < 0.2] = 0.0
    _put(draft, X + np.abs(X).max(axis=0) * shift)


def years(rng, draft):
    """One column far from 0, of which a threshold tells some classes apart; or only nearly."""
    X = _dense(draft)
    order = np.sort(X[:, 0])
    y = np.where(order < np.median(order), 0, rng.integers(1, max(draft.n_classes, 3), len(order)))
    if rng.random() < 0.5:
        y[rng.integers(len(y))] = 0
    draft.n_classes = max(draft.n_classes, 3)
    draft.y, draft.X = _with_two(y), order[:, np.newaxis] + _log_uniform(rng, 1, 9)


def offsets(rng, draft):
    """Offsets: of the size of eta, huge, with a constant for all classes, or one for each row."""
    n, K = draft.X.shape[0], _n_columns(draft)
    offset = rng.normal(size=(n, K)) * rng.choice([0.0, 1.0, 3.0])
    kind = rng.integers(4)
    if kind == 0:
        offset += _log_uniform(rng, 0, 60)
    elif kind == 1:
        offset += _log_uniform(rng, 0, 16, (n, 1)) * rng.choice([-1.0, 1.0], (n, 1))
    elif kind == 2:
        offset *= _log_uniform(rng, 0, 6)
    draft.offset = offset[:, 1] if K == 2 and rng.random() < 0.3 and kind > 1 else offset


def collinear(rng, draft):
    """Two columns that differ by 1e-k of a third, which may decide the classes."""
    X, exponent = _dense(draft), -int(rng.integers(1, 18))
    z = rng.normal(size=len(X))
    X = np.column_stack([X, X[:, 0] + 10.0**exponent * z])
    if rng.random() < 0.6:
        cuts = np.sort(rng.normal(size=draft.n_classes - 1))
        noisy = z + rng.choice([0.0, 0.3, 1.0]) * rng.normal(size=len(z))
        draft.y = _with_two(np.searchsorted(cuts, noisy))
    _put(draft, X)


def sums(rng, draft):
    """A column that is a combination of others, as floating point computes it."""
    X = _dense(draft)
    _put(draft, np.column_stack([X, X @ rng.normal(size=X.shape[1]) + rng.normal()]))


def duplicates(rng, draft):
    """Exact copies, or multiples by a power of two."""
    X = _dense(draft)
    _put(draft, np.column_stack([X, X[:, rng.integers(X.shape[1])] * 2.0 ** rng.integers(-3, 4)]))


def dummies(rng, draft):
    """A dummy for every level of a factor, which may have to do with the classes."""
    X = _dense(draft)
    levels = rng.integers(0, rng.integers(2, 6), size=len(X))
    if rng.random() < 0.4:
        levels = np.where(rng.random(len(X)) < 0.7, draft.y, levels)
    _put(draft, np.column_stack([X, np.identity(levels.max() + 1)[levels]]))


def rare(rng, draft):
    """All rows but one or two of some class."""
    n, K = draft.X.shape[0], draft.n_classes
    draft.y = np.zeros(n, dtype=np.int64)
    for k in range(1, K):
        draft.y[rng.integers(n, size=rng.integers(1, 3))] = k
    draft.y = _with_two(draft.y)


def wide(rng, draft):
    """More columns than rows."""


def sparse_rows(rng, draft):
    """A sparse array, of which few entries are not 0, or all are, far from 0 too."""
    X = _dense(draft)
    draft.X = sparse.csr_array(X * (rng.random(X.shape) < rng.choice([0.05, 0.2, 0.6, 1.0])))


def weights(rng, draft):
    """Weights from 1e-30 to 1e30: of rows, or of all of them; some are 0."""
    n = draft.X.shape[0]
    widest, common = ((0.5, 0.0), (3.0, 0.0), (30.0, 0.0), (0.5, 29.0))[rng.integers(4)]
    draft.weights = _log_uniform(rng, -widest, widest, n) * _log_uniform(rng, -common, common)
    if rng.random() < 0.3:
        draft.weights[rng.random(n) < 0.2] = 0.0
        draft.weights[:2] += 1.0


def soft(rng, draft):
    """Class probabilities; some are 0."""
    eta = rng.normal(size=(draft.X.shape[0], draft.n_classes)) * rng.choice([0.3, 1.0, 5.0])
    eta += 2.0 * np.identity(draft.n_classes)[draft.y]
    shares = np.exp(eta - eta.max(axis=1, keepdims=True))
    shares[shares < rng.choice([0.0, 0.01, 0.2])] = 0.0
    draft.y = shares / shares.sum(axis=1, keepdims=True)


def counts(rng, draft):
    """Counts of each class, of up to a thousand trials a row."""
    trials = rng.integers(1, int(_log_uniform(rng, 0.5, 3)), size=draft.X.shape[0])
    shares = rng.dirichlet(np.full(draft.n_classes, rng.choice([0.2, 1.0, 5.0])), size=draft.X.shape[0])
    draft.y = rng.multinomial(trials, shares).astype(float)


def single(rng, draft):  # noqa: ARG001 - the signature of all
    """X in single precision."""
    draft.X = draft.X.astype(np.float32)


def separated(rng, draft):
    """Classes cut by planes, with a margin or none to speak of."""
    X = _dense(draft)
    eta = _standardised(X) @ rng.normal(size=(X.shape[1], draft.n_classes)) + rng.normal(size=draft.n_classes)
    draft.y = _with_two(eta.argmax(axis=1))


def quasi_separated(rng, draft):
    """A dummy that one class never has; or one class apart, and the others overlapping."""
    X = _dense(draft)
    if rng.random() < 0.5:
        column = (rng.random(len(X)) < 0.3) & (draft.y != draft.y[0])
    else:
        column = np.where(draft.y == draft.y[0], rng.random(len(X)), -rng.random(len(X)) * (rng.random(len(X)) < 0.8))
    _put(draft, np.column_stack([X, column]))


def thin_margins(rng, draft):
    """Classes on both sides of a gap of 1e-9 to 1e-2, or of an overlap as thin."""
    X = _dense(draft)
    z = _standardised(X) @ rng.normal(size=X.shape[1])
    y = np.searchsorted(np.sort(rng.choice(z, draft.n_classes - 1)), z, side="right")
    width = _log_uniform(rng, -9, -2)
    away = rng.integers(len(z), size=2)
    column = z + width * y
    if rng.random() < 0.5:
        column[away] = column[away[::-1]] + rng.normal(size=2) * width
    draft.y = _with_two(y)
    _put(draft, np.column_stack([X[:, : rng.integers(1, X.shape[1] + 1)], column]))


def class_weights(rng, draft):
    """Weights of classes: balanced, or from 1e-3 to 1e3."""
    classes = np.unique(draft.y) if draft.y.ndim == 1 else np.arange(draft.n_classes)
    factors = dict(zip(classes.tolist(), _log_uniform(rng, -3, 3, len(classes)).tolist(), strict=True))
    draft.options["class_weight"] = "balanced" if rng.random() < 0.5 else factors


def constants(rng, draft):
    """Columns that do not vary."""
    X = _dense(draft)
    value = float(rng.choice([0.0, 1.0, 1e10, 0.1]))
    _put(draft, np.column_stack([X, np.full(len(X), value)]))


def tiny(rng, draft):
    """A column of spread 1e-150, or about."""
    X = _dense(draft).astype(float)
    X[:, rng.integers(X.shape[1])] *= _log_uniform(rng, -165, -30)
    _put(draft, X)


# In the order in which they are applied: classes and columns, units, formats, what depends on the classes.
KINDS = {
    function.__name__.replace("_", " "): function
    for function in (
        plain,
        wide,
        years,
        separated,
        collinear,
        sums,
        duplicates,
        dummies,
        quasi_separated,
        thin_margins,
        rare,
        soft,
        counts,
        constants,
        tiny,
        scales,
        shifts,
        sparse_rows,
        single,
        weights,
        class_weights,
        offsets,
    )
}


def _standardised(X):
    X = np.asarray(X, dtype=float)
    spread = np.abs(X - X.mean(axis=0)).max(axis=0)
    return (X - X.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)


def _n_columns(draft):
    return draft.y.shape[1] if draft.y.ndim == 2 else len(np.unique(draft.y))
