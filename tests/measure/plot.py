"""Draws a measurement: one lane a witness, and below them the shares."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from measure.lanes import COLOURS, LANES, Span, lanes
from measure.moments import Share, logins, shares, zero
from measure.record import Record
from measure.timeline import ms

LETTER = 0.0088
"""The width of a letter, as a part of the axis."""


def plot(record: Record, file: Path) -> None:
    """Writes an SVG whose text is text, and which is the same for the same measurement."""
    import matplotlib  # only here: the report alone needs none

    matplotlib.use("svg")
    from matplotlib import pyplot

    drawn, found = lanes(from_request(record)), shares(from_request(record))
    rows = [0.5 * len(drawn) + 0.4, 0.24 * len(found) + 0.6]
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "failover", "font.size": 9}):
        figure, (upper, lower) = pyplot.subplots(
            2, 1, sharex=True, figsize=(11, sum(rows)), height_ratios=rows, layout="constrained"
        )
        # To shortly after the last moment: how long it stayed so does not matter.
        whole = max((one.at for one in found), default=0.0) or 1.0
        begin, end = -0.05 * whole, 1.15 * whole
        draw_lanes(upper, drawn, begin, end)
        draw_shares(lower, found, begin, end)
        if record.note:
            figure.suptitle(record.note, fontsize=9)
        met = logins(record)
        lower.set_xlabel(f"seconds; {met}" if met.every else "seconds")
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)


def from_request(record: Record) -> Record:
    """With the request at 0."""
    begin = zero(record)
    moved = [
        {key: value - begin if key in ("at", "said") else value for key, value in seen.items()} for seen in record.observations
    ]
    return replace(record, observations=moved)


def draw_lanes(axes: Any, drawn: dict[str, list[Span]], begin: float, end: float) -> None:
    for row, lane in enumerate(drawn.values()):
        free = [begin, begin]
        for span in lane:
            left, right = max(span.start, begin), min(span.end, end)
            if span.start == span.end:
                axes.plot([left], [row], marker="|", markersize=14, color="black")
            elif left < right:
                axes.barh(row, right - left, left=left, height=0.8, color=COLOURS[span.kind], edgecolor="white")
            if begin <= left <= right <= end:
                write(axes, row, span.text, left, free, (begin, end))
    axes.set_yticks(range(len(drawn)), [LANES[name] for name in drawn])
    axes.set_ylim(len(drawn) - 0.4, -0.6)
    axes.set_xlim(begin, end)
    patches = [axes.barh(0, 0, color=colour, label=kind) for kind, colour in COLOURS.items()]
    axes.legend(handles=patches, ncols=len(patches), loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
    axes.tick_params(axis="x", labelbottom=False)


def write(axes: Any, row: int, text: str, at: float, free: list[float], ends: tuple[float, float]) -> None:
    """The text of a span or a mark in one of two lines, if there is room; `free` is up to where each line is taken."""
    whole = ends[1] - ends[0]
    width = (len(text) + 2) * LETTER * whole
    at = max(ends[0], min(at, ends[1] - width))
    for line, taken in enumerate(free):
        if taken <= at:
            axes.text(at + 0.004 * whole, row + (-0.18, 0.2)[line], text, va="center", fontsize=7.5)
            free[line] = at + width
            return


def draw_shares(axes: Any, found: list[Share], begin: float, end: float) -> None:
    """Each from the moment before it."""
    for row, one in enumerate(found):
        axes.barh(row, one.share, left=one.at - one.share, height=0.6, color="#7f8fa6")
        beyond = one.at > begin + 0.85 * (end - begin)
        place, side = (one.at - one.share, "right") if beyond else (one.at, "left")
        axes.text(place, row, f" +{ms(one.share)} ms ", va="center", ha=side, fontsize=7.5)
    axes.set_yticks(range(len(found)), [f"{one.moment}, {ms(one.at)} ms" for one in found])
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.grid(axis="x", color="#eeeeee")
    axes.set_axisbelow(True)
