"""The command line of tests/measure/failover.py, and the words of its help."""

import argparse
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

PASSWORD = "DB_PASSWORD"
DESCRIPTION = """\
Measures a failover of an Aurora cluster behind aurora-nlb-failover: where the time goes between the request and the first
connection that writes again.

It runs the function's check, asks, starts failover-db-cluster (or waits for one that comes by itself), watches until all has
settled, and prints a timeline and a table of shares. It changes nothing but the failover itself, which breaks the cluster's
connections as any failover does. It was tried with stand-ins for AWS and with MySQL, not on AWS."""
EPILOG = f"""\
The AWS credentials and the region come from where boto3 looks for them. The password comes from the environment variable
{PASSWORD}; the user needs no right except to log in. Each new connection logs in fully and quits: behind the balancer MySQL
counts unfinished handshakes against the balancer's address, and after 100 of them (max_connect_errors) it blocks every
client that comes that way. Without --user and {PASSWORD} only AWS is watched.

exit status: 0 the failover came right; 1 refused, or it did not come right; 2 the command line is wrong

  python3 tests/measure/failover.py --stack STACK --endpoint vpce-….amazonaws.com:3306 --user probe --json seen.json
  python3 tests/measure/failover.py --from seen.json --plot seen.svg"""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="failover.py", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    option = made.add_argument_group("what to measure").add_argument
    option("--stack", help="the stack; gives the three below")
    option("--cluster", help="the cluster's ID")
    option("--target-group", metavar="ARN", help="the target group's ARN")
    option("--function", metavar="NAME", help="the function's name")
    option("--log-group", metavar="NAME", help="the function's log group (default: the stack's, or /aws/lambda/NAME)")
    option = made.add_argument_group("the consumer's side").add_argument
    option("--endpoint", type=endpoint, metavar="HOST:PORT", help="the balancer, or the PrivateLink endpoint")
    user = "a database user who may log in (behind a reader gate the one that it names), with the password in "
    option("--user", help=user + PASSWORD)
    option("--database", help="the database to log in to (default: none; postgres for PostgreSQL)")
    trusted = "log in over TLS alone, and trust these CA certificates (default: TLS where it is offered, with any)"
    option("--ca", metavar="FILE", help=trusted)
    option = made.add_argument_group("how").add_argument
    option("--to", metavar="INSTANCE", help="the instance that is to become the writer (default: Aurora chooses)")
    option("--watch", action="store_true", help="start no failover: wait for one that comes by itself")
    option("--yes", action="store_true", help="do not ask")
    option("--anyway", action="store_true", help="measure even where the set-up speaks against it")
    limit = "end so long after the request, or with --watch after the failover has begun (default: %(default)s)"
    option("--limit", type=float, default=900, metavar="SECONDS", help=limit)
    steady = "end when the endpoint has answered from the writer for so long (default: %(default)s)"
    option("--steady", type=float, default=30, metavar="SECONDS", help=steady)
    option = made.add_argument_group("what comes out").add_argument
    option("--json", type=Path, metavar="FILE", help="the raw observations, without account numbers")
    option("--plot", type=Path, metavar="FILE.svg", help="the picture (needs matplotlib)")
    option("--note", default="", help="what a reader of the JSON should know, such as region and balancer")
    option("--from", dest="file", type=Path, metavar="FILE", help="measure nothing: read an earlier --json")
    option("--policy", action="store_true", help="print the IAM policy that this needs, and end")
    return made


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The options; ends the program with status 2 if they do not fit together."""
    made = parser()
    options = made.parse_args(words)
    if not (options.policy or options.file or options.stack or (options.cluster and options.target_group and options.function)):
        made.error("what to measure? --stack STACK, or --cluster, --target-group and --function; or --from FILE, or --policy")
    if not (options.limit > 0 and options.steady > 0):
        made.error("--limit and --steady are seconds above 0")
    if options.watch and options.to:
        made.error("--watch starts no failover, so that --to has no meaning")
    if options.plot and options.plot.suffix != ".svg":
        made.error(f"--plot makes an SVG: {options.plot} does not end in .svg")
    if options.plot and not find_spec("matplotlib"):
        made.error("--plot needs matplotlib: pip install matplotlib")
    for file in (options.json, options.plot):  # now, and not when the failover has been
        if file and not file.parent.is_dir():
            made.error(f"{file} cannot be written: there is no folder {file.parent}")
    return options


def missing(options: argparse.Namespace) -> str:
    """What the picture will lack, and what to give so that it does not; empty if the endpoint can be probed."""
    absent = [name for name, given in (("--endpoint", options.endpoint), ("--user", options.user)) if not given]
    if not os.environ.get(PASSWORD):
        absent.append(f"the environment variable {PASSWORD}")
    lacks = "the picture lacks when the old connection is cut, which instance new ones meet, and whether it writes"
    return f"the consumer's side is not watched, for lack of {', '.join(absent)}: {lacks}" if absent else ""


def endpoint(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isdigit() and 0 < int(port) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r}: expected HOST:PORT")
    return host.strip("[]"), int(port)
