"""Random problems fitted by softglm, and judged by a Newton method in 80-bit arithmetic: no proof below the truth.

    python -m benchmarks fuzz --cases 10000 --seed 0 --jobs 2

What counts as a fault:

- *proof below the truth*: `gap_kind_` names a proof, and f at the returned coefficients, taken as they are, is further
  above another point than `gap_` says, by more than the rounding of the reference;
- *negative loss*, and *loss below the minimum* by more than 1e-12 (1 + |f|);
- *loss is not f*: a proof beside a `loss_` further than `gap_` and 1e-12 (1 + |f|) from f at the returned coefficients;
- *converged above tol*: `converged_`, and the true relative gap is larger than `tol` (1e-6 for float32), by more than
  an ulp of 1 + |f|: features may explain less than that;
- *converged, separated*: `converged_` at alpha = 0 where linear programming finds, and extended precision confirms,
  that there is no minimiser; *called separated, overlaps* where Newton's method finds one;
- *exception* that is no ValueError, *warning* that is none for users, *not finite* coefficients or loss.

A case is counted under its kind; a quarter have the troubles of others too. The truth is *unknown* where neither could
be proved: proofs are checked there too, since every point is above the minimum. "refused" is a ValueError; "one class"
is what is left where no other has weight. Columns of nothing but zeros are left out.

Ratios are of `gap_` to the truth, over proofs whose truth is above the rounding of the reference.
"""

import argparse
import sys
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing import get_context

import numpy as np
from scipy import sparse

from benchmarks import report
from benchmarks.extended import (
    REAL,
    Objective,
    applied,
    check_arithmetic,
    exact,
    minimised,
    orthogonalised,
    power_of_two,
    separation,
)
from benchmarks.fuzz_problems import KINDS, problem

# What the rounding of a loss in double may be, of 1 + |f|.
_LOSS_ROUNDING = 1e-12
_RESOLUTION = 2.0**-52
_REPORTED = 1000
_SINGLE_TOLERANCE = 1e-6
_ABSENT = 2.0**-52  # the share below which one of two classes counts as absent
FAULTS = (
    "proof below the truth",
    "negative loss",
    "loss below the minimum",
    "loss is not f",
    "converged above tol",
    "converged, separated",
    "called separated, overlaps",
    "exception",
    "warning",
    "not finite",
)


@dataclass
class Verdict:
    """What one fit claimed, and what is true.

    Attributes
    ----------
    number : int
    kind : str
    what : str
        The kinds and sizes of the problem.
    status : str
        How the fit ended, in short.
    truth : {"minimiser", "separated", "unknown", "one class", "refused"}
        Whether the reference has proved that it is at a minimiser, or that there is none.
    is_proof : bool
    claimed, true_gap, error : float
        `gap_`, the truth, and the rounding of that.
    settled : float
        What is left of the true gap where the intercepts are the best for these coefficients; of faulty fits
        that are no worse than the model without features.
    explained : float
        How much lower the minimum is than the best model without features.
    faults : list of str
    words : str
        Of an exception or a warning.
    """

    number: int
    kind: str
    what: str
    status: str = "refused"
    truth: str = "refused"
    is_proof: bool = False
    claimed: float = np.nan
    true_gap: float = np.nan
    error: float = np.nan
    settled: float = np.nan
    explained: float = np.nan
    faults: list = field(default_factory=list)
    words: str = ""


@dataclass(frozen=True, eq=False)
class Truth:
    """A problem in extended precision.

    Attributes
    ----------
    objective : Objective
    factor : pair
        Of coefficients, the intercept first, to the parameters of the objective.
    present : bool array of shape (K,)
    fit_intercept : bool
    alpha : float
    """

    objective: Objective
    factor: tuple
    present: np.ndarray
    fit_intercept: bool
    alpha: float

    @property
    def is_binary(self):
        """Whether there is one equation for two classes."""
        return len(self.present) == 2

    def parameters(self, coef, intercept):
        """Return coefficients as they are, exactly, in the coordinates of the objective."""
        rows = np.vstack([intercept, coef.T]) if self.fit_intercept else coef.T
        if self.is_binary:
            return applied(self.factor, exact(rows))
        rows, pivot = exact(rows[:, self.present])[0], self._pivot
        moved = [_two_difference(rows[:, other], rows[:, pivot]) for other in self.objective.others]
        return applied(self.factor, tuple(np.array(part).T for part in zip(*moved, strict=True)))

    def are_finite(self, intercept):
        """Tell whether the intercepts of the classes that are present are finite."""
        return bool(np.isfinite(intercept if self.is_binary else intercept[self.present]).all())

    @property
    def _pivot(self):
        (pivot,) = set(range(self.objective.shares.shape[1])) - set(self.objective.others.tolist())
        return pivot

    def common_penalty(self, coef):
        """Return the penalty of what coefficients have in common over the classes: the minimum has nothing."""
        if self.is_binary:
            return REAL(0)
        means = exact(coef[self.present])[0].mean(axis=0)
        return REAL(self.alpha) / 2 * self.present.sum() * (means**2).sum()


