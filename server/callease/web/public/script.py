"""The drop-in script as it was built, and where a page finds it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import sysconfig
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, jsonify, request

from callease import __version__
from callease.base.errors import NotFound
from callease.web.services import services

_NEWEST = "public, max-age=3600, stale-while-revalidate=86400"
_FOR_EVER = "public, max-age=31536000, immutable"

blueprint = Blueprint("script", __name__)


@dataclass(frozen=True)
class Script:
    """A built file: its bytes, the same packed, its entity tag."""

    plain: bytes
    packed: bytes
    etag: str


@blueprint.get("/v1.js")
def newest() -> Response:
    return _answer(built("v1.min.js"), _NEWEST)


@blueprint.get("/v<version>.js")
def exact(version: str) -> Response:
    if not re.fullmatch(r"1\.\d{1,4}\.\d{1,4}", version):
        raise NotFound("unknown_version")
    return _answer(built(f"releases/v{version}.js"), _FOR_EVER)


@blueprint.get("/v1.json")
def about() -> Response:
    release = f"v{__version__}.js"
    digest = hashlib.sha384(built(f"releases/{release}").plain).digest()
    response = jsonify(
        version=__version__,
        integrity="sha384-" + base64.b64encode(digest).decode(),
        url=f"{services().settings.base_url(request.host_url)}/{release}",
    )
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


@lru_cache(maxsize=64)
def built(name: str) -> Script:
    """A file of static/js; raises NotFound("unknown_version") for one that was never released."""
    path = _folder() / name
    if not path.is_file():
        raise NotFound("unknown_version")
    plain = path.read_bytes()
    return Script(plain, gzip.compress(plain, 9, mtime=0), hashlib.sha256(plain).hexdigest()[:16])


@lru_cache(maxsize=1)
def _folder() -> Path:
    """In a checkout beside the server, in an installation where the wheel has put its data."""
    checkout = Path(__file__).parents[4] / "static" / "js"
    return checkout if checkout.is_dir() else Path(sysconfig.get_path("data")) / "share" / "callease" / "js"


def _answer(script: Script, cache_control: str) -> Response:
    packed = request.accept_encodings["gzip"] > 0
    response = Response(script.packed if packed else script.plain, content_type="text/javascript; charset=utf-8")
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = cache_control
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.set_etag(script.etag + ("-gzip" if packed else ""))
    return response.make_conditional(request)  # type: ignore[return-value]
