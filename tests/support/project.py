"""The project's files that the tests read."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EVENTS = {path.stem: path for path in sorted((ROOT / "events").glob("*.json"))}


def event(name: str) -> Any:
    """The payload in a file of events/."""
    return json.loads(EVENTS[name].read_text())


def source(module: str = "") -> str:
    """The Rust source of a module, its file and its folder, without its tests; of the whole crate by default."""
    file = ROOT / "src" / f"{module}.rs"
    folder = [path for path in sorted((ROOT / "src" / module).rglob("*.rs")) if path.name != "tests.rs"]
    files = ([file] if module and file.exists() else []) + folder
    assert files, f"src/ has no module {module}"
    return "\n".join(path.read_text().split("#[cfg(test)]")[0] for path in files)
