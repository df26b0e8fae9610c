"""The IAM policy that tests/measure/failover.py needs."""

from argparse import Namespace
from typing import Any


def policy(options: Namespace) -> dict[str, Any]:
    """Scoped to what the options name, and where they name nothing to any."""
    cluster, function = options.cluster or "*", options.function or (f"{options.stack}-*" if options.stack else "*")
    log_group = options.log_group or (f"/aws/lambda/{options.function or options.stack or ''}*")
    of_cluster = f"arn:aws:rds:*:*:cluster:{cluster}"
    group_reads = [f"elasticloadbalancing:DescribeTarget{what}" for what in ("Health", "Groups", "GroupAttributes")]
    statements = [
        allow("*", *group_reads, "rds:DescribeEvents", "rds:DescribeDBInstances"),
        allow(of_cluster, "rds:DescribeDBClusters"),
        allow(f"arn:aws:lambda:*:*:function:{function}", "lambda:InvokeFunction"),
        allow(f"arn:aws:logs:*:*:log-group:{log_group}:*", "logs:FilterLogEvents"),
    ]
    if not options.watch:
        statements.append(allow(of_cluster, "rds:FailoverDBCluster"))
    if options.stack:
        statements.append(allow(f"arn:aws:cloudformation:*:*:stack/{options.stack}/*", "cloudformation:DescribeStacks"))
    return {"Version": "2012-10-17", "Statement": statements}


def allow(resource: str, *actions: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}
