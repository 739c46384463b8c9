"""Proposals from the log to the number that moves, on both databases."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from callease.attribution.models import CallerMemory
from callease.base.clock import SetClock, rfc3339
from callease.base.errors import Conflict
from callease.base.ids import new_id
from callease.numbers.models import Lease, Number
from callease.planning.models import ProposalRun, StoredProposal
from callease.planning.planner import Planner
from callease.planning.runner import Runner
from callease.web.services import Services
from tests.factories import Cast, OfficeOfCast
from tests.support.databases import on_both_databases
from tests.support.extensions import extend
from tests.support.planning import Desk, Row
from tests.support.waiting import eventually

DAY = 86_400


@pytest.fixture
def desk(cast: Cast, parts: Services, clock: SetClock) -> Desk:
    return Desk(cast, parts.database, clock, parts.planner)


@on_both_databases
class TestARun:
    def test_what_is_free_comes_first_and_then_a_purchase(self, desk: Desk) -> None:
        desk.a_busy_and_an_idle_office()
        found = desk.look()
        kinds = [each["kind"] for each in found]
        assert "move" in kinds
        assert kinds[-1] == "buy"
        assert sorted(kinds, key=["unsplit", "split", "move", "buy"].index) == kinds
        purchase = found[-1]
        assert (purchase["office"], purchase["state"]) == (desk.cast.alatau_sales.id, "proposed")
        assert purchase["gain"]["answers_low"] <= purchase["gain"]["answers"] <= purchase["gain"]["answers_high"]
        assert purchase["gain"]["source_points"] <= 100

    def test_it_says_how_much_it_has_seen(self, desk: Desk) -> None:
        desk.seen(desk.cast.alatau_sales, desk.cast.alatau_sales.numbers[0][1], days=10, organic=400)
        (purchase, *_) = [each for each in desk.look() if each["kind"] == "buy"]
        run = desk.cast.api.get(f"/proposal-runs/{purchase['run']}")
        assert run["days"] == pytest.approx(10, abs=0.1)
        assert (run["reveals"], run["short"]) == (400, True)

    def test_of_two_days_nothing_is_said(self, desk: Desk) -> None:
        desk.seen(desk.cast.alatau_sales, desk.cast.alatau_sales.numbers[0][1], days=2, organic=900)
        assert desk.look() == []

    def test_it_comes_every_day_and_when_somebody_asks(self, desk: Desk) -> None:
        for _ in range(3):
            desk.turn()
        done, waiting = sorted(desk.cast.api.all("/proposal-runs"), key=lambda run: run["done_at"] is None)
        assert done["done_at"]
        assert waiting["due_at"] == rfc3339(desk.clock.now() + timedelta(days=1))
        asked = desk.cast.api.post("/proposal-runs", {})
        assert (asked["id"], asked["due_at"]) == (waiting["id"], rfc3339(desk.clock.now()))
        desk.turn()
        assert desk.cast.api.get(f"/proposal-runs/{asked['id']}")["done_at"]

    def test_one_worker_looks_and_another_takes_it_up(self, desk: Desk) -> None:
        desk.a_busy_and_an_idle_office()
        desk.planner.turn()
        mine, another = desk.planner.claim(), Planner(desk.database, desk.clock, timedelta(days=60))
        assert mine
        assert another.claim() is None
        desk.clock.advance(20)
        desk.planner.renew(mine.id)
        desk.clock.advance(20)
        another.turn()
        assert another.claim() is None
        desk.clock.advance(10)
        taken_up = another.claim()
        assert taken_up
        assert taken_up.id == mine.id
        another.release(mine.id)
        assert desk.planner.claim()

    def test_who_asks_while_somebody_looks_has_it_looked_at_again(self, desk: Desk) -> None:
        desk.planner.turn()
        older = desk.planner.claim()
        assert older
        looked = older.compute()
        desk.a_busy_and_an_idle_office()
        desk.clock.advance(1)
        asked = desk.cast.api.post("/proposal-runs", {})
        assert asked["id"] == older.id
        desk.planner.record(older.id, looked)
        assert desk.cast.api.get(f"/proposal-runs/{asked['id']}")["done_at"] is None
        newer = desk.planner.claim()
        assert newer
        assert newer.id == asked["id"]
        desk.planner.record(newer.id, newer.compute())
        assert desk.cast.api.get(f"/proposal-runs/{asked['id']}")["done_at"]
        assert desk.proposals("proposed")
        assert desk.planner.claim() is None

    def test_of_codes_only_it_has_seen_enough_and_proposes_nothing(self, desk: Desk) -> None:
        shown = desk.cast.page().reveal(extend(desk.cast).listing, visitor="v1").json
        with desk.database.transaction() as session:
            session.get_one(Lease, shown["lease"]).leased_at = desk.clock.now() - timedelta(days=5)
        assert desk.look() == []
        run = next(each for each in desk.cast.api.all("/proposal-runs") if each["done_at"])
        assert (run["days"], run["reveals"]) == (pytest.approx(5, abs=0.1), 0)

    def test_who_has_looked_and_comes_too_late_writes_nothing(self, desk: Desk) -> None:
        """Else what was proposed since would be outdated."""
        desk.planner.turn()
        late = desk.planner.claim()
        assert late
        looked = late.compute()
        desk.a_busy_and_an_idle_office()
        desk.clock.advance(30)
        desk.turn()
        newer = desk.proposals("proposed")
        desk.planner.record(late.id, looked)
        assert desk.proposals("proposed") == newer != looked.proposals

    def test_what_was_decided_during_the_look_is_not_asked_again(self, desk: Desk) -> None:
        purchase = desk.purchase()
        desk.cast.api.post("/proposal-runs", {})
        task = desk.planner.claim()
        assert task
        looked = task.compute()
        assert [each.kind for each in looked.proposals] == ["buy"]
        desk.clock.advance(1)
        desk.decide(purchase, "approve")
        desk.planner.record(task.id, looked)
        assert desk.proposals("proposed") == []

    def test_a_worker_has_it_done_by_a_child(self, desk: Desk) -> None:
        desk.a_busy_and_an_idle_office()
        desk.planner.turn()
        runner = Runner(desk.planner, nice=0)
        runner.turn()
        assert runner.pid
        eventually(lambda: runner.turn() or runner.pid is None, 60)
        assert desk.proposals("proposed")

    def test_a_child_that_dies_is_followed_by_another_in_ten_minutes(self, desk: Desk) -> None:
        desk.planner.turn()
        runner = Runner(desk.planner, nice=0)
        runner.turn()
        assert runner.pid
        os.kill(runner.pid, signal.SIGKILL)
        eventually(lambda: runner.turn() or runner.pid is None)
        runner.turn()
        desk.clock.advance(9 * 60)
        runner.turn()
        assert runner.pid is None, "what killed it may still be there"
        desk.clock.advance(61)
        runner.turn()
        assert runner.pid
        runner.stop()

    def test_the_same_proposal_stays_the_same_row(self, desk: Desk) -> None:
        desk.a_busy_and_an_idle_office()
        before = desk.look()
        desk.clock.advance(DAY)
        after = desk.look()
        assert [each["id"] for each in after] == [each["id"] for each in before]
        assert {each["run"] for each in after} != {each["run"] for each in before}

    def test_what_nobody_would_propose_any_more_is_outdated(self, desk: Desk) -> None:
        desk.a_busy_and_an_idle_office()
        before = desk.look()
        desk.clock.advance(40 * DAY)
        assert desk.look() == []
        assert {each["id"] for each in desk.proposals("outdated")} == {each["id"] for each in before}

    @pytest.mark.parametrize("currency", ["KZT", None])
    def test_a_purchase_knows_its_price(self, desk: Desk, currency: str | None) -> None:
        """In the shape in which the numbers' prices came in."""

        def money(amount: str) -> str | Row:
            return {"amount": amount, "currency": currency} if currency else amount

        for _, e164 in desk.cast.alatau_riverside.numbers[:2]:
            (number,) = desk.cast.api.all(f"/numbers?e164=%2B{e164[1:]}")
            desk.cast.api.patch(f"/numbers/{number['id']}", {"monthly_cost": money("1500.50")})
        desk.a_busy_and_an_idle_office()
        purchase = desk.look()[-1]
        assert purchase["monthly_cost"] == money(f"{1500.50 * purchase['count']:.2f}")

    def test_a_number_that_serves_one_class_gets_it_where_calls_need_it(self, desk: Desk) -> None:
        office, (_, e164) = desk.cast.zhaina_sales, desk.cast.zhaina_sales.numbers[0]
        desk.cast.api.patch(f"/sites/{desk.cast.site['id']}", {"objective": "source"})
        desk.seen(office, e164, organic=100)
        with desk.database.transaction() as session:
            number_id = session.scalars(select(Number.id).where(Number.e164 == e164)).one()
            for index in range(12):
                now = desk.clock.now()
                nothing = {"leases": [], "unknown": {}, "visitors": {}, "first_at": now, "at": now - timedelta(days=1)}
                whose = {"number_id": number_id, "caller_hash": f"h{index}", "office_id": office.id}
                session.add(CallerMemory(call_id=f"call_{index}", **whose, **nothing))
        (split,) = [each for each in desk.look() if each["kind"] == "split"]
        assert (split["numbers"], split["source_class"]) == ([number_id], "organic")
        assert desk.decide(split, "approve")["state"] == "done"
        assert desk.cast.api.get(f"/numbers/{number_id}")["source_class"] == "organic"
        assert not [each for each in desk.look() if each["kind"] in ("split", "unsplit")]


