#!/usr/bin/env python3
"""Breaks each safety rule in turn and shows which tests notice: python3 tests/seeded_faults.py [WORDS]

With WORDS only the faults whose title holds them. Works on a copy of the sources below target/, with a target folder of its own:
cargo would take the copy in a shared one for the original. Prints a table; ends with an error if a fault goes unnoticed, or if a
place to break is no longer there.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "target" / "seeded-faults"

TESTS = ("--lib", "--test", "scenarios", "--test", "hostile")
SIMULATION = ("--test", "simulation", "no_history")

REGISTER = """    if let Some(target) = &plan.register {
        register(target, aws).await?;
    }
"""
DEREGISTERED = "        aws.deregister(&plan.deregister).await?;\n"

# What is broken; the file; what stands there, and what is put there.
FAULTS: list[tuple[str, str, dict[str, str]]] = [
    ("deregister first, then register", "apply.rs", {REGISTER: "", DEREGISTERED: DEREGISTERED + REGISTER}),
    ("a draining target counted as registered", "target.rs", {'self.state != "draining"': "true"}),
    ("only the first stray deregistered", "plan.rs", {"is_same(writer)).cloned()": "is_same(writer)).take(1).cloned()"}),
    ("more than 100 targets in a call", "aws/elb.rs", {"TARGETS_A_CALL: usize = 100": "TARGETS_A_CALL: usize = 1000"}),
    ("a late event believed", "writer.rs", {"let is_fresh = claim.is_fresh() &&": "let is_fresh ="}),
    ("a completed event believed without asking RDS", "writer.rs", {"=> Approach::Corroborate(": "=> Approach::Believe("}),
    (
        "a missing list read as an empty one",
        "aws/elb.rs",
        {'.ok_or_else(|| unreadable(ACTION, "no TargetHealthDescriptions"))?': ".unwrap_or_default()"},
    ),
    (
        "a target that cannot be read passed over",
        "aws/elb.rs",
        {
            'list.iter().map(|entry| listed(entry).ok_or_else(|| unreadable(ACTION, &format!("{entry:?}")))).collect()': (
                "Ok(list.iter().filter_map(listed).collect())"
            )
        },
    ),
    (
        "an error of RegisterTargets swallowed",
        "apply.rs",
        {"aws.register(target).await?;": "drop(aws.register(target).await);"},
    ),
    (
        "an error of DeregisterTargets swallowed",
        "apply.rs",
        {"aws.deregister(&plan.deregister).await?;": "drop(aws.deregister(&plan.deregister).await);"},
    ),
    ("any HTTP 200 taken for a registration", "aws/attempts.rs", {"is_taken && !is_whole": "false && !is_whole"}),
    ("an answer that is cut off taken for whole", "aws/attempts.rs", {"closed && name": "name"}),
    ("no second look", "writer.rs", {"_ => Judgement::LookAgain": "_ => Judgement::Settled(change.clone())"}),
    ("the second look does not look at the group", "writer.rs", {" && before.plan.is_same(&change.plan)": ""}),
    ("failing-over taken for settled", "cluster.rs", {'eq_ignore_ascii_case("failing-over")': 'eq_ignore_ascii_case("never")'}),
    ("one of two writers taken", "cluster.rs", {"[writer] => Ok(writer)": "[writer, ..] => Ok(writer)"}),
    ("events of other clusters followed", "event.rs", {"&& !theirs.is_same(ours)": "&& false"}),
    ("the oldest claim decides", "event.rs", {".max_by_key(": ".min_by_key("}),
    ("started events followed with SWITCH_ON=completed", "event.rs", {"(claim.kind.is_started() &&": "(false &&"}),
    ("deregistered without its port", "aws/elb.rs", {".port(target.port.into())": ".port(3306)"}),
    (
        "calls not bounded by the deadline",
        "aws/mod.rs",
        {"timeout_at(self.deadline, call(": "timeout_at(Instant::now() + std::time::Duration::from_secs(900), call("},
    ),
    ("retries paid from the SDK's quota", "aws/sdk.rs", {"TokenBucket::unlimited()": "TokenBucket::default()"}),
    ("DNS asked once", "address.rs", {"if Instant::now() + NEXT_LOOKUP < give_up": "if false"}),
    ("RDS alone undoes what an event has named", "writer.rs", {"&& takes_away(target)\n": "&& target.port == 0\n"}),
    ("RDS alone takes an initial target away", "writer.rs", {"entry.is_initial() &&": "false &&"}),
    (
        "rule 9 holds a failed failover back",
        "writer.rs",
        {"(self, Asker::Routine | Asker::FreshClaim)": "(self, Asker::Routine | Asker::FreshClaim | Asker::FailedFailover)"},
    ),
    (
        "rule 9 holds the operator back",
        "writer.rs",
        {"(self, Asker::Routine | Asker::FreshClaim)": "(self, Asker::Routine | Asker::FreshClaim | Asker::Operator)"},
    ),
    (
        "an older event acted on after a newer one",
        "claim.rs",
        {"self.time - time > TimeDelta": "self.time - time > TimeDelta::days(9) + TimeDelta"},
    ),
    ("a claim counts that was not acted on", "function.rs", {"Outcome::Switched | Outcome::Unchanged": "_"}),
    ("no closing look", "apply.rs", {"if is_left_empty(aws).await": "if false && is_left_empty(aws).await"}),
    (
        "a contradicted completed event is not looked at again",
        "function/looks.rs",
        {"LOOKS_AGAIN_IF_CONTRADICTED: u32 = 3": "LOOKS_AGAIN_IF_CONTRADICTED: u32 = 0"},
    ),
    ("a public address registered", "address/endpoint.rs", {"instance.is_publicly_accessible &&": "false &&"}),
    ("one sign enough for a public address", "address/endpoint.rs", {"instance.is_publicly_accessible &&": "true &&"}),
    ("the first of two families taken", "address/endpoint.rs", {"Some(family(**ip)) == ip_address_type": "true"}),
    (
        "a contradicted completed event does not look at the group",
        "function/looks.rs",
        {"if plan.is_some_and(|plan| plan.is_empty())": "if plan.is_some_and(|_| false)"},
    ),
]


def broken(source: str, places: dict[str, str]) -> str:
    for find, put in places.items():
        if source.count(find) != 1:
            sys.exit(f"{find!r} stands {source.count(find)} times in the sources: put this fault right")
        source = source.replace(find, put)
    return source


def failures(*tests: str) -> list[str]:
    """The names of the tests that fail; or that it does not even compile."""
    environment = os.environ | {
        "CARGO_TARGET_DIR": str(ROOT / "target" / "seeded-faults-build"),
        "SIMULATION_HISTORIES": "500",
        "LOAD_INVOCATIONS": "50",
        "RUST_BACKTRACE": "0",
    }
    command = ["cargo", "test", "--locked", "--no-fail-fast", *tests]
    run = subprocess.run(command, cwd=COPY, env=environment, capture_output=True, text=True, timeout=1200)
    if "could not compile" in run.stderr:
        sys.exit(run.stderr)
    return re.findall(r"^test (\S+) \.\.\. FAILED", run.stdout, re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(description="Breaks each safety rule in turn and shows which tests notice.")
    parser.add_argument("words", nargs="*", help="play only the faults whose title holds these words")
    words = " ".join(parser.parse_args().words)
    faults = [fault for fault in FAULTS if words in fault[0]]
    if not faults:
        parser.error(f"no fault's title holds {words!r}")
    # Before an hour is spent: is each place still there?
    for _, file, places in FAULTS:
        broken((ROOT / "src" / file).read_text(), places)
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in ("Cargo.toml", "Cargo.lock", "src", "tests", "events"):
        # With new times, or cargo would take what an earlier run built from broken sources for up to date.
        copy = partial(shutil.copytree, copy_function=shutil.copy) if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, COPY / name)
    if names := failures(*TESTS) + failures(*SIMULATION):
        sys.exit(f"the tests fail as it is: {names}")
    print("| broken on purpose | caught by the simulation (500 histories) | caught by tests |\n|---|---|---|", flush=True)
    unnoticed = 0
    for title, file, places in faults:
        path = COPY / "src" / file
        whole = path.read_text()
        path.write_text(broken(whole, places))
        tests = failures(*TESTS)
        simulation = failures(*SIMULATION)
        path.write_text(whole)
        shown = f"{len(tests)}, e.g. `{tests[0].split('::')[-1]}`" if tests else "none"
        print(f"| {title} | {'yes' if simulation else 'no'} | {shown} |", flush=True)
        unnoticed += not tests and not simulation
    print(f"\n{len(faults) - unnoticed} passed, {unnoticed} failed")
    sys.exit(unnoticed > 0 or not faults)


if __name__ == "__main__":
    main()
