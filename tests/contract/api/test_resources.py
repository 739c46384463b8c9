"""Every resource that a client writes: 201 on create, read back as it was written, changed in part, retired."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.contract.conftest import refused
from tests.factories import Cast
from tests.support.http import Api

Row = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """`whole`: every field that a client may write; `least`: what is needed, and what the rest then is.

    `made_here`: fields of every answer; `once`: of the first one only; `hidden`: written and never read.
    """

    whole: Row
    least: Row
    defaults: Row
    change: Row
    made_here: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    bad: dict[str, list[Any]] = field(default_factory=dict)


def kinds(cast: Cast) -> dict[str, Kind]:
    """The contract's table of section 5."""
    site, advertiser, office = cast.site["id"], cast.alatau["id"], cast.alatau_sales.id
    return {
        "sites": Kind(
            whole={
                "name": "Krisha Portal",
                "domains": ["portal.kz", "*.portal.kz", "localhost"],
                "region": "RU",
                "timezone": "Europe/Moscow",
                "locale": "kk-KZ",
                "excluded_ips": ["203.0.113.0/24", "2a00::1"],
                "mode": "measure",
                "objective": "session",
                "consent_required": True,
                "require_token": True,
                "lease_seconds": 900,
            },
            least={"name": "Least"},
            defaults={"domains": [], "mode": "live", "objective": "both", "consent_required": False,
                      "require_token": False, "excluded_ips": [], "lease_seconds": 1800},
            change={"mode": "live", "domains": ["other.kz"]},
            made_here=("key", "created_at"),
            once=("token_key",),
            bad={"name": ["", None, 7], "domains": [["https://a.kz"], "a.kz", [1]], "region": ["KAZ", 1],
                 "timezone": ["Almaty"], "mode": ["off"], "objective": ["all"], "excluded_ips": [["x"]],
                 "consent_required": ["maybe"], "lease_seconds": [1, 10**9, "long"], "locale": ["русский"],
                 "unheard_of": [1]},
        ),
        "advertisers": Kind(
            whole={"name": "BI Group", "external_id": "dev-77", "plan": "cpt"},
            least={"name": "Least"},
            defaults={"external_id": None, "plan": "cpl"},
            change={"plan": "free"},
            made_here=("created_at",),
            bad={"name": ["", None, "x" * 201], "plan": ["gold", None], "external_id": [7]},
        ),
        "offices": Kind(
            whole={
                "advertiser": advertiser,
                "name": "Left bank",
                "destinations": [{"to": "+77172555555", "timeout": 20}, {"to": "sip:sales@pbx.kz", "timeout": 40}],
                "hours": {"mon": [["09:00", "18:00"]], "sat": [["10:00", "14:00"], ["15:00", "17:00"]]},
                "timezone": "Asia/Almaty",
                "overflow_office": office,
            },
            least={"name": "Call centre of the night"},
            defaults={"advertiser": None, "destinations": [], "hours": None, "timezone": None, "overflow_office": None},
            change={"hours": None, "destinations": [{"to": "+77172000001", "timeout": 15}]},
            made_here=("created_at",),
            bad={"name": [None],
                 "destinations": [[{"to": "me"}], [{"timeout": 5}], [{"to": "+77172555555", "timeout": 1}],
                                  {"to": "+77172555555"}, [{"to": "+77172555555", "x": 1}]],
                 "hours": [{"monday": []}, [], {"mon": [["9", "18"]]}], "timezone": ["Mars/Base"],
                 "overflow_office": ["off_nowhere"], "advertiser": ["adv_nowhere", 1]},
        ),
        "listings": Kind(
            whole={
                "site": site,
                "advertiser": advertiser,
                "office": office,
                "external_id": "ZHK-9001/2",
                "title": "3-комнатная квартира, Мәңгілік Ел",
                "url": "https://bosaga.kz/listing/9001",
                "phone": "+77012223344",
                "complex": "ЖК «Нұрлы»",
                "price": "45000000.00",
                "status": "paused",
            },
            least={"site": site, "advertiser": advertiser, "external_id": "ZHK-9002", "title": "Least"},
            defaults={"office": None, "url": None, "phone": None, "complex": None, "price": None, "status": "active"},
            change={"price": {"amount": "1.50", "currency": "KZT"}, "status": "active", "office": None},
            made_here=("created_at", "updated_at"),
            bad={"site": [None, "sit_nowhere"], "advertiser": [None, "adv_nowhere"], "office": ["off_nowhere"],
                 "title": ["", None], "external_id": ["", None, 5], "url": ["bosaga.kz/1", "javascript:alert(1)"],
                 "phone": ["call us", "+7 000"], "price": ["much", 1.5], "status": ["sold"]},
        ),
        "numbers": Kind(
            whole={
                "e164": "+77172699001",
                "office": office,
                "source_class": "paid_search",
                "role": "static",
                "telephony_account": cast.account["id"],
                "monthly_cost": {"amount": "1500", "currency": "KZT"},
            },
            least={"e164": "+77172699002", "office": office},
            defaults={"source_class": None, "role": "lease", "telephony_account": None, "monthly_cost": None},
            change={"source_class": "social", "role": "lease"},
            made_here=("state", "owner_since", "next_office", "next_source_class", "quarantine_until"),
            bad={"e164": ["7172", None, "call"], "office": [None, "off_nowhere"], "role": ["pool"],
                 "source_class": ["Paid Search", ""], "telephony_account": ["tac_nowhere"]},
        ),
        "telephony-accounts": Kind(
            whole={"provider": "twilio", "name": "T", "credentials": {"account_sid": "AC1", "auth_token": "12345"}},
            least={"provider": "generic", "name": "PBX"},
            defaults={},
            change={"name": "Renamed"},
            made_here=("events_url", "route_url", "created_at"),
            hidden=("credentials",),
            bad={"provider": ["pigeon", None], "name": ["", None],
                 "credentials": [{}, {"account_sid": "AC1"}, "12345",
                                 {"account_sid": "AC1", "auth_token": "1", "x": "1"}]},
        ),
        "tokens": Kind(
            whole={"name": "CRM", "role": "advertiser", "advertiser": advertiser},
            least={"name": "Watcher", "role": "moderator"},
            defaults={"advertiser": None},
            change={},
            made_here=("created_at",),
            once=("token",),
            bad={"role": ["king", None], "advertiser": [None, "adv_nowhere"], "name": [None]},
        ),
        "users": Kind(
            whole={"email": "aigul@bosaga.kz", "name": "Айгүл", "role": "advertiser", "advertiser": advertiser,
                   "password": "long enough"},
            least={"email": "oper@bosaga.kz", "role": "operator"},
            defaults={"name": None, "advertiser": None},
            change={"name": "Айгүл С.", "password": "another one"},
            made_here=("created_at",),
            hidden=("password",),
            bad={"email": ["nobody", None, ""], "role": ["king"], "password": ["short", None], "advertiser": [None]},
        ),
        "webhook-endpoints": Kind(
            whole={"url": "https://crm.example.kz/hook?x=1", "events": ["lead.created", "call.ended"],
                   "advertiser": advertiser, "enabled": False},
            least={"url": "https://crm.example.kz/hook"},
            defaults={"events": ["*"], "advertiser": None, "enabled": True},
            change={"events": ["lead.updated"], "enabled": True},
            made_here=("created_at", "off_reason", "failing_since"),
            once=("secret",),
            bad={"url": ["crm", "ftp://crm.example.kz", None, "javascript:alert(1)"],
                 "events": [["lead.eaten"], [], "lead.created"], "advertiser": ["adv_nowhere"]},
        ),
    }  # fmt: skip


