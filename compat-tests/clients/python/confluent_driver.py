"""confluent-kafka (librdkafka) as a driver."""

import collections
import concurrent.futures
import os
import sys
import threading
import time

import confluent_kafka
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)
from driver import CODECS, Diary, Refused, record_json, serve_with_threads, to_bytes

BOOTSTRAP = sys.argv[1]
COMMON = {"bootstrap.servers": BOOTSTRAP, "client.id": "compat-confluent", "log_level": 2}
_REQUEST_TIMEOUT_MS = os.environ.get("ODRADEK_COMPAT_REQUEST_TIMEOUT_MS")
if _REQUEST_TIMEOUT_MS is not None:
    COMMON["socket.timeout.ms"] = _REQUEST_TIMEOUT_MS
    # An admin client waits for the controller of before until its metadata are old.
    COMMON["topic.metadata.refresh.interval.ms"] = "3000"
STATES = {
    "PREPARING_REBALANCING": "PreparingRebalance",
    "COMPLETING_REBALANCING": "CompletingRebalance",
    "STABLE": "Stable",
    "DEAD": "Dead",
    "EMPTY": "Empty",
}

_producers = {}
_producers_lock = threading.Lock()
_members = {}
_transactional = {}
_admin = AdminClient(COMMON)


def code_of(error):
    if isinstance(error, Refused):
        return error.code
    if isinstance(error, KafkaException):
        code = error.args[0].code()
        # Negative codes are librdkafka's own.
        return code if code > 0 else None
    return None


def producer_for(request):
    names = ("acks", "codec", "idempotent", "autoCreate", "timeoutMs")
    key = tuple(request[name] for name in names)
    with _producers_lock:
        if key not in _producers:
            config = {
                **COMMON,
                "acks": request["acks"],
                "compression.type": request["codec"],
                "enable.idempotence": request["idempotent"],
                "allow.auto.create.topics": request["autoCreate"],
                "delivery.timeout.ms": request["timeoutMs"],
                "message.max.bytes": 10_000_000,
                "linger.ms": 5,
            }
            if not request["idempotent"]:
                # Otherwise a retry would overtake what was sent after it.
                config["max.in.flight.requests.per.connection"] = 1
            _producers[key] = Producer(config)
        return _producers[key]


def produce(request):
    producer = producer_for(request)
    placed = [None] * len(request["records"])
    failures = []
    remaining = threading.Semaphore(0)

    def reporter(index):
        def report(error, message):
            if error is not None:
                failures.append(error)
            else:
                offset = message.offset() if message.offset() is not None and message.offset() >= 0 else -1
                placed[index] = {"partition": message.partition(), "offset": offset}
            remaining.release()

        return report

    for index, record in enumerate(request["records"]):
        fields = {
            "key": to_bytes(record["key"]),
            "partition": -1 if record["partition"] is None else record["partition"],
            "headers": [(header["name"], to_bytes(header["value"])) for header in record["headers"]],
            "on_delivery": reporter(index),
        }
        if record["timestamp"] is not None:
            fields["timestamp"] = record["timestamp"]
        producer.produce(request["topic"], to_bytes(record["value"]), **fields)
    deadline = time.monotonic() + request["timeoutMs"] / 1000 + 10
    for _ in placed:
        while not remaining.acquire(blocking=False):
            producer.poll(0.05)
            if time.monotonic() > deadline:
                raise Refused("librdkafka reported no delivery in time")
    if failures:
        raise KafkaException(failures[0])
    return {"placed": placed}


def received(message):
    return record_json(
        message.topic(),
        message.partition(),
        message.offset(),
        message.timestamp()[1],
        message.key(),
        message.value(),
        message.headers(),
    )


