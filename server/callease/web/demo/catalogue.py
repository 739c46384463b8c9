"""The demo portal's own data: who advertises, what is for sale, and which numbers the seed gives out."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

Bilingual: TypeAlias = Mapping[str, str]
"""One text in Russian and Kazakh, under the keys `ru` and `kk`."""

OpeningHours: TypeAlias = Mapping[str, list[list[str]]]
"""`mon` to `sun`, each with its intervals of local time; an empty list is a day off."""


@dataclass(frozen=True, slots=True)
class Portal:
    name: str
    domain: str
    tagline: Bilingual


@dataclass(frozen=True, slots=True)
class Advertiser:
    key: str
    name: str
    kind: Literal["developer", "agency"]
    plan: Literal["free", "cpl", "cpt"]


@dataclass(frozen=True, slots=True)
class Destination:
    to: str
    timeout: int


@dataclass(frozen=True, slots=True)
class Office:
    """An office of the seed; `advertiser` None is the portal's call centre, `hours` None always open."""

    key: str
    name: str
    advertiser: str | None
    destinations: tuple[Destination, ...]
    hours: OpeningHours | None
    timezone: str
    overflow_office: str | None
    phone: str
    phone_display: str


@dataclass(frozen=True, slots=True)
class Complex:
    slug: str
    name: Bilingual
    city: str
    class_: str
    advertiser: str
    address: Bilingual
    completion: Bilingual
    description: Bilingual
    seed: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A flat for sale; `area` in square metres, `price` in tenge, `phone` the seller's real line."""

    external_id: str
    complex: str
    office: str
    title: Bilingual
    rooms: int
    area: float
    floor: int
    floors: int
    price: int
    description: Bilingual
    phone: str
    phone_display: str
    seed: int

    @property
    def phone_mask(self) -> str:
        """The listing's own spelling as a mask: the country part stays, every later digit becomes `#`."""
        country, rest = re.fullmatch(r"(\+7|8)(.*)", self.phone_display).groups()  # type: ignore[union-attr]
        return country + re.sub(r"\d", "#", rest)


@dataclass(frozen=True, slots=True)
class Number:
    e164: str
    office: str
    source_class: str | None
    role: Literal["lease", "static"]


@dataclass(frozen=True, slots=True)
class Catalogue:
    portal: Portal
    advertisers: tuple[Advertiser, ...]
    offices: tuple[Office, ...]
    complexes: tuple[Complex, ...]
    listings: tuple[Listing, ...]
    numbers: tuple[Number, ...]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            portal=Portal(**data["portal"]),
            advertisers=tuple(Advertiser(**row) for row in data["advertisers"]),
            offices=tuple(_office(row) for row in data["offices"]),
            complexes=tuple(_complex(row) for row in data["complexes"]),
            listings=tuple(Listing(**row) for row in data["listings"]),
            numbers=tuple(Number(**row) for row in data["numbers"]),
        )

    def office_names(self) -> dict[str, str]:
        """Who sits at each destination: E.164 to the office's name, the telephone's phone book."""
        return {place.to: office.name for office in self.offices for place in office.destinations}


def load_catalogue() -> Catalogue:
    """The catalogue that ships with this package."""
    text = Path(__file__).with_name("catalogue.json").read_text(encoding="utf-8")
    return Catalogue.from_json(json.loads(text))


def _office(row: Mapping[str, Any]) -> Office:
    defaults: dict[str, Any] = {"hours": None, "overflow_office": None}
    places = tuple(Destination(**place) for place in row["destinations"])
    return Office(**(defaults | dict(row) | {"destinations": places}))


def _complex(row: Mapping[str, Any]) -> Complex:
    rest = {key: value for key, value in row.items() if key != "class"}
    return Complex(class_=row["class"], **rest)
