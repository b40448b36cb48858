"""Step Functions, KMS and Secrets Manager on loopback: moto, with repairs where it departs from AWS.

serve.py --port PORT    listens on 127.0.0.1 until its parent process has died

LOCAL_ENDPOINT_LAMBDA   endpoint for the invocation of Lambda functions
LOCAL_ENDPOINT_S3       endpoint for item readers
LOCAL_PAUSE_DIVISOR     divides Wait states and the pauses between retries
"""

import argparse
import os
import threading
import time

import repairs


def end_with_parent() -> None:
    """Exits when the parent process has died: the kernel then assigns another parent."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Step Functions on loopback")
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    threading.Thread(target=end_with_parent, daemon=True).start()
    repairs.apply()
    # Not earlier: importing moto's server creates the backends, and the repairs have to be applied before that.
    from moto.server import main as serve

    serve(["-H", "127.0.0.1", "-p", str(port)])


if __name__ == "__main__":
    main()
