"""An advertiser without a number of its own, reached with codes of the portal's one number."""

from dataclasses import dataclass
from typing import Any

from tests.factories import Cast, OfficeOfCast

COMMON = "+77172690000"
"""The call centre's number with codes."""
QALA_PHONE = "+77172555555"


@dataclass(frozen=True)
class Extended:
    """`listing` and `other` are Qala's, `common` is the number as the API made it."""

    cast: Cast
    qala: dict[str, Any]
    office: OfficeOfCast
    common: dict[str, Any]
    listing: str = "ZHK-4001"
    other: str = "ZHK-4002"

    def reveal(self, visitor: str, listing: str = "", **fields: Any) -> dict[str, Any]:
        shown: dict[str, Any] = self.cast.page().reveal(listing or self.listing, visitor=visitor, **fields).json
        return shown


def extend(cast: Cast) -> Extended:
    body = {"e164": COMMON, "role": "extension", "telephony_account": cast.account["id"]}
    common = cast.api.post("/numbers", body)
    qala = cast.api.post("/advertisers", {"name": "Qala"})
    (office,) = cast.api.get(f"/offices?advertiser={qala['id']}")["data"]
    cast.api.patch(f"/offices/{office['id']}", {"destinations": [{"to": QALA_PHONE, "timeout": 20}]})
    extended = Extended(cast, qala, OfficeOfCast(office["id"], qala["id"], QALA_PHONE, ()), common)
    for external_id in (extended.listing, extended.other):
        listing = {"site": cast.site["id"], "advertiser": qala["id"], "external_id": external_id, "title": external_id}
        cast.api.post("/listings", {**listing, "phone": "+77014001000"})
    return extended
