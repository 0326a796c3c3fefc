"""Two figures of a result file: relative suboptimality against seconds, and the ratios of all cells."""

from benchmarks.ratios import CAP, OURS, best_of, ratio

_PANELS = 6
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
    looks = ("o", "#0072B2"), ("^", "#D55E00"), ("s", "#009E73")  # told apart by the colour-blind too
    for (label, ratios), (marker, color) in zip(series.items(), looks, strict=True):
        values = sorted(value.value for value in ratios if value is not None)
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