NAMES = ["sites", "advertisers", "offices", "listings", "numbers", "telephony-accounts", "tokens", "users",
         "webhook-endpoints"]  # fmt: skip


@pytest.fixture
def kind(cast: Cast, name: str) -> Kind:
    return kinds(cast)[name]


def test_every_resource_that_clients_make_is_here(cast: Cast, document: Row) -> None:
    made = {path.split("/")[3] for path, item in document["paths"].items() if "post" in item and "{" not in path}
    # Work that is asked for, and neither changed nor retired.
    work = {"listing-imports", "number-imports", "proposal-runs", "sizings"}
    assert made - work == set(NAMES) == set(kinds(cast))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_made_and_read_back_in_the_shape_that_it_was_written_in(api: Api, name: str, kind: Kind) -> None:
    answer = api.ask("POST", f"/{name}", kind.whole)
    assert answer.status == 201, answer.body
    assert answer.headers["Content-Type"] == "application/json"
    made = answer.json
    shown = {key: value for key, value in kind.whole.items() if key not in kind.hidden}
    assert {key: made[key] for key in shown} == shown
    assert "_" in made["id"]
    for key in (*kind.made_here, *kind.once):
        assert key in made, key
    read = api.get(f"/{name}/{made['id']}")
    assert read == {key: value for key, value in made.items() if key not in kind.once}
    assert not set(read) & {*kind.once, *kind.hidden}
    assert read in api.all(f"/{name}")


