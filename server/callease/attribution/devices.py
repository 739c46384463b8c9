"""What a user agent is: a telephone, a tablet, a computer, a program or a bot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from user_agents import parse

# Libraries that apps and the sites' own servers ask with, for a person. The parser takes many of them for crawlers.
_PROGRAM = re.compile(
    r"(python|okhttp|dart|java|apache-httpclient|go-http-client|curl|wget|axios|node|undici|guzzle|php|ruby|reqwest|"
    r"postmanruntime|cfnetwork|aiohttp|httpx)\b[/ -]?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Device:
    kind: str
    is_bot: bool


UNKNOWN_DEVICE = Device("unknown", False)


@lru_cache(maxsize=4096)
def device_of(user_agent: str) -> Device:
    """`kind`: mobile, tablet, desktop, program, bot or unknown."""
    if _PROGRAM.match(user_agent):
        return Device("program", False)
    agent = parse(user_agent)
    if agent.is_bot:
        return Device("bot", True)
    kinds = (("tablet", agent.is_tablet), ("mobile", agent.is_mobile), ("desktop", agent.is_pc))
    return Device(next((kind for kind, it_is in kinds if it_is), "unknown"), False)
