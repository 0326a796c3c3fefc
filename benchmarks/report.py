"""Result files as text: the headline, every cell, the targets that were set, and one file against another."""

from benchmarks.ratios import OURS, Ratio, best_of, geometric_mean, our_seconds, ratio

LBFGS = "scikit-learn lbfgs"
FAMILIES = ("scikit-learn", "plain L-BFGS", "statsmodels", "cyanure", "nnet", "glmnet")
_NOTICEABLE = 1.1
_CONVERGED_GAP = 1e-8


def aligned(rows):
    """Return rows of strings as lines: the first column to the left, the others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if first else cell.rjust(width)
            for first, cell, width in zip([True] + [False] * len(row), row, widths, strict=False)
        ).rstrip()
        for row in rows
    )


def _shown(value):
    return "-" if value is None else str(value)


def _milliseconds(seconds):
    return "never" if seconds is None else f"{1e3 * seconds:.3g}"


def cells_of(results, threads=None):
    """Return the measured cells, those with so many threads where it is given."""
    return [cell for cell in results["cells"] if threads is None or cell["threads"] == threads]


def head(results):
    """Return where the results come from."""
    machine = results["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items() if version)
    lines = [
        f"softglm {machine['softglm']} ({machine['commit']}), Python {machine['python']}, {packages}",
        "; ".join(
            [machine["R"] or "no R", machine["cpu"], f"{machine['cores']} cores", *machine["blas"], machine["date"]]
        ),
    ]
    if results.get("skipped"):
        lines.append("Skipped: " + "; ".join(f"{name} ({why})" for name, why in results["skipped"].items()))
    return "\n".join(lines)


def headline(results, target, threads):
    """Return one line for each group: geometric means of how many times longer the others take."""
    groups = {}
    for cell in cells_of(results, threads):
        groups.setdefault(cell["group"], []).append(cell)
    rows = [["problems", "cells", "best sklearn", "least", "sklearn lbfgs", *FAMILIES[1:]]]
    for group, cells in groups.items():
        best = [best_of(cell, "scikit-learn", target)[0] for cell in cells]
        found = [value for value in best if value is not None]
        others = [geometric_mean(best_of(cell, family, target)[0] for cell in cells) for family in FAMILIES[1:]]
        rows.append(
            [
                group,
                str(len(cells)),
                _shown(geometric_mean(best)),
                _shown(min(found, default=None, key=lambda value: value.value)),
                _shown(geometric_mean(ratio(cell, LBFGS, target) for cell in cells)),
                *map(_shown, others),
            ]
        )
    title = (
        f"Times as long as softglm to a relative gap of {target}, geometric means, {threads} BLAS thread(s); "
        "> where a rival was stopped or never arrived, counted as at most 20"
    )
    return f"{title}\n{aligned(rows)}"


def table(results, target, threads):
    """Return one line for each cell."""
    rows = [["problem", "n", "p", "K", "ours, ms", "evals", "passes", "best sklearn", "", "lbfgs", *FAMILIES[1:]]]
    for cell in cells_of(results, threads):
        size = [str(cell[letter]) for letter in "npK"]
        if "failed" in cell:
            rows.append([cell["case"], *size, cell["failed"], *[""] * (len(rows[0]) - 5)])
            continue
        best, name = best_of(cell, "scikit-learn", target)
        others = [_shown(best_of(cell, family, target)[0]) for family in FAMILIES[1:]]
        rows.append(
            [
                cell["case"],
                *size,
                _milliseconds(our_seconds(cell, target)),
                str(cell["softglm"]["evaluations"]),
                str(cell["softglm"].get("passes", "")),  # files of earlier versions have none
                _shown(best),
                (name or "").removeprefix("scikit-learn "),
                _shown(ratio(cell, LBFGS, target)),
                *others,
            ]
        )
    return aligned(rows)


def shortfalls(results, target, threads):
    """Return every cell in which some scikit-learn solver is faster, or something is not as it should be."""
    lines = []
    for cell in cells_of(results, threads):
        if "failed" in cell:
            lines.append(f"{cell['case']}: {cell['failed']}")
            continue
        best, name = best_of(cell, "scikit-learn", target)
        if our_seconds(cell, target) is None:
            lines.append(f"{cell['case']}: softglm does not reach {target}")
        elif best is not None and best.value < 1.0:
            lines.append(f"{cell['case']}: {best} of {name}")
        ours, reference = cell["softglm"], cell["reference"]
        allowed = 1e-6 if cell["dtype"] == "float32" else _CONVERGED_GAP
        if ours["converged"] and ours["gap"] > allowed:
            lines.append(f"{cell['case']}: converged_, but the relative gap is {ours['gap']:.1e}")
        if not ours["converged"]:
            lines.append(f"{cell['case']}: {ours['status']}")
        if reference["lowest_gap_seen"] < -1e-10 or (reference["newton"] or 0.0) > 1e-10:
            lines.append(f"{cell['case']}: another solver found a lower minimum than softglm's tightest fit")
    return "\n".join(lines) or "none"


def goals(results, target, threads):
    """Return the numbers that section 2 of the specification asks for, as far as they were measured."""
    cells = [cell for cell in cells_of(results, threads) if "failed" not in cell]
    real = {
        scaling: [cell for cell in cells if cell["group"] == f"real, {scaling}"] for scaling in ("raw", "standardised")
    }
    every = [best_of(cell, "scikit-learn", target)[0] for cell in cells]
    every = [value for value in every if value is not None]
    rows = [["", "asked", "measured"]]

    def row(what, asked, value):
        rows.append([what, asked, _shown(value)])

    for scaling, asked in (("raw", ">= 6"), ("standardised", ">= 3")):
        row(
            f"best scikit-learn, real {scaling}",
            asked,
            geometric_mean(best_of(cell, "scikit-learn", target)[0] for cell in real[scaling]),
        )
    row("best scikit-learn, least of all problems", ">= 1", min(every, default=None, key=lambda value: value.value))
    raw = [cell for cell in cells if cell["scaling"] == "raw"]
    row("scikit-learn's default lbfgs, raw", ">= 15", geometric_mean(ratio(cell, LBFGS, target) for cell in raw))
    for family in ("statsmodels", "nnet", "cyanure"):
        row(family, ">= 5", geometric_mean(best_of(cell, family, target)[0] for cell in cells))
    small = [best_of(cell, "scikit-learn", target)[0] for cell in cells if cell["source"] in {"iris", "wine"}]
    small = [value for value in small if value is not None]
    row("iris and wine, least", ">= 1", min(small, default=None, key=lambda value: value.value))
    for dtype in ("float64", "float32"):
        probes = [ratio(cell, LBFGS, target) for cell in cells if cell["source"].endswith(f"_{dtype}")]
        probes = [value for value in probes if value is not None]
        row(f"lbfgs on probes {dtype}, least", ">= 2", min(probes, default=None, key=lambda value: value.value))
        row(f"lbfgs on probes {dtype}, best", ">= 5", max(probes, default=None, key=lambda value: value.value))
    for what, value in _float32_gains(cells, target):
        row(f"float32 over our own float64, {what}", ">= 1.5", value)
    return aligned(rows)


def _float32_gains(cells, target):
    seconds = {cell["case"]: our_seconds(cell, target) for cell in cells}
    for name, narrow in seconds.items():
        wide = seconds.get(name.replace("float32", "float64"))
        if "float32" in name and narrow and wide:
            yield name, Ratio(wide / narrow, is_bound=False)


def comparison(before, after, target):
    """Return how much faster the second file's softglm is, cell by cell."""
    then = {(cell["case"], cell["threads"]): cell for cell in before["cells"]}
    rows, ratios = [["problem", "threads", "before, ms", "after, ms", "times faster"]], []
    for cell in after["cells"]:
        old = then.get((cell["case"], cell["threads"]))
        times = None if old is None else (our_seconds(old, target), our_seconds(cell, target))
        if times is None or None in times:
            continue
        ratios.append(Ratio(times[0] / times[1], is_bound=False))
        noticed = not 1.0 / _NOTICEABLE < ratios[-1].value < _NOTICEABLE
        rows.append(
            [
                cell["case"],
                str(cell["threads"]),
                *map(_milliseconds, times),
                f"{ratios[-1].value:.2f}{' *' if noticed else '  '}",
            ]
        )
    mean = geometric_mean(ratios)
    end = f"{len(ratios)} cells in both files; geometric mean {_shown(mean)} times faster (* beyond 10 %), at {target}"
    return f"{aligned(rows)}\n{end}"


def full(results, target):
    """Return everything."""
    parts = [head(results)]
    for threads in sorted({cell["threads"] for cell in results["cells"]}):
        parts += [
            headline(results, target, threads),
            table(results, target, threads),
            f"Asked for, at {target}:\n{goals(results, target, threads)}",
            f"Where we fall short at {target}:\n{shortfalls(results, target, threads)}",
        ]
    for name, section in results.get("sections", {}).items():
        rows = section["rows"]
        if rows:
            parts.append(f"{name}: {section['what']}\n{aligned([list(rows[0]), *map(_values, rows)])}")
    return "\n\n".join(parts)


def _values(row):
    return [f"{value:.3g}" if isinstance(value, float) else str(value) for value in row.values()]


__all__ = ["OURS", "comparison", "full", "goals", "head", "headline", "shortfalls", "table"]
