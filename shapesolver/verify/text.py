"""SS05x: what a file says and probably does not mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shapesolver.diagnostics import Advice, Diagnostic, Label, Severity, Span
from shapesolver.language import tree
from shapesolver.layers.registry import kinds
from shapesolver.layers.source import Source
from shapesolver.verify.case import Case
from shapesolver.verify.rule import UnknownRule, find_rule, rule
from shapesolver.verify.silence import allowances


@rule("SS050", "unused-layer", Severity.WARNING)
def unused_layer(case: Case) -> Iterator[Diagnostic]:
    """A layer whose result no output depends on.

    ## Why it matters

    It costs parameters and time, and changes nothing. Most often a merge was forgotten, or an `output` that names
    the branch.

    ## Example

    ```net
    image = input(28, 28, 1)
    side = conv(8, kernel=3)
    main = image -> conv(16, kernel=3)
    dense(10)
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    side = conv(8, kernel=3)
    main = image -> conv(16, kernel=3)
    dense(10)
    output _, side
    ```
    """
    nodes = case.net.graph.nodes
    used = {wire.node for wire in case.net.graph.outputs}
    consumed = {wire.node for node in nodes for wire in node.inputs}
    for index in range(len(nodes) - 1, -1, -1):
        if index in used:
            used.update(wire.node for wire in nodes[index].inputs)
    seen: set[Span] = set()
    for index, node in enumerate(nodes):
        # Of a branch that leads nowhere, its last layer is the one to look at; unused inputs have a rule of their own.
        if index in used or index in consumed or isinstance(node.layer, Source) or node.span in seen:
            continue
        seen.add(node.span)
        yield Diagnostic(
            "SS050",
            "unused-layer",
            f"no output depends on {node.path}",
            node.span,
            Severity.WARNING,
            advice=(Advice("try", "merge it, name it in an `output` line, or take it out"),),
            layer=node.path,
        )


@rule("SS051", "shadowed-name", Severity.WARNING)
def shadowed_name(case: Case) -> Iterator[Diagnostic]:
    """A name in a block or repeat that hides one of the file, or a name that hides a layer.

    ## Why it matters

    Whoever reads `width` in the block has to know which of the two is meant; and `max`, once it is a tensor, is no
    layer any more.

    ## Example

    ```net
    let width = 64
    image = input(28, 28, 1)
    block stage(width) {
        conv(width, kernel=3)
    }
    stage(8)
    ```

    ## Write instead

    ```net
    let width = 64
    image = input(28, 28, 1)
    block stage(c) {
        conv(c, kernel=3)
    }
    stage(8)
    ```
    """
    yield from _shadowed(case.file.statements, {})


def _shadowed(statements: Iterable[tree.Statement], outer: dict[str, Span]) -> Iterator[Diagnostic]:
    own = dict(outer)
    for statement in statements:
        for name in _names(statement):
            if name.text in outer:
                yield _hiding(name, f"`{name.text}` hides the `{name.text}` of line {outer[name.text].line}", outer)
            elif name.text in kinds():
                yield _hiding(name, f"`{name.text}` hides the layer `{name.text}`", {})
            own[name.text] = name.span
        if isinstance(statement, tree.Block):
            inner = dict(own)
            for parameter in statement.parameters:
                if parameter.name.text in own:
                    first = own[parameter.name.text].line
                    text = f"`{parameter.name.text}` hides the `{parameter.name.text}` of line {first}"
                    yield _hiding(parameter.name, text, own)
                inner.pop(parameter.name.text, None)
            yield from _shadowed(statement.body, inner)
        elif isinstance(statement, tree.Repeat):
            if statement.index is not None and statement.index.text in own:
                first = own[statement.index.text].line
                text = f"`{statement.index.text}` hides the `{statement.index.text}` of line {first}"
                yield _hiding(statement.index, text, own)
            yield from _shadowed(statement.body, own)


def _names(statement: tree.Statement) -> tuple[tree.Name, ...]:
    match statement:
        case tree.Line(names=names):
            return names
        case tree.Let(name=name) | tree.Block(name=name):
            return (name,)
    return ()


def _hiding(name: tree.Name, message: str, outer: dict[str, Span]) -> Diagnostic:
    related = (Label(outer[name.text], "it is given here first"),) if name.text in outer else ()
    return Diagnostic("SS051", "shadowed-name", message, name.span, Severity.WARNING, related=related)


@rule("SS052", "unknown-allow", Severity.WARNING)
def unknown_allow(case: Case) -> Iterator[Diagnostic]:
    """An `# allow:` that names no rule.

    ## Why it matters

    It allows nothing, though it reads as if it did.

    ## Example

    ```net
    image = input(28, 28, 1)
    conv(8, kernel=3, stride=2)  # allow: lost-pixel
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    conv(8, kernel=3, stride=2)  # allow: lost-pixels
    ```
    """
    for allowance in allowances(case.file.statements):
        for entry in allowance.entries:
            try:
                find_rule(entry)
            except UnknownRule as error:
                yield Diagnostic("SS052", "unknown-allow", str(error), allowance.span, Severity.WARNING)


@rule("SS053", "hole-left", Severity.WARNING)
def hole_left(case: Case) -> Iterator[Diagnostic]:
    """A hole, as in `padding=?p`, that is still open.

    ## Why it matters

    A hole is a question. Until it is answered the sizes below it are formulas, and no framework builds them.

    ## Example

    ```net
    image = input(28, 28, 1)
    conv1 = conv(32, kernel=7, padding=?p)
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    conv1 = conv(32, kernel=7, padding=3)
    ```
    """
    for name, span in case.net.graph.holes.items():
        advice = Advice("try", f'`shapesolver ask FILE "what ?{name} ..."`, or write the number')
        message = f"`?{name}` is left open"
        yield Diagnostic("SS053", "hole-left", message, span, Severity.WARNING, advice=(advice,))
