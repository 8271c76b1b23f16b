"""Write what every rule prints about its page's example to ``tests/rendered/``: ``python -m tests.rendered``."""

from __future__ import annotations

import re
from pathlib import Path

from shapesolver.checking import Terms, check_text
from shapesolver.render.excerpt import plain
from shapesolver.verify import rules

FOLDER = Path(__file__).parent / "rendered"


def examples(code: str) -> list[str]:
    """The texts of a page: what has the finding, and what has not."""
    return re.findall(r"```net\n(.*?)```", rules()[code].page, re.S)


def printed(code: str, text: str) -> str:
    """What the rule prints about a text, the fixes that it offers with it."""
    found = check_text(text, "example.net", Terms(select=[code]))
    return "\n".join(plain(d, text, "example.net") for d in found if d.code == code)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for code in rules():
        if examples(code):
            (FOLDER / f"{code}.txt").write_text(printed(code, examples(code)[0]))


if __name__ == "__main__":
    main()
