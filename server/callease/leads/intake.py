"""Everything a provider says goes through here: recognised, kept as it came, then made into calls and leads.

The raw message is committed before anything is made of it. What then fails for a reason of ours is tried again by the
worker; what is wrong with the message itself is refused, with the message and the reason kept. Without a database the
message is kept in a file of the spool, and taken up when the database is back.
"""

from __future__ import annotations

import base64
import json
import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from callease.base.clock import Clock, parse_rfc3339, rfc3339
from callease.base.database import Database
from callease.base.errors import CalleaseError, Conflict, InvalidRequest, NotFound, Unauthenticated, Unavailable
from callease.base.ids import new_id
from callease.base.secrets import SecretBox
from callease.leads.leads import take_call_event
from callease.telephony.directory import AccountFacts
from callease.telephony.models import RawMessage, TelephonyAccount
from callease.telephony.providers import PROVIDERS
from callease.telephony.providers.protocol import Incoming, Reply

_log = logging.getLogger(__name__)
# Long enough that the request which brought the message is surely over.
_FIRST_RETRY = timedelta(seconds=20)
_RETRIES_AT_MOST = 12
# There is the spool: a provider need not wait for a busy database.
_PATIENCE_SECONDS = 2.0
_BATCH = 50


class CallIntake:
    def __init__(self, database: Database, clock: Clock, box: SecretBox, spool: Path) -> None:
        self._database = database
        self._clock = clock
        self._box = box
        self._spool = spool

    def credentials(self, account: AccountFacts) -> dict[str, str]:
        found: dict[str, str] = json.loads(self._box.open(account.credentials_sealed))
        return found

    def authenticate(self, account: AccountFacts, incoming: Incoming) -> None:
        """Raises Unauthenticated("wrong_signature")."""
        if not PROVIDERS[account.provider].authentic(incoming, self.credentials(account), self._clock.now()):
            raise Unauthenticated("wrong_signature")

    def receive(self, account: AccountFacts, incoming: Incoming) -> Reply:
        """Takes an authenticated message. Raises InvalidRequest or NotFound when it cannot be taken as it is."""
        message = self._message(account, incoming)
        try:
            with self._database.transaction(_PATIENCE_SECONDS) as session:
                session.add(message)
        except Unavailable:
            self._write_spool(message)
            return PROVIDERS[account.provider].events_reply(None)
        try:
            call = self._take(account.provider, message)
        except (InvalidRequest, NotFound) as error:
            self._settle(message.id, error)
            raise
        except Exception:
            # Ours, not the provider's: the message is kept, the worker tries again, and we get to know.
            _log.exception("a message of account %s could not be taken yet", account.id)
            return PROVIDERS[account.provider].events_reply(None)
        return PROVIDERS[account.provider].events_reply(call)

    def retry_due(self) -> int:
        """Takes up spooled and unfinished messages; how many there were."""
        spooled = self._read_spool()
        now = self._clock.now()
        with self._database.transaction() as session:
            due = session.execute(
                select(RawMessage, TelephonyAccount.provider)
                .join(TelephonyAccount, TelephonyAccount.id == RawMessage.account_id)
                .where(RawMessage.state == "received", RawMessage.due_at <= now)
                .order_by(RawMessage.received_at)
                .limit(_BATCH)
                .with_for_update(skip_locked=True, of=RawMessage)
            )
            messages = list(due)
            for message, _ in messages:
                message.tries += 1
                message.due_at = now + _FIRST_RETRY * 2**message.tries
        for message, provider in messages:
            self._retry(provider, message)
        return spooled + len(messages)

    def _retry(self, provider: str, message: RawMessage) -> None:
        try:
            self._take(provider, message)
        except InvalidRequest as error:
            self._settle(message.id, error)
        except NotFound as error:
            # An event that came before the call it belongs to: it waits for the other one.
            if message.tries >= _RETRIES_AT_MOST:
                self._settle(message.id, error, for_good=True)
        except Exception:
            _log.exception("message %s could not be taken at try %d", message.id, message.tries)

    def _message(self, account: AccountFacts, incoming: Incoming) -> RawMessage:
        now = self._clock.now()
        return RawMessage(
            id=new_id("msg"),
            account_id=account.id,
            suffix=incoming.suffix[:60],
            content_type=incoming.headers.get("content-type", "")[:100],
            body=incoming.body,
            received_at=now,
            state="received",
            tries=0,
            due_at=now + _FIRST_RETRY,
        )

    def _take(self, provider: str, message: RawMessage) -> str | None:
        headers = {"content-type": message.content_type}
        incoming = Incoming("POST", "", headers, bytes(message.body), message.suffix)
        events = PROVIDERS[provider].translate(incoming, message.received_at)
        call_id = None
        with self._database.transaction() as session:
            for event in events:
                call = take_call_event(
                    session, self._database, self._clock, self._box, message.account_id, event, message.id
                )
                call_id = call.id
            session.execute(update(RawMessage).where(RawMessage.id == message.id).values(state="taken", problem=None))
        return call_id

    def _settle(self, message_id: str, error: CalleaseError, for_good: bool = False) -> None:
        """A message that names only a call may have overtaken the call's first one: at first it is not refused."""
        waits = error.code == "unknown_call" and not for_good
        values = {"problem": error.code} if waits else {"problem": error.code, "state": "refused"}
        with self._database.transaction() as session:
            session.execute(update(RawMessage).where(RawMessage.id == message_id).values(**values))

    def _write_spool(self, message: RawMessage) -> None:
        self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = {
            "account_id": message.account_id,
            "suffix": message.suffix,
            "content_type": message.content_type,
            "body": base64.b64encode(message.body).decode(),
            "received_at": rfc3339(message.received_at),
        }
        unfinished = self._spool / f".{message.id}"
        with open(os.open(unfinished, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(self._spool / f"{message.id}.json")

    def _read_spool(self) -> int:
        """Moves spooled messages into the database, where they are due at once."""
        paths = sorted(self._spool.glob("*.json"))[:_BATCH] if self._spool.is_dir() else []
        for path in paths:
            try:
                values = _spooled(path)
                with self._database.transaction() as session:
                    session.execute(self._database.insert_if_new(RawMessage, ["id"]).values(**values))
            except FileNotFoundError:
                continue  # another worker was quicker
            except (ValueError, LookupError, Conflict):
                # Kept for a person to look at, out of the way of the others.
                _log.exception("%s cannot be taken up", path.name)
                path.rename(path.with_suffix(".bad"))
            else:
                path.unlink(missing_ok=True)
        return len(paths)


def _spooled(path: Path) -> dict[str, Any]:
    """A message as it was spooled, due at once. Raises ValueError or LookupError for a file that is none."""
    content = json.loads(path.read_text(encoding="utf-8"))
    received_at = parse_rfc3339(content["received_at"])
    return {
        "id": path.stem,
        "account_id": content["account_id"],
        "suffix": content["suffix"],
        "content_type": content["content_type"],
        "body": base64.b64decode(content["body"]),
        "received_at": received_at,
        "state": "received",
        "tries": 0,
        "due_at": received_at,
    }
