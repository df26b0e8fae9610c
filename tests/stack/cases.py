"""What must come of each file of events/, for each way in which the function can be configured."""

from typing import Any

from stack.expect import A1, A2, A3, STALE, Expect, checked, ignored, refused, switched, unchanged

LOOKS_TWICE: dict[str, Any] = {"seconds": (4.9, 9)}
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
    # From here on in the order of their times: what is older than a claim that the process has acted on is late by order.
    "old-format": switched(S0073, "aurora-2"),
    "started-cross-az": switched(S0073, "aurora-2"),
    "duplicate-records": switched(S0073, "aurora-2"),
    "eventbridge-started": switched(S0073, "aurora-2"),
    "completed": switched(S0071, "aurora-2", before=(A1, A2)),
    "out-of-order-records": switched(S0071, "aurora-2"),
    "completed-customer-initiated": switched(S0071, "aurora-2"),
    # The same address on another port would go too, but not here: moto keys targets by ID alone, so that registering
    # 10.0.2.22:3306 replaces 10.0.2.22:3307, and deregistering the latter empties the group. `cargo test` has that case.
    "eventbridge-completed": switched(S0071, "aurora-2", before=("10.0.9.99:3307",)),
    "completed-rds-initiated": switched(S0071, "aurora-2", before=()),
    "started-same-az": switched(S0072, "aurora-3", before=(A1, A2, "10.0.9.99:3306")),
    "promoting-previous-primary": switched(S0070, "aurora-1", before=(A2,)),
    "late": switched(S0073, "aurora-2"),
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
        rds=True,
        rds_writer="aurora-2",
        **LOOKS_TWICE,
    ),
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
    # RDS has settled on another: it is asked again for 15 s, or not at all where the group holds what the event names.
    ("completed-rds-initiated", unchanged(S0071, "aurora-1", seconds=(14.9, 20))),
    ("eventbridge-completed", Expect(unchanged(S0071, "aurora-2", "event").answer, before=(A2,), rds=True)),
    ("eventbridge-started", switched(S0073, "aurora-2", before=(A1, A3))),
    ("promoting-previous-primary", switched(S0070, "aurora-1", "event+rds", before=(A2,))),
    # In no map, so that its address comes from RDS; the writer need not be asked for.
    ("started-same-az", Expect(switched(S0072, "aurora-3").answer, after=(A3,), rds=True)),
    ("unknown-instance", refused("UnknownInstance", "aurora-9", rds=None)),
    ("malformed-message", unchanged(S0072)),
    ("other-cluster", ignored("billing")),
]

# With an address in IP_DICT that has gone stale: told in the log, for an alarm; the group stays as it is.
STALE_MAP = {
    "check": checked(STALE),
    "scheduler-scheduled": unchanged("schedule", logs=STALE),
}
