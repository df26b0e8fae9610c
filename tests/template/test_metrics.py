"""Each metric filter counts its own log lines and no other; the sample lines are what the source writes."""

import re

import pytest

from support.project import source
from template.log import BASE, LINES
from template.monitoring import counted, fed, filters, metrics


@pytest.mark.parametrize(("line", "feeds"), LINES.values(), ids=LINES)
def test_a_log_line_feeds_its_own_metrics_and_no_other(stack, line, feeds):
    assert counted(stack, line) == feeds


def test_every_metric_has_a_sample_line(stack):
    assert metrics(stack) == set().union(*(feeds for _, feeds in LINES.values()))


def test_a_metric_counts_lines_but_for_the_age_of_events(stack):
    values = {(filter.metric, filter.value) for filter in filters(stack)}
    assert values == {(metric, "1") for metric in metrics(stack) - {"EventAge"}} | {
        ("EventAge", "$.event_age_ms"),
        ("InDoubt", "0"),
    }


# So that the minimum over a period says whether every run was.
@pytest.mark.parametrize("name", LINES)
def test_every_scheduled_run_says_whether_it_was_in_doubt(stack, name):
    line, _ = LINES[name]
    expected = str(int("reason" in line)) if line.get("cause") == "schedule" else None
    assert fed(stack, line).get("InDoubt") == expected


def test_the_sample_decisions_have_only_fields_of_an_answer():
    structs = body("answer", "pub struct Decision") + body("answer", "pub struct Report")
    known = set(re.findall(r"^    pub (\w+):", structs, re.MULTILINE)) | BASE.keys() | {"message"}
    used = {key for line, _ in LINES.values() if line.get("message") == "decision" for key in line}
    assert used <= known


def test_every_outcome_of_the_source_has_a_sample_line():
    written = {name.lower() for name in re.findall(r"^    (\w+),", body("answer", "pub enum Outcome"), re.MULTILINE)} | {
        "checked"
    }
    assert {line["outcome"] for line, _ in LINES.values() if "outcome" in line} == written


@pytest.mark.parametrize(
    "text",
    [
        '"decision"',
        "tracing::error!(finding = code",
        '"stale-ip-dict-entry",',
        "tracing::error!(errorType = ERROR_TYPE",
        '"ip-dict-not-compared"',
        'cause: "schedule"',
        'info("registered", &json!({ "registered"',
        'info("deregistered", &json!({ "deregistered"',
        "pub reason: Option<String>",
        "pub dry_run: bool",
    ],
)
def test_the_source_writes_what_the_filters_look_for(text):
    assert text in source()


def body(module, opening):
    found = re.search(rf"{opening} \{{(.*?)\n\}}", source(module), re.DOTALL)
    assert found, f"the module {module} has no {opening}"
    return found[1]
