"""Row groups of a Parquet file in batches of rows, in little memory however many rows and columns they have.

A reader that goes through all columns of a row group at once holds a page and a dictionary of each, and one that
decodes it as a whole all of its numbers. So it is decoded column after column, of which one at a time is unpacked: into
memory where it has few numbers, and else into a temporary file that is mapped. That file is written and read in the
system's cache of files, which is faster than going through all columns at once, and gone before it reaches a disk.
"""

import mmap
import tempfile
from collections.abc import Iterator
from typing import IO, Any

# Bytes of each column that are read at a time, and rows of it that are unpacked.
_BUFFER, _ROWS = 2**16, 2**16
# The numbers of a row group that are decoded into memory.
_FEW_NUMBERS = 2**21
# After so many columns memory is given back: it takes as long as to unpack one of them.
_RELEASED = 16


def batches_of_file(file: Any, names: list[str], n_rows: int, groups: list[int] | None = None) -> Iterator[Any]:
    """Yield columns of the rows of an open file, up to so many rows at a time: of some row groups, or of all."""
    import pyarrow.parquet as pq

    parquet = pq.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)
    for group in range(parquet.num_row_groups) if groups is None else groups:
        if parquet.metadata.row_group(group).num_rows * len(names) <= _FEW_NUMBERS:
            yield from _batches(list(_decoded(parquet, group, names)), names, n_rows)
        else:
            yield from _by_way_of_a_file(parquet, group, names, n_rows)


def _decoded(parquet: Any, group: int, names: list[str]) -> Iterator[Any]:
    """Yield the columns of a row group."""
    import pyarrow as pa

    for count, name in enumerate(names):
        if not count % _RELEASED:
            pa.default_memory_pool().release_unused()  # what the group before took, and unpacking
        yield parquet.read_row_group(group, columns=[name], use_threads=False).column(name)


def _by_way_of_a_file(parquet: Any, group: int, names: list[str], n_rows: int) -> Iterator[Any]:
    """Yield the rows of a row group, decoded into a temporary file; where there is no room for that, as they come."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    schema = parquet.schema_arrow  # it is made anew whenever it is asked for
    try:
        with tempfile.TemporaryFile() as scratch:
            columns = _mapped(scratch, [_written(scratch, parquet, group, schema.field(name)) for name in names])
    except OSError:  # there is no room, or nowhere to write
        yield from parquet.iter_batches(row_groups=[group], columns=names, batch_size=n_rows, use_threads=False)
    else:
        yield from _batches(columns, names, n_rows)


def _written(scratch: IO[bytes], parquet: Any, group: int, field: Any) -> int:
    """Write a column of a row group, and return where it begins."""
    import pyarrow as pa

    start = scratch.tell()
    with pa.ipc.new_stream(scratch, pa.schema([field])) as writer:
        for batch in parquet.iter_batches(
            row_groups=[group], columns=[field.name], batch_size=_ROWS, use_threads=False
        ):
            writer.write_batch(batch)
    return start


def _mapped(scratch: IO[bytes], starts: list[int]) -> list[Any]:
    """Return the columns that begin in these places: their memory is that of the file."""
    import pyarrow as pa

    scratch.flush()
    reader = pa.BufferReader(pa.py_buffer(mmap.mmap(scratch.fileno(), 0, access=mmap.ACCESS_READ)))
    columns = []
    for start in starts:
        reader.seek(start)
        columns.append(pa.ipc.open_stream(reader).read_all().column(0))
    return columns


def _batches(columns: list[Any], names: list[str], n_rows: int) -> Iterator[Any]:
    import pyarrow as pa

    return iter(pa.Table.from_arrays(columns, names=names).to_batches(max_chunksize=n_rows))
