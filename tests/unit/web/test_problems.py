"""Errors on the wire."""

import ast
from pathlib import Path

import callease
from callease.base import errors
from callease.web.problems import _TITLES, status_of

_KINDS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.CalleaseError) and kind is not errors.CalleaseError
}


def _codes() -> set[str]:
    """Every code that the server's own source raises, and the default one of each kind."""
    codes = {"invalid_request", "unauthenticated", "forbidden", "not_found"}
    for path in Path(callease.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) in _KINDS - {"InvalidRequest"}:
                codes |= {each.value for each in node.args[:1] if isinstance(each, ast.Constant)}
    return codes


def test_every_code_that_can_reach_anybody_has_its_sentence() -> None:
    codes = _codes()
    assert len(codes) > 20
    # A number is shown without a lease instead: nobody is told.
    assert codes - set(_TITLES) <= {"no_numbers"}


def test_every_kind_of_error_has_its_status() -> None:
    made = [errors.InvalidRequest({}), errors.LimitExceeded("x", 1)]
    made += [getattr(errors, name)("x") for name in _KINDS - {"InvalidRequest", "LimitExceeded"}]
    assert {status_of(each) for each in made} == {400, 401, 403, 404, 409, 429, 503}
