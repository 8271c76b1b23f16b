"""``shapesolver check``: folders, settings, formats, exit codes, fixes, and hostile input."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

import shapesolver
from shapesolver.cli import COMMANDS, main
from shapesolver.verify import rules

ROOT = Path(__file__).parents[1]
GOOD = "image = input(28, 28, 1)\nconv(32, kernel=3)\n"
LARGE = "image = input(4, 4, 1)\nx = conv(8, kernel=5)\n"
MISSPELT = "image = input(28, 28, 1)\ncov(8, kernel=5)\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", *arguments], env={"NO_COLOR": "1"})


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.net").write_text(text)


# Text, JSON, GitHub, SARIF: whole outputs.


def test_the_whole_text(here: Path) -> None:
    write(here, good=GOOD, large=LARGE)
    done = check("good.net", "large.net")
    assert done.exit_code == 1
    assert [line.rstrip() for line in done.stdout.splitlines()] == [
        "error[SS102] kernel-too-large: x: conv's window spans 5 cells, and its input with padding has 4",
        " --> large.net:2:5",
        "  |",
        "1 | image = input(4, 4, 1)",
        "  |         -------------- image: 4 x 4 x 1",
        "2 | x = conv(8, kernel=5)",
        "  |     ^^^^^^^^^^^^^^^^^ (4 + 0 - 5)/1 + 1 is less than 1",
        "  |",
        "  = note: Keras says: Computed output size would be zero or negative.",
        "  = try:  input 5 x 5 (5 or more)",
        "  = try:  padding=((0, 1), (0, 1)), which makes 1",
        "",
        "2 files: 1 error in 1 of them",
    ]
    assert check("good.net").stdout == "good.net: nothing to report\n"


def test_the_whole_json(here: Path) -> None:
    write(here, wrong=MISSPELT)
    assert json.loads(check("wrong.net", "missing.net", "--format", "json").stdout) == {
        "version": shapesolver.__version__,
        "files": 2,
        "findings": [
            {
                "file": "wrong.net",
                "code": "SS020",
                "name": "unknown-layer",
                "severity": "error",
                "message": "unknown layer `cov`",
                "label": "",
                "layer": "",
                "axis": "",
                "where": True,
                "known": True,
                "span": {"line": 2, "column": 1, "end_line": 2, "end_column": 4},
                "related": [],
                "advice": [{"kind": "try", "text": "did you mean `conv`?"}],
                "fixes": [
                    {
                        "kind": "meant",
                        "title": "write `conv`",
                        "safe": True,
                        "sizes": {},
                        "edits": [
                            {"span": {"line": 2, "column": 1, "end_line": 2, "end_column": 4}, "text": "conv"},
                        ],
                    }
                ],
            }
        ],
        "unreadable": [{"file": "missing.net", "reason": "missing.net does not exist"}],
    }


def test_the_whole_github_output(here: Path) -> None:
    (here / "a, b%.net").write_text(LARGE)
    done = check("a, b%.net", "missing.net", "--format", "github")
    assert done.exit_code == 2
    assert done.stdout.splitlines() == [
        "::error file=a%2C b%25.net,line=2,endLine=2,col=5,endColumn=22,title=SS102 kernel-too-large::"
        "x: conv's window spans 5 cells, and its input with padding has 4"
        "%0Anote: Keras says: Computed output size would be zero or negative."
        "%0Atry: input 5 x 5 (5 or more)"
        "%0Atry: padding=((0, 1), (0, 1)), which makes 1"
        "%0Atry: kernel=4, which makes 1",
        "::error file=missing.net,title=unreadable::missing.net does not exist",
    ]


def sarif(*arguments: str) -> dict[str, object]:
    """The log, valid by the public schema: of OASIS, as the JSON Schema Store has it."""
    log: dict[str, object] = json.loads(check(*arguments, "--format", "sarif").stdout)
    schema = json.loads((ROOT / "tests" / "schemas" / "sarif-2.1.0.json").read_text())
    jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker()).validate(log)
    return log


def test_the_whole_sarif_result(here: Path) -> None:
    (here / "a b.net").write_text("#\U0001f600\n" + LARGE)
    (run,) = sarif("a b.net")["runs"]  # type: ignore[misc,index]
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]
    (result,) = run["results"]
    place = {"uri": "a%20b.net"}
    assert result == {
        "ruleId": "SS102",
        "ruleIndex": [*rules()].index("SS102"),
        "level": "error",
        "message": {
            "text": "x: conv's window spans 5 cells, and its input with padding has 4\n"
            "note: Keras says: Computed output size would be zero or negative.\n"
            "try: input 5 x 5 (5 or more)\n"
            "try: padding=((0, 1), (0, 1)), which makes 1\n"
            "try: kernel=4, which makes 1"
        },
        "locations": [
            {
                "physicalLocation": {"artifactLocation": place, "region": region(3, 5, 22)},
                "logicalLocations": [{"fullyQualifiedName": "x", "kind": "object"}],
            }
        ],
        "relatedLocations": [
            {
                "id": 0,
                "message": {"text": "image: 4 x 4 x 1"},
                "physicalLocation": {"artifactLocation": place, "region": region(2, 9, 23)},
            }
        ],
        "fixes": [
            sarif_fix("input 5 x 5 (5 or more)", (region(2, 15, 16), "5"), (region(2, 18, 19), "5")),
            sarif_fix("padding=((0, 1), (0, 1)), which makes 1", (region(3, 21, 21), ", padding=((0, 1), (0, 1))")),
            sarif_fix("kernel=4, which makes 1", (region(3, 20, 21), "4")),
        ],
    }
    described = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in described] == [*rules()]
    assert all(rule["help"]["markdown"] for rule in described)


def region(line: int, start: int, end: int) -> dict[str, int]:
    return {"startLine": line, "startColumn": start, "endLine": line, "endColumn": end}


def sarif_fix(title: str, *edits: tuple[dict[str, int], str]) -> dict[str, object]:
    replacements = [{"deletedRegion": where, "insertedContent": {"text": text}} for where, text in edits]
    return {
        "description": {"text": title},
        "artifactChanges": [{"artifactLocation": {"uri": "a%20b.net"}, "replacements": replacements}],
    }


def test_sarif_of_all_sorts_of_files_is_valid(here: Path) -> None:
    write(here, good=GOOD, large=LARGE, wrong=MISSPELT, empty="", broken="x = (")
    (here / "bytes.net").write_bytes(b"\xff\xfe\x00")
    log = sarif(".", "missing.net", "../elsewhere/missing.net", str(ROOT / "docs" / "examples"))
    (run,) = log["runs"]  # type: ignore[misc]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert {result["ruleId"] for result in run["results"]} >= {"SS102", "SS020", "SS026", "SS002", "SS003"}


# Files and folders.


def test_a_folder_is_searched_and_sorted(here: Path) -> None:
    for name in ("b", "a/deep", ".hidden", "env", "node_modules"):
        (here / name).mkdir(parents=True)
        write(here / name, one=MISSPELT)
    (here / "env" / "pyvenv.cfg").touch()
    write(here, z=MISSPELT)
    (here / ".secret.net").write_text(MISSPELT)
    (here / "notes.txt").write_text(MISSPELT)
    found = json.loads(check(".", "z.net", "--format", "json").stdout)
    assert [finding["file"] for finding in found["findings"]] == ["z.net", "a/deep/one.net", "b/one.net"]
    assert found["files"] == 3


def test_a_folder_without_files_is_a_mistake(here: Path) -> None:
    done = check(".")
    assert done.exit_code == 2
    assert "there is no .net file in ." in done.stderr


def test_links_that_go_in_circles(here: Path) -> None:
    (here / "sub").mkdir()
    write(here / "sub", one=GOOD)
    (here / "sub" / "back").symlink_to(here)
    (here / "loop.net").symlink_to(here / "loop.net")
    done = check(".")
    assert done.exit_code == 2
    assert "loop.net cannot be read: Too many levels of symbolic links" in done.stderr
    assert done.stdout == "2 files: nothing to report; 1 not read\n"


def test_one_broken_file_among_a_thousand(here: Path) -> None:
    for number in range(1000):
        (here / f"{number:04}.net").write_text(GOOD if number != 500 else "x = ((")
    done = check(".")
    assert done.exit_code == 1
    assert "--> 0500.net:1:6" in done.stdout
    assert re.search(r"^1,000 files: 1 error in 1 of them$", done.stdout, re.M)


def test_a_terminal_shows_progress_on_many_files(here: Path) -> None:
    pty = pytest.importorskip("pty")
    for number in range(20):
        (here / f"{number}.net").write_text(GOOD)
    reader, writer = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-m", "shapesolver", "check", "."], stderr=writer, stdout=subprocess.PIPE, env=environment
    )
    os.close(writer)
    assert b"checking" in os.read(reader, 100_000)
    assert done.stdout == b"20 files: nothing to report\n"


def test_standard_input(here: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "shapesolver", "check", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, input=MISSPELT, capture_output=True, text=True, env=environment)

    assert "--> <stdin>:2:1" in run("-").stdout
    assert "+conv(8, kernel=5)" in run("-", "--diff").stdout
    done = run("-", "--fix")
    assert done.returncode == 2
    assert "standard input cannot be written; --diff shows what --fix would change" in done.stderr


# Rules, sizes and settings.


def test_rules_are_selected_and_ignored(here: Path) -> None:
    write(here, large=LARGE)
    assert check("large.net", "--select", "SS104,empty-size").exit_code == 0
    assert check("large.net", "--select", "SS1").exit_code == 1
    assert check("large.net", "--select", "all", "--ignore", "kernel-too-large").exit_code == 0
    done = check("large.net", "--ignore", "kernel-to-large")
    assert done.exit_code == 2
    assert "no rule is called `kernel-to-large`; did you mean `kernel-too-large`?" in done.stderr


def test_a_file_that_cannot_be_read_as_a_network_is_reported_whatever_is_selected(here: Path) -> None:
    write(here, wrong=MISSPELT)
    assert check("wrong.net", "--select", "SS1").exit_code == 1


def test_sizes_are_for_the_files_named_and_for_those_in_folders_that_have_them(here: Path) -> None:
    (here / "nets").mkdir()
    write(here / "nets", wide=LARGE, text="tokens = input(L=10, 8)\nconv(8, kernel=3)\n")
    assert check("nets", "--at", "H=9,W=9").exit_code == 0
    assert check("nets", "--at", "L=2").exit_code == 1
    done = check("nets/wide.net", "--at", "L=2")
    assert done.exit_code == 2
    assert "unknown size L; the sizes of this network are H, W" in done.stderr


def test_the_nearest_settings_count(here: Path) -> None:
    (here / "pyproject.toml").write_text('[tool.shapesolver]\nignore = ["SS102"]\nexclude = ["old", "x_*.net"]\n')
    for name in ("inner", "old", "other"):
        (here / name).mkdir()
        write(here / name, large=LARGE, x_large=MISSPELT)
    (here / "inner" / "pyproject.toml").write_text("[tool.other]\n")
    (here / "other" / "pyproject.toml").write_text("[tool.shapesolver]\nat = { H = 9, W = 9 }\n")
    assert check("inner").exit_code == 0
    assert check("inner/x_large.net").exit_code == 1
    assert json.loads(check(".", "--format", "json").stdout)["files"] == 3
    assert check("other/large.net").exit_code == 0
    assert check("other/large.net", "--at", "H=3").exit_code == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.shapesolver", "is not TOML: Expected ']'"),
        ("\x00\xff", "is not TOML"),
        ("[tool.shapesolver]\nselct = []", "tool.shapesolver has no key selct; did you mean select?"),
        ("[tool.shapesolver]\nverbose = 1", "there are select, ignore, strict, at, exclude"),
        ('[tool.shapesolver]\nselect = "SS1"', "tool.shapesolver.select is a list of strings, not a string"),
        ("[tool.shapesolver]\nignore = [1]", "ignore is a list of strings, not a list of other things"),
        ('[tool.shapesolver]\nselect = ["SS9"]', "tool.shapesolver.select: no rule is called `SS9`"),
        ("[tool.shapesolver]\nstrict = 1", "tool.shapesolver.strict is true or false, not a number"),
        ("[tool.shapesolver]\nat = 3", "tool.shapesolver.at is a table of sizes, as in { H = 224 }, not a number"),
        ("[tool.shapesolver]\nat = { H = -1 }", "tool.shapesolver.at.H is a whole number from 1 to 1e+18, not -1"),
        ("[tool.shapesolver]\nexclude = 2001-01-01", "exclude is a list of strings, not a date or time"),
        ("[tool]\nshapesolver = []", "tool.shapesolver is a table, not a list"),
        ("a = " + "[" * 100_000, "is not TOML: "),
    ],
)
def test_settings_that_cannot_be_used(here: Path, text: str, message: str) -> None:
    (here / "pyproject.toml").write_text(text)
    write(here, good=GOOD)
    done = check("good.net")
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_that_are_not_text(here: Path) -> None:
    (here / "pyproject.toml").write_bytes(b"\xff")
    write(here, good=GOOD)
    assert "pyproject.toml is not UTF-8 text" in check("good.net").stderr


# Fixes.


def test_safe_fixes_are_shown_and_applied(here: Path) -> None:
    text = "x = input(28, 28, 1)  # \u00e9\r\nc = cov(8, 3)\r\nconv(4, kernl=3)\r\n"
    (here / "a.net").write_bytes(b"\xef\xbb\xbf" + text.encode())
    done = check("a.net", "--diff")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "--- a.net",
        "+++ a.net (fixed)",
        "@@ -1,3 +1,3 @@",
        " x = input(28, 28, 1)  # \u00e9",
        "-c = cov(8, 3)",
        "-conv(4, kernl=3)",
        "+c = conv(8, 3)",
        "+conv(4, kernel=3)",
    ]
    assert (here / "a.net").read_bytes().decode("utf-8-sig") == text
    done = check("a.net", "--fix")
    assert done.exit_code == 0
    assert done.stdout == "a.net: nothing to report; changed\n"
    mended = text.replace("cov", "conv").replace("kernl", "kernel")
    assert (here / "a.net").read_bytes() == b"\xef\xbb\xbf" + mended.encode()
    assert check("a.net", "--diff").stdout == ""


def test_a_fix_that_might_not_be_meant_is_not_applied(here: Path) -> None:
    write(here, large=LARGE)
    done = check("large.net", "--fix")
    assert done.exit_code == 1
    assert (here / "large.net").read_text() == LARGE
    assert check("large.net", "--diff").exit_code == 0


def test_a_file_that_cannot_be_written_does_not_stop_the_others(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, a=MISSPELT, b=MISSPELT)
    replace = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if target.name == "a.net":
            raise PermissionError(13, "Permission denied")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    done = check(".", "--fix")
    assert done.exit_code == 2
    assert "a.net cannot be written: Permission denied" in done.stderr
    assert (here / "a.net").read_text() == MISSPELT
    assert (here / "b.net").read_text() == MISSPELT.replace("cov", "conv")
    assert sorted(path.name for path in here.iterdir()) == ["a.net", "b.net"]


# Rules explained.


def explain(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", *arguments])


def test_a_rule_is_explained_by_code_and_by_name() -> None:
    text = explain("SS102").stdout
    assert text.startswith("SS102 kernel-too-large\nerror\n\n")
    assert rules()["SS102"].page in text
    assert explain("kernel-too-large").stdout == explain("ss102").stdout == text
    assert explain("SS999").exit_code == 2
    assert "no rule is called `kernel-to-large`; did you mean `kernel-too-large`?" in explain("kernel-to-large").stderr


def test_every_rule_is_listed() -> None:
    assert re.findall(r"^  (SS\d+) ", explain().stdout, re.M) == [*rules()]


def test_the_page_of_rules_is_what_the_registry_says() -> None:
    assert explain("--format", "markdown").stdout == (ROOT / "docs" / "rules.md").read_text()


# Python and pre-commit.


def test_check_from_python(here: Path) -> None:
    write(here, large=LARGE, wrong=MISSPELT)
    (finding,) = shapesolver.check("large.net")
    assert (finding.code, finding.name, finding.layer) == ("SS102", "kernel-too-large", "x")
    assert finding.span == shapesolver.Span(2, 5, 2, 22)
    assert finding.fixes[0].title == "input 5 x 5 (5 or more)"
    assert finding.holds(H=4, W=4)
    assert shapesolver.check(here / "large.net", H=5, W=5) == ()
    assert shapesolver.check(shapesolver.load("large.net"), H=5, W=5) == ()
    assert shapesolver.check("large.net", ignore=["SS102"]) == ()
    assert [d.code for d in shapesolver.check("wrong.net")] == ["SS020"]
    with pytest.raises(shapesolver.ShapeSolverError):
        shapesolver.check("missing.net")
    with pytest.raises(ValueError, match="unknown size Q"):
        shapesolver.check("large.net", Q=3)


def test_the_hooks_run_commands_that_there_are() -> None:
    entries = re.findall(r"^  entry: shapesolver (\w+)$", (ROOT / ".pre-commit-hooks.yaml").read_text(), re.M)
    assert entries == ["check", "fmt"]
    assert {*entries} <= COMMANDS.keys()


@pytest.mark.parametrize("hole", ["kernel=?p", "kernel=3, padding=?p", "kernel=3, stride=?p", "kernel=3, dilation=?p"])
@pytest.mark.parametrize("sizes", ["28, 28", "H, W", "H=28, W"])
def test_a_file_with_a_hole_is_checked(here: Path, hole: str, sizes: str) -> None:
    for line in (f"conv(8, {hole})", f"max_pool({hole})", f"conv_transpose(8, {hole})", f"depthwise_conv({hole})"):
        write(here, open=f"x = input({sizes}, 3)\n{line}\nconv(8, kernel=3, stride=2)\nflatten\ndense(10)\n")
        found = json.loads(check("open.net", "--strict", "--format", "json").stdout)["findings"]
        assert "SS053" in {finding["code"] for finding in found}
