"""What RUNBOOK.md gives to paste."""

import json
import re
from typing import Any

from support.aws import ACCOUNT, REGION
from support.project import ROOT


def blocks(heading: str, language: str) -> list[str]:
    """The blocks of code in this language that stand in the section, without those of the sections below it."""
    page = (ROOT / "RUNBOOK.md").read_text()
    assert f"\n{heading}\n" in page, f"RUNBOOK.md has no section {heading}"
    below = page.split(f"\n{heading}\n")[1]
    section = re.split(r"^#{2,3} ", below, maxsplit=1, flags=re.MULTILINE)[0]
    found = re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert found, f"{heading} has no {language}"
    return found


def block(heading: str, language: str) -> str:
    (only,) = blocks(heading, language)
    return only


def policies(heading: str, language: str, stack: str) -> list[Any]:
    """The IAM policies, without comments, with the stack's name, account and region filled in."""
    texts = [re.sub(r"^//.*$", "", text, flags=re.MULTILINE) for text in blocks(heading, language)]
    return [json.loads(text.replace("REGION", REGION).replace("ACCOUNT", ACCOUNT).replace("STACK", stack)) for text in texts]
