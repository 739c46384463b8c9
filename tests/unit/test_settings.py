"""Settings: what they mean, and that a wrong one stops the start with one line that names it."""

import ipaddress
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from callease.base.errors import SettingError
from callease.delivery.relay import RETRY_SECONDS
from callease.settings import Settings, load_settings

KEY = "sixteen characters"
Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def with_(**settings: str) -> Settings:
        return load_settings(
            {"CALLEASE_DATA_DIR": str(tmp_path / "data")}
            | {f"CALLEASE_{name}": text for name, text in settings.items()}
        )

    return with_


def test_without_any_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings({})
    assert settings.data_dir == tmp_path / "instance"
    assert settings.database_url == f"sqlite:///{tmp_path}/instance/callease.sqlite"
    assert (settings.redis_url, settings.public_url, settings.public_prefix) == (None, None, "/c")
    assert (settings.trusted_proxies, settings.allow_private_urls) == ((), ())
    assert settings.retry_seconds == RETRY_SECONDS
    assert settings.quarantine_days == 60


def test_they_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLEASE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CALLEASE_PUBLIC_URL", "https://calls.example.kz")
    assert load_settings().public_url == "https://calls.example.kz"


def test_empty_is_as_good_as_absent(load: Load) -> None:
    names = (
        "DATABASE_URL REDIS_URL SECRET_KEY SECRET_KEY_FILE PUBLIC_URL TRUSTED_PROXIES ALLOW_PRIVATE_URLS RETRY_SECONDS "
        "QUARANTINE_DAYS"
    )
    settings = load(**dict.fromkeys(names.split(), ""))
    assert settings == load()


class TestSecretKey:
    def test_one_is_made_and_kept(self, load: Load, tmp_path: Path) -> None:
        made = load().secret_key
        assert len(made) >= 32
        assert load().secret_key == made
        (file,) = (tmp_path / "data").iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_text() == made

    def test_a_given_one_is_used_and_none_is_made(self, load: Load, tmp_path: Path) -> None:
        assert load(SECRET_KEY=KEY).secret_key == KEY
        assert list((tmp_path / "data").iterdir()) == []

    def test_from_a_file(self, load: Load, tmp_path: Path) -> None:
        (tmp_path / "key").write_text(f"{KEY}\n")
        assert load(SECRET_KEY_FILE=str(tmp_path / "key")).secret_key == KEY


class TestDatabase:
    @pytest.mark.parametrize(
        ("text", "driver"),
        [
            ("postgresql://callease@db/callease", "postgresql+psycopg"),
            ("postgres://callease:p%40ss@db/callease", "postgresql+psycopg"),
            ("postgresql+psycopg://callease@db/callease", "postgresql+psycopg"),
            ("sqlite:////var/lib/callease/callease.sqlite", "sqlite"),
        ],
    )
    def test_addresses(self, load: Load, text: str, driver: str) -> None:
        url = load(DATABASE_URL=text).database_url
        assert url == driver + text[text.index("://") :]


@pytest.mark.parametrize(
    ("text", "prefix"),
    [("/c", "/c"), ("/c/", "/c"), ("", ""), ("/", ""), ("/a/b", "/a/b"), ("/calls-1.0", "/calls-1.0")],
)
def test_prefixes(load: Load, text: str, prefix: str) -> None:
    settings = load(PUBLIC_PREFIX=text, PUBLIC_URL="https://calls.example.kz/")
    assert settings.public_prefix == prefix
    assert settings.base_url("http://unused/") == f"https://calls.example.kz{prefix}"


def test_without_a_public_url_the_address_of_the_request_stands_in(load: Load) -> None:
    assert load().base_url("http://127.0.0.1:8000/") == "http://127.0.0.1:8000/c"


def test_lists(load: Load) -> None:
    settings = load(
        TRUSTED_PROXIES=" 10.0.0.0/8, 192.0.2.7 ,2001:db8::/32,",
        ALLOW_PRIVATE_URLS="crm.lan, 10.0.0.7",
        RETRY_SECONDS="0, 5,300",
    )
    assert settings.trusted_proxies == tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32")))
    assert settings.allow_private_urls == ("crm.lan", "10.0.0.7")
    assert settings.retry_seconds == (0, 5, 300)


