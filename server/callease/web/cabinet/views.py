"""The pages of the cabinet."""

from __future__ import annotations

import hashlib
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, make_response, redirect, render_template, request, session, url_for
from flask_login import current_user, login_required, login_user, logout_user
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from callease import __version__
from callease.base.clock import rfc3339
from callease.base.errors import CalleaseError, LimitExceeded, Unavailable
from callease.base.phones import international
from callease.leads import leads as work
from callease.leads.inbox import Filters, LeadCard, find_lead, inbox, inbox_version, lead_card, offices_of
from callease.leads.states import ACTIONS, LeadStatus
from callease.planning.sizings import ask, site_of, sizing_of
from callease.tenancy.roles import READ, WRITE, may
from callease.web import problems
from callease.web.cabinet import wording
from callease.web.cabinet.sessions import principal, refuse_other_sites, sign_in
from callease.web.services import services

_CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ERROR_TEXTS = {400: "bad_request", 403: "forbidden", 404: "not_found", 409: "conflict", 429: "too_many"}
_TEXTS_OF_CODES = {"proposal_moved_on": "proposal_moved_on", "proposal_outdated": "proposal_outdated"}
_PAST = {"claim": "claimed", "release": "released", "close": "closed", "reopen": "reopened", "created": "created"}
_FOR_EVER = 31_536_000

blueprint = Blueprint(
    "cabinet",
    __name__,
    url_prefix="/cabinet",
    template_folder="templates",
    static_folder="static",
    static_url_path="/static",
)
blueprint.before_request(refuse_other_sites)


@blueprint.get("/login")
def login() -> str | BaseResponse:
    if current_user.is_authenticated:
        return redirect(url_for("cabinet.leads"))
    return page("login", error=None, next=_next(request.args.get("next")))


@blueprint.post("/login")
def log_in() -> str | BaseResponse | tuple[str, int]:
    email, password = request.form.get("email", ""), request.form.get("password", "")
    next_ = _next(request.form.get("next"))
    if not email or not password:
        return page("login", error="login.error.missing", next=next_), 400
    try:
        user = sign_in(email, password)
    except LimitExceeded:
        return page("login", error="login.error.too_many", next=next_), 429
    if user is None:
        return page("login", error="login.error.credentials", next=next_), 401
    login_user(user)
    return redirect(next_ or url_for("cabinet.leads"))


@blueprint.post("/logout")
def log_out() -> BaseResponse:
    logout_user()
    session.clear()
    return redirect(url_for("cabinet.login"))


@blueprint.get("")
@login_required  # type: ignore[untyped-decorator]
def leads() -> str:
    return page("leads", **_list())


@blueprint.get("/leads/rows")
@login_required  # type: ignore[untyped-decorator]
def rows() -> Response:
    """Most of the time nothing has changed, and that is answered without looking at the leads."""
    response = make_response()
    response.set_etag(_version(), weak=True)
    if request.if_none_match.contains_weak(response.get_etag()[0] or ""):
        response.status_code = 304
        return response
    response.set_data(page("_rows", **_list()))
    return response


@blueprint.post("/search")
@login_required  # type: ignore[untyped-decorator]
def search() -> BaseResponse:
    """What is searched for may be a phone: it goes into the signed cookie, never into an address."""
    session["q"] = request.form.get("q", "").strip()[:100]
    narrowed: dict[str, Any] = {name: request.form[name] for name in ("status", "office") if request.form.get(name)}
    return redirect(url_for("cabinet.leads", **narrowed))


@blueprint.get("/leads/<lead_id>")
@login_required  # type: ignore[untyped-decorator]
def lead(lead_id: str) -> Response:
    with services().database.reading() as reading:
        card = lead_card(reading, principal(), lead_id, services().clock.now())
    html = page("lead", **_card(card))
    response = make_response(html)
    response.set_etag(hashlib.sha256(html.encode()).hexdigest()[:20], weak=True)
    return response.make_conditional(request)  # type: ignore[return-value]


@blueprint.post(f"/leads/<lead_id>/<any({','.join(ACTIONS)}):action>")
@login_required  # type: ignore[untyped-decorator]
def act(lead_id: str, action: str) -> BaseResponse:
    principal().require(WRITE, "leads")
    with services().database.transaction() as writing:
        found = find_lead(writing, principal(), lead_id)
        actor = current_user.name or current_user.email
        work.act(writing, services().clock, found, action, current_user.id, actor)
    return redirect(url_for("cabinet.lead", lead_id=lead_id))


@blueprint.get("/sizing")
@login_required  # type: ignore[untyped-decorator]
def sizing() -> str:
    principal().require(READ, "sizings")
    with services().database.reading() as reading:
        shown = sizing_of(reading, request.args.get("site"))
    return page("sizing", **shown)


@blueprint.post("/sizing")
@login_required  # type: ignore[untyped-decorator]
def ask_for_sizing() -> BaseResponse:
    principal().require(WRITE, "sizings")
    with services().database.transaction() as writing:
        site_id = site_of(writing, request.form.get("site")).id
        ask(writing, services().clock, site_id)
    return redirect(url_for("cabinet.sizing", site=site_id))


@blueprint.before_request
def choose_language() -> None:
    if request.args.get("lang") in wording.LOCALES:
        session["lang"] = request.args["lang"]


