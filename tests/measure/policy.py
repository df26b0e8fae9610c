"""The IAM policy that tests/measure/failover.py needs."""

from argparse import Namespace
from typing import Any

READS_OF_ANY_RESOURCE = (
    "elasticloadbalancing:DescribeTargetHealth",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
    "rds:DescribeEvents",
    "rds:DescribeDBInstances",
)


def policy(options: Namespace) -> dict[str, Any]:
    """Scoped to what the options name, and where they name nothing to any."""
    cluster, function = options.cluster or "*", options.function or (f"{options.stack}-*" if options.stack else "*")
    log_group = options.log_group or (f"/aws/lambda/{options.function or options.stack or ''}*")
    of_cluster = f"arn:aws:rds:*:*:cluster:{cluster}"
    statements = [
        allow(READS_OF_ANY_RESOURCE, "*"),
        allow(("rds:DescribeDBClusters",), of_cluster),
        allow(("lambda:InvokeFunction",), f"arn:aws:lambda:*:*:function:{function}"),
        allow(("logs:FilterLogEvents",), f"arn:aws:logs:*:*:log-group:{log_group}:*"),
    ]
    if not options.watch:
        statements.append(allow(("rds:FailoverDBCluster",), of_cluster))
    if options.stack:
        statements.append(allow(("cloudformation:DescribeStacks",), f"arn:aws:cloudformation:*:*:stack/{options.stack}/*"))
    return {"Version": "2012-10-17", "Statement": statements}


def allow(actions: tuple[str, ...], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}
