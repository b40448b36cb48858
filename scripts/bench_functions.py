"""bench_functions.py DIR NAME...: measures the functions' size, start and idle memory.

Each is started as Lambda starts it, with the address of a Runtime API that never answers: the time from the start of the
process to its first poll for work is its own share of a cold start.
"""

import http.server
import os
import statistics
import subprocess
import sys
import threading
import time

RUNS = 10
LIMITS = {"megabytes": 7.0, "milliseconds": 10.0, "idle_megabytes": 10.0}
ENVIRONMENT = {
    "AWS_LAMBDA_FUNCTION_NAME": "bench",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_LAMBDA_FUNCTION_VERSION": "1",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    # Lambda's system has all root certificates in one file. Debian also has one file each, which takes 3 ms to open.
    "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
    "REPORTS_BUCKET": "reports",
    "BACKUP_BUCKETS": "backups",
    "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:seed-cluster",
}


class RuntimeApi(http.server.BaseHTTPRequestHandler):
    """Records that it is polled, and keeps the poller waiting like Lambda."""

    polled = threading.Event()

    def do_GET(self):
        RuntimeApi.polled.set()
        time.sleep(5)

    def log_message(self, *_):
        pass


def measure(binary: str, address: str) -> tuple[float, float]:
    """Returns milliseconds to the first poll, and resident MB half a second later."""
    RuntimeApi.polled.clear()
    started = time.perf_counter()
    process = subprocess.Popen([binary], env={**ENVIRONMENT, "AWS_LAMBDA_RUNTIME_API": address}, stdout=subprocess.DEVNULL)
    try:
        if not RuntimeApi.polled.wait(5):
            sys.exit(f"{binary} did not poll within 5 s")
        milliseconds = (time.perf_counter() - started) * 1000
        time.sleep(0.5)
        with open(f"/proc/{process.pid}/status") as status:
            kilobytes = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        return milliseconds, kilobytes / 1000
    finally:
        process.kill()
        process.wait()


def main() -> None:
    folder, names = sys.argv[1], sys.argv[2:]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), RuntimeApi)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{server.server_port}"
    print(f"{'function':18}{'size MB':>9}{'start ms':>10}{'idle MB':>9}   (medians of {RUNS} starts)")
    within = True
    for name in names:
        binary = os.path.join(folder, name)
        runs = [measure(binary, address) for _ in range(RUNS)]
        size = os.path.getsize(binary) / 1e6
        start, idle = (statistics.median(column) for column in zip(*runs))
        within &= size < LIMITS["megabytes"] and start < LIMITS["milliseconds"] and idle < LIMITS["idle_megabytes"]
        print(f"{name:18}{size:9.2f}{start:10.1f}{idle:9.1f}")
    print("within" if within else "NOT within", "7 MB, 10 ms and 10 MB")
    sys.exit(0 if within else 1)


if __name__ == "__main__":
    main()
