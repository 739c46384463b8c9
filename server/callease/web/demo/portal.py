"""The pages of the demo portal: a site like any other, which knows Callease by its script tag only."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from flask import Blueprint, render_template, request, url_for

from callease.web.demo.catalogue import Catalogue, Complex, Listing, Office, OpeningHours
from callease.web.demo.drawing import floor_plan, house
from callease.web.demo.texts import CITIES, CLASSES, LANGUAGE_NAMES, PORTAL, PORTAL_LANGUAGES, WEEKDAYS

_PAGE_SIZE: Final = 12
_MOST_ROOMS: Final = 4
_NBSP: Final = "\N{NO-BREAK SPACE}"

_SOURCES: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("direct", {}),
    ("google_search", {"utm_source": "google", "utm_medium": "organic"}),
    (
        "google_ads",
        {
            "utm_source": "google",
            "utm_medium": "cpc",
            "utm_campaign": "novostroyki",
            "utm_term": "купить квартиру",
        },
    ),
    (
        "yandex_ads",
        {
            "utm_source": "yandex",
            "utm_medium": "cpc",
            "utm_campaign": "kvartiry-kz",
            "yclid": "1728000000000000001",
        },
    ),
    ("Instagram", {"utm_source": "instagram", "utm_medium": "social", "utm_campaign": "stories"}),
    ("2GIS", {"utm_source": "2gis", "utm_medium": "aggregator", "utm_campaign": "kartochka"}),
    ("blog", {"utm_source": "blog", "utm_medium": "referral", "utm_campaign": "obzor"}),
)
"""What the footer offers to arrive from: a text key or a proper name, and the landing parameters."""


@dataclass(frozen=True, slots=True)
class PortalConfig:
    """What a site owner copies out of the cabinet: the two values of the script tag."""

    site_key: str
    script_url: str


@dataclass(frozen=True, slots=True)
class Filter:
    """The search form of the home page; None is "any", and `rooms` of 4 means four or more."""

    city: str | None
    rooms: int | None
    page: int

    def matches(self, listing: Listing, home: Complex) -> bool:
        if self.city is not None and home.city != self.city:
            return False
        return self.rooms is None or min(listing.rooms, _MOST_ROOMS) == self.rooms


class _Shelves:
    """The catalogue by the keys that pages look things up with."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.complexes = {row.slug: row for row in catalogue.complexes}
        self.listings = {row.external_id: row for row in catalogue.listings}
        self.offices = {row.key: row for row in catalogue.offices}
        self.advertisers = {row.key: row for row in catalogue.advertisers}

    def of_complex(self, slug: str) -> list[Listing]:
        return [row for row in self.listings.values() if row.complex == slug]

    def search(self, wanted: Filter) -> list[Listing]:
        return [row for row in self.listings.values() if wanted.matches(row, self.complexes[row.complex])]

    def sales_office(self, home: Complex) -> Office:
        """The developer's office that sells most of a complex."""
        keys = [row.office for row in self.of_complex(home.slug)]
        own = [key for key in keys if self.offices[key].advertiser == home.advertiser]
        return self.offices[max(set(own), key=own.count)]


def create_portal(catalogue: Catalogue, config_source: Callable[[], PortalConfig]) -> Blueprint:
    """Builds the portal's pages; `config_source` is asked on every request, so a new key shows at once."""
    portal = Blueprint(
        "demo_portal",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/demo-static",
    )
    shelves = _Shelves(catalogue)

    @portal.context_processor
    def page_context() -> dict[str, Any]:
        return _page_context(catalogue, shelves, config_source())

    @portal.get("/")
    def home() -> str:
        wanted = _filter_from_query()
        found = shelves.search(wanted)
        pages = max(1, math.ceil(len(found) / _PAGE_SIZE))
        number = min(wanted.page, pages)
        shown = found[(number - 1) * _PAGE_SIZE : number * _PAGE_SIZE]
        return render_template(
            "demo/home.html", wanted=wanted, found=len(found), listings=shown, page=number, pages=pages
        )

    @portal.get("/complex/<slug>")
    def complex_page(slug: str) -> str | tuple[str, int]:
        shown = shelves.complexes.get(slug)
        if shown is None:
            return render_template("demo/not_found.html"), 404
        return render_template(
            "demo/complex.html",
            complex=shown,
            office=shelves.sales_office(shown),
            listings=shelves.of_complex(slug),
        )

    @portal.get("/listing/<external_id>")
    def listing_page(external_id: str) -> str | tuple[str, int]:
        shown = shelves.listings.get(external_id)
        if shown is None:
            return render_template("demo/not_found.html"), 404
        complex_, office = shelves.complexes[shown.complex], shelves.offices[shown.office]
        others = [row for row in shelves.of_complex(complex_.slug) if row is not shown]
        return render_template(
            "demo/listing.html",
            listing=shown,
            complex=complex_,
            office=office,
            others=others[:3],
            structured=_structured_data(shown, complex_, office, _language()),
        )

    return portal


