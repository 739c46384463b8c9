"""Whether the process is up, and whether everything it needs is."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from callease.base.errors import Unavailable
from callease.web.services import Services, services

HEARTBEAT_KEY = "callease:worker"

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    down = _down(services())
    return jsonify(status="down" if down else "ok", down=down), 503 if down else 200


def _down(parts: Services) -> list[str]:
    down = []
    try:
        parts.database.check()
    except Unavailable:
        down.append("database")
    try:
        if not parts.redis.call(lambda client: client.exists(HEARTBEAT_KEY), HEARTBEAT_KEY):
            down.append("worker")
    except Unavailable:
        down.append("redis")
    return down
