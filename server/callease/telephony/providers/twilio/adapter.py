"""Twilio Programmable Voice: signed form posts in, TwiML out.

A call begins with the question at the Voice URL, goes on with the status of the dialled leg, and ends with the action
of `<Dial>`, which alone says whether anybody answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.etree import ElementTree

from callease.base.errors import InvalidRequest
from callease.base.phones import provider_phone
from callease.numbers.codes import dialled_code
from callease.telephony.events import CallEvent, CallEventType, Disposition
from callease.telephony.providers.protocol import Collect, Incoming, Reply, RouteAnswer, RouteQuestion
from callease.telephony.providers.twilio.signature import is_signed
from callease.telephony.routing import prompt_for_code

_CREDENTIALS = ("account_sid", "auth_token")
_FORM = "application/x-www-form-urlencoded"
_BEGUN = frozenset({"queued", "initiated", "ringing"})
_DISPOSITIONS = {
    "completed": Disposition.ANSWERED,
    "answered": Disposition.ANSWERED,
    "no-answer": Disposition.MISSED,
    "canceled": Disposition.MISSED,
    "busy": Disposition.BUSY,
    "failed": Disposition.FAILED,
}
_RING_SECONDS = 30
_VOICES = {"ru": "ru-RU", "en": "en-GB"}
# In the address of the second question: the caller has had the occasion to dial a code.
_COLLECTED = ("collected", "1")
# What stands in From when the caller is hidden: ANONYMOUS, RESTRICTED, UNAVAILABLE, UNKNOWN on a telephone's keys.
_HIDDEN = frozenset({"+266696687", "+7378742833", "+86282452253", "+8656696"})


class TwilioProvider:
    def credentials(self, given: Mapping[str, Any]) -> dict[str, str]:
        problems: dict[str, list[str]] = {name: ["is required"] for name in _CREDENTIALS if not given.get(name)}
        problems |= {name: ["is not known"] for name in given if name not in _CREDENTIALS}
        if problems:
            raise InvalidRequest({"credentials": problems})
        return {name: str(given[name]) for name in _CREDENTIALS}

    def shown_once(self, credentials: Mapping[str, str]) -> dict[str, str]:
        return {}

    def authentic(self, incoming: Incoming, credentials: Mapping[str, str], now: datetime) -> bool:
        is_form = incoming.headers.get("content-type", "").startswith(_FORM)
        given = incoming.headers.get("x-twilio-signature", "")
        return is_signed(credentials["auth_token"], given, incoming.url, incoming.body, is_form)

    def translate(self, incoming: Incoming, now: datetime) -> list[CallEvent]:
        form = _form(incoming)
        call_sid = form.get("ParentCallSid") or form.get("CallSid")
        if not call_sid:
            raise InvalidRequest({"CallSid": ["is required"]})
        if incoming.suffix == "route":
            # Whatever its status: to take digits, Twilio itself has answered the call.
            digits = dialled_code(form.get("Digits"))
            return [_event(form, call_sid, CallEventType.RINGING, now, digits=digits)]
        if form.get("RecordingStatus"):
            return _recorded(form, call_sid, now) if form["RecordingStatus"] == "completed" else []
        if form.get("ParentCallSid"):
            return _leg(form, call_sid, now)
        if form.get("DialCallStatus"):
            return _dial_ended(form, call_sid, now)
        return _status(form, call_sid, now)

    def question(self, incoming: Incoming, now: datetime) -> RouteQuestion:
        form = _form(incoming)
        dialled = provider_phone(form.get("To"))
        missing = [name for name in ("CallSid", "To") if not form.get(name)]
        if missing or dialled is None:
            raise InvalidRequest({name: ["is required"] for name in missing or ["To"]})
        return RouteQuestion(
            provider_call_id=form["CallSid"],
            at=_at(form, now),
            dialled=dialled,
            caller=_caller(form),
            digits=dialled_code(form.get("Digits")),
            collected=_COLLECTED in parse_qsl(urlsplit(incoming.url).query),
            ringing=True,
        )

    def events_reply(self, call: str | None) -> Reply:
        return _twiml(ElementTree.Element("Response"))

    def route_reply(self, answer: RouteAnswer, events_url: str) -> Reply:
        response = ElementTree.Element("Response")
        if answer.collect:
            _gather(response, answer.collect, events_url)
        if not answer.destinations:
            ElementTree.SubElement(response, "Hangup" if answer.collect else "Reject")
            return _twiml(response)
        timeout = max(int(each.get("timeout") or _RING_SECONDS) for each in answer.destinations)
        attributes = {"answerOnBridge": "true", "timeout": str(timeout), "action": events_url, "method": "POST"}
        if len(answer.destinations) > 1:
            attributes["sequential"] = "true"
        if answer.record:
            attributes |= {"record": "record-from-answer-dual", "recordingStatusCallback": events_url}
        dial = ElementTree.SubElement(response, "Dial", attributes)
        news = {"statusCallback": events_url, "statusCallbackEvent": "answered", "statusCallbackMethod": "POST"}
        for each in answer.destinations:
            kind = "Sip" if str(each["to"]).startswith(("sip:", "sips:")) else "Number"
            ElementTree.SubElement(dial, kind, news).text = str(each["to"])
        return _twiml(response)

    def unknown_number_reply(self) -> Reply:
        response = ElementTree.Element("Response")
        ElementTree.SubElement(response, "Reject")
        return _twiml(response)


def _gather(response: ElementTree.Element, collect: Collect, events_url: str) -> None:
    """Whoever dials nothing is asked about again all the same, with no digits, and then put through."""
    action = f"{events_url.removesuffix('events')}route?{urlencode([_COLLECTED])}"
    attributes = {"input": "dtmf", "timeout": str(collect.timeout), "finishOnKey": "#", "actionOnEmptyResult": "true"}
    gather = ElementTree.SubElement(response, "Gather", {**attributes, "action": action, "method": "POST"})
    # Twilio's documentation names no Kazakh voice.
    spoken = "ru" if collect.locale[:2] in ("ru", "kk") else "en"
    ElementTree.SubElement(gather, "Say", {"language": _VOICES[spoken]}).text = prompt_for_code(spoken)


def _form(incoming: Incoming) -> dict[str, str]:
    text = urlsplit(incoming.url).query if incoming.method == "GET" else incoming.body.decode("utf-8", "replace")
    return dict(parse_qsl(text, keep_blank_values=True))


def _status(form: Mapping[str, str], call_sid: str, now: datetime) -> list[CallEvent]:
    """The incoming call itself; `completed` alone does not say whether anybody answered."""
    status = form.get("CallStatus", "")
    if status in _BEGUN:
        return [_event(form, call_sid, CallEventType.RINGING, now)]
    if status == "in-progress":
        return [_event(form, call_sid, CallEventType.ANSWERED, now)]
    if status not in _DISPOSITIONS:
        raise InvalidRequest({"CallStatus": ["is not a status that Twilio documents"]})
    disposition = None if status == "completed" else _DISPOSITIONS[status]
    duration = _seconds(form, "CallDuration")
    return [_event(form, call_sid, CallEventType.ENDED, now, disposition=disposition, duration=duration)]


def _leg(form: Mapping[str, str], call_sid: str, now: datetime) -> list[CallEvent]:
    """The leg to the office: who answered."""
    if form.get("CallStatus") not in ("in-progress", "answered"):
        return []
    answered_by = provider_phone(form.get("To")) or form.get("To")
    return [CallEvent(call_sid, CallEventType.ANSWERED, _at(form, now), answered_by=answered_by)]


def _dial_ended(form: Mapping[str, str], call_sid: str, now: datetime) -> list[CallEvent]:
    disposition = _DISPOSITIONS.get(form["DialCallStatus"], Disposition.FAILED)
    talk = _seconds(form, "DialCallDuration") or 0
    ended = _event(
        form,
        call_sid,
        CallEventType.ENDED,
        now,
        disposition=disposition,
        talk=talk if disposition is Disposition.ANSWERED else 0,
    )
    return [ended, *(_recorded(form, call_sid, now) if form.get("RecordingUrl") else [])]


def _recorded(form: Mapping[str, str], call_sid: str, now: datetime) -> list[CallEvent]:
    address = form.get("RecordingUrl") or None
    return [CallEvent(call_sid, CallEventType.RECORDED, _at(form, now), recording_url=address)]


def _event(form: Mapping[str, str], call_sid: str, type_: CallEventType, now: datetime, **more: Any) -> CallEvent:
    return CallEvent(call_sid, type_, _at(form, now), provider_phone(form.get("To")), _caller(form), **more)


def _caller(form: Mapping[str, str]) -> str | None:
    phone = provider_phone(form.get("From"))
    return None if phone in _HIDDEN else phone


def _at(form: Mapping[str, str], now: datetime) -> datetime:
    """Twilio's own time where the message has it, else that of receipt."""
    try:
        return parsedate_to_datetime(form["Timestamp"]).astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        return now


def _seconds(form: Mapping[str, str], name: str) -> int | None:
    text = form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None


def _twiml(response: ElementTree.Element) -> Reply:
    text = ElementTree.tostring(response, encoding="unicode")
    return Reply(200, "text/xml", f'<?xml version="1.0" encoding="UTF-8"?>{text}')