def _language() -> str:
    wanted = request.args.get("lang", "")
    return wanted if wanted in PORTAL_LANGUAGES else PORTAL_LANGUAGES[0]


def _filter_from_query() -> Filter:
    """Reads the search form; a value that the form cannot send counts as "any"."""
    city = request.args.get("city", "")
    rooms = request.args.get("rooms", type=int) or 0
    return Filter(
        city=city if city in CITIES["ru"] else None,
        rooms=rooms if 1 <= rooms <= _MOST_ROOMS else None,
        page=max(1, request.args.get("page", default=1, type=int)),
    )


def _page_context(catalogue: Catalogue, shelves: _Shelves, config: PortalConfig) -> dict[str, Any]:
    language = _language()
    texts = PORTAL[language]
    return {
        "lang": language,
        "t": texts,
        "portal": catalogue.portal,
        "site_key": config.site_key,
        "script_url": config.script_url,
        "shelves": shelves,
        "cities": CITIES[language],
        "classes": CLASSES[language],
        "languages": [(code, LANGUAGE_NAMES[code], _here(lang=_in_address(code))) for code in PORTAL_LANGUAGES],
        "sources": [(texts.get(name, name), _here(**parameters)) for name, parameters in _SOURCES],
        "link": _link,
        "here": _here,
        "money": _money,
        "decimal": _decimal,
        "millions": _millions,
        "price_per_metre": lambda listing: round(listing.price / listing.area, -3),
        "title": lambda listing: listing.title[language].replace(" м²", f"{_NBSP}м²"),
        "opening": lambda hours: _opening(hours, language),
        "floor_plan": floor_plan,
        "house": house,
        "storeys": lambda complex_: max(row.floors for row in shelves.of_complex(complex_.slug)),
        "lowest_price": lambda complex_: min(row.price for row in shelves.of_complex(complex_.slug)),
    }


def _in_address(language: str) -> str | None:
    """The language as a link carries it: the default one leaves no trace."""
    return None if language == PORTAL_LANGUAGES[0] else language


def _link(endpoint: str, **values: Any) -> str:
    """The address of a page of the portal in the language being read."""
    return url_for(f"demo_portal.{endpoint}", **({"lang": _in_address(_language())} | values))


def _here(**changes: Any) -> str:
    """This page's own address with changes; search and language are kept, the source of the visit is not."""
    kept = {name: request.args[name] for name in ("city", "rooms", "page") if request.args.get(name)}
    kept |= request.view_args or {}
    endpoint = (request.endpoint or "").rpartition(".")[2]
    return _link(endpoint, **(kept | changes))


def _money(tenge: float) -> str:
    return f"{tenge:,.0f}".replace(",", _NBSP) + f"{_NBSP}₸"


def _decimal(value: float) -> str:
    return f"{value:g}".replace(".", ",")


def _millions(tenge: int) -> str:
    return _decimal(round(tenge / 1_000_000, 1))


def _opening(hours: OpeningHours | None, language: str) -> list[tuple[str, str]]:
    """Opening hours with equal neighbouring days folded: («Пн–Пт», «09:00–19:00»); empty for always open."""
    if hours is None:
        return []
    names, folded = WEEKDAYS[language], []
    for intervals, group in groupby(names, key=lambda day: hours.get(day, [])):
        days = list(group)
        label = names[days[0]] if len(days) == 1 else f"{names[days[0]]}–{names[days[-1]]}"
        folded.append((label, _intervals(intervals) or PORTAL[language]["day_off"]))
    return folded


def _intervals(intervals: Iterable[list[str]]) -> str:
    return ", ".join(f"{start}–{end}" for start, end in intervals)


def _structured_data(listing: Listing, complex_: Complex, office: Office, language: str) -> dict[str, Any]:
    """Schema.org facts for search engines, with the seller's real number: Callease leaves JSON-LD alone."""
    return {
        "@context": "https://schema.org",
        "@type": "Offer",
        "price": listing.price,
        "priceCurrency": "KZT",
        "url": url_for("demo_portal.listing_page", external_id=listing.external_id, _external=True),
        "seller": {"@type": "RealEstateAgent", "name": office.name, "telephone": listing.phone},
        "itemOffered": {
            "@type": "Apartment",
            "name": listing.title[language],
            "description": listing.description[language],
            "numberOfRooms": listing.rooms,
            "floorLevel": str(listing.floor),
            "floorSize": {"@type": "QuantitativeValue", "value": listing.area, "unitCode": "MTK"},
            "address": {
                "@type": "PostalAddress",
                "streetAddress": complex_.address[language],
                "addressLocality": CITIES[language][complex_.city],
                "addressCountry": "KZ",
            },
        },
    }
