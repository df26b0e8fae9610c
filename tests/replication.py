#!/usr/bin/env python3
"""Replication follows a failover, with real databases: python3 tests/replication.py [scenario ...]

MariaDB servers play the Aurora instances aurora-1 to aurora-3 (127.0.0.11 to 127.0.0.13) and the consumer, which replicates
through HAProxy (127.0.0.10) alone. HAProxy plays the Network Load Balancer: whatever the target group in moto says reaches it
one second later. The function runs under `cargo lambda watch` and gets the events of events/, with their times filled in.

    article       the article's own experiment: two rows, a failover, two more rows, and the consumer has all four
    killed        the writer is killed under a write load: no acknowledged row is missing on the consumer
    failback      to aurora-2 and back within seconds; aurora-1 hangs, so nobody but the balancer ends its connection, and
                  its target still drains when it is needed again
    started-lost  the started event is lost: the completed one does it
    both-lost     both are lost: the schedule does it
    late          a started event an hour late: nothing moves
    reverted      the failover fails, the previous primary is promoted again
    refused       beyond the function: the old writer is back as a reader before the balancer has moved, so the consumer gets
                  error 1236 and stops for good; the target is right, but only START REPLICA helps

Each prints a timeline (milliseconds since the failover began) and holds the consumer's rows against the writer's.
--propagation SECONDS changes the one second. --break function|cut|rds shows that the test can fail: no event reaches the
function, the balancer cuts no connection, or the function has no DB_CLUSTER_ID and so believes what it is told.

What the stand-ins do not show:
  * The NLB's own delay. It takes 90 to 180 s to send traffic to a new target, and up to two minutes to stop sending new
    connections to the old one; that, not the function, is most of a real recovery. One second stands for it here.
  * Aurora's storage. Its instances share one volume. Here the new writer opens a copy of the old one's files, made once the
    old one cannot write any more, and recovers from them as after a crash: so it has every acknowledged row and the same GTIDs.
  * Aurora's readers. Those here refuse the binary log with the error of a MySQL server that has none (1236); they hold no rows.
  * How long Aurora takes: seconds from the first event to the new writer, about one second here. Meanwhile the instance that
    is promoted answers nobody, and the old writer is back only after the consumer has moved on (but for `refused`): a reader
    that the consumer meets on its way stops it.
  * RDS's status failing-over. moto has none: its writer changes in one step, here when the new writer answers.
  * The consumer's retry. It is every second here, every 60 s unless a replica is told otherwise. HeatWave is not MariaDB.

Needs Linux, Rust, Python 3.11 or later, and the servers; the rest comes from PyPI (see local_stack.py). Nothing listens beyond
loopback, and nothing needs root.
"""

import argparse
import os
import shutil
import sys

from local_stack import enter_venv

NEEDED = ("mariadbd", "mariadb-install-db", "mariadb", "haproxy")
INSTALL = "apt-get install -y --no-install-recommends mariadb-server-core mariadb-client-core haproxy"


def require_servers():
    """One line and exit code 2 if a program is missing."""
    os.environ["PATH"] += os.pathsep + "/usr/sbin"  # Debian keeps servers there, off a user's PATH
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        print(f"{', '.join(missing)} not found; install with: {INSTALL}", file=sys.stderr)
        sys.exit(2)


def arguments(scenarios):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="*", help="which to run; all, unless told")
    parser.add_argument("--propagation", type=float, default=1.0, metavar="SECONDS", help="from the target group to the balancer")
    parser.add_argument("--break", dest="broken", choices=("function", "cut", "rds"), help="leave this out, to see the test fail")
    chosen = parser.parse_args()
    if unknown := set(chosen.scenario) - scenarios.keys():
        parser.error(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(scenarios)}")
    return chosen


def main():
    # Only the venv has what these import.
    from replication_scenarios import SCENARIOS, run_all
    from stack.run import Run

    chosen = arguments(SCENARIOS)
    with Run() as run:
        run.part(lambda run: run_all(run, chosen))
    run.end()


if __name__ == "__main__":
    require_servers()
    enter_venv()
    main()
