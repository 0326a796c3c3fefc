"""Blocks of rows that the user's own code makes: from files of any kind, or by preprocessing what is read."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, final

from softglm.sources.in_pieces import Piece, SourceInPieces


@final
class Blocks(SourceInPieces):
    """Rows in blocks, one after the other: for data that are larger than memory, or are made as they are read.

    `SoftmaxGLM.fit`, its predictions and `infer` take it in place of X, and y with it. They read all blocks several
    times, in order, and hold one at a time, beside 4 bytes for each label and 8 for each weight or number of an offset.

    Parameters
    ----------
    blocks : callable or iterable
        A function that returns an iterator of blocks, or something that can be iterated again and again, such as a
        list. A block is ``X``, ``(X, y)``, ``(X, y, sample_weight)`` or ``(X, y, sample_weight, offset)`` of some
        thousand rows, as `SoftmaxGLM.fit` takes them; None stands for what is not there. All of them have the same
        columns, dense or sparse, and are the same every time. One may be made in the memory of the one before.
    cache : path, default=None
        A folder. All rows are read once for each fit, into row-major files in it that are mapped into memory: passes
        over these are as fast as over arrays. What has been read before is not written twice. Delete it when you like.
    fingerprint : str, default=None
        What tells these rows from any others, such as the version of the data: files in the cache that were written
        under the same one are used without reading any block.
    classes : array-like of shape (K,), default=None
        The labels there may be. Others are an error as soon as they are read; those that do not occur keep their place
        in `classes_`, and have probability 0.

    Raises
    ------
    TypeError
        If `blocks` can be read only once, as a generator can: pass the function that makes it.

    Notes
    -----
    The errors of a block name it by its number, counted from 0: where it holds NaN, or is not what it was when it was
    read before.

    A pipeline preprocesses each block by itself, since nothing that it does to a row depends on the others once it is
    fitted: see the example. Fit it to the rows of a sample.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import StandardScaler
    >>> from softglm import Blocks, SoftmaxGLM
    >>> files = [np.random.default_rng(seed).normal(size=(500, 3)) for seed in range(4)]  # in place of files
    >>> scaler = StandardScaler().fit(files[0])
    >>> def blocks():
    ...     for rows in files:
    ...         yield scaler.transform(rows), rows.sum(axis=1) > 0.5
    >>> model = SoftmaxGLM(alpha=0.01).fit(Blocks(blocks))
    >>> model.score(Blocks(blocks)) > 0.9
    True
    >>> model.predict_proba(Blocks(blocks)).shape
    (2000, 2)
    """

    def __init__(
        self,
        blocks: Callable[[], Iterator[Any]] | Iterable[Any],
        *,
        cache: Any = None,
        fingerprint: str | None = None,
        classes: Any = None,
    ) -> None:
        super().__init__("blocks", cache, classes)
        if not callable(blocks) and (not hasattr(blocks, "__iter__") or iter(blocks) is blocks):
            raise TypeError(
                f"blocks is a {type(blocks).__name__}, expected a function that returns an iterator of blocks, or a "
                "list of them: a fit reads all of them several times. Pass the function itself, and do not call it."
            )
        self._blocks, self._version = blocks, fingerprint

    def _names(self, estimator: Any, *, is_fit: bool) -> None:  # noqa: ARG002 - the first block tells
        return None

    def _dtype(self, names: tuple[str, ...] | None) -> None:  # noqa: ARG002
        return None

    def _fingerprint(self) -> str | None:
        return self._version

    def _pieces(self, names: tuple[str, ...] | None, wanted: Sequence[str]) -> Iterator[Piece]:  # noqa: ARG002
        blocks = self._blocks() if callable(self._blocks) else self._blocks
        for number, block in enumerate(blocks):
            parts = block if isinstance(block, tuple | list) else (block,)
            if not 1 <= len(parts) <= len(Piece._fields):
                raise ValueError(
                    f"{self._what} {number}: it has {len(parts)} parts, expected (X, y), (X, y, sample_weight) or (X, "
                    "y, sample_weight, offset)."
                )
            yield Piece(*parts)
