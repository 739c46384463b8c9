"""Which addresses are of the open internet, and which requests are never made."""

import ipaddress
import socket
from typing import Any

import pytest

from callease.delivery.guarded_http import DeliveryError, GuardedHttp, is_public

PUBLIC = [
    "8.8.8.8",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "2606:4700:4700::1111",
    "2a00:1450:4010:c0f::65",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
]
NOT_PUBLIC = {
    "this network": ["0.0.0.0", "0.1.2.3", "::"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456:789a::1"],
    "loopback": ["127.0.0.1", "127.1.2.3", "::1"],
    "link-local": ["169.254.169.254", "169.254.0.1", "fe80::1"],
    "shared by carriers": ["100.64.0.1", "100.127.255.255"],
    "protocol assignments": ["192.0.0.1", "192.0.0.8", "192.0.0.170", "2001:1::1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.255", "2001:db8::1", "3fff::1"],
    "benchmarks": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "multicast": ["224.0.0.1", "239.255.255.250", "233.252.0.1", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.255", "4000::1", "5f00::1"],
    "discard only": ["100::1"],
    "site-local": ["fec0::1"],
    "6to4 relay": ["192.88.99.1"],
    "mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:100.64.0.1"],
    "translated": ["::ffff:0:127.0.0.1"],
    "compatible": ["::127.0.0.1", "::10.0.0.1", "::8.8.8.8"],
    "6to4": ["2002:7f00:1::", "2002:a00:1::", "2002:a9fe:a9fe::1"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe"],
    "local NAT64": ["64:ff9b:1::7f00:1", "64:ff9b:1::808:808"],
    "teredo": ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001::1"],
    "orchid": ["2001:10::1", "2001:20::1"],
}


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(("kind", "address"), [(kind, each) for kind, all_ in NOT_PUBLIC.items() for each in all_])
def test_not_public(kind: str, address: str) -> None:
    assert not is_public(ipaddress.ip_address(address)), kind


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What host names resolve to; nothing is connected to, whatever is allowed."""
    known: dict[str, list[str]] = {}

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        addresses = [host] if host[0].isdigit() else known.get(host)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    def connect(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", connect)
    return known


def refusal(url: str, allowed: tuple[str, ...] = ()) -> DeliveryError:
    with pytest.raises(DeliveryError) as refused:
        GuardedHttp(allowed).post(url, b"{}", {})
    return refused.value


class TestRefusals:
    @pytest.mark.parametrize("addresses", [["10.0.0.7"], ["8.8.8.8", "10.0.0.7"], ["::ffff:127.0.0.1"]])
    def test_a_name_with_any_private_address(self, names: dict[str, list[str]], addresses: list[str]) -> None:
        names["crm.example"] = addresses
        error = refusal("https://crm.example/hook")
        assert error.permanent
        assert "CALLEASE_ALLOW_PRIVATE_URLS" in str(error)

    @pytest.mark.parametrize("port", [22, 25, 6379, 5432])
    def test_ports_that_are_not_the_webs(self, names: dict[str, list[str]], port: int) -> None:
        names["crm.example"] = ["8.8.8.8"]
        error = refusal(f"https://crm.example:{port}/")
        assert error.permanent
        assert str(port) in str(error)

    @pytest.mark.parametrize(
        "url",
        ["ftp://crm.example/", "file:///etc/passwd", "gopher://crm.example/", "crm.example", "", "http://", "http:///x",
         "http://crm.example:99999/", "http://crm.example:port/", "http://[::1/"],
    )  # fmt: skip
    def test_what_is_no_web_address(self, names: dict[str, list[str]], url: str) -> None:
        names["crm.example"] = ["8.8.8.8"]
        assert refusal(url).permanent

    def test_a_name_that_is_not_there_yet_is_asked_for_again(self, names: dict[str, list[str]]) -> None:
        assert not refusal("https://nowhere.example/").permanent
        assert not refusal(f"https://{'a' * 70}.example/").permanent

    def test_a_public_address_is_connected_to(self, names: dict[str, list[str]]) -> None:
        names["crm.example"] = ["8.8.8.8"]
        assert not refusal("https://crm.example/hook").permanent


class TestAllowed:
    @pytest.mark.parametrize(
        ("allowed", "url"),
        [
            (("crm.lan",), "http://crm.lan:9000/"),
            (("CRM.lan",), "http://Crm.Lan/"),
            (("10.0.0.7",), "http://crm.lan:9000/"),
            (("10.0.0.7",), "http://10.0.0.7:9000/"),
        ],
    )
    def test_each_for_itself_and_on_any_port(
        self, names: dict[str, list[str]], allowed: tuple[str, ...], url: str
    ) -> None:
        names |= {"crm.lan": ["10.0.0.7"]}
        assert not refusal(url, allowed).permanent  # connected to, and refused there

    @pytest.mark.parametrize("allowed", [("crm.lan",), ("10.0.0.7",), ("10.0.0.0/8",), ("lan",)])
    def test_nothing_else_with_it(self, names: dict[str, list[str]], allowed: tuple[str, ...]) -> None:
        names["other.lan"] = ["10.0.0.8"]
        assert refusal("http://other.lan/", allowed).permanent
