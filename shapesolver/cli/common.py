"""What the commands share: options, reading a network, and how errors end a run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from shapesolver.diagnostics import Diagnostic, NetError, ShapeSolverError

if TYPE_CHECKING:
    from shapesolver.net import Net

FINDINGS, UNREADABLE = 1, 2


class Sizes(click.ParamType):  # type: ignore[type-arg]  # generic in the newest click only
    """``H=224,W=224``."""

    name = "sizes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, int]:
        """The sizes by name."""
        sizes = {}
        for piece in filter(None, value.replace(" ", "").split(",")):
            name, equals, number = piece.partition("=")
            if not (name and equals and number.isdecimal() and len(number) <= 18):
                self.fail(f"{piece!r} is no size; write H=224,W=224", param, ctx)
            sizes[name] = int(number)
        return sizes


AT = click.option("--at", type=Sizes(), default="", metavar="H=224,W=224", help="Sizes of the inputs.")
FILE = click.argument("file", type=click.Path(path_type=Path))
INPUTS = click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar='"3, H=224, W=224"',
    help="The sizes of an input, batch left out, for a model that does not state them; once for each input.",
)
OUT = click.option(
    "-o", "--output", "out", type=click.Path(path_type=Path), help="Write to this file instead of standard output."
)
NEW_FILE = 0o644
"""The permissions of a file that was not there."""


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the package's errors printed as findings, and a closed pipe ending it quietly."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except NetError as error:
            print_found(error.diagnostics, text_of(error.filename), error.filename)
            sys.exit(UNREADABLE)
        except RecursionError:
            refuse("a formula of this network nests too deep to work with; give the input sizes with --at")
        except ShapeSolverError as error:
            refuse(str(error))
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(0)

    return run


def refuse(message: str) -> NoReturn:
    """End the run: the input cannot be used."""
    click.echo(f"shapesolver: {message}", err=True)
    sys.exit(UNREADABLE)


def load_net(file: Path, at: dict[str, int], inputs: Sequence[str] = ()) -> Net:
    """The network of a file or model, or of standard input for ``-``, at these sizes; its ``inputs`` as said."""
    from shapesolver.net import load, parse

    with printed_warnings():
        net = parse(stdin_text(), "<stdin>") if str(file) == "-" else load(file, inputs)
    try:
        return net.at(**at)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--at") from None


def is_foreign(file: Path) -> bool:
    """Whether this is a model of another framework."""
    from shapesolver.exchange import is_foreign

    return is_foreign(file)


def inputs_by_file(files: Sequence[Path], inputs: Sequence[str]) -> dict[Path, Sequence[str]]:
    """What is said of inputs, for those of several files that may leave it open; a usage error where none does."""
    from shapesolver.exchange import takes_inputs

    taking = [file for file in files if takes_inputs(file)]
    if inputs and not taking:
        raise click.BadParameter("every model here states the sizes of its inputs itself", param_hint="--input")
    return {file: inputs if file in taking else () for file in files}


def foreign_text(file: Path, inputs: Sequence[str] = ()) -> str:
    """A model of another framework as a network's text, warnings printed; nothing for a file of ours."""
    return model_text(file, inputs) if is_foreign(file) else ""


def model_text(source: str | Path, inputs: Sequence[str] = ()) -> str:
    """A model as a network's text, warnings printed."""
    from shapesolver import exchange

    model = exchange.load(source, inputs)
    for warning in model.warnings:
        click.echo(f"shapesolver: {warning}", err=True)
    return model.text


@contextmanager
def printed_warnings() -> Iterator[None]:
    """Print what an import warns of on standard error."""
    import warnings

    from shapesolver.exchange.errors import ExchangeWarning

    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", ExchangeWarning)
        yield
    for warning in found:
        click.echo(f"shapesolver: {warning.message}", err=True)


def require_layer(net: Net, path: str) -> None:
    """That the network has a layer of this path; otherwise a usage error with close names."""
    try:
        net[path]
    except KeyError as error:
        raise click.BadParameter(str(error.args[0]), param_hint="LAYER") from None


def text_of(filename: str) -> str:
    """The text of a file for an excerpt; nothing where it cannot be read again."""
    from shapesolver.language import read

    try:
        return "" if is_foreign(Path(filename)) else stdin_text() if filename == "<stdin>" else read(Path(filename))
    except ShapeSolverError:
        return ""


@cache
def stdin_text() -> str:
    """Standard input, read once."""
    from shapesolver.language.source import decode

    return decode(sys.stdin.buffer.read(), "<stdin>")


def print_found(diagnostics: tuple[Diagnostic, ...], text: str, filename: str) -> None:
    """Print findings on standard error, where they do not mix with what a command prints."""
    from shapesolver.render.terminal import print_diagnostics

    print_diagnostics(diagnostics, text, filename, stderr=True)


def echo_json(value: Any) -> None:
    """Print a JSON value."""
    import json

    click.echo(json.dumps(value, indent=2))


class UnwritableError(ShapeSolverError):
    """A file that cannot be written, which is left as it was."""


def write_file(file: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; one that is there keeps its permissions. Raises :class:`UnwritableError`."""
    import tempfile

    target = file.resolve()
    data = content.encode() if isinstance(content, str) else content
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as stream:
            written = Path(stream.name)
        try:
            written.write_bytes(data)
            written.chmod(target.stat().st_mode if target.exists() else NEW_FILE)
            written.replace(target)
        except BaseException:
            written.unlink()
            raise
    except OSError as error:
        raise UnwritableError(f"{file} cannot be written: {error.strerror}") from None


def write_out(out: Path | None, content: str | bytes) -> None:
    """Write to the file that was asked for with ``-o``, or print."""
    if out is None:
        click.echo(content, nl=False)
    else:
        write_file(out, content)
