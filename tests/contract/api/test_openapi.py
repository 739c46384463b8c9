"""The OpenAPI document: valid, complete, and true."""

import re
from collections import Counter
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.definitions import OPENAPI_31

from callease import __version__
from tests.contract.conftest import Operation
from tests.factories import Cast
from tests.support.http import InProcess
from tests.support.size import Size

PROBLEMS = {"400", "401", "403", "404"}


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.1\.\d", document["openapi"])
    errors = list(jsonschema_rs.validator_for(OPENAPI_31).iter_errors(document))
    assert not errors, errors


def test_it_says_what_it_is_of(document: dict[str, Any]) -> None:
    assert document["info"]["version"] == __version__
    assert document["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}


def test_every_operation_has_a_success_and_problems(operations: list[Operation]) -> None:
    for operation in operations:
        answers = operation.document["responses"]
        successes = [status for status in answers if status.startswith("2")]
        assert successes, str(operation)
        assert set(answers) >= PROBLEMS, str(operation)
        for status, answer in answers.items():
            kind = "application/problem+json" if status.startswith("4") else "application/json"
            assert list(answer.get("content", {})) == ([] if status == "204" else [kind]), f"{operation} {status}"


def test_every_operation_has_a_name_and_a_sentence(operations: list[Operation]) -> None:
    names = [operation.document["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(operation.document["summary"].strip() for operation in operations)


def test_what_is_created_answers_201(operations: list[Operation]) -> None:
    for operation in operations:
        if operation.method == "post" and not operation.in_path:
            assert "201" in operation.document["responses"], str(operation)
            assert operation.document["requestBody"]["required"], str(operation)


def test_a_change_requires_no_field(operations: list[Operation], document: dict[str, Any]) -> None:
    changes = [each for each in operations if each.method == "patch"]
    assert changes
    for operation in changes:
        reference = operation.document["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        assert "required" not in document["components"]["schemas"][reference.rpartition("/")[2]], str(operation)


def test_patterns_are_javascripts(document: dict[str, Any]) -> None:
    """JSON Schema's own dialect: `\\A` and `\\Z` are Python's."""
    patterns = re.findall(r"'pattern': '([^']*)'", str(document["components"]))
    assert patterns
    assert not [each for each in patterns if "\\A" in each or "\\Z" in each]


def test_every_route_of_the_api_is_in_it(app: Flask, operations: list[Operation]) -> None:
    described = {(each.method.upper(), each.path) for each in operations}
    served = {
        (method, re.sub(r"<(?:[^:<>]*(?:\([^)]*\))?:)?([a-z_]+)>", r"{\1}", rule.rule.removeprefix("/api/v1")))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.rule not in ("/api/v1/openapi.json", "/api/v1/docs")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert served == described


def test_the_page_for_people_shows_all_of_it(http: InProcess, operations: list[Operation]) -> None:
    answer = http("GET", "/api/v1/docs")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    text = answer.body.decode()
    assert not [str(operation) for operation in operations if operation.path not in text]
    assert not re.search(r"<script|<style|\son\w+=|\sstyle=", text)


_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


class Questioner:
    """Asks generated requests, half of them about rows that are there."""

    def __init__(self, cast: Cast, examples: int) -> None:
        self._cast = cast
        self._headers = {"Authorization": f"Bearer {cast.token('owner')}"}
        self._settings = settings(
            max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        self.answers: Counter[int] = Counter()

    def ask_all(self, operation: Any, mode: GenerationMode) -> None:
        resource = operation.path.split("/")[3]
        there = [row["id"] for row in self._cast.api.all(f"/{resource}")] if "{id}" in operation.path else []

        @self._settings
        @given(st.data())
        def ask(data: st.DataObject) -> None:
            case = data.draw(operation.as_strategy(generation_mode=mode))
            # Whoever retires the token that asks asks no more.
            if there and operation.method != "delete" and data.draw(st.booleans()):
                case.path_parameters["id"] = data.draw(st.sampled_from(there))
            response = case.call(headers=self._headers)
            case.validate_response(response, checks=_CHECKS)
            self.answers[response.status_code] += 1

        ask()


@pytest.mark.parametrize("mode", GenerationMode)
def test_answers_are_as_documented(app: Flask, cast: Cast, size: Size, mode: GenerationMode) -> None:
    cast.telephone.call(cast.alatau_sales.numbers[0][1])
    questioner = Questioner(cast, size.pick(12, 500))
    for result in schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app).get_all_operations():
        questioner.ask_all(result.ok(), mode)
    successes = sum(count for status, count in questioner.answers.items() if status < 300)
    assert successes > 50 or mode is GenerationMode.NEGATIVE, questioner.answers
    assert questioner.answers[400] > 50 or mode is GenerationMode.POSITIVE, questioner.answers
