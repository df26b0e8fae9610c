"""Keeps the user's own settings out of every test, and builds the function where a test runs it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.register_assert_rewrite("support", "template", "stack", "consumers")

ROOT = Path(__file__).parents[1]

# At import, because a library that a test imports reads some of these as it is imported. An AWS profile or endpoint of the
# user must not turn a test into the real thing.
for key in list(os.environ):
    if key.startswith(("AWS_", "TARGET_", "IP_DICT", "DB_CLUSTER_ID", "DB_INSTANCE_ID", "SWITCH_ON", "DRY_RUN")):
        del os.environ[key]
os.environ |= {
    # The tools of the virtual environment; and Debian keeps servers in /usr/sbin, off a user's PATH.
    "PATH": os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ["PATH"], "/usr/sbin"]),
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "NO_PROXY": f"{os.environ.get('NO_PROXY', '')},127.0.0.1",
    "NO_COLOR": "1",
    "CARGO_TARGET_DIR": str(ROOT / "target"),
}


def pytest_configure():
    # As Ctrl-C does, so that fixtures stop their servers.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def work(tmp_path_factory):
    """A folder for the logs of this run."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="session")
def cargo(request):
    """Runs cargo and shows what it writes as it comes: a build takes minutes."""

    def run(*arguments):
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            subprocess.run(["cargo", *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, check=True, timeout=3600)

    return run


@pytest.fixture(scope="session")
def built(cargo):
    """What `cargo lambda watch` runs. Else the first invocation would wait for the build in silence."""
    cargo("build", "--locked", "--bin", "aurora-nlb-failover")
