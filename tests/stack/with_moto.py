"""cargo-lambda runs the function against moto, with every file of events/."""

import json
import re
import sys
import time
import urllib.request
from base64 import b64decode
from dataclasses import dataclass, field

from stack.run import (
    ACCOUNT, ADDRESSES, CLUSTER, EVENTS, PORT, REGION, WORK, aws_client, equal, fetch, fresh, make_cluster, make_group, show, targets
)  # fmt: skip

A1, A2, A3 = (f"{address}:{PORT}" for address in ADDRESSES.values())

# moto's server with one change. moto invents endpoint names such as aurora-1.aaaaaaaaaa.eu-west-1.rds.amazonaws.com, which
# would be looked up outside of this machine and are in no DNS. An address in their place needs no DNS.
MOTO = f"""
import sys
from moto.rds.models import DBInstance
from moto.server import main
DBInstance.address = property(lambda instance: {ADDRESSES}[instance.db_instance_identifier])
main(sys.argv[1:])
"""


@dataclass
class Expect:
    """One invocation: what the world is like before it, and what must come of it."""

    answer: dict = field(default_factory=dict)
    """Fields of the answer; a field that is not here may be anything."""
    error: str = ""
    """The error type, in place of an answer."""
    says: str = ""
    """What the error's text, or the reason, must contain."""
    before: tuple = (A1,)
    """The target group before it."""
    after: tuple | None = None
    """The target group after it, if it changes."""
    rds_writer: str = "aurora-1"
    """Who is the writer in moto's RDS."""
    rds: bool | None = None
    """Whether RDS is asked; None: either."""
    logs: str = ""
    """What the log of this invocation must contain."""
    seconds: tuple = (0, 4)
    """How long it may take. A change that RDS alone asks for takes two looks, 5 s apart."""

    def writes(self):
        """The write calls that this must take, in order: register first."""
        planned = self.answer.get("outcome") == "planned"
        added, removed = self.answer.get("registered"), self.answer.get("deregistered")
        return [] if planned else ["RegisterTargets"] * bool(added) + ["DeregisterTargets"] * bool(removed)


def by(evidence, writer):
    """What the evidence says about RDS: asked and of the same mind, or not asked and still with the old writer."""
    return {"rds": False} if evidence == "event" else {"rds": True, "rds_writer": writer}


def switched(cause, writer, evidence="event", before=(A1,), **more):
    target = f"{ADDRESSES[writer]}:{PORT}"
    answer = {
        "outcome": "switched", "cause": cause, "writer": writer, "target": target, "evidence": evidence,
        "registered": [target] if target not in before else [], "deregistered": [t for t in before if t != target],
    }  # fmt: skip
    return Expect(answer, before=before, after=(target,), **by(evidence, writer), **more)


def unchanged(cause, writer="aurora-1", evidence="rds", **more):
    answer = {"outcome": "unchanged", "cause": cause, "writer": writer, "evidence": evidence, "registered": [], "deregistered": []}
    return Expect(answer, before=(f"{ADDRESSES[writer]}:{PORT}",), **by(evidence, writer), **more)


def ignored(says, **more):
    return Expect({"outcome": "ignored"}, says=says, rds=False, **more)


def refused(error, says, **more):
    return Expect(error=error, says=says, **{"rds": False, **more})


def checked(*findings, before=(A1,)):
    answer = {"outcome": "checked", "in_sync": before == (A1,), "writer": "aurora-1", "targets": list(before)}
    return Expect(answer | {"findings": list(findings)}, before=before, rds=True)


LOOKS_TWICE = {"seconds": (4.9, 9)}
S0069, S0070, S0071, S0072, S0073 = (f"RDS-EVENT-00{number}" for number in range(69, 74))
NO_CLUSTER = refused("ClusterIdRequired", "DB_CLUSTER_ID")
NOT_OURS = {
    "not-rds-json": refused("UnrecognizedEvent", "Event ID"),
    "unrecognized": refused("UnrecognizedEvent", "no Sns"),
    "other-event": ignored("RDS-EVENT-0151"),
    "subscription-notice": ignored("not JSON"),
}

