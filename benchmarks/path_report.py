"""Paths that were measured, as text: times of others over ours, with the gaps to which everybody came."""

import math

from benchmarks.report import aligned, head

# Below this n p rows are tiny: a fit is a millisecond, and what is called is what takes the time.
LARGE = 10_000
_MIB = 2**20


def full(results):
    """Return every table of a result file."""
    versions = f"{head(results)}\nglmnet {results['glmnet']}; {results['threads']} thread"
    parts = [versions, _paths(results), means(results), _cold(results), _memory(results)]
    return "\n\n".join(part for part in parts if part)


def ratios(line, name):
    """Return a solver's seconds over ours at 1e-4 and at 1e-6, None for what was not measured."""
    theirs, ours = line["solvers"].get(name), our_solvers(line)
    if theirs is None or theirs["seconds"] is None or theirs["points"] < line["n_strengths"]:
        return [None] * len(ours)
    return [None if solver["seconds"] is None else theirs["seconds"] / solver["seconds"] for solver in ours]


def our_solvers(line):
    """Return what was measured of softglm, loosest tolerance first."""
    return [solver for name, solver in line["solvers"].items() if name.startswith("softglm")]


def other_names(results):
    """Return the names of all other solvers, in order."""
    names = [name for line in results["paths"] for name in line["solvers"] if not name.startswith("softglm")]
    return list(dict.fromkeys(names))


def means(results):
    """Return geometric means of the ratios for each kind, of rows that are real and large, of others, of tiny ones."""
    groups = {
        f"real, n p >= {LARGE:,}": lambda line: line["is_real"] and line["n"] * line["p"] >= LARGE,
        "drawn": lambda line: not line["is_real"],
        "tiny": lambda line: line["n"] * line["p"] < LARGE,
    }
    names = other_names(results)
    rows = [["geometric means", "paths", *[f"{name}, over ours 1e-4 / 1e-6 (least)" for name in names]]]
    for kind in dict.fromkeys(line["kind"] for line in results["paths"]):
        for group, belongs in groups.items():
            lines = [line for line in results["paths"] if line["kind"] == kind and belongs(line)]
            if lines:
                cells = [
                    " / ".join(map(_mean, zip(*(ratios(line, name) for line in lines), strict=True))) for name in names
                ]
                rows.append([f"{kind}, {group}", str(len(lines)), *cells])
    return aligned(rows) if len(rows) > 1 else ""


def _mean(values):
    values = [value for value in values if value is not None]
    if not values:
        return "-"
    return f"{math.exp(sum(map(math.log, values)) / len(values)):.2f} ({min(values):.2f})"


def _paths(results):
    """Return a line for each path: our times, and beside each of the others' ratios its worst gap.

    A number in brackets is how many of the points a solver came to, where that is not all of them.
    """
    names = other_names(results)
    heading = ["problem", "penalty", "n", "p", "K", "ms 1e-4", "1e-6", "proved", "gap"]
    for name in names:
        heading += [name, "gap"]
    rows = [heading]
    for line in results["paths"]:
        ours = our_solvers(line)
        row = [line["problem"], line["kind"], *(str(line[size]) for size in "npK")]
        row += [_time(solver, line) for solver in ours]
        row += [" / ".join(_power(solver[what]) for solver in ours) for what in ("proved", "gap")]
        for name in names:
            solver = line["solvers"].get(name)
            if solver is None:
                row += ["", ""]
                continue
            times = " / ".join("-" if value is None else f"{value:.2f}" for value in ratios(line, name))
            alone = not any(each["seconds"] for each in ours) or solver["points"] < line["n_strengths"]
            row += [_time(solver, line, "ms") if alone else times, _power(solver["gap"])]
        rows.append(row)
    notes = [
        f"{line['problem']}, {line['kind']}: {name}: {solver['note']}"
        for line in results["paths"]
        for name, solver in line["solvers"].items()
        if solver["note"]
    ]
    return "\n".join([aligned(rows), *notes]) if len(rows) > 1 else ""


def _time(solver, line, unit=""):
    if solver["seconds"] is None:
        return "-"
    points = "" if solver["points"] == line["n_strengths"] else f" [{solver['points']}]"
    return f"{1e3 * solver['seconds']:.3g}{unit and ' ' + unit}{points}"


def _power(value):
    return "-" if value is None else f"{value:.0e}"


def _cold(results):
    names = list(dict.fromkeys(name for line in results["cold"] for name in line["solvers"]))
    heading = ["one cold fit", "penalty", "nonzero", "ms", "proved", "gap"]
    for name in names:
        heading += [f"{name} ms", "ratio", "gap", "tol"]
    rows = [heading]
    for line in results["cold"]:
        row = [line["problem"], line["kind"], str(line["n_nonzero"]), f"{1e3 * line['seconds']:.3g}"]
        row += [_power(line["proved"]), _power(line["gap"])]
        for name in names:
            solver = line["solvers"].get(name)
            if solver is None:
                row += [""] * 4
                continue
            ratio = f"{solver['seconds'] / line['seconds']:.3g}"
            row += [f"{1e3 * solver['seconds']:.3g}", ratio, _power(solver["gap"]), _power(solver["tol"])]
        rows.append(row)
    return aligned(rows) if len(rows) > 1 else ""


def _memory(results):
    rows = [["memory of a path", "penalty", "columns", "pairs", "MiB at peak", "n columns + K n + pairs^2", "of X"]]
    for line in results["memory"]:
        sizes = [f"{line[what] / _MIB:.3g}" for what in ("peak", "needed", "rows")]
        rows.append([line["problem"], line["kind"], str(line["n_columns"]), str(line["n_pairs"]), *sizes])
    return aligned(rows) if len(rows) > 1 else ""
