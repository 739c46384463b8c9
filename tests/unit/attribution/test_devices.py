"""User agents of people, of programs that ask for them, and of bots."""

import pytest

from callease.attribution.devices import device_of

AGENTS = [
    ("Mozilla/5.0 (Linux; Android 14; SM-A546E) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile "
     "Safari/537.36", "mobile"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
     "Mobile/15E148 Safari/604.1", "mobile"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
     "Instagram 355.0.0.24.102", "mobile"),
    ("Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 "
     "Mobile/15E148 Safari/604.1", "tablet"),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 "
     "YaBrowser/25.8.0.0 Safari/537.36", "desktop"),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
     "Safari/605.1.15", "desktop"),
    ("Mozilla/5.0 (Linux; Android 12; CUBOT P60) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile "
     "Safari/537.36", "mobile"),
    ("Mozilla/5.0 (Linux; Android 13; M2101K6G Build/TKQ1; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
     "Chrome/140.0.0.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/530.0.0.48.74;]", "mobile"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", "desktop"),
    ("okhttp/4.12.0", "program"),
    ("Dart/3.5 (dart:io)", "program"),
    ("python-requests/2.34.2", "program"),
    ("krisha/7.1 CFNetwork/1568.200.51 Darwin/24.1.0", "mobile"),
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
    ("Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/141.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
    ("Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", "bot"),
    ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "bot"),
    ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "bot"),
    ("TelegramBot (like TwitterBot)", "bot"),
    ("WhatsApp/2.23.20.0", "bot"),  # fetches the preview of a link that somebody is writing
    ("", "unknown"),
    ("\x00\ufffd((((", "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("agent", "kind"), AGENTS, ids=[agent[:60] or "empty" for agent, _ in AGENTS])
def test_who_asks(agent: str, kind: str) -> None:
    device = device_of(agent)
    assert (device.kind, device.is_bot) == (kind, kind == "bot")
