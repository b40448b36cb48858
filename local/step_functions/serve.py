"""Step Functions, KMS and Secrets Manager on loopback: moto's, with what it does otherwise than AWS put right.

serve.py --port PORT    listens on 127.0.0.1 until its parent process is gone

LOCAL_ENDPOINT_LAMBDA   where Lambda functions are invoked
LOCAL_ENDPOINT_S3       where item readers read
"""

import argparse
import os
import threading
import time

import repairs


def end_with_parent() -> None:
    """A server whose parent has died would be left behind; the kernel then gives it another parent."""
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
    # Only now: importing moto's server makes the backends, which the repairs have to come before.
    from moto.server import main as serve

    serve(["-H", "127.0.0.1", "-p", str(port)])


if __name__ == "__main__":
    main()
