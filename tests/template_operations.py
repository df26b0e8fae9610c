"""What template.yaml promises to whoever operates the stack: queues for what fails, metrics of the log, alarms, a dashboard."""

import json
import re

from template_support import Stack, claim, line_matches, source

STACK = Stack()
NAMESPACE = "aurora-nlb-failover/stack"
BASE = {"timestamp": "2026-03-14T03:12:09.252Z", "level": "INFO", "requestId": "8476a536-e9f4-11e8-9739-2dfe598c3fcd"}
TARGET = "10.0.2.22:3306"


def decision(**fields):
    return BASE | {"message": "decision"} | fields


def switch(**fields):
    found = {"writer": "aurora-2", "target": TARGET, "registered": [TARGET], "deregistered": ["10.0.1.11:3306"]}
    return decision(**({"outcome": "switched"} | found | fields))


STALE = "IP_DICT has 10.0.1.11 for aurora-1, its endpoint has 10.0.1.12: put 10.0.1.12 into IP_DICT, or remove the entry"
STALE_FINDING = {"level": "error", "code": "stale-ip-dict-entry", "message": STALE}
# A line of each kind that the log holds, and the metrics that it feeds.
LINES = {
    "an event that switches": (switch(cause="RDS-EVENT-0073", evidence="event", event_age_ms=1840), {"Switches", "EventAge"}),
    "one from before our clock": (switch(cause="RDS-EVENT-0073", evidence="event", event_age_ms=-12), {"Switches"}),
    "one of unknown age": (switch(cause="RDS-EVENT-0071", evidence="rds"), {"Switches"}),
    "an event that changes nothing": (decision(outcome="unchanged", cause="RDS-EVENT-0071", event_age_ms=900), set()),
    "an event in a dry run": (switch(outcome="planned", cause="RDS-EVENT-0072", event_age_ms=900), set()),
    "an event of another cluster": (decision(outcome="ignored", cause="RDS-EVENT-0071", reason="not ours"), set()),
    "a scheduled run": (decision(outcome="unchanged", cause="schedule", writer="aurora-2", evidence="rds"), {"ScheduledRuns"}),
    "a scheduled run in doubt": (decision(outcome="unchanged", cause="schedule", reason="failing-over"), {"ScheduledRuns"}),
    "a scheduled run that repairs": (switch(cause="schedule", evidence="rds"), {"Switches", "ScheduledRuns", "Drift"}),
    "the same in a dry run": (switch(outcome="planned", cause="schedule", evidence="rds"), {"ScheduledRuns", "Drift"}),
    "reconcile by hand": (switch(cause="reconcile", evidence="rds"), {"Switches"}),
    "check": (decision(outcome="checked", in_sync=False, targets=[TARGET], findings=[STALE_FINDING]), set()),
    "a stale entry": (BASE | {"level": "ERROR", "message": STALE, "finding": "stale-ip-dict-entry"}, {"StaleAddresses"}),
    "no comparison": (BASE | {"level": "WARN", "message": "not compared", "finding": "ip-dict-not-compared"}, set()),
    "a target registered": (BASE | {"message": "registered", "registered": [TARGET]}, set()),
    "a target deregistered": (BASE | {"message": "deregistered", "deregistered": [TARGET]}, set()),
    "a failure": (BASE | {"level": "ERROR", "message": 'UnknownInstance: instance "aurora-9" has no address'}, set()),
    "Lambda's own": ({"time": "2026-03-14T03:12:09Z", "type": "platform.report", "record": {"status": "success"}}, set()),
}


def metrics():
    """Metric name → its filter, and how it turns a line into a number."""
    for properties in STACK.of_type("AWS::Logs::MetricFilter").values():
        assert properties["LogGroupName"] == "FailoverLogGroup", "a filter on another log"
        (made,) = properties["MetricTransformations"]
        assert made["MetricNamespace"] == NAMESPACE, "a namespace that two stacks would share"
        yield made["MetricName"], properties["FilterPattern"], made


def alarms(stack=STACK):
    found = {(a["Namespace"], a["MetricName"], *(d["Value"] for d in a.get("Dimensions", []))): a
             for a in stack.of_type("AWS::CloudWatch::Alarm").values()}
    assert len(found) == len(stack.of_type("AWS::CloudWatch::Alarm")), "two alarms on the same metric"
    return found


def seconds(alarm):
    return int(alarm["Period"]) * int(alarm["EvaluationPeriods"])


@claim
def each_metric_filter_counts_its_own_log_lines_and_no_other():
    for name, (line, feeds) in LINES.items():
        fed = {metric for metric, pattern, _ in metrics() if line_matches(pattern, line)}
        assert fed == feeds, f"{name}: counted by {fed or 'none'}, expected {feeds or 'none'}"
    sampled = set().union(*(feeds for _, feeds in LINES.values()))
    assert {metric for metric, _, _ in metrics()} == sampled, "a metric without a sample"
    values = {metric: made["MetricValue"] for metric, _, made in metrics()}
    assert values.pop("EventAge") == "$.event_age_ms" and set(values.values()) == {"1"}, values


