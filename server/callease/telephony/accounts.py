"""Telephony accounts: made, changed, retired."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy.orm import Session

from callease.base.clock import Clock
from callease.base.errors import InvalidRequest
from callease.base.ids import new_id, secret_token
from callease.base.secrets import SecretBox
from callease.telephony.models import TelephonyAccount
from callease.telephony.providers import PROVIDERS


def create_account(
    session: Session, clock: Clock, box: SecretBox, fields: dict[str, Any]
) -> tuple[TelephonyAccount, dict[str, str]]:
    """The account, and the secrets that Callease made for it: shown once."""
    provider = PROVIDERS.get(fields["provider"])
    if provider is None:
        raise InvalidRequest({"provider": [f"must be one of {', '.join(PROVIDERS)}"]})
    credentials = provider.credentials(fields.get("credentials") or {})
    account = TelephonyAccount(
        id=new_id("tac"),
        provider=fields["provider"],
        name=fields["name"],
        address=secret_token(24),
        credentials_sealed=box.seal(json.dumps(credentials)),
        created_at=clock.now(),
    )
    session.add(account)
    session.flush()
    return account, provider.shown_once(credentials)


def update_account(
    session: Session, box: SecretBox, account: TelephonyAccount, fields: dict[str, Any]
) -> TelephonyAccount:
    if fields.get("provider", account.provider) != account.provider:
        raise InvalidRequest({"provider": ["cannot be changed: make another account"]})
    if fields.get("credentials"):
        credentials = PROVIDERS[account.provider].credentials(fields["credentials"])
        account.credentials_sealed = box.seal(json.dumps(credentials))
    account.name = fields.get("name", account.name)
    session.flush()
    return account


def retire_account(session: Session, clock: Clock, account: TelephonyAccount) -> None:
    account.retired_at = clock.now()
    session.flush()
