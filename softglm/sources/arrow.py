"""Tables of pyarrow as arrays, a batch of rows at a time.

Nobody but `row_groups` and `opening` below knows pyarrow as well. It is imported when it is used.
"""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray, IntArray
from softglm.response import Response
from softglm.sources.opening import damage_said
from softglm.sources.row_groups import batches_of_file
from softglm.validation.entries import MISSING, NESTED, REMEDIES

# Of columns at fault, an error names this many.
_NAMED = 5


@final
class Table:
    """Columns of a dataset.

    Parameters
    ----------
    dataset : pyarrow.dataset.Dataset
    place : str
        What it is called in errors.
    """

    def __init__(self, dataset: Any, place: str) -> None:
        self._dataset, self._place = dataset, place

    @property
    def names(self) -> list[str]:
        """The columns, but for those of an index that pandas wrote."""
        schema = self._dataset.schema
        index = {name for name in (schema.pandas_metadata or {}).get("index_columns", ()) if isinstance(name, str)}
        return [name for name in schema.names if name not in index]

    @property
    def n_rows(self) -> int:
        """How many rows there are, as their files say."""
        return int(self._dataset.count_rows())

    @property
    def fingerprint(self) -> str | None:
        """What tells the files from others: their names, sizes and times; None where that is not known."""
        files = getattr(self._dataset, "files", None)
        infos = self._dataset.filesystem.get_file_info(files) if files else []
        if not infos or any(info.mtime_ns is None for info in infos):
            return None
        return repr([(info.path, info.size, info.mtime_ns) for info in infos]) + self._filter + self._chosen

    @property
    def _chosen(self) -> str:
        """Which row groups of its files it has, where it was made of fragments, and may have some only."""
        if getattr(self._dataset, "partitioning", None) is not None:
            return ""
        return repr([_row_groups(fragment) for fragment in self._dataset.get_fragments()])

    @property
    def _filter(self) -> str:
        """What rows it is restricted to, by `Dataset.filter`; empty if it is not."""
        options = getattr(self._dataset, "_scan_options", None) or {}
        return str(options.get("filter", ""))

    def check_there(self, names: Sequence[str], of_whom: str) -> None:
        """Raise unless there is one column of each name."""
        there = list(self._dataset.schema.names)
        missing = [name for name in names if there.count(name) != 1]
        if missing:
            raise ValueError(
                f"{self._place} has {shortened(there)} for columns, expected one by each name of {shortened(missing)}"
                f"{of_whom}.{_hint(missing, there)}"
            )

    def what(self, name: str) -> str | None:
        """Return what a column holds that is no number, one of `REMEDIES`; None for numbers and booleans."""
        kind = self._dataset.schema.field(name).type
        return None if _is_number(kind) else _what(kind)

    def holds_booleans(self, name: str) -> bool:
        """Tell whether a column is of booleans."""
        import pyarrow as pa

        return bool(pa.types.is_boolean(_decoded(self._dataset.schema.field(name).type)))

    def check_are_numbers(self, names: Sequence[str]) -> None:
        """Raise for features that are no numbers, and say what to do about them."""
        if not names:
            raise ValueError(f"{self._place} has no columns left for features. Name them: columns=[...].")
        kinds: dict[str, list[str]] = {}
        for name in names:
            kind = self._dataset.schema.field(name).type
            if not _is_number(kind):
                kinds.setdefault(_what(kind), []).append(f"{name!r} ({kind})")
        for what, found in kinds.items():
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            raise ValueError(
                f"{self._place} holds {what} in {', '.join(found[:_NAMED])}{more}, expected numbers or booleans. "
                f"{REMEDIES[what]} Or name the features without it: columns=[...]."
            )

    def dtype(self, names: Sequence[str]) -> np.dtype[Any]:
        """Return float32 if that holds all entries of columns, else float64."""
        types = [_decoded(self._dataset.schema.field(name).type) for name in names]
        is_single = _are_single(types) and all(map(_are_single, self._types_by_file(names)))
        return np.dtype(np.float32 if is_single else np.float64)

    def _types_by_file(self, names: Sequence[str]) -> Iterator[list[Any]]:
        """Yield the types that columns have in each file: those of the table are those of its first."""
        for fragment in self._dataset.get_fragments():
            schema = fragment.physical_schema
            yield [_decoded(schema.field(name).type) for name in names if name in schema.names]

    def check_no_file_is(self, path: Any) -> None:
        """Raise if a path is that of one of the files, which writing there would replace."""
        files, path = getattr(self._dataset, "files", ()), Path(path)
        if path.exists() and any(Path(file).exists() and path.samefile(file) for file in files):
            raise ValueError(
                f"{path} is a file that the rows are read from, expected another: what is there would be replaced by "
                "the predictions, and lost. Write them beside it, with columns to keep: keep=[...]."
            )

    def batches(self, names: Sequence[str], n_rows: int) -> Iterator["Batch"]:
        """Yield columns of all rows in order, up to so many rows at a time."""
        import pyarrow as pa

        first, columns = 0, list(dict.fromkeys(names))
        with damage_said(self._place):
            for record, file in self._record_batches(columns, n_rows):
                batch = Batch(record, first, self._place, file)
                first += record.num_rows
                del record  # or a row group would be here while the next one is read
                yield batch
                del batch
        pa.default_memory_pool().release_unused()  # some megabytes for each column

    def _record_batches(self, names: list[str], n_rows: int) -> Iterator[tuple[Any, Any]]:
        """Yield columns of some rows, and the fragment that they are of, None where it does not matter."""
        import pyarrow.dataset as pads

        is_parquet = isinstance(getattr(self._dataset, "format", None), pads.ParquetFileFormat)
        options = {"batch_size": n_rows, "use_threads": False}
        if not is_parquet or self._filter:
            records = self._dataset.to_batches(columns=names, batch_readahead=1, fragment_readahead=1, **options)
            yield from ((record, None) for record in records)
            return
        for fragment in self._dataset.get_fragments():
            is_file = fragment.filesystem is not None  # and no buffer
            if is_file and set(names) <= set(fragment.physical_schema.names):
                with fragment.filesystem.open_input_file(fragment.path) as file:
                    yield from (
                        (record, fragment) for record in batches_of_file(file, names, n_rows, _row_groups(fragment))
                    )
            else:  # a column of partitions, which the names of folders tell
                records = fragment.to_batches(schema=self._dataset.schema, columns=names, **options)
                yield from ((record, fragment) for record in records)