@pytest.mark.parametrize("name", NAMES)
def test_the_least_that_it_needs(api: Api, name: str, kind: Kind) -> None:
    made = api.post(f"/{name}", kind.least)
    assert {key: made[key] for key in kind.least} == kind.least
    assert {key: made[key] for key in kind.defaults} == kind.defaults
    for missing in kind.least:
        problem = refused(
            api.ask("POST", f"/{name}", {k: v for k, v in kind.least.items() if k != missing}), 400, "invalid_request"
        )
        assert list(problem["fields"]) == [missing]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "tokens"])
def test_a_change_changes_what_it_names_and_nothing_else(api: Api, name: str, kind: Kind) -> None:
    made = api.post(f"/{name}", kind.whole)
    address = f"/{name}/{made['id']}"
    before = api.get(address)
    changed = api.patch(address, kind.change)
    shown = {key: value for key, value in kind.change.items() if key not in kind.hidden}
    free = {"updated_at", "off_reason"}  # these follow
    assert {k: v for k, v in changed.items() if k not in free} == {
        k: v for k, v in {**before, **shown}.items() if k not in free
    }
    assert api.get(address) == changed
    assert api.patch(address, {}) == changed | {key: api.get(address)[key] for key in free & set(changed)}


@pytest.mark.parametrize("name", NAMES)
def test_bad_fields_are_named_and_nothing_is_made(api: Api, name: str, kind: Kind) -> None:
    before = api.all(f"/{name}")
    for key, values in kind.bad.items():
        for value in values:
            answer = api.ask("POST", f"/{name}", {**kind.whole, key: value})
            problem = refused(answer, 400, "invalid_request")
            assert key in problem["fields"], f"{key}={value!r}: {problem}"
    assert api.all(f"/{name}") == before


@pytest.mark.parametrize("name", [name for name in NAMES if name != "tokens"])
def test_bad_changes_change_nothing(api: Api, name: str, kind: Kind) -> None:
    made = api.post(f"/{name}", kind.whole)
    address = f"/{name}/{made['id']}"
    before = api.get(address)
    for key, values in kind.bad.items():
        for value in values:
            answer = api.ask("PATCH", address, {key: value})
            # Absent credentials are left as they are; what may not be moved at all is a conflict.
            if (name, key, value) == ("telephony-accounts", "credentials", {}):
                continue
            assert answer.status in (400, 409), f"{key}={value!r}: {answer.status}"
            refused(answer, answer.status, answer.json["code"])
    assert api.get(address) == before


