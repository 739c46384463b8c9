"""One way to list, make, read, change and retire, for every resource of the API.

A resource says what is its own: its model, its shape, whose its rows are, and the functions of the layers below that
make and change them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import Response, jsonify, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from callease.base.errors import Forbidden, InvalidRequest, NotFound
from callease.base.json_input import read_json
from callease.tenancy.roles import READ, WRITE, may
from callease.tenancy.wall import Principal
from callease.web.api.access import principal
from callease.web.api.idempotency import once
from callease.web.api.pages import PageSchema, listed, page
from callease.web.services import Services, services

_PAGE = PageSchema()
Fields = dict[str, Any]
V = TypeVar("V")


@dataclass(frozen=True)
class Asked:
    """Who asks, in which transaction, with which parts."""

    session: Session
    parts: Services
    principal: Principal


@dataclass(frozen=True)
class ResourceSpec:
    """`scope` narrows a query to what the principal may see. `create` also answers what is shown once.

    `references`: column -> the model and scope that its ids must be found in. `filters`: query parameter -> column.
    `order`: the columns of the list's order, the id last. A function that is None is not offered.
    """

    name: str
    model: type[Any]
    schema: Schema
    scope: Callable[[Principal, Select[Any]], Select[Any]]
    create: Callable[[Asked, Fields], tuple[Any, Fields]] | None = None
    update: Callable[[Asked, Any, Fields], Any] | None = None
    retire: Callable[[Asked, Any], None] | None = None
    dump: Callable[[Asked, list[Any]], list[Fields]] | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, Any] = field(default_factory=dict)
    order: tuple[Any, ...] = ()
    hide_retired: bool = True


REGISTRY: dict[str, ResourceSpec] = {}


def find(asked: Asked, spec: ResourceSpec, id_: str) -> Any:
    """The row, as far as the principal may see it. Raises NotFound."""
    row = asked.session.scalar(_visible(asked.principal, spec).where(spec.model.id == id_))
    if row is None:
        raise NotFound()
    return row


def require_write(spec: ResourceSpec, **columns: str) -> None:
    """Raises NotFound for a row that the principal may not see, Forbidden for one that it may see and not change."""
    who = principal()
    if may(who.role, WRITE, spec.name):
        return
    who.require(READ, spec.name)
    with services().database.reading() as session:
        if session.scalar(_visible(who, spec).filter_by(**columns)) is None:
            raise NotFound()
    raise Forbidden()


def shown(asked: Asked, spec: ResourceSpec, rows: list[Any]) -> list[Fields]:
    if spec.dump:
        return spec.dump(asked, rows)
    dumped: list[Fields] = spec.schema.dump(rows, many=True)
    return dumped


def described(**document: Any) -> Callable[[V], V]:
    """Puts what a view takes and answers into the OpenAPI document."""
    decorate: Callable[[V], V] = Blueprint.doc(**document)
    return decorate


def answers(schema: Any, *statuses: str) -> Fields:
    return {each: {"description": "Done", "content": {"application/json": {"schema": schema}}} for each in statuses}


def json_object() -> Fields:
    """The request's body. Raises InvalidRequest."""
    try:
        body = read_json(request.get_data())
    except ValueError:
        raise InvalidRequest({"body": ["is not JSON"]}) from None
    if not isinstance(body, dict):
        raise InvalidRequest({"body": ["is not a JSON object"]})
    return body


def loaded(schema: Schema, present: Fields | None = None) -> Fields:
    """The request's JSON body; with `present` only the fields that are to change. Raises InvalidRequest, by field.

    A client may send back what it got: a field that it cannot write is passed over as long as it says what is so.
    """
    body = json_object()
    if present is not None:
        written = {field.data_key or name for name, field in schema.fields.items() if not field.dump_only}
        body = {name: value for name, value in body.items() if name in written or present.get(name, ...) != value}
    try:
        # By name: what is inside a field is always given whole.
        fields: Fields = schema.load(body, partial=tuple(schema.fields) if present is not None else False)
    except ValidationError as error:
        raise InvalidRequest(error.normalized_messages()) from None
    return fields


def check_references(asked: Asked, spec: ResourceSpec, fields: Fields) -> None:
    """Ids in a body must be of rows that the principal may see. Raises InvalidRequest."""
    unknown = {}
    for column, resource in spec.references.items():
        if fields.get(column) is None:
            continue
        target = REGISTRY[resource]
        query = _visible(asked.principal, target).where(target.model.id == fields[column])
        if asked.session.scalar(query.with_only_columns(target.model.id)) is None:
            unknown[column.removesuffix("_id")] = ["is not known"]
    if unknown and asked.principal.walled:
        raise NotFound()
    if unknown:
        raise InvalidRequest(unknown)


def register(blueprint: Blueprint, spec: ResourceSpec) -> None:
    """Adds `/name` and `/name/{id}`, and puts their shapes into the OpenAPI document."""
    REGISTRY[spec.name] = spec
    collection: dict[str, Any] = {"get": _list_view(blueprint, spec)}
    item: dict[str, Any] = {"get": _read_view(blueprint, spec)}
    if spec.create:
        collection["post"] = _create_view(blueprint, spec)
    if spec.update:
        item["patch"] = _update_view(blueprint, spec)
    if spec.retire:
        item["delete"] = _retire_view(blueprint, spec)
    title = "".join(part.capitalize() for part in spec.name.split("-"))
    blueprint.route(f"/{spec.name}")(type(f"{title}List", (MethodView,), collection))
    blueprint.route(f"/{spec.name}/<id>")(type(f"{title}Item", (MethodView,), item))


