"""Imports: a file of listings, good rows taken and bad ones named; a file of numbers, all or nothing.

A body is CSV (text/csv), JSON lines (application/x-ndjson), a JSON list, or a JSON object with `rows` (a list) or
`data` (CSV or JSON lines as text) beside the import's own settings. The same settings may stand in the query.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import ValidationError
from sqlalchemy import select

from callease.base.errors import CalleaseError, InvalidRequest
from callease.base.ids import new_id
from callease.base.json_input import read_json
from callease.base.phones import to_e164
from callease.catalog import catalog
from callease.catalog.imports import ImportReport, close_missing, import_listings
from callease.catalog.models import Advertiser, Office, Site
from callease.numbers import numbers
from callease.tenancy.roles import WRITE
from callease.web.api.access import principal
from callease.web.api.idempotency import once
from callease.web.api.resource import (
    REGISTRY,
    Asked,
    answers,
    check_references,
    described,
    json_object,
    require_write,
    shown,
)
from callease.web.api.resources import read_listing_phone
from callease.web.api.schemas import ImportReportSchema, ListingSchema, NumberSchema
from callease.web.services import services

_LISTING, _NUMBER, _REPORT = ListingSchema(), NumberSchema(), ImportReportSchema()
_SETTINGS = ("site", "advertiser", "office", "missing", "format")
_IN_ROWS = ("site", "advertiser", "office")
_FILE = {
    "required": True,
    "content": {
        "text/csv": {"schema": {"type": "string"}},
        "application/x-ndjson": {"schema": {"type": "string"}},
        "application/json": {"schema": {"type": ["object", "array"]}},
    },
}
_BEYOND_THE_HEADER = "beyond the header"
Row = dict[str, Any]


@dataclass(frozen=True)
class Unreadable:
    """A line that is no row at all."""

    problem: str


def register(blueprint: Blueprint) -> None:
    blueprint.route("/listing-imports")(ListingImports)
    blueprint.route("/number-imports")(NumberImports)
    blueprint.route("/listings/by-external-id/<site>/<path:external_id>")(ListingByExternalId)


class ListingByExternalId(MethodView):
    @described(
        operationId="put-listing",
        requestBody={"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        responses=answers(_LISTING, "200", "201"),
    )
    def put(self, site: str, external_id: str) -> tuple[Response, int]:
        """Makes or replaces the listing with this id of the portal"""
        require_write(REGISTRY["listings"], site_id=site, external_id=external_id)
        fields = _load(_LISTING, {**json_object(), "site": site, "external_id": external_id})
        with services().database.transaction() as session:
            asked = Asked(session, services(), principal())
            check_references(asked, REGISTRY["listings"], fields)
            read_listing_phone(asked, fields, site)
            listing, created = catalog.upsert_listing(session, asked.parts.clock, fields)
            return jsonify(shown(asked, REGISTRY["listings"], [listing])[0]), 201 if created else 200


class ListingImports(MethodView):
    @described(operationId="import-listings", requestBody=_FILE, responses=answers(_REPORT, "201"))
    def post(self) -> tuple[Response, int]:
        """Makes and changes many listings; bad rows are named, the rest is taken"""
        principal().require(WRITE, "listing-imports")
        settings, rows = _read_body()
        if settings.get("missing", "keep") not in ("keep", "close"):
            raise InvalidRequest({"missing": ["must be keep or close"]})
        with services().database.transaction() as session:
            asked = Asked(session, services(), principal())
            body, status = once(
                session, asked.parts, asked.principal, lambda: (_import_listings(asked, settings, rows), 201)
            )
        return jsonify(body), status


class NumberImports(MethodView):
    @described(operationId="import-numbers", requestBody=_FILE, responses=answers({"type": "object"}, "201"))
    def post(self) -> tuple[Response, int]:
        """Adds many numbers: all of them, or none and every bad row named"""
        principal().require(WRITE, "number-imports")
        settings, rows = _read_body()
        with services().database.transaction() as session:
            asked = Asked(session, services(), principal())
            body, status = once(
                session, asked.parts, asked.principal, lambda: (_import_numbers(asked, settings, rows), 201)
            )
        return jsonify(body), status


def _import_listings(asked: Asked, settings: Row, rows: list[Row | Unreadable]) -> Row:
    """Closes what is missing only of the sites that the file has good rows of, and, for a feed of one advertiser, only
    of that advertiser. Nothing when there is no good row, or a line cannot be read: it may have been any listing."""
    report = ImportReport()
    good: list[Row] = []
    named: dict[str, set[str]] = {}
    checker = _ListingRows(asked)
    for number, row in enumerate(rows, start=1):
        if isinstance(row, Unreadable):
            report.errors.append({"row": number, "external_id": None, "errors": {"row": [row.problem]}})
            continue
        row = {**{name: settings[name] for name in _IN_ROWS if name in settings}, **row}
        if row.get("site") and row.get("external_id"):
            # A bad row still says that the listing exists: it must not be closed as missing.
            named.setdefault(str(row["site"]), set()).add(str(row["external_id"]))
        try:
            good.append(checker.check(row))
        except InvalidRequest as error:
            name = _text_of(row, "external_id")
            report.errors.append({"row": number, "external_id": name, "errors": error.data["fields"]})
    import_listings(asked.session, asked.parts.clock, good, report)
    if settings.get("missing") == "close":
        unreadable = any(isinstance(row, Unreadable) for row in rows)
        if unreadable or not good:
            why = "a line cannot be read" if unreadable else "there is no good row"
            problem = {"missing": [f"nothing was closed: {why}"]}
            report.errors.append({"row": 0, "external_id": None, "errors": problem})
        else:
            _close_missing(asked, settings, good, named, report)
    return {"id": new_id("imp"), **_REPORT.dump(report)}


def _close_missing(
    asked: Asked, settings: Row, good: list[Row], named: dict[str, set[str]], report: ImportReport
) -> None:
    for site_id in {row["site_id"] for row in good}:
        present, only = named.get(site_id, set()), settings.get("advertiser")
        close_missing(asked.session, asked.parts.clock, site_id, present, only, report)


class _ListingRows:
    """Checks rows of one import against what exists, read once."""

    def __init__(self, asked: Asked) -> None:
        session = asked.session
        self.sites = dict(session.execute(select(Site.id, Site.region).where(Site.retired_at.is_(None))).all())
        self._advertisers = set(session.scalars(select(Advertiser.id).where(Advertiser.retired_at.is_(None))))
        self._offices = dict(session.execute(select(Office.id, Office.advertiser_id)).all())

    def check(self, row: Row) -> Row:
        """The row as columns of `Listing`. Raises InvalidRequest."""
        fields = _load(_LISTING, row)
        problems: Row = {}
        if fields["site_id"] not in self.sites:
            problems["site"] = ["is not known"]
        if fields["advertiser_id"] not in self._advertisers:
            problems["advertiser"] = ["is not known"]
        office_id = fields["office_id"]
        if office_id and self._offices.get(office_id) != fields["advertiser_id"]:
            problems["office"] = ["is not an office of this advertiser"]
        if fields["phone"] and fields["site_id"] in self.sites:
            phone = to_e164(fields["phone"], self.sites[fields["site_id"]])
            if phone is None:
                problems["phone"] = ["is not a phone number"]
            fields["phone"] = phone
        if problems:
            raise InvalidRequest(problems)
        return fields


def _import_numbers(asked: Asked, settings: Row, rows: list[Row | Unreadable]) -> Row:
    problems: list[Row] = []
    made = []
    for number, row in enumerate(rows, start=1):
        if isinstance(row, Unreadable):
            problems.append({"row": number, "e164": None, "errors": {"row": [row.problem]}})
            continue
        row = {**({"office": settings["office"]} if "office" in settings else {}), **row}
        try:
            fields = _load(_NUMBER, row)
            check_references(asked, REGISTRY["numbers"], fields)
            made.append(numbers.create_number(asked.session, asked.parts.clock, fields))
        except InvalidRequest as error:
            problems.append({"row": number, "e164": _text_of(row, "e164"), "errors": error.data["fields"]})
        except CalleaseError as error:
            problems.append({"row": number, "e164": _text_of(row, "e164"), "errors": {"e164": [error.code]}})
    if problems:
        raise InvalidRequest({"rows": problems})
    return {"id": new_id("imp"), "created": len(made), "data": shown(asked, REGISTRY["numbers"], made)}


def _text_of(row: Row, name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) else None


def _read_body() -> tuple[Row, list[Row | Unreadable]]:
    """The import's settings and its rows. Raises InvalidRequest for a body that is neither CSV nor JSON."""
    settings, rows = _settings_and_rows(_body_text(), request.mimetype)
    wrong = {name: ["must be a string"] for name, value in settings.items() if not isinstance(value, str)}
    if wrong:
        raise InvalidRequest(wrong)
    return settings, rows


