"""Where a visit came from: UTM tags, click ids and the referrer, by rules that can be read in this file.

The order: what the host site states itself, UTM tags, click ids, the referrer, direct. Pure logic.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from urllib.parse import SplitResult, parse_qs, urlsplit

DIRECT = "direct"

# click id -> (source, medium, source class). `ysclid` marks Yandex's unpaid results, `fbclid` any link on Facebook.
_CLICK_IDS = {
    "gclid": ("google", "cpc", "paid_search"),
    "gbraid": ("google", "cpc", "paid_search"),
    "wbraid": ("google", "cpc", "paid_search"),
    "yclid": ("yandex", "cpc", "paid_search"),
    "msclkid": ("bing", "cpc", "paid_search"),
    "ttclid": ("tiktok", "cpc", "paid_social"),
    "rb_clickid": ("vk", "cpc", "paid_social"),
    "ysclid": ("yandex", "organic", "organic"),
    "fbclid": ("facebook", "social", "social"),
}
CLICK_IDS = tuple(_CLICK_IDS)
_NAME_AT_MOST = 200

_PAID = frozenset("cpc ppc paid paidsearch paid_search paid-search sem cpa cpo search_ads adwords direct_ads".split())
_PAID_SOCIAL = frozenset("paid_social paidsocial paid-social target targeting targeted social_cpc smm_ads".split())
_DISPLAY = frozenset("display banner cpm cpv media video_ads retargeting remarketing network".split())
_MEDIA = {
    **dict.fromkeys("email e-mail mail newsletter mailing rassylka digest".split(), "email"),
    **dict.fromkeys("social smm social-network social_network social-media sm post stories".split(), "social"),
    **dict.fromkeys("messenger telegram whatsapp viber chat bot push sms".split(), "messenger"),
    **dict.fromkeys(
        "aggregator classified classifieds feed portal board listing catalog map maps".split(), "aggregator"
    ),
    "organic": "organic",
    "referral": "referral",
    "affiliate": "referral",
    "partner": "referral",
}
_CLASS_OF_KIND = {"search": "organic", "assistant": "assistant"}
_MEDIUM_OF_KIND = {"search": "organic", "assistant": "referral", "aggregator": "referral"}
# What people write into utm_source for the names of the referrer table.
_SOURCE_ALIASES = {
    "fb": "facebook", "ig": "instagram", "insta": "instagram", "vkontakte": "vk", "vk_ads": "vk", "mytarget": "vk",
    "tg": "telegram", "telegram_ads": "telegram", "yandex_direct": "yandex", "yandex.direct": "yandex", "ya": "yandex",
    "adwords": "google", "google_ads": "google", "googleads": "google",
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """`source_class` is the coarse group that numbers are split by; the rest is None when unknown."""

    source_class: str
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    term: str | None = None
    content: str | None = None


def source_of(
    page: str | None, referrer: str | None, own_domains: Sequence[str], stated: Mapping[str, str | None] | None = None
) -> Source | None:
    """The source of a page view; None when it only continues a visit (the referrer is the site itself).

    `stated` is what the host site says itself: source, medium, campaign, term, content, class.
    """
    query = {key.lower(): values[-1].strip() for key, values in parse_qs(urlsplit_or_empty(page).query).items()}
    if stated and (stated.get("source") or stated.get("class")):
        return _stated(stated)
    if query.get("utm_source") or query.get("utm_medium"):
        return _from_utm(query)
    for click_id, (source, medium, source_class) in _CLICK_IDS.items():
        if query.get(click_id):
            found = Source(source_class, source, medium, query.get("utm_campaign"), query.get("utm_term"))
            return _instagram_when_it_was(found, referrer)
    return _from_referrer(referrer, own_domains)


def click_ids(page: str | None) -> dict[str, str]:
    """Click ids found in the address of a page."""
    query = parse_qs(urlsplit_or_empty(page).query)
    return {name: query[name][-1] for name in CLICK_IDS if query.get(name)}


def host_of(address: str | None) -> str | None:
    """Host name of an address in lower case, without `www.`; None when there is none."""
    host = urlsplit_or_empty(address).hostname
    return host.lower().removeprefix("www.") if host else None


def bare_address(address: str) -> str:
    """An address without query and fragment, where click ids and other traces of a person are."""
    parts = urlsplit_or_empty(address)
    return f"{parts.scheme}://{parts.netloc}{parts.path}" if parts.netloc else ""


def _stated(stated: Mapping[str, str | None]) -> Source:
    source, medium = stated.get("source"), stated.get("medium")
    source_class = stated.get("class") or _class_of(source or "", medium or "")
    return Source(source_class, source, medium, stated.get("campaign"), stated.get("term"), stated.get("content"))


def _from_utm(query: Mapping[str, str]) -> Source:
    source = query.get("utm_source", "").lower()[:_NAME_AT_MOST] or None
    medium = query.get("utm_medium", "").lower()[:_NAME_AT_MOST] or None
    source_class = _class_of(source or "", medium or "")
    if source_class in ("organic", "other") and any(query.get(name) for name in ("gclid", "gbraid", "wbraid", "yclid")):
        source_class = "paid_search"
    return Source(
        source_class,
        source,
        medium,
        query.get("utm_campaign") or None,
        query.get("utm_term") or None,
        query.get("utm_content") or None,
    )


def _class_of(source: str, medium: str) -> str:
    source, medium = _SOURCE_ALIASES.get(source.lower(), source.lower()), medium.lower()
    kind = _kind_of_name(source)
    if medium in _PAID_SOCIAL or (medium in _PAID and kind in ("social", "messenger")):
        return "paid_social"
    if medium in _PAID:
        return "aggregator" if kind == "aggregator" else "paid_search"
    if medium in _DISPLAY:
        return "display"
    if medium in _MEDIA:
        return _MEDIA[medium]
    return _CLASS_OF_KIND.get(kind, kind) if kind else "other"


def _from_referrer(referrer: str | None, own_domains: Sequence[str]) -> Source | None:
    host = host_of(referrer)
    if not host:
        return Source(DIRECT)
    if any(matches(host, domain.removeprefix("www.")) for domain in own_domains):
        return None
    path = urlsplit_or_empty(referrer).path
    kind, name = _of_host(host, path)
    if kind is None:
        return Source("referral", host[:_NAME_AT_MOST], "referral")
    return Source(_CLASS_OF_KIND.get(kind, kind), name, _MEDIUM_OF_KIND.get(kind, kind))


def matches(host: str, pattern: str) -> bool:
    """`*.example.kz` matches any host below example.kz; anything else only itself."""
    host, pattern = host.lower(), pattern.lower()
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _instagram_when_it_was(found: Source, referrer: str | None) -> Source:
    host = host_of(referrer) or ""
    return replace(found, source="instagram") if found.source == "facebook" and "instagram" in host else found


def _of_host(host: str, path: str) -> tuple[str | None, str | None]:
    """Kind and name of a referrer's host: the most specific entry of the table wins."""
    if host.startswith("yandex.") and path.startswith("/maps"):
        return "aggregator", "yandex-maps"
    if host.startswith("google.") and path.startswith("/maps"):
        return "aggregator", "google-maps"
    labels = host.split(".")
    exact, by_brand = _tables()
    for start in range(len(labels) - 1):
        found = exact.get(".".join(labels[start:])) or by_brand.get(".".join(labels[start:-1]))
        if found is None and start < len(labels) - 2 and len(labels[-2]) <= 3:
            found = by_brand.get(".".join(labels[start:-2]))  # google.com.tr, google.co.uk
        if found:
            return found
    return None, None


