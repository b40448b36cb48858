#!/usr/bin/env python3
"""A function that acts on its payload. It uses the Runtime API as any runtime does."""

import json
import os
import sys
import time
import urllib.request

API = os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"


def post(path: str, value: object) -> None:
    urllib.request.urlopen(urllib.request.Request(API + path, json.dumps(value).encode(), method="POST")).read()


while True:
    with urllib.request.urlopen(API + "next") as answer:
        request, payload = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.load(answer)
    match payload.get("do"):
        case "fail":
            post(request + "/error", {"errorType": "MyError", "errorMessage": "as asked"})
        case "exit":
            sys.exit(3)
        case "sleep":
            time.sleep(60)
        case _:
            process = {"echo": payload, "process": os.getpid(), "name": os.environ["AWS_LAMBDA_FUNCTION_NAME"]}
            post(request + "/response", process)