class Batch(NamedTuple):
    """Columns of some rows.

    Attributes
    ----------
    record : pyarrow.RecordBatch
    first : int
        The number of its first row.
    place : str
        What the table is called in errors.
    fragment : pyarrow.dataset.Fragment, default=None
        The file that the rows are of, where that is known.
    """

    record: Any
    first: int
    place: str
    fragment: Any = None

    def matrix(self, names: Sequence[str], dtype: npt.DTypeLike = np.float64) -> FloatArray:
        """Return columns of numbers as a row-major matrix."""
        import pyarrow as pa

        X = np.empty((self.record.num_rows, len(names)), dtype=dtype)
        for at, name in enumerate(names):
            column = self._complete(name)
            if not _is_number(column.type):
                self._refuse(name, "numbers or booleans")
            if pa.types.is_dictionary(column.type):
                column = column.dictionary_decode()
            if _is_decimal(column.type):
                column = column.cast(pa.float64())
            X[:, at] = column.to_numpy(zero_copy_only=False)
        return X

    def numbers(self, name: str, fill: float = 0.0) -> FloatArray:
        """Return a column of numbers, with one for those that are missing."""
        import pyarrow as pa

        column = self.record.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        values = np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
        is_missing = np.isnan(values)
        return np.where(is_missing, fill, values) if is_missing.any() else values

    def codes(self, name: str) -> tuple[list[str], IntArray]:
        """Return values as text, and which of them a column has in each row, -1 where it is missing."""
        import pyarrow as pa

        column = self.record.column(name)
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        values = [v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in column.dictionary.to_pylist()]
        return values, column.indices.cast(pa.int32()).fill_null(-1).to_numpy()

    def is_missing(self, name: str) -> BoolArray:
        """Tell in which rows a column is null, or not a number."""
        return np.asarray(self.record.column(name).is_null(nan_is_null=True).to_numpy(zero_copy_only=False))

    def present(self, names: Sequence[str]) -> "Batch":
        """Return the rows in which none of some columns is missing."""
        is_missing = np.zeros(self.record.num_rows, dtype=bool)
        for name in names:
            is_missing |= self.is_missing(name)
        return self.of(~is_missing)

    def of(self, rows: BoolArray) -> "Batch":
        """Return some of the rows."""
        import pyarrow as pa

        return self if rows.all() else self._replace(record=self.record.filter(pa.array(rows)))

    def labels(self, name: str) -> Response | npt.NDArray[Any]:
        """Return a column of labels: those of text coded, others as they are."""
        import pyarrow as pa

        column = self._complete(name)
        if pa.types.is_nested(column.type):
            self._refuse(name, "a label in each row")
        if not pa.types.is_dictionary(column.type):
            if not _is_text(column.type):
                return np.asarray(column.to_numpy(zero_copy_only=False))
            column = column.cast(pa.large_string()).dictionary_encode()
        labels = np.asarray(column.dictionary.to_numpy(zero_copy_only=False))
        places: IntArray = column.indices.to_numpy().astype(np.int32)
        used = np.flatnonzero(np.bincount(places, minlength=len(labels)))
        ranks = np.zeros(len(labels), dtype=np.int32)
        ranks[used] = np.arange(len(used), dtype=np.int32)
        return Response(labels[used], ranks[places], None)

    def _refuse(self, name: str, expected: str) -> NoReturn:
        kind = self.record.column(name).type
        raise ValueError(
            f"{self.place} holds {_what(kind)} in the column {name!r} ({kind}), from row {self.first} on, expected "
            f"{expected}. {REMEDIES[_what(kind)]}"
        )

    def _complete(self, name: str) -> Any:
        """Return a column; raise if something is missing in it."""
        column = self.record.column(name)
        if column.null_count:
            self._check_file_has(name)
            row = self.first + int(column.is_null().to_numpy(zero_copy_only=False).argmax())
            raise ValueError(
                f"{self.place} holds {column.null_count} missing values (null) in the column {name!r}, the first in "
                f"row {row}, expected none. {REMEDIES[MISSING]}"
            )
        return column

    def _check_file_has(self, name: str) -> None:
        """Raise where a column is not missing in some rows, but in a file."""
        import pyarrow.dataset as pads

        if self.fragment is None or name in self.fragment.physical_schema.names:
            return
        if name not in pads.get_partition_keys(self.fragment.partition_expression):
            raise ValueError(
                f"{self.place} has no column {name!r} in one of its files, {self.fragment.path}, expected it in all, "
                "as in the first. Leave that file out, write it again, or name the features without it: columns=[...]."
            )


