"""The resources of the management API, each in a few lines."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import request
from flask_smorest import Blueprint
from sqlalchemy import Select, select

from callease.base.errors import InvalidRequest
from callease.base.phones import to_e164
from callease.catalog import catalog
from callease.catalog.models import Advertiser, Listing, Office, Site
from callease.delivery import endpoints
from callease.delivery.models import Delivery, WebhookEndpoint
from callease.leads import leads
from callease.leads.models import Contact, Lead
from callease.leads.view import call_data, lead_data
from callease.numbers import numbers
from callease.numbers.models import Number
from callease.planning import sizings
from callease.planning.models import SizingRun
from callease.telephony import accounts as telephony_accounts
from callease.telephony.models import Call, TelephonyAccount
from callease.tenancy import accounts
from callease.tenancy.models import ApiToken, User
from callease.tenancy.wall import Principal
from callease.web.api import schemas
from callease.web.api.resource import Asked, Fields, ResourceSpec, not_for_advertisers, owned, register
from callease.web.api.sizing_schemas import SizingSchema
from callease.web.api.work_schemas import CallSchema, LeadSchema


def register_all(blueprint: Blueprint) -> None:
    for spec in (*_CATALOG, *_PLANNING, *_ACCESS, *_WORK):
        register(blueprint, spec)


# Sites, advertisers, offices, listings, numbers


def _create_site(asked: Asked, fields: Fields) -> tuple[Site, Fields]:
    site, token_key = catalog.create_site(asked.session, asked.parts.clock, asked.parts.box, fields)
    return site, {"token_key": token_key}


def _create_advertiser(asked: Asked, fields: Fields) -> tuple[Advertiser, Fields]:
    return catalog.create_advertiser(asked.session, asked.parts.clock, fields), {}


def _create_office(asked: Asked, fields: Fields) -> tuple[Office, Fields]:
    return catalog.create_office(asked.session, asked.parts.clock, fields), {}


def _create_listing(asked: Asked, fields: Fields) -> tuple[Listing, Fields]:
    read_listing_phone(asked, fields, fields["site_id"])
    return catalog.create_listing(asked.session, asked.parts.clock, fields), {}


def _update_listing(asked: Asked, listing: Listing, fields: Fields) -> Listing:
    read_listing_phone(asked, fields, fields.get("site_id", listing.site_id))
    return catalog.update_listing(asked.session, asked.parts.clock, listing, fields)


def read_listing_phone(asked: Asked, fields: Fields, site_id: str) -> None:
    """A portal may write its phones as it prints them: they are read as people of the site's country read them."""
    if fields.get("phone"):
        site = asked.session.get_one(Site, site_id)
        phone = to_e164(fields["phone"], site.region)
        if phone is None:
            raise InvalidRequest({"phone": [f"is not a phone number, read in {site.region}"]})
        fields["phone"] = phone


def _own_advertiser(who: Principal, query: Select[Any]) -> Select[Any]:
    return who.within(query, Advertiser.id)


def _numbers_of_own_offices(who: Principal, query: Select[Any]) -> Select[Any]:
    if not who.walled:
        return query
    return query.where(Number.office_id.in_(select(Office.id).where(Office.advertiser_id == who.advertiser_id)))


def _update_number(asked: Asked, number: Number, fields: Fields) -> Number:
    quarantine = timedelta(days=asked.parts.settings.quarantine_days)
    return numbers.update_number(asked.session, asked.parts.clock, number, fields, quarantine)


def _dump_numbers(asked: Asked, rows: list[Number]) -> list[Fields]:
    """An advertiser is not told who else will get a number, nor for what."""
    dumped: list[Fields] = schemas.NumberSchema().dump(rows, many=True)
    named = {row["next_office"] for row in dumped if row["next_office"]}
    if asked.principal.walled and named:
        own = asked.principal.within(select(Office.id).where(Office.id.in_(named)), Office.advertiser_id)
        visible = set(asked.session.scalars(own))
        for row in dumped:
            if row["next_office"] not in visible:
                row["next_office"] = row["next_source_class"] = None
    return dumped


