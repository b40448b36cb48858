"""Prints the EventBridge rules of the template as JSON: {NAME: properties}.

event_rules.py TEMPLATE    standard input: {"parameters": {NAME: value}, "references": {RESOURCE: value of Ref}}
"""

import json
import sys
from pathlib import Path

from rendering import Template


def main():
    given = json.load(sys.stdin)
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    template = Template(text, given["references"], **given["parameters"])
    rules = template.resources("AWS::Events::Rule")
    json.dump({name: template.render(rule["Properties"]) for name, rule in rules.items()}, sys.stdout)


if __name__ == "__main__":
    main()
