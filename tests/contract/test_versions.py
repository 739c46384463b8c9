"""One version for the whole repository."""

import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from callease import __version__
from tests.support.http import InProcess

ROOT = Path(__file__).parents[2]
JS = ROOT / "static" / "js"


def read(*parts: str) -> str:
    return ROOT.joinpath(*parts).read_text(encoding="utf-8")


def newest_in_changelog() -> str:
    """The first entry that is not `[Unreleased]`."""
    entries = re.findall(r"^## \[([^\]]+)\]", read("CHANGELOG.md"), re.M)
    return next(entry for entry in entries if entry != "Unreleased")


def in_bundle(name: str) -> str:
    found = re.findall(r"\b1\.\d+\.\d+\b", JS.joinpath(name).read_text(encoding="utf-8"))
    assert found, f"{name} carries no version"
    (version,) = set(found)
    return str(version)


PLACES = {
    "the package": lambda: __version__,
    "the installed package": lambda: metadata.version("callease"),
    "package.json": lambda: json.loads(read("package.json"))["version"],
    "package-lock.json": lambda: json.loads(read("package-lock.json"))["version"],
    "package-lock.json, the package": lambda: json.loads(read("package-lock.json"))["packages"][""]["version"],
    "SIZES.json": lambda: json.loads(JS.joinpath("SIZES.json").read_text())["version"],
    "the readable script": lambda: in_bundle("v1.js"),
    "the served script": lambda: in_bundle("v1.min.js"),
    "the newest entry of the changelog": newest_in_changelog,
}


@pytest.mark.parametrize("place", PLACES)
def test_every_place_says_the_same(place: str) -> None:
    assert PLACES[place]() == __version__


def test_it_is_of_the_form_of_semantic_versions() -> None:
    assert re.fullmatch(r"1\.\d+\.\d+", __version__)


def test_it_is_released_and_the_newest_script_is_this_release() -> None:
    released = sorted(
        tuple(int(part) for part in path.stem.removeprefix("v").split(".")) for path in (JS / "releases").glob("*.js")
    )
    assert ".".join(map(str, released[-1])) == __version__
    release = (JS / "releases" / f"v{__version__}.js").read_bytes()
    assert release == (JS / "v1.min.js").read_bytes()


def test_the_server_says_it(http: InProcess) -> None:
    assert http("GET", "/c/v1.json").json["version"] == __version__
    assert http("GET", "/api/v1/openapi.json").json["info"]["version"] == __version__


def test_the_command_says_it() -> None:
    command = Path(sys.executable).with_name("callease")
    assert (
        subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout.strip() == __version__
    )


def test_it_is_written_down_once_for_python() -> None:
    """setup.cfg takes it from the package."""
    assert "version = attr: callease.__version__" in read("setup.cfg")
    assert "version" not in tomllib.loads(read("pyproject.toml")).get("project", {})