@pytest.mark.parametrize("name", [name for name in NAMES if name != "tokens"])
def test_what_was_read_may_be_sent_back_and_what_is_read_only_is_not_changed(api: Api, name: str, kind: Kind) -> None:
    address = f"/{name}/{api.post(f'/{name}', kind.whole)['id']}"
    before = api.get(address)
    after = api.patch(address, before)
    assert {k: v for k, v in after.items() if k != "updated_at"} == {
        k: v for k, v in before.items() if k != "updated_at"
    }
    forged = dict.fromkeys(("id", *kind.made_here), "forged")
    for answer in (api.ask("PATCH", address, forged), api.ask("POST", f"/{name}", {**kind.least, **forged})):
        assert (answer.status, answer.json["code"]) == (400, "invalid_request")
        assert set(answer.json["fields"]) >= set(forged)


@pytest.mark.parametrize("name", NAMES)
def test_retired_it_is_gone_or_says_so(api: Api, name: str, kind: Kind) -> None:
    made = api.post(f"/{name}", kind.whole)
    address = f"/{name}/{made['id']}"
    answer = api.ask("DELETE", address)
    assert (answer.status, answer.body) == (204, b"")
    if name == "listings":
        assert api.get(address)["status"] == "closed"
    elif name == "numbers":
        assert api.get(address)["state"] == "retired"
    else:
        refused(api.ask("GET", address), 404, "not_found")
        refused(api.ask("DELETE", address), 404, "not_found")
        assert made["id"] not in {row["id"] for row in api.all(f"/{name}")}


def test_what_is_no_json_object_is_refused(api: Api) -> None:
    for name in NAMES:
        for body in (b"", b"{", b"nonsense", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 50_000, b"NaN"):
            refused(api.ask("POST", f"/{name}", body), 400, "invalid_request")


class TestAdvertisers:
    def test_each_starts_with_one_office(self, api: Api) -> None:
        made = api.post("/advertisers", {"name": "Sensata"})
        (office,) = api.get(f"/offices?advertiser={made['id']}")["data"]
        assert (office["advertiser"], office["name"]) == (made["id"], "Sensata")


class TestOffices:
    def test_an_office_keeps_its_advertiser(self, cast: Cast) -> None:
        answer = cast.api.ask("PATCH", f"/offices/{cast.alatau_sales.id}", {"advertiser": cast.saryarka["id"]})
        refused(answer, 409, "office_keeps_its_advertiser")

    def test_an_office_is_not_its_own_overflow(self, cast: Cast) -> None:
        address = f"/offices/{cast.alatau_sales.id}"
        problem = refused(
            cast.api.ask("PATCH", address, {"overflow_office": cast.alatau_sales.id}), 400, "invalid_request"
        )
        assert "overflow_office" in problem["fields"]

    def test_a_destination_has_somebody_to_ring_and_a_time(self, cast: Cast) -> None:
        changed = cast.api.patch(f"/offices/{cast.alatau_sales.id}", {"destinations": [{"to": "+7 7172 55 55 55"}]})
        assert changed["destinations"] == [{"to": "+77172555555", "timeout": 25}]


