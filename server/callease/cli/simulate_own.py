"""`callease simulate` without `--replay`: drawn traffic, and who is right how often with how many numbers."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from callease.cli.errors import WrongOption
from callease.planning.comparison import ENGINE, NAMES, Comparison, Result, Simulated
from callease.planning.score import Accuracy
from callease.planning.traffic import PRESETS, Traffic

_ALL, _NONE = "all", "none"
_PLAIN_OPTIONS = ("reveals_a_day", "offices", "classes", "days", "seed")
_TYPES = {"int": int, "float": float}
_LEGEND = """\
Right answers in percent of all calls, with the 95 % interval; for a session, visitor and listing must be right.
Gap: points between stated and true confidence of source and session, weighted by calls; the trade states none."""


def run_own(parsed: argparse.Namespace) -> int:
    traffics = _traffics(parsed)
    policies = _policies(parsed.policy)
    if parsed.plot is not None:
        # Said before the work is done, not after it.
        from callease.cli.plots import check

        check(Path(parsed.plot))
    if parsed.events_out is not None or parsed.numbers_out is not None:
        _write_stream(parsed, traffics)
    simulated = [_simulate(parsed, name, traffic, policies) for name, traffic in traffics.items()] if policies else []
    if parsed.json:
        print(json.dumps([each.as_json() for each in simulated], indent=1))
    elif simulated:
        print(_LEGEND)
    if parsed.plot is not None:
        from callease.cli.plots import draw

        draw(Path(parsed.plot), next(iter(traffics.values())), simulated)
    return 0


def _simulate(parsed: argparse.Namespace, name: str, traffic: Traffic, policies: Sequence[str]) -> Simulated:
    runs = _runs(parsed, traffic, policies)
    comparison = Comparison(traffic, parsed.objective)
    tell: Callable[[str], None] = _silently if parsed.json else _at_once
    tell(
        f"{name}: {traffic.reveals_a_day:,.0f} reveals a day, {traffic.offices} offices, {traffic.classes} classes, "
        f"{traffic.days:g} days, seed {traffic.seed}: {comparison.reveals:,} reveals, {comparison.calls:,} calls"
    )
    tell(f"{'numbers':>9}  {'policy':14}  {'office':22}  {'source':22}  {'session':22}  gap")
    results = []
    for result in comparison.results(runs):
        results.append(result)
        tell(_row(result))
    tell("")
    return Simulated(name, traffic, comparison.reveals, comparison.calls, results)


def _at_once(line: str) -> None:
    print(line, flush=True)


def _silently(_: str) -> None:
    pass


def _row(result: Result) -> str:
    of = result.score
    shares = "  ".join(f"{_share(each):22}" for each in (of.office, of.source, of.session))
    gaps = " ".join(f"{each.gap.weighted:.1f}" for each in (of.source, of.session) if each.gap)
    return f"{result.numbers:>9,}  {result.policy:14}  {shares}  {gaps or '-'}"


def _share(of: Accuracy) -> str:
    return f"{100 * of.right:6.2f} ({100 * of.low:.2f}-{100 * of.high:.2f})"


def traffic_changes(parsed: argparse.Namespace) -> dict[str, Any]:
    """The properties of traffic that options name. Raises WrongOption."""
    changes: dict[str, Any] = {name: getattr(parsed, name, None) for name in _PLAIN_OPTIONS}
    changes = {name: value for name, value in changes.items() if value is not None}
    for text in parsed.set:
        name, _, value = text.partition("=")
        changes[name] = _value(name, value)
    return changes


def _traffics(parsed: argparse.Namespace) -> dict[str, Traffic]:
    changes = traffic_changes(parsed)
    found = {}
    for name in parsed.preset.split(","):
        if name not in PRESETS:
            raise WrongOption(f"--preset: {name!r} is none of {', '.join(PRESETS)}")
        try:
            found[name] = replace(PRESETS[name], **changes)
        except ValueError as error:
            raise WrongOption(str(error)) from None
    return found


def _value(name: str, text: str) -> Any:
    types = {each.name: str(each.type) for each in fields(Traffic)}
    if name not in types:
        raise WrongOption(f"--set: {name!r} is none of {', '.join(types)}")
    try:
        return _TYPES.get(types[name], str)(text)
    except ValueError:
        raise WrongOption(f"--set: {name} is not a number: {text!r}") from None


def _policies(text: str) -> list[str]:
    if text in (_ALL, _NONE):
        return list(NAMES) if text == _ALL else []
    names = text.split(",")
    for name in names:
        if name not in NAMES:
            raise WrongOption(f"--policy: {name!r} is none of {_ALL}, {_NONE}, {', '.join(NAMES)}")
    return names


def _runs(parsed: argparse.Namespace, traffic: Traffic, policies: Sequence[str]) -> list[tuple[str, int]]:
    """`--numbers` is for everybody, `--policy-numbers` for the trade's policies only."""
    numbers = _counts("--numbers", parsed.numbers or "1x,2x,4x,8x", traffic)
    more = _counts("--policy-numbers", parsed.policy_numbers, traffic) if parsed.policy_numbers else set()
    return [
        (policy, count)
        for count in sorted(numbers | more)
        for policy in policies
        if count in numbers or policy != ENGINE
    ]


def _counts(option: str, text: str, traffic: Traffic) -> set[int]:
    """`4x` means four numbers an office."""
    counts = set()
    for each in text.split(","):
        try:
            count = round(float(each[:-1]) * traffic.offices) if each.endswith("x") else int(each)
        except (ValueError, OverflowError):
            raise WrongOption(f"{option}: neither a count nor a multiple of the offices like 4x: {each!r}") from None
        if count < traffic.offices:
            raise WrongOption(f"{option}: {count} numbers are fewer than {traffic.offices} offices")
        counts.add(count)
    return counts


def _write_stream(parsed: argparse.Namespace, traffics: dict[str, Traffic]) -> None:
    if len(traffics) > 1:
        raise WrongOption("--events-out and --numbers-out are for one preset at a time")
    (traffic,) = traffics.values()
    if parsed.numbers_out is not None:
        counts = _counts("--numbers", parsed.numbers or "", traffic) if parsed.numbers else set()
        if len(counts) != 1:
            raise WrongOption("--numbers-out needs --numbers with one count")
        text = json.dumps(traffic.numbers_file(counts.pop()), indent=1)
        Path(parsed.numbers_out).write_text(text + "\n", encoding="utf-8")
    if parsed.events_out is not None:
        with open(parsed.events_out, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(event) + "\n" for event in traffic.events())
