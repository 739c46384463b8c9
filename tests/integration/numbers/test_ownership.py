"""A number that was shown changes its owner after a whole quarantine, and its old callers stay with the old one."""

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from callease.base.clock import SetClock, rfc3339
from callease.base.errors import Conflict
from callease.catalog.models import Office
from callease.catalog.revisions import current
from callease.numbers.models import Lease, Number
from callease.numbers.numbers import complete_moves, create_number, retire_number, update_number
from callease.telephony.snapshot import SnapshotWriter
from callease.web.services import Services
from tests.factories import Cast
from tests.integration.numbers.conftest import DAY, NEW_CALLER, OLD_CALLER, Move
from tests.support.databases import on_both_databases

pytestmark = on_both_databases


class TestTheMove:
    def test_it_takes_a_whole_quarantine(self, move: Move) -> None:
        number = move.cast.api.patch(f"/numbers/{move.id}", {"source_class": "social"})
        versions = move.pool_version(move.old), move.pool_version(move.new)
        moving = move.to(move.new)
        assert (moving["state"], moving["office"], moving["next_office"]) == ("quarantine", move.old.id, move.new.id)
        assert moving["quarantine_until"] == rfc3339(move.clock.now() + timedelta(days=60))
        assert moving["owner_since"] == number["owner_since"]
        assert move.pool_version(move.old) > versions[0]
        assert move.pool_version(move.new) == versions[1]

        versions = move.pool_version(move.old), move.pool_version(move.new)
        move.days_later(60 - 1 / DAY)
        assert move.read() == moving
        move.goes_to(move.old, "in quarantine", NEW_CALLER)
        move.days_later(1 / DAY)
        moved = move.read()
        assert (moved["state"], moved["office"], moved["next_office"]) == ("active", move.new.id, None)
        assert (moved["quarantine_until"], moved["source_class"]) == (None, None)
        assert moved["owner_since"] == rfc3339(move.clock.now())
        assert move.pool_version(move.old) > versions[0]
        assert move.pool_version(move.new) > versions[1]
        versions = move.pool_version(move.old), move.pool_version(move.new)
        move.days_later(60)
        assert move.read() == moved
        assert (move.pool_version(move.old), move.pool_version(move.new)) == versions

    def test_a_class_that_is_given_is_that_of_the_new_office(self, move: Move) -> None:
        """Until then the number keeps the class that its late callers come from."""
        before = move.cast.api.patch(f"/numbers/{move.id}", {"source_class": "organic"})
        moving = move.cast.api.patch(f"/numbers/{move.id}", {"office": move.new.id, "source_class": "social"})
        assert (moving["source_class"], moving["next_source_class"]) == ("organic", "social")
        assert move.cast.api_of("advertiser", move.cast.alatau).get(f"/numbers/{move.id}")["next_source_class"] is None
        assert move.to(move.old) == before
        assert move.to(move.new)["next_source_class"] is None
        move.cast.api.patch(f"/numbers/{move.id}", {"office": move.new.id, "source_class": "social"})
        move.days_later(60)
        moved = move.read()
        assert (moved["source_class"], moved["next_source_class"]) == ("social", None)

    def test_another_next_office_has_a_class_of_its_own(self, move: Move) -> None:
        move.cast.api.patch(f"/numbers/{move.id}", {"office": move.new.id, "source_class": "social"})
        assert move.to(move.cast.zhaina_sales)["next_source_class"] is None

    def test_a_fixed_number_has_been_shown_without_a_lease(self, move: Move) -> None:
        body = {"e164": "+77172691555", "office": move.old.id, "role": "static"}
        made = move.cast.api.post("/numbers", body)
        moving = move.cast.api.patch(f"/numbers/{made['id']}", {"office": move.new.id, "role": "lease"})
        assert (moving["state"], moving["office"]) == ("quarantine", move.old.id)

    def test_it_is_shown_to_nobody_until_it_is_the_new_owners(self, move: Move) -> None:
        def shown(listing: str) -> set[str]:
            page = move.cast.page()
            return {page.reveal(listing, visitor=f"{move.clock.now()}{n}").json["number"] for n in range(5)}

        move.to(move.new)
        assert move.e164 not in shown("ZHK-1001") | shown("ZHK-2001")
        move.days_later(60)
        assert move.e164 in shown("ZHK-2001")
        assert move.e164 not in shown("ZHK-1001")

    def test_back_to_the_owner_cancels_it(self, move: Move) -> None:
        before = move.read()
        move.to(move.new)
        assert move.to(move.old) == before
        move.days_later(61)
        assert move.read() == before

    def test_retiring_cancels_it(self, move: Move) -> None:
        move.to(move.new)
        move.cast.api.delete(f"/numbers/{move.id}")
        move.days_later(61)
        number = move.read()
        assert (number["state"], number["office"]) == ("retired", move.old.id)
        assert (number["next_office"], number["quarantine_until"]) == (None, None)
        move.goes_to(move.old, "c", NEW_CALLER)

    def test_another_next_office_begins_anew(self, move: Move) -> None:
        move.to(move.new)
        move.days_later(30)
        again = move.to(move.cast.zhaina_sales)
        assert again["next_office"] == move.cast.zhaina_sales.id
        move.days_later(59)
        assert move.read() == again
        move.days_later(1)
        assert move.read()["office"] == move.cast.zhaina_sales.id

    def test_the_same_next_office_begins_nothing_anew(self, move: Move) -> None:
        moving = move.to(move.new)
        move.days_later(30)
        assert move.to(move.new) == moving

    def test_other_fields_can_be_changed_meanwhile(self, move: Move) -> None:
        moving = move.to(move.new)
        changed = move.cast.api.patch(f"/numbers/{move.id}", {"monthly_cost": {"amount": "5", "currency": "KZT"}})
        assert changed == {**moving, "monthly_cost": {"amount": "5", "currency": "KZT"}}

    def test_a_retired_next_office_gets_nothing_and_is_told_of_once(
        self, move: Move, caplog: pytest.LogCaptureFixture
    ) -> None:
        moving = move.to(move.new)
        move.cast.api.delete(f"/offices/{move.new.id}")
        with caplog.at_level(logging.WARNING):
            move.days_later(60)
            move.days_later(1)
        assert move.read() == moving
        with move.parts.database.reading() as session:
            seen = current(session)
        move.worker.complete_moves()
        with move.parts.database.reading() as session:
            assert current(session) == seen, "the snapshot is not written anew for a number that cannot move"
        (record,) = [each for each in caplog.records if each.name == "callease.worker"]
        assert move.id in record.getMessage()
        assert move.e164[1:] not in caplog.text
        move.goes_to(move.old, "c", NEW_CALLER)
        move.to(move.cast.zhaina_sales)
        move.days_later(60)
        assert move.read()["office"] == move.cast.zhaina_sales.id

    def test_stuck_numbers_do_not_hold_up_the_others(self, move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("callease.numbers.numbers._AT_ONCE", 1)
        other = move.cast.page().reveal("ZHK-1003", visitor="v").json["number"]
        (number,) = move.cast.api.all(f"/numbers?e164=%2B{other[1:]}")
        move.to(move.new)
        move.clock.advance(60)
        move.cast.api.patch(f"/numbers/{number['id']}", {"office": move.cast.zhaina_sales.id})
        move.cast.api.delete(f"/offices/{move.new.id}")
        move.days_later(61)
        assert move.cast.api.get(f"/numbers/{number['id']}")["office"] == move.cast.zhaina_sales.id

    def test_the_snapshot_sees_it(self, move: Move) -> None:
        writer = SnapshotWriter(move.parts.settings.snapshot_path)

        def known() -> tuple[str, str]:
            with move.parts.database.reading() as session:
                writer.refresh(session)
            owner = move.parts.snapshot.owner(move.e164)
            assert owner
            assert {each.number.e164: each for each in move.parts.snapshot.routes()}[move.e164] == owner
            return owner.office.id, owner.number.state

        assert known() == (move.old.id, "active")
        move.to(move.new)
        assert known() == (move.old.id, "quarantine")
        move.days_later(60)
        assert known() == (move.new.id, "active")
        writer.close()

    def test_an_advertiser_does_not_see_who_else_gets_it(self, move: Move) -> None:
        def seen_by(advertiser: dict[str, Any]) -> list[dict[str, Any]]:
            api = move.cast.api_of("advertiser", advertiser)
            rows = [row for row in api.all("/numbers") if row["id"] == move.id]
            assert rows == [] or api.get(f"/numbers/{move.id}") == rows[0]
            return rows

        moving = move.to(move.new)
        assert seen_by(move.cast.saryarka) == []
        assert seen_by(move.cast.alatau) == [{**moving, "next_office": None}]
        moving = move.to(move.cast.alatau_riverside)
        assert seen_by(move.cast.alatau) == [moving]
        assert moving["next_office"] == move.cast.alatau_riverside.id


class TestWithoutQuarantine:
    @pytest.fixture
    def environment(self, environment: dict[str, str]) -> dict[str, str]:
        return environment | {"CALLEASE_QUARANTINE_DAYS": "0"}

    def test_the_next_turn_of_the_worker_completes_it(self, move: Move) -> None:
        assert move.to(move.new)["office"] == move.old.id
        move.days_later(0)
        assert move.read()["office"] == move.new.id

    def test_what_was_shown_is_not_told_to_the_other_office(self, move: Move) -> None:
        """Neither what the old office's visitors saw to the new one, nor the other way round."""
        move.to(move.new)
        move.days_later(0)
        move.clock.advance(1)
        move.goes_to(move.new, "new", NEW_CALLER)
        assert "ZHK-1001" not in move.told("new")
        page = move.cast.page()
        shown = {page.reveal("ZHK-2001", visitor=f"v{n}").json["number"] for n in range(5)}
        assert move.e164 in shown
        move.clock.advance(60)
        move.goes_to(move.old, "old", OLD_CALLER)
        assert "ZHK-2001" not in move.told("old")
        move.goes_to(move.new, "newer", "+77019998877")
        assert "ZHK-2001" in move.told("newer")


class TestOldCallers:
    def test_they_reach_the_old_office_at_every_later_call(self, move: Move) -> None:
        move.to(move.new)
        move.days_later(60)
        for n in range(3):
            move.clock.advance(DAY)
            move.goes_to(move.old, f"again{n}", OLD_CALLER)
            assert "moved_number" in move.told(f"again{n}")
            assert "ZHK-1001" in move.told(f"again{n}")
        move.goes_to(move.new, "new", NEW_CALLER)
        move.goes_to(move.new, "hidden", None)
        move.clock.advance(DAY)
        move.goes_to(move.new, "new again", NEW_CALLER)

    def test_a_caller_of_the_quarantine_is_an_old_caller(self, move: Move) -> None:
        move.to(move.new)
        move.days_later(59)
        move.goes_to(move.old, "late", NEW_CALLER)
        move.days_later(1)
        move.clock.advance(DAY)
        move.goes_to(move.old, "later", NEW_CALLER)

    def test_with_events_alone_it_is_the_same(self, move: Move) -> None:
        move.to(move.new)
        move.days_later(60)
        for n, (caller, office) in enumerate([(OLD_CALLER, move.old), (NEW_CALLER, move.new), (OLD_CALLER, move.old)]):
            move.clock.advance(60)
            assert move.event("ringing", f"c{n}", caller).status == 200
            move.belongs_to(office, f"c{n}")

    def test_of_a_retired_office_they_reach_the_present_owner(self, move: Move) -> None:
        move.to(move.new)
        move.days_later(60)
        move.cast.api.delete(f"/offices/{move.old.id}")
        for n in range(2):
            move.clock.advance(DAY)
            move.goes_to(move.new, f"again{n}", OLD_CALLER)
            assert "ZHK-1001" not in move.told(f"again{n}"), "the old office's listing is none of the new one's"

    def test_after_two_moves_each_reaches_the_office_it_rang(self, move: Move) -> None:
        move.to(move.new)
        move.days_later(60)
        move.clock.advance(60)
        move.goes_to(move.new, "second", NEW_CALLER)
        move.goes_to(move.old, "first", OLD_CALLER)
        page = move.cast.page()
        for n in range(6):
            page.reveal("ZHK-2001", visitor=f"v{n}")
        move.to(move.cast.zhaina_sales)
        move.days_later(60)
        assert move.read()["office"] == move.cast.zhaina_sales.id
        move.clock.advance(60)
        move.goes_to(move.new, "second again", NEW_CALLER)
        move.goes_to(move.old, "first again", OLD_CALLER)

    def test_a_call_that_began_before_the_move_keeps_its_office(self, move: Move) -> None:
        """Its first event comes late, says when it began and so has it attributed anew."""
        move.to(move.new)
        move.clock.advance(60 * DAY - 5)
        began = move.clock.now()
        assert move.event("answered", "long", NEW_CALLER, at=rfc3339(began + timedelta(seconds=3))).status == 200
        move.days_later(10 / DAY)
        assert move.read()["office"] == move.new.id
        assert move.event("ringing", "long", NEW_CALLER, at=rfc3339(began)).status == 200
        move.belongs_to(move.old, "long")

    def test_a_call_that_is_first_heard_of_after_the_move_is_whose_it_was_when_it_began(self, move: Move) -> None:
        move.to(move.new)
        move.clock.advance(60 * DAY - 5)
        began = move.clock.now()
        move.days_later(10 / DAY)
        assert move.event("ringing", "late", NEW_CALLER, at=rfc3339(began)).status == 200
        move.belongs_to(move.old, "late")
        move.clock.advance(DAY)
        move.goes_to(move.old, "next", NEW_CALLER)

    def test_an_office_that_is_retired_later_keeps_the_calls_that_it_had(self, move: Move) -> None:
        """The call is attributed anew when its beginning turns out to be another."""
        move.to(move.new)
        move.days_later(60)
        move.clock.advance(DAY)
        began = move.clock.now()
        assert move.event("answered", "long", OLD_CALLER, at=rfc3339(began + timedelta(seconds=9))).status == 200
        move.clock.advance(60)
        move.cast.api.delete(f"/offices/{move.old.id}")
        assert move.event("ringing", "long", OLD_CALLER, at=rfc3339(began)).status == 200
        move.belongs_to(move.old, "long")


class TestWhatIsTold:
    """The lead of one owner's call says nothing of another owner's leases."""

    def test_to_the_new_owner_of_a_visitor_known_from_another_number_of_the_old_one(self, move: Move) -> None:
        """Neither is the caller misrouted: this number was never rung before."""
        page = move.cast.page()
        one, two = (page.reveal(listing, visitor="w").json["number"] for listing in ("ZHK-1001", "ZHK-1002"))
        (number,) = move.cast.api.all(f"/numbers?e164=%2B{one[1:]}")
        moving = replace(move, e164=one, id=number["id"])
        replace(move, e164=two).goes_to(move.old, "by the other", NEW_CALLER)
        moving.to(move.new)
        moving.days_later(60)
        moving.clock.advance(DAY)
        moving.goes_to(move.new, "first", NEW_CALLER)
        assert "ZHK-1001" not in move.told("first")
        replace(move, e164=two).goes_to(move.old, "the other again", NEW_CALLER)

    def test_to_the_old_owner_of_what_its_visitor_saw_of_the_new_one(self, move: Move) -> None:
        move.to(move.new)
        move.days_later(60)
        page = move.cast.page()
        move.cast.api.patch(f"/numbers/{move.id}", {"source_class": "direct"})
        leased = {page.reveal("ZHK-2001", visitor=visitor).json["number"] for visitor in ("v", "x", "y", "z", "q")}
        assert move.e164 in leased
        with move.parts.database.transaction() as session:
            (lease,) = session.scalars(
                select(Lease).where(Lease.number_id == move.id, Lease.office_id == move.new.id).limit(1)
            )
            lease.visitor, lease.leased_at = "v", move.clock.now()
        move.clock.advance(60)
        move.goes_to(move.old, "again", OLD_CALLER)
        said = move.told("again")
        assert "ZHK-2001" not in said
        assert "ZHK-1001" in said, "what it knew itself it still knows"

    def test_to_the_old_owner_of_the_class_that_the_number_has_now(self, move: Move) -> None:
        unseen = move.cast.api.post("/numbers", {"e164": "+77172691999", "office": move.old.id})
        moving = replace(move, e164=unseen["e164"], id=unseen["id"])
        moving.goes_to(move.old, "before it moved", NEW_CALLER)
        move.clock.advance(60)
        move.cast.api.patch(f"/numbers/{unseen['id']}", {"office": move.new.id, "source_class": "social"})
        move.clock.advance(60)
        moving.goes_to(move.old, "after it moved", NEW_CALLER)
        assert "social" not in move.told("after it moved")


_STEPS = st.one_of(
    st.tuples(st.just("patch"), st.integers(0, 3)),
    st.tuples(st.just("advance"), st.sampled_from([1, 10, 29, 30, 31, 60, 61])),
    st.tuples(st.just("complete"), st.just(0)),
    st.tuples(st.just("retire number"), st.just(0)),
    st.tuples(st.just("retire office"), st.integers(1, 3)),
)


@settings(
    max_examples=settings.default.max_examples // 4,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(_STEPS, max_size=20), shown=st.booleans())
def test_there_is_always_one_owner_and_another_one_only_after_a_whole_quarantine(
    cast: Cast, parts: Services, clock: SetClock, steps: list[tuple[str, int]], shown: bool
) -> None:
    quarantine = timedelta(days=30)
    with parts.database.transaction() as session:
        offices = [Office(id=_new_id(), name="x", destinations=[], created_at=clock.now()) for _ in range(4)]
        session.add_all(offices)
        session.flush()
        fields = {"e164": _new_e164(), "office_id": offices[0].id, "role": "lease", "source_class": "organic"}
        number = create_number(session, clock, fields)
        if shown:
            session.add(_lease(cast, number, clock))
    ids, id_ = [office.id for office in offices], number.id
    owner, target, began, retired, gone = ids[0], None, clock.now(), False, set[str]()
    for action, value in steps:
        if action == "advance":
            clock.advance(value * DAY)
        elif action == "complete":
            with parts.database.transaction() as session:
                moves = complete_moves(session, clock)
            over = target is not None and clock.now() >= began + quarantine
            assert (id_ in moves.completed) == (over and target not in gone)
            assert (id_ in moves.stuck) == (over and target in gone)
            if id_ in moves.completed:
                assert target
                owner, target = target, None
        elif action == "retire office":
            gone.add(ids[value])
            with parts.database.transaction() as session:
                session.get_one(Office, ids[value]).retired_at = clock.now()
        elif action == "retire number":
            with parts.database.transaction() as session:
                retire_number(session, session.get_one(Number, id_))
            retired, target = True, None
        else:
            wanted = ids[value]
            try:
                with parts.database.transaction() as session:
                    update_number(session, clock, session.get_one(Number, id_), {"office_id": wanted}, quarantine)
            except Conflict as error:
                assert (error.code, retired, shown) == ("number_was_shown", True, True)
                assert wanted != owner
            else:
                if wanted == owner:
                    target = None
                elif not shown:
                    owner = wanted
                elif wanted != target:
                    target, began = wanted, clock.now()
        with parts.database.reading() as session:
            row = session.get_one(Number, id_)
        assert (row.office_id, row.next_office_id) == (owner, target)
        assert row.quarantine_until == (began + quarantine if target else None)
        assert row.state == ("retired" if retired else "quarantine" if target else "active")


_made = iter(range(1, 10**6))


def _new_id() -> str:
    return f"off_model{next(_made):06d}"


def _new_e164() -> str:
    return f"+7999{next(_made):07d}"


def _lease(cast: Cast, number: Number, clock: SetClock) -> Lease:
    return Lease(
        id=f"lse_model{next(_made):06d}",
        number_id=number.id,
        office_id=number.office_id,
        site_id=cast.site["id"],
        subject="s",
        source_class="organic",
        kind="dynamic",
        borrowed=False,
        consented=True,
        weight=1.0,
        leased_at=clock.now(),
        expires_at=clock.now(),
    )
