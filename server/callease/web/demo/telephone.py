"""The demo telephone: plays an outside telephony provider that rings Callease, so that no real one is needed.

It knows of Callease only what the contract tells every provider: two addresses, a secret, and the signature.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias
from uuid import uuid4

from flask import Blueprint, Response, jsonify, render_template, request, url_for

from callease.web.demo.texts import LANGUAGE_NAMES, TELEPHONE, TELEPHONE_LANGUAGES

Post: TypeAlias = Callable[[str, bytes, dict[str, str]], tuple[int, bytes]]
"""Sends (address, body, headers) and gives (status, body) back; raises OSError where nobody answers."""

_TALK_PRESETS: Final = (95, 15, 240)
_OUTCOMES: Final = ("answered", "missed", "busy")
_MOST_TALK_SECONDS: Final = 14_400
_MOST_WAIT_SECONDS: Final = 60
_STALE_AFTER: Final = timedelta(hours=1)
_LONGEST_DIALLED: Final = 64
_CALL_ID: Final = re.compile(r"demo-[0-9a-f]{32}")
_SPELLING: Final = re.compile(r"\s*\+?[0-9\s().\u2010-\u2015\u2212-]+")
_EXTENSION: Final = re.compile(r"(.*?)\s*(?:,+|;ext=|доб\.?|қос\.?|ext\.?)\s*(\d{1,10})#?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TelephoneAccount:
    """A telephony account of the generic provider: its two addresses and its `whsec_` secret."""

    route_url: str
    events_url: str
    secret: str


class _Refused(Exception):
    """Why the telephone cannot go on, as a problem document; the status stays below 500."""

    def __init__(self, status: int, code: str, detail: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.body: dict[str, Any] = {"status": status, "code": code, "detail": detail}
        if errors:
            self.body["errors"] = dict(errors)


@dataclass(frozen=True, slots=True)
class _Ending:
    """How the person at the telephone let the call end; times count from `started_at`."""

    call_id: str
    caller: str | None
    to: str
    outcome: str
    started_at: datetime
    wait: int
    talk: int
    answered_by: str | None

    def events(self) -> list[dict[str, Any]]:
        """The facts of the call in the order they happened, each at its own time."""
        picked_up = self.started_at + timedelta(seconds=self.wait)
        facts = [self._fact("call.ringing", self.started_at)]
        if self.outcome == "answered":
            facts.append(self._fact("call.answered", picked_up, wait=self.wait, answered_by=self.answered_by))
        ended = self._fact(
            "call.ended",
            picked_up + timedelta(seconds=self.talk),
            disposition=self.outcome,
            wait=self.wait,
            talk=self.talk,
            duration=self.wait + self.talk,
        )
        if self.outcome == "answered" and self.answered_by:
            ended["answered_by"] = self.answered_by
        return [*facts, ended]

    def _fact(self, kind: str, at: datetime, **more: Any) -> dict[str, Any]:
        fact = {"type": kind, "call_id": self.call_id, "at": _written(at), "from": self.caller, "to": self.to}
        return fact | {name: value for name, value in more.items() if value is not None}


def create_telephone(
    account_source: Callable[[], TelephoneAccount],
    post: Post,
    now: Callable[[], datetime],
    office_names: Mapping[str, str] | None = None,
) -> Blueprint:
    """Builds the telephone page and the two steps of a call.

    `office_names` is the telephone's phone book, E.164 to a name: a route answer has only the office's id.
    The server keeps nothing between the steps; the page carries the call.
    """
    telephone = Blueprint(
        "demo_telephone",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/demo-static",
    )
    names = office_names or {}

    @telephone.errorhandler(_Refused)
    def refused(error: _Refused) -> Response:
        answer = jsonify(error.body)
        answer.status_code = error.status
        answer.content_type = "application/problem+json"
        return answer

    @telephone.get("/telephone")
    def page() -> str:
        return render_template("demo/telephone.html", **_page_context())

    @telephone.post("/telephone/calls")
    def dial() -> Response:
        body = _json_object()
        to, digits = _dialled(body.get("to"))
        caller = _caller(body.get("from"))
        call_id, at = f"demo-{uuid4().hex}", _written(now())
        asked: dict[str, Any] = {"call_id": call_id, "at": at, "from": caller, "to": to}
        if digits:
            asked["digits"] = digits
        route = _ask_route(account_source(), post, now(), asked)
        return jsonify(_shown(asked, route, names))

    @telephone.post("/telephone/calls/<call_id>/finish")
    def finish(call_id: str) -> Response:
        ending = _ending(call_id, _json_object(), now())
        _announce(account_source(), post, now, ending)
        return jsonify(call_id=call_id, outcome=ending.outcome, talk=ending.talk, wait=ending.wait)

    return telephone


def signed_headers(secret: str, message_id: str, sent_at: datetime, body: bytes) -> dict[str, str]:
    """Standard Webhooks headers of a body; `secret` is `whsec_` and base64 (standardwebhooks.com)."""
    timestamp = str(int(sent_at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(mac.digest()).decode(),
    }


def _page_context() -> dict[str, Any]:
    wanted = request.args.get("lang", "")
    language = wanted if wanted in TELEPHONE_LANGUAGES else TELEPHONE_LANGUAGES[0]
    texts = TELEPHONE[language]
    return {
        "lang": language,
        "t": texts,
        "talk_presets": _TALK_PRESETS,
        "most_talk": _MOST_TALK_SECONDS,
        "languages": [
            (code, LANGUAGE_NAMES[code], url_for("demo_telephone.page", lang=code)) for code in TELEPHONE_LANGUAGES
        ],
    }


def _json_object() -> dict[str, Any]:
    # Only a JSON content type: a form of another site cannot send one without asking first.
    body = request.get_json(silent=True) if request.is_json else None
    if not isinstance(body, dict):
        raise _Refused(400, "invalid_request", "The body must be a JSON object sent as application/json.")
    return body


def _dialled(value: object) -> tuple[str, str | None]:
    """The dialled number in E.164 and its extension, where one follows."""
    text = value if isinstance(value, str) and len(value) <= _LONGEST_DIALLED else ""
    split = _EXTENSION.fullmatch(text)
    phone = _e164(split[1] if split else text)
    if phone is None:
        raise _invalid("to", "not_a_phone")
    return phone, split[2] if split else None


def _caller(value: object) -> str | None:
    if value is None:
        return None
    phone = _e164(value)
    if phone is None:
        raise _invalid("from", "bad_from")
    return phone


def _e164(value: object) -> str | None:
    """Reads a number as a Kazakhstan exchange would: 8 and a bare ten digits stay in the country."""
    if not isinstance(value, str) or not _SPELLING.fullmatch(value):
        return None
    digits = re.sub(r"\D", "", value)
    if not value.strip().startswith("+"):
        if len(digits) == 10 and digits.startswith("7"):
            digits = "7" + digits
        elif len(digits) == 11 and digits.startswith("8"):
            digits = "7" + digits[1:]
    return f"+{digits}" if re.fullmatch(r"[1-9]\d{7,14}", digits) else None


def _invalid(field: str, code: str) -> _Refused:
    return _Refused(400, "invalid_request", f"{field}: {code}", {field: code})


def _ask_route(account: TelephoneAccount, post: Post, sent_at: datetime, asked: dict[str, Any]) -> dict[str, Any]:
    """Asks where the call goes; a number that Callease does not know is told from a server in trouble."""
    status, answer = _send(account.route_url, account.secret, post, sent_at, asked, "route_failed")
    problem = answer.get("code", "")
    if status == 404 and problem != "unknown_account":
        raise _Refused(404, "unknown_number", "This number is not ours: the server knows no owner of it.")
    if not 200 <= status < 300:
        detail = f"The server answered the route request with {status} {problem}"
        raise _Refused(424, "route_failed", detail.strip())
    if not answer.get("office") and not answer.get("destinations"):
        raise _Refused(404, "unknown_number", "This number is not ours: the server named no office.")
    return answer


def _announce(account: TelephoneAccount, post: Post, now: Callable[[], datetime], ending: _Ending) -> None:
    for event in ending.events():
        status, answer = _send(account.events_url, account.secret, post, now(), event, "events_refused")
        if not 200 <= status < 300:
            detail = f"The server answered {event['type']} with {status} {answer.get('code', '')}"
            raise _Refused(424, "events_refused", detail.strip())


def _send(
    url: str, secret: str, post: Post, sent_at: datetime, message: dict[str, Any], failure: str
) -> tuple[int, dict[str, Any]]:
    body = json.dumps(message, ensure_ascii=False).encode()
    try:
        status, answer = post(url, body, signed_headers(secret, f"msg_{uuid4().hex}", sent_at, body))
    except OSError as error:
        raise _Refused(424, failure, "The server cannot be reached.") from error
    try:
        parsed = json.loads(answer)
    except ValueError:
        # An event is answered with an empty body, a proxy in trouble with a page: the status says it all.
        parsed = {}
    return status, parsed if isinstance(parsed, dict) else {}


def _shown(asked: dict[str, Any], route: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """What the page shows of a route, with what it has to bring back to finish the call."""
    destinations = route.get("destinations") or []
    known = [names[place["to"]] for place in destinations if place.get("to") in names]
    return {
        "call_id": asked["call_id"],
        "started_at": asked["at"],
        "from": asked["from"],
        "to": asked["to"],
        "digits": asked.get("digits"),
        "office": known[0] if known else route.get("office"),
        "destinations": destinations,
        "whisper": route.get("whisper"),
    }


def _ending(call_id: str, body: dict[str, Any], now: datetime) -> _Ending:
    if not _CALL_ID.fullmatch(call_id):
        raise _invalid("call_id", "stale_call")
    outcome = body.get("outcome")
    if outcome not in _OUTCOMES:
        raise _invalid("outcome", "bad_outcome")
    started_at = _read(body.get("started_at"))
    if started_at is None or abs(now - started_at) > _STALE_AFTER:
        raise _invalid("started_at", "stale_call")
    rung = int((now - started_at).total_seconds())
    return _Ending(
        call_id=call_id,
        caller=_caller(body.get("from")),
        to=_dialled(body.get("to"))[0],
        outcome=outcome,
        started_at=started_at,
        wait=min(max(rung, 1), _MOST_WAIT_SECONDS),
        talk=_talk(body.get("talk")) if outcome == "answered" else 0,
        answered_by=_e164(body.get("answered_by")),
    )


def _talk(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_TALK_SECONDS:
        raise _invalid("talk", "bad_talk")
    return value


def _written(moment: datetime) -> str:
    """RFC 3339 in UTC; milliseconds are kept, or a quick call would seem to precede the number it rings."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else None