# Without DB_CLUSTER_ID, a drop-in for the original function: a claim is acted on whatever its age, and RDS is never asked.
DROP_IN = NOT_OURS | {
    "check": NO_CLUSTER,
    "reconcile": NO_CLUSTER,
    "reconcile-dry-run": NO_CLUSTER,
    "eventbridge-scheduled": NO_CLUSTER,
    "scheduler-scheduled": NO_CLUSTER,
    "failed": refused("ClusterIdRequired", "DB_CLUSTER_ID"),  # names nobody, so that only RDS could say
    "malformed-message": refused("MalformedEvent", "Started same AZ failover to DB instance"),
    "unknown-instance": refused("UnknownInstance", "known instances: aurora-1, aurora-2, aurora-3"),
    # There is no cluster to compare with, so it is an instance that nobody knows.
    "other-cluster": refused("UnknownInstance", "billing-2"),
    "started-cross-az": switched(S0073, "aurora-2"),
    "started-same-az": switched(S0072, "aurora-3", before=(A1, A2, "10.0.9.99:3306")),
    "completed": switched(S0071, "aurora-2", before=(A1, A2)),
    "completed-customer-initiated": switched(S0071, "aurora-2"),
    "completed-rds-initiated": switched(S0071, "aurora-2", before=()),
    "promoting-previous-primary": switched(S0070, "aurora-1", before=(A2,)),
    "eventbridge-started": switched(S0073, "aurora-2"),
    # The same address on another port would go too, but not here: moto keys targets by ID alone, so that registering
    # 10.0.2.22:3306 replaces 10.0.2.22:3307, and deregistering the latter empties the group. `cargo test` has that case.
    "eventbridge-completed": switched(S0071, "aurora-2", before=("10.0.9.99:3307",)),
    "late": switched(S0073, "aurora-2"),
    "old-format": switched(S0073, "aurora-2"),
    "duplicate-records": switched(S0073, "aurora-2"),
    "out-of-order-records": switched(S0071, "aurora-2"),
}

# With DB_CLUSTER_ID. The files carry fixed times, so all of them are late: they say that it is time to look, and RDS says who.
VERIFYING = NOT_OURS | {
    "other-cluster": ignored("billing"),
    "check": checked(),
    "started-cross-az": unchanged(S0073),
    "started-same-az": unchanged(S0072, "aurora-3"),
    "completed": unchanged(S0071),
    "completed-customer-initiated": unchanged(S0071),
    "completed-rds-initiated": unchanged(S0071, "aurora-2"),
    "promoting-previous-primary": unchanged(S0070, "aurora-2"),
    "failed": unchanged(S0069),
    "eventbridge-started": unchanged(S0073),
    "eventbridge-completed": unchanged(S0071),
    "old-format": unchanged(S0073),
    "duplicate-records": unchanged(S0073),
    "out-of-order-records": unchanged(S0071),
    "malformed-message": unchanged(S0072),
    "unknown-instance": unchanged(S0073),
    # It says aurora-2, and somebody believed it; the cluster is back on aurora-1 long since.
    "late": switched(S0073, "aurora-1", "rds", before=(A2,), **LOOKS_TWICE),
    "reconcile": switched("reconcile", "aurora-2", "rds", before=(A1, A3), **LOOKS_TWICE),
    "reconcile-dry-run": Expect(
        {"outcome": "planned", "cause": "reconcile", "writer": "aurora-2", "registered": [A2], "deregistered": [A1]},
        rds=True, rds_writer="aurora-2", **LOOKS_TWICE,
    ),  # fmt: skip
    # A new stack: the first scheduled run registers the writer.
    "eventbridge-scheduled": switched("schedule", "aurora-1", "rds", before=(), **LOOKS_TWICE),
    "scheduler-scheduled": unchanged("schedule"),
}

# The same with the current time filled in, in order: one failover from aurora-1 to aurora-2 and what else may come.
# moto has no status failing-over: its writer moves in one step, here between "started" and "completed".
# The cases of a cluster that is failing over are those of `cargo test`.
FRESH = [
    ("started-cross-az", switched(S0073, "aurora-2")),
    ("duplicate-records", unchanged(S0073, "aurora-2", "event")),
    ("completed", unchanged(S0071, "aurora-2", "event+rds")),
    ("completed-customer-initiated", switched(S0071, "aurora-2", "event+rds")),
    ("completed-rds-initiated", unchanged(S0071, "aurora-1")),  # RDS has settled on another
    ("eventbridge-completed", switched(S0071, "aurora-1", "rds", before=(A2,), **LOOKS_TWICE)),
    ("eventbridge-started", switched(S0073, "aurora-2", before=(A1, A3))),
    ("promoting-previous-primary", switched(S0070, "aurora-1", "event+rds", before=(A2,))),
    # In no map, so that its address comes from RDS; the writer need not be asked for.
    ("started-same-az", Expect(switched(S0072, "aurora-3").answer, after=(A3,), rds=True)),
    ("unknown-instance", refused("UnknownInstance", "aurora-9", rds=None)),
    ("malformed-message", unchanged(S0072)),
    ("other-cluster", ignored("billing")),
]


