"""Gives the files of events/, which carry fixed times, other times."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from support.project import event


def fresh(name: str) -> dict[str, Any]:
    """The event as if it had happened a second ago, in every place where a time stands."""
    payload, then = event(name), datetime.now(UTC) - timedelta(seconds=1)
    stamp = then.strftime("%Y-%m-%dT%H:%M:%S.") + f"{then.microsecond // 1000:03}"
    for record in payload.get("Records", []):
        message = json.loads(record["Sns"]["Message"])
        message["Event Time"] = stamp.replace("T", " ")
        record["Sns"] |= {"Message": json.dumps(message), "Timestamp": stamp + "Z"}
    if "detail" in payload:
        payload["detail"]["Date"] = stamp + "Z"
        payload["time"] = stamp[:19] + "Z"
    return payload


def messages(payload: Any) -> list[str]:
    """The messages that SNS would deliver."""
    records = payload.get("Records", []) if isinstance(payload, dict) else []
    return [record["Sns"]["Message"] for record in records if "Sns" in record]