class TestListings:
    def test_a_phone_is_read_as_people_of_the_sites_country_spell_it(self, cast: Cast) -> None:
        body = {"site": cast.site["id"], "advertiser": cast.alatau["id"], "external_id": "N", "title": "x"}
        assert cast.api.post("/listings", {**body, "phone": "8 (701) 222-33-44"})["phone"] == "+77012223344"

    def test_one_external_id_is_one_listing_of_a_site(self, cast: Cast) -> None:
        body = {"site": cast.site["id"], "advertiser": cast.alatau["id"], "external_id": "ZHK-1001", "title": "x"}
        refused(cast.api.ask("POST", "/listings", body), 409, "external_id_taken")
        other = cast.api.post("/sites", {"name": "Other"})
        cast.api.post("/listings", {**body, "site": other["id"]})
        (mine,) = cast.api.get("/listings?external_id=ZHK-1002")["data"]
        refused(cast.api.ask("PATCH", f"/listings/{mine['id']}", {"external_id": "ZHK-1001"}), 409, "external_id_taken")

    def test_its_office_is_one_of_its_advertiser(self, cast: Cast) -> None:
        body = {"site": cast.site["id"], "advertiser": cast.alatau["id"], "external_id": "N", "title": "x"}
        answer = cast.api.ask("POST", "/listings", {**body, "office": cast.saryarka_sales.id})
        assert "office" in refused(answer, 400, "invalid_request")["fields"]

    def test_put_by_external_id_makes_and_replaces(self, cast: Cast) -> None:
        address = f"/listings/by-external-id/{cast.site['id']}/feed/77"
        body = {"advertiser": cast.alatau["id"], "title": "Studio", "phone": "8 701 222 33 44", "complex": "Nurly"}
        made = cast.api.ask("PUT", address, body)
        assert made.status == 201
        assert (made.json["external_id"], made.json["phone"]) == ("feed/77", "+77012223344")
        again = cast.api.ask("PUT", address, {**body, "title": "Studio with a view", "complex": None})
        assert again.status == 200
        assert (again.json["id"], again.json["title"]) == (made.json["id"], "Studio with a view")
        assert again.json["complex"] is None
        assert cast.api.get(f"/listings/{made.json['id']}") == again.json

    def test_put_refuses_what_post_refuses(self, cast: Cast) -> None:
        address = f"/listings/by-external-id/{cast.site['id']}/feed-78"
        problem = refused(
            cast.api.ask("PUT", address, {"advertiser": "adv_nowhere", "title": "x"}), 400, "invalid_request"
        )
        assert list(problem["fields"]) == ["advertiser"]
        assert list(refused(cast.api.ask("PUT", address, {}), 400, "invalid_request")["fields"]) == [
            "advertiser",
            "title",
        ]
        nowhere = cast.api.ask(
            "PUT", "/listings/by-external-id/sit_nowhere/x", {"advertiser": cast.alatau["id"], "title": "x"}
        )
        assert list(refused(nowhere, 400, "invalid_request")["fields"]) == ["site"]
        assert cast.api.get("/listings?external_id=feed-78")["data"] == []


class TestNumbers:
    def test_a_number_is_there_once_whoever_owns_it(self, cast: Cast) -> None:
        (e164, *_) = cast.saryarka_sales.e164s
        answer = cast.api.ask("POST", "/numbers", {"e164": e164, "office": cast.alatau_sales.id})
        refused(answer, 409, "number_taken")

    def test_its_digits_stay(self, cast: Cast) -> None:
        number = cast.api.all("/numbers")[0]
        refused(
            cast.api.ask("PATCH", f"/numbers/{number['id']}", {"e164": "+77172690999"}), 409, "number_keeps_its_digits"
        )

    def test_a_number_never_shown_may_change_its_office(self, cast: Cast) -> None:
        made = cast.api.post("/numbers", {"e164": "+77172699100", "office": cast.alatau_sales.id})
        moved = cast.api.patch(f"/numbers/{made['id']}", {"office": cast.saryarka_sales.id})
        assert moved["office"] == cast.saryarka_sales.id

    def test_a_number_that_was_shown_goes_through_quarantine(self, cast: Cast) -> None:
        shown = cast.page().reveal("ZHK-1001", visitor="v").json["number"]
        (number,) = cast.api.get(f"/numbers?e164=%2B{shown[1:]}")["data"]
        moving = cast.api.patch(f"/numbers/{number['id']}", {"office": cast.saryarka_sales.id})
        changed = {name: value for name, value in moving.items() if value != number[name]}
        assert changed.keys() == {"state", "next_office", "quarantine_until"}
        assert (moving["state"], moving["next_office"]) == ("quarantine", cast.saryarka_sales.id)

    def test_a_retired_number_that_was_shown_keeps_its_office(self, cast: Cast) -> None:
        shown = cast.page().reveal("ZHK-1001", visitor="v").json["number"]
        (number,) = cast.api.get(f"/numbers?e164=%2B{shown[1:]}")["data"]
        cast.api.delete(f"/numbers/{number['id']}")
        answer = cast.api.ask("PATCH", f"/numbers/{number['id']}", {"office": cast.saryarka_sales.id})
        refused(answer, 409, "number_was_shown")

    def test_a_retired_number_is_shown_to_nobody_and_still_answered(self, cast: Cast) -> None:
        (number,) = [row for row in cast.api.all("/numbers") if row["office"] == cast.zhaina_sales.id][:1]
        cast.api.delete(f"/numbers/{number['id']}")
        shown = {cast.page().reveal("ZHK-3001", visitor=f"v{n}").json["number"] for n in range(4)}
        assert number["e164"] not in shown
        assert cast.telephone.route("c1", number["e164"]).json["office"] == cast.zhaina_sales.id


