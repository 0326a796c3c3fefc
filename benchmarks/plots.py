"""Figures of a result file: suboptimality against seconds and the ratios of all cells, or the ratios of paths."""

from benchmarks.path_report import other_names, our_solvers, ratios
from benchmarks.ratios import CAP, OURS, best_of, ratio

_PANELS = 6
# Told apart by the colour-blind too.
_LOOKS = ("o", "#0072B2"), ("^", "#D55E00"), ("s", "#009E73"), ("D", "#CC79A7"), ("v", "#56B4E9")
_LEAST_GAP = 1e-16


def draw(results, folder, target):
    """Write suboptimality.png and ratios.png to a folder; return their paths."""
    import matplotlib as mpl

    mpl.use("Agg")
    threads = min(cell["threads"] for cell in results["cells"])
    cells = [cell for cell in results["cells"] if cell["threads"] == threads and "failed" not in cell]
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "suboptimality.png", folder / "ratios.png"
    _suboptimality(cells, threads).savefig(paths[0], dpi=120)
    _ratios(cells, threads, target).savefig(paths[1], dpi=120)
    return paths


def draw_paths(results, folder):
    """Write paths.png to a folder; return its path, alone."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "paths.png"
    _paths(results).savefig(path, dpi=120)
    return (path,)


def _paths(results):
    """Return a panel for each kind of penalty: how many times as long as ours the others' paths take."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    kinds = list(dict.fromkeys(line["kind"] for line in results["paths"]))
    problems = list(dict.fromkeys(line["problem"] for line in results["paths"]))[::-1]
    looks = dict(zip(other_names(results), _LOOKS, strict=False))
    figure = Figure(figsize=(3 + 3 * len(kinds), 1.6 + 0.28 * len(problems)), layout="constrained")
    axes = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    for axis, kind in zip(axes, kinds, strict=True):
        lines = [line for line in results["paths"] if line["kind"] == kind]
        for name, (marker, color) in looks.items():
            # Against the last of ours, which has proved the least gap.
            found = [(ratios(line, name)[-1], problems.index(line["problem"])) for line in lines if our_solvers(line)]
            found = [point for point in found if point[0] is not None]
            if found:
                axis.plot(*zip(*found, strict=True), linestyle="none", marker=marker, color=color, label=name)
        axis.axvline(1.0, color="black", linewidth=1)
        axis.set(xscale="log", title=kind)
        axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.grid(axis="y", linewidth=0.3)
    axes[0].set_yticks(range(len(problems)), problems)
    labelled = {label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(labelled.values(), labelled, loc="outside lower center", ncols=len(looks))
    figure.suptitle("A path of 100 strengths: times as long as softglm, which proves each to 1e-6 of the null deviance")
    return figure


def _suboptimality(cells, threads):
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    # One cell of each source, raw and alpha = 1/n where there is one, the largest in seconds first.
    chosen = {}
    for cell in sorted(cells, key=lambda cell: (cell["scaling"] != "raw", cell["strength"] != 1.0)):
        chosen.setdefault(cell["source"], cell)
    largest = sorted(chosen.values(), key=lambda cell: -cell["limit"])[:_PANELS]
    figure = Figure(figsize=(12, 7), layout="constrained")
    names = sorted({name for cell in largest for name in cell["solvers"]}, key=lambda name: name != OURS)
    colors = {name: "black" if name == OURS else f"C{number % 10}" for number, name in enumerate(names)}
    markers = {name: "o" if number <= 10 else "x" for number, name in enumerate(names)}
    axes = figure.subplots(2, 3).ravel()
    for axis, cell in zip(axes, largest, strict=False):
        for name, sweep in cell["solvers"].items():
            frontier = _frontier(sweep["runs"])
            if frontier:
                axis.plot(
                    *zip(*frontier, strict=True),
                    marker=markers[name],
                    markersize=4,
                    color=colors[name],
                    linewidth=2 if name == OURS else 1,
                )
        axis.set(xscale="log", yscale="log", title=f"{cell['case']}\nn={cell['n']} p={cell['p']} K={cell['K']}")
    for axis in axes[len(largest) :]:
        axis.set_visible(False)
    for axis in axes[::3]:
        axis.set_ylabel("(f - f*) / (f_null - f*)")
    for axis in axes[3:]:
        axis.set_xlabel("seconds of a whole fit")
    handles = [Line2D([], [], color=colors[name], marker=markers[name]) for name in names]
    figure.legend(handles, names, loc="outside lower center", ncols=6)
    figure.suptitle(f"The best of fits at several tolerances, by the time that they take; {threads} thread(s)")
    return figure


def _frontier(runs):
    """Return (seconds, gap) of the runs to which no faster one is equal."""
    frontier = []
    for run in sorted((run for run in runs if run["gap"] is not None), key=lambda run: run["seconds"]):
        gap = max(run["gap"], _LEAST_GAP)
        if not frontier or gap < frontier[-1][1]:
            frontier.append((run["seconds"], gap))
    return frontier


def _ratios(cells, threads, target):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    axis = figure.subplots()
    series = {
        "scikit-learn's best solver": [best_of(cell, "scikit-learn", target)[0] for cell in cells],
        "scikit-learn's default, lbfgs": [ratio(cell, "scikit-learn lbfgs", target) for cell in cells],
        "L-BFGS without our preconditioner": [ratio(cell, "plain L-BFGS", target) for cell in cells],
    }
    for (label, found), (marker, color) in zip(series.items(), _LOOKS, strict=False):
        values = sorted(value.value for value in found if value is not None)
        axis.plot(values, marker=marker, color=color, label=label)
    axis.axhline(1.0, color="black", linewidth=1)
    axis.axhline(CAP, color="black", linewidth=1, linestyle=":")
    axis.set(
        yscale="log",
        xlabel="problems, each line sorted by itself",
        ylabel="times as long as softglm",
        title=f"Time to a relative gap of {target}; {threads} thread(s); at most {CAP:g} is counted",
    )
    ticks = [0.5, 1.0, 2.0, 5.0, 10.0, CAP]
    axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.minorticks_off()
    axis.legend()
    return figure
