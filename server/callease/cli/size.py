"""`callease size`: how many numbers buy which accuracy, from the log, from a stream, or from given rates."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from callease.app import build_services
from callease.base.json_input import read_json
from callease.catalog.models import Site
from callease.cli.errors import WrongOption, in_one_line
from callease.cli.simulate_own import traffic_changes
from callease.planning.replay_input import WrongInput, checked
from callease.planning.seen_traffic import seen_traffic
from callease.planning.situation import Situation, of_events, of_log
from callease.planning.sizing import Certainty, size
from callease.planning.sizing_report import report
from callease.planning.traffic import DAY_SECONDS, Traffic
from callease.settings import load_settings

_LOG_DAYS = 30.0
_OF_RATES = {"reveals_a_day", "offices", "classes"}
_RATES_FORM = 'is not {"offices": [{"id": "...", "reveals_a_day": {"paid_search": 12.5, ...}}, ...]}'


@in_one_line
def run(parsed: argparse.Namespace) -> int:
    situation = _situation(parsed)
    sizing = size(
        situation.traffic,
        situation.objective,
        situation.certainty,
        _wanted(parsed, situation),
        _tell,
        parsed.replayed_reveals,
    )
    found = report(situation, sizing, parsed.numbers)
    if parsed.json:
        print(json.dumps(found, indent=1))
    else:
        from callease.cli.size_text import text

        print(text(found))
    return 0


def _tell(line: str) -> None:
    print(f"callease: {line}", file=sys.stderr, flush=True)


def _wanted(parsed: argparse.Namespace, situation: Situation) -> int | None:
    """Numbers that are tried in any case. Fewer than offices are of no use to anybody: said when asked for."""
    offices = situation.traffic.offices
    if parsed.numbers is not None and parsed.numbers < offices:
        raise WrongOption(f"--numbers: {parsed.numbers} numbers are fewer than {offices} offices")
    owned = parsed.numbers or situation.owned
    return owned if owned and owned >= offices else None


def _situation(parsed: argparse.Namespace) -> Situation:
    drawn = traffic_changes(parsed)
    inputs = [parsed.from_log, parsed.rates is not None, parsed.from_events is not None]
    if sum(inputs) > 1:
        raise WrongOption("--from-log, --from-events and --rates are different ways: take one")
    if any(inputs) and drawn.keys() & _OF_RATES:
        raise WrongOption("--reveals-a-day, --offices and --classes are for traffic that nobody has seen")
    if parsed.from_log:
        return _with_rest(_of_log(parsed), drawn)
    if (parsed.site or parsed.log_days) is not None:
        raise WrongOption("--days and --site are for --from-log")
    if parsed.from_events is not None:
        return _with_rest(_of_events(parsed.from_events, parsed.objective or "both"), drawn)
    if parsed.rates is not None:
        with open(parsed.rates, "rb") as file:
            rates = _rates(parsed.rates, file.read())
        traffic: Traffic = seen_traffic(rates, None, _traffic(drawn))
    elif "reveals_a_day" in drawn:
        traffic = _traffic(drawn)
    else:
        raise WrongOption("say what to size: --from-log, --rates FILE, --from-events FILE or --reveals-a-day N")
    return Situation(traffic, parsed.objective or "both", Certainty(), ("delays", "rhythm", "returning visitors"))


def _of_log(parsed: argparse.Namespace) -> Situation:
    days = _LOG_DAYS if parsed.log_days is None else parsed.log_days
    if not days > 0:
        raise WrongOption("--days is not above 0")
    parts = build_services(load_settings())
    try:
        with parts.database.reading() as session:
            found = of_log(session, parts.clock.now(), days, _site(session, parsed.site))
    finally:
        parts.close()
    return replace(found, objective=parsed.objective or found.objective)


def _site(session: Session, key: str | None) -> Site | None:
    if key is None:
        return None
    site = session.scalar(select(Site).where((Site.key == key) | (Site.id == key)))
    if site is None:
        raise WrongOption(f"--site: there is no site {key!r}")
    return site


def _of_events(path: str, objective: str) -> Situation:
    try:
        with open(path, "rb") as lines:
            return of_events(checked(lines, None, None), objective)
    except WrongInput as error:
        raise WrongInput(f"{path}: {error}") from None


def _with_rest(situation: Situation, changes: Mapping[str, Any]) -> Situation:
    """`--set` changes what neither log nor stream tells."""
    try:
        return replace(situation, traffic=replace(situation.traffic, **changes))
    except ValueError as error:
        raise WrongOption(str(error)) from None


def _traffic(changes: Mapping[str, Any]) -> Traffic:
    try:
        return Traffic(**changes)
    except ValueError as error:
        raise WrongOption(str(error)) from None


def _rates(path: str, raw: bytes) -> dict[str, dict[str, float]]:
    """Reveals a second, by office and class. Raises WrongInput."""
    try:
        offices = read_json(raw)["offices"]
        rates = {
            str(office["id"]): {str(name): float(rate) / DAY_SECONDS for name, rate in office["reveals_a_day"].items()}
            for office in offices
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        raise WrongInput(f"{path}: {_RATES_FORM}") from None
    if len(rates) < len(offices):
        raise WrongInput(f"{path}: an office is there twice")
    if not all(0 <= rate < float("inf") for of in rates.values() for rate in of.values()):
        raise WrongInput(f"{path}: a rate is negative or no number")
    return rates