@lru_cache(maxsize=1)
def _tables() -> tuple[dict[str, tuple[str, str]], dict[str, tuple[str, str]]]:
    text = resources.files("callease.attribution").joinpath("referrers.json").read_text(encoding="utf-8")
    exact: dict[str, tuple[str, str]] = {}
    by_brand: dict[str, tuple[str, str]] = {}
    for kind, names in json.loads(text).items():
        for name, hosts in names.items():
            for host in hosts:
                table, key = (by_brand, host[:-2]) if host.endswith(".*") else (exact, host)
                table[key] = (kind, name)
    return exact, by_brand


@lru_cache(maxsize=1)
def _kinds_by_name() -> dict[str, str]:
    exact, by_brand = _tables()
    kinds: dict[str, str] = {}
    for kind, name in [*exact.values(), *by_brand.values()]:
        kinds.setdefault(name, kind)
    return {**kinds, "google": "search", "yandex": "search", "mail.ru": "search", "yahoo": "search"}


def _kind_of_name(name: str) -> str | None:
    """Also of a host name: ChatGPT tags its links `utm_source=chatgpt.com`, and people write `krisha.kz`."""
    return _kinds_by_name().get(name) or _of_host(name.removeprefix("www."), "")[0]


def urlsplit_or_empty(address: str | None) -> SplitResult:
    """`urlsplit` that takes what pages really send: an address that cannot be parsed has no parts."""
    try:
        return urlsplit(address or "")
    except ValueError:
        return urlsplit("")
