"""The API as a whole: its views, its OpenAPI document, its page for people."""

from __future__ import annotations

from typing import Any

from flask import Blueprint as PlainBlueprint
from flask import Flask, Response, make_response, render_template
from flask_smorest import Api, Blueprint

from callease import __version__
from callease.web.api import actions, imports, planning
from callease.web.api.access import authenticate
from callease.web.api.resources import register_all
from callease.web.api.shapes import shape

_PREFIX = "/api/v1"
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "fields": {"type": "object"},
    },
}
_REFUSALS = {"400": "Of the wrong form", "401": "No valid token", "403": "Not for this role", "404": "Not there"}
_CONFLICT = {"409": "Against the present state"}


def register_api(app: Flask) -> None:
    app.config.update(
        API_TITLE="Callease management API",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=_PREFIX,
        OPENAPI_JSON_PATH="openapi.json",
    )
    handlers = dict(app.error_handler_spec[None][None])
    api = Api(app)
    app.error_handler_spec[None][None].update(handlers)  # problems stay in the hands of callease.web.problems
    blueprint = Blueprint("api", __name__, url_prefix=_PREFIX)
    blueprint.before_request(authenticate)
    register_all(blueprint)
    actions.register(blueprint)
    imports.register(blueprint)
    planning.register(blueprint)
    api.register_blueprint(blueprint)
    _finish_document(api)

    pages = PlainBlueprint(
        "api_pages", __name__, template_folder="templates", static_folder="static", static_url_path="/api/static"
    )
    pages.add_app_template_filter(shape, "shape")
    app.register_blueprint(pages)

    @app.get(f"{_PREFIX}/docs")
    def docs() -> Response:
        response = make_response(render_template("api/docs.html", document=api.spec.to_dict()))
        response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'self'; base-uri 'none'"
        return response


def _finish_document(api: Api) -> None:
    """What every operation has: a bearer token, and problems."""
    spec: Any = api.spec
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    spec.options["security"] = [{"token": []}]
    spec.components.schema("Problem", _PROBLEM)
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in spec._paths.values():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            responses = operation.setdefault("responses", {})
            responses.pop("default", None)
            for status, description in (_REFUSALS if method == "get" else _REFUSALS | _CONFLICT).items():
                responses.setdefault(status, {"description": description, "content": problem})
            if method == "patch":
                _nothing_required(spec, operation["requestBody"]["content"]["application/json"])
    for schema in spec.components.schemas.values():
        _javascript_patterns(schema)


def _nothing_required(spec: Any, content: dict[str, Any]) -> None:
    """A change names only what it changes."""
    name = content["schema"]["$ref"].rpartition("/")[2]
    whole = spec.components.schemas[name]
    spec.components.schema(f"{name}Change", {key: value for key, value in whole.items() if key != "required"})
    content["schema"] = {"$ref": f"#/components/schemas/{name}Change"}


def _javascript_patterns(schema: dict[str, Any]) -> None:
    """JSON Schema's patterns are ECMA-262's, which has other names for the ends of a text."""
    for each in schema.get("properties", {}).values():
        if "pattern" in each:
            each["pattern"] = each["pattern"].replace(r"\A", "^").replace(r"\Z", "$")
