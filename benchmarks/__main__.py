"""The command line: run, problems, table, plot, compare, prices, sweep, paths, scale, fuzz, certify."""

import argparse
import json
import re
import sys
import time
from pathlib import Path

from benchmarks import (
    certify,
    fuzz,
    kernel,
    memory,
    path_problems,
    path_report,
    paths,
    predict,
    prices,
    report,
    scale,
    scaling,
    sweep,
)
from benchmarks.machine import describe
from benchmarks.measure import QUICK, TARGETS, Effort, key_of, measure
from benchmarks.problems import all_cases, matching, quick_cases
from benchmarks.r_process import version_of
from benchmarks.rivals import all_rivals

_SECTIONS = {"kernel": kernel, "predict": predict, "memory": memory, "scaling": scaling}


def main(arguments=None):
    """Run one command."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0].startswith("-") and given[0] != "--help"):
        given.insert(0, "run")
    options = _parser().parse_args(given)
    options.command(options)


def _parser():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True)

    run = commands.add_parser("run", help="measure (the default), and print the table")
    run.set_defaults(command=_run)
    run.add_argument("--quick", action="store_true", help="some small problems, coarsely, in under two minutes")
    run.add_argument("--problems", default="", help="a regular expression for the names and groups of problems")
    run.add_argument("--rivals", default="", help="a regular expression for the names of rivals; softglm always runs")
    run.add_argument("--threads", type=int, action="append", help="1 or 2; give it twice for both, the default")
    run.add_argument("--only", default="cells,kernel,predict,memory,scaling", help="comma-separated parts")
    run.add_argument("--out", type=Path, default=Path("results.json"))
    run.add_argument("--resume", action="store_true", help="keep what --out holds already, and add the rest")

    problems = commands.add_parser("problems", help="list the problems and rivals")
    problems.set_defaults(command=_list)

    for name, command, words in (("table", _table, "print a result file"), ("plot", _plot, "draw a result file")):
        chosen = commands.add_parser(name, help=words)
        chosen.set_defaults(command=command)
        chosen.add_argument("results", type=Path)
    chosen.add_argument("--to", type=Path, default=Path("figures"), help="the folder for the figures")

    compare = commands.add_parser("compare", help="our times in two result files")
    compare.set_defaults(command=_compare)
    compare.add_argument("before", type=Path)
    compare.add_argument("after", type=Path)

    price = commands.add_parser("prices", help="measure the prices that the fit counts with, beside those it has")
    price.set_defaults(command=_prices)

    strengths = commands.add_parser("sweep", help="a warm-started sweep over ten strengths against ten cold fits")
    strengths.set_defaults(command=_sweep)
    strengths.add_argument("--problems", default="", help="a regular expression for the names of problems")

    path = commands.add_parser("paths", help="paths of sparse models against those of glmnet and adelie")
    path.set_defaults(command=_paths)
    path.add_argument("--problems", default="", help="a regular expression for the names of problems")
    path.add_argument("--only", default=",".join(paths.PARTS), help="comma-separated parts")
    path.add_argument("--rounds", type=int, default=3)
    path.add_argument("--limit", type=float, default=600.0, help="seconds that one path may take")
    path.add_argument("--out", type=Path, default=Path("paths.json"))
    path.add_argument("--resume", action="store_true", help="keep what --out holds already, and add the rest")

    places = commands.add_parser("scale", help="the same rows in memory, in files, in Parquet and in blocks")
    places.set_defaults(command=scale.main)
    scale.add_options(places)

    random = commands.add_parser("fuzz", help="random problems, judged in extended precision")
    random.set_defaults(command=fuzz.main)
    fuzz.add_options(random)

    certificates = commands.add_parser("certify", help="certificates at every stage of L-BFGS, judged likewise")
    certificates.set_defaults(command=certify.main)
    certify.add_options(certificates)

    for chosen, words in ((price, "coarsely, in about a minute"), (strengths, "some small problems, once")):
        chosen.add_argument("--quick", action="store_true", help=words)

    for chosen in (run, *(commands.choices[name] for name in ("table", "plot", "compare"))):
        chosen.add_argument("--target", default="1e-06", choices=[key_of(target) for target in TARGETS])
    return parser


def _run(options):
    parts = options.only.split(",")
    threads = options.threads or ([1] if options.quick else [1, 2])
    rivals = all_rivals()
    missing = {rival.name: rival.missing() for rival in rivals if rival.missing()}
    chosen = rivals[:1] + [
        rival for rival in rivals[1:] if rival.name not in missing and re.search(options.rivals, rival.name)
    ]
    results = {"cells": [], "sections": {}}
    if options.resume and options.out.exists():
        results = json.loads(options.out.read_text())
    results.update(machine=describe(), skipped=missing, is_quick=options.quick)
    cases = matching(quick_cases() if options.quick else all_cases(), options.problems) if "cells" in parts else []
    _measure_cells(results, cases, chosen, threads, options)
    for name, section in _SECTIONS.items():
        key = {count: f"{name}, {count} thread(s)" for count in threads}
        for count in threads if name in parts else ():
            if key[count] not in results["sections"]:
                print(f"{name}, {count} thread(s)", file=sys.stderr)
                rows = section.run(threads=count, is_quick=options.quick)
                results["sections"][key[count]] = {"what": section.WHAT, "rows": rows}
                _store(results, options.out)
    print(report.full(results, options.target))


def _measure_cells(results, cases, rivals, threads, options):
    done = {(cell["case"], cell["threads"]) for cell in results["cells"]}
    for case in cases:
        for count in threads:
            if (case.name, count) in done:
                continue
            start = time.perf_counter()
            try:
                cell = measure(case, rivals, count, QUICK if options.quick else Effort())
            except ImportError as missing:
                results["skipped"][case.source.name] = str(missing)
                continue
            results["cells"].append(cell)
            _store(results, options.out)
            print(f"{case.name}, {count} thread(s): {time.perf_counter() - start:.1f} s", file=sys.stderr)


def _store(results, path):
    path.write_text(json.dumps(results, indent=1))


def _paths(options):
    results = {"paths": [], "cold": [], "memory": [], "skipped": {}}
    if options.resume and options.out.exists():
        results = json.loads(options.out.read_text())
    results.update(machine=describe(), glmnet=version_of("glmnet"), threads=1)
    chosen = [source for source in path_problems.sources() if re.search(options.problems, source.name)]
    paths.measure(
        results,
        chosen,
        options.only.split(","),
        rounds=options.rounds,
        limit=options.limit,
        store=lambda results: _store(results, options.out),
    )
    print(path_report.full(results))


def _list(options):  # noqa: ARG001 - every command is given its options
    sources = {}
    for case in all_cases():
        sources.setdefault(case.source, []).append(case)
    rows = [["source", "group", "n", "p", "K", "cases"]]
    rows += [[source.name, source.group, *map(str, source.shape), str(len(cases))] for source, cases in sources.items()]
    print(report.aligned(rows))
    print(f"{len(all_cases())} cases\n")
    print(report.aligned([[rival.name, rival.missing() or "installed"] for rival in all_rivals()]))


def _table(options):
    results = json.loads(options.results.read_text())
    print(path_report.full(results) if "paths" in results else report.full(results, options.target))


def _plot(options):
    from benchmarks.plots import draw, draw_paths

    results = json.loads(options.results.read_text())
    drawn = draw_paths(results, options.to) if "paths" in results else draw(results, options.to, options.target)
    for path in drawn:
        print(path)


def _compare(options):
    before, after = (json.loads(path.read_text()) for path in (options.before, options.after))
    print(report.comparison(before, after, options.target))


def _prices(options):
    print(prices.table(is_quick=options.quick))


def _sweep(options):
    print(sweep.table(options.problems, is_quick=options.quick))


if __name__ == "__main__":
    main()
