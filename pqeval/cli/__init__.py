"""The command: parse, evaluate, report, exit code. Heavy imports wait until a command needs them."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

import click

from pqeval._version import __version__
from pqeval.cli.checking import demo, selftest
from pqeval.cli.comparing import compare
from pqeval.cli.diagnosing import diagnose
from pqeval.cli.files import convert, formats, pack
from pqeval.cli.gating import check
from pqeval.cli.progress import say
from pqeval.cli.scoring import evaluate, validate
from pqeval.errors import PqevalError, UsageError

__all__ = ["main"]

INTERRUPTED = 130


class _Group(click.Group):
    """Commands whose reader (`| head`) may leave early; click would end with 1, which means a failed check."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except BrokenPipeError:
            # What is still buffered must not be flushed into the closed pipe when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="pqeval")
def cli() -> None:
    """Panoptic quality, exact and fast.

    Scores go to standard output, progress and warnings to standard error. Exit codes: 0 done, 1 a check failed,
    2 wrong usage, 3 unusable data, 130 interrupted.
    """


for command in (evaluate, validate, check, compare, diagnose, convert, pack, formats, demo, selftest):
    cli.add_command(command)


def main() -> None:
    """Run the command and turn what it raises into an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal's encoding lacks is no reason to stop.
            stream.reconfigure(errors="backslashreplace")
    try:
        cli.main(standalone_mode=False, prog_name="pqeval")
    except PqevalError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(UsageError.exit_code)
    except OSError as error:
        say(f"error: standard output: cannot write: {error.strerror or error}")
        sys.exit(PqevalError.exit_code)
    except (KeyboardInterrupt, click.Abort):
        say("interrupted; no file was left half-written")
        sys.exit(INTERRUPTED)