def _settings_and_rows(text: str, kind: str) -> tuple[Row, list[Row | Unreadable]]:
    settings: Row = {name: request.args[name] for name in _SETTINGS if name in request.args}
    if kind == "text/csv" or settings.get("format") == "csv":
        return settings, _csv_rows(text)
    if kind in ("application/x-ndjson", "application/jsonl", "application/jsonlines", "application/x-jsonlines"):
        return settings, _json_lines(text)
    try:
        parsed = read_json(text)
    except ValueError:
        if kind == "application/json":
            raise InvalidRequest({"body": ["is not JSON"]}) from None
        return settings, _json_lines(text) if text.lstrip().startswith("{") else _csv_rows(text)
    if isinstance(parsed, list):
        return settings, _objects(parsed)
    if not isinstance(parsed, dict):
        raise InvalidRequest({"body": ["must be CSV, JSON lines, a list or an object"]})
    settings |= {name: parsed[name] for name in _SETTINGS if name in parsed}
    if "data" in parsed:
        data = parsed["data"]
        if isinstance(data, list):
            return settings, _objects(data)
        as_json = parsed.get("format") in ("jsonl", "ndjson", "json") or str(data).lstrip().startswith("{")
        return settings, _json_lines(str(data)) if as_json else _csv_rows(str(data))
    if isinstance(parsed.get("rows"), list):
        return settings, _objects(parsed["rows"])
    return settings, [parsed]  # one JSON line