@blueprint.after_request
def secure(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _CONTENT_SECURITY
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Frame-Options"] = "DENY"
    if request.endpoint == "cabinet.static":
        response.headers["Cache-Control"] = f"public, max-age={_FOR_EVER}, immutable"
    else:
        response.headers["Cache-Control"] = "private, no-cache"
    return response


@blueprint.errorhandler(CalleaseError)
def refused(error: CalleaseError) -> tuple[str, int]:
    return _error(problems.status_of(error), _TEXTS_OF_CODES.get(error.code))


@blueprint.errorhandler(HTTPException)
def http_error(error: HTTPException) -> tuple[str, int]:
    return _error(error.code or 500)


@blueprint.route("/<path:_>")
def nothing_here(_: str) -> tuple[str, int]:
    """An unknown address below the cabinet is answered in the cabinet's own look."""
    return _error(404)


def _error(status: int, of_code: str | None = None) -> tuple[str, int]:
    key = of_code or _ERROR_TEXTS.get(status, "server")
    try:
        return page("error", code=status, text_key=f"error.{key}"), status
    except Unavailable:  # not even the user can be read
        return wording.translator(wording.DEFAULT_LOCALE)("error.server"), status


def _list() -> dict[str, Any]:
    filters = Filters(
        _known_status(request.args.get("status", "")), request.args.get("office", ""), session.get("q", "")
    )
    if "q" in request.args:  # the link that ends a search
        session.pop("q", None)
        filters = Filters(filters.status, filters.office)
    cursor = request.args.get("cursor")
    with services().database.reading() as reading:
        page = inbox(reading, principal(), filters, cursor, services().clock.now())
        offices = [{"id": office.id, "name": office.name} for office in offices_of(reading, principal())]
    narrowed = _if_given(status=filters.status, office=filters.office)
    return {
        "leads": [_linked(row) for row in page.leads],
        "filters": {"status": filters.status, "office": filters.office},
        "q": filters.q,
        "offices": offices,
        "counts": page.counts,
        "next_cursor": page.next_cursor,
        "version": _version(),
        "rows_url": url_for("cabinet.rows", **narrowed, **_if_given(cursor=cursor)),
        "show_advertiser": not principal().walled,
    }


def _version() -> str:
    with services().database.reading() as reading:
        newest = inbox_version(reading, principal(), services().clock.now())
    searched = hashlib.sha256(session.get("q", "").encode()).hexdigest()[:8]
    return f"{newest}-{searched}-{_locale()}-{__version__}"


def _card(card: LeadCard) -> dict[str, Any]:
    t = wording.translator(_locale())
    allowed = may(principal().role, WRITE, "leads")
    return {
        "lead": _linked(card.lead),
        "evidence": [_worded(step, t) for step in card.evidence],
        "history": [
            {"at": change.at, "text_key": f"history.{_PAST[change.action]}", "values": {}, "actor": change.actor}
            for change in card.history
        ],
        "actions": [
            {"action": action, "url": url_for("cabinet.act", lead_id=card.lead["id"], action=action)}
            for action in card.actions
            if allowed
        ],
        "calls": card.earlier,
        "back_url": url_for("cabinet.leads"),
    }


def _worded(step: dict[str, Any], t: Any) -> dict[str, Any]:
    values = dict(step["values"])
    if "number" in values:
        values["number"] = international(values["number"])
    if "age_seconds" in values:
        values["age"] = wording.age(values["age_seconds"], t)
    if step["key"] == "leases_compete":
        values["count"] += 1  # the text counts all who saw the number, the best one too
    return {"key": step["key"], "values": values}


def _linked(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "url": url_for("cabinet.lead", lead_id=row["id"])}


def page(template: str, **context: Any) -> str:
    locale = _locale()
    user = current_user if current_user.is_authenticated else None
    sizes = user is not None and may(user.principal.role, READ, "sizings")
    plans = user is not None and may(user.principal.role, READ, "proposals")
    common = {"t": wording.translator(locale), "locale": locale, "user": user, "asset": _asset}
    context |= {"sizes": sizes, "plans": plans}
    return render_template(f"cabinet/{template}.html", **common, **context)


blueprint.add_app_template_filter(lambda at: wording.when(at, _locale(), _timezone()), "when")
blueprint.add_app_template_filter(lambda share: wording.percent(share, _locale()), "percent")
blueprint.add_app_template_filter(lambda share: wording.tenths(share, _locale()), "tenths")
blueprint.add_app_template_filter(lambda count: wording.number(count, _locale()), "number")
blueprint.add_app_template_filter(lambda amount: wording.money(amount, _locale()), "money")
blueprint.add_app_template_filter(lambda value: wording.figure(value, _locale()), "figure")
blueprint.add_app_template_filter(lambda value: wording.signed(value, _locale()), "signed")
blueprint.add_app_template_filter(rfc3339, "iso")
blueprint.add_app_template_filter(wording.duration, "duration")
blueprint.add_app_template_filter(international, "phone")
blueprint.add_app_template_filter(wording.host, "host")


def _locale() -> str:
    chosen = session.get("lang") or (current_user.locale if current_user.is_authenticated else None)
    best = chosen or request.accept_languages.best_match(wording.LOCALES)
    return best if best in wording.LOCALES else wording.DEFAULT_LOCALE


def _timezone() -> ZoneInfo:
    return ZoneInfo(services().catalog.portal_timezone())


def _asset(name: str) -> str:
    return url_for("cabinet.static", filename=name, v=__version__)


def _if_given(**values: str | None) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _known_status(text: str) -> str:
    return text if text in {status.value for status in LeadStatus} else ""


def _next(path: str | None) -> str:
    """Only pages of the cabinet itself: a link from elsewhere must not send anybody on."""
    text = path or ""
    plain = text.startswith("/cabinet") and not any(character in text for character in "\\\r\n:")
    return text if plain and not text.startswith(("/cabinet/login", "/cabinet/logout")) else ""
