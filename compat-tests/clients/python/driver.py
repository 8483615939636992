"""Serves commands for a Python client: one JSON object per line in, one per line out."""

import base64
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]

_output_lock = threading.Lock()


class Refused(Exception):
    """An error to report to the suite, with Kafka's code where there is one."""

    def __init__(self, message, code=None):
        super().__init__(message)
        self.code = code


def respond(message):
    line = json.dumps(message) + "\n"
    with _output_lock:
        sys.stdout.write(line)
        sys.stdout.flush()


def failure(command_id, error, code):
    message = f"{type(error).__name__}: {error}"
    respond({"id": command_id, "error": {"message": message, "code": code}})


def serve_with_threads(greeting, operations, code_of, close):
    """Runs every command in a thread of its own until standard input ends, then closes the client."""
    respond(greeting)

    def run(command):
        try:
            answer = operations[command["operation"]](command["request"])
            respond({"id": command["id"], "answer": answer})
        except Exception as error:
            failure(command["id"], error, code_of(error))

    workers = ThreadPoolExecutor(max_workers=64)
    for line in sys.stdin:
        workers.submit(run, json.loads(line))
    close()


class Diary:
    """What a member of a group has seen since it was last asked."""

    def __init__(self):
        self._lock = threading.Lock()
        self._records = []
        self._events = []
        self._assignment = []
        self.failure = None

    def received(self, record):
        with self._lock:
            self._records.append(record)

    def assigned(self, partitions):
        self._change("assigned", partitions)

    def revoked(self, partitions):
        self._change("revoked", partitions)

    def _change(self, kind, partitions):
        """Takes (topic, partition) pairs."""
        if not partitions:
            return
        with self._lock:
            if kind == "assigned":
                self._assignment = self._assignment + [each for each in partitions if each not in self._assignment]
            else:
                self._assignment = [each for each in self._assignment if each not in partitions]
            event = {"kind": kind, "partitions": partitions_json(partitions), "atMs": time.time() * 1000}
            self._events.append(event)

    def owned(self):
        with self._lock:
            return list(self._assignment)

    def take(self):
        with self._lock:
            news = {
                "records": self._records,
                "events": self._events,
                "assignment": partitions_json(self._assignment),
                "failure": self.failure,
            }
            self._records = []
            self._events = []
            return news


def partitions_json(pairs):
    return [{"topic": topic, "partition": partition} for topic, partition in pairs]


def to_bytes(text):
    return None if text is None else base64.b64decode(text)


def to_text(data):
    return None if data is None else base64.b64encode(data).decode("ascii")


def record_json(topic, partition, offset, timestamp, key, value, headers):
    """Takes headers as (name, bytes or None) pairs."""
    return {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "timestamp": timestamp,
        "key": to_text(key),
        "value": to_text(value),
        "headers": [{"name": name, "value": to_text(data)} for name, data in headers or []],
    }
