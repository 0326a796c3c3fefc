"""Parquet files, or other tables of pyarrow, as a source of rows."""

import errno
from collections.abc import Iterator, Sequence
from numbers import Real
from os import PathLike, fspath
from pathlib import Path
from typing import Any, final

import numpy as np

from softglm.response import Response
from softglm.sources.arrow import Batch, Table, shortened, write_batches
from softglm.sources.in_pieces import Piece, SourceInPieces, nameless
from softglm.sources.opening import open_dataset

# Numbers of a batch: its rows are written column by column, and stay in the processor's cache meanwhile.
_BATCH, _LEAST_ROWS = 2**18, 1024


@final
class Parquet(SourceInPieces):
    """Columns of Parquet files, or of any dataset of pyarrow: for tables that are larger than memory.

    `SoftmaxGLM.fit`, its predictions and `infer` take it in place of X, and y with it; where no more has to be said
    they take ``fit("data.parquet", "species")`` too. Features are columns of numbers or booleans.

    Parameters
    ----------
    data : str, path or pyarrow.dataset.Dataset
        A Parquet file, a folder of them, or a dataset, of which the columns are read that are needed.
    target : str or list of str, default=None
        The column of the labels; or, for class probabilities or counts, one column for each class, which they name.
        None to predict.
    sample_weight : str, default=None
        The column of the weights.
    offset : str, list of str or 0, default=None
        The columns of the offset, one for each class in sorted order; or one, for two classes. 0 to predict without.
    columns : list of str, default=None
        The features. None is those that the model was fitted to; in a fit all columns but those above.
    cache : path, default=None
        A folder. The rows are decoded once, into row-major files in it that are mapped into memory: passes over these
        are as fast as over arrays. They take 8 bytes for each number (4 if all are in single precision), and are used
        again as long as the names, sizes and times of the files of the table stay as they are. Delete it when you like.
    classes : array-like of shape (K,), default=None
        The labels there may be. Others are an error as soon as they are read; those that do not occur keep their place
        in `classes_`, and have probability 0.

    Raises
    ------
    ImportError
        If pyarrow is not installed: ``pip install ".[data]"`` in a clone.

    Notes
    -----
    Beside a batch of the rows a fit holds 4 bytes for each label and 8 for each weight or number of an offset.

    Text has to be encoded, and what is missing filled in, before: by a fitted ``ColumnTransformer`` for example, which
    `Blocks` maps over the batches of ``pyarrow.dataset.dataset(path).to_batches()``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> from softglm import Parquet, SoftmaxGLM
    >>> folder = Path(tempfile.mkdtemp())
    >>> load_iris(as_frame=True).frame.to_parquet(folder / "iris.parquet")
    >>> iris = Parquet(folder / "iris.parquet", "target", cache=folder)
    >>> model = SoftmaxGLM().fit(iris)
    >>> model.score(iris)
    0.9733333333333334

    Predictions are written back, batch by batch, beside columns of the table:

    >>> iris.write_predictions(model, folder / "predicted.parquet", keep=["target"])
    >>> import pyarrow.parquet
    >>> pyarrow.parquet.read_table(folder / "predicted.parquet").column_names
    ['target', 'predicted', 'probability_0', 'probability_1', 'probability_2']
    """

    _what = "Batch"

    def __init__(
        self,
        data: Any,
        target: str | Sequence[str] | None = None,
        *,
        sample_weight: str | None = None,
        offset: str | Sequence[str] | float | None = None,
        columns: Sequence[str] | None = None,
        cache: Any = None,
        classes: Any = None,
    ) -> None:
        super().__init__(fspath(data) if isinstance(data, str | PathLike) else "The dataset", cache, classes)
        self._table = Table(open_dataset(data), self._place)
        self._has_labels = isinstance(target, str)
        self._number, offset = (offset, None) if isinstance(offset, Real) else (None, offset)
        self._target, self._offset = _listed(target, "target"), _listed(offset, "offset")
        self._weight, self._columns = _listed(sample_weight, "sample_weight"), _listed(columns, "columns")
        self._table.check_there([*self._beside, *self._columns], "")
        self._check_columns()

    def _check_columns(self) -> None:
        """Raise where a feature is named twice, or is what is to be predicted."""
        again = [name for at, name in enumerate(self._columns) if name in {*self._target, *self._columns[:at]}]
        if again:
            raise ValueError(
                f"columns names {shortened(again)} twice, or as the target too, expected each feature once, and none "
                "that is to be predicted. Leave them out."
            )

    def __repr__(self) -> str:
        given = {
            "target": self._target,
            "sample_weight": self._weight,
            "offset": self._offset,
            "columns": self._columns,
        }
        said = [f"{what}={shortened(names)}" for what, names in given.items() if names]
        return f"Parquet({', '.join([repr(self._place), *said])})"

    @property
    def _beside(self) -> list[str]:
        """The columns of what was observed beside the features."""
        return [*self._target, *self._weight, *self._offset]

    @property
    def _others(self) -> tuple[str, ...]:
        """The columns that are features, where nobody says which are."""
        return tuple(name for name in self._table.names if name not in self._beside)

    def _fingerprint(self) -> str | None:
        files = self._table.fingerprint
        return None if files is None else repr((files, self._target, self._weight, self._offset))

    def _names(self, estimator: Any, *, is_fit: bool) -> tuple[str, ...]:
        known = () if is_fit else tuple(getattr(estimator, "feature_names_in_", ()))
        if known and self._columns and set(known) != set(self._columns):
            raise ValueError(
                f"columns names {shortened(self._columns)}, and the model was fitted to {shortened(known)}. Leave out "
                "columns: those of the fit are found by their names."
            )
        names = known or tuple(self._columns) or self._others
        self._table.check_there(names, ", as the model was fitted to")
        self._table.check_are_numbers(names)
        return names

    def _dtype(self, names: tuple[str, ...] | None) -> np.dtype[Any]:
        return self._table.dtype(names or ())

    def _pieces(self, names: tuple[str, ...] | None, wanted: Sequence[str]) -> Iterator[Piece]:
        if "y" in wanted and not self._target:
            raise ValueError(f"No target was given with {self._place}: name the column that holds the labels.")
        columns = {"X": list(names or ()), "y": self._target, "sample_weight": self._weight, "offset": self._offset}
        read, dtype = {part: columns[part] for part in wanted}, self._dtype(names)
        for batch in self._batches([name for part in read.values() for name in part]):
            piece = Piece(
                batch.matrix(read["X"], dtype) if "X" in read else None,
                self._observed(batch) if "y" in read else None,
                batch.matrix(read["sample_weight"])[:, 0] if read.get("sample_weight") else None,
                batch.matrix(read["offset"]) if read.get("offset") else self._number,
            )
            del batch  # see `Table.batches`
            yield piece

    def _batches(self, names: Sequence[str]) -> Iterator[Batch]:
        return self._table.batches(names, max(_BATCH // len(names), _LEAST_ROWS))

    def _observed(self, batch: Batch) -> Any:
        if self._has_labels:
            return batch.labels(self._target[0])
        classes = sorted(self._target)
        return Response(np.array(classes), None, batch.matrix(classes))

    def write_predictions(self, model: Any, path: Any, *, keep: Sequence[str] = ()) -> None:
        """Write the predictions of a fitted model to a Parquet file, batch by batch.

        Parameters
        ----------
        model : SoftmaxGLM
            Fitted.
        path : str or path
            Of the file to write. Its columns are those to keep; ``predicted``, the most probable class; and
            ``probability_<class>`` for each class. What is there is replaced once all has been written; a file that
            the rows are read from is refused.
        keep : sequence of str, default=()
            Columns of the table, such as its keys.
        """
        names, keep = self._names(model, is_fit=False), _listed(keep, "keep")
        self._table.check_there(keep, ", to be kept")
        self._check_written(model, path, keep)
        dtype, unnamed = self._dtype(names), nameless(model)

        def predicted() -> Iterator[dict[str, Any]]:
            for batch in self._batches([*keep, *names, *self._offset]):
                X, offset = batch.matrix(names, dtype), batch.matrix(self._offset) if self._offset else self._number
                columns = {name: batch.record.column(name) for name in keep}
                del batch  # see `Table.batches`
                columns["predicted"] = unnamed.predict(X, offset)
                shares = unnamed.predict_proba(X, offset).T
                yield columns | {
                    f"probability_{label}": share for label, share in zip(model.classes_, shares, strict=True)
                }

        if not write_batches(path, predicted()):
            raise ValueError(f"There are no rows in {self._place}: nothing to predict.")

    def _check_written(self, model: Any, path: Any, keep: Sequence[str]) -> None:
        """Raise where predictions would replace what is read, or columns that are kept, or a folder."""
        self._table.check_no_file_is(path)
        if Path(path).is_dir():
            raise IsADirectoryError(errno.EISDIR, "A folder, expected the path of the file to write", fspath(path))
        taken = {"predicted", *(f"probability_{label}" for label in model.classes_)}.intersection(keep)
        if taken:
            raise ValueError(
                f"keep names {shortened(sorted(taken))}, expected other columns: predictions are written by that name. "
                "Leave them out, or rename them in the table."
            )


def _listed(names: Any, what: str) -> list[str]:
    """Return names of columns as a list."""
    if names is None:
        return []
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{what} must name columns of the table, got a {type(names).__name__}.")
    return list(names)
