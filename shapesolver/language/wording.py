"""The many wordings of a question, made one: noise left out, one word for each meaning.

``Which padding of conv2 would give 3 by 3?`` becomes ``what conv2.padding gives (3, 3)``, which the grammar reads.
Only words between names and numbers are changed; a name stays as it is written.
"""

from __future__ import annotations

import re

_START, _END = r"(?<![\w.])", r"(?![\w.])"
_NAME = r"[A-Za-z_?][\w.]*(?:\[\d+\][\w.]*)*"
_ITEM = r"(?:\d+|[a-z](?![\w.]))"
_SIZES = (
    r"(?:(?:input|image|signal)s?(?: (?:size|shape|dimension|resolution)s?)?|(?:size|shape|dimension|resolution)s?)"
)
_ABLE = r"(?:must|should|can|could|may|might|shall|will|would|does|do|did|has to|have to|needs? to)"
_MAKING = (
    r"(?:give|make|yield|produce|satisfie|satisfy|return|output|get|have|obtain|reach|keep|"
    r"result in|lead to|end (?:up )?(?:in|at|with))"
)


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(f"{_START}(?:{pattern}){_END}", re.IGNORECASE)


def _begins(pattern: str) -> re.Pattern[str]:
    return re.compile(f"^(?:{pattern})", re.IGNORECASE)


DIMENSIONS = re.compile(rf"{_START}{_ITEM}(?:\s*(?:x|×|by)\s*{_ITEM})+{_END}", re.IGNORECASE)
"""``2x2``, ``2 by 3``, ``n x n``."""

EVERYWHERE = (
    (_words(r"please|exactly|precisely|the|(?<!at )(?<!of )(?<!in )(?<!why )(?:a|an)(?= [a-z])|whole"), ""),
    (_words(r"(?:a|an)(?= \()"), ""),
    (_words(r"(?<=\) )(?:(?:score|feature|output) )?(?:map|grid)"), ""),
    (_words(r"(?:in|of|for) (?:this )?(?:net|network|file)"), ""),
    (_words(r"(?:in order )?to be able to|in order to"), "to"),
    (_words(r"numbers? of(?= )|values? (?:of|for)|count of(?= (?:filters|channels|units))"), ""),
    (_words(r"neurons"), "units"),
    (_words(r"(?:kernel|filter|window|pool)[ _-]sizes?"), "kernel"),
    (_words(r"(kernel|stride|padding|dilation)s(?= (?:of|in|at|for|does|do|gives?)\b)"), r"\1"),
    (_words(r"if|when|with|given that|provided that|assuming(?: that)?"), "where"),
    (_words(r"for (?:every|any|each)"), "for all"),
    (
        _words(
            r"lossless(?:ly)?|(?:loses?|wastes?|drops?|leaves?|discards?|ignores?|skips?) "
            r"(?:nothing|no \w+|none)(?: unread)?"
        ),
        "lose nothing",
    ),
    (
        _words(
            r"(?:loses?|wastes?|drops?|discards?|ignores?|skips?)(?: (?:some )?(?:pixels?|cells?|rows?|columns?|"
            r"data|something|anything|any \w+|information))?(?! nothing)"
        ),
        "lose",
    ),
)
"""Said anywhere in a question."""

LEADS = (
    (_begins(rf"valid {_SIZES}$"), "what inputs valid"),
    (
        _begins(rf"(?:when|where|for what(?: {_SIZES})?) (?:is it|does it) (?:valid|work|fit|build|run)s?$"),
        "what inputs valid",
    ),
    (_begins(r"is it (?:valid|possible)$"), "what inputs valid"),
    (
        _begins(
            r"(?:for )?(?:what|which|how (?:much|many|large|big|wide|long|high|tall|deep))"
            rf"(?: (?:is|are)(?= [\w.]+(?: [\w.]+)? (?:that|which|for|to|of|gives?)\b))?{_END}"
        ),
        "what",
    ),
    (
        _begins(
            r"(?:find|solve for|solve|compute|calculate|list|show|give(?: me)?|tell me)"
            rf"(?: all| every)?(?: (?:what|which))?{_END}"
        ),
        "what",
    ),
    (
        _begins(
            r"(?:is it true that|is it so that|prove(?: that)?|check (?:that|whether)|verify(?: that)?|"
            r"does it hold that)\s"
        ),
        "prove ",
    ),
)
"""How questions begin."""

WHOLE = (
    (
        _begins(
            rf"what {_SIZES}\s+(?:(?:is|are|{_ABLE})\s+)*(?:it |be |net(?:work)? |model )*"
            r"(?:valid|works?|fits?|possible|allowed|accept(?:ed|able)?|used|buil[dt]|run|ok|legal)"
            rf"(?: where(?=$))?{_END}"
        ),
        "what inputs valid",
    ),
    (_begins(rf"what {_SIZES} (?:(?:is|are|{_ABLE})\s+)*lose nothing{_END}"), "what inputs lose nothing"),
    (_begins(rf"what layers? (?:{_ABLE} )?lose{_END}"), "what layers lose"),
)
"""Questions about the whole network."""

