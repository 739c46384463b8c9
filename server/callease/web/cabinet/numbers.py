"""The page about numbers: what the planner proposes, and the two answers to it."""

from __future__ import annotations

from typing import Any

from flask import redirect, url_for
from flask_login import current_user, login_required
from werkzeug.wrappers import Response as BaseResponse

from callease.planning.board import board
from callease.planning.decisions import find_proposal, refuse_outdated
from callease.planning.planner import request_run
from callease.planning.proposal_states import ACTIONS
from callease.tenancy.roles import READ, WRITE, may
from callease.web.cabinet.sessions import principal
from callease.web.cabinet.views import blueprint, page
from callease.web.services import services


@blueprint.get("/numbers")
@login_required  # type: ignore[untyped-decorator]
def numbers() -> str:
    principal().require(READ, "proposals")
    now = services().clock.now()
    with services().database.reading() as reading:
        found = board(reading, now)
    until = services().planner.quarantine_until(now)
    return page("numbers", board=found, until=until, may_decide=may(principal().role, WRITE, "proposals"))


@blueprint.post("/numbers/look")
@login_required  # type: ignore[untyped-decorator]
def look() -> BaseResponse:
    principal().require(WRITE, "proposal-runs")
    with services().database.transaction() as writing:
        request_run(writing, services().database, services().clock)
    return redirect(url_for("cabinet.numbers"))


@blueprint.post(f"/numbers/<proposal_id>/<any({','.join(ACTIONS)}):action>")
@login_required  # type: ignore[untyped-decorator]
def decide(proposal_id: str, action: str) -> BaseResponse:
    principal().require(WRITE, "proposals")
    with services().database.transaction() as writing:
        proposal: Any = find_proposal(writing, proposal_id)
        services().planner.decide(writing, proposal, action, current_user.id)
    refuse_outdated(proposal.state)
    return redirect(url_for("cabinet.numbers"))
