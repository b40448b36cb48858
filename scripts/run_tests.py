#!/usr/bin/env python3
"""run_tests.py: runs the workspace's test programs side by side, as many as there are cores, then the documentation's.

`cargo test` runs one program after another. Most programs wait for servers and timers more than they compute, and the
last test of each leaves the cores idle. What a program prints is shown if it fails; RUST_TEST_THREADS goes to each.
"""

import json
import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

# Started first, so that none of them is left alone at the end.
LONGEST = ["faults", "real_servers", "failures", "least_privilege"]
STILL_RUNNING_SECONDS = 30


def main():
    programs = sorted(built(), key=lambda one: one["name"] not in LONGEST)
    running, failed, started = set(), [], time.monotonic()
    done = threading.Event()
    threading.Thread(target=show_running, args=(running, done), daemon=True).start()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = [pool.submit(run, program, running) for program in programs]
        for number, result in enumerate(as_completed(results), 1):
            name, status, output, seconds = result.result()
            tests = sum(map(int, re.findall(r"^test result: \w+\. (\d+) passed", output, re.M)))
            word = "ok    " if status == 0 else "FAILED"
            print(f"{word} {number:>3} of {len(programs)}  {seconds:>6.1f} s  {tests:>4} tests  {name}", flush=True)
            if status != 0:
                failed.append(name)
                print(output, flush=True)
    done.set()
    if subprocess.run(["cargo", "test", "--quiet", "--workspace", "--doc"]).returncode != 0:
        failed.append("documentation")
    seconds = time.monotonic() - started
    if failed:
        sys.exit(f"error: failed: {', '.join(failed)}")
    print(f"all tests passed, in {seconds:.0f} s")


def built():
    """Builds the test programs. Returns each with its package's folder, in which cargo would run it."""
    words = ["cargo", "test", "--workspace", "--no-run", "--message-format", "json-render-diagnostics"]
    lines = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    messages = [json.loads(line) for line in lines]
    return [
        {"name": one["target"]["name"], "program": one["executable"], "folder": str(Path(one["manifest_path"]).parent)}
        for one in messages
        if one["reason"] == "compiler-artifact" and one["executable"] and one["profile"]["test"]
    ]


def run(program, running):
    name = f"{os.path.relpath(program['folder'])}: {program['name']}"
    running.add(name)
    started = time.monotonic()
    environment = {**os.environ, "CARGO_MANIFEST_DIR": program["folder"]}
    ended = subprocess.run([program["program"]], cwd=program["folder"], env=environment, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    running.discard(name)
    return name, ended.returncode, ended.stdout, time.monotonic() - started


def show_running(running, done):
    while not done.wait(STILL_RUNNING_SECONDS):
        if running:
            print(f"       running: {', '.join(sorted(running.copy()))}", flush=True)


if __name__ == "__main__":
    main()