def _two_difference(one, other):
    difference = one - other
    back = difference - one
    return difference, (one - (difference - back)) - (other + back)


def truth_of(draft, alpha):
    """Return the problem of a draft, or None where only one class has weight."""
    X = np.asarray(draft.X.toarray() if sparse.issparse(draft.X) else draft.X, dtype=REAL)
    counts = draft.y if draft.y.ndim == 2 else draft.y[:, np.newaxis] == np.unique(draft.y)
    shares = np.asarray(counts, dtype=REAL) * (1 if draft.weights is None else exact(draft.weights)[0][:, np.newaxis])
    shares = shares * _class_factors(draft, shares)
    totals = shares.sum(axis=0)
    present = totals > (_ABSENT * totals.sum() if len(totals) == 2 else 0)
    if present.sum() < 2:
        return None
    rows = shares.sum(axis=1) > 0
    shares = shares[rows][:, present] / totals.sum()
    offset = _relative_offset(draft, present)[rows]
    pivot = 0 if len(totals) == 2 else int(shares.sum(axis=0).argmax())
    fit_intercept = draft.options["fit_intercept"]
    basis, penalised, strength, factor = _coordinates(X[rows], shares.sum(axis=1), alpha, fit_intercept=fit_intercept)
    others = np.delete(np.arange(present.sum()), pivot)
    q = len(others)
    coupling = np.identity(q, dtype=REAL) - (0 if len(totals) == 2 else REAL(1) / (q + 1))
    objective = Objective(basis, penalised, strength, coupling, shares, offset, others)
    return Truth(objective, factor, present, fit_intercept, alpha)


def _class_factors(draft, shares):
    given = draft.options.get("class_weight")
    if given is None:
        return REAL(1)
    totals = shares.sum(axis=0)
    if given == "balanced":
        return np.where(totals > 0, totals.sum() / ((totals > 0).sum() * np.where(totals > 0, totals, 1)), 1)
    classes = np.unique(draft.y).tolist() if draft.y.ndim == 1 else range(len(totals))
    return np.array([given.get(label, 1.0) for label in classes], dtype=REAL)


def _relative_offset(draft, present):
    """Return the offset less the largest of each row, of the classes that are present."""
    n = draft.X.shape[0]
    if draft.offset is None:
        return np.zeros((n, present.sum()), dtype=REAL)
    offset = np.asarray(draft.offset, dtype=REAL)
    if offset.ndim == 1:
        offset = np.column_stack([np.zeros(n, dtype=REAL), offset])
    offset = offset[:, present]
    return offset - offset.max(axis=1, keepdims=True)


def _coordinates(X, weights, alpha, *, fit_intercept):
    """Return the orthogonal columns, those of the penalty, its strength, and the way there."""
    (n, p), n_constants = X.shape, int(fit_intercept)
    columns = np.column_stack([np.ones((n, n_constants), dtype=REAL), X])
    # Any powers of two will do: they only decide how well f is conditioned.
    units = power_of_two(np.sqrt(weights))[:, np.newaxis]
    strength = power_of_two(np.sqrt(REAL(alpha))) if alpha else REAL(0)
    penalised = np.column_stack([np.zeros((p, n_constants), dtype=REAL), np.identity(p, dtype=REAL)])
    basis, factor = orthogonalised(np.vstack([columns * units, penalised * strength]), n_constants)
    relative = REAL(alpha) / strength**2 if alpha else REAL(0)
    return basis[:n] / units, basis[n:], relative, factor


def null_point(truth):
    """Return the parameters of the best model without features."""
    start = truth.objective.origin
    if not truth.fit_intercept:
        return start
    alone = _constants(truth.objective, truth.objective.offset)
    start[:1] = minimised(alone, alone.origin).point.parameters
    return start


def _constants(full, offset):
    """Return f of intercepts alone, whose column is the first of the basis."""
    nothing = full.penalised[:0, :1]
    return Objective(full.basis[:, :1], nothing, REAL(0), full.coupling, full.shares, offset, full.others)