WORKS = _begins(
    rf"(?:is|are|does|do|can|will|would)\s+(?:{_SIZES}\s+)?(?:of\s+)?(?P<sizes>[^<>!]+?)\s+"
    r"(?:be )?(?:valid|works?|fits?|possible|allowed|ok)(?: sizes?| inputs?)?$"
)
PROOF = _begins(r"(?:is|are|does|do)\s")
WHY = _begins(r"why (?:(?:is|are|does|has|do)\s+)?")

MUST_BE = _begins(rf"what (?:{_SIZES} )?{_ABLE} (?P<unknowns>.+?) be(?= (?:to|so|such|for|where|in)\b)")
DOES_NEED = _begins(rf"what (?P<name>[\w.]+) (?:does|do|must|should) (?P<owner>{_NAME}) (?=need|have|use)")
"""``what padding does conv2 need to make 3x3``."""

GIVES = _words(
    rf"(?:that |which )?(?:{_ABLE} )*{_MAKING}s?|(?:(?:i|we|you|it|one|is|are|do|does) )*(?:need(?:ed|s)?|required?)"
    rf" (?:for|to {_MAKING}|to be)|so that|such that|for which|to {_MAKING}"
)
GIVES_TOO = _words(r"so|where|(?:be )?for(?! all)")
"""The same, where nothing of the first kind is said."""

STATED = re.compile(
    rf"(?<=[\w\])])\s+(?:is equal to|equals?(?: to)?|is|are|be|becomes?|to be){_END}"
    r"(?!\s*(?:valid|it\b|possible|allowed|lossless|needed|required))",
    re.IGNORECASE,
)
"""What says that two things are equal."""

OUTPUT = _begins(r"that |it (?:is )?|outputs? (?:of|at|is|are|size is) |output (?=[\d(])|(?:size|result) of |is ")
"""What may stand before a target without changing it."""

ALL_SIZES = _begins(rf"{_SIZES}(?: (?:of|for) (?:input|image|network)s?)?$")
SINGLE_EQUALS = re.compile(r"(?<![=!<>])=(?!=)")


def plain(text: str) -> str:
    """The question in its plain form, for the grammar; what is not understood stays as it is."""
    text = DIMENSIONS.sub(_tuple, " ".join(text.split()).strip(" ?.!"))
    for pattern, word in EVERYWHERE:
        text = pattern.sub(word, text)
    text = " ".join(text.split())
    for pattern, word in LEADS:
        text, changed = pattern.subn(word, text, count=1)
        if changed:
            break
    if WHY.match(text):
        return f"why {WHY.sub('', text, count=1).partition(' ')[0]}"
    for pattern, word in WHOLE:
        if pattern.match(text):
            return _equals(_owned(STATED.sub(" ==", pattern.sub(word, text, count=1))))
    if works := WORKS.match(text):
        return f"works {_equals(works['sizes'])}"
    text = PROOF.sub("prove ", text, count=1)
    return _inverse(text) if text.startswith("what ") else _equals(_owned(STATED.sub(" ==", text)))


def _inverse(text: str) -> str:
    """``what UNKNOWNS gives TARGET``, the unknowns by their full names."""
    text = DOES_NEED.sub(r"what \g<name> of \g<owner> ", MUST_BE.sub(r"what \g<unknowns>", text))
    start = len("what ")
    found = GIVES.search(text, start) or GIVES_TOO.search(text, start)
    if found is None:
        return _equals(text)
    wanted, target = text[start : found.start()].strip() or "input", text[found.end() :].strip()
    # `to get so that`, `for which it gives`: several such words are one.
    while again := GIVES.match(target):
        target = target[again.end() :].strip()
    target = _words("after").sub("at", OUTPUT.sub("", target))
    return f"what {_unknowns(wanted)} gives {_equals(_owned(STATED.sub(' ==', target)))}"


def _unknowns(text: str) -> str:
    """The unknowns with commas between them, each under its layer: ``conv1.kernel, conv1.stride``."""
    text = text.removeprefix("all ")
    if ALL_SIZES.match(text):
        return "inputs"
    text = re.sub(rf"({_NAME})'s? ({_NAME})", r"\2 of \1", text)
    text = re.sub(rf"\s+(?:along|in) (?:axis )?([A-Z]){_END}", r" along \1", text)
    done: list[str] = []
    pending: list[str] = []
    listed = re.sub(rf"{_START}and{_END}", ",", text)
    for piece in re.findall(rf"(?:of|in|at|for|on|along) {_NAME}|{_NAME}|\S", listed):
        link, _, name = piece.partition(" ")
        if link == "along" and (pending or done):
            (pending or done)[-1] += f".{name}"
        elif name:
            done += [f"{name}.{unknown}" for unknown in pending]
            pending = []
        elif piece != ",":
            pending.append(piece)
    return ", ".join(done + pending)


def _owned(text: str) -> str:
    """``kernel of conv1`` in a condition as ``conv1.kernel``."""
    return re.sub(rf"({_NAME})\s+of\s+({_NAME})", r"\2.\1", text)


def _equals(text: str) -> str:
    """A single ``=`` is what people write for ``==``."""
    return SINGLE_EQUALS.sub("==", text).strip()


def _tuple(match: re.Match[str]) -> str:
    """``2 by 3`` as ``(2, 3)``."""
    items = re.split(r"\s*(?:x|×|by)\s*", match.group(), flags=re.IGNORECASE)
    return f"({', '.join(items)})"
