"""What cfn-lint says of template.yaml."""

import subprocess

from support.project import ROOT


def test_cfn_lint_finds_nothing():
    done = subprocess.run(["cfn-lint", "template.yaml"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
