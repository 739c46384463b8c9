"""A worker's sizings: one at a time, in a process of its own, so that a minute of replays delays no delivery."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from callease.planning.situation import Situation
from callease.planning.sizing import size
from callease.planning.sizing_report import report
from callease.planning.sizings import Sizings

NOTHING_COUNTED, NOBODY_CALLS, FAILED = "nothing_counted", "nobody_calls", "failed"
_ENDS_SECONDS = 5.0
_Outcome = tuple[dict[str, Any] | None, str | None]


class SizingRunner:
    """`nice`: how far the child stands back behind everything else on the machine."""

    def __init__(self, sizings: Sizings, nice: int = 10) -> None:
        self._sizings = sizings
        self._nice = nice
        self._under_way: tuple[str, BaseProcess, Connection] | None = None

    @property
    def child(self) -> BaseProcess | None:
        return self._under_way[1] if self._under_way else None

    def turn(self) -> None:
        """Looks after the one under way, or begins the next. Raises Unavailable."""
        if self._under_way is None:
            self._begin()
            return
        id_, process, results = self._under_way
        if not results.poll() and process.is_alive():
            self._sizings.renew(id_)
            return
        self._sizings.record(id_, *_outcome(results))
        process.join(_ENDS_SECONDS)
        self._under_way = None

    def stop(self) -> None:
        """What is under way is given back: it would keep a worker that is told to end for minutes."""
        if self._under_way is None:
            return
        id_, process, _ = self._under_way
        self._under_way = None
        process.terminate()
        process.join(_ENDS_SECONDS)
        self._sizings.release(id_)

    def _begin(self) -> None:
        claimed = self._sizings.claim()
        if claimed is None:
            return
        if claimed.situation is None:
            self._sizings.record(claimed.id, None, NOTHING_COUNTED)
            return
        # Spawned: a forked child would share this process's connections and locks.
        context = multiprocessing.get_context("spawn")
        results, ours = context.Pipe(duplex=False)
        process = context.Process(target=_compute, args=(ours, claimed.situation, self._nice), daemon=True)
        process.start()
        ours.close()
        self._under_way = claimed.id, process, results


def _outcome(results: Connection) -> _Outcome:
    with suppress(EOFError):
        if results.poll():
            outcome: _Outcome = results.recv()
            return outcome
    return None, FAILED


def _compute(results: Connection, situation: Situation, nice: int) -> None:
    """In the child."""
    os.nice(nice)
    owned = situation.owned if situation.owned and situation.owned >= situation.traffic.offices else None
    try:
        sizing = size(situation.traffic, situation.objective, situation.certainty, owned, lambda _: None)
    except ValueError:
        results.send((None, NOBODY_CALLS))
    else:
        results.send((report(situation, sizing), None))