def _body_text() -> str:
    raw = next(iter(request.files.values())).read() if request.files else request.get_data()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest({"body": ["must be UTF-8 text"]}) from None


def _csv_rows(text: str) -> list[Row | Unreadable]:
    """Empty cells are absent fields; the separator is a comma, a semicolon or a tab, whichever the header has."""
    header = text.lstrip("\r\n").split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, restkey=_BEYOND_THE_HEADER)
    try:
        if not reader.fieldnames or all(name.strip() == "" for name in reader.fieldnames):
            raise InvalidRequest({"body": ["has no header line"]})
        return [_csv_row(row) for row in reader]
    except csv.Error as error:
        raise InvalidRequest({"body": [f"line {reader.line_num} is not CSV: {error}"]}) from None


def _csv_row(cells: dict[str, Any]) -> Row | Unreadable:
    if any(cells.pop(_BEYOND_THE_HEADER, ())):
        return Unreadable("has more cells than the header")
    return {name.strip(): value for name, value in cells.items() if name and value}


def _json_lines(text: str) -> list[Row | Unreadable]:
    return _objects(_json_line(line) for line in text.split("\n") if line.strip())


def _json_line(line: str) -> Any:
    try:
        return read_json(line)
    except ValueError:
        return Unreadable("is not JSON")


def _objects(rows: Iterable[Any]) -> list[Row | Unreadable]:
    return [row if isinstance(row, (dict, Unreadable)) else Unreadable("is not an object") for row in rows]


def _load(schema: Any, row: Row) -> Row:
    try:
        fields: Row = schema.load(row)
    except ValidationError as error:
        raise InvalidRequest(error.normalized_messages()) from None
    return fields