@claim
def the_sample_lines_are_what_the_source_writes():
    log = re.search(r"tracing::info!\((.*?)\"decision\"\s*\)", source("log.rs"), re.S)
    assert log, "src/log.rs no longer writes the line of a decision as this test knows it"
    known = set(re.findall(r"\w+", log[1])) | BASE.keys() | {"message"}
    used = {key for line, _ in LINES.values() if line.get("message") == "decision" for key in line}
    assert used <= known, f"src/log.rs writes no {used - known}"
    for text, file in [
        ('tracing::error!(finding = code', "check.rs"),
        ('"stale-ip-dict-entry",', "check.rs"),
        ('code: "ip-dict-not-compared"', "check.rs"),
        ('cause: "schedule"', "event.rs"),
        ('"registered")', "reconcile.rs"),
        ('"deregistered")', "reconcile.rs"),
    ]:
        assert text in source(file), f"src/{file} has no {text}"
    outcomes = re.search(r"pub enum Outcome \{(.*?)\n\}", source("answer.rs"), re.S)[1]
    written = {name.lower() for name in re.findall(r"^    (\w+),", outcomes, re.M)} | {"checked"}
    sampled = {line["outcome"] for line, _ in LINES.values() if "outcome" in line}
    assert sampled == written, f"outcomes without a sample: {written - sampled}; never written: {sampled - written}"


@claim
def the_alarms_are_the_seven_that_an_operator_needs():
    assert alarms().keys() == {
        ("AWS/Lambda", "Errors", "FailoverFunction"),
        ("AWS/Lambda", "Throttles", "FailoverFunction"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "FailedRuns.QueueName"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "UndeliveredEvents.QueueName"),
        (NAMESPACE, "ScheduledRuns"),
        (NAMESPACE, "Drift"),
        (NAMESPACE, "StaleAddresses"),
    }, f"alarms on {list(alarms())}"
    ours = {key[1] for key in alarms() if key[0] == NAMESPACE}
    assert ours <= {metric for metric, _, _ in metrics()}, "an alarm on a metric that nothing feeds"


@claim
def every_alarm_rings_somewhere_and_takes_missing_data_for_what_it_is():
    for stack, topic in ((STACK, STACK.fn_ref("AlertTopic")), (Stack(AlertTopicArn="arn:theirs"), "arn:theirs")):
        for key, alarm in alarms(stack).items():
            assert alarm["AlarmActions"] == alarm["OKActions"] == [topic], f"{key} rings nowhere"
            silence = key == (NAMESPACE, "ScheduledRuns")
            assert alarm["TreatMissingData"] == ("breaching" if silence else "notBreaching"), f"{key}: missing data"
            wanted = "LessThanThreshold" if silence else "GreaterThanOrEqualToThreshold"
            assert (alarm["ComparisonOperator"], alarm["Threshold"]) == (wanted, 1), f"{key} compares wrongly"
            statistic = "Maximum" if key[0] == "AWS/SQS" else "Sum"
            assert alarm["Statistic"] == statistic, f"{key} takes the {alarm['Statistic']}"


