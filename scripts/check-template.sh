#!/usr/bin/env bash
# What AWS would say of the template and the state machine, without AWS.
source "$(dirname "$0")/lib.sh"

.tools/node/node_modules/.bin/asl-validator --json-path statemachine/seed-cluster.asl.json
.venv/bin/cfn-lint --include-checks I -- template.yaml
.venv/bin/sam validate --lint --template-file template.yaml
.venv/bin/python tests/template/check.py
