#!/usr/bin/env python3
"""Converts files of every server at hand for every target, and loads them there.

Prints the table of docs/CONVERT.md, and with UPDATE_DOCS=1 writes it there. Needs the servers of `make servers`. Rows of
servers that are not at hand stay as they are.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs/CONVERT.md"
TEST = "cargo test --quiet --package rdb-convert --test real_servers -- --nocapture --test-threads 1 every_target"
TABLE = re.compile(r"^\| from \\ to \|.*\n(?:\|.*\n)+", re.MULTILINE)


def merged(old, new):
    """The new rows in the order of the old ones, and old rows of which there is no new one."""
    name = lambda row: row.split("|")[1].strip()
    rows = {name(row): row for row in new.splitlines()}
    kept = [rows.pop(name(row), row) for row in (old[0] if old else "").splitlines()]
    return "\n".join(kept + list(rows.values())) + "\n"


def main():
    whole = {**os.environ, "WHOLE_MATRIX": "1"}
    run = subprocess.run(TEST.split(), cwd=PAGE.parent.parent, env=whole, capture_output=True, text=True, check=False)
    table = TABLE.search(run.stdout)
    if run.returncode != 0 or table is None:
        sys.exit(run.stdout[-4000:] + run.stderr[-4000:] + "\nthe conversions failed, or no server is at hand: make servers")
    page = PAGE.read_text()
    new = merged(TABLE.search(page), table[0])
    print(new, end="")
    print(*(line for line in run.stdout.splitlines() if line.startswith("not at hand")))
    written = TABLE.sub(lambda _: new, page, count=1)
    if written == page:
        return
    if os.environ.get("UPDATE_DOCS") != "1":
        sys.exit(f"{PAGE.name} has another table: UPDATE_DOCS=1 make convert-matrix")
    PAGE.write_text(written)


if __name__ == "__main__":
    main()