_CATALOG = (
    ResourceSpec(
        "sites",
        Site,
        schemas.SiteSchema(),
        not_for_advertisers,
        create=_create_site,
        update=lambda asked, row, fields: catalog.change(asked.session, row, fields),
        retire=lambda asked, row: catalog.retire(asked.session, asked.parts.clock, row),
    ),
    ResourceSpec(
        "advertisers",
        Advertiser,
        schemas.AdvertiserSchema(),
        _own_advertiser,
        create=_create_advertiser,
        update=lambda asked, row, fields: catalog.change(asked.session, row, fields),
        retire=lambda asked, row: catalog.retire(asked.session, asked.parts.clock, row),
        filters={"external_id": Advertiser.external_id, "plan": Advertiser.plan},
    ),
    ResourceSpec(
        "offices",
        Office,
        schemas.OfficeSchema(),
        owned(Office.advertiser_id),
        create=_create_office,
        update=lambda asked, row, fields: catalog.update_office(asked.session, row, fields),
        retire=lambda asked, row: catalog.retire(asked.session, asked.parts.clock, row),
        references={"advertiser_id": "advertisers", "overflow_office_id": "offices"},
        filters={"advertiser": Office.advertiser_id},
    ),
    ResourceSpec(
        "listings",
        Listing,
        schemas.ListingSchema(),
        owned(Listing.advertiser_id),
        create=_create_listing,
        update=_update_listing,
        retire=lambda asked, row: catalog.close_listing(asked.session, asked.parts.clock, row),
        references={"site_id": "sites", "advertiser_id": "advertisers", "office_id": "offices"},
        filters={
            "site": Listing.site_id,
            "advertiser": Listing.advertiser_id,
            "office": Listing.office_id,
            "external_id": Listing.external_id,
            "status": Listing.status,
        },
    ),
    ResourceSpec(
        "numbers",
        Number,
        schemas.NumberSchema(),
        _numbers_of_own_offices,
        create=lambda asked, fields: (numbers.create_number(asked.session, asked.parts.clock, fields), {}),
        update=_update_number,
        retire=lambda asked, row: numbers.retire_number(asked.session, row),
        dump=_dump_numbers,
        references={"office_id": "offices", "telephony_account_id": "telephony-accounts"},
        filters={"office": Number.office_id, "state": Number.state, "role": Number.role, "e164": Number.e164},
    ),
)


# What to buy


_PLANNING = (
    ResourceSpec(
        "sizings",
        SizingRun,
        SizingSchema(),
        not_for_advertisers,
        create=lambda asked, fields: (sizings.ask(asked.session, asked.parts.clock, fields["site_id"]), {}),
        references={"site_id": "sites"},
        filters={"site": SizingRun.site_id, "state": SizingRun.state},
        order=(SizingRun.asked_at, SizingRun.id),
    ),
)


# Tokens, users, telephony accounts, webhook endpoints


def _create_token(asked: Asked, fields: Fields) -> tuple[ApiToken, Fields]:
    row, token = accounts.create_token(asked.session, asked.parts.clock, fields)
    return row, {"token": token}


def _account_urls(asked: Asked, account: TelephonyAccount) -> Fields:
    base = f"{asked.parts.settings.base_url(request.host_url)}/v1/telephony/{account.address}"
    return {"events_url": f"{base}/events", "route_url": f"{base}/route"}


def _dump_accounts(asked: Asked, rows: list[TelephonyAccount]) -> list[Fields]:
    schema = schemas.TelephonyAccountSchema()
    return [{**schema.dump(row), **_account_urls(asked, row)} for row in rows]


def _create_account(asked: Asked, fields: Fields) -> tuple[TelephonyAccount, Fields]:
    return telephony_accounts.create_account(asked.session, asked.parts.clock, asked.parts.box, fields)


def _create_endpoint(asked: Asked, fields: Fields) -> tuple[WebhookEndpoint, Fields]:
    fields["advertiser_id"] = asked.principal.advertiser_for_new(fields.get("advertiser_id"))
    row, secret = endpoints.create_endpoint(asked.session, asked.parts.clock, asked.parts.box, fields)
    return row, {"secret": secret}


def _update_endpoint(asked: Asked, row: WebhookEndpoint, fields: Fields) -> WebhookEndpoint:
    if "advertiser_id" in fields:
        fields["advertiser_id"] = asked.principal.advertiser_for_new(fields["advertiser_id"])
    return endpoints.update_endpoint(asked.session, row, fields)


