"""The drop-in script as pages load it."""

import base64
import gzip
import hashlib
import json
from pathlib import Path

import pytest

from callease import __version__
from tests.contract.conftest import refused
from tests.support.http import Answer, InProcess

JS = Path(__file__).parents[3] / "static" / "js"
RELEASES = sorted(path.name for path in (JS / "releases").glob("v1.*.js"))
EXACT = f"/c/v{__version__}.js"


def test_the_newest(http: InProcess) -> None:
    answer = http("GET", "/c/v1.js")
    assert answer.status == 200
    assert answer.body == (JS / "v1.min.js").read_bytes()
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "immutable" not in answer.headers["Cache-Control"]
    assert "public" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("release", RELEASES)
def test_every_release_stays_served_for_ever(http: InProcess, release: str) -> None:
    answer = http("GET", f"/c/{release}")
    assert (answer.status, answer.body) == (200, (JS / "releases" / release).read_bytes())
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["/c/v1.js", EXACT, "/c/v1.json"])
def test_any_page_may_load_it(http: InProcess, path: str) -> None:
    assert http("GET", path, {"Origin": "https://anywhere.example"}).headers["Access-Control-Allow-Origin"] == "*"


def test_its_hash_is_that_of_its_bytes(http: InProcess) -> None:
    about = http("GET", "/c/v1.json").json
    assert set(about) == {"version", "integrity", "url"}
    assert about["version"] == __version__
    assert about["url"] == f"http://localhost{EXACT}"
    script = http("GET", about["url"]).body
    kind, _, digest = about["integrity"].partition("-")
    assert base64.b64decode(digest) == hashlib.new(kind, script).digest()
    assert script == http("GET", "/c/v1.js").body


def test_sizes_and_hashes_are_written_down(http: InProcess) -> None:
    written = json.loads((JS / "SIZES.json").read_text())["files"]
    about = http("GET", "/c/v1.json").json
    assert written[f"releases/v{__version__}.js"]["integrity"] == about["integrity"]
    for name, facts in written.items():
        content = (JS / name).read_bytes()
        assert facts["bytes"] == len(content)
        digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
        assert facts["integrity"] == f"sha384-{digest}"


@pytest.mark.parametrize("path", ["/c/v1.js", EXACT])
class TestTransport:
    def packed(self, http: InProcess, path: str, **headers: str) -> Answer:
        sent = {"Accept-Encoding": "gzip, deflate, br"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return http("GET", path, sent)

    def test_packed_it_is_the_same(self, http: InProcess, path: str) -> None:
        answer = self.packed(http, path)
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.body) == http("GET", path).body
        assert len(answer.body) <= 4_000
        assert int(answer.headers["Content-Length"]) == len(answer.body)
        assert "Accept-Encoding" in answer.headers["Vary"]

    def test_only_for_those_who_take_it(self, http: InProcess, path: str) -> None:
        for accepted in ("", "br", "gzip;q=0", "identity"):
            answer = http("GET", path, {"Accept-Encoding": accepted})
            assert "Content-Encoding" not in answer.headers, accepted
            assert answer.body.decode()

    def test_what_a_browser_has_is_not_sent_again(self, http: InProcess, path: str) -> None:
        for accepted in ("identity", "gzip"):
            etag = self.packed(http, path, Accept_Encoding=accepted).headers["ETag"]
            again = self.packed(http, path, Accept_Encoding=accepted, If_None_Match=etag)
            assert (again.status, again.body) == (304, b"")
            assert again.headers["ETag"] == etag
            assert again.headers["Access-Control-Allow-Origin"] == "*"
            assert "Cache-Control" in again.headers
            assert self.packed(http, path, Accept_Encoding=accepted, If_None_Match='"other"').status == 200

    def test_packed_and_plain_are_not_taken_for_each_other(self, http: InProcess, path: str) -> None:
        assert self.packed(http, path).headers["ETag"] != http("GET", path).headers["ETag"]

    def test_it_can_be_looked_at_without_being_loaded(self, http: InProcess, path: str) -> None:
        answer = http("HEAD", path)
        assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("version", ["1.0.999", "2.0.0", "1.0", "1.0.0.0", "1.0.0-rc1", "1..0", "../v1.min", "1.0.x"])
def test_what_was_never_released_is_not_there(http: InProcess, version: str) -> None:
    answer = http("GET", f"/c/v{version}.js")
    refused(answer, 404, answer.json["code"])


def test_it_sets_no_cookie_and_keeps_its_type(http: InProcess) -> None:
    answer = http("GET", "/c/v1.js")
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
