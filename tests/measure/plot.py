"""Draws a measurement: one lane a witness, and below them the shares."""

from pathlib import Path
from typing import Any

from measure.lanes import LANES, NOBODY, OLD, READER, WRITER, Span, lanes
from measure.moments import Share, readers_met, shares, zero
from measure.record import Record
from measure.timeline import ms

COLOURS = {OLD: "#a9c4e0", WRITER: "#9fd3a0", READER: "#f0b27a", NOBODY: "#d9d9d9"}
LETTER = 0.0088
"""The width of a letter, as a part of the axis."""


def plot(record: Record, file: Path) -> None:
    """Writes an SVG whose text is text, and which is the same for the same measurement."""
    import matplotlib  # only here: whoever wants no picture needs none

    matplotlib.use("svg")
    from matplotlib import pyplot

    drawn, found = lanes(record), shares(record)
    rows = [0.5 * len(drawn) + 0.4, 0.24 * len(found) + 0.6]
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "failover", "font.size": 9}):
        figure, (upper, lower) = pyplot.subplots(
            2, 1, sharex=True, figsize=(11, sum(rows)), height_ratios=rows, layout="constrained"
        )
        begin, end = window(record, drawn, found)
        draw_lanes(upper, drawn, begin, end)
        draw_shares(lower, found, begin, end)
        readers, every = readers_met(record)
        lower.set_xlabel("seconds" + (f"; {readers} of {every} new connections met a reader" if every else ""))
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)


def window(record: Record, drawn: dict[str, list[Span]], found: list[Share]) -> tuple[float, float]:
    """From the request to shortly after the last moment: how long it stayed so does not matter."""
    begin = zero(record)
    end = max([one.at for one in found] or [span.end for lane in drawn.values() for span in lane], default=begin + 1)
    return begin, end + max(0.15 * (end - begin), 0.5)


def draw_lanes(axes: Any, drawn: dict[str, list[Span]], begin: float, end: float) -> None:
    names = list(drawn)
    for row, name in enumerate(names):
        free = [begin, begin]  # up to where the lines of text above and below the middle are written
        for span in drawn[name]:
            left, right = max(span.start, begin), min(span.end, end)
            if span.start == span.end:
                axes.plot([span.start - begin], [row], marker="|", markersize=14, color="black")
            elif left < right:
                axes.barh(row, right - left, left=left - begin, height=0.8, color=COLOURS[span.kind], edgecolor="white")
            if begin <= left < end and (span.start == span.end or right > left):
                write(axes, row, span, left - begin, free, end - begin)
    axes.set_yticks(range(len(names)), [LANES[name] for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, end - begin)
    patches = [axes.barh(0, 0, color=colour, label=kind) for kind, colour in COLOURS.items()]
    axes.legend(handles=patches, ncols=len(patches), loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
    axes.tick_params(axis="x", labelbottom=False)


def write(axes: Any, row: int, span: Span, at: float, free: list[float], whole: float) -> None:
    """The text of a span or a mark where there is room for it, in one of two lines."""
    width = (len(span.text) + 2) * LETTER * whole
    at = max(0.0, min(at, whole - width))
    for line, taken in enumerate(free):
        if taken <= at:
            axes.text(at + 0.004 * whole, row + (-0.18, 0.2)[line], span.text, va="center", fontsize=7.5)
            free[line] = at + width
            return


def draw_shares(axes: Any, found: list[Share], begin: float, end: float) -> None:
    """Each from the moment before it."""
    for row, one in enumerate(found):
        axes.barh(row, one.share, left=one.at - one.share - begin, height=0.6, color="#7f8fa6")
        beyond = one.at - begin > 0.85 * (end - begin)
        place, side = (one.at - one.share - begin, "right") if beyond else (one.at - begin, "left")
        axes.text(place, row, f" +{ms(one.share)} ms ", va="center", ha=side, fontsize=7.5)
    axes.set_yticks(range(len(found)), [f"{one.moment}, {ms(one.at - begin)} ms" for one in found])
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.grid(axis="x", color="#eeeeee")
    axes.set_axisbelow(True)
