"""The command line: ``shapesolver show mnist.net``. One file a command, imported when it is asked for.

Exit codes: 0 clean, 1 findings, 2 usage or unreadable input, 130 interrupted.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from shapesolver import __version__

COMMANDS = {
    "show": "show",
    "cost": "cost",
    "compare": "compare",
    "check": "check",
    "ask": "ask",
    "why": "why",
    "field": "field",
    "align": "align",
    "draw": "draw",
    "explain": "explain",
    "convert": "convert",
    "layers": "layers",
    "fmt": "format",
    "import": "import_",
    "export": "export",
}
"""Each command and the module of this package that holds it, in the order of the help."""


INTERRUPTED = 130
"""128 and the number of the signal, as shells have it."""


class Commands(click.Group):
    """A group whose commands are imported by name, so that each pays for itself alone."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"shapesolver.cli.{COMMANDS[cmd_name]}")
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; Ctrl-C ends it quietly, with the exit code that shells give it."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="shapesolver")
def main() -> None:
    """Sizes of neural-network layers: what comes out, what must go in, and what is lost."""
