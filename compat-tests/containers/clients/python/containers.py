"""Starts the image with the Kafka module of Testcontainers for Python, and passes one record through it."""

import sys
import time

from confluent_kafka import Consumer, Producer

try:
    from testcontainers.community.kafka import KafkaContainer
except ImportError:
    from testcontainers.kafka import KafkaContainer


def round_trip(servers):
    producer = Producer({"bootstrap.servers": servers})
    producer.produce("orders", b"from python")
    if producer.flush(20) != 0:
        raise SystemExit("nothing was written within 20 s")
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "readers", "auto.offset.reset": "earliest"})
    consumer.subscribe(["orders"])
    deadline = time.monotonic() + 20
    try:
        while time.monotonic() < deadline:
            record = consumer.poll(0.5)
            if record is not None and record.error() is None:
                print(f"round trip through {servers}: {record.value().decode()}")
                return
    finally:
        consumer.close()
    raise SystemExit("nothing was read within 20 s")


mode, image = sys.argv[1:]
container = KafkaContainer(image)
if mode == "kraft":
    container = container.with_kraft()
with container as kafka:
    round_trip(kafka.get_bootstrap_server())
