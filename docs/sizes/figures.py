"""Fills docs/sizes.md: runs each figure's command, draws its plot and writes its table. `make figures` calls this.

Between `<!-- figure NAME -->` and `<!-- end -->` everything is written anew, the command included. Names of figures as
arguments are those to make, else all. DAYS=N in the environment makes all streams N days long, for a trial; without it
each preset has its own length.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_PAGE = _HERE.parent / "sizes.md"
_ROOT = _HERE.parent.parent
_LEVELS = (0.96, 0.99, 0.999)
Simulations = Sequence[dict[str, Any]]


def _policies(simulations: Simulations) -> list[str]:
    """A row for each policy, a column for each number of numbers: right office / source / session."""
    (simulated,) = simulations
    counts = sorted({each["numbers"] for each in simulated["results"]})
    cells = {(each["policy"], each["numbers"]): each for each in simulated["results"]}
    names = list(dict.fromkeys(name for name, _ in cells))
    lines = _traffic(simulations)
    lines += ["Right office / source / session, % of calls:", ""]
    lines += ["| policy | " + " | ".join(f"{count:,} numbers" for count in counts) + " |"]
    lines += ["| --- |" + " --- |" * len(counts)]
    for name in names:
        row = [_three(cells[name, count]) if (name, count) in cells else "" for count in counts]
        lines.append(f"| {name} | " + " | ".join(row) + " |")
    return lines


def _three(result: dict[str, Any]) -> str:
    return " / ".join(f"{100 * result[question]['right']:.1f}" for question in ("office", "source", "session"))


def _sizes(simulations: Simulations) -> list[str]:
    """A row for each size and number of numbers, and what would do for each level."""
    lines = _traffic(simulations)
    lines += ["| reveals a day | numbers | right office | right source | right session | gap of source, session |"]
    lines += ["| --- | --- | --- | --- | --- | --- |"]
    for simulated in simulations:
        for each in simulated["results"]:
            shares = " | ".join(_share(each[question]) for question in ("office", "source", "session"))
            gaps = ", ".join(f"{each[question]['gap']['weighted']:.1f}" for question in ("source", "session"))
            a_day = simulated["traffic"]["reveals_a_day"]
            lines.append(f"| {a_day:,.0f} | {each['numbers']:,} | {shares} | {gaps} |")
    lines += ["", "The fewest numbers tried whose answers were right so often:", ""]
    lines += ["| reveals a day | " + " | ".join(f"source {100 * level:g} %" for level in _LEVELS) + " |"]
    lines += ["| --- |" + " --- |" * len(_LEVELS)]
    for simulated in simulations:
        cells = " | ".join(_fewest(simulated["results"], level) for level in _LEVELS)
        lines.append(f"| {simulated['traffic']['reveals_a_day']:,.0f} | {cells} |")
    return lines


def _share(of: dict[str, float]) -> str:
    return f"{100 * of['right']:.2f} ({100 * of['low']:.2f} to {100 * of['high']:.2f})"


def _fewest(results: Sequence[dict[str, Any]], level: float) -> str:
    enough = [each["numbers"] for each in results if each["source"]["right"] >= level]
    return f"{min(enough):,}" if enough else f"more than {max(each['numbers'] for each in results):,}"


def _traffic(simulations: Simulations) -> list[str]:
    streams = [
        f"{each['traffic']['reveals_a_day']:,.0f} reveals a day over {each['traffic']['days']:g} days "
        f"({each['reveals']:,} reveals, {each['calls']:,} calls)"
        for each in simulations
    ]
    return [f"Traffic: {'; '.join(streams)}.", ""]


def _nothing(_: Simulations) -> list[str]:
    return []


Table = Callable[[Simulations], list[str]]
# Each figure with its plot, the options that make it, and its table.
_FIGURES: dict[str, tuple[str, str, Table]] = {
    "delays": ("delays.svg", "--policy none", _nothing),
    "policies": (
        "policies-medium.svg",
        "--preset medium --numbers 60,120,313,1000 --policy-numbers 2083,13170,20203,44798,62564",
        _policies,
    ),
    "sizes": (
        "sizes.svg",
        "--preset small,medium,large --numbers 1x,1.5x,2x,3x,4x,6x,10x --policy callease",
        _sizes,
    ),
    "sizes of sources": (
        "source/sizes.svg",
        "--preset small,medium --objective source --numbers 1x,2x,4x,6x,10x --policy callease",
        _sizes,
    ),
}


def main() -> None:
    for name in sys.argv[1:] or _FIGURES:
        plot, options, table = _FIGURES[name]
        days = f" --days {os.environ['DAYS']}" if os.environ.get("DAYS") else ""
        folder = Path("docs/sizes", plot).parent
        (_ROOT / folder).mkdir(exist_ok=True)
        command = f"callease simulate {options}{days if table is not _nothing else ''} --plot {folder}"
        print(command, flush=True)
        simulations = json.loads(_output(command))
        lines = [f"![{name}](sizes/{plot})", "", "```sh", command, "```", "", *table(simulations)]
        block = "\n".join([f"<!-- figure {name} -->", *lines, "<!-- end -->"])
        page = _PAGE.read_text(encoding="utf-8")
        page, count = re.subn(rf"<!-- figure {name} -->.*?<!-- end -->", lambda _, it=block: it, page, flags=re.DOTALL)
        assert count == 1, f"docs/sizes.md has no place for the figure {name}"
        _PAGE.write_text(page, encoding="utf-8")


def _output(command: str) -> bytes:
    arguments = [*shlex.split(command)[1:], "--json"]
    called = [sys.executable, "-m", "callease.cli", *arguments]
    return subprocess.run(called, cwd=_ROOT, stdout=subprocess.PIPE, check=True).stdout


if __name__ == "__main__":
    main()
