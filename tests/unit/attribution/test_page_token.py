"""The host site's proof that it printed a listing today."""

import hashlib
import hmac

from hypothesis import assume, given
from hypothesis import strategies as st

from callease.attribution.reveals import page_token


def test_it_is_what_a_host_site_computes() -> None:
    expected = hmac.new(b"key", b"ZHK-1042\n2026-11-21", hashlib.sha256).hexdigest()
    assert page_token("key", "ZHK-1042", "2026-11-21") == expected


def test_it_never_changes() -> None:
    """Host sites compute it in their own languages."""
    expected = "c6ff8d86c322599ea7aa633d209c1ca42e7e81287b7818eb5a8602424d16faff"
    assert page_token("key", "ZHK-1042", "2026-11-21") == expected


_parts = st.tuples(st.text(min_size=1), st.text().filter(lambda text: "\n" not in text), st.dates().map(str))


@given(_parts, _parts)
def test_another_key_listing_or_day_is_another_token(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assume(one != other)
    # HMAC pads a short key with zero bytes: keys that differ in those alone are the same key.
    assume(one[0].rstrip("\0") != other[0].rstrip("\0") or one[1:] != other[1:])
    assert page_token(*one) != page_token(*other)
