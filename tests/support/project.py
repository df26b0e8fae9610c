"""The project's files that the tests read."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EVENTS = {path.stem: path for path in sorted((ROOT / "events").glob("*.json"))}


def event(name: str) -> dict[str, Any]:
    """The payload in a file of events/."""
    return json.loads(EVENTS[name].read_text())


def source(module: str = "") -> str:
    """The Rust source of a module, whether it is a file or a folder, without its tests; of the whole crate by default."""
    file = ROOT / "src" / f"{module}.rs"
    files = [file] if module and file.exists() else sorted((ROOT / "src" / module).rglob("*.rs"))
    assert files, f"src/ has no module {module}"
    return "\n".join(path.read_text().split("#[cfg(test)]")[0] for path in files)