class TestUsersAndTokens:
    def test_an_email_is_one_user_however_it_is_written(self, cast: Cast) -> None:
        first = cast.api.post("/users", {"email": "Aigul@Bosaga.kz", "role": "manager"})
        assert first["email"] == "aigul@bosaga.kz"
        refused(cast.api.ask("POST", "/users", {"email": "AIGUL@bosaga.kz", "role": "owner"}), 409, "email_taken")
        other = cast.api.post("/users", {"email": "other@bosaga.kz", "role": "manager"})
        refused(cast.api.ask("PATCH", f"/users/{other['id']}", {"email": "aigul@bosaga.kz"}), 409, "email_taken")

    @pytest.mark.parametrize("resource", ["tokens", "users"])
    def test_an_advertiser_belongs_to_the_role_and_to_no_other(self, cast: Cast, resource: str) -> None:
        who = {"tokens": {"name": "x"}, "users": {"email": "x@bosaga.kz"}}[resource]
        for role, advertiser in (("advertiser", None), ("owner", cast.alatau["id"]), ("operator", cast.alatau["id"])):
            answer = cast.api.ask("POST", f"/{resource}", {**who, "role": role, "advertiser": advertiser})
            assert "advertiser" in refused(answer, 400, "invalid_request")["fields"]

    def test_a_retired_token_opens_nothing(self, cast: Cast) -> None:
        made = cast.api.post("/tokens", {"name": "x", "role": "manager"})
        holder = cast.api.holding(made["token"])
        holder.get("/sites")
        cast.api.delete(f"/tokens/{made['id']}")
        refused(holder.ask("GET", "/sites"), 401, "unauthenticated")

    def test_what_a_user_sees_goes_with_the_role(self, cast: Cast) -> None:
        cast.api.post("/tokens", {"name": "x", "role": "manager"})
        rows = cast.api_of("manager").all("/users")
        assert all("password" not in row and "password_hash" not in row for row in rows)


class TestTelephonyAccounts:
    def test_generic_secrets_are_made_here_and_shown_once(self, api: Api) -> None:
        made = api.post("/telephony-accounts", {"provider": "generic", "name": "PBX", "credentials": {}})
        assert made["secret"].startswith("whsec_")
        assert len(made["token"]) >= 24
        read = api.get(f"/telephony-accounts/{made['id']}")
        assert not {"secret", "token", "credentials"} & set(read)
        assert made["secret"] not in str(read)

    def test_addresses_are_absolute_and_of_this_account_alone(self, api: Api) -> None:
        made = [api.post("/telephony-accounts", {"provider": "generic", "name": "PBX"}) for _ in range(2)]
        assert len({row["events_url"] for row in made}) == 2
        for row in made:
            base, _, last = row["events_url"].rpartition("/")
            assert (last, row["route_url"]) == ("events", f"{base}/route")
            assert base.startswith("http://localhost/c/v1/telephony/")
            assert len(base.rpartition("/")[2]) >= 24

    def test_the_provider_stays(self, cast: Cast) -> None:
        answer = cast.api.ask("PATCH", f"/telephony-accounts/{cast.account['id']}", {"provider": "twilio"})
        assert "provider" in refused(answer, 400, "invalid_request")["fields"]
