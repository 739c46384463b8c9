"""How a command that reads somebody's files says what is wrong: in one line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import wraps

_Command = Callable[[argparse.Namespace], int]
_EXIT_ON_INTERRUPT = 130


class WrongOption(ValueError):
    """One sentence for whoever typed the command."""


def in_one_line(command: _Command) -> _Command:
    """Errors are one line on stderr: 2 for what was asked, 1 for what was found."""

    @wraps(command)
    def run(parsed: argparse.Namespace) -> int:
        try:
            return command(parsed)
        except WrongOption as error:
            return _say(str(error), 2)
        except BrokenPipeError:
            raise
        except OSError as error:
            return _say(f"{error.filename}: {error.strerror}" if error.filename else str(error), 1)
        except (ValueError, RuntimeError) as error:
            # A machine without a Redis is told by a RuntimeError.
            return _say(str(error), 1)
        except KeyboardInterrupt:
            return _EXIT_ON_INTERRUPT

    return run


def _say(sentence: str, exit_code: int) -> int:
    print(f"callease: {sentence}", file=sys.stderr)
    return exit_code
