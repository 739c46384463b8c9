"""`callease init | serve | worker | demo | routes | simulate | size`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from callease import __version__
from callease.base.errors import CalleaseError, SettingError


def main(arguments: Sequence[str] | None = None) -> int:
    parsed = _parser().parse_args(arguments)
    # Until a command has its own way to end: what it has begun, such as Redis, is put away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_EXIT_ON_SIGTERM))
    os.umask(0o077)  # phones and secrets are written: nobody else's business
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        exit_code: int = parsed.run(parsed)
    except SettingError as error:
        print(f"callease: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read our output has read enough; Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except CalleaseError as error:
        print(f"callease: {_SENTENCES.get(error.code, error.code)}", file=sys.stderr)
        return 1
    return exit_code


_EXIT_ON_SIGTERM = 128 + signal.SIGTERM
_SENTENCES = {
    "database": "CALLEASE_DATABASE_URL: the database cannot be reached",
    "redis": "CALLEASE_REDIS_URL: Redis cannot be reached",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="callease", description="Call tracking for property portals.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="command")

    init = commands.add_parser("init", help="create the database, a portal owner and an API token")
    init.add_argument("--email", default="owner@localhost", help="the owner's e-mail, for the cabinet")
    init.set_defaults(run=_init)

    serve = commands.add_parser("serve", help="run the web server")
    serve.add_argument("--bind", default="127.0.0.1:8000", metavar="HOST:PORT")
    serve.add_argument("--workers", type=_at_least_one, default=2, metavar="N", help="processes (default 2)")
    serve.set_defaults(run=_serve)

    worker = commands.add_parser("worker", help="deliver events and do what is due; any number may run")
    worker.set_defaults(run=_worker)

    demo = commands.add_parser("demo", help="a portal with listings, a cabinet and a telephone, ready to try")
    demo.add_argument("--port", type=_at_least_one, default=8000, metavar="N")
    demo.add_argument("--reset", action="store_true", help="start over with fresh data")
    demo.set_defaults(run=_demo)

    routes = commands.add_parser("routes", help="the number -> office table, for a PBX to keep")
    routes.add_argument("--format", choices=("csv", "json"), default="csv")
    routes.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    routes.set_defaults(run=_routes)

    _add_simulate(commands)
    _add_size(commands)
    return parser


def _add_simulate(commands: Any) -> None:
    simulate = commands.add_parser(
        "simulate",
        help="how often the answers are right, on drawn traffic or your own",
        description="Runs the real lease script and resolver on a virtual clock; needs no server and no database.",
    )
    simulate.add_argument("--objective", choices=("both", "source", "session"), default="both", help="what to favour")
    simulate.add_argument(
        "--numbers",
        metavar="FILE | N,N",
        help="NUMBERS.json of a replay, or how many numbers to try: 60,120 or 1x,2x for so many an office",
    )

    own = simulate.add_argument_group("a replay of your own traffic; - is standard input or output")
    own.add_argument("--replay", metavar="EVENTS.jsonl", help="reveals and calls, one JSON object a line")
    own.add_argument("--out", metavar="DECISIONS.jsonl", help="the answer to each call")

    drawn = simulate.add_argument_group("drawn traffic, for Callease beside the trade's policies")
    drawn.add_argument("--preset", default="medium", metavar="NAME,NAME", help="small, medium (default) or large")
    drawn.add_argument("--reveals-a-day", type=float, metavar="N")
    drawn.add_argument("--offices", type=int, metavar="N")
    drawn.add_argument("--classes", type=int, metavar="N")
    drawn.add_argument("--days", type=float, metavar="N")
    drawn.add_argument("--seed", type=int, metavar="N")
    drawn.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="any other property of the traffic"
    )
    drawn.add_argument(
        "--policy", default="all", metavar="NAME,NAME", help="callease, load, random, oldest, owned; +memory; none"
    )
    drawn.add_argument("--policy-numbers", metavar="N,N", help="further numbers, for all but callease")
    drawn.add_argument("--json", action="store_true", help="results as JSON")
    drawn.add_argument("--plot", metavar="FOLDER", help="draw the results as SVG; needs callease[plots]")
    drawn.add_argument("--events-out", metavar="FILE", help="keep the traffic, for a replay")
    drawn.add_argument("--numbers-out", metavar="FILE", help="keep its NUMBERS.json; --numbers has one count then")
    simulate.set_defaults(run=_simulate)


def _add_size(commands: Any) -> None:
    size = commands.add_parser(
        "size",
        help="how many numbers buy which accuracy, from the log or from given rates",
        description="Draws traffic as the portal's is and replays it with several numbers: takes a minute or two.",
    )
    size.add_argument("--objective", choices=("both", "source", "session"), help="what to favour (default: the site's)")
    size.add_argument("--numbers", type=_at_least_one, metavar="N", help="numbers that you have, or think of")
    size.add_argument("--json", action="store_true", help="the result as JSON")
    size.add_argument(
        "--replayed-reveals",
        type=_at_least_one,
        default=20_000,
        metavar="N",
        help="of each replay (default 20000): fewer are quicker and less certain",
    )
    seen = size.add_argument_group("what was seen")
    seen.add_argument("--from-log", action="store_true", help="this installation's own log, measure mode included")
    seen.add_argument("--days", type=float, dest="log_days", metavar="N", help="how many days of the log (default 30)")
    seen.add_argument("--site", metavar="KEY", help="one site's reveals only")
    seen.add_argument(
        "--from-events", metavar="EVENTS.jsonl", help="reveals and calls as `simulate --replay` reads them"
    )
    given = size.add_argument_group("what is given")
    given.add_argument("--rates", metavar="FILE.json", help="reveals a day of each office and class, see docs/sizes.md")
    given.add_argument("--reveals-a-day", type=float, metavar="N")
    given.add_argument("--offices", type=int, metavar="N")
    given.add_argument("--classes", type=int, metavar="N")
    given.add_argument("--seed", type=int, metavar="N")
    given.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="any other property of the traffic"
    )
    size.set_defaults(run=_size)


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


# A command's parts are imported when it runs: `callease routes` in a PBX's cron job need not load a web server.


def _init(parsed: argparse.Namespace) -> int:
    from callease.cli.init import run

    return run(parsed.email)


def _serve(parsed: argparse.Namespace) -> int:
    from callease.cli.serve import run

    return run(parsed.bind, parsed.workers)


def _worker(_: argparse.Namespace) -> int:
    from callease.cli.worker import run

    return run()


def _demo(parsed: argparse.Namespace) -> int:
    from callease.cli.demo import run

    return run(parsed.port, parsed.reset)


def _routes(parsed: argparse.Namespace) -> int:
    from callease.cli.routes import run

    return run(parsed.format)


def _simulate(parsed: argparse.Namespace) -> int:
    from callease.cli.simulate import run

    return run(parsed)


def _size(parsed: argparse.Namespace) -> int:
    from callease.cli.size import run

    return run(parsed)
