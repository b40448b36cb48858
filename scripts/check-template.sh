#!/usr/bin/env bash
# Checks the template and the state machine as AWS would, without AWS.
source "$(dirname "$0")/lib.sh"

# The validator does not support substitutions, so it gets the file as deployed.
sed 's/\${Partition}/aws/; s/\${\([A-Za-z]*\)FunctionArn}/arn:aws:lambda:us-east-1:123456789012:function:\1/' \
    statemachine/seed-cluster.asl.json > .tools/seed-cluster.asl.json
.tools/node/node_modules/.bin/asl-validator --json-path .tools/seed-cluster.asl.json
.venv/bin/python scripts/draw_machine.py --check
.venv/bin/cfn-lint --include-checks I -- template.yaml
.venv/bin/sam validate --lint --template-file template.yaml
.venv/bin/python tests/template/check.py
.venv/bin/python tests/template/expressions.py
