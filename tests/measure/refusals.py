"""Whether a failover may be started: reasons against it, from data alone."""

from typing import Any


def findings(answer: dict[str, Any]) -> list[str]:
    """The findings of `check`, a line each."""
    return [f"{one['level']}: {one['code']}: {one['message']}" for one in answer["findings"]]


def refusals(answer: dict[str, Any], cluster: dict[str, Any]) -> list[str]:
    """What speaks against measuring; `--anyway` overrides it."""
    reasons = [f"check finds an error: {one['code']}" for one in answer["findings"] if one["level"] == "error"]
    if cluster["status"] != "available":
        reasons.append(f"the cluster's status is {cluster['status']}, expected available")
    if len(cluster["members"]) < 2:
        reasons.append(f"the cluster has {len(cluster['members'])} member, and a failover needs two")
    if answer.get("dry_run") or any(one["code"] == "dry-run" for one in answer["findings"]):
        reasons.append("the function is in dry run, so that it would not move the target")
    return reasons


def impossible(to: str | None, cluster: dict[str, Any]) -> str:
    """Why `--to` cannot be had; empty if it can."""
    if to and to not in cluster["members"]:
        return f"--to {to}: no member of the cluster, which has {', '.join(cluster['members'])}"
    return f"--to {to}: that is the writer already" if to and to in cluster["writers"] else ""
