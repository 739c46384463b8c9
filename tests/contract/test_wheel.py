"""A wheel built from the tree, installed where there is nothing else, is a whole Callease."""

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from callease import __version__
from tests.support.installation import Installation

ROOT = Path(__file__).parents[2]
NOT_COPIED = shutil.ignore_patterns(".*", "node_modules", "*.egg-info", "build", "dist", "instance", "__pycache__")
WHEEL = f"callease-{__version__}-py3-none-any.whl"


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """From a copy, so that nothing is left in the tree and nothing old in it gets into the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "tree", ignore=NOT_COPIED)
    pip("wheel", "--no-deps", "--wheel-dir", folder, folder / "tree")
    return folder / WHEEL


@pytest.fixture(scope="module")
def environment(wheel: Path) -> Path:
    """An empty virtual environment, then the wheel with what it asks for, in the versions of the tests."""
    folder = wheel.parent / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    pip("--python", folder, "install", "--constraint", ROOT / "constraints.txt", wheel)
    return folder


def test_what_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
        metadata = packed.read(f"callease-{__version__}.dist-info/METADATA").decode()
    server = {path.relative_to(ROOT / "server").as_posix() for path in (ROOT / "server" / "callease").rglob("*")
              if path.is_file() and "__pycache__" not in path.parts}  # fmt: skip
    assert server <= names
    scripts = {path.relative_to(ROOT / "static" / "js").as_posix() for path in (ROOT / "static" / "js").rglob("*.js")}
    data = f"callease-{__version__}.data/data/share/callease/js"
    assert {f"{data}/{name}" for name in scripts} | {f"{data}/SIZES.json"} <= names
    assert f"callease-{__version__}.dist-info/licenses/LICENSE" in names
    assert not [name for name in names if name.startswith(("tests", "server", "node_modules"))]
    assert re.search(r"^License-Expression: MIT$|^License: MIT$", metadata, re.M)


def test_installed_it_serves_the_script_the_cabinet_and_the_api(
    environment: Path, install: Callable[..., Installation], monkeypatch: pytest.MonkeyPatch
) -> None:
    where = subprocess.run(
        [environment / "bin" / "python", "-c", "import callease; print(callease.__file__)"],
        capture_output=True, text=True, check=True, cwd="/",
    ).stdout  # fmt: skip
    assert Path(where).is_relative_to(environment)
    monkeypatch.setattr("tests.support.installation._COMMAND", environment / "bin" / "callease")
    installation = install().up()
    http = installation.http
    assert http("GET", "/c/v1.js").body == (ROOT / "static" / "js" / "v1.min.js").read_bytes()
    assert http("GET", f"/c/v{__version__}.js").status == 200
    login = http("GET", "/cabinet/login")
    assert login.status == 200
    for address in re.findall(r'(?:href|src)="(/[^"]+\.(?:css|js|svg))"', login.body.decode()):
        assert http("GET", address).status == 200, address
    assert http("GET", "/api/v1/docs").status == 200
    assert http("GET", "/readyz").json == {"status": "ok", "down": []}
    cast = installation.cast()
    shown = cast.page().reveal("ZHK-1001", visitor="v").json
    assert shown["kind"] == "dynamic"
    cast.telephone.call(shown["number"])
    (lead,) = cast.api.all("/leads")
    assert lead["listing"]["id"] == "ZHK-1001"
