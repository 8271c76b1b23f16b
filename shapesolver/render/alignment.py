"""How two layers are aligned, as people read it, and as JSON."""

from __future__ import annotations

from typing import Any

from shapesolver.measure.alignment import Alignment, AxisAlignment
from shapesolver.render.field import place_text


def alignment_text(alignment: Alignment) -> str:
    """Where units lie, axis by axis, and the crop that lays them on each other."""
    lines = []
    for axis in alignment.axes:
        lines.append(
            f"{axis.axis}: unit i of {axis.other} lies at {place_text(_plain(axis.scale), axis.shift)} of {axis.layer}"
        )
        lines += [f"   {text}" for text in _remarks(axis)]
    crop = _crop(alignment)
    return "\n".join([*lines, *([crop] if crop else []), ""])


def _plain(scale: Any) -> Any:
    return scale.numerator if scale.denominator == 1 else scale


def _remarks(axis: AxisAlignment) -> list[str]:
    found = []
    if axis.scale != 1:
        found.append(
            f"they cannot be aligned by a crop: their strides in {axis.source} are {_plain(axis.stride)} and "
            f"{_plain(axis.stride * axis.scale)}"
        )
    elif not axis.aligned and axis.remainder is not None:
        cells = axis.remainder * axis.stride
        found.append(
            f"they cannot be aligned by a crop: {axis.remainder} of a unit is left over, "
            f"{_plain(cells)} {'cell' if cells <= 1 else 'cells'} of {axis.source}"
        )
    elif not axis.aligned:
        found.append(f"whether a crop aligns them depends on the size of {axis.source}")
    elif axis.offset == 0 and axis.n == axis.target:
        found.append("they are aligned as they are")
    elif not axis.fits and not axis.fits_other:
        found.append(f"a crop to {axis.target} of {axis.n} from {axis.offset} on does not fit")
    if axis.joined:
        found.append("paths that are not aligned lead to one of them: its centre is that of all it sees")
    return found


def _crop(alignment: Alignment) -> str:
    """The line to write, where there is one."""
    offsets, axes = alignment.offsets, alignment.axes
    if offsets is None:
        return ""
    layer, other = alignment.layer, alignment.other
    if all(axis.fits for axis in axes):
        if all(axis.offset == 0 and axis.n == axis.target for axis in axes):
            return ""
    elif all(axis.fits_other for axis in axes):
        layer, other, offsets = other, layer, tuple(-offset for offset in offsets)
    else:
        return ""
    offset = str(offsets[0]) if len(set(offsets)) == 1 else f"({', '.join(map(str, offsets))})"
    return f"{layer} -> crop(to={other}, offset={offset})"


def alignment_json(alignment: Alignment) -> dict[str, Any]:
    """How two layers are aligned as JSON; fractions as text."""
    return {
        "layer": alignment.layer,
        "other": alignment.other,
        "crop": _crop(alignment) or None,
        "axes": [
            {
                "axis": axis.axis,
                "through": axis.source,
                "scale": str(axis.scale),
                "shift": str(axis.shift),
                "aligned": axis.aligned,
                "offset": axis.offset,
                "fits": axis.fits,
            }
            for axis in alignment.axes
        ],
    }
