"""What the rule SwitchNotice makes of an answer of the function: whether it is told, and in which words."""

from types import SimpleNamespace
from typing import Any

from ministack.services.eventbridge import _apply_input_transformer
from moto.events.models import EventPattern

from template.cloudformation import Stack


def record(arn: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The event that Lambda sends to the bus after an asynchronous run."""
    context = {"requestId": "8476a536", "functionArn": f"{arn}:$LATEST", "condition": "Success"}
    return {
        "source": "lambda", "detail-type": "Lambda Function Invocation Result - Success", "time": "2026-03-14T03:12:09Z",
        "detail": {"version": "1.0", "requestContext": context, "requestPayload": {}, "responsePayload": answer},
    }  # fmt: skip


def told(stack: Stack, answer: dict[str, Any], arn: str = "FailoverFunction.Arn") -> str:
    """The message; empty if there is none."""
    rule, event = stack["SwitchNotice"], record(arn, answer)
    if not EventPattern(None, rule["EventPattern"]).matches_event(event):
        return ""
    view = SimpleNamespace(event_with_detail=lambda: event, envelope=lambda: event)
    (target,) = rule["Targets"]
    return _apply_input_transformer(target["InputTransformer"], rule, view)