@on_both_databases
class TestDecisions:
    def test_a_number_that_nobody_has_seen_moves_at_once(self, desk: Desk) -> None:
        desk.a_busy_and_an_idle_office()
        (move, *_) = [each for each in desk.look() if each["kind"] == "move" and each["at_once"]]
        decided = desk.decide(move, "approve")
        assert (decided["state"], decided["quarantine_until"]) == ("done", None)
        assert decided["decided_by"].startswith("tok_")
        number = desk.cast.api.get(f"/numbers/{move['numbers'][0]}")
        assert (number["office"], number["state"]) == (desk.cast.alatau_sales.id, "active")

    def test_one_that_was_shown_waits_in_quarantine(self, desk: Desk) -> None:
        riverside, sales = desk.cast.alatau_riverside, desk.cast.alatau_sales
        desk.a_busy_and_an_idle_office()
        for _, e164 in riverside.numbers[1:]:
            desk.seen(riverside, e164, paid_search=3)
        for office in (desk.cast.zhaina_sales, desk.cast.saryarka_sales):
            for _, e164 in office.numbers:
                desk.seen(office, e164, paid_search=1)
        (move, *others) = [each for each in desk.look() if each["kind"] == "move"]
        assert not move["at_once"]
        decided = desk.decide(move, "approve")
        assert (decided["state"], decided["quarantine_until"]) == (
            "done", rfc3339(desk.clock.now() + timedelta(days=60)),
        )  # fmt: skip
        number = desk.cast.api.get(f"/numbers/{move['numbers'][0]}")
        assert (number["state"], number["next_office"]) == ("quarantine", sales.id)
        # The number is counted on: the other proposals stand, and this one does not come again.
        after = [each for each in desk.look() if each["kind"] == "move"]
        assert [each["id"] for each in after] == [each["id"] for each in others]

    def test_a_purchase_is_done_when_the_numbers_are_there(self, desk: Desk) -> None:
        purchase = desk.purchase()
        assert desk.decide(purchase, "approve")["state"] == "approved"
        assert not [each for each in desk.look() if each["kind"] == "buy"]
        desk.add_numbers(desk.cast.zhaina_sales, purchase["count"] - 1)
        desk.turn()
        assert desk.proposals("approved") != []
        desk.cast.api.post("/numbers", {"e164": "+77172990000", "office": desk.cast.zhaina_sales.id})
        desk.turn()
        assert [each["id"] for each in desk.proposals("done")] == [purchase["id"]]

    def test_a_purchase_for_an_office_that_is_gone_is_outdated(self, desk: Desk) -> None:
        purchase = desk.purchase()
        desk.decide(purchase, "approve")
        desk.cast.api.delete(f"/offices/{desk.cast.zhaina_sales.id}")
        desk.turn()
        assert [each["id"] for each in desk.proposals("outdated")] == [purchase["id"]]

    def test_an_approved_purchase_can_be_given_up(self, desk: Desk) -> None:
        purchase = desk.purchase()
        desk.decide(purchase, "approve")
        assert desk.decide(purchase, "dismiss")["state"] == "dismissed"

    def test_what_was_dismissed_does_not_come_again_for_a_month(self, desk: Desk) -> None:
        desk.a_busy_and_an_idle_office()
        for proposal in desk.look():
            desk.decide(proposal, "dismiss")
        assert desk.look() == []
        desk.clock.advance(31 * DAY)
        desk.a_busy_and_an_idle_office()
        assert desk.look() != []

    @pytest.mark.parametrize("action", ["approve", "dismiss"])
    def test_who_comes_second_is_told(self, desk: Desk, action: str) -> None:
        desk.a_busy_and_an_idle_office()
        (proposal, *_) = desk.look()
        desk.decide(proposal, action)
        refused = desk.decide(proposal, "approve", 409)
        assert refused["code"] == "proposal_moved_on"

    def test_what_is_no_longer_so_is_not_carried_out(self, desk: Desk) -> None:
        desk.a_busy_and_an_idle_office()
        for proposal in desk.look():
            self._change_what_it_rests_on(desk, proposal)
            assert desk.decide(proposal, "approve", 409)["code"] == "proposal_outdated"
            assert desk.cast.api.get(f"/proposals/{proposal['id']}")["state"] == "outdated"

    @staticmethod
    def _change_what_it_rests_on(desk: Desk, proposal: Row) -> None:
        if proposal["kind"] == "buy":
            desk.add_numbers(desk.cast.alatau_sales, 60)
        for number in proposal["numbers"]:
            change = {"move": {"role": "static"}}.get(proposal["kind"], {"office": desk.cast.zhaina_sales.id})
            desk.cast.api.patch(f"/numbers/{number}", change)

    def test_a_number_that_was_shown_meanwhile_does_not_move_at_once(self, desk: Desk) -> None:
        """Whoever has seen it would reach another office."""
        desk.a_busy_and_an_idle_office()
        (move, *_) = [each for each in desk.look() if each["kind"] == "move" and each["at_once"]]
        (number,) = move["numbers"]
        owner = desk.cast.api.get(f"/numbers/{number}")
        office = next(each for each in desk.cast.offices if each.id == owner["office"])
        desk.seen(office, owner["e164"], paid_search=1)
        assert desk.decide(move, "approve", 409)["code"] == "proposal_outdated"
        assert desk.cast.api.get(f"/numbers/{number}") == owner

    def test_an_answer_to_the_same_request_is_the_same(self, desk: Desk) -> None:
        desk.a_busy_and_an_idle_office()
        (proposal, *_) = desk.look()
        path, key = f"/proposals/{proposal['id']}/approve", {"Idempotency-Key": "once"}
        first, second = (desk.cast.api.ask("POST", path, {}, key) for _ in range(2))
        assert (first.status, first.body) == (200, second.body)


