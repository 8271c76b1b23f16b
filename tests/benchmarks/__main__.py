"""``python -m tests.benchmarks``: ours beside every peer that is installed, as a table of medians and ratios."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module, metadata
from pathlib import Path

import click

from tests.benchmarks.harness import Case, Result, readable, run

GROUPS = (
    "concrete",
    "symbolic",
    "normalising",
    "inverse",
    "valid",
    "verification",
    "starting",
    "parsing",
    "importing",
    "sweeping",
    "growth",
    "memory",
)
"""The modules of this package that hold cases, in the order of the table."""
PEERS = ("torch", "keras", "onnx", "onnxruntime", "jax", "islpy", "z3-solver", "apache-tvm", "sympy", "numpy")


@click.command()
@click.argument("groups", nargs=-1, type=click.Choice(GROUPS))
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures here, too.")
@click.option("--markdown", "page", type=click.Path(path_type=Path), help="Write the table as a page here, too.")
def main(groups: tuple[str, ...], json_file: Path | None, page: Path | None) -> None:
    """Run all GROUPS, or those named. Exit 1 where a goal was measured and missed."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    found: dict[str, list[Result]] = {}
    for group in groups or GROUPS:
        found[group] = []
        click.echo(f"\n{group}")
        for case in cases(group):
            found[group].append(run(case))
            click.echo(line(found[group][-1]))
    verdicts = [verdict for results in found.values() for result in results for verdict in result.verdicts()]
    click.echo()
    for goal, met in verdicts:
        click.echo(f"{'met   ' if met else 'MISSED'}  {goal}")
    if json_file:
        json_file.write_text(json.dumps(figures(found), indent=2) + "\n")
    if page:
        page.write_text(markdown(found))
    sys.exit(0 if all(met for _, met in verdicts) else 1)


def cases(group: str) -> Iterable[Case]:
    """The cases of one module."""
    module = import_module(f"tests.benchmarks.{group}")
    return module.cases()  # type: ignore[no-any-return]


def line(result: Result) -> str:
    """A row for the terminal."""
    peers = "   ".join(f"{peer} {told(result, peer)}" for peer in result.peers)
    return f"  {result.case.name:<34} {readable(result.ours.value, result.case.unit):>9}   {peers}"


def told(result: Result, peer: str) -> str:
    """A peer's time and how many times ours that is, or why there is none."""
    timing, ratio = result.peers[peer], result.ratio(peer)
    return timing.why if ratio is None else f"{readable(timing.value, result.case.unit)} (x {ratio:.3g})"


def machine() -> str:
    """The machine and the versions that were measured."""
    versions = ", ".join(f"{name} {version}" for name, version in installed())
    return f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}; {versions}"


def installed() -> Iterator[tuple[str, str]]:
    """The peers that are installed, and their versions."""
    for name in PEERS:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue


def figures(found: dict[str, list[Result]]) -> dict[str, object]:
    """Every figure, for machines."""
    return {
        "machine": machine(),
        "groups": {
            group: [
                {
                    "name": result.case.name,
                    "unit": result.case.unit,
                    "value": result.ours.value,
                    "peers": {
                        peer: {"value": t.value, "ratio": result.ratio(peer), "why": t.why}
                        for peer, t in result.peers.items()
                    },
                    "goals": dict(result.verdicts()),
                }
                for result in results
            ]
            for group, results in found.items()
        },
    }


def markdown(found: dict[str, list[Result]]) -> str:
    """The table for the docs."""
    lines = [f"Measured on {machine()}.", ""]
    for group, results in found.items():
        peers = list(dict.fromkeys(peer for result in results for peer in result.peers))
        lines += [f"## {group.capitalize()}", "", f"| | ours | {' | '.join(peers)} |" if peers else "| | ours |"]
        lines.append("| --- |" + " ---: |" * (1 + len(peers)))
        for result in results:
            cells = [told(result, peer) if peer in result.peers else "" for peer in peers]
            lines.append(f"| {' | '.join([result.case.name, readable(result.ours.value, result.case.unit), *cells])} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
