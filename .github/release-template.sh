#!/usr/bin/env bash
# Writes the template that a release carries for one architecture: its code is the zip beside it, so that "sam deploy" needs
# neither "sam build" nor a Rust toolchain. Where it speaks of RUNBOOK.md, it says the address that is given.
set -euo pipefail

architecture=${1-} runbook=${2-RUNBOOK.md}
case $architecture in
  arm64 | x86_64) ;;
  *)
    echo "usage: $0 arm64|x86_64 [address of RUNBOOK.md]" >&2
    exit 2
    ;;
esac

# What goes: how to build (there is nothing to build), the choice of an architecture, and the repository's metadata (it names
# files that are not there).
sed \
  -e '/^  # For the Serverless Application Repository/,/^    SemanticVersion:/d' \
  -e '/^      BuildMethod:/,/^        Binary:/d' \
  -e "s|^      CodeUri: \.\$|      CodeUri: aurora-nlb-failover-$architecture.zip|" \
  -e '/^  Architecture:$/,/^    Description:/d' \
  -e 's|, Architecture\]|]|' \
  -e "s|!Ref Architecture|$architecture|" \
  -e "s|RUNBOOK\.md|$runbook|" \
  "$(dirname "$0")/../template.yaml"
