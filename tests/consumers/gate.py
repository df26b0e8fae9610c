"""The reader gate, as RUNBOOK.md shows it."""

import json

from support.runbook import block, blocks

SECTION = "## The reader gate"
WITH_QUOTES = blocks(SECTION, "sql")[0].strip().removesuffix(";")
(PARAMETER,) = json.loads(block(SECTION, "json"))
GATE: str = PARAMETER["ParameterValue"]
"""Without quotes, as the parameter group has it."""
