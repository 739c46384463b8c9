"""A page view of a site, found by its key."""

from __future__ import annotations

from callease.attribution.reveals import check_origin
from callease.attribution.visits import PageView, take_page_view
from callease.base.errors import NotFound
from callease.web.services import Services


def begin_or_continue(parts: Services, site_key: str, view: PageView, origin: str | None) -> str | None:
    """The visit's id; None for a bot, whose visits are not kept. Raises NotFound, Forbidden, Unavailable."""
    site = parts.catalog.site(site_key)
    if site is None:
        raise NotFound("unknown_site")
    check_origin(site, origin, None)
    if view.device.is_bot:
        return None
    with parts.database.transaction() as session:
        return take_page_view(session, view.of_site(site), parts.clock.now()).id