def _dump_endpoints(asked: Asked, rows: list[WebhookEndpoint]) -> list[Fields]:
    schema = schemas.WebhookEndpointSchema()
    return [{**schema.dump(row), "enabled": row.off_reason is None} for row in rows]


_ACCESS = (
    ResourceSpec(
        "telephony-accounts",
        TelephonyAccount,
        schemas.TelephonyAccountSchema(),
        not_for_advertisers,
        create=_create_account,
        update=lambda asked, row, fields: telephony_accounts.update_account(
            asked.session, asked.parts.box, row, fields
        ),
        retire=lambda asked, row: telephony_accounts.retire_account(asked.session, asked.parts.clock, row),
        dump=_dump_accounts,
    ),
    ResourceSpec(
        "tokens",
        ApiToken,
        schemas.TokenSchema(),
        not_for_advertisers,
        create=_create_token,
        retire=lambda asked, row: accounts.retire(asked.session, asked.parts.clock, row),
        references={"advertiser_id": "advertisers"},
    ),
    ResourceSpec(
        "users",
        User,
        schemas.UserSchema(),
        not_for_advertisers,
        create=lambda asked, fields: (accounts.create_user(asked.session, asked.parts.clock, fields), {}),
        update=lambda asked, row, fields: accounts.update_user(asked.session, row, fields),
        retire=lambda asked, row: accounts.retire(asked.session, asked.parts.clock, row),
        references={"advertiser_id": "advertisers"},
        filters={"advertiser": User.advertiser_id, "role": User.role, "email": User.email},
    ),
    ResourceSpec(
        "webhook-endpoints",
        WebhookEndpoint,
        schemas.WebhookEndpointSchema(),
        owned(WebhookEndpoint.advertiser_id),
        create=_create_endpoint,
        update=_update_endpoint,
        retire=lambda asked, row: endpoints.retire_endpoint(asked.session, asked.parts.clock, row),
        dump=_dump_endpoints,
        references={"advertiser_id": "advertisers"},
        filters={"advertiser": WebhookEndpoint.advertiser_id},
    ),
)


# Leads, calls, contacts, deliveries


def _dump_leads(asked: Asked, rows: list[Lead]) -> list[Fields]:
    return [{"id": data["lead"], **data} for data in lead_data(asked.session, rows)]


def _dump_calls(asked: Asked, rows: list[Call]) -> list[Fields]:
    return call_data(asked.session, rows)


def _update_lead(asked: Asked, lead: Lead, fields: Fields) -> Lead:
    if "tags" in fields:
        leads.set_tags(asked.session, asked.parts.clock, lead, fields["tags"])
    if "status" in fields:
        actor = asked.principal.id
        leads.move_to(asked.session, asked.parts.clock, lead, fields["status"], actor, actor)
    return lead


_WORK = (
    ResourceSpec(
        "leads",
        Lead,
        LeadSchema(),
        owned(Lead.advertiser_id),
        update=_update_lead,
        dump=_dump_leads,
        filters={
            "status": Lead.status,
            "kind": Lead.kind,
            "advertiser": Lead.advertiser_id,
            "office": Lead.office_id,
            "contact": Lead.contact_id,
            "call": Lead.call_id,
        },
        order=(Lead.created_at, Lead.id),
    ),
    ResourceSpec(
        "calls",
        Call,
        CallSchema(),
        owned(Call.advertiser_id),
        dump=_dump_calls,
        filters={
            "advertiser": Call.advertiser_id,
            "office": Call.office_id,
            "disposition": Call.disposition,
            "tracking_number": Call.tracking_number,
            "provider_call_id": Call.provider_call_id,
        },
        order=(Call.started_at, Call.id),
    ),
    ResourceSpec(
        "contacts",
        Contact,
        schemas.ContactSchema(),
        owned(Contact.advertiser_id),
        update=lambda asked, row, fields: catalog.change(asked.session, row, fields),
        filters={"advertiser": Contact.advertiser_id, "phone": Contact.phone},
    ),
    ResourceSpec(
        "deliveries",
        Delivery,
        schemas.DeliverySchema(),
        owned(Delivery.advertiser_id),
        filters={
            "state": Delivery.state,
            "endpoint": Delivery.endpoint_id,
            "event": Delivery.event_id,
            "type": Delivery.type,
        },
    ),
)
