"""Many listings, many numbers: files as portals really send them."""

import json
from typing import Any

import pytest

from tests.contract.conftest import refused
from tests.factories import Cast
from tests.support.http import Answer

Row = dict[str, Any]
CSV, LINES = {"Content-Type": "text/csv"}, {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def row(cast: Cast) -> Row:
    return {"site": cast.site["id"], "advertiser": cast.alatau["id"], "external_id": "N-1", "title": "Studio"}


def csv_of(rows: list[Row], separator: str = ",") -> str:
    names = list(rows[0])
    cells = [names, *([str(row.get(name) or "") for name in names] for row in rows)]
    return "\r\n".join(separator.join(f'"{cell}"' if separator in cell else cell for cell in line) for line in cells)


def listings(cast: Cast) -> dict[str, Row]:
    return {row["external_id"]: row for row in cast.api.all("/listings")}


def imported(cast: Cast, body: Any, headers: dict[str, str] | None = None, query: str = "") -> Row:
    answer = cast.api.ask("POST", f"/listing-imports{query}", body, headers or {})
    assert answer.status == 201, answer.body
    report: Row = answer.json
    return report


def counts(report: Row) -> tuple[int, int, int, int]:
    return report["created"], report["updated"], report["unchanged"], report["closed"]


def forms(rows: list[Row]) -> dict[str, tuple[bytes, dict[str, str]]]:
    """The same rows in every form that an import takes."""
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    json_type = {"Content-Type": "application/json"}
    return {
        "csv": (csv_of(rows).encode(), CSV),
        "csv with charset": (csv_of(rows).encode(), {"Content-Type": "text/csv; charset=utf-8"}),
        "csv of Excel": (b"\xef\xbb\xbf" + csv_of(rows, ";").encode(), CSV),
        "csv with tabs": (csv_of(rows, "\t").encode(), CSV),
        "csv with line feeds": (csv_of(rows).replace("\r\n", "\n").encode() + b"\n", CSV),
        "csv of an old Mac": (csv_of(rows).replace("\r\n", "\r").encode(), CSV),
        "csv without a type": (csv_of(rows).encode(), {"Content-Type": "application/octet-stream"}),
        "json lines": (lines.encode(), LINES),
        "json lines with gaps": (f"\n{lines}\r\n\r\n".encode(), {"Content-Type": "application/jsonl"}),
        "json lines without a type": (lines.encode(), {"Content-Type": "application/octet-stream"}),
        "json list": (json.dumps(rows).encode(), json_type),
        "json object with rows": (json.dumps({"rows": rows}).encode(), json_type),
        "json object with csv": (json.dumps({"format": "csv", "data": csv_of(rows)}).encode(), json_type),
        "json object with lines": (json.dumps({"data": lines}).encode(), json_type),
        "json object with data": (json.dumps({"data": rows}).encode(), json_type),
    }


FORMS = list(forms([{"x": "y"}]))


class TestListingImports:
    @pytest.mark.parametrize("form", FORMS)
    def test_every_form_makes_the_same_listings(self, cast: Cast, row: Row, form: str) -> None:
        whole = {**row, "office": cast.alatau_riverside.id, "phone": "8 (701) 222-33-44", "price": "1000.50",
                 "complex": "ЖК «Нұрлы, 2»", "url": "https://bosaga.kz/1?a=1;b=2", "status": "paused"}  # fmt: skip
        other = {**whole, "external_id": "N-2", "title": "Flat, with a view; «Есіл»"}
        body, headers = forms([whole, other])[form]
        assert counts(imported(cast, body, headers)) == (2, 0, 0, 0)
        made = listings(cast)
        assert {name: made["N-1"][name] for name in whole} == {**whole, "phone": "+77012223344"}
        assert made["N-2"]["title"] == other["title"]

    def test_the_contracts_upsert(self, cast: Cast, row: Row) -> None:
        rows = [row, {**row, "external_id": "N-2"}]
        assert counts(imported(cast, rows)) == (2, 0, 0, 0)
        assert counts(imported(cast, rows)) == (0, 0, 2, 0)
        first = listings(cast)["N-1"]
        assert counts(imported(cast, [{**row, "title": "Loft"}, rows[1]])) == (0, 1, 1, 0)
        again = listings(cast)["N-1"]
        assert (again["id"], again["title"]) == (first["id"], "Loft")

    def test_what_is_missing_is_kept(self, cast: Cast, row: Row) -> None:
        before = listings(cast)
        imported(cast, {"missing": "keep", "rows": [row]})
        assert {name: listings(cast)[name] for name in before} == before

    @pytest.mark.parametrize("where", ["body", "query"])
    def test_or_closed_on_this_site_alone(self, cast: Cast, row: Row, where: str) -> None:
        other = cast.api.post("/sites", {"name": "Other"})
        cast.api.post("/listings", {**row, "site": other["id"], "external_id": "OTHER-1"})
        rows = [row, {**row, "external_id": "ZHK-1001"}]
        body = {"missing": "close", "rows": rows} if where == "body" else rows
        report = imported(cast, body, query="?missing=close" if where == "query" else "")
        assert counts(report) == (1, 1, 0, 5)
        status = {name: each["status"] for name, each in listings(cast).items()}
        assert {name for name, each in status.items() if each == "active"} == {"N-1", "OTHER-1", "ZHK-1001"}

    @pytest.mark.parametrize("rows", [[], [{"title": "no id"}]])
    def test_a_feed_that_broke_closes_nothing(self, cast: Cast, rows: list[Row]) -> None:
        report = imported(cast, {"site": cast.site["id"], "missing": "close", "rows": rows})
        assert counts(report) == (0, 0, 0, 0)
        assert report["errors"][-1]["errors"] == {"missing": ["nothing was closed: there is no good row"]}

    def test_a_feed_of_one_advertiser_closes_none_of_anothers(self, cast: Cast, row: Row) -> None:
        others = {name for name, each in listings(cast).items() if each["advertiser"] != cast.alatau["id"]}
        imported(cast, {"missing": "close", "advertiser": cast.alatau["id"], "rows": [row]})
        active = {name for name, each in listings(cast).items() if each["status"] == "active"}
        assert active == others | {"N-1"}

    def test_settings_stand_in_for_columns(self, cast: Cast) -> None:
        query = f"?site={cast.site['id']}&advertiser={cast.alatau['id']}"
        report = imported(cast, b"external_id,title\nN-1,Studio\n", CSV, query)
        assert counts(report) == (1, 0, 0, 0)
        body = {
            "site": cast.site["id"],
            "advertiser": cast.alatau["id"],
            "rows": [{"external_id": "N-2", "title": "x"}],
        }
        assert counts(imported(cast, body)) == (1, 0, 0, 0)

    def test_bad_rows_are_named_and_the_rest_is_taken(self, cast: Cast, row: Row) -> None:
        rows = [
            row,
            {**row, "external_id": "N-2", "title": ""},
            {**row, "external_id": "N-3", "advertiser": "adv_nowhere"},
            {**row, "external_id": "N-4", "site": "sit_nowhere"},
            {**row, "external_id": "N-5", "office": cast.saryarka_sales.id},
            {**row, "external_id": "N-6", "phone": "12 34 56"},
            {**row, "external_id": "N-7", "status": "sold", "colour": "red"},
            {name: value for name, value in row.items() if name != "external_id"},
            {**row, "external_id": "N-9"},
        ]
        report = imported(cast, rows)
        assert counts(report) == (2, 0, 0, 0)
        assert [(each["row"], each["external_id"], sorted(each["errors"])) for each in report["errors"]] == [
            (2, "N-2", ["title"]),
            (3, "N-3", ["advertiser"]),
            (4, "N-4", ["site"]),
            (5, "N-5", ["office"]),
            (6, "N-6", ["phone"]),
            (7, "N-7", ["colour", "status"]),
            (8, None, ["external_id"]),
        ]
        assert {"N-1", "N-9"} <= set(listings(cast))

    def test_a_bad_row_still_says_that_its_listing_exists(self, cast: Cast, row: Row) -> None:
        rows = [{**row, "external_id": "ZHK-1001"}, {**row, "external_id": "ZHK-1002", "title": ""}]
        assert counts(imported(cast, {"missing": "close", "rows": rows})) == (0, 1, 0, 4)
        assert listings(cast)["ZHK-1002"]["status"] == "active"

    def test_lines_that_are_no_rows_are_named_and_close_nothing(self, cast: Cast, row: Row) -> None:
        lines = [json.dumps(row), '{"external_id": "N-2"', "[1]", "", json.dumps({**row, "external_id": "N-3"})]
        report = imported(cast, "\n".join(lines).encode(), LINES, "?missing=close")
        assert counts(report) == (2, 0, 0, 0)
        named = [(each["row"], list(each["errors"])) for each in report["errors"]]
        assert named == [(2, ["row"]), (3, ["row"]), (0, ["missing"])]

    def test_a_row_of_too_many_cells_is_named(self, cast: Cast, row: Row) -> None:
        text = csv_of([row]) + f"\r\n{row['site']},{row['advertiser']},N-2,Flat, two rooms\r\n"
        report = imported(cast, text.encode(), CSV)
        assert counts(report) == (1, 0, 0, 0)
        assert [each["row"] for each in report["errors"]] == [2]

    def test_a_line_separator_inside_a_text_ends_no_line(self, cast: Cast, row: Row) -> None:
        title = "Studio\u2028on the left bank\u0085of the Ishim"
        assert counts(imported(cast, json.dumps({**row, "title": title}, ensure_ascii=False).encode(), LINES))[0] == 1
        assert listings(cast)["N-1"]["title"] == title

    def test_of_two_rows_with_one_id_the_later_counts(self, cast: Cast, row: Row) -> None:
        assert counts(imported(cast, [row, {**row, "title": "Later"}])) == (1, 0, 0, 0)
        assert listings(cast)["N-1"]["title"] == "Later"

    def test_two_thousand_rows(self, cast: Cast, row: Row) -> None:
        rows = [{**row, "external_id": f"N-{n}"} for n in range(2_000)]
        assert counts(imported(cast, rows)) == (2_000, 0, 0, 0)
        assert counts(imported(cast, [*rows[:1_500], {**row, "external_id": "N-7", "title": "new"}])) == (
            0,
            1,
            1_499,
            0,
        )

    @pytest.mark.parametrize(
        ("body", "headers"),
        [
            (b"", {}),
            (b"", CSV),
            (b"\xff\xfe\x00", CSV),
            (b"\xff\xfe\x00", LINES),
            (b'"unclosed', {"Content-Type": "application/json"}),
            (b"7", {"Content-Type": "application/json"}),
            (b"[" * 50_000, {"Content-Type": "application/json"}),
            (b'{"missing": "burn", "rows": []}', {}),
            (b'{"missing": [], "rows": []}', {}),
            (b'{"site": {}, "missing": "close", "rows": []}', {}),
            (b'{"advertiser": 1, "rows": []}', {}),
            (b"site,title\n" + b"x" * 200_000 + b",y\n", CSV),
        ],
        ids=lambda value: str(value)[:30],
    )  # fmt: skip
    def test_what_is_no_import_is_refused(self, cast: Cast, body: bytes, headers: dict[str, str]) -> None:
        before = listings(cast)
        refused(cast.api.ask("POST", "/listing-imports", body, headers), 400, "invalid_request")
        assert listings(cast) == before


class TestNumberImports:
    def rows(self, cast: Cast) -> list[Row]:
        office = cast.alatau_sales.id
        return [
            {"e164": "+77172699101", "office": office, "source_class": "social", "role": "lease"},
            {"e164": "+77172699102", "office": office, "source_class": "social", "role": "static"},
        ]

    def ask(self, cast: Cast, body: Any, headers: dict[str, str] | None = None, query: str = "") -> Answer:
        return cast.api.ask("POST", f"/number-imports{query}", body, headers or {})

    @pytest.mark.parametrize("form", FORMS)
    def test_every_form_makes_the_same_numbers(self, cast: Cast, form: str) -> None:
        rows = self.rows(cast)
        body, headers = forms(rows)[form]
        answer = self.ask(cast, body, headers)
        assert answer.status == 201, answer.body
        assert answer.json["created"] == 2
        assert [{name: made[name] for name in rows[0]} for made in answer.json["data"]] == rows
        assert [cast.api.get(f"/numbers/{made['id']}") for made in answer.json["data"]] == answer.json["data"]

    def test_all_or_nothing_and_every_bad_row_named(self, cast: Cast) -> None:
        (taken, *_) = cast.saryarka_sales.e164s
        rows = [
            *self.rows(cast),
            {"e164": "8 7172 69", "office": cast.alatau_sales.id},
            {"e164": taken, "office": cast.alatau_sales.id},
            {"e164": "+77172699103", "office": "off_nowhere"},
            {"e164": "+77172699101", "office": cast.alatau_sales.id},
            {"office": cast.alatau_sales.id},
            "not a row",
        ]
        before = cast.api.all("/numbers")
        problem = refused(self.ask(cast, rows), 400, "invalid_request")
        named = {each["row"]: (each["e164"], list(each["errors"])) for each in problem["fields"]["rows"]}
        assert named == {
            3: ("8 7172 69", ["e164"]),
            4: (taken, ["e164"]),
            5: ("+77172699103", ["office"]),
            6: ("+77172699101", ["e164"]),
            7: (None, ["e164"]),
            8: (None, ["row"]),
        }
        assert cast.api.all("/numbers") == before

    @pytest.mark.parametrize("moving", [False, True])
    def test_a_known_number_of_another_office_is_an_error_that_names_the_row(self, cast: Cast, moving: bool) -> None:
        """Also one that is on its way to the very office of the row."""
        e164 = cast.page().reveal("ZHK-1001", visitor="v").json["number"]
        (number,) = cast.api.all(f"/numbers?e164=%2B{e164[1:]}")
        if moving:
            cast.api.patch(f"/numbers/{number['id']}", {"office": cast.saryarka_sales.id})
        before = cast.api.all("/numbers")
        rows = [
            {"e164": "+77172699101", "office": cast.saryarka_sales.id},
            {"e164": e164, "office": cast.saryarka_sales.id},
        ]
        for body, headers in forms(rows).values():
            problem = refused(self.ask(cast, body, headers), 400, "invalid_request")
            assert problem["fields"]["rows"] == [{"row": 2, "e164": e164, "errors": {"e164": ["number_taken"]}}]
        assert cast.api.all("/numbers") == before

    def test_one_office_for_all(self, cast: Cast) -> None:
        answer = self.ask(cast, b"e164\n+77172699101\n+77172699102\n", CSV, f"?office={cast.alatau_sales.id}")
        assert {made["office"] for made in answer.json["data"]} == {cast.alatau_sales.id}

    def test_they_can_be_leased_at_once(self, cast: Cast) -> None:
        page = cast.page()
        for n in range(2):
            page.reveal("ZHK-3001", visitor=f"v{n}")
        self.ask(cast, [{"e164": "+77172699777", "office": cast.zhaina_sales.id}])
        assert page.reveal("ZHK-3001", visitor="third").json["number"] == "+77172699777"
