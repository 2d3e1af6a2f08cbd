"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from pqeval.errors import UsageError

__all__ = [
    "OUTPUT",
    "parse_groups",
    "parse_options",
    "parse_texts",
    "reading",
    "reading_several",
    "resampling",
    "rules",
    "running",
    "side",
    "take_resampling",
]

Command = TypeVar("Command", bound=Callable[..., Any])
OUTPUT = click.Path(dir_okay=False, allow_dash=True)


def _with(command: Command, options: Sequence[Callable[[Command], Command]]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def side(role: str, what: str) -> Callable[[Command], Command]:
    """Add the options that say what one side is."""
    option = click.option
    return lambda command: _with(
        command,
        [
            option(f"--{role}", type=click.Path(), help=f"{what}."),
            option(f"--{role}-folder", type=click.Path(), help="Its maps. [default: JSON without .json]"),
            *_formatted(role),
        ],
    )


def _formatted(role: str) -> list[Callable[[Command], Command]]:
    return [
        click.option(f"--{role}-format", metavar="NAME", help="Its format, where the files do not say it."),
        click.option(
            f"--{role}-option",
            f"{role}_options",
            multiple=True,
            metavar="NAME=VALUE",
            help="What its format wants to be told; repeatable.",
        ),
    ]


def reading(command: Command) -> Command:
    """Add the options that say what to read."""
    return side("gt", "Ground truth: a JSON, a folder, an archive")(
        side("pred", "Predictions: a JSON, a folder, an archive, a saved run")(_selecting(command))
    )


def reading_several(command: Command) -> Command:
    """Add the options that say what to read where predictions are arguments, and several."""
    return side("gt", "Ground truth: a JSON, a folder, an archive")(_with(_selecting(command), _formatted("pred")))


def _selecting(command: Command) -> Command:
    option = click.option
    return _with(
        command,
        [
            option("--format", metavar="NAME", help="Format of both sides; see `pqeval formats`."),
            option("--categories", metavar="FILE", help="Category table: a JSON, or the name of a built-in one."),
            option("--images", type=click.Path(), metavar="FILE", help="Only these images: an id per line."),
            option(
                "--missing",
                default="error",
                show_default=True,
                metavar="error|empty|skip",
                help="What images without prediction are.",
            ),
            option("--resize", metavar="nearest", help="Bring predictions to the size of the ground truth."),
            option(
                "--unknown",
                default="error",
                show_default=True,
                metavar="error|void|fp",
                help="What predicted segments are whose category the table lacks.",
            ),
            option(
                "--unknown-category",
                "unknown_categories",
                type=int,
                multiple=True,
                metavar="ID",
                help='A category id that means "unknown"; can be repeated.',
            ),
        ],
    )


def rules(command: Command) -> Command:
    """Add the options that say how to score."""
    return _with(
        command,
        [
            click.option("--metric", default="pq", show_default=True, help="What to compute."),
            click.option("--convention", metavar="NAME", help="Whose rules. [default: what the format suggests]"),
            click.option(
                "--group",
                "groups",
                multiple=True,
                metavar="NAME=ID,ID",
                help="A further group of categories; repeatable.",
            ),
        ],
    )


def resampling(command: Command) -> Command:
    """Add the options that say how to resample."""
    return _with(
        command,
        [
            click.option(
                "--ci-method",
                metavar="percentile|basic|bca",
                help="Which confidence interval. [default: percentile]",
            ),
            click.option("--level", type=float, help="Confidence level. [default: 0.95]"),
            click.option("--resamples", type=int, help="How many resamples. [default: 10000]"),
            click.option("--seed", type=int, help="Of the random numbers. [default: 0]"),
            click.option("--fixed-classes", is_flag=True, help="A class that a resample lacks counts as 0."),
            click.option(
                "--cluster-by",
                metavar="FILE.csv[:COLUMN]|folder|prefix",
                help="Draw images of one video, city, ... together.",
            ),
        ],
    )


def take_resampling(options: dict[str, Any]) -> dict[str, Any]:
    """Take what :func:`resampling` added out of the options of a command."""
    names = ("ci_method", "level", "resamples", "seed", "fixed_classes", "cluster_by")
    return {name: options.pop(name) for name in names}


def running(command: Command) -> Command:
    """Add the options that say how to work."""
    return _with(
        command,
        [
            click.option("--workers", type=int, help="Images worked on at once. [default: one per core]"),
            click.option(
                "--processes",
                type=int,
                default=1,
                help="Processes started afresh that share the workers. [default: 1]",
            ),
            click.option("--quiet", is_flag=True, help="No progress and no warnings."),
        ],
    )


def parse_texts(options: dict[str, Any]) -> None:
    """Turn the options of a command that are written as NAME=VALUE into what functions take."""
    for name in ("gt_options", "pred_options"):
        options[name] = parse_options(options[name], name.replace("_options", "-option"))
    if "groups" in options:
        options["groups"] = parse_groups(options["groups"])


def parse_options(texts: Sequence[str], name: str) -> dict[str, str]:
    """Read NAME=VALUE."""
    options: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals or key in options:
            raise UsageError(
                code="option-form",
                found=f"--{name} {text}" + (", which was given before" if key in options else ""),
                expected="NAME=VALUE, every name once",
                remedy="see `pqeval formats NAME`",
            )
        options[key] = value
    return options


def parse_groups(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Read NAME=ID,ID."""
    groups: dict[str, tuple[int, ...]] = {}
    for text in texts:
        name, _, ids = text.partition("=")
        try:
            numbers = tuple(int(number) for number in ids.split(","))
        except ValueError:
            numbers = ()
        if not name or not numbers or name in groups:
            raise UsageError(
                code="group-form",
                found=f"--group {text}" + (", a second group of that name" if name in groups else ""),
                expected="NAME=ID,ID,..., every name once",
                remedy="for example --group Vehicles=3,4,6",
            )
        groups[name] = numbers
    return groups
