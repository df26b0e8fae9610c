"""The reader gate, as RUNBOOK.md shows it."""

import json

from support.runbook import blocks

SECTION = "## The reader gate"
WITH_QUOTES = blocks(SECTION, "sql")[0].strip().removesuffix(";")
(PARAMETERS,) = blocks(SECTION, "json")
(PARAMETER,) = json.loads(PARAMETERS)
GATE: str = PARAMETER["ParameterValue"]
"""Without quotes, as the parameter group has it."""
