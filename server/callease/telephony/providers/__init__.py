"""The registry of telephony providers: what is not in this dict does not exist."""

from __future__ import annotations

from callease.telephony.providers.generic.adapter import GenericProvider
from callease.telephony.providers.protocol import Provider
from callease.telephony.providers.twilio.adapter import TwilioProvider

PROVIDERS: dict[str, Provider] = {"generic": GenericProvider(), "twilio": TwilioProvider()}
