"""The command line: ``shapesolver show mnist.net``.

Exit codes: 0 clean, 1 findings, 2 usage or unreadable input.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from shapesolver import __version__
from shapesolver.diagnostics import Diagnostic, NetError, Severity, ShapeSolverError

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


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="shapesolver")
def main() -> None:
    """Sizes of neural-network layers: what comes out, what must go in, and what is lost."""


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the package's errors printed as findings, and an interrupt ending it quietly."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except NetError as error:
            _print_found(error.diagnostics, _text_of(error.filename), error.filename)
            sys.exit(UNREADABLE)
        except ShapeSolverError as error:
            _refuse(str(error))
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(0)

    return run


def _refuse(message: str) -> NoReturn:
    click.echo(f"shapesolver: {message}", err=True)
    sys.exit(UNREADABLE)


def _text_of(filename: str) -> str:
    """The text of a file for an excerpt; nothing where it cannot be read again."""
    from shapesolver.language import read

    try:
        return _stdin() if filename == "<stdin>" else read(Path(filename))
    except ShapeSolverError:
        return ""


@cache
def _stdin() -> str:
    """Standard input, read once."""
    from shapesolver.language.source import decode

    return decode(sys.stdin.buffer.read(), "<stdin>")


def _print_found(diagnostics: tuple[Diagnostic, ...], text: str, filename: str) -> None:
    from shapesolver.render.terminal import print_diagnostics

    print_diagnostics(diagnostics, text, filename, stderr=True)


def _load(file: Path, at: dict[str, int]) -> Net:
    from shapesolver.net import load, parse

    net = parse(_stdin(), "<stdin>") if str(file) == "-" else load(file)
    try:
        return net.at(**at)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--at") from None


@main.command()
@FILE
@AT
@click.option("--formulas", is_flag=True, help="Show every size as a formula in the input sizes, too.")
@click.option("--weights", is_flag=True, help="Show the shapes of all weights.")
@click.option("--format", "style", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@guarded
def show(file: Path, at: dict[str, int], formulas: bool, weights: bool, style: str) -> None:
    """Every layer of FILE: what it is, its size, its weights and parameters."""
    from shapesolver.render import summary

    net = _load(file, at)
    table = summary.summarise(net)
    if style == "json":
        import json

        click.echo(json.dumps(summary.to_json(table), indent=2))
    elif style == "markdown":
        click.echo(summary.to_markdown(table, formulas, weights), nl=False)
    else:
        from shapesolver.render.terminal import print_summary

        print_summary(table, formulas, weights)
    _report(net.usual())


def _report(net: Net) -> None:
    """Print what is wrong with a network that was shown all the same; exit 1 if something is."""
    found = net.check()
    if found:
        _print_found(found, net.text, net.filename)
    if any(d.severity is Severity.ERROR for d in found):
        sys.exit(FINDINGS)


@main.command()
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@AT
@guarded
def check(files: tuple[Path, ...], at: dict[str, int]) -> None:
    """What in FILES cannot be built, and which of their claims do not hold."""
    codes = {_check_one(file, at) for file in files}
    sys.exit(max(codes))


def _check_one(file: Path, at: dict[str, int]) -> int:
    """Check one file; its exit code. A broken file among many does not stop the run."""
    from shapesolver.render.terminal import print_diagnostics

    try:
        net = _load(file, at)
    except NetError as error:
        print_diagnostics(error.diagnostics, _text_of(error.filename), error.filename)
        return FINDINGS
    except ShapeSolverError as error:
        click.echo(f"shapesolver: {error}", err=True)
        return UNREADABLE
    found = net.usual().check()
    print_diagnostics(found, net.text, net.filename)
    if not found:
        click.echo(f"{file}: {len(net)} layers, nothing to report")
    return FINDINGS if found else 0


@main.command()
@FILE
@click.argument("layer")
@AT
@guarded
def why(file: Path, layer: str, at: dict[str, int]) -> None:
    """Why LAYER of FILE has its size: the chain of formulas from the input, with their lines."""
    from shapesolver.provenance import explain
    from shapesolver.render.provenance import chain_text

    net = _load(file, at)
    try:
        net[layer]
    except KeyError as error:
        raise click.BadParameter(str(error.args[0]), param_hint="LAYER") from None
    click.echo(chain_text(explain(net, layer)))


@main.command()
@FILE
@click.argument("question")
@AT
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@guarded
def ask(file: Path, question: str, at: dict[str, int], style: str) -> None:
    """Answer a QUESTION about FILE, such as "what input size gives 2x2"."""
    from shapesolver.render.answer import answer_json, answer_text

    answer = _load(file, at).ask(question)
    if style == "json":
        import json

        click.echo(json.dumps(answer_json(answer), indent=2))
    else:
        click.echo(answer_text(answer))
    sys.exit(0 if answer else FINDINGS)


@main.command()
@click.argument("name", required=False)
@click.option("--format", "style", type=click.Choice(["text", "markdown"]), default="text", show_default=True)
def layers(name: str | None, style: str) -> None:
    """The layers of the language, or all about the layer NAME (by any framework's name for it)."""
    from shapesolver.layers.registry import spellings, suggestions
    from shapesolver.render import reference

    if name is None:
        click.echo(reference.page() if style == "markdown" else reference.all_layers(), nl=False)
        return
    found = spellings().get(name)
    if found is None:
        close = " or ".join(suggestions(name))
        hint = f"; did you mean {close}?" if close else ""
        raise click.BadParameter(f"no layer is called {name!r}{hint}", param_hint="NAME")
    click.echo(reference.one_layer(found.kind), nl=False)


@main.command(name="fmt")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
@guarded
def format_command(files: tuple[Path, ...], only_check: bool, diff: bool) -> None:
    """Rewrite FILES in the canonical layout and spelling; `-` formats standard input to standard output."""
    changed = False
    for file in files:
        name, text, formatted = _formatted(file)
        if diff:
            click.echo("".join(_difference(name, text, formatted)), nl=False)
        elif only_check:
            if text != formatted:
                click.echo(f"would reformat {name}")
        elif str(file) == "-":
            click.echo(formatted, nl=False)
        elif text != formatted:
            _replace(file, formatted)
            click.echo(f"reformatted {name}")
        changed = changed or text != formatted
    sys.exit(FINDINGS if changed and (only_check or diff) else 0)


def _formatted(file: Path) -> tuple[str, str, str]:
    """A file's name, its text, and its text in canonical form; raises :class:`NetError`."""
    from shapesolver.language import format_tree, parse, read
    from shapesolver.model.canonical import canonical_file

    name = "<stdin>" if str(file) == "-" else str(file)
    text = _stdin() if str(file) == "-" else read(file)
    parsed = parse(text, name)
    if parsed.diagnostics:
        raise NetError(parsed.diagnostics, name)
    return name, text, format_tree(canonical_file(parsed.tree))


def _difference(name: str, old: str, new: str) -> Iterator[str]:
    import difflib

    return difflib.unified_diff(old.splitlines(True), new.splitlines(True), name, f"{name} (formatted)")


def _replace(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    import tempfile

    target = file.resolve()
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="", dir=target.parent, prefix=f".{target.name}.", delete=False
        ) as stream:
            written = Path(stream.name)
            stream.write(text)
        try:
            written.chmod(target.stat().st_mode)
            written.replace(target)
        except BaseException:
            written.unlink()
            raise
    except OSError as error:
        _refuse(f"{file} cannot be written: {error.strerror}")
