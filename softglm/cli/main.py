"""The main job: ``python -m softglm`` compares SoftmaxGLM with LogisticRegression on a data set of the user's."""

import argparse
import io
import math
import os
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from softglm.cli.comparison import Choice, Comparison
from softglm.cli.inferring import report_on
from softglm.cli.large_files import LargeFit, is_large
from softglm.cli.printing import as_json, as_text, large_as_json, large_as_text
from softglm.cli.tables import (
    MARKERS,
    MISSING,
    MISSING_NUMBERS,
    Missing,
    Notation,
    Reading,
    UnusableDataError,
    check_classes,
    check_reference,
    read_table,
    wine_table,
)
from softglm.validation.parameters import MOST_ALPHA
from softglm.version import __version__

N_STRONGEST = 5
DESCRIPTION = """\
Compare SoftmaxGLM with scikit-learn's LogisticRegression, on the columns as they
come and standardised, by cross-validation: accuracy, log loss, fit time, iterations,
how far each stopped from the optimum of its own objective, and the warnings it
raised. Then show the strongest coefficients of each class. A large Parquet file
is not compared on, but fitted where it is, in little memory.
"""
EPILOG = f"""\
missing in a CSV file, beside empty fields:
{textwrap.fill(", ".join(MISSING), 78, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)}
  and {", ".join(MISSING_NUMBERS)} in columns whose other entries are numbers

examples:
  softglm                                      scikit-learn's wine data, unscaled
  softglm flowers.csv --target species         your own data
  softglm flowers.csv --target species --infer --reference setosa
  softglm survey.csv --target vote --weights weight --infer
  softglm flowers.csv --target species --alpha 0.01 --folds 10
  softglm flowers.csv --target species --drop id --na 'n/a?' --missing impute
  softglm flowers.csv.gz --target species --sample 10000
  softglm flowers.parquet --target species --json > result.json

exit codes: 0 success, 1 the data cannot be used, 2 the command line is wrong
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; a wrong command line exits with 2.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        What follows the command; None takes them from `sys.argv`.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if (options.data is None) != (options.target is None):
        parser.error("a data file and --target COLUMN go together: give both, or neither for the wine data")
    reading = _reading(options)
    if options.data is None and reading != Reading():
        parser.error(
            "--drop, --missing, --na, --not-na, --sample, --decimal and --weights are about a data file: give one"
        )
    if options.weights_are is not None and options.weights is None:
        parser.error("--weights-are is about --weights COLUMN: give both")
    if options.reference is not None and not options.infer:
        parser.error("--reference CLASS is about the coefficients of --infer: give both")
    _check_markers(parser, reading)
    if options.infer and options.l1_ratio > 0.0:
        parser.error("a lasso leaves no standard errors: give --infer or --l1-ratio, not both")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of columns that the terminal cannot show
    choice = Choice(options.alpha, options.l1_ratio, options.standardize)
    try:
        if options.sample is None and is_large(options.data):
            large = LargeFit.of(
                options.data,
                options.target,
                reading,
                choice=choice,
                n_strongest=N_STRONGEST,
                infers=options.infer,
                reference=options.reference,
            )
            text = large_as_json(large) if options.json else large_as_text(large)
        else:
            table = wine_table() if options.data is None else read_table(options.data, options.target, reading)
            target = options.target or "wine"
            check_reference(table.name, table.classes, options.reference, target)
            check_classes(table, target, options.folds, is_sample=options.sample is not None)
            comparison = Comparison.of(table, choice=choice, n_folds=options.folds, n_strongest=N_STRONGEST)
            report = report_on(table, choice, options.reference) if options.infer else None
            text = (as_json if options.json else as_text)(comparison, report)
    except UnusableDataError as error:
        print(f"softglm: {error}", file=sys.stderr)
        return 1
    try:
        print(text, flush=True)
    except BrokenPipeError:  # the reader, head or a pager, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="softglm",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "data",
        nargs="?",
        type=Path,
        help="a CSV file with a header line, its fields separated by commas, semicolons or tabs, packed (gzip, bzip2, "
        "xz, zip) or not, or a Parquet file; "
        "numeric columns are used as they are, the others one-hot encoded, numbers with leading zeros among them "
        "(default: scikit-learn's wine data)",
    )
    _add_options_of_the_file(parser)
    _add_options_of_the_models(parser)
    _add_options_of_what_is_printed(parser)
    parser.add_argument("--version", action="version", version=f"softglm {__version__}")
    return parser


def _add_options_of_the_file(parser: argparse.ArgumentParser) -> None:
    file = parser.add_argument_group("the file")
    file.add_argument("--target", metavar="COLUMN", help="the column to predict")
    file.add_argument(
        "--drop", metavar="COLUMN", action="append", default=[], help="a column to leave out; may be given repeatedly"
    )
    file.add_argument(
        "--missing",
        choices=[way.value for way in Missing],
        default=Missing.ERROR.value,
        help="what to do where values are missing: stop with an error that counts them (the default), drop such rows, "
        "or impute the median of numbers and else the most frequent value, taken from the rows that are fitted; rows "
        "without a class to predict are dropped in both cases",
    )
    file.add_argument(
        "--na",
        metavar="TEXT",
        action="append",
        default=[],
        help="an entry that stands for a missing value, beside those below; may be given repeatedly",
    )
    file.add_argument(
        "--not-na",
        metavar="TEXT",
        action="append",
        default=[],
        help="one of those below that is a value like others; may be given repeatedly",
    )
    file.add_argument(
        "--sample",
        type=_from_two,
        metavar="N",
        help="use N rows of the file, drawn in the shares of the classes, the same ones every time; the file's other "
        "rows are as if they were not there (default: all)",
    )
    file.add_argument(
        "--decimal",
        choices=["point", "comma"],
        help="the decimal mark of columns that leave it open; the other mark is between thousands",
    )
    file.add_argument(
        "--weights",
        metavar="COLUMN",
        help="a column of numbers, no feature, that says how much each row counts: in both classifiers, the scaler, "
        "the scores and --infer; rows of weight 0 are left out",
    )
    file.add_argument(
        "--weights-are",
        choices=["copies", "sampling"],
        help="what they are, for --infer: numbers of copies of a row (fweight in Stata), or how many members of a "
        "population it stands for (pweight), which leaves robust standard errors (default: copies if all are whole "
        "numbers)",
    )


def _add_options_of_the_models(parser: argparse.ArgumentParser) -> None:
    model = parser.add_argument_group("the models")
    model.add_argument(
        "--alpha",
        type=_alpha,
        metavar="NUMBER",
        help="strength of the penalty, at least 0; LogisticRegression gets C = 1 / (alpha W), where W is the number of "
        "rows it is fitted on, or their weight (default: 1/W, which is C = 1)",
    )
    model.add_argument(
        "--l1-ratio",
        type=_ratio,
        metavar="NUMBER",
        default=0.0,
        help="share of the penalty that is lasso, which leaves coefficients at 0, from 0 (the default: a ridge) to 1; "
        "LogisticRegression then needs its solver saga",
    )
    model.add_argument(
        "--standardize",
        action="store_true",
        help="have the SoftmaxGLM that is fitted to all rows, for its coefficients, penalise columns in units of their "
        "standard deviations",
    )
    model.add_argument(
        "--folds", type=_from_two, default=5, metavar="K", help="folds of the cross-validation (default: 5)"
    )


def _add_options_of_what_is_printed(parser: argparse.ArgumentParser) -> None:
    output = parser.add_argument_group("what is printed")
    output.add_argument(
        "--infer",
        action="store_true",
        help="print the coefficients too, relative to a class, with standard errors, tests and intervals: of a "
        "fit to all rows without a penalty, unless --alpha asks for one",
    )
    output.add_argument("--reference", metavar="CLASS", help="that class (default: the first)")
    output.add_argument("--json", action="store_true", help="print the same numbers as JSON")


def _check_markers(parser: argparse.ArgumentParser, reading: Reading) -> None:
    """Reject what --not-na cannot mean: an entry that --na says the opposite of, or one that is a value as it is."""
    both = sorted(reading.na & reading.not_na)
    if both:
        parser.error(f"--na and --not-na both have {both[0]!r}: give one")
    others = sorted(reading.not_na - MARKERS - frozenset(MISSING_NUMBERS))
    if others:
        parser.error(f"--not-na has {others[0]!r}, which counts as a value anyway: --help lists what counts as missing")


def _reading(options: argparse.Namespace) -> Reading:
    return Reading(
        dropped=tuple(dict.fromkeys(options.drop)),
        na=frozenset(text.strip() for text in options.na),
        not_na=frozenset(text.strip() for text in options.not_na),
        missing=Missing(options.missing),
        sample=options.sample,
        notation=None if options.decimal is None else Notation[options.decimal.upper()],
        weights=options.weights,
        are_copies=None if options.weights_are is None else options.weights_are == "copies",
    )


def _alpha(text: str) -> float:
    return _number(text, MOST_ALPHA)


def _ratio(text: str) -> float:
    return _number(text, 1.0)


def _number(text: str, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= most:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to {most:g}, got {text!r}")
    return value


def _from_two(text: str) -> int:
    try:
        value = int(text) if text.isdecimal() else 0
    except ValueError:  # of thousands of digits, which Python does not read
        raise argparse.ArgumentTypeError(f"expected a whole number, got one of {len(text)} digits") from None
    if value < 2:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 2, got {text!r}")
    return value
