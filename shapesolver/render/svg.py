"""Pictures as SVG: shapes, text, and one style that works on light and on dark, and for colour-blind readers.

The colours are Okabe and Ito's (2008); what is lost is hatched as well as coloured.
"""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

STYLE = """\
  .ink { fill: #1f2328; } .quiet { fill: #59636e; } .strong { font-weight: 600; }
  .line { stroke: #8c959f; fill: none; } .grid { stroke: #d1d9e0; fill: none; }
  .cell, .box { stroke: #8c959f; fill: #f6f8fa; } .group { stroke: #8c959f; fill: #eceff2; }
  .source { stroke: #0072b2; fill: #ddf0fb; } .broken { stroke: #d55e00; stroke-width: 2; fill: #fdebdd; }
  .pad { stroke: #8c959f; stroke-dasharray: 3 3; fill: none; }
  .window { stroke: #0072b2; stroke-width: 2; fill: #0072b2; fill-opacity: .14; } .tap { fill: #0072b2; }
  .lost { stroke: #d55e00; fill: url(#hatch); } .hatch { stroke: #d55e00; }
  .dropped { stroke: #d55e00; stroke-width: 2; stroke-dasharray: 6 4; fill: none; }
  @media (prefers-color-scheme: dark) {
    .ink { fill: #e6edf3; } .quiet { fill: #9198a1; }
    .line, .pad { stroke: #6e7681; } .grid { stroke: #30363d; }
    .cell, .box { stroke: #6e7681; fill: #161b22; } .group { stroke: #6e7681; fill: #21262d; }
    .source { stroke: #56b4e9; fill: #10283a; } .broken { stroke: #e69f00; fill: #3a2a10; }
    .window { stroke: #56b4e9; fill: #56b4e9; fill-opacity: .2; } .tap { fill: #56b4e9; }
    .lost, .hatch, .dropped { stroke: #e69f00; }
  }
"""

HATCH = (
    '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line class="hatch" x1="0" y1="0" x2="0" y2="6" stroke-width="2"/></pattern>'
)

ARROW = (
    '<marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path class="quiet" d="M0,0 L8,4 L0,8 Z"/></marker>'
)

FONT = "font-family:ui-sans-serif,system-ui,sans-serif"


class Picture:
    """Shapes, drawn in order; coordinates in pixels, the origin at the upper left."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._shapes: list[str] = []
        self._width = self._height = 0.0

    def _reaches(self, x: float, y: float) -> None:
        self._width, self._height = max(self._width, x), max(self._height, y)

    def rect(self, x: float, y: float, width: float, height: float, style: str, radius: float = 0) -> None:
        """A rectangle."""
        self._reaches(x + width, y + height)
        rounded = f' rx="{radius:g}"' if radius else ""
        self._shapes.append(
            f'<rect class="{style}" x="{x:.4g}" y="{y:.6g}" width="{width:.6g}" height="{height:.6g}"{rounded}/>'
        )

    def line(self, x: float, y: float, to_x: float, to_y: float, style: str = "line") -> None:
        """A straight line."""
        self._shapes.append(f'<line class="{style}" x1="{x:.6g}" y1="{y:.6g}" x2="{to_x:.6g}" y2="{to_y:.6g}"/>')

    def path(self, data: str, arrow: bool = False) -> None:
        """A curve."""
        end = ' marker-end="url(#arrow)"' if arrow else ""
        self._shapes.append(f'<path class="line" d="{data}"{end}/>')

    def text(self, x: float, y: float, words: str, style: str = "ink", size: float = 13, anchor: str = "start") -> None:
        """A line of text; ``y`` is its base line."""
        reach = {"start": 1.0, "middle": 0.5, "end": 0.0}[anchor] * text_width(words, size)
        self._reaches(x + reach, y + size / 3)
        self._shapes.append(
            f'<text class="{style}" x="{x:.6g}" y="{y:.6g}" font-size="{size:g}" text-anchor="{anchor}">'
            f"{escape(words)}</text>"
        )

    def svg(self, margin: float = 16) -> str:
        """The whole picture as a document."""
        width, height = self._width + margin, self._height + margin
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.6g} {height:.6g}" '
            f'width="{width:.6g}" height="{height:.6g}" role="img" aria-label={quoteattr(self._title)} style="{FONT}">'
        )
        title = f"<title>{escape(self._title)}</title>"
        defs = f"<defs>{HATCH}{ARROW}</defs>"
        return "\n".join([head, title, f"<style>\n{STYLE}</style>", defs, *self._shapes, "</svg>", ""])


def text_width(words: str, size: float) -> float:
    """About how wide a text is: 0.56 of its size a letter, a little more than common fonts take."""
    return len(words) * size * 0.56
