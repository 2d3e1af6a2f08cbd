"""Write the measurements into a page as Markdown tables, with what pqeval set out to reach beside them.

Run ``python benchmarks/table.py docs/explanation/performance.md``; ``-`` prints them instead. What stands between
the lines ``<!-- results -->`` and ``<!-- end of results -->`` of the page is replaced. A number that misses its
target, or a comparison that pqeval loses, says so.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
# The target and the stretch target. Times as long as pqeval:
FOLDER_TARGETS = {
    "hotcoco": (2.5, 5.0),
    "vernier": (8.0, 20.0),
    "panopticapi": (15.0, 40.0),
    "cityscapesscripts": (15.0, 40.0),
}
ARRAY_TARGETS = {
    "vernier, building": (10.0, 25.0),
    "vernier, building each": (10.0, 25.0),
    "vernier, matching": (3.0, 6.0),
    "torchmetrics": (1000.0, 3000.0),
}
TARGET_WORKLOAD = "coco-5000"
# pqeval as a multiple of the floor, in MB, and as a fraction:
FLOOR_TARGET = (2.5, 1.2)
MEMORY_TARGET_MB = 250.0
GROWTH_TARGET = 0.10


def at_least(ratio: float, target: tuple[float, float] | None) -> list[str]:
    """Target and verdict for "times as long as pqeval", where more is better."""
    if ratio < 1.0:
        verdict = "**pqeval loses**"
    elif target is None:
        verdict = ""
    elif ratio < target[0]:
        verdict = "**missed**"
    else:
        verdict = "stretch met" if ratio >= target[1] else "met"
    return [f"≥ {target[0]:g} ({target[1]:g})" if target else "", verdict]


def at_most(value: float, target: float, stretch: float | None = None) -> str:
    """Verdict where less is better."""
    if value > target:
        return "**missed**"
    return "stretch met" if stretch is not None and value <= stretch else "met"


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; the first column, and one without a name, are text, and numbers stand to the right."""
    rule = [":--", *("--:" if name else ":--" for name in header[1:])]
    return ["| " + " | ".join(cells) + " |" for cells in (header, rule, *rows)] + [""]