@on_both_databases
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
class TestInAnyOrder:
    """What two proposals of one look come to does not depend on which is approved first."""

    @staticmethod
    def _proposed(desk: Desk, *proposals: Row) -> list[Row]:
        now, ids = desk.clock.now(), []
        with desk.database.transaction() as session:
            run = ProposalRun(id=new_id("prn"), due_at=now, done_at=now, days=28.0, reveals=1, created_at=now)
            session.add(run)
            session.flush()
            for place, columns in enumerate(proposals):
                ids.append(new_id("prp"))
                what: Row = {"state": "proposed", "number_ids": [], "at_once": True, "gain": {}, **columns}
                at = {"created_at": now, "listed_at": now - timedelta(microseconds=place)}
                session.add(StoredProposal(id=ids[-1], run_id=run.id, **at, **what))
        return [desk.cast.api.get(f"/proposals/{id_}") for id_ in ids]

    @staticmethod
    def _approve(desk: Desk, proposals: list[Row], order: tuple[int, int]) -> None:
        states = {"buy": "approved", "move": "done"}
        for place in order:
            proposal = proposals[place]
            assert desk.decide(proposal, "approve")["state"] == states[proposal["kind"]]

    @staticmethod
    def _is_done_with_the_last_of(desk: Desk, office: OfficeOfCast, numbers: int) -> None:
        for _ in range(numbers):
            desk.planner.turn()
            assert desk.proposals("approved")
            desk.add_numbers(office, 1)
        desk.planner.turn()
        assert desk.proposals("approved") == []

    def _two_purchases(self, desk: Desk) -> list[Row]:
        """Three numbers and then two, for an office that has two."""
        buy = {"kind": "buy", "office_id": desk.cast.zhaina_sales.id}
        first, second = {"count": 3, "owned": 2}, {"count": 2, "owned": 5, "source_class": "organic"}
        return self._proposed(desk, buy | first, buy | second)

    def test_two_purchases(self, desk: Desk, order: tuple[int, int]) -> None:
        self._approve(desk, self._two_purchases(desk), order)
        self._is_done_with_the_last_of(desk, desk.cast.zhaina_sales, 5)

    def test_the_second_one_when_the_first_has_come(self, desk: Desk, order: tuple[int, int]) -> None:
        proposals = self._two_purchases(desk)
        for place in order:
            desk.decide(proposals[place], "approve")
            self._is_done_with_the_last_of(desk, desk.cast.zhaina_sales, proposals[place]["count"])

    def test_two_purchases_of_which_one_is_given_up(self, desk: Desk, order: tuple[int, int]) -> None:
        first, second = self._two_purchases(desk)
        self._approve(desk, [first, second], order)
        desk.add_numbers(desk.cast.zhaina_sales, 1)
        desk.decide(first, "dismiss")
        # Whoever was approved first is whose the one number is.
        self._is_done_with_the_last_of(desk, desk.cast.zhaina_sales, 2 if order == (0, 1) else 1)

    @pytest.mark.parametrize(("buys", "owned"), [("to", 3), ("from", 2)])
    def test_a_move_and_a_purchase(self, desk: Desk, order: tuple[int, int], buys: str, owned: int) -> None:
        """The number that moves is none of those that are bought."""
        offices = {"to": desk.cast.zhaina_sales, "from": desk.cast.alatau_riverside}
        (number,) = desk.cast.api.all(f"/numbers?e164=%2B{offices['from'].numbers[2][1][1:]}")
        whose = {"office_id": offices["to"].id, "from_office_id": offices["from"].id}
        move = {"kind": "move", "count": 1, "owned": 0, "number_ids": [number["id"]], **whose}
        purchase = {"kind": "buy", "office_id": offices[buys].id, "count": 2, "owned": owned}
        self._approve(desk, self._proposed(desk, move, purchase), order)
        self._is_done_with_the_last_of(desk, offices[buys], 2)