@pytest.mark.parametrize(("text", "days"), [("0", 0), ("1", 1), ("3650", 3_650)])
def test_how_long_a_number_is_in_quarantine(load: Load, text: str, days: int) -> None:
    assert load(QUARANTINE_DAYS=text).quarantine_days == days


WRONG = [
    ("DATABASE_URL", "nonsense"),
    ("DATABASE_URL", "mysql://callease@db/callease"),
    ("DATABASE_URL", "sqlite://"),
    ("DATABASE_URL", "oracle+cx://x"),
    ("REDIS_URL", "localhost:6379"),
    ("REDIS_URL", "http://localhost"),
    ("SECRET_KEY", "short"),
    ("SECRET_KEY_FILE", "/nonexistent/key"),
    ("SECRET_KEY_FILE", "/dev/null"),
    ("PUBLIC_URL", "calls.example.kz"),
    ("PUBLIC_URL", "ftp://calls.example.kz"),
    ("PUBLIC_URL", "https://calls.example.kz?x=1"),
    ("PUBLIC_URL", "https://"),
    ("PUBLIC_URL", "https://[calls"),
    ("PUBLIC_URL", "https://calls.example.kz:port"),
    ("PUBLIC_PREFIX", "c"),
    ("PUBLIC_PREFIX", "/c d"),
    ("PUBLIC_PREFIX", "/api"),
    ("PUBLIC_PREFIX", "/cabinet/x"),
    ("PUBLIC_PREFIX", "/<c>"),
    ("TRUSTED_PROXIES", "10.0.0.0/99"),
    ("TRUSTED_PROXIES", "proxy.lan"),
    ("RETRY_SECONDS", "5,soon"),
    ("RETRY_SECONDS", "-1"),
    ("RETRY_SECONDS", "1.5"),
    ("RETRY_SECONDS", "99999999"),
    ("RETRY_SECONDS", ",".join(["1"] * 51)),
    *(("QUARANTINE_DAYS", text) for text in ("soon", "-1", "1.5", "3651", "99999", "٦", " 7")),
    ("DATA_DIR", "/proc/callease"),
    ("DATA_DIR", "/dev/null/x"),
    ("REDIS_URL", "redis://[::1"),
    ("REDIS_URL", "redis://localhost:port"),
    ("REDIS_URL", "redis+cluster://"),
    ("REDIS_URL", "redis+cluster://a:7000,"),
    ("REDIS_URL", "redis+cluster://a:7000,b:port"),
    ("REDIS_URL", "redis+cluster://a:70000"),
    ("REDIS_URL", "redis+cluster://a:0"),
    ("REDIS_URL", "redis+cluster://a:7000/1"),
    ("REDIS_URL", "redis+cluster://a:7000?x=1"),
    ("REDIS_URL", "rediss+cluster://a:7000"),
]


@pytest.mark.parametrize(("name", "text"), WRONG)
def test_a_wrong_value_is_one_line_that_names_the_setting(load: Load, name: str, text: str) -> None:
    with pytest.raises(SettingError) as refused:
        load(**{name: text})
    assert refused.value.setting == f"CALLEASE_{name}"
    assert str(refused.value).startswith(f"CALLEASE_{name}: ")
    assert "\n" not in str(refused.value)


def test_two_secret_keys_are_one_too_many(load: Load) -> None:
    with pytest.raises(SettingError, match="CALLEASE_SECRET_KEY_FILE"):
        load(SECRET_KEY=KEY, SECRET_KEY_FILE="/etc/hostname")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATABASE_URL", "mysql://callease:hunter2@db/callease"),
        ("REDIS_URL", "redis+cluster://callease:hunter2@a:7000,b:port"),
    ],
)
def test_a_password_does_not_get_into_the_line(load: Load, name: str, text: str) -> None:
    with pytest.raises(SettingError) as refused:
        load(**{name: text})
    assert "hunter2" not in str(refused.value)
