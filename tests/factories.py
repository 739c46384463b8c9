"""The one cast of all tests: the portal "Босаға", its advertisers and everybody around them.

It is made through the management API, as an installation's own people would make it. Tests name its members; what only
one test needs, that test makes itself.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from tests.support.http import Api, Transport
from tests.support.people import Page, Telephone

CALL_CENTRE_PHONE = "+77172000000"
"""What rings in the portal's own call centre."""
PASSWORD = "kerek-emes-2026"
"""Of every user of the cast."""


@dataclass(frozen=True)
class OfficeOfCast:
    """An office, what rings there, and its numbers in the order in which they were made: class (or None) and digits."""

    id: str
    advertiser: str | None
    phone: str
    numbers: tuple[tuple[str | None, str], ...]

    @property
    def e164s(self) -> set[str]:
        return {e164 for _, e164 in self.numbers}


@dataclass
class Cast:
    """`office_of`: a listing's external id -> the office that answers for it; `phone_of`: -> its real phone."""

    api: Api
    transport: Transport
    site: dict[str, Any]
    alatau: dict[str, Any]
    saryarka: dict[str, Any]
    zhaina: dict[str, Any]
    alatau_sales: OfficeOfCast
    alatau_riverside: OfficeOfCast
    saryarka_sales: OfficeOfCast
    zhaina_sales: OfficeOfCast
    call_centre: OfficeOfCast
    office_of: dict[str, OfficeOfCast]
    phone_of: dict[str, str]
    account: dict[str, Any]
    _tokens: dict[tuple[str, str | None], str] = field(default_factory=dict)
    _users: dict[tuple[str, str | None], dict[str, Any]] = field(default_factory=dict)

    def at(self, transport: Transport, owner_token: str) -> "Cast":
        """The same people in a copy of the installation."""
        api = Api(transport, owner_token)
        account = self.account | api.get(f"/telephony-accounts/{self.account['id']}")
        return replace(self, api=api, transport=transport, account=account, _tokens={}, _users={})

    def page(self, origin: str | None = "https://bosaga.kz") -> Page:
        return Page(self.transport, self.site["key"], origin)

    @property
    def telephone(self) -> Telephone:
        return Telephone(self.transport, self.account)

    @property
    def offices(self) -> tuple[OfficeOfCast, ...]:
        return (
            self.alatau_sales,
            self.alatau_riverside,
            self.saryarka_sales,
            self.zhaina_sales,
            self.call_centre,
        )

    def token(self, role: str, advertiser: dict[str, Any] | None = None) -> str:
        """A token of that role, made when it is first asked for; the role `advertiser` needs to know whose."""
        key = role, advertiser["id"] if advertiser else None
        if key not in self._tokens:
            body = {"name": f"{role} of the tests", "role": role, "advertiser": key[1]}
            self._tokens[key] = self.api.post("/tokens", body)["token"]
        return self._tokens[key]

    def api_of(self, role: str, advertiser: dict[str, Any] | None = None) -> Api:
        return self.api.holding(self.token(role, advertiser))

    def user(self, role: str, advertiser: dict[str, Any] | None = None) -> dict[str, Any]:
        """A user of that role with the password PASSWORD, made when first asked for."""
        key = role, advertiser["id"] if advertiser else None
        if key not in self._users:
            name = f"{advertiser['name'].lower()}.{role}" if advertiser else role
            body = {"email": f"{name}@bosaga.kz", "name": name, "role": role, "advertiser": key[1]}
            self._users[key] = self.api.post("/users", {**body, "password": PASSWORD})
        return self._users[key]


