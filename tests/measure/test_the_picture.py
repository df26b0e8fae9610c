"""The picture that the pages show is made of the committed measurement, and has all of it."""

import html
import re
from pathlib import Path

import pytest

from measure.failover import main
from measure.lanes import LANES
from measure.moments import shares, zero
from measure.record import TOOL, read
from measure.timeline import ms
from support.project import ROOT

SEEN = Path(__file__).parent / "seen"
ARTICLE = SEEN / "article.json"


def texts(picture):
    return {html.unescape(text).strip() for text in re.findall(r"<text[^>]*>([^<]*)</text>", picture.read_text())}


@pytest.fixture(scope="module")
def made_anew(tmp_path_factory):
    picture = tmp_path_factory.mktemp("picture") / "article.svg"
    assert main(["--from", str(ARTICLE), "--plot", str(picture)]) == 0
    return picture


@pytest.mark.parametrize("committed", [False, True], ids=["made-anew", "committed"])
def test_every_lane_and_the_figures_of_every_share_are_in_the_picture(made_anew, committed):
    found, record = texts(SEEN / "article.svg" if committed else made_anew), read(ARTICLE)
    assert set(LANES.values()) <= found
    assert len(shares(record)) == 11
    for share in shares(record):
        assert f"{share.moment}, {ms(share.at - zero(record))} ms" in found
        assert f"+{ms(share.share)} ms" in found


def test_the_measurement_names_its_stand_ins_and_came_right():
    record = read(ARTICLE)
    assert record.note.startswith("Stand-ins: ")
    assert record.note.endswith("Not AWS.")
    assert record.by(TOOL)
    assert record.ended == "settled"


def test_the_table_of_what_was_seen_has_the_figures_of_the_measurement():
    record = read(ARTICLE)
    (row,) = [line for line in (ROOT / "tests" / "README.md").read_text().splitlines() if line.startswith("| our stand-ins ")]
    figures = {int(figure.replace(",", "")) for figure in re.findall(r"[\d,]+(?= \|)", row)}
    assert {ms(share.at - zero(record)) for share in shares(record)} - {0} <= figures


@pytest.mark.parametrize("page", ["README.md", "tests/README.md"])
def test_the_pages_show_the_picture(page):
    assert "measure/seen/article.svg)" in (ROOT / page).read_text()