def read(request):
    consumer = Consumer(
        {
            **COMMON,
            "group.id": "reader",
            "enable.auto.commit": False,
            "isolation.level": request["isolation"],
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 100,
        }
    )
    until = {each["partition"]: each["until"] for each in request["partitions"]}
    positions = {each["partition"]: each["from"] for each in request["partitions"]}
    records = []
    deadline = time.monotonic() + request["timeoutMs"] / 1000
    try:
        consumer.assign([TopicPartition(request["topic"], partition, offset) for partition, offset in positions.items()])
        while any(positions[partition] < until[partition] for partition in until):
            if time.monotonic() > deadline:
                raise Refused(f"read {len(records)} records, not all")
            for message in consumer.consume(500, 0.1):
                if message.error():
                    raise KafkaException(message.error())
                positions[message.partition()] = message.offset() + 1
                if message.offset() < until[message.partition()]:
                    records.append(received(message))
    finally:
        consumer.close()
    return {"records": records}


class Member:
    def __init__(self, request):
        config = {
            **COMMON,
            "group.id": request["group"],
            "session.timeout.ms": request["sessionTimeoutMs"],
            "heartbeat.interval.ms": 500,
            "max.poll.interval.ms": 30_000,
            "enable.auto.commit": False,
            "auto.offset.reset": request["reset"],
            "fetch.wait.max.ms": 100,
            "partition.assignment.strategy": "range" if request["assignor"] == "eager" else request["assignor"],
        }
        if request["instanceId"] is not None:
            config["group.instance.id"] = request["instanceId"]
        self.diary = Diary()
        self._ended = False
        self._tasks = collections.deque()
        self.held_generation = None
        self.consumer = Consumer(config)

        def pairs(partitions):
            return [(each.topic, each.partition) for each in partitions]

        self.consumer.subscribe(
            request["topics"],
            on_assign=lambda _, partitions: self.diary.assigned(pairs(partitions)),
            on_revoke=lambda _, partitions: self.diary.revoked(pairs(partitions)),
            on_lost=lambda _, partitions: self.diary.revoked(pairs(partitions)),
        )
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._ended:
            while self._tasks:
                self._tasks.popleft()()
            message = self.consumer.poll(0.05)
            if message is None:
                continue
            if message.error() is None:
                self.diary.received(received(message))
            elif message.error().fatal():
                self.diary.failure = str(message.error())
                return

    def commit(self, offsets):
        partitions = [
            TopicPartition(each["topic"], each["partition"], each["offset"], each["metadata"] or "") for each in offsets
        ]
        # In the thread that polls: from another one a synchronous commit may wait for ever.
        result = concurrent.futures.Future()

        def run():
            try:
                result.set_result(self.consumer.commit(offsets=partitions, asynchronous=False))
            except Exception as error:
                result.set_exception(error)

        self._tasks.append(run)
        for done in result.result(timeout=40):
            if done.error is not None:
                raise KafkaException(done.error)

    def group_metadata(self):
        if self.held_generation is not None:
            return self.held_generation
        result = concurrent.futures.Future()
        self._tasks.append(lambda: result.set_result(self.consumer.consumer_group_metadata()))
        return result.result(timeout=40)

    def leave(self):
        self._ended = True
        self._thread.join()
        self.diary.revoked(self.diary.owned())
        self.consumer.close()


def join(request):
    _members[request["member"]] = Member(request)
    return {}


def commit(request):
    _members[request["member"]].commit(request["offsets"])
    return {}


def leave(request):
    _members[request["member"]].leave()
    return {}


def init_transactions(request):
    producer = Producer(
        {
            **COMMON,
            "transactional.id": request["transactionalId"],
            "transaction.timeout.ms": request["transactionTimeoutMs"],
            "compression.type": request["codec"],
            "message.max.bytes": 10_000_000,
            "linger.ms": 5,
        }
    )
    _transactional[request["producer"]] = producer
    producer.init_transactions(40)
    return {}


def begin_transaction(request):
    _transactional[request["producer"]].begin_transaction()
    return {}


def produce_in_transaction(request):
    producer = _transactional[request["producer"]]
    failures = []
    remaining = [len(request["records"])]

    def report(error, _):
        remaining[0] -= 1
        if error is not None:
            failures.append(error)

    for record in request["records"]:
        producer.produce(
            request["topic"],
            to_bytes(record["value"]),
            key=to_bytes(record["key"]),
            partition=-1 if record["partition"] is None else record["partition"],
            on_delivery=report,
        )
    deadline = time.monotonic() + 60
    while remaining[0] > 0:
        producer.poll(0.05)
        if time.monotonic() > deadline:
            raise Refused("librdkafka reported no delivery in time")
    if failures:
        raise KafkaException(failures[0])
    return {}


