"""Files of columns made tables that are ready to be fitted."""

from softglm.cli.tables.columns import UnusableDataError
from softglm.cli.tables.missing import filled
from softglm.cli.tables.notation import MISSING, MISSING_NUMBERS, Notation
from softglm.cli.tables.reading import Missing, Reading
from softglm.cli.tables.table import Table, check_classes, is_parquet, read_table, wine_table
from softglm.cli.tables.words import count, on_one_line, shortlist

__all__ = [
    "MISSING",
    "MISSING_NUMBERS",
    "Missing",
    "Notation",
    "Reading",
    "Table",
    "UnusableDataError",
    "check_classes",
    "count",
    "filled",
    "is_parquet",
    "on_one_line",
    "read_table",
    "shortlist",
    "wine_table",
]
