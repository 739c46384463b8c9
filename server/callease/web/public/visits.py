"""A page view of a site, found by its key."""

from __future__ import annotations

from callease.attribution.reveals import check_origin
from callease.attribution.visits import PageView
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
    return parts.visits.take_page_view(view.of_site(site))
