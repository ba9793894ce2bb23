"""docs/benchmarks.md from a measured run: `./noculture bench --json > run.json`, then

    python -m benchmarks.report run.json

writes the table between the document's marks, the plots beside it and the run itself, whole, as
docs/benchmarks/results.json. A run of some parts takes the place of these parts in the last one.
Nothing in the document's figures is typed by hand.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "noculture"
from matplotlib import pyplot as plt  # noqa: E402

DOCS = Path(__file__).parent.parent / "docs"
BEGIN, END = "<!-- figures -->", "<!-- /figures -->"
MET, MISSED = "#2b7a4b", "#b3472d"


def main(run_file: str) -> None:
    folder = DOCS / "benchmarks"
    kept = folder / "results.json"
    run = json.loads(Path(run_file).read_text())
    if kept.exists():
        run = merged(json.loads(kept.read_text()), run)
    kept.write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n")
    ratios(run["results"], folder / "ratios.svg")
    plots = ["![Each figure against its goal](benchmarks/ratios.svg)"]
    if curve(run["results"], folder / "cost-curve.svg"):
        plots.append("![Cost at 10k to 10M events](benchmarks/cost-curve.svg)")
    document = DOCS / "benchmarks.md"
    text = document.read_text()
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    figures = "\n\n".join([hardware(run), table(run["results"]), *plots])
    document.write_text(f"{head}{BEGIN}\n{figures}\n{END}{tail}")


def merged(last: dict[str, Any], run: dict[str, Any]) -> dict[str, Any]:
    """`run`, and what it did not measure out of the one before; each part with its load."""
    measured = {result["name"] for result in run["results"]}
    others = [result for result in last["results"] if result["name"] not in measured]
    if not others:
        return run
    loads = {name: run["hardware"]["load_1min_at_start"] for name in measured}
    results = sorted(others + run["results"], key=lambda result: int(result["name"][1:]))
    return {**last, "results": results, "later": {**last.get("later", {}), **loads}}


def hardware(run: dict[str, Any]) -> str:
    machine = run["hardware"]
    later = "".join(
        f" {name} in a run of its own, load {load}."
        for name, load in sorted(run.get("later", {}).items(), key=lambda part: int(part[0][1:]))
    )
    postgres = ", ".join(f"{name} {value}" for name, value in machine["postgres"].items())
    return (
        f"Measured on {machine['cores']} cores ({machine['cpu']}), {machine['memory_gib']} GiB,"
        f" {machine['system']}, Python {machine['python']}; Postgres: {postgres};"
        f" seed {machine['seed']}; load {machine['load_1min_at_start']} at the start.{later}"
    )


def table(results: list[dict[str, Any]]) -> str:
    lines = ["| | what | ours | peer in the same run | its figure | ratio | goal | |"]
    lines.append("|---|---|---:|---|---:|---:|---:|---|")
    for r in results:
        sign = "≤" if r["at_most"] else "≥"
        lines.append(
            f"| {r['name']} | {r['title']} | {_figure(r['ours'])} {r['unit']} | {r['peer']} |"
            f" {_figure(r['theirs'])} | {r['ratio']:.3g} | {sign} {r['goal']:g} |"
            f" {'met' if r['met'] else '**missed**'} |"
        )
    return "\n".join(lines)


def ratios(results: list[dict[str, Any]], target: Path) -> None:
    """How much of its goal each figure reaches; beyond 1 it is met."""
    names = [f"{r['name']} {r['title']}" for r in results]
    reached = [r["goal"] / r["ratio"] if r["at_most"] else r["ratio"] / r["goal"] for r in results]
    figure, axes = plt.subplots(figsize=(9, 0.36 * len(results) + 1.2))
    axes.barh(names, reached, color=[MET if r["met"] else MISSED for r in results])
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.set_xlabel("share of the goal (log scale; 1 = met)")
    _save(figure, target)


def curve(results: list[dict[str, Any]], target: Path) -> bool:
    """P8: cost against the log's size, relative to the smallest; False when it was not run."""
    lines = [r for r in results if r["name"] == "P8" and "by_size" in r["details"]]
    if not lines:
        return False
    figure, axes = plt.subplots(figsize=(9, 4.5))
    for r in lines:
        costs = {int(size): cost for size, cost in r["details"]["by_size"].items()}
        first = costs[min(costs)]
        axes.plot(list(costs), [cost / first for cost in costs.values()], "o-", label=r["title"])
    axes.set_xscale("log")
    axes.set_xlabel("events in the log")
    axes.set_ylabel("cost, relative to the smallest log")
    axes.axhline(1.5, color=MISSED, linewidth=0.8, linestyle="--", label="goal: at most 1.5")
    axes.set_ylim(bottom=0)
    axes.legend()
    _save(figure, target)
    return True


def _save(figure: Any, target: Path) -> None:
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})
    plt.close(figure)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main(sys.argv[1])