class Moto:
    """moto's server, with one balancer and one Aurora cluster of three.

    Its NLB has few states: a target is healthy at once, and gone at once. What AWS shows besides (`initial`, `unhealthy`, and
    `draining` after a deregistration) is in `cargo test`.
    """

    def __init__(self, run):
        command = [sys.executable, "-c", MOTO, "-H", "127.0.0.1", "-p", "{port}"]
        self.url = run.serve("moto", command, "/moto-api/data.json", {"MOTO_RECORDER_FILEPATH": str(WORK / "moto-calls.jsonl")})
        client = lambda service: aws_client(service, self.url)
        self.elb, self.rds, ec2 = client("elbv2"), client("rds"), client("ec2")
        vpc, subnet = ec2.describe_vpcs()["Vpcs"][0]["VpcId"], ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        balancer = self.elb.create_load_balancer(Name="aurora", Type="network", Scheme="internal", Subnets=[subnet])
        self.group = make_group(self.elb, "aurora", vpc)
        self.elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"], Protocol="TCP", Port=PORT,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.group}],
        )  # fmt: skip
        make_cluster(self.rds)
        self.record("start-recording")

    def record(self, action):
        method = "GET" if action.startswith("download") else "POST"
        request = urllib.request.Request(f"{self.url}/moto-api/recorder/{action}", method=method)
        return fetch(request, timeout=10).read().decode()

    def targets(self):
        return targets(self.elb, self.group)

    def prepare(self, expect):
        """Brings the group and the cluster to where the case starts, and forgets the calls so far."""
        # Only what is there: moto refuses to deregister an unknown target (InvalidTarget), where AWS says nothing.
        for action, group in ((self.elb.deregister_targets, self.targets()), (self.elb.register_targets, expect.before)):
            if group:
                pairs = [target.split(":") for target in group]
                action(TargetGroupArn=self.group, Targets=[{"Id": address, "Port": int(port)} for address, port in pairs])
        self.rds.failover_db_cluster(DBClusterIdentifier=CLUSTER, TargetDBInstanceIdentifier=expect.rds_writer)
        self.record("reset-recording")

    def calls(self):
        """The calls of the function, in order. Ours are left out by the SDK that made them."""
        lines = [json.loads(line) for line in self.record("download-recording").splitlines() if line]
        ours = [line for line in lines if "aws-sdk-rust" in line["headers"].get("User-Agent", "")]
        return [re.search(r"Action=(\w+)", b64decode(line["body"]).decode())[1] for line in ours]


