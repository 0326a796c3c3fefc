"""The numbers that decide how a fit is made, never what it means: sizes of blocks and samples, and what pays."""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Tuning:
    """How a fit is made.

    The defaults were measured. Another choice changes the time of a fit and its last digits; and without Hessians, or
    where features are not decomposed, less can be proved, or decided of separation.

    Attributes
    ----------
    cached_numbers, cached_single_numbers : int
        A block of rows with its eta and mean has so many numbers at most, to stay in the processor's cache; and of
        those in single precision, of which there may be more.
    least_rows, most_rows : int
        But no fewer rows than this, or Python's share grows, and no more.
    entries_per_feature : int
        So many entries of X for each feature at least: adding up the (p, q) sums of the blocks must stay cheap beside
        computing them.
    long_pass, n_parts : int
        Passes over so many entries of X are made in threads, as so many parts; shorter ones measured slower that way.
    held_numbers, held_products : int
        Rows are few, and held as columns, while a pass works on no more numbers than these; products of their features
        are held if they are no more.
    rows_per_feature, least_sample : int
        Enough rows to tell second moments, the pilot size: so many for each feature, and in all.
    few_entries : int
        To choose among so few entries of X would cost as much as to use them all.
    unusual : float
        Rows whose score is below in a uniform sample are nothing unusual, and equal chances will do.
    in_single_precision : bool
        Whether most of a fit may run in float32.
    copied_entries : int
        Rows of no more entries than this are copied for it; others are converted as they are read.
    near : float
        Relative to its spread, how far from 0 the mean of a column may be that is rounded as it comes.
    decomposed_features, decomposed_unpenalised : int
        Up to this many features their full second moments are decomposed (p^3), beyond only their scales are used; and
        where nothing is penalised and a proof is possible, for which collinear columns have to be found.
    sampled_rows, sampled_entries : int
        Where passes are dear a sample of so many rows, of no more entries of X, is kept in memory, and tells what
        Hessians are.
    reduced_rows : int
        With more features than rows, and up to this many rows, the fit is reduced to the space that they span.
    hessian_parameters : int
        The exact Hessian is used up to this many parameters.
    newton_price : float
        Every step is Newton's where a Hessian costs no more than so many evaluations.
    widest : float
        The most that the spreads of penalised columns may differ by when they are reduced to the space of the rows.
    clear : float
        Products of rows square the singular values: squares down to this, relative to the largest, are told well
        enough.
    is_dual : bool
        Whether the duality gap may prove the optimum.
    """

    cached_numbers: int = 2**17
    cached_single_numbers: int = 2**19
    least_rows: int = 1024
    most_rows: int = 8192
    entries_per_feature: int = 32
    long_pass: int = 2**21
    n_parts: int = 8
    held_numbers: int = 2**17
    held_products: int = 2**17
    rows_per_feature: int = 16
    least_sample: int = 1024
    few_entries: int = 2**17
    unusual: float = 3.3
    in_single_precision: bool = True
    copied_entries: int = 2**20
    near: float = 8.0
    decomposed_features: int = 2048
    decomposed_unpenalised: int = 8192
    sampled_rows: int = 100_000
    sampled_entries: int = 2**23
    reduced_rows: int = 2048
    hessian_parameters: int = 4096
    newton_price: float = 1.25
    widest: float = 1e5
    clear: float = 1e-4
    is_dual: bool = True


DEFAULT = Tuning()
"""What was measured to be best."""
