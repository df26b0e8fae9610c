"""What cfn-lint says of template.yaml."""

import json
import subprocess

from support.project import ROOT

# cfn-lint before 1.54 does not see that RoleArn is not empty where this is used.
FALSE_FINDINGS = [("E3031", ["Resources", "FailoverFunction", "Properties", "Role", "Fn::If", 2])]


def test_cfn_lint_finds_nothing():
    done = subprocess.run(["cfn-lint", "--format", "json", "template.yaml"], cwd=ROOT, capture_output=True, text=True)
    findings = json.loads(done.stdout)
    assert [(finding["Rule"]["Id"], finding["Location"]["Path"]) for finding in findings] == FALSE_FINDINGS, findings
