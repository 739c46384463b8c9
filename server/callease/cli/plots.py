"""The plots of `callease simulate --plot`, as SVG: the same data gives the same bytes."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from callease.cli.errors import WrongOption
from callease.planning.comparison import ENGINE, Simulated
from callease.planning.score import QUESTIONS, Accuracy
from callease.planning.traffic import Tail, Traffic, first_call_delay

try:
    from matplotlib import rc_context
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator
except ImportError:
    raise WrongOption("--plot needs matplotlib: pip install 'callease[plots]'") from None

# Colours that colour-blind eyes tell apart (Okabe and Ito, 2008).
_COLOURS = {
    ENGINE: "#000000",
    "owned": "#009e73",
    "oldest": "#0072b2",
    "random": "#e69f00",
    "load": "#d55e00",
}
_OF_TAIL = dict(zip(get_args(Tail), ("#56b4e9", "#000000", "#009e73", "#d55e00"), strict=True))
_OF_QUESTION = {"source": "#0072b2", "session": "#d55e00"}
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "callease",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "legend.frameon": False,
}
_DELAYS_DRAWN = 20_000
# Over so many times from the fewest numbers to the most, there is room to write powers of ten only.
_WIDE = 300
_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0
_MARKS = {
    _MINUTE: "1 min", 10 * _MINUTE: "10 min", _HOUR: "1 h", 6 * _HOUR: "6 h", _DAY: "1 day", 7 * _DAY: "1 week",
    30 * _DAY: "1 month",
}  # fmt: skip


# It tells of each list of fonts that it makes.
logging.getLogger("matplotlib").setLevel(logging.WARNING)


def check(folder: Path) -> None:
    """Raises WrongOption where plots could not be kept."""
    if not folder.is_dir():
        raise WrongOption(f"--plot: there is no folder {folder}")


def draw(folder: Path, traffic: Traffic, simulated: Sequence[Simulated]) -> None:
    """Several policies are held against each other; Callease alone is shown at each size."""
    with rc_context(_STYLE):
        _save(_delays(traffic), folder / "delays.svg")
        if {result.policy for each in simulated for result in each.results} == {ENGINE}:
            _save(_sizes(simulated), folder / "sizes.svg")
            return
        for each in simulated:
            _save(_policies(each), folder / f"policies-{each.name}.svg")


def _policies(simulated: Simulated) -> Figure:
    """Right office, source and session against numbers, a line for each policy."""
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    panels = figure.subplots(1, len(QUESTIONS), sharey=True)
    names = list(dict.fromkeys(result.policy for result in simulated.results))
    counts = [result.numbers for result in simulated.results]
    marks = (1.0,) if max(counts) > _WIDE * min(counts) else (1.0, 2.0, 5.0)
    for axes, question in zip(panels, QUESTIONS, strict=True):
        for name in names:
            kind, _, memory = name.partition("+")
            style = "-" if memory or name == ENGINE else "--"
            width = 2.4 if name == ENGINE else 1.4
            _curve(axes, simulated, name, question, label=name, color=_COLOURS[kind], linestyle=style, linewidth=width)
        axes.set_title(f"right {question}")
        _number_axis(axes)
        axes.xaxis.set_major_locator(LogLocator(subs=marks))
    _percent_axis(panels[0])
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


def _sizes(simulated: Sequence[Simulated]) -> Figure:
    """What Callease's own engine gets right: source and session against numbers, a panel for each size."""
    figure = Figure(figsize=(3.7 * len(simulated), 4.0), layout="constrained")
    panels = figure.subplots(1, len(simulated), sharey=True, squeeze=False)[0]
    for axes, each in zip(panels, simulated, strict=True):
        for question, colour in _OF_QUESTION.items():
            _curve(axes, each, ENGINE, question, label=f"right {question}", color=colour, marker="o", markersize=3)
        axes.set_title(f"{each.traffic.reveals_a_day:,.0f} reveals a day, {each.traffic.offices} offices")
        _number_axis(axes)
        axes.set_xticks([result.numbers for result in each.results])
    _percent_axis(panels[0])
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _delays(traffic: Traffic) -> Figure:
    """The share of first calls that have come by a time after the reveal, for each tail."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    shares = [100 * (index + 1) / _DELAYS_DRAWN for index in range(_DELAYS_DRAWN)]
    for tail, colour in _OF_TAIL.items():
        rng, of_tail = random.Random(traffic.seed), replace(traffic, tail=tail)
        delays = sorted(first_call_delay(of_tail, rng) for _ in shares)
        step = _DELAYS_DRAWN // 200
        axes.plot(delays[::step], shares[::step], color=colour, label=tail)
    axes.set_xscale("log")
    axes.set_xlim(_MINUTE / 2, 60 * _DAY)
    axes.set_xticks(list(_MARKS), list(_MARKS.values()))
    axes.minorticks_off()
    axes.set_ylim(0, 101)
    axes.set_xlabel("time from the click to the first call")
    axes.set_ylabel("first calls that have come, %")
    axes.legend(title="late calls", loc="lower right")
    return figure


def _curve(axes: Axes, simulated: Simulated, policy: str, question: str, **look: Any) -> None:
    of_policy = [result for result in simulated.results if result.policy == policy]
    numbers = [result.numbers for result in of_policy]
    accuracies: list[Accuracy] = [getattr(result.score, question) for result in of_policy]
    axes.plot(numbers, [100 * each.right for each in accuracies], **look)
    if policy == ENGINE:
        low, high = [100 * each.low for each in accuracies], [100 * each.high for each in accuracies]
        axes.fill_between(numbers, low, high, color=look["color"], alpha=0.12, linewidth=0)


def _number_axis(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.minorticks_off()
    axes.set_xlabel("numbers")


def _percent_axis(axes: Axes) -> None:
    """Of all panels, when all curves are there."""
    axes.set_ylim(top=100.5)
    axes.set_ylabel("calls, %")


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="svg", metadata={"Date": None})
