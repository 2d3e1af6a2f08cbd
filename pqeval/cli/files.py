"""``pqeval formats``, and what makes files of files."""

from __future__ import annotations

import sys
from typing import Any

import click

from pqeval.cli.options import parse_options
from pqeval.cli.progress import progress_bar, say

__all__ = ["convert", "formats", "pack"]


@click.command()
@click.argument("name", required=False)
def formats(name: str | None) -> None:
    """List the formats, or show the files that one expects."""
    from pqeval.formats import room

    if name is not None:
        module = room.get(name)
        click.echo(f"{module.DESCRIPTION}\n\n{module.LAYOUT}", nl=False)
        if getattr(module, "OPTIONS", None):
            table = click.HelpFormatter(indent_increment=2, width=100)
            table.indent()
            table.write_dl(list(module.OPTIONS.items()))
            click.echo(f"\nOptions (--gt-option, --pred-option):\n{table.getvalue()}", nl=False)
        click.echo(f"\nConvention: {module.CONVENTION}")
        if hasattr(module, "write"):
            click.echo(f"Can be written: pqeval convert SOURCE OUTPUT --to {name}")
        return
    known = room.available()
    for each in known:
        click.echo(f"{each:<{max(map(len, known)) + 2}}{room.get(each).DESCRIPTION}")
    written = [each for each in known if hasattr(room.get(each), "write")]
    click.echo(f"\nWritten by `pqeval convert --to`: {', '.join(written)}")


@click.command()
@click.argument("source", type=click.Path())
@click.argument("output", type=click.Path())
@click.option("--format", metavar="NAME", help="Format of the source, where the files do not say it.")
@click.option("--to", default="coco", show_default=True, metavar="NAME", help="Format to write.")
@click.option(
    "--overlap",
    metavar="error|first|last|smaller-on-top",
    help="Where masks overlap: which one a shared pixel belongs to. [default: what the format says]",
)
@click.option("--prediction", is_flag=True, help="The source is predictions, not ground truth.")
@click.option("--folder", type=click.Path(), help="Maps of the source. [default: JSON without .json]")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="What its format wants to be told.")
@click.option("--categories", metavar="FILE", help="Category table: a JSON, or the name of a built-in one.")
@click.option("--images", type=click.Path(), metavar="FILE", help="Only these images: an id per line.")
@click.option("--quiet", is_flag=True, help="No progress.")
def convert(prediction: bool, quiet: bool, options: tuple[str, ...], **rest: Any) -> None:
    """Write SOURCE in another format.

    OUTPUT is a JSON for COCO-like formats, else a folder.
    """
    from pqeval.conversion import convert as run

    role = "pred" if prediction else "gt"
    with progress_bar(quiet) as progress:
        images = run(role=role, options=parse_options(options, "option"), progress=progress, **rest)
    click.echo(f"{images} image{'' if images == 1 else 's'} written as {rest['to']} to {rest['output']}")


@click.command()
@click.argument("pred", type=click.Path())
@click.argument("output", type=click.Path(dir_okay=False))
@click.option("--server", default="coco", show_default=True, metavar="coco|cityscapes", help="Whose rules.")
@click.option(
    "--images",
    type=click.Path(),
    metavar="FILE",
    help="What the server expects: a JSON with images, or an image id per line.",
)
@click.option("--format", metavar="NAME", help="Format of the predictions, where the files do not say it.")
@click.option("--folder", type=click.Path(), help="Their maps. [default: JSON without .json]")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="What the format wants to be told.")
@click.option("--categories", metavar="FILE", help="Another category table than the server's.")
@click.option("--quiet", is_flag=True, help="No progress and no warnings.")
def pack(quiet: bool, options: tuple[str, ...], **rest: Any) -> None:
    """Check predictions and zip them for a server.

    JSON and folder in the zip are named as the zip: give it the name that the server asks for.
    """
    from pqeval.packing import pack as run

    with progress_bar(quiet) as progress:
        done = run(options=parse_options(options, "option"), progress=progress, **rest)
    if not quiet:
        for warning in done.warnings:
            say(f"warning: [{warning.code}] {warning}")
        if rest["images"] is None:
            say("warning: no --images, so nobody knows whether images lack")
    sys.stdout.write(f"{done.images} image{'' if done.images == 1 else 's'} packed into {rest['output']}\n")
