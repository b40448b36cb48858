"""bench_inspect_chunk.py BINARY[,BINARY...] FILE...: measures how fast the deployed inspect-chunk reads whole files.

The function runs as Lambda runs it: it polls a Runtime API, reads the record of a seeding and the file by ranged GETs, and
writes its partial result, all from and to this process over loopback. The tables show the time from the event to the
answer and the function's own processor time, as GB (10^9 bytes) of file per second; best of ROUNDS. Several builds take
turns, so that other load on the machine affects them alike.
"""

import http.server
import json
import os
import queue
import subprocess
import sys
import threading
import time

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:seed-cluster:bench-1"
MEMORY_MB = 1769
TIMEOUT_SECONDS = 600


def event(size: int) -> dict:
    """Returns the input of the step for a whole backup: the sample, which a test compares with the code."""
    with open("events/inspect-chunk.json", encoding="utf-8") as sample:
        event = json.load(sample)
    event["execution"] = EXECUTION
    event["chunk"]["end"] = size
    return event


def record(size: int) -> dict:
    """Returns the record that prepare-seeding writes for a backup of this size."""
    cluster = {
        "id": "bench", "engine": "valkey", "engineVersion": "8.1", "clusterMode": False, "nodeType": "auto", "shards": 1,
        "replicasPerShard": 0, "slots": "even", "subnetGroup": None, "securityGroupIds": [], "parameterGroup": None,
        "port": 6379, "transitEncryption": True, "atRestEncryption": True, "kmsKeyId": None, "authTokenSecretArn": None,
        "userGroupId": None, "multiAz": False, "snapshotRetentionDays": 0, "tags": {},
    }  # fmt: skip
    options = {
        "access": "auto", "onRestoreFailed": "delete", "maxStartOvers": 1, "dryRun": True, "verify": False,
        "headroomPercent": 10, "nodeFamilies": ["r7g"], "pollSeconds": 30, "deadlineMinutes": 240, "hideKeys": False,
        "allow": [],
    }  # fmt: skip
    return {
        "schema": 1,
        "execution": "bench-1",
        "partition": {"partition": "aws", "region": "us-east-1", "account": "123456789012"},
        "backups": [{"bucket": "backups", "key": "bench.rdb", "sizeBytes": size, "etag": '"e1"'}],
        "cluster": cluster,
        "options": options,
        "nodeTypes": {"cache.r7g.large": 14_037_181_030},
        "reservedMemoryPercent": 25,
        "databases": 16,
        "lookedAtMs": int(time.time() * 1000),
    }


class Wire(http.server.BaseHTTPRequestHandler):
    """S3 and the Runtime API on one port, for one process: the last poll of a killed process must not get the next one's event."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    file = None

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if self.path.startswith("/2018-06-01/"):
            event = self.server.events.get()
            deadline = str(int((time.time() + TIMEOUT_SECONDS) * 1000))
            headers = {
                "Lambda_Runtime_Aws_Request_Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                "Lambda_Runtime_Deadline_Ms": deadline,
                "Lambda_Runtime_Invoked_Function_Arn": "arn:aws:lambda:us-east-1:123456789012:function:inspect-chunk",
                "Lambda_Runtime_Trace_Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
            }
            self.answer(200, event, **headers)
        elif self.path.endswith("seeding.json?x-id=GetObject") or self.path.endswith("seeding.json"):
            self.answer(200, json.dumps(record(os.fstat(Wire.file.fileno()).st_size)).encode(), ETag='"r1"')
        else:
            first, last = (int(number) for number in self.headers["Range"].removeprefix("bytes=").split("-"))
            size = os.fstat(Wire.file.fileno()).st_size
            self.send_response(206)
            self.send_header("ETag", '"e1"')
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            self.send_header("Content-Length", str(last + 1 - first))
            self.end_headers()
            self.wfile.flush()
            while first <= last:
                first += os.sendfile(self.connection.fileno(), Wire.file.fileno(), first, last + 1 - first)

    def taken(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_PUT(self) -> None:
        self.taken()
        self.answer(200, ETag='"p1"')

    def do_POST(self) -> None:
        body = self.taken()
        self.answer(202)
        self.server.answers.put((self.path, body))

    def log_message(self, *_):
        pass


def processor_seconds(process: int) -> float:
    with open(f"/proc/{process}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(binary: str, size: int) -> tuple[float, float]:
    """Returns seconds from the event to the answer, and processor seconds."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Wire)
    server.daemon_threads = True
    # A killed process resets its connections.
    server.handle_error = lambda *_: None
    server.events, server.answers = queue.Queue(), queue.Queue()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{server.server_port}"
    environment = {
        "AWS_LAMBDA_RUNTIME_API": address,
        "AWS_ENDPOINT_URL": f"http://{address}",
        "AWS_LAMBDA_FUNCTION_NAME": "inspect-chunk",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(MEMORY_MB),
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
        "REPORTS_BUCKET": "reports",
        "BACKUP_BUCKETS": "backups",
        "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:seed-cluster",
    }
    process = subprocess.Popen([binary], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = []
    threading.Thread(target=lambda: said.extend(process.stdout), daemon=True).start()
    try:
        time.sleep(0.1)
        before, started = processor_seconds(process.pid), time.perf_counter()
        server.events.put(json.dumps(event(size)).encode())
        path, body = server.answers.get(timeout=TIMEOUT_SECONDS)
        seconds = time.perf_counter() - started
        if not path.endswith("/response") or not json.loads(body).get("complete"):
            sys.exit(f"{binary} failed: {body.decode()}\n{b''.join(said).decode()}")
        return seconds, processor_seconds(process.pid) - before
    finally:
        process.kill()
        process.wait()
        server.shutdown()
        server.server_close()


def main() -> None:
    binaries, files = sys.argv[1].split(","), sys.argv[2:]
    builds = ["as deployed", *(os.path.basename(os.path.dirname(binary)) + " build" for binary in binaries[1:])]
    heads = [f"{build}{what}" for build in builds for what in (", GB/s", ", GB a processor second")]
    print("| file | MB | " + " | ".join(heads) + " |\n" + "| --- " * (len(heads) + 2) + "|")
    for name in files:
        with open(name, "rb") as file:
            Wire.file = file
            size = os.path.getsize(name)
            best = [[float("inf")] * 2 for _ in binaries]
            for _ in range(ROUNDS):
                for place, binary in enumerate(binaries):
                    best[place] = [min(pair) for pair in zip(best[place], measure(binary, size))]
            cells = [f"{size / 1e9 / max(seconds, 0.01):.2f}" for pair in best for seconds in pair]
            print(f"| {os.path.basename(name).removesuffix('.rdb')} | {size / 1e6:.0f} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
