"""Files of columns made tables that are ready to be fitted."""

from softglm.cli.tables.columns import UnusableDataError, check_names, too_large
from softglm.cli.tables.missing import filled, left_out_rows, no_label, nothing_left, refused
from softglm.cli.tables.notation import MARKERS, MISSING, MISSING_NUMBERS, Notation
from softglm.cli.tables.reading import Missing, Reading, option
from softglm.cli.tables.table import Table, check_classes, check_reference, is_parquet, read_table, wine_table
from softglm.cli.tables.weighting import Weights, check_are_weights, no_numbers, no_weight, weights_of
from softglm.cli.tables.words import count, on_one_line, shortlist

__all__ = [
    "MARKERS",
    "MISSING",
    "MISSING_NUMBERS",
    "Missing",
    "Notation",
    "Reading",
    "Table",
    "UnusableDataError",
    "Weights",
    "check_are_weights",
    "check_classes",
    "check_names",
    "check_reference",
    "count",
    "filled",
    "is_parquet",
    "left_out_rows",
    "no_label",
    "no_numbers",
    "no_weight",
    "nothing_left",
    "on_one_line",
    "option",
    "read_table",
    "refused",
    "shortlist",
    "too_large",
    "weights_of",
    "wine_table",
]
