"""The pages lead where they say: every link has its file and heading, every alarm its section."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(page for pattern in ("*.md", ".github/*.md", "events/*.md", "tests/*.md") for page in ROOT.glob(pattern))
TEMPLATE = (ROOT / "template.yaml").read_text()
ALARMS = re.findall(
    r"^  (\w+):\n    Type: AWS::CloudWatch::Alarm\n    Properties:\n      AlarmDescription: (.*)$", TEMPLATE, re.MULTILINE
)


def prose(page: Path) -> str:
    """The page without its blocks of code, whose comments look like headings."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> list[str]:
    """What GitHub makes of the page's headings."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.fixture(params=PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def page(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_every_link_has_its_file_and_heading(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", prose(page)):
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchors(target).count(anchor) == 1, link


def test_every_numbered_source_is_given(page: Path) -> None:
    given = re.findall(r"^\[(\d+)\]: https://", prose(page), re.MULTILINE)
    assert sorted(given) == sorted(set(re.findall(r"\[(\d+)\](?![:(])", prose(page))))


def test_no_alarm_is_passed_over() -> None:
    assert len(ALARMS) == TEMPLATE.count("AWS::CloudWatch::Alarm") > 0


@pytest.mark.parametrize(("alarm", "description"), ALARMS, ids=[alarm for alarm, _ in ALARMS])
def test_an_alarm_names_its_section_of_the_runbook(alarm: str, description: str) -> None:
    assert description.endswith(f"See RUNBOOK.md, {alarm}.")
    assert f"\n### {alarm}\n" in (ROOT / "RUNBOOK.md").read_text()


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


def test_a_release_leads_to_the_runbook_of_its_version() -> None:
    runbook = "https://example.com/RUNBOOK.md"
    command = [str(ROOT / ".github" / "release-template.sh"), "arm64", runbook]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert text.count("RUNBOOK.md") == text.count(runbook) == TEMPLATE.count("RUNBOOK.md")
