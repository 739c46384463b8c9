"""The composition: settings become parts, parts become the web application."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue

from callease.attribution.extended import ExtendedNumbers
from callease.attribution.learning import Learning
from callease.attribution.measuring import Measuring
from callease.attribution.reveals import Reveals
from callease.attribution.visits import VisitLookup, Visits
from callease.base.clock import Clock, SystemClock
from callease.base.database import Database
from callease.base.group_commit import GroupCommit
from callease.base.redis_cluster import redis_store
from callease.base.secrets import SecretBox
from callease.catalog.changes import ChangeMark
from callease.catalog.lookup import CatalogLookup
from callease.catalog.revisions import share
from callease.leads.intake import CallIntake
from callease.numbers.extensions import Extensions
from callease.numbers.log import SqlLeaseLog
from callease.numbers.pool import NumberPool
from callease.numbers.roads import Roads
from callease.numbers.spending import Spending
from callease.planning.planner import Planner
from callease.settings import Settings
from callease.telephony.snapshot import Snapshot
from callease.web import health, metrics, problems
from callease.web.api.app import register_api
from callease.web.cabinet import numbers as _numbers_pages  # noqa: F401 - its views join the cabinet's
from callease.web.cabinet import sessions
from callease.web.cabinet import views as cabinet
from callease.web.proxies import TrustedProxies
from callease.web.public import script
from callease.web.public import views as public
from callease.web.services import Services, services
from callease.web.telephony import views as telephony

_BODY_AT_MOST = 64 * 1024 * 1024  # a listing import of some hundred thousand rows


def build_services(settings: Settings, clock: Clock | None = None) -> Services:
    """Everything that an entry point needs; nothing is connected to yet."""
    clock = clock or SystemClock()
    database = Database(settings.database_url)
    redis = redis_store(settings.redis_url or f"unix://{settings.redis_socket}")
    box = SecretBox(settings.secret_key)
    rows = GroupCommit(database, redis)
    pool = NumberPool(SqlLeaseLog(database), redis, rows.write_after, clock)
    changes = ChangeMark(settings.data_dir / "run" / "catalogue-mark")
    share(database, changes)
    catalog = CatalogLookup(database, changes)
    extended = ExtendedNumbers(Roads(database, changes), Extensions(database, redis, rows, clock))
    measuring = Measuring(database, redis, VisitLookup(database))
    return Services(
        settings=settings,
        clock=clock,
        database=database,
        redis=redis,
        box=box,
        snapshot=Snapshot(settings.snapshot_path),
        catalog=catalog,
        rows=rows,
        visits=Visits(database, rows, clock, measuring.visit),
        reveals=Reveals(database, catalog, pool, extended, clock, box, measuring),
        measuring=measuring,
        spending=Spending(database, pool),
        learning=Learning(database, clock),
        planner=Planner(database, clock, timedelta(days=settings.quarantine_days)),
        intake=CallIntake(database, clock, box, settings.spool_dir),
    )


def create_app(parts: Services) -> Flask:
    app = Flask("callease", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _BODY_AT_MOST
    app.config["SECRET_KEY"] = parts.box.session_key
    app.extensions["callease"] = parts
    app.wsgi_app = TrustedProxies(app.wsgi_app, parts.settings.trusted_proxies)  # type: ignore[method-assign]
    problems.register(app)
    prefix = parts.settings.public_prefix or None
    for blueprint in (public.blueprint, script.blueprint, telephony.blueprint):
        app.register_blueprint(blueprint, url_prefix=prefix)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics.blueprint)
    register_api(app)
    sessions.register(app)
    app.register_blueprint(cabinet.blueprint)

    @app.get("/.well-known/callease")
    def well_known() -> ResponseReturnValue:
        return jsonify(base=services().settings.base_url(request.host_url))

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
        return response

    return app
