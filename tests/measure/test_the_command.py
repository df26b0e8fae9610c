"""What a user of tests/measure/failover.py gives and gets, with AWS in memory."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from measure import failover, run
from measure.fake_aws import FakeAws
from measure.moments import moments, zero
from measure.record import read
from support.project import ROOT

STACK = ("--stack", "prod")


@pytest.fixture
def aws(monkeypatch):
    made = FakeAws()
    monkeypatch.setattr(failover, "Aws", lambda: made)
    monkeypatch.setattr(run, "BASELINE", 0.1)
    monkeypatch.delenv("DB_PASSWORD", raising=False)
    return made


@pytest.fixture
def file(tmp_path):
    return tmp_path / "seen.json"


def measured(*words):
    """The exit status, where no one is asked."""
    return failover.main([*STACK, "--yes", *map(str, words)])


def test_help_says_what_it_was_not_tried_on_and_that_it_changes_nothing_else():
    command = [sys.executable, "tests/measure/failover.py", "--help"]
    text = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert "not on AWS" in text
    assert "changes nothing but the failover itself" in text


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "what to measure?"),
        (["--cluster", "c", "--function", "f"], "what to measure?"),
        ([*STACK, "--endpoint", "host"], "expected HOST:PORT"),
        ([*STACK, "--limit", "soon"], "invalid float value"),
        ([*STACK, "--steady", "0"], "seconds above 0"),
        ([*STACK, "--plot", "seen.png"], "does not end in .svg"),
        ([*STACK, "--json", "no/such/folder/seen.json"], "there is no folder no/such/folder"),
        ([*STACK, "--watch", "--to", "aurora-2"], "--to has no meaning"),
    ],
)
def test_a_wrong_command_line_is_refused(words, complaint, capsys):
    with pytest.raises(SystemExit) as ended:
        failover.main(words)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_the_policy_allows_one_change_and_only_where_it_is_made(capsys):
    names = ["--policy", "--cluster", "aurora-prod", "--function", "the-function"]
    assert failover.main(names) == 0
    statements = json.loads(capsys.readouterr().out)["Statement"]
    resources = {action: one["Resource"] for one in statements for action in one["Action"]}
    assert resources["rds:FailoverDBCluster"] == "arn:aws:rds:*:*:cluster:aurora-prod"
    assert resources["lambda:InvokeFunction"] == "arn:aws:lambda:*:*:function:the-function"
    others = [action for action in resources if "Describe" not in action and "Filter" not in action]
    assert others == ["lambda:InvokeFunction", "rds:FailoverDBCluster"]
    failover.main([*names, "--watch"])
    assert "FailoverDBCluster" not in capsys.readouterr().out


def test_without_user_and_password_the_aws_side_is_measured_and_what_is_missing_is_told(aws, file, capsys):
    assert measured("--endpoint", "127.0.0.1:1", "--json", file) == 0
    said = capsys.readouterr().out
    assert "for lack of --user, the environment variable DB_PASSWORD: " in said
    assert "not in the picture: the consumer's side" in said
    assert "check of the-function: 0 findings" in said
    assert aws.failovers == [{"DBClusterIdentifier": "aurora-prod"}]
    assert {seen["witness"] for seen in read(file).observations} == {"tool", "targets", "cluster", "events", "function"}


def test_an_earlier_file_gives_the_same_report_and_a_picture(aws, file, capsys):
    measured("--json", file)
    first, picture = capsys.readouterr().out, file.with_suffix(".svg")
    assert failover.main(["--from", str(file), "--plot", str(picture)]) == 0
    assert first.endswith(capsys.readouterr().out)
    assert "RDS's writer flips" in picture.read_text()


def test_a_file_that_is_none_is_refused(file, capsys):
    file.write_text('{"observations": []}')
    assert failover.main(["--from", str(file)]) == 1
    assert "expected a file that --json has written" in capsys.readouterr().err


def test_it_waits_for_a_failover_that_comes_by_itself_and_forgets_what_was_long_before(aws, file, monkeypatch):
    monkeypatch.setattr(run, "KEPT", 1.0)
    threading.Timer(4, aws.failover_db_cluster).start()
    assert measured("--watch", "--limit", "3", "--json", file) == 0
    record = read(file)
    assert not record.by("tool")
    assert min(seen["at"] for seen in record.observations) > 1
    assert moments(record)["completed"] == pytest.approx(zero(record), abs=2)  # the sooner of event and flip


def test_looks_that_fail_are_told_of(aws, monkeypatch, capsys):
    def denied(**_):
        raise PermissionError("not allowed to perform elasticloadbalancing:DescribeTargetHealth")

    monkeypatch.setattr(aws, "describe_target_health", denied)
    assert measured("--limit", "2") == 1
    said = capsys.readouterr().out
    assert "failed, the last with: not allowed to perform elasticloadbalancing:DescribeTargetHealth" in said


def test_account_numbers_stay_out_of_the_file(aws, file):
    arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/aurora/0123456789abcdef"
    measured("--target-group", arn, "--json", file)
    assert "123456789012" not in file.read_text()
    assert ":targetgroup/aurora/" in file.read_text()


def test_it_asks_first(aws, monkeypatch, capsys):
    asked = "fails over from aurora-1 to whom Aurora chooses"
    monkeypatch.setattr("builtins.input", lambda question: "n" if asked in question else "y")
    assert failover.main(STACK) == 1
    assert "nothing was done" in capsys.readouterr().err
    assert not aws.failovers
    monkeypatch.setattr("builtins.input", lambda _: "y")
    assert failover.main(STACK) == 0
    assert aws.failovers


def test_it_is_refused_by_what_check_finds_but_for_anyway(aws, capsys):
    aws.answer["findings"] = [{"level": "error", "code": "target-unused", "message": "no balancer uses the group"}]
    assert measured() == 1
    said = capsys.readouterr()
    assert "error: target-unused: no balancer uses the group" in said.out
    assert "check finds an error: target-unused. --anyway measures all the same" in said.err
    assert not aws.failovers
    assert measured("--anyway") == 0


def test_a_function_that_does_not_answer_to_check_is_called_broken(aws, capsys):
    aws.answer, aws.broken = {"errorType": "AwsCallFailed", "errorMessage": "AccessDenied"}, True
    assert measured("--anyway") == 1
    assert "the function the-function is broken" in capsys.readouterr().err
    assert not aws.failovers


def test_a_password_that_is_refused_is_tried_once_and_nothing_is_started(aws, monkeypatch, capsys):
    monkeypatch.setenv("DB_PASSWORD", "wrong")
    assert measured("--endpoint", "127.0.0.1:1", "--user", "probe") == 1
    assert "the endpoint accepts no login" in capsys.readouterr().err
    assert not aws.failovers


def test_ctrl_c_ends_with_what_there_is(aws, file, capsys):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what is in the background with it ignored
    threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    assert measured("--watch", "--json", file) == 1
    assert "ended by Ctrl-C" in capsys.readouterr().out
    assert read(file).by("cluster")
    assert not aws.failovers
