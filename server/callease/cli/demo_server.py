"""The web server of the demo: Callease itself, the portal and the telephone, in one."""

from __future__ import annotations

import os
import urllib.error
import urllib.request

from flask import Flask

from callease.app import build_services, create_app
from callease.cli.demo_seed import DemoFacts, read_facts
from callease.settings import load_settings
from callease.web.demo.catalogue import load_catalogue
from callease.web.demo.portal import PortalConfig, create_portal
from callease.web.demo.telephone import TelephoneAccount, create_telephone
from callease.web.services import Services

ADDRESS_VARIABLE = "CALLEASE_DEMO_ADDRESS"
_TIMEOUT_SECONDS = 10


def make() -> Flask:
    parts = build_services(load_settings())
    facts = read_facts(parts.settings.data_dir)
    if facts is None:
        raise RuntimeError("the demo has not been seeded: start it with `callease demo`")
    app = create_app(parts)
    _add_pages(app, parts, facts)
    return app


def _add_pages(app: Flask, parts: Services, facts: DemoFacts) -> None:
    stock = load_catalogue()
    prefix = parts.settings.public_prefix
    account_url = f"{os.environ[ADDRESS_VARIABLE]}{prefix}/v1/telephony/{facts.account_address}"
    config = PortalConfig(site_key=facts.site_key, script_url=f"{prefix}/v1.js")
    account = TelephoneAccount(f"{account_url}/route", f"{account_url}/events", facts.account_secret)
    app.register_blueprint(create_portal(stock, lambda: config))
    app.register_blueprint(create_telephone(lambda: account, _post, parts.clock.now, stock.office_names()))


def _post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """The telephone is an outside provider: it speaks to the real addresses over HTTP."""
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - the demo's own address
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
