"""AWS's side: moto as its API, HAProxy as the Network Load Balancer, and the bridge that leads from one to the other."""

import socket
import sys
import threading
import time

from replication_databases import ADDRESSES, NAMES, PORT
from stack.run import CLUSTER, aws_client, make_cluster, make_group, wait_until

BALANCER, RUNTIME_PORT = "127.0.0.10", 3307
DRAINING = 60
TERMINATION = "deregistration_delay.connection_termination.enabled"

# moto's server with two changes. The endpoints of instances are addresses, where moto invents names that are in no DNS. And a
# deregistered target stays in the list for a while, draining: a failback meets it there, as with AWS.
MOTO = f"""
import sys, time
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeTargetGroup
from moto.rds.models import DBInstance
from moto.server import main

deregister, describe = FakeTargetGroup.deregister, ELBv2Backend.describe_target_health

def deregister_and_drain(group, targets):
    deregister(group, targets)
    for target in targets:
        group.deregistered_targets[target["Id"]]["until"] = time.monotonic() + {DRAINING}

def describe_with_draining(backend, target_group_arn, targets):
    listed = describe(backend, target_group_arn, targets)
    gone = backend.target_groups[target_group_arn].deregistered_targets.values()
    draining = [target for target in gone if target["until"] > time.monotonic()]
    return listed + [FakeHealthStatus(target["Id"], target["Port"], None, "draining") for target in draining]

FakeTargetGroup.deregister, ELBv2Backend.describe_target_health = deregister_and_drain, describe_with_draining
DBInstance.address = property(lambda instance: {ADDRESSES}[instance.db_instance_identifier])
main(sys.argv[1:])
"""


class Aws:
    """moto's server, with one target group and one Aurora cluster of three."""

    def __init__(self, run):
        command = [sys.executable, "-c", MOTO, "-H", "127.0.0.1", "-p", "{port}"]
        self.url = run.serve("replication-moto", command, "/moto-api/data.json")
        self.elb, self.rds, ec2 = (aws_client(service, self.url) for service in ("elbv2", "rds", "ec2"))
        self.group = make_group(self.elb, "aurora", ec2.describe_vpcs()["Vpcs"][0]["VpcId"])
        make_cluster(self.rds)

    def targets(self, draining=False):
        """The names of the instances that are registered, or that drain."""
        listed = self.elb.describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]
        found = [entry["Target"]["Id"] for entry in listed if (entry["TargetHealth"]["State"] == "draining") == draining]
        return {NAMES[address] for address in found}

    def reset(self, writer):
        """Exactly this one registered, and RDS of the same mind."""
        target = lambda name: {"Id": ADDRESSES[name], "Port": PORT}
        self.elb.register_targets(TargetGroupArn=self.group, Targets=[target(writer)])
        if others := self.targets() - {writer}:
            self.elb.deregister_targets(TargetGroupArn=self.group, Targets=[target(name) for name in others])
        self.show_writer(writer)

    def show_writer(self, name):
        self.rds.failover_db_cluster(DBClusterIdentifier=CLUSTER, TargetDBInstanceIdentifier=name)

    def cuts_connections(self):
        attributes = self.elb.describe_target_group_attributes(TargetGroupArn=self.group)["Attributes"]
        return any(pair == {"Key": TERMINATION, "Value": "true"} for pair in attributes)

    def set_cuts(self, cuts):
        attributes = [{"Key": TERMINATION, "Value": str(cuts).lower()}]
        self.elb.modify_target_group_attributes(TargetGroupArn=self.group, Attributes=attributes)


class Balancer:
    """HAProxy, driven through its runtime API. Like the NLB here, it looks at nobody's health."""

    CONFIG = f"""
global
    stats socket ipv4@{BALANCER}:{RUNTIME_PORT} level admin
defaults
    mode tcp
    retries 0
    timeout connect 1s
    timeout client 1h
    timeout server 1h
frontend balancer
    bind {BALANCER}:{PORT}
    default_backend group
backend group
    balance roundrobin
"""

    def __init__(self, place):
        config = place.folder / "haproxy.cfg"
        config.write_text(self.CONFIG)
        config.chmod(0o644)  # HAProxy does not run as root either
        self.known, self.process = set(), place.spawn(["haproxy", "-db", "-f", config], "haproxy.log")
        wait_until(f"HAProxy to answer, see {place.folder}/haproxy.log", self.answers, 10)

    def answers(self):
        assert self.process.poll() is None, f"HAProxy ended with {self.process.returncode}"
        try:
            return self.command("show info")
        except OSError:
            return False

    def command(self, line):
        with socket.create_connection((BALANCER, RUNTIME_PORT), timeout=5) as connection:
            connection.sendall(f"{line}\n".encode())
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode().strip()

    def order(self, line, expected=""):
        answer = self.command(line)
        assert answer == expected, f"HAProxy says to {line!r}: {answer}"

    def add(self, name):
        if name not in self.known:
            self.order(f"add server group/{name} {ADDRESSES[name]}:{PORT}", "New server registered.")
            self.known.add(name)
        self.order(f"set server group/{name} state ready")

    def remove(self, name):
        """No new connection goes there; those that are there stay until they are cut."""
        self.order(f"set server group/{name} state maint")

    def cut(self, name):
        """How many connections it cut."""
        found = next(line for line in self.command("show stat group 4 -1").splitlines() if line.startswith(f"group,{name},"))
        self.order(f"shutdown sessions server group/{name}")
        return int(found.split(",")[4])

    def serving(self):
        states = [line.split() for line in self.command("show servers state group").splitlines()]
        return {words[3] for words in states if len(words) > 6 and words[3] in self.known and words[6] == "0"}

    def stop(self):
        self.process.kill()
        self.process.wait(5)


class Bridge:
    """Leads each change of the target group to the balancer, after the propagation delay."""

    def __init__(self, aws, balancer, timeline, propagation):
        self.aws, self.balancer, self.timeline, self.propagation = aws, balancer, timeline, propagation
        self.failure, self.over, self.pending, self.changes = None, threading.Event(), [], 0
        self.seen = self.applied = aws.targets()
        for name in self.applied:
            balancer.add(name)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while not self.over.wait(0.03):
                self.look()
        except Exception as error:  # told by check(), in the main thread
            self.failure = error

    def look(self):
        now = self.aws.targets()
        if now != self.seen:
            self.changes += 1
            self.timeline.mark(f"target group: {show(self.seen)} → {show(now)}")
            self.pending.append((time.monotonic(), now))
            self.seen = now
        while self.pending and time.monotonic() - self.pending[0][0] >= self.propagation:
            self.apply(*self.pending.pop(0))

    def apply(self, since, now):
        before, self.applied = self.applied, now
        for name in sorted(now - before):
            self.balancer.add(name)
        for name in sorted(before - now):
            self.balancer.remove(name)
        self.timeline.mark(f"the balancer follows, {time.monotonic() - since:.1f} s later: {show(before)} → {show(now)}")
        for name in sorted(before - now):
            if self.aws.cuts_connections() and (count := self.balancer.cut(name)):
                self.timeline.mark(f"the balancer cuts {count} connection{'s' * (count > 1)} to {name}")

    def check(self):
        if self.failure:
            raise AssertionError(f"the bridge to the balancer failed: {self.failure!r}")

    def stop(self):
        self.over.set()
        self.thread.join(10)


def show(names):
    return " and ".join(sorted(names)) or "nobody"
