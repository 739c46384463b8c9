"""The ground that the other tests stand on."""

from tests.factories import Cast
from tests.support.databases import on_both_databases
from tests.support.installation import Installation


@on_both_databases
def test_a_cast_reveals_calls_and_leads(cast: Cast) -> None:
    revealed = cast.page().reveal("ZHK-1001", visitor="v1")
    assert revealed.status == 200, revealed.body
    assert revealed.json["number"] in cast.alatau_sales.e164s
    cast.telephone.call(revealed.json["number"])
    (lead,) = cast.api.all("/leads")
    assert lead["advertiser"] == cast.alatau["id"]


def test_a_server_does_the_same(server: Installation, server_cast: Cast) -> None:
    revealed = server_cast.page().reveal("ZHK-1001", visitor="v1")
    assert revealed.status == 200, revealed.body
    assert revealed.json["kind"] == "dynamic"
    server_cast.telephone.call(revealed.json["number"])
    assert server_cast.api.all("/leads")