def _list_view(blueprint: Blueprint, spec: ResourceSpec) -> Callable[..., Response]:
    parameters: list[Any] = [
        {"in": "query", "name": name, "schema": {"type": "string"}} for name in ("cursor", *spec.filters)
    ]
    parameters.append({"in": "query", "name": "limit", "schema": {"type": "integer", "minimum": 1, "maximum": 200}})

    @blueprint.doc(parameters=parameters, operationId=f"list-{spec.name}", responses=_list_doc(spec))
    def get(self: MethodView) -> Response:
        principal().require(READ, spec.name)
        asked_for = _page_arguments()
        with services().database.reading() as session:
            asked = Asked(session, services(), principal())
            query = _filtered(_visible(asked.principal, spec), spec)
            order = spec.order or (spec.model.id,)
            rows, cursor = page(session, query, order, asked_for["limit"], asked_for["cursor"])
            return jsonify(listed(shown(asked, spec, rows), cursor))

    get.__doc__ = f"The {spec.name}, newest first"
    return get


def _read_view(blueprint: Blueprint, spec: ResourceSpec) -> Callable[..., Response]:
    @blueprint.doc(operationId=f"read-{spec.name}", responses=_item_doc(spec, "200"))
    def get(self: MethodView, id: str) -> Response:
        principal().require(READ, spec.name)
        with services().database.reading() as session:
            asked = Asked(session, services(), principal())
            return jsonify(shown(asked, spec, [find(asked, spec, id)])[0])

    get.__doc__ = f"One of the {spec.name}"
    return get


def _create_view(blueprint: Blueprint, spec: ResourceSpec) -> Callable[..., tuple[Response, int]]:
    @blueprint.doc(operationId=f"create-{spec.name}", requestBody=_body_doc(spec), responses=_item_doc(spec, "201"))
    def post(self: MethodView) -> tuple[Response, int]:
        principal().require(WRITE, spec.name)
        fields = loaded(spec.schema)
        with services().database.transaction() as session:
            asked = Asked(session, services(), principal())
            body, status = once(session, asked.parts, asked.principal, lambda: (_created(asked, spec, fields), 201))
        return jsonify(body), status

    post.__doc__ = f"Makes one of the {spec.name}"
    return post


def _created(asked: Asked, spec: ResourceSpec, fields: Fields) -> Fields:
    assert spec.create is not None
    check_references(asked, spec, fields)
    row, once_only = spec.create(asked, fields)
    return {**shown(asked, spec, [row])[0], **once_only}


def _update_view(blueprint: Blueprint, spec: ResourceSpec) -> Callable[..., Response]:
    @blueprint.doc(operationId=f"change-{spec.name}", requestBody=_body_doc(spec), responses=_item_doc(spec, "200"))
    def patch(self: MethodView, id: str) -> Response:
        assert spec.update is not None
        require_write(spec, id=id)
        with services().database.transaction() as session:
            asked = Asked(session, services(), principal())
            row = find(asked, spec, id)
            fields = loaded(spec.schema, shown(asked, spec, [row])[0])
            check_references(asked, spec, fields)
            return jsonify(shown(asked, spec, [spec.update(asked, row, fields)])[0])

    patch.__doc__ = f"Changes one of the {spec.name}: only the fields that are given"
    return patch


def _retire_view(blueprint: Blueprint, spec: ResourceSpec) -> Callable[..., tuple[str, int]]:
    @blueprint.doc(operationId=f"retire-{spec.name}", responses={"204": {"description": "Retired"}})
    def delete(self: MethodView, id: str) -> tuple[str, int]:
        assert spec.retire is not None
        require_write(spec, id=id)
        with services().database.transaction() as session:
            asked = Asked(session, services(), principal())
            spec.retire(asked, find(asked, spec, id))
        return "", 204

    delete.__doc__ = f"Retires one of the {spec.name}"
    return delete


def _visible(who: Principal, spec: ResourceSpec) -> Select[Any]:
    query = spec.scope(who, select(spec.model))
    if spec.hide_retired and hasattr(spec.model, "retired_at"):
        query = query.where(spec.model.retired_at.is_(None))
    return query


def _filtered(query: Select[Any], spec: ResourceSpec) -> Select[Any]:
    for name, column in spec.filters.items():
        if (value := request.args.get(name)) is not None:
            query = query.where(column == value)
    return query


def _page_arguments() -> Fields:
    try:
        arguments: Fields = _PAGE.load(request.args.to_dict())
    except ValidationError as error:
        raise InvalidRequest(error.normalized_messages()) from None
    return arguments


def _list_doc(spec: ResourceSpec) -> Fields:
    content = {
        "type": "object",
        "required": ["data", "next_cursor"],
        "properties": {
            "data": {"type": "array", "items": spec.schema},
            "next_cursor": {"type": ["string", "null"]},
        },
    }
    return {"200": {"description": "One page", "content": {"application/json": {"schema": content}}}}


def _item_doc(spec: ResourceSpec, status: str) -> Fields:
    return {status: {"description": "The resource", "content": {"application/json": {"schema": spec.schema}}}}


def _body_doc(spec: ResourceSpec) -> Fields:
    return {"required": True, "content": {"application/json": {"schema": spec.schema}}}


def owned(column: Any) -> Callable[[Principal, Select[Any]], Select[Any]]:
    """The scope of rows that belong to the advertiser in `column`."""
    return lambda who, query: who.within(query, column)


def not_for_advertisers(who: Principal, query: Select[Any]) -> Select[Any]:
    """The scope of rows that belong to nobody: roles alone decide."""
    return query