def judge(draft, number=0):
    """Return the verdict on one fit."""
    from softglm import SoftmaxGLM

    (n, p), options = draft.X.shape, draft.options
    what = f"{' + '.join(draft.kinds)}: n = {n}, p = {p}, K = {draft.n_classes}, {options}"
    verdict, model = Verdict(number, draft.kinds[0], what), SoftmaxGLM(**options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model.fit(draft.X, draft.y, draft.weights, draft.offset)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is counted
            is_clear = isinstance(error, ValueError) and not isinstance(error, np.linalg.LinAlgError)
            verdict.words = str(error) if is_clear else traceback.format_exc()
            verdict.faults += [] if is_clear else ["exception"]
            return verdict
    leaked = [str(one.message) for one in caught if not issubclass(one.category, UserWarning)]
    if leaked:
        verdict.faults.append("warning")
        verdict.words = leaked[0]
    verdict.status = short_status(model.status_)
    verdict.is_proof, verdict.claimed = model.gap_kind_ != "estimate", float(model.gap_)
    _compare(verdict, model, draft)
    return verdict


def short_status(status):
    """Return the name of a status."""
    from softglm.status import Status

    matching = [one for one in Status if status.startswith(one.value)]
    return max(matching, key=lambda one: len(one.value)).name.lower()


def _compare(verdict, model, draft):
    truth = truth_of(draft, model.alpha_)
    if truth is None:
        verdict.truth = "one class"
        verdict.faults += ["negative loss"] * (model.loss_ < 0.0)
        return
    if not (np.isfinite(model.coef_).all() and np.isfinite(model.loss_) and truth.are_finite(model.intercept_)):
        verdict.truth = "unknown"
        verdict.faults.append("not finite")
        return
    here, null = truth.parameters(model.coef_, model.intercept_), null_point(truth)
    best, verdict.truth = _reference(truth, here, null)
    gap, error = truth.objective.gap(here, best.point)
    verdict.true_gap, verdict.error = float(gap + truth.common_penalty(model.coef_)), float(error)
    verdict.explained = float(truth.objective.gap(null, best.point)[0])
    verdict.faults += list(_faults(verdict, model, float(best.point.value)))
    if verdict.faults and verdict.true_gap <= verdict.explained:
        verdict.settled = float(_settled(truth, here) - best.point.value)


def _settled(truth, here):
    """Return f with the best intercepts beside these coefficients."""
    full = truth.objective
    if not truth.fit_intercept:
        return full.at(here).value
    beside = full.offset + full.eta(here)
    alone = _constants(full, beside - beside.max(axis=1, keepdims=True))
    return minimised(alone, alone.origin).point.value + full.penalty(here)


def _reference(truth, here, null):
    """Return where Newton's method arrives from the fit or the null model, or from both, and what that proves."""
    objective = truth.objective
    first, second = sorted((here, null), key=lambda start: objective.at(start).value)
    best = minimised(objective, first)
    if best.exists(objective):
        return best, "minimiser"
    if truth.alpha == 0.0 and separation(objective) is not None:
        return best, "separated"
    best = min(best, minimised(objective, second), key=lambda one: one.point.value)
    return best, "minimiser" if best.exists(objective) else "unknown"


def _faults(verdict, model, minimum):
    allowed = _LOSS_ROUNDING * (1.0 + abs(minimum))
    f, gained = minimum + verdict.true_gap, verdict.true_gap - verdict.error
    if verdict.is_proof and not gained <= verdict.claimed:
        yield "proof below the truth"
    if model.loss_ < 0.0:
        yield "negative loss"
    if verdict.truth == "minimiser" and model.loss_ < minimum - allowed:
        yield "loss below the minimum"
    if verdict.is_proof and not abs(model.loss_ - f) <= verdict.claimed + allowed:
        yield "loss is not f"
    tol = max(model.tol, _SINGLE_TOLERANCE) if model.coef_.dtype == np.float32 else model.tol
    if model.converged_ and not gained <= tol * verdict.explained + _RESOLUTION * (1.0 + abs(minimum)):
        yield "converged above tol"
    if model.converged_ and verdict.truth == "separated":
        yield "converged, separated"
    if verdict.status == "separated" and verdict.truth == "minimiser":
        yield "called separated, overlaps"


def _judged(seed_and_number):
    seed, number = seed_and_number
    return judge(problem(seed, number), number)


def run(seed, numbers, jobs=1):
    """Yield the verdict on each case, in order."""
    cases = [(seed, number) for number in numbers]
    if jobs == 1:
        yield from map(_judged, cases)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(_judged, cases, chunksize=16)


def table(verdicts):
    """Return the verdicts by kind, ratios, and faults with the numbers of their cases."""
    return "\n\n".join([_by_kind(verdicts), _proofs(verdicts), _by_fault(verdicts)])


_STATUSES = ("converged", "precision", "iterations", "rounded", "separated", "undecided", "non_finite", "refused")
_TRUTHS = ("minimiser", "separated", "unknown", "one class")


def _by_kind(verdicts):
    heads = ["kind", "cases", "proofs", "estimates", *_STATUSES, *(f"true: {truth}" for truth in _TRUTHS), "faulty"]
    rows = [[kind, *_counts([one for one in verdicts if kind in (one.kind, "all")])] for kind in [*KINDS, "all"]]
    kept = [k for k in range(len(heads)) if any(row[k] for row in rows)]
    return report.aligned([[str(row[k]) for k in kept] for row in [heads, *rows]])


def _counts(verdicts):
    statuses, truths = Counter(one.status for one in verdicts), Counter(one.truth for one in verdicts)
    n_proofs, n_fits = sum(one.is_proof for one in verdicts), sum(one.status != "refused" for one in verdicts)
    numbers = [len(verdicts), n_proofs, n_fits - n_proofs, *(statuses[name] for name in _STATUSES)]
    return [*numbers, *(truths[name] for name in _TRUTHS), sum(bool(one.faults) for one in verdicts)]


def _proofs(verdicts):
    ratios = {
        one.claimed / one.true_gap: one.number for one in verdicts if one.is_proof and one.true_gap > 2.0 * one.error
    }
    if not ratios:
        return "no proof whose truth is above the rounding of the reference"
    least, median = min(ratios), float(np.median(list(ratios)))
    return (
        f"gap_ over the truth, in {len(ratios)} proofs whose truth is above the rounding of the reference: "
        f"least {least:.3g} (case {ratios[least]}), median {median:.3g}"
    )


def _by_fault(verdicts):
    lines = []
    for fault in FAULTS:
        those = [one for one in verdicts if fault in one.faults]
        numbers = " ".join(str(one.number) for one in those)
        text = f"{fault}: {len(those)}"
        if those and fault == FAULTS[0]:
            text += f", of which {sum(one.true_gap > _LOSS_ROUNDING for one in those)} by more than {_LOSS_ROUNDING:g}"
        lines.append(f"{text}  {numbers}".rstrip())
    return "\n".join(lines)


def told(verdict):
    """Return what one case was, in lines."""
    lines = [f"case {verdict.number}, {verdict.what}", f"  {', '.join(verdict.faults) or 'no fault'}"]
    if verdict.truth != "refused":
        lines.append(
            f"  {verdict.status}, in truth {verdict.truth}; {'proved' if verdict.is_proof else 'estimated'} gap "
            f"{verdict.claimed:.3g}, true gap {verdict.true_gap:.3g} +- {verdict.error:.1g} of {verdict.explained:.3g} "
            "that is explained"
        )
    if verdict.faults and np.isfinite(verdict.settled):
        lines.append(f"  with the best intercepts beside these coefficients, the true gap is {verdict.settled:.3g}")
    return "\n".join(lines + [f"  {verdict.words}"] * bool(verdict.words))


def add_options(parser):
    """Add the options of the command."""
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--only", type=int, action="append", help="the number of a case, to run it alone and tell it")
    parser.add_argument("--verbose", action="store_true", help="tell every case that is at fault or was refused")


def main(options):
    """Run and print; exit with 1 if there are faults."""
    check_arithmetic()
    start, verdicts = time.perf_counter(), []
    for verdict in run(options.seed, options.only or range(options.cases), options.jobs):
        verdicts.append(verdict)
        if len(verdicts) % _REPORTED == 0:
            print(f"{len(verdicts)} cases, {time.perf_counter() - start:.0f} s", file=sys.stderr)
        if options.only or (options.verbose and (verdict.faults or verdict.words)):
            print(told(verdict), flush=True)
    if not options.only:
        print(table(verdicts))
        print(f"\n{len(verdicts)} cases, seed {options.seed}: {time.perf_counter() - start:.0f} s")
    if any(one.faults for one in verdicts):
        raise SystemExit(1)


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(given)
    main(given.parse_args())