def setting(record: dict[str, Any]) -> list[str]:
    """The machine and the versions, in one line."""
    machine = record["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items() if number)
    return [f"{machine['processor']}, {machine['cores']} cores, {machine['system']}; {versions}.", ""]


def folders(record: dict[str, Any]) -> list[str]:
    """Whole processes on folders."""
    lines = [
        "### Folders",
        "",
        "Whole processes, from start to exit, on the same cores; medians of interleaved runs. All programs gave",
        "the same PQ, and the same TP, FP and FN per class, before they were timed. *Ratio* is the wall time of a",
        "program divided by pqeval's: above 1, pqeval is faster. The *floor* reads the files, inflates the PNGs,",
        "and does nothing else. Memory is that of all processes of a program together.",
        "",
    ]
    rows = []
    for comparison in record["comparisons"]:
        workload, ours = comparison["workload"], comparison["runs"]["pqeval"]
        for name, run in comparison["runs"].items():
            judged = workload == TARGET_WORKLOAD
            ratio = run["wall_s"] / ours["wall_s"]
            target, verdict = at_least(ratio, FOLDER_TARGETS.get(name) if judged else None)
            if name == "floor":
                times = 1 / ratio
                target = f"≤ {FLOOR_TARGET[0]:g} ({FLOOR_TARGET[1]:g})" if judged else ""
                verdict = f"pqeval takes {times:.2f} times the floor"
                verdict += f": {at_most(times, *FLOOR_TARGET)}" if judged else ""
            if name == "pqeval":
                target, verdict = "", ""
                if judged:
                    target = f"≤ {MEMORY_TARGET_MB:g} MB"
                    verdict = f"memory {at_most(run['memory_mb'], MEMORY_TARGET_MB)}"
            numbers = (f"{run['wall_s']:.2f}", f"{run['cpu_s']:.2f}", f"{run['memory_mb']:.0f}", f"{ratio:.2f}")
            head = (
                f"{workload}, {name}",
                str(comparison["pairs"]),
                str(comparison["cores"]),
                str(run["repetitions"]),
            )
            rows.append((*head, *numbers, target, verdict))
    header = (
        "Workload, program",
        "Pairs",
        "Cores",
        "Runs",
        "Wall s",
        "CPU s",
        "MB",
        "Ratio",
        "Target (stretch)",
        "",
    )
    return lines + markdown(header, rows) + setting(record)


def arrays(record: dict[str, Any]) -> list[str]:
    """Arrays in memory."""
    lines = [
        "### Arrays",
        "",
        "One process, one core, warm, maps of 640x480 in memory in the form that each program takes; medians.",
        "*pqeval* updates per pair and computes once; *compute each* computes after every pair. For vernier,",
        "*building* its datasets from arrays is timed too, all pairs at once or *each*; or its *matching* alone,",
        "on datasets already built.",
        "",
    ]
    rows = []
    for name, value in record["ms_per_pair"].items():
        head = (name, str(record["pairs"][name]), str(record["repetitions"][name]), f"{value:.3f}")
        if name in record["ratio"]:
            ratio = record["ratio"][name]
            judged = at_least(ratio, ARRAY_TARGETS.get(name))
            rows.append((*head, f"{ratio:.2f}", record["against"][name], *judged))
        else:
            rows.append((*head, "", "", "", ""))
    header = ("Program", "Pairs", "Runs", "ms per pair", "Ratio", "to", "Target (stretch)", "")
    return lines + markdown(header, rows) + setting(record)


def scale(record: dict[str, Any]) -> list[str]:
    """How pqeval grows."""
    found = record["findings"]
    rows = [
        (
            *(
                f"{row['workload']}, {row['program']}",
                str(row["pairs"]),
                str(row["cores"]),
                f"{row['wall_s']:.2f}",
            ),
            *(f"{1000 * row['wall_s'] / row['pairs']:.3f}" if row["pairs"] else "", f"{row['memory_mb']:.0f}"),
        )
        for row in record["runs"]
    ]
    growth = found["memory_growth_beyond_json"]
    beyond = found["memory_beyond_json_mb"]
    verdict = "pqeval holds less than the files as Python objects"
    if growth is not None:
        verdict = f"{100 * growth:+.1f} %, target {100 * GROWTH_TARGET:g} %: {at_most(growth, GROWTH_TARGET)}"
    sizes = ", ".join(f"{name} {size:g} MB" for name, size in record["png_mb"].items())
    pixels = ", ".join(f"{name} {ratio:.2f}" for name, ratio in found["time_to_smallest_pixels"].items())
    speed_up = ", ".join(f"{name} {ratio:.2f}" for name, ratio in found["speed_up"].items())
    return [
        "### Scale",
        "",
        "pqeval alone. *parsed* only decodes the two JSON files; *idle* is Python doing nothing. Memory is that "
        "of the first process.",
        "",
        *markdown(("Workload, program", "Pairs", "Cores", "Wall s", "ms per pair", "MB"), rows),
        f"- Start-up takes {found['startup_s']:.2f} s, a further pair {found['ms_per_further_pair']:.3f} ms. "
        f"Time per pair at 20 000, relative to 5 000: {found['time_per_pair_20000_to_5000']:.2f}.",
        f"- Time for equal maps enlarged, after start-up, relative to the smallest: {pixels}. PNGs: {sizes}.",
        f"- Speed-up by more cores: {speed_up}.",
        f"- Memory beyond the JSON: {beyond['coco-5000']:g} MB at 5 000 pairs, "
        f"{beyond['coco-20000']:g} MB at 20 000: {verdict}.",
        "",
        *setting(record),
    ]


def startup(record: dict[str, Any]) -> list[str]:
    """What it costs to begin."""
    rows = [(name, f"{value:.3f}", "") for name, value in record["cpu_seconds"].items()]
    return ["### Start-up", "", *markdown(("Process", "CPU s", ""), rows)]


def stages(record: dict[str, Any]) -> list[str]:
    """Where the time goes, and what more cores can give."""
    names = list(next(iter(record["stages"].values())))
    rows = [(name, *(f"{times[name]:.3f}" for times in record["stages"].values())) for name in names]
    lock = record["lock"]
    limits = ", ".join(f"{ratio:.1f} at {cores} cores" for cores, ratio in lock["limit_of_speed_up"].items())
    return [
        "### Stages",
        "",
        "Milliseconds per pair on one thread, warm. Reading, inflating and decoding are those of both files.",
        "",
        *markdown(("Stage", *record["stages"]), rows),
        f"- Of {lock['everything_ms']:.3f} ms per pair, at most {lock['lock_held_ms']:.3f} ms "
        f"({100 * lock['lock_held_share']:.1f} %) hold the lock of the interpreter. "
        f"So the threads of one process can become faster by {limits}.",
        "",
    ]


def families(record: dict[str, Any]) -> list[str]:
    """The same maps in the encodings of other datasets."""
    rows = [
        (
            name,
            f"{record['ms_per_pair'][name]:.3f}",
            f"{record['ns_per_pixel'][name]:.2f}",
            f"{ratio:.2f}",
            "" if name == "COCO" else f"≤ {record['most']:g}: {at_most(ratio, record['most'])}",
        )
        for name, ratio in record["to_coco"].items()
    ]
    return [
        "### Families of formats",
        "",
        f"The same {record['pairs']} pairs of maps, written in the encodings of other datasets. One process, one",
        "thread, warm, in turns; medians. Reading the files is included, opening the folders is not. For",
        "*point labels* a map without its rows is a scan. *Ratio* is the time per pixel, divided by that of COCO.",
        "",
        *markdown(("Family", "ms per pair", "ns per pixel", "Ratio", ""), rows),
    ]


SECTIONS = {
    "peers": folders,
    "arrays": arrays,
    "families": families,
    "scale": scale,
    "stages": stages,
    "startup": startup,
}


def render(results: Path) -> str:
    """All sections whose measurements exist."""
    lines: list[str] = []
    for name, section in SECTIONS.items():
        if (results / f"{name}.json").is_file():
            lines += section(json.loads((results / f"{name}.json").read_text(encoding="utf-8")))
    if not lines:
        raise SystemExit(f"{results} has none of {', '.join(f'{name}.json' for name in SECTIONS)}: measure first")
    return "\n".join(lines)


def replaced(page: str, text: str, name: str) -> str:
    """The page with `text` between its two markers."""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise SystemExit(f"{name} must have the line {BEGIN} once, and after it {END} once")
    head, _, rest = page.partition(BEGIN)
    return f"{head}{BEGIN}\n\n{text}\n{END}{rest.partition(END)[2]}"


def main() -> None:
    """Render, and write into the page."""
    parser = argparse.ArgumentParser(description="Write the measurements into a page.")
    parser.add_argument("page", help="a Markdown file with the two markers, or - to print")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    text = render(options.results)
    if options.page == "-":
        sys.stdout.write(text)
        return
    page = Path(options.page)
    if not page.is_file():
        raise SystemExit(f"{page} does not exist; it must, and have the lines {BEGIN} and {END}")
    page.write_text(replaced(page.read_text(encoding="utf-8"), text, page.name), encoding="utf-8")


if __name__ == "__main__":
    main()
