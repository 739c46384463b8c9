"""`Idempotency-Key`: a POST that is sent again is answered again, not done again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import request
from sqlalchemy import Integer, String, Text
from sqlalchemy.orm import Mapped, Session, mapped_column

from callease.base.database import Base
from callease.base.errors import Conflict, InvalidRequest
from callease.tenancy.wall import Principal
from callease.web.services import Services

_KEY_AT_MOST = 255
Answer = tuple[dict[str, Any], int]


class IdempotencyKey(Base):
    """The answer is sealed: the first one may have shown a secret."""

    __tablename__ = "idempotency_keys"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(Integer)
    answer_sealed: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


def once(session: Session, parts: Services, principal: Principal, make: Callable[[], Answer]) -> Answer:
    """What `make` answers, or what it answered to the first request with this key.

    In the transaction of the fact itself: either both are kept or none. Raises Conflict when the key was used for
    another request.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return make()
    if not 0 < len(key) <= _KEY_AT_MOST:
        raise InvalidRequest({"Idempotency-Key": [f"must have 1 to {_KEY_AT_MOST} characters"]})
    id_ = hashlib.sha256(f"{principal.id}\n{key}".encode()).hexdigest()
    asked = hashlib.sha256(f"{request.method} {request.full_path}\n".encode() + request.get_data()).hexdigest()
    begun = parts.database.insert_if_new(IdempotencyKey, ["id"]).values(
        id=id_, request_hash=asked, status=0, answer_sealed="", created_at=parts.clock.now()
    )
    session.execute(begun)
    row = session.get_one(IdempotencyKey, id_)
    if row.request_hash != asked:
        raise Conflict("idempotency_key_reused")
    if row.status:
        return json.loads(parts.box.open(row.answer_sealed)), row.status
    body, row.status = make()
    row.answer_sealed = parts.box.seal(json.dumps(body))
    return body, row.status
