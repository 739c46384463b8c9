"""`callease simulate`: the lease script and the resolver on a virtual clock, on somebody's traffic or on drawn one."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from callease.cli.errors import WrongOption, in_one_line
from callease.cli.simulate_own import run_own
from callease.planning.replay import Setup, replay
from callease.planning.replay_input import WrongInput, checked, numbers_file

_STANDARD = "-"


@in_one_line
def run(parsed: argparse.Namespace) -> int:
    if parsed.replay is None:
        if parsed.out is not None:
            raise WrongOption("--out is for --replay; --events-out keeps drawn traffic")
        return run_own(parsed)
    return _replay(parsed.replay, parsed.numbers, parsed.out, parsed.objective)


def _replay(events_path: str, numbers_path: str | None, out: str | None, objective: str) -> int:
    if numbers_path is None or out is None:
        raise WrongOption("--replay needs --numbers NUMBERS.json and --out DECISIONS.jsonl")
    if events_path == numbers_path == _STANDARD:
        raise WrongOption("--replay and --numbers cannot both be read from standard input")
    if out != _STANDARD and Path(out).resolve() in {Path(events_path).resolve(), Path(numbers_path).resolve()}:
        raise WrongOption("--out would overwrite what is read")
    with _named(numbers_path), _opened(numbers_path) as file:
        setup = _setup(file.read())
    if setup.numbers < len(setup.weights):
        print(
            f"callease: {numbers_path}: {setup.numbers} numbers for {len(setup.weights)} offices: "
            "calls of the offices that get none are answered with nulls",
            file=sys.stderr,
        )
    with _named(events_path), _opened(events_path) as lines, _written(out) as file:
        events = checked(lines, setup.weights.keys(), setup.classes)
        _write(file, replay(setup, objective, events), at_once=out == _STANDARD)
    return 0


def _setup(raw: bytes) -> Setup:
    try:
        return Setup.read(numbers_file(raw))
    except WrongInput:
        raise
    except ValueError as error:
        raise WrongInput(str(error)) from None


def _write(file: IO[str], decisions: Iterable[Mapping[str, Any]], at_once: bool) -> None:
    """`at_once` for somebody who waits for one answer before asking the next."""
    for decision in decisions:
        file.write(json.dumps(decision) + "\n")
        if at_once:
            file.flush()


@contextlib.contextmanager
def _named(path: str) -> Iterator[None]:
    """What is wrong inside is wrong in this file."""
    try:
        yield
    except WrongInput as error:
        name = "standard input" if path == _STANDARD else path
        raise WrongInput(f"{name}: {error}") from None


@contextlib.contextmanager
def _opened(path: str) -> Iterator[IO[bytes]]:
    if path == _STANDARD:
        yield sys.stdin.buffer
    else:
        with open(path, "rb") as file:
            yield file


@contextlib.contextmanager
def _written(path: str) -> Iterator[IO[str]]:
    """Written beside and renamed when all is well: under its own name there is the whole or what was there before."""
    if path == _STANDARD:
        yield sys.stdout
    elif Path(path).exists() and not Path(path).is_file():
        # A pipe or a device cannot be replaced.
        with open(path, "w", encoding="utf-8") as file:
            yield file
    else:
        final = Path(path).resolve()
        if not final.parent.is_dir():
            raise WrongOption(f"--out: there is no folder {final.parent}")
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=final.parent, prefix=f".{final.name}.", suffix=".part", delete=False
        ) as file:
            try:
                yield file
                file.flush()
                Path(file.name).replace(final)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
