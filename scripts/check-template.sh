#!/usr/bin/env bash
# What AWS would say of the template and the state machine, without AWS.
source "$(dirname "$0")/lib.sh"

# The validator knows no substitutions, so it is given the file as it will be deployed.
sed 's/\${Partition}/aws/; s/\${\([A-Za-z]*\)FunctionArn}/arn:aws:lambda:us-east-1:123456789012:function:\1/' \
    statemachine/seed-cluster.asl.json > .tools/seed-cluster.asl.json
.tools/node/node_modules/.bin/asl-validator --json-path .tools/seed-cluster.asl.json
.venv/bin/python scripts/draw_machine.py --check
.venv/bin/cfn-lint --include-checks I -- template.yaml
.venv/bin/sam validate --lint --template-file template.yaml
.venv/bin/python tests/template/check.py