class Watch:
    """One `cargo lambda watch`: the function with one environment."""

    def __init__(self, run, name, moto, ip_dict, cluster):
        # An env file, as --env-var splits its value at every comma; the quotes are for the braces.
        env_file = WORK / f"{name}.env"
        lines = {
            "TARGET_GROUP_ARN": moto.group, "IP_DICT": f"'{json.dumps(ip_dict)}'", "DB_CLUSTER_ID": cluster,
            "AWS_ENDPOINT_URL": moto.url, "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "test",
        }  # fmt: skip
        env_file.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
        self.moto, self.run = moto, run
        # -A: the default listens on every interface.
        command = ["cargo", "lambda", "watch", "--ignore-changes", "-A", "127.0.0.1", "-P", "{port}", "--env-file", env_file]
        self.port = run.serve(name, command).rsplit(":", 1)[1]
        self.log = WORK / f"{name}.log"
        # The first invocation starts the function, and waits for any other cargo at work here. No step's time is to tell of that.
        self.invoke(EVENTS["subscription-notice"], seconds=900)

    def invoke(self, path, seconds=60):
        """(answer, error type, text) of one `cargo lambda invoke`."""
        command = ["cargo", "lambda", "invoke", "-A", "127.0.0.1", "-P", self.port, "--data-file", str(path)]
        done = self.run.command(command, seconds)
        if done.returncode == 0:
            return json.loads(done.stdout), "", done.stdout
        # cargo-lambda draws a frame around the error, and breaks its lines.
        text = " ".join(re.sub("[│×├╰─▶]", " ", done.stderr).split())
        found = re.search(r"Error: (\w+) (.*?)(?: Was this behavior unexpected\?|$)", text)
        return {}, found[1] if found else "", found[2] if found else text

    def expect(self, title, path, expect):
        self.run.step(title, lambda: self.one(path, expect))

    def one(self, path, expect):
        self.moto.prepare(expect)
        logged = len(self.log.read_text())
        started = time.monotonic()
        answer, error, text = self.invoke(path)
        seconds, calls, after = time.monotonic() - started, self.moto.calls(), self.moto.targets()
        moved = f"{show(expect.before)} → {show(after)}"
        decision = error or " ".join(str(answer[key]) for key in ("outcome", "writer", "evidence") if answer.get(key))
        try:
            equal("error type", error, expect.error, text)
            for key, value in expect.answer.items():
                found = answer.get(key)
                if isinstance(found, list):  # in no particular order; of a finding, the code tells enough
                    found = sorted(entry["code"] if key == "findings" else entry for entry in found)
                equal(key, found, sorted(value) if isinstance(value, list) else value, answer)
            assert expect.says in (text if error else answer.get("reason", text)), f"{expect.says!r} is not in {text!r}"
            assert expect.logs in self.log.read_text()[logged:], f"{expect.logs!r} is not in the log of this invocation, in {self.log}"
            equal("target group", after, sorted(expect.before if expect.after is None else expect.after), answer)
            equal("write calls", [call for call in calls if not call.startswith("Describe")], expect.writes(), calls)
            if expect.rds is not None:
                equal("RDS was asked", any("DB" in call for call in calls), expect.rds, calls)
            least, most = expect.seconds
            assert least <= seconds <= most, f"took {seconds:.1f} s, expected {least} to {most} s"
        except AssertionError as failure:
            raise AssertionError(f"{failure}\n      {decision}  {moved}  calls: {', '.join(calls) or 'none'}") from None
        return f"{decision}  {moved}  {seconds * 1000:.0f} ms  {', '.join(calls) or 'no calls'}"


def run_all(run):
    unknown = {name: EVENTS.keys() ^ cases.keys() for name, cases in (("DROP_IN", DROP_IN), ("VERIFYING", VERIFYING))}
    assert not any(unknown.values()), f"events/ and the expectations of {__name__} differ: {unknown}"
    # What `cargo lambda watch` runs. Built here, where one can see it, for a first invocation would wait for it in silence.
    run.command(["cargo", "build", "--locked", "--bin", "aurora-nlb-failover"], seconds=3600, quiet=False)
    moto = Moto(run)

    print("\ncargo lambda and moto, without DB_CLUSTER_ID")
    watch = Watch(run, "drop-in", moto, ADDRESSES, "")
    for name, path in EVENTS.items():
        watch.expect(name, path, DROP_IN[name])
    again = unchanged(S0073, "aurora-2", "event")
    watch.expect("started-cross-az, again", EVENTS["started-cross-az"], again)

    print("\ncargo lambda and moto, with DB_CLUSTER_ID: the files are late, so RDS decides")
    mapped = {instance: ADDRESSES[instance] for instance in ("aurora-1", "aurora-2")}  # aurora-3 is looked up
    watch = Watch(run, "verifying", moto, mapped, CLUSTER)
    for name, path in EVENTS.items():
        watch.expect(name, path, VERIFYING[name])

    print("\nthe same with the current time filled in")
    for name, expect in FRESH:
        path = WORK / f"fresh-{name}.json"
        path.write_text(json.dumps(fresh(json.loads(EVENTS[name].read_text()))))
        watch.expect(f"{name}, now", path, expect)

    print("\nwith DB_CLUSTER_ID and an address in IP_DICT that has gone stale")
    watch = Watch(run, "stale", moto, {"aurora-2": "10.0.2.99"}, CLUSTER)
    watch.expect("check", EVENTS["check"], checked("stale-ip-dict-entry"))
    told = unchanged("schedule", logs="stale-ip-dict-entry")  # for an alarm; the group stays as it is
    watch.expect("scheduler-scheduled", EVENTS["scheduler-scheduled"], told)
    slow = [{"Key": "deregistration_delay.timeout_seconds", "Value": "300"}]
    moto.elb.modify_target_group_attributes(TargetGroupArn=moto.group, Attributes=slow)
    faults = checked("stale-ip-dict-entry", "attribute", "targets", before=(A1, A2))
    watch.expect("check, with two faults more", EVENTS["check"], faults)