@claim
def a_silent_schedule_rings_after_three_missed_runs_at_every_rate():
    pattern = Stack().template["Parameters"]["ScheduleRate"]["AllowedPattern"]
    minutes = ["1 minute", *(f"{n} minutes" for n in (2, 5, 10, 99))]
    hours = ["1 hour", *(f"{n} hours" for n in (2, 9, 10, 24))]
    for unit, rates in ((60, minutes), (3600, hours)):
        for rate in rates:
            assert re.search(pattern, f"rate({rate})"), f"rate({rate}) is refused"
            found = alarms(Stack(ScheduleRate=f"rate({rate})"))
            alarm = found[NAMESPACE, "ScheduledRuns"]
            assert seconds(alarm) == 3 * int(rate.split()[0]) * unit, f"{rate}: looks back {seconds(alarm)} s"
            assert int(alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"])) == int(alarm["EvaluationPeriods"]), rate
            # CloudWatch's own limits: a day, and seven days for periods of an hour or more.
            assert seconds(alarm) <= (604_800 if alarm["Period"] >= 3600 else 86_400), f"{rate}: CloudWatch refuses that"
            stale = found[NAMESPACE, "StaleAddresses"]
            assert seconds(stale) >= seconds(alarm) / 3 and stale["DatapointsToAlarm"] == 1, f"{rate}: a stale entry flaps"
    for rate in ("1 minutes", "2 minute", "0 minutes", "100 minutes", "25 hours", "1 day", "5 seconds"):
        assert not re.search(pattern, f"rate({rate})"), f"rate({rate}) is accepted"


@claim
def one_throttle_is_no_alarm():
    alarm = alarms()["AWS/Lambda", "Throttles", "FailoverFunction"]
    assert int(alarm["EvaluationPeriods"]) > 1 and seconds(alarm) >= 900, "it would ring in an ordinary failover"


@claim
def every_queue_is_encrypted_and_keeps_what_it_has():
    for stack in (STACK, Stack(KmsKeyArn="key")):
        assert len(stack.of_type("AWS::SQS::Queue")) == 2, "not the two queues"
        for name, queue in stack.of_type("AWS::SQS::Queue").items():
            key = stack.parameters["KmsKeyArn"]
            wanted = {"KmsMasterKeyId": key} if key else {"SqsManagedSseEnabled": True}
            found = {k: queue[k] for k in ("KmsMasterKeyId", "SqsManagedSseEnabled") if k in queue}
            assert found == wanted, f"{name} is encrypted by {found}"
            assert queue["MessageRetentionPeriod"] == 14 * 86_400, f"{name} forgets too soon"


@claim
def what_fails_goes_to_the_queues_and_only_its_source_may_fill_them():
    for stack, service, arn in (
        (STACK, "sns.amazonaws.com", STACK.fn_ref("FailoverTopic")),
        (Stack(FailoverTopicArn="arn:theirs"), "sns.amazonaws.com", "arn:theirs"),
        (Stack(EventSource="EventBridge"), "events.amazonaws.com", "FailoverRule.Arn"),
    ):
        (invoke,) = stack.of_type("AWS::Lambda::EventInvokeConfig").values()
        assert invoke["DestinationConfig"] == {"OnFailure": {"Destination": "FailedRuns.Arn"}}, "failed events are lost"
        (policy,) = stack.of_type("AWS::SQS::QueuePolicy").values()
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert policy["Queues"] == ["UndeliveredEvents"] and statement["Action"] == "sqs:SendMessage", statement
        assert statement["Principal"] == {"Service": service}, f"{statement['Principal']} may fill the queue"
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": arn}}, f"the queue is open: {statement['Condition']}"
        if service.startswith("sns"):
            redrive = stack.properties("FailoverSubscription")["RedrivePolicy"]
            assert redrive == {"deadLetterTargetArn": "UndeliveredEvents.Arn"}, redrive
        else:
            (target,) = stack.properties("FailoverRule")["Targets"]
            assert target["DeadLetterConfig"] == {"Arn": "UndeliveredEvents.Arn"}, target
            assert target["Arn"] == "FailoverFunction.Arn", target


@claim
def only_alarms_of_this_account_may_publish_to_the_alert_topic():
    (s,) = STACK.properties("AlertTopicPolicy")["PolicyDocument"]["Statement"]
    assert (s["Principal"], s["Action"]) == ({"Service": "cloudwatch.amazonaws.com"}, "sns:Publish"), s
    assert s["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}, "any account may publish"
    assert s["Condition"]["ArnLike"]["aws:SourceArn"].endswith(":123456789012:alarm:*"), "more than alarms may publish"


@claim
def the_log_holds_what_the_metrics_count():
    logging = STACK.properties("FailoverFunction")["LoggingConfig"]
    assert logging["LogFormat"] == "JSON" and logging["LogGroup"] == "FailoverLogGroup", logging
    assert logging["ApplicationLogLevel"] in ("TRACE", "DEBUG", "INFO"), "the line of a decision is of level INFO"


@claim
def the_log_is_kept_for_as_long_as_the_parameter_says():
    for days in ("90", "7"):
        (group,) = Stack(LogRetentionDays=days).of_type("AWS::Logs::LogGroup").values()
        assert group["RetentionInDays"] == days, group


@claim
def the_dashboard_shows_every_metric_and_the_hosts_of_the_group():
    own = Stack(TargetGroupArn="", VpcId="vpc-12345678", SubnetIds="subnet-12345678")
    for stack, group in ((STACK, "targetgroup/given/0123456789abcdef"), (own, "targetgroup/TargetGroup/fedcba9876543210")):
        (dashboard,) = stack.of_type("AWS::CloudWatch::Dashboard").values()
        text = dashboard["DashboardBody"]
        widgets = [widget["properties"] for widget in json.loads(text)["widgets"]]
        shown = {metric[1] for w in widgets for metric in w.get("metrics", []) if metric[0] == NAMESPACE}
        made = {metric for metric, _, _ in metrics()}
        assert shown == made, f"not shown: {made - shown}; not made: {shown - made}"
        queues = ("FailedRuns.QueueName", "UndeliveredEvents.QueueName")
        for needed in ("Errors", "Throttles", "Duration", "FailoverFunction", *queues):
            assert f'"{needed}"' in text, f"the dashboard does not show {needed}"
        searches = [m[0]["expression"] for w in widgets for m in w.get("metrics", []) if isinstance(m[0], dict)]
        for metric in ("HealthyHostCount", "UnHealthyHostCount"):
            assert any(f'MetricName="{metric}" TargetGroup="{group}"' in s for s in searches), f"no {metric} of {group}"
        (query,) = [w["query"] for w in widgets if "query" in w]
        assert "SOURCE 'FailoverLogGroup'" in query, "the query reads another log"
        fields = set(re.search(r"fields @timestamp, ([\w, ]+) \|", query)[1].split(", "))
        assert fields <= set().union(*(line for line, _ in LINES.values())), "a field that no line has"
    assert not Stack(Dashboard="false").of_type("AWS::CloudWatch::Dashboard"), "a dashboard that nobody wanted"
