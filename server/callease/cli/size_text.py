"""A sizing as a table and a few sentences for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ASSUMED = {
    "delays": "how often and how soon people call",
    "rhythm": "the rhythm of day and week",
    "returning visitors": "how many visitors come back",
}
Found = Mapping[str, Any]


def text(found: Found) -> str:
    """`found` as `planning.sizing_report` makes it."""
    lines = [
        f"{found['reveals_a_day']:,g} reveals a day, {found['offices']:,} offices, {found['classes']} classes, "
        f"objective {found['objective']}",
        *_known(found),
        "",
        f"{'numbers':>9}  {'right office':22}  {'right source':22}  {'right session':22}",
        *(_row(point) for point in found["curve"]),
        "",
        *_targets(found),
        *_advice(found),
    ]
    return "\n".join(lines)


def _known(found: Found) -> list[str]:
    counted = found["counted"]
    lines = []
    if counted["reveals"] is not None:
        reveals, days, calls = counted["reveals"], counted["days"], counted["first_calls"]
        lines.append(f"Counted: {reveals:,} reveals in {days:g} days, {calls:,} first calls.")
    lines.append(f"Assumed, not measured: {', '.join(_ASSUMED[name] for name in found['assumed'])}.")
    if counted["too_short"]:
        lines.append("This is too little to buy numbers by: count for some days more.")
    return lines


def _row(point: Found) -> str:
    return f"{point['numbers']:>9,}  " + "  ".join(
        f"{_share(point[name]):22}" for name in ("office", "source", "session")
    )


def _share(of: Found) -> str:
    return f"{100 * of['right']:6.2f} ({100 * of['low']:.2f}-{100 * of['high']:.2f})"


def _targets(found: Found) -> list[str]:
    most = found["curve"][-1]["numbers"]
    return [
        f"Right source in {100 * each['right']:g} % of calls: "
        + (f"{each['numbers']:,} numbers" if each["numbers"] else f"more than {most:,} numbers")
        for each in found["for_source"]
    ]


def _advice(found: Found) -> list[str]:
    have, best = found["numbers"], found["next_best"]
    if have is None:
        begin = f"Begin with {best['more']:,} numbers{_price(best)}"
        return [f"{begin}, one for each office: every caller reaches the right one."]
    if found["now"] is None:
        return [f"{have:,} numbers are fewer than offices: buy {best['more']:,} more first{_price(best)}."]
    source, session = (_share(found["now"][name]).strip() for name in ("source", "session"))
    lines = [f"With {have:,} numbers: source {source}, session {session}."]
    if best is None:
        lines.append("No purchase up to twice as many gains half a point: keep what you have.")
    else:
        lines.append(f"Next best purchase: {_purchase(best)}")
    lines += [f"  or {_purchase(each)}" for each in found["purchases"] if best is None or each["more"] > best["more"]]
    return lines


def _purchase(each: Found) -> str:
    return (
        f"{each['more']:,} more numbers{_price(each)} gain {100 * each['source_gain']:.2f} points of source, "
        f"{100 * each['session_gain']:.2f} of session."
    )


def _price(each: Found) -> str:
    price = each["price"]
    return f" ({price['amount']} {price['currency'] or ''}".rstrip() + " a month)" if price else ""
