"""`Idempotency-Key`: a POST that is sent again is answered again, not done again."""

import json
import threading
from typing import Any

import pytest

from tests.contract.conftest import refused
from tests.factories import Cast
from tests.support.databases import on_both_databases
from tests.support.http import Answer, Api
from tests.support.installation import Installation

KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
BODIES: dict[str, Any] = {
    "/sites": {"name": "Portal"},
    "/advertisers": {"name": "BI Group"},
    "/telephony-accounts": {"provider": "generic", "name": "PBX"},
    "/tokens": {"name": "CRM", "role": "manager"},
    "/users": {"email": "aigul@bosaga.kz", "role": "manager", "password": "long enough"},
    "/webhook-endpoints": {"url": "https://crm.example.kz/"},
}


@pytest.mark.parametrize("path", BODIES)
def test_the_same_answer_the_secret_included(api: Api, path: str) -> None:
    first, second = (api.ask("POST", path, BODIES[path], KEY) for _ in range(2))
    assert first.status == second.status == 201
    assert first.json == second.json
    assert [row["id"] for row in api.all(path)].count(first.json["id"]) == 1
    assert sum(row.get("name") == BODIES[path].get("name") for row in api.all(path) if "name" in BODIES[path]) <= 1


def test_without_a_key_everything_is_done_again(api: Api) -> None:
    made = [api.post("/advertisers", {"name": "x"})["id"] for _ in range(2)]
    assert made[0] != made[1]


def test_another_body_under_the_same_key_is_a_conflict(api: Api) -> None:
    api.ask("POST", "/advertisers", {"name": "x"}, KEY)
    refused(api.ask("POST", "/advertisers", {"name": "y"}, KEY), 409, "idempotency_key_reused")
    refused(api.ask("POST", "/sites", {"name": "x"}, KEY), 409, "idempotency_key_reused")
    assert len(api.all("/advertisers")) == 1


def test_a_key_is_of_one_token(cast: Cast) -> None:
    mine, others = cast.api, cast.api_of("manager")
    first = mine.ask("POST", "/advertisers", {"name": "x"}, KEY).json
    second = others.ask("POST", "/advertisers", {"name": "x"}, KEY).json
    assert first["id"] != second["id"]


def test_a_refused_request_may_be_corrected_under_its_key(api: Api) -> None:
    refused(api.ask("POST", "/advertisers", {"name": ""}, KEY), 400, "invalid_request")
    assert api.ask("POST", "/advertisers", {"name": "x"}, KEY).status == 201


def test_a_conflict_may_be_resolved_under_its_key(api: Api) -> None:
    user = api.post("/users", {"email": "a@bosaga.kz", "role": "manager"})
    refused(api.ask("POST", "/users", {"email": "a@bosaga.kz", "role": "owner"}, KEY), 409, "email_taken")
    api.patch(f"/users/{user['id']}", {"email": "b@bosaga.kz"})
    assert api.ask("POST", "/users", {"email": "a@bosaga.kz", "role": "owner"}, KEY).status == 201


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_has_one_to_255_characters(api: Api, key: str) -> None:
    answer = api.ask("POST", "/advertisers", {"name": "x"}, {"Idempotency-Key": key})
    assert "Idempotency-Key" in refused(answer, 400, "invalid_request")["fields"]


def test_imports_and_actions_honour_it_too(cast: Cast) -> None:
    row = {"site": cast.site["id"], "advertiser": cast.alatau["id"], "external_id": "N-1", "title": "x"}
    first, second = (cast.api.ask("POST", "/listing-imports", [row], KEY) for _ in range(2))
    assert (first.status, first.json) == (second.status, second.json)
    assert first.json["created"] == 1
    numbers = [{"e164": "+77172699555", "office": cast.alatau_sales.id}]
    other = {"Idempotency-Key": "numbers"}
    first, second = (cast.api.ask("POST", "/number-imports", numbers, other) for _ in range(2))
    assert (first.status, first.json) == (201, second.json)
    cast.telephone.call(cast.alatau_sales.numbers[0][1])
    (lead,) = cast.api.all("/leads")
    action = {"Idempotency-Key": "claim"}
    first, second = (cast.api.ask("POST", f"/leads/{lead['id']}/claim", None, action) for _ in range(2))
    assert (first.status, first.json) == (200, second.json)


def _at_once(ask: list[Any]) -> list[Answer]:
    answers: list[Answer | None] = [None] * len(ask)
    gate = threading.Barrier(len(ask))

    def run(index: int) -> None:
        gate.wait()
        answers[index] = ask[index]()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(ask))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answers)
    return [answer for answer in answers if answer]


def test_eight_at_once_make_one(server: Installation) -> None:
    """Over HTTP, to a real server: each gets the one answer, or is told that the first is not finished yet."""
    api = Api(server.http, server.token)
    key = {"Idempotency-Key": "eight at once"}
    body = {"name": "made once", "role": "operator"}
    answers = _at_once([lambda: api.ask("POST", "/tokens", body, key)] * 8)
    made = {answer.body for answer in answers if answer.status == 201}
    assert len(made) == 1
    for answer in answers:
        if answer.status != 201:
            refused(answer, 409, "idempotency_key_in_use")
    assert [row["name"] for row in api.all("/tokens")].count("made once") == 1
    again = api.ask("POST", "/tokens", body, key)
    assert json.loads(again.body)["token"] == json.loads(made.pop())["token"]


@on_both_databases
def test_the_answer_is_kept_sealed(api: Api, parts: Any) -> None:
    from sqlalchemy import text

    token = api.ask("POST", "/tokens", {"name": "CRM", "role": "manager"}, KEY).json["token"]
    with parts.database.reading() as session:
        rows = session.execute(text("SELECT * FROM idempotency_keys")).all()
    assert len(rows) == 1
    assert token not in str(rows)
