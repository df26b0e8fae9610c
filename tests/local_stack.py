#!/usr/bin/env python3
"""The function with the real tools, on this machine alone: python3 tests/local_stack.py

cargo-lambda runs it against moto with every file of events/, once without and once with DB_CLUSTER_ID. Then MiniStack
deploys template.yaml with the zip that `cargo lambda build` makes, and a message published to the topic moves the target.

Needs Rust and Python 3.11 or later. The tools come from PyPI, into target/local-stack-venv. Nothing listens beyond loopback.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / "target" / "local-stack-venv"
REQUIREMENTS = ROOT / "tests" / "requirements.txt"


def enter_venv():
    """Goes on inside the venv with the pinned tools; makes it first if it is not there."""
    if VENV.exists() and os.path.samefile(sys.prefix, VENV):
        return
    if sys.version_info < (3, 11):
        sys.exit(f"Python 3.11 or later is needed; {sys.executable} is {sys.version.split()[0]}")
    python, stamp = VENV / "bin" / "python", VENV / "requirements.txt"
    if not stamp.exists() or stamp.read_bytes() != REQUIREMENTS.read_bytes():
        print(f"installing the tools into {VENV.relative_to(ROOT)} (once; about 800 MB)", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", REQUIREMENTS]
        for command in ([sys.executable, "-m", "venv", VENV], pip):
            if subprocess.run(command, timeout=1200).returncode != 0:
                sys.exit(f"cannot make {VENV}: see above (Debian and Ubuntu need the package python3-venv)")
        shutil.copy(REQUIREMENTS, stamp)  # last: a venv that is only half made has no stamp
    os.execv(python, [python, *sys.argv])


def main():
    # Only the venv has what these import.
    from stack import run, with_ministack, with_moto

    with run.Run() as stack:
        for part in (with_moto, with_ministack):
            stack.part(part.run_all)
    stack.end()


if __name__ == "__main__":
    enter_venv()
    main()
