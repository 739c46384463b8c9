"""A sizing as JSON: what the command prints, the API answers and the cabinet shows."""

from __future__ import annotations

from typing import Any

from callease.planning.situation import Situation
from callease.planning.sizing import Estimate, Point, Purchase, Sizing

_DIGITS = 4


def report(situation: Situation, sizing: Sizing, asked: int | None = None) -> dict[str, Any]:
    """`asked`: the numbers that somebody wants to know of, None: those that are owned, where any are."""
    traffic, certainty = situation.traffic, situation.certainty
    have = asked or situation.owned
    return {
        "reveals_a_day": round(traffic.reveals_a_day, 1),
        "offices": traffic.offices,
        "classes": traffic.classes,
        "objective": situation.objective,
        "counted": {
            "days": None if situation.days is None else round(situation.days, 1),
            "reveals": None if certainty.reveals is None else round(certainty.reveals),
            "first_calls": round(certainty.calls),
            "too_short": situation.too_short,
        },
        "assumed": list(situation.assumed),
        "curve": [_point(point) for point in sizing.tried],
        "for_source": [{"right": right, "numbers": numbers} for right, numbers in sizing.for_source.items()],
        "owned": situation.owned,
        "numbers": have,
        "now": _point(sizing.at(have)) if have and have >= sizing.offices else None,
        "next_best": _next_best(situation, sizing, have),
        "purchases": [_purchase(situation, each) for each in _purchases(sizing, have)],
        "price": situation.price.as_json() if situation.price else None,
    }


def _next_best(situation: Situation, sizing: Sizing, have: int | None) -> dict[str, Any] | None:
    """With fewer numbers than offices, one for each office comes first."""
    if have is None or have < sizing.offices:
        return _first_purchase(situation, sizing, have or 0)
    best = sizing.next_best(have)
    return _purchase(situation, best) if best else None


def _first_purchase(situation: Situation, sizing: Sizing, have: int) -> dict[str, Any]:
    more = sizing.offices - have
    price = situation.price
    return {
        "more": more,
        "then": _point(sizing.at(sizing.offices)),
        "source_gain": None,
        "session_gain": None,
        "price": price.times(more).as_json() if price else None,
    }


def _purchases(sizing: Sizing, have: int | None) -> list[Purchase]:
    return sizing.purchases(have) if have and have >= sizing.offices else []


def _purchase(situation: Situation, purchase: Purchase) -> dict[str, Any]:
    price = situation.price
    return {
        "more": purchase.more,
        "then": _point(purchase.then),
        "source_gain": round(purchase.source_gain, _DIGITS),
        "session_gain": round(purchase.session_gain, _DIGITS),
        "price": price.times(purchase.more).as_json() if price else None,
    }


def _point(point: Point) -> dict[str, Any]:
    shares = {name: _estimate(getattr(point, name)) for name in ("office", "source", "session")}
    return {"numbers": point.numbers, **shares}


def _estimate(of: Estimate) -> dict[str, float]:
    return {name: round(getattr(of, name), _DIGITS) for name in ("right", "low", "high")}