def build_cast(transport: Transport, owner_token: str) -> Cast:
    """Fills an empty installation."""
    api = Api(transport, owner_token)
    site = api.post("/sites", {"name": "Босаға", "domains": ["bosaga.kz", "localhost", "127.0.0.1"], "region": "KZ"})
    account = api.post("/telephony-accounts", {"provider": "generic", "name": "PBX", "credentials": {}})
    call_centre = _office(api, account, None, "Босаға: колл-центр", CALL_CENTRE_PHONE, "7172000", (None,))
    alatau = api.post("/advertisers", {"name": "Alatau", "plan": "cpl", "external_id": "dev-1"})
    saryarka = api.post("/advertisers", {"name": "Saryarka", "plan": "cpt", "external_id": "dev-2"})
    zhaina = api.post("/advertisers", {"name": "Zhaina", "plan": "free", "external_id": "dev-3"})
    # Two numbers for a class, one for another, one for any class.
    split = ("paid_search", "paid_search", "organic", None)
    alatau_sales = _first_office(api, account, alatau, "+77172111111", "7172691", split)
    alatau_riverside = _office(
        api, account, alatau["id"], "Alatau Riverside", "+77172112222", "7172692", (None, None, None)
    )
    saryarka_sales = _first_office(api, account, saryarka, "+77172333333", "7172693", split)
    zhaina_sales = _first_office(api, account, zhaina, "+77172444444", "7172694", (None, None))
    office_of = {
        "ZHK-1001": alatau_sales,
        "ZHK-1002": alatau_sales,
        "ZHK-1003": alatau_riverside,
        "ZHK-2001": saryarka_sales,
        "ZHK-2002": saryarka_sales,
        "ZHK-3001": zhaina_sales,
    }
    phone_of = {external_id: f"+7701{external_id[-4:]}000" for external_id in office_of}
    for external_id, office in office_of.items():
        api.post("/listings", _listing(site, external_id, office, phone_of[external_id]))
    return Cast(
        api=api,
        transport=transport,
        site=site,
        alatau=alatau,
        saryarka=saryarka,
        zhaina=zhaina,
        alatau_sales=alatau_sales,
        alatau_riverside=alatau_riverside,
        saryarka_sales=saryarka_sales,
        zhaina_sales=zhaina_sales,
        call_centre=call_centre,
        office_of=office_of,
        phone_of=phone_of,
        account=account,
    )


def _listing(site: dict[str, Any], external_id: str, office: OfficeOfCast, phone: str) -> dict[str, Any]:
    return {
        "site": site["id"],
        "advertiser": office.advertiser,
        "office": office.id,
        "external_id": external_id,
        "title": f"2-комнатная квартира, {external_id}",
        "url": f"https://bosaga.kz/{external_id}",
        "phone": phone,
        "complex": "ЖК «Сарыжайлау»",
        "price": "32500000.00",
    }


def _first_office(
    api: Api,
    account: dict[str, Any],
    advertiser: dict[str, Any],
    phone: str,
    prefix: str,
    classes: tuple[str | None, ...],
) -> OfficeOfCast:
    """The office that an advertiser begins with, given something that rings."""
    (office,) = api.get(f"/offices?advertiser={advertiser['id']}")["data"]
    api.patch(f"/offices/{office['id']}", {"destinations": [{"to": phone, "timeout": 25}]})
    return _with_numbers(api, account, office["id"], advertiser["id"], phone, prefix, classes)


def _office(
    api: Api,
    account: dict[str, Any],
    advertiser: str | None,
    name: str,
    phone: str,
    prefix: str,
    classes: tuple[str | None, ...],
) -> OfficeOfCast:
    body = {"advertiser": advertiser, "name": name, "destinations": [{"to": phone, "timeout": 25}]}
    office = api.post("/offices", body)
    return _with_numbers(api, account, office["id"], advertiser, phone, prefix, classes)


def _with_numbers(
    api: Api,
    account: dict[str, Any],
    office: str,
    advertiser: str | None,
    phone: str,
    prefix: str,
    classes: tuple[str | None, ...],
) -> OfficeOfCast:
    numbers = tuple((name, f"+7{prefix}{index:03d}") for index, name in enumerate(classes, start=1))
    for name, e164 in numbers:
        body = {"e164": e164, "office": office, "source_class": name, "telephony_account": account["id"]}
        api.post("/numbers", body)
    return OfficeOfCast(office, advertiser, phone, numbers)