class TestAtOnce:
    """On SQLite there is one writer at a time anyway."""

    @pytest.fixture
    def backend(self) -> str:
        return "postgresql"

    @pytest.fixture
    def pool(self) -> Iterator[ThreadPoolExecutor]:
        with ThreadPoolExecutor(6) as pool:
            yield pool

    @staticmethod
    def _approve(desk: Desk, proposal_id: str) -> str:
        try:
            with desk.database.transaction() as session:
                return desk.planner.decide(session, session.get_one(StoredProposal, proposal_id), "approve", "x").state
        except Conflict as error:
            return error.code

    def test_of_two_who_approve_one_does(self, desk: Desk, pool: ThreadPoolExecutor) -> None:
        desk.a_busy_and_an_idle_office()
        (proposal, *_) = [each for each in desk.look() if each["kind"] == "move"]
        answers = list(pool.map(lambda _: self._approve(desk, proposal["id"]), range(6)))
        assert sorted(answers) == ["done", *["proposal_moved_on"] * 5]

    def test_two_moves_never_leave_an_office_without_a_number(self, desk: Desk, pool: ThreadPoolExecutor) -> None:
        """Each of them alone would leave it one."""
        office, to = desk.cast.zhaina_sales, desk.cast.alatau_sales
        for attempt in range(5):
            if attempt:
                desk.cast.api.post("/numbers", {"e164": f"+7717299{attempt:04d}", "office": office.id})
            ids = self._two_moves(desk, office, to)
            assert sorted(pool.map(lambda id_: self._approve(desk, id_), ids)) == ["done", "outdated"]
            assert len(desk.cast.api.all(f"/numbers?office={office.id}&state=active")) == 1

    def _two_moves(self, desk: Desk, office: OfficeOfCast, to: OfficeOfCast) -> list[str]:
        numbers = desk.cast.api.all(f"/numbers?office={office.id}&state=active")
        assert len(numbers) == 2
        now, ids = desk.clock.now(), []
        with desk.database.transaction() as session:
            run = ProposalRun(id=new_id("prn"), due_at=now, done_at=now, days=28.0, reveals=1, created_at=now)
            session.add(run)
            session.flush()
            for number in numbers:
                ids.append(new_id("prp"))
                what = {"kind": "move", "state": "proposed", "count": 1, "at_once": True, "owned": 4, "gain": {}}
                whose = {"office_id": to.id, "from_office_id": office.id, "number_ids": [number["id"]]}
                session.add(StoredProposal(id=ids[-1], run_id=run.id, listed_at=now, created_at=now, **what, **whose))
        return ids

    def test_of_many_workers_one_looks(self, desk: Desk, pool: ThreadPoolExecutor) -> None:
        list(pool.map(lambda _: desk.planner.turn(), range(12)))
        assert len([task for task in pool.map(lambda _: desk.planner.claim(), range(12)) if task]) == 1

    def test_of_many_who_have_looked_one_writes(self, desk: Desk, pool: ThreadPoolExecutor) -> None:
        desk.a_busy_and_an_idle_office()
        desk.planner.turn()
        task = desk.planner.claim()
        assert task
        looked = task.compute()
        list(pool.map(lambda _: desk.planner.record(task.id, looked), range(12)))
        assert len(desk.proposals("proposed")) == len(looked.proposals) > 0
        assert len([run for run in desk.cast.api.all("/proposal-runs") if run["done_at"]]) == 1