def hold_generation(request):
    member = _members[request["member"]]
    member.held_generation = member.group_metadata()
    return {}


def send_offsets(request):
    offsets = [TopicPartition(each["topic"], each["partition"], each["offset"]) for each in request["offsets"]]
    metadata = _members[request["member"]].group_metadata()
    retried(lambda: _transactional[request["producer"]].send_offsets_to_transaction(offsets, metadata, 8))
    return {}


def end_transaction(request):
    producer = _transactional[request["producer"]]
    retried(lambda: producer.commit_transaction(40) if request["commit"] else producer.abort_transaction(40))
    return {}


def retried(call):
    """librdkafka tells the application which of its transactional calls it may make again."""
    deadline = time.monotonic() + 8
    while True:
        try:
            return call()
        except KafkaException as error:
            if not error.args[0].retriable() or time.monotonic() > deadline:
                raise


def close_producer(request):
    producer = _transactional.pop(request["producer"])
    # What is left in its queues is not to keep it from ending.
    producer.purge()
    del producer
    return {}


def only(futures):
    """The result of an Admin call about a single thing."""
    return next(iter(futures.values())).result()


def create_topic(request):
    topic = NewTopic(request["name"], request["partitions"], request["replicationFactor"], config=request["configs"])
    only(_admin.create_topics([topic], validate_only=request["validateOnly"], request_timeout=15))
    return {}


def delete_topic(request):
    only(_admin.delete_topics([request["name"]], request_timeout=15))
    return {}


def create_partitions(request):
    only(_admin.create_partitions([NewPartitions(request["topic"], request["count"])], request_timeout=15))
    return {}


def describe_topic(request):
    description = only(_admin.describe_topics(TopicCollection([request["topic"]]), request_timeout=15))
    partitions = [
        {
            "partition": info.id,
            "leader": -1 if info.leader is None else info.leader.id,
            "replicas": [node.id for node in info.replicas],
            "isr": [node.id for node in info.isr],
        }
        for info in description.partitions
    ]
    return {"name": description.name, "topicId": str(description.topic_id), "partitions": partitions}


def resource(request, **fields):
    kind = ResourceType.TOPIC if request["type"] == "topic" else ResourceType.BROKER
    return ConfigResource(kind, request["name"], **fields)


def describe_configs(request):
    entries = only(_admin.describe_configs([resource(request)], request_timeout=15))
    return {
        "entries": [
            {
                "name": entry.name,
                "value": entry.value,
                "readOnly": bool(entry.is_read_only),
                "sensitive": bool(entry.is_sensitive),
                "source": entry.source if isinstance(entry.source, int) else entry.source.value,
            }
            for entry in entries.values()
        ]
    }


def alter_configs(request):
    entries = [
        ConfigEntry(each["name"], each["value"], incremental_operation=AlterConfigOpType[each["op"].upper()])
        for each in request["operations"]
    ]
    only(_admin.incremental_alter_configs([resource(request, incremental_configs=entries)], request_timeout=15))
    return {}


def replace_configs(request):
    topic = ConfigResource(ResourceType.TOPIC, request["topic"], set_config=request["configs"])
    only(_admin.alter_configs([topic], request_timeout=15))
    return {}


def list_offsets(request):
    spec = request["spec"]
    named = {"earliest": OffsetSpec.earliest, "latest": OffsetSpec.latest, "max-timestamp": OffsetSpec.max_timestamp}
    wanted = named[spec]() if isinstance(spec, str) else OffsetSpec.for_timestamp(spec)
    partition = TopicPartition(request["topic"], request["partition"])
    info = only(_admin.list_offsets({partition: wanted}, request_timeout=5))
    return {"offset": info.offset, "timestamp": info.timestamp}


def delete_records(request):
    partition = TopicPartition(request["topic"], request["partition"], request["offset"])
    deleted = only(_admin.delete_records([partition], request_timeout=15, operation_timeout=10))
    return {"lowWatermark": deleted.low_watermark}


