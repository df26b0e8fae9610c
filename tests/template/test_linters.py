"""What cfn-lint says of template.yaml, and of what a release makes of it."""

import subprocess

import pytest

from support.project import ROOT


@pytest.mark.parametrize(
    "made_by", [["cat", "template.yaml"], [".github/release-template.sh", "arm64"]], ids=["the template", "a release's"]
)
def test_cfn_lint_finds_nothing(tmp_path, made_by):
    template = tmp_path / "template.yaml"
    template.write_text(subprocess.run(made_by, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    done = subprocess.run(["cfn-lint", template], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