def write_batches(path: Any, batches: Iterator[dict[str, Any]]) -> bool:
    """Write columns of some rows after the other into a Parquet file, and return whether there were any.

    It replaces what is there once it is whole.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(path)
    partial = path.with_name(f"{path.name}.partial")
    writer = None
    try:
        for columns in batches:
            batch = pa.RecordBatch.from_pydict(columns)
            if writer is None:
                writer = pq.ParquetWriter(partial, batch.schema)
            writer.write_batch(batch)
        if writer is not None:
            writer.close()
            partial.replace(path)
    finally:
        if writer is not None:
            writer.close()
        partial.unlink(missing_ok=True)
    return writer is not None


def _row_groups(fragment: Any) -> list[int] | None:
    """Return the row groups of a file that belong to a dataset; None if it has none."""
    groups = getattr(fragment, "row_groups", None)
    return None if groups is None else [group.id for group in groups]


def _are_single(types: Sequence[Any]) -> bool:
    """Tell whether float32 holds all numbers of some types."""
    numbers = [np.float64 if _is_decimal(kind) else kind.to_pandas_dtype() for kind in types]
    return not numbers or np.result_type(*numbers) in (np.float32, np.float16)


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    kind = _decoded(kind)
    is_counted = pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    return is_counted or pa.types.is_floating(kind) or _is_decimal(kind)


def _is_text(kind: Any) -> bool:
    return str(kind) in {"string", "large_string", "string_view"}  # of which older versions have no name for the last


def _is_decimal(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_decimal(kind))


def _decoded(kind: Any) -> Any:
    """Return the type of the values of a column, coded as a dictionary or not."""
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _what(kind: Any) -> str:
    """Return what a column holds that is no number: one of `REMEDIES`."""
    import pyarrow as pa

    kind = _decoded(kind)
    if pa.types.is_temporal(kind):
        return "dates"
    if pa.types.is_null(kind):
        return MISSING
    return NESTED if pa.types.is_nested(kind) else "text"


def _hint(missing: Sequence[str], there: Sequence[str]) -> str:
    """Return the columns of which a name that is missing may be a slip; empty if there are none."""
    spelled = {name.lower(): name for name in there}
    close = [spelled[match] for name in missing for match in get_close_matches(name.lower(), spelled, n=1)]
    close = [name for name in dict.fromkeys(close) if name not in missing]  # what is there twice is no slip
    return f" Did you mean {shortened(close)}?" if close else ""


def shortened(names: Sequence[str]) -> str:
    """Return the first of some names, and how many more there are."""
    return f"{list(names[:_NAMED])}{f' and {len(names) - _NAMED} more' if len(names) > _NAMED else ''}"
