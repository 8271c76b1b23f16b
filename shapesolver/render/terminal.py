"""What the command line prints: tables and excerpts, in colour where the terminal has it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shapesolver.diagnostics import Diagnostic
from shapesolver.render.excerpt import pieces
from shapesolver.render.summary import Summary, cells, headers, headline, totals

if TYPE_CHECKING:
    from shapesolver.render.cost import Report
    from shapesolver.solve.agreement import Comparison

PIPE_WIDTH = 160
"""The width of tables that no terminal shows."""


def console(stderr: bool = False) -> Console:
    """A console that fits the terminal; NO_COLOR, pipes and COLUMNS are honoured."""
    stream = sys.stderr if stderr else sys.stdout
    width = shutil.get_terminal_size().columns if stream.isatty() else None
    return Console(stderr=stderr, highlight=False, soft_wrap=not stream.isatty(), width=width or PIPE_WIDTH)


def summary_table(summary: Summary, formulas: bool, weights: bool) -> Table:
    """The summary as a rich table."""
    table = Table(title=headline(summary), title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in headers(formulas, weights):
        right = column == "parameters"
        table.add_column(column, justify="right" if right else "left", overflow="fold", no_wrap=column == "size")
    for row in summary.rows:
        table.add_row(*(Text(text) for text in cells(row, formulas, weights)))
    table.caption, table.caption_justify, table.caption_style = totals(summary), "left", ""
    return table


def print_summary(summary: Summary, formulas: bool, weights: bool) -> None:
    """Print the table."""
    console().print(summary_table(summary, formulas, weights))


def print_cost(report: Report) -> None:
    """Print what a network costs: the table, then the totals, each under its label."""
    from shapesolver.render import cost

    table = Table(title=cost.headline(report), title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in cost.COLUMNS:
        left = column in cost.TEXT_COLUMNS
        table.add_column(column, justify="left" if left else "right", overflow="fold", no_wrap=not left)
    *rows, total = cost.cells(report)
    for row in rows:
        table.add_row(*map(Text, row))
    table.add_row(*map(Text, total), style="bold")
    totals = Table.grid(padding=(0, 2))
    for label, text in cost.closing(report):
        totals.add_row(Text(label), Text(text))
    out = console()
    out.print(table)
    out.print()
    out.print(totals)


def print_comparison(shown: Comparison) -> None:
    """Print two networks side by side."""
    from shapesolver.render import comparison

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in comparison.columns(shown):
        table.add_column(column, justify="right" if column in ("parameters", "MACs") else "left", overflow="fold")
    *rows, total = comparison.cells(shown)
    for row in rows:
        table.add_row(*map(Text, row))
    table.add_row(*map(Text, total), style="bold")
    out = console()
    out.print(table)
    out.print()
    out.print(Text(comparison.closing(shown)))


def print_diagnostics(diagnostics: Iterable[Diagnostic], source: str, filename: str, stderr: bool = False) -> None:
    """Print excerpts, an empty line between them."""
    out = console(stderr)
    for diagnostic in diagnostics:
        text = Text()
        for piece, style in pieces(diagnostic, source, filename):
            text.append(piece, style)
        out.print(text)
