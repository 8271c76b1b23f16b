"""A network in a notebook: the summary as an HTML table."""

from __future__ import annotations

from html import escape

from shapesolver.network import Network
from shapesolver.render.summary import cells, headers, headline, summarise, totals


def summary_html(net: Network) -> str:
    """The table, every text escaped."""
    summary = summarise(net)
    head = "".join(f"<th style='text-align:left'>{escape(column)}</th>" for column in headers(True, False))
    rows = "".join(
        "<tr>"
        + "".join(f"<td style='text-align:left'>{escape(text)}</td>" for text in cells(row, True, False))
        + "</tr>"
        for row in summary.rows
    )
    return (
        f"<table><caption>{escape(headline(summary))}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table><p>{escape(totals(summary))}</p>"
    )
