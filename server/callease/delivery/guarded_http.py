"""Every outgoing request goes through here: a receiver's address must not reach into the operator's own network.

The host is resolved once, every address it has is judged, and the connection goes to the judged address itself, so that
a name which resolves otherwise a moment later gains nothing. Redirects are not followed.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

_CONNECT_SECONDS, _WHOLE_SECONDS = 5.0, 15.0
_REPLY_BYTES = 65_536
_PORTS = frozenset({80, 443, 8080, 8443})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# All that IANA gives out to the open internet so far; what else there is of IPv6 are wrappings and private uses.
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
# Special uses that not every Python's tables know: protocol assignments, 6to4 relays, documentation.
_SPECIAL = [ipaddress.ip_network(each) for each in ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class DeliveryError(Exception):
    """The whole vocabulary of retrying: try again later, or never (`permanent`).

    `retry_after` is in seconds, where the receiver asked for a pause.
    """

    def __init__(
        self,
        message: str,
        permanent: bool,
        status: int | None = None,
        reply: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.status = status
        self.reply = reply
        self.retry_after = retry_after


@dataclass(frozen=True)
class HttpReply:
    status: int
    body: bytes
    headers: Mapping[str, str]


class GuardedHttp:
    """`allowed`: private hosts or addresses that the operator has opened, each for itself and on any port."""

    def __init__(self, allowed: Collection[str] = ()) -> None:
        self._allowed = frozenset(entry.lower() for entry in allowed)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """Any answer at all; raises DeliveryError when there is none or the address is refused."""
        parts, host, port = _address(url)
        address = self._resolve(host, port)
        target = parts.path or "/"
        if parts.query:
            target += f"?{parts.query}"
        pool = _pool(parts.scheme, host, address, port)
        timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, total=_WHOLE_SECONDS)
        try:
            response = pool.request(
                "POST",
                target,
                body=body,
                headers={"Host": parts.netloc.rpartition("@")[2], "User-Agent": "Callease", **headers},
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            content = _read(response)
        except (HTTPError, OSError) as error:
            raise DeliveryError(type(error).__name__, permanent=False) from error
        finally:
            pool.close()
        return HttpReply(response.status, content, {key.lower(): value for key, value in response.headers.items()})

    def _resolve(self, host: str, port: int) -> Address:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise DeliveryError("the host name does not resolve", permanent=False) from error
        addresses = [ipaddress.ip_address(str(entry[4][0]).split("%")[0]) for entry in found]
        if host.lower().strip("[]") in self._allowed:
            return addresses[0]
        if opened := [address for address in addresses if str(address) in self._allowed]:
            return opened[0]
        if not all(is_public(address) for address in addresses):
            raise DeliveryError("a private address, see CALLEASE_ALLOW_PRIVATE_URLS", permanent=True)
        if port not in _PORTS:
            raise DeliveryError(f"port {port} is not open to outgoing requests", permanent=True)
        return addresses[0]


def _address(url: str) -> tuple[SplitResult, str, int]:
    try:
        parts = urlsplit(_ascii(url))
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https"):
        raise DeliveryError("not an http(s) address", permanent=True)
    return parts, host, port


def _ascii(url: str) -> str:
    """The same address with its host name as the domain name system has it. Raises DeliveryError."""
    parts = urlsplit(url)
    try:
        return url if parts.netloc.isascii() else parts._replace(netloc=parts.netloc.encode("idna").decode()).geturl()
    except UnicodeError:
        raise DeliveryError("not a host name", permanent=True) from None


def is_public(address: Address) -> bool:
    """False for anything but the open internet, also when it is wrapped into an IPv6 address."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address not in _GLOBAL_UNICAST or address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast and not any(address in network for network in _SPECIAL)


def _pool(scheme: str, host: str, address: Address, port: int) -> urllib3.HTTPConnectionPool:
    if scheme == "http":
        return urllib3.HTTPConnectionPool(str(address), port, maxsize=1)
    return urllib3.HTTPSConnectionPool(str(address), port, maxsize=1, server_hostname=host, assert_hostname=host)


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    """The body, as far as it is wanted: neither a long nor an endless one may hold a worker."""
    ends = time.monotonic() + _WHOLE_SECONDS
    content = b""
    for part in response.stream(4096):
        content += part
        if len(content) >= _REPLY_BYTES or time.monotonic() > ends:
            break
    response.close()
    return content[:_REPLY_BYTES]
