"""Files as text: as they lie, or packed into one another."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from softglm.cli.tables.columns import UnusableDataError

# What a damaged file may raise, beside the errors of the system.
DAMAGED = (EOFError, lzma.LZMAError, zipfile.BadZipFile, zlib.error)
# How files begin that hold a text only once unpacked. All but the zip archive hold a single one.
_GZIP, _BZIP2, _XZ, _ZIP = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"PK\x03\x04"
# What follows the first four bytes of bzip2: a column name may begin as these do.
_BZIP2_BLOCK = b"1AY&SY"
_TO_TABLE = "Save its table as CSV in UTF-8, or as Parquet."
# How files begin that hold no text, what they are, and what to do.
_OTHERS = {
    b"PAR1": ("a Parquet file", "Have its name end in .parquet."),
    b"ARROW1": ("an Arrow or Feather file", _TO_TABLE),
    b"\xd0\xcf\x11\xe0": ("a spreadsheet, or another document of Office", _TO_TABLE),
    b"\x28\xb5\x2f\xfd": ("packed with zstd", "Unpack it, or pack it with gzip."),
    b"RDX": ("a file of R", _TO_TABLE),
    b"SQLite": ("a database", _TO_TABLE),
}
_JSON = (b"{", b"[{", b"[[")
# Where an archive of tar says that it is one.
_TAR, _TAR_AT = b"ustar", 257


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """Open a file as text in UTF-8, unpacked if it is packed with gzip, bzip2, xz or zip, whatever its name.

    Raises
    ------
    UnusableDataError
        If it holds something else than a text, as far as its first bytes tell.
    """
    with path.open("rb") as file, _unpacked(path, file) as unpacked:
        _check_is_text(path, unpacked)
        # The csv module finds the ends of lines itself.
        with io.TextIOWrapper(unpacked, encoding="utf-8-sig", newline="") as text:
            yield text


def _unpacked(path: Path, file: BinaryIO) -> BinaryIO:
    head = _head(file)
    if head.startswith(_GZIP):
        return cast("BinaryIO", gzip.open(file))
    if head.startswith(_BZIP2) and head[4:].startswith(_BZIP2_BLOCK):
        return cast("BinaryIO", bz2.open(file))
    if head.startswith(_XZ):
        return cast("BinaryIO", lzma.open(file))
    return _only_member(path, zipfile.ZipFile(file)) if head.startswith(_ZIP) else file


def _only_member(path: Path, archive: zipfile.ZipFile) -> BinaryIO:
    """Open the only file of an archive, but for those that a Mac adds."""
    names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
    if "[Content_Types].xml" in names or "mimetype" in names:
        raise UnusableDataError(f"{path} is a spreadsheet, or another document. {_TO_TABLE}")
    if len(names) != 1:
        raise UnusableDataError(f"{path} holds {len(names)} files, expected one. Unpack it, and name the one you mean.")
    if archive.getinfo(names[0]).flag_bits & 1:
        raise UnusableDataError(f"{path} is locked by a password. Unpack it first.")
    return cast("BinaryIO", archive.open(names[0]))


def _check_is_text(path: Path, file: BinaryIO) -> None:
    head = _head(file)
    what, remedy = next((other for magic, other in _OTHERS.items() if head.startswith(magic)), ("", ""))
    if head[_TAR_AT:].startswith(_TAR):
        what, remedy = "an archive of tar", "Unpack it, and name the file you mean."
    if b"".join(head.split()).startswith(_JSON):
        what, remedy = "JSON, as it seems", _TO_TABLE
    if what:
        raise UnusableDataError(f"{path} is {what}. {remedy}")


def _head(file: BinaryIO) -> bytes:
    head = file.read(_TAR_AT + len(_TAR))
    file.seek(0)
    return head