def list_groups(_):
    found = _admin.list_consumer_groups(request_timeout=15).result()
    groups = [{"group": each.group_id, "state": STATES.get(each.state.name), "protocolType": None} for each in found.valid]
    return {"groups": groups}


def describe_group(request):
    group = only(_admin.describe_consumer_groups([request["group"]], request_timeout=15))
    members = [
        {
            "memberId": member.member_id,
            "clientId": member.client_id,
            "host": member.host,
            "assignment": [
                {"topic": each.topic, "partition": each.partition} for each in member.assignment.topic_partitions
            ],
        }
        for member in group.members
    ]
    # librdkafka describes groups of this protocol type only.
    description = {"group": group.group_id, "state": STATES.get(group.state.name), "protocolType": "consumer"}
    return {**description, "protocol": group.partition_assignor, "members": members}


def fetch_offsets(request):
    """Through a consumer that joins nothing: AdminClient.list_consumer_group_offsets of librdkafka 2.16.0 ends the
    process with SIGSEGV when the coordinator answers with an error of the group (16 after a restart)."""
    partitions = [TopicPartition(each["topic"], each["partition"]) for each in request["partitions"]]
    consumer = Consumer({**COMMON, "group.id": request["group"], "enable.auto.commit": False})
    try:
        found = consumer.committed(partitions, timeout=15)
    finally:
        consumer.close()
    offsets = []
    for each in found:
        if each.error is not None:
            raise KafkaException(each.error)
        offset = each.offset if each.offset >= 0 else -1
        offsets.append({"topic": each.topic, "partition": each.partition, "offset": offset, "metadata": each.metadata})
    return {"offsets": offsets}


def alter_offsets(request):
    partitions = [TopicPartition(each["topic"], each["partition"], each["offset"]) for each in request["offsets"]]
    wanted = ConsumerGroupTopicPartitions(request["group"], partitions)
    for each in only(_admin.alter_consumer_group_offsets([wanted], request_timeout=15)).topic_partitions:
        if each.error is not None:
            raise KafkaException(each.error)
    return {}


def delete_group(request):
    only(_admin.delete_consumer_groups([request["group"]], request_timeout=15))
    return {}


def describe_cluster(_):
    cluster = _admin.describe_cluster(request_timeout=15).result()
    brokers = [{"id": node.id, "host": node.host, "port": node.port} for node in cluster.nodes]
    return {"clusterId": cluster.cluster_id, "controllerId": cluster.controller.id, "brokers": brokers}


def close():
    for member in _members.values():
        if not member._ended:
            member.leave()


serve_with_threads(
    {
        "client": "confluent-kafka",
        "version": f"{confluent_kafka.__version__} (librdkafka {confluent_kafka.libversion()[0]})",
        "codecs": CODECS,
        "missingOperations": {"deleteGroupOffsets": "confluent-kafka for Python has no OffsetDelete"},
        "missingFeatures": {
            "recovers-lost-sequences": "librdkafka takes it for fatal: only another producer goes on",
        },
    },
    {
        "produce": produce,
        "read": read,
        "join": join,
        "news": lambda request: _members[request["member"]].diary.take(),
        "commit": commit,
        "leave": leave,
        "initTransactions": init_transactions,
        "beginTransaction": begin_transaction,
        "produceInTransaction": produce_in_transaction,
        "holdGeneration": hold_generation,
        "sendOffsets": send_offsets,
        "endTransaction": end_transaction,
        "closeProducer": close_producer,
        "createTopic": create_topic,
        "deleteTopic": delete_topic,
        "createPartitions": create_partitions,
        "describeTopic": describe_topic,
        "listTopics": lambda _: {"names": list(_admin.list_topics(timeout=15).topics)},
        "describeConfigs": describe_configs,
        "alterConfigs": alter_configs,
        "replaceConfigs": replace_configs,
        "listOffsets": list_offsets,
        "deleteRecords": delete_records,
        "listGroups": list_groups,
        "describeGroup": describe_group,
        "fetchOffsets": fetch_offsets,
        "alterOffsets": alter_offsets,
        "deleteGroup": delete_group,
        "describeCluster": describe_cluster,
    },
    code_of,
    close,
)
