#!/usr/bin/env python3
"""Does the proof bite? Breaks each safety rule in turn and shows which tests notice: python3 tests/seeded_faults.py

Works on a copy of the sources below target/, with a target folder of its own: cargo would take the copy in a shared one for
the original. Prints a table; ends with an error if a fault goes unnoticed, or if a place to break is no
longer there.
"""

import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "target" / "seeded-faults"

REGISTER = """    if let Some(target) = &plan.register {
        aws.register(target).await?;
        tracing::info!(registered = list(std::slice::from_ref(target)), "registered");
    }
"""

# What is broken; the file; what stands there; what is put there.
FAULTS = [
    ("deregister first, then register", "reconcile.rs", None, None),
    ("a draining target counted as registered", "plan.rs", 'self.state != "draining"', "true"),
    ("only the first stray deregistered", "plan.rs", "target.is_same(writer)).cloned()", "target.is_same(writer)).take(1).cloned()"),
    ("a late event believed", "writer.rs", "StartedCrossZone) if claim.is_fresh() =>", "StartedCrossZone) =>"),
    ("a completed event believed without asking RDS", "writer.rs", "=> Ok(Approach::Corroborate(", "=> Ok(Approach::Believe("),
    ("a missing list read as an empty one", "aws.rs",
     '.ok_or_else(|| unreadable(ACTION, "no TargetHealthDescriptions"))?', ".unwrap_or_default()"),
    ("a target that cannot be read passed over", "aws.rs",
     'list.iter().map(|entry| listed(entry).ok_or_else(|| unreadable(ACTION, &format!("{entry:?}")))).collect()',
     "Ok(list.iter().filter_map(listed).collect())"),
    ("an error of RegisterTargets swallowed", "reconcile.rs", "aws.register(target).await?;", "drop(aws.register(target).await);"),
    ("an error of DeregisterTargets swallowed", "reconcile.rs",
     "aws.deregister(&plan.deregister).await?;", "drop(aws.deregister(&plan.deregister).await);"),
    ("any HTTP 200 taken for a registration", "sdk.rs", "is_taken && !is_whole", "false && !is_whole"),
    ("an answer that is cut off taken for whole", "sdk.rs", "closed && name", "name"),
    ("no second look", "reconcile.rs", "if found.plan.is_empty() || confirmed", "if confirmed | true"),
    ("the second look does not look at the group", "reconcile.rs", " && before.plan.is_same(&found.plan)", ""),
    ("failing-over taken for settled", "writer.rs", 'eq_ignore_ascii_case("failing-over")', 'eq_ignore_ascii_case("never")'),
    ("one of two writers taken", "writer.rs", "[writer] => Ok(writer)", "[writer, ..] => Ok(writer)"),
    ("events of other clusters followed", "event.rs", "(!theirs.is_same(ours)).then", "false.then"),
    ("the oldest claim decides", "event.rs", ".min_by_key(", ".max_by_key("),
    ("deregistered without its port", "aws.rs", ".port(target.port.into())", ".port(3306)"),
    ("calls not bounded by the deadline", "aws.rs", "timeout_at(self.deadline, call(", "timeout_at(Instant::now() + std::time::Duration::from_secs(900), call("),
    ("retries paid from the SDK's purse", "sdk.rs", "TokenBucket::unlimited()", "TokenBucket::default()"),
]


def broken(source, find, put):
    if find is None:
        at = source.index(REGISTER)
        end = source.index("    Ok(())\n", at)
        return source[:at] + source[at + len(REGISTER):end] + REGISTER + source[end:]
    if source.count(find) != 1:
        sys.exit(f"{find!r} stands {source.count(find)} times in the sources: put this fault right")
    return source.replace(find, put)


def failures(*tests):
    """The names of the tests that fail; or that it does not even compile."""
    environment = os.environ | {"CARGO_TARGET_DIR": str(ROOT / "target" / "seeded-faults-build"), "SIMULATION_HISTORIES": "500", "SIMULATION_COMPARED": "30",
                                "LOAD_INVOCATIONS": "50", "RUST_BACKTRACE": "0"}
    command = ["cargo", "test", "--locked", "--no-fail-fast", *tests]
    run = subprocess.run(command, cwd=COPY, env=environment, capture_output=True, text=True, timeout=1200)
    if "could not compile" in run.stderr:
        sys.exit(run.stderr)
    return re.findall(r"^test (\S+) \.\.\. FAILED", run.stdout, re.MULTILINE)


def check_places():
    """Before an hour is spent: is each place still there?"""
    for _, file, find, put in FAULTS:
        broken((ROOT / "src" / file).read_text(), find, put)


def main():
    check_places()
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in ("Cargo.toml", "Cargo.lock", "src", "tests", "events"):
        # With new times, or cargo would take what an earlier run built from broken sources for up to date.
        copy = partial(shutil.copytree, copy_function=shutil.copy) if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, COPY / name)
    if names := failures():
        sys.exit(f"the tests fail as it is: {names}")
    print("| broken on purpose | caught by the simulation (500 histories) | caught by tests |\n|---|---|---|", flush=True)
    unnoticed = 0
    for title, file, find, put in FAULTS:
        path = COPY / "src" / file
        whole = path.read_text()
        path.write_text(broken(whole, find, put))
        tests, simulation = failures("--lib", "--test", "scenarios", "--test", "hostile"), failures("--test", "simulation", "no_history")
        path.write_text(whole)
        shown = f"{len(tests)}, e.g. `{tests[0].split('::')[-1]}`" if tests else "none"
        print(f"| {title} | {'yes' if simulation else 'no'} | {shown} |", flush=True)
        unnoticed += not tests and not simulation
    print(f"\n{len(FAULTS) - unnoticed} passed, {unnoticed} failed")
    sys.exit(unnoticed > 0)


if __name__ == "__main__":
    main()
