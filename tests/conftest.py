"""Keeps the user's own settings out of every test and puts the tools of the virtual environment on PATH."""

import os
import sys
from pathlib import Path

# At import, because a library that a test imports reads some of these as it is imported. An AWS profile or endpoint of the
# user must not turn a test into the real thing.
for key in list(os.environ):
    if key.startswith(("AWS_", "TARGET_", "IP_DICT", "DB_CLUSTER_ID", "DRY_RUN")):
        del os.environ[key]
os.environ |= {
    # Debian keeps servers in /usr/sbin, off a user's PATH.
    "PATH": os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ["PATH"], "/usr/sbin"]),
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "NO_PROXY": f"{os.environ.get('NO_PROXY', '')},127.0.0.1",
    "NO_COLOR": "1",
}
