"""aiokafka as a driver."""

import asyncio
import json
import logging
import struct
import sys
import threading
import time

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError, for_code
from aiokafka.structs import OffsetAndMetadata
from driver import CODECS, Diary, Refused, failure, record_json, respond, to_bytes

BOOTSTRAP = sys.argv[1]
CLIENT_ID = "compat-aiokafka"
logging.disable(logging.CRITICAL)


def code_of(error):
    """Kafka's code of an error; aiokafka's own errors have errno −1 or none."""
    if isinstance(error, Refused):
        return error.code
    code = getattr(error, "errno", None)
    return code if isinstance(error, KafkaError) and isinstance(code, int) and code > 0 else None


def check(code, message):
    if code:
        raise for_code(code)(message)


class Member(ConsumerRebalanceListener):
    def __init__(self, consumer):
        self.consumer = consumer
        self.diary = Diary()
        self.task = None

    async def on_partitions_revoked(self, revoked):
        self.diary.revoked([(each.topic, each.partition) for each in revoked])

    async def on_partitions_assigned(self, assigned):
        self.diary.assigned([(each.topic, each.partition) for each in assigned])

    async def run(self):
        try:
            async for message in self.consumer:
                self.diary.received(received(message))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.diary.failure = repr(error)


def received(message):
    fields = (message.topic, message.partition, message.offset, message.timestamp, message.key, message.value)
    return record_json(*fields, message.headers)


class Client:
    def __init__(self):
        self.producers = {}
        self.transactional = {}
        self.members = {}
        self.lock = asyncio.Lock()
        self._admin = None

    async def admin(self):
        async with self.lock:
            if self._admin is None:
                client = AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP, client_id=CLIENT_ID, request_timeout_ms=15_000)
                await client.start()
                self._admin = client
            return self._admin

    async def producer_for(self, request):
        key = tuple(request[name] for name in ("acks", "codec", "idempotent", "timeoutMs"))
        async with self.lock:
            if key not in self.producers:
                producer = AIOKafkaProducer(
                    bootstrap_servers=BOOTSTRAP,
                    client_id=CLIENT_ID,
                    acks="all" if request["acks"] == -1 else request["acks"],
                    compression_type=None if request["codec"] == "none" else request["codec"],
                    enable_idempotence=request["idempotent"],
                    request_timeout_ms=request["timeoutMs"],
                    max_request_size=10_000_000,
                    max_batch_size=1_000_000,
                    linger_ms=5,
                )
                await producer.start()
                self.producers[key] = producer
            return self.producers[key]

    async def produce(self, request):
        producer = await self.producer_for(request)
        sends = []
        for record in request["records"]:
            sends.append(
                await producer.send(
                    request["topic"],
                    to_bytes(record["value"]),
                    key=to_bytes(record["key"]),
                    partition=record["partition"],
                    timestamp_ms=record["timestamp"],
                    headers=[(header["name"], to_bytes(header["value"])) for header in record["headers"]],
                )
            )
        placed = []
        for result in await asyncio.gather(*sends):
            # With acks 0 there is nothing to be told.
            placed.append({"partition": -1, "offset": -1} if result is None else {"partition": result.partition, "offset": result.offset})
        return {"placed": placed}

    async def with_consumer(self, use, **options):
        """Gives `use` a consumer that belongs to no group, or commits for one without joining it."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=BOOTSTRAP,
            client_id=CLIENT_ID,
            enable_auto_commit=False,
            fetch_max_wait_ms=100,
            request_timeout_ms=10_000,
            **options,
        )
        await consumer.start()
        try:
            return await use(consumer)
        finally:
            await consumer.stop()

    async def read(self, request):
        until = {TopicPartition(request["topic"], each["partition"]): each["until"] for each in request["partitions"]}
        records = []

        async def use(consumer):
            consumer.assign(list(until))
            for each in request["partitions"]:
                consumer.seek(TopicPartition(request["topic"], each["partition"]), each["from"])
            positions = {TopicPartition(request["topic"], each["partition"]): each["from"] for each in request["partitions"]}
            deadline = time.monotonic() + request["timeoutMs"] / 1000
            while any(positions[each] < until[each] for each in until):
                if time.monotonic() > deadline:
                    raise Refused(f"read {len(records)} records, not all")
                for partition, messages in (await consumer.getmany(timeout_ms=200)).items():
                    for message in messages:
                        positions[partition] = message.offset + 1
                        if message.offset < until[partition]:
                            records.append(received(message))

        await self.with_consumer(use, isolation_level=request["isolation"], auto_offset_reset="none")
        return {"records": records}

    async def join(self, request):
        consumer = AIOKafkaConsumer(
            bootstrap_servers=BOOTSTRAP,
            client_id=CLIENT_ID,
            group_id=request["group"],
            group_instance_id=request["instanceId"],
            enable_auto_commit=False,
            auto_offset_reset=request["reset"],
            session_timeout_ms=request["sessionTimeoutMs"],
            rebalance_timeout_ms=request["sessionTimeoutMs"],
            heartbeat_interval_ms=500,
            max_poll_interval_ms=30_000,
            fetch_max_wait_ms=100,
            request_timeout_ms=15_000,
            metadata_max_age_ms=5_000,
            partition_assignment_strategy=(RangePartitionAssignor,),
            isolation_level="read_committed" if request.get("committedOnly") else "read_uncommitted",
        )
        member = Member(consumer)
        consumer.subscribe(topics=request["topics"], listener=member)
        await consumer.start()
        member.task = asyncio.create_task(member.run())
        self.members[request["member"]] = member
        return {}

    async def news(self, request):
        return self.members[request["member"]].diary.take()

    async def commit(self, request):
        offsets = {
            TopicPartition(each["topic"], each["partition"]): OffsetAndMetadata(each["offset"], each["metadata"] or "")
            for each in request["offsets"]
        }
        await self.members[request["member"]].consumer.commit(offsets)
        return {}

    async def leave(self, request):
        member = self.members[request["member"]]
        member.task.cancel()
        await asyncio.gather(member.task, return_exceptions=True)
        member.diary.revoked(member.diary.owned())
        await member.consumer.stop()
        return {}

    async def initTransactions(self, request):
        producer = AIOKafkaProducer(
            bootstrap_servers=BOOTSTRAP,
            client_id=CLIENT_ID,
            transactional_id=request["transactionalId"],
            transaction_timeout_ms=request["transactionTimeoutMs"],
            compression_type=None if request["codec"] == "none" else request["codec"],
            max_request_size=10_000_000,
            max_batch_size=1_000_000,
            linger_ms=5,
        )
        await producer.start()
        self.transactional[request["producer"]] = producer
        return {}

    async def beginTransaction(self, request):
        await self.transactional[request["producer"]].begin_transaction()
        return {}

    async def produceInTransaction(self, request):
        producer = self.transactional[request["producer"]]
        sends = []
        for record in request["records"]:
            value, key = to_bytes(record["value"]), to_bytes(record["key"])
            sends.append(await producer.send(request["topic"], value, key=key, partition=record["partition"]))
        await asyncio.gather(*sends)
        return {}

    async def sendOffsets(self, request):
        offsets = {TopicPartition(each["topic"], each["partition"]): each["offset"] for each in request["offsets"]}
        await self.transactional[request["producer"]].send_offsets_to_transaction(offsets, request["group"])
        return {}

    async def endTransaction(self, request):
        producer = self.transactional[request["producer"]]
        await (producer.commit_transaction() if request["commit"] else producer.abort_transaction())
        return {}

    async def closeProducer(self, request):
        await self.transactional.pop(request["producer"]).stop()
        return {}

    async def createTopic(self, request):
        topic = NewTopic(request["name"], request["partitions"], request["replicationFactor"], topic_configs=request["configs"])
        answer = await (await self.admin()).create_topics([topic], validate_only=request["validateOnly"])
        for name, code, message in answer.topic_errors:
            check(code, f"{name}: {message}")
        return {}

    async def deleteTopic(self, request):
        answer = await (await self.admin()).delete_topics([request["name"]])
        for name, code in answer.topic_error_codes:
            check(code, name)
        return {}

    async def createPartitions(self, request):
        partitions = {request["topic"]: NewPartitions(request["count"])}
        await (await self.admin()).create_partitions(partitions)
        return {}

    async def describeTopic(self, request):
        # All topics: naming one would let the broker create it.
        topics = await (await self.admin()).describe_topics()
        found = next((each for each in topics if each["topic"] == request["topic"]), None)
        if found is None:
            raise Refused(f"no topic {request['topic']}", 3)
        check(found["error_code"], request["topic"])
        partitions = [
            {"partition": each["partition"], "leader": each["leader"], "replicas": list(each["replicas"]), "isr": list(each["isr"])}
            for each in found["partitions"]
        ]
        partitions.sort(key=lambda each: each["partition"])
        return {"name": found["topic"], "topicId": None, "partitions": partitions}

    async def listTopics(self, _):
        return {"names": await (await self.admin()).list_topics()}

    async def describeConfigs(self, request):
        kind = ConfigResourceType.TOPIC if request["type"] == "topic" else ConfigResourceType.BROKER
        answers = await (await self.admin()).describe_configs([ConfigResource(kind, request["name"])])
        entries = []
        for found in answers[0].to_object()["resources"]:
            check(found["error_code"], found["error_message"])
            for entry in found["config_entries"]:
                entries.append(
                    {
                        "name": entry["config_names"],
                        "value": entry["config_value"],
                        "readOnly": entry["read_only"],
                        "sensitive": entry["is_sensitive"],
                        "source": entry.get("config_source"),
                    }
                )
        return {"entries": entries}

    async def replaceConfigs(self, request):
        resource = ConfigResource(ConfigResourceType.TOPIC, request["topic"], configs=request["configs"])
        for answer in await (await self.admin()).alter_configs([resource]):
            for found in answer.to_object()["resources"]:
                check(found["error_code"], found["error_message"])
        return {}

    async def listOffsets(self, request):
        partition = TopicPartition(request["topic"], request["partition"])
        spec = request["spec"]

        async def use(consumer):
            if spec == "earliest":
                return (await consumer.beginning_offsets([partition]))[partition], None
            if spec == "latest":
                return (await consumer.end_offsets([partition]))[partition], None
            found = (await consumer.offsets_for_times({partition: spec}))[partition]
            return (-1, -1) if found is None else (found.offset, found.timestamp)

        offset, timestamp = await self.with_consumer(use)
        return {"offset": offset, "timestamp": timestamp}

    async def deleteRecords(self, request):
        partition = TopicPartition(request["topic"], request["partition"])
        before = {partition: RecordsToDelete(before_offset=request["offset"])}
        return {"lowWatermark": (await (await self.admin()).delete_records(before))[partition]}

    async def listGroups(self, _):
        found = await (await self.admin()).list_consumer_groups()
        return {"groups": [{"group": each[0], "state": None, "protocolType": each[1]} for each in found]}

    async def describeGroup(self, request):
        answers = await (await self.admin()).describe_consumer_groups([request["group"]])
        found = answers[0].to_object()["groups"][0]
        check(found["error_code"], request["group"])
        members = [
            {
                "memberId": each["member_id"],
                "clientId": each["client_id"],
                "host": each["client_host"],
                "assignment": assignment_json(each["member_assignment"]),
            }
            for each in found["members"]
        ]
        described = {"group": found["group"], "state": found["state"], "protocolType": found["protocol_type"]}
        return {**described, "protocol": found["protocol"], "members": members}

    async def fetchOffsets(self, request):
        partitions = [TopicPartition(each["topic"], each["partition"]) for each in request["partitions"]]
        found = await (await self.admin()).list_consumer_group_offsets(request["group"], partitions=partitions)
        offsets = []
        for each in partitions:
            # aiokafka does not look at the error of the group; then the answer names no partition.
            if each not in found:
                raise Refused(f"no answer for {each}")
            committed = found[each]
            placed = {"topic": each.topic, "partition": each.partition}
            offsets.append({**placed, "offset": committed.offset, "metadata": committed.metadata})
        return {"offsets": offsets}

    async def alterOffsets(self, request):
        """A commit without membership: aiokafka's Admin client has no operation of its own for it."""
        offsets = {
            TopicPartition(each["topic"], each["partition"]): OffsetAndMetadata(each["offset"], "")
            for each in request["offsets"]
        }

        async def use(consumer):
            consumer.assign(list(offsets))
            await consumer.commit(offsets)

        await self.with_consumer(use, group_id=request["group"])
        return {}

    async def describeCluster(self, _):
        found = await (await self.admin()).describe_cluster()
        brokers = [{"id": each["node_id"], "host": each["host"], "port": each["port"]} for each in found["brokers"]]
        return {"clusterId": found["cluster_id"], "controllerId": found["controller_id"], "brokers": brokers}

    async def close(self):
        for name, member in self.members.items():
            if not member.task.done():
                await self.leave({"member": name})
        for producer in [*self.producers.values(), *self.transactional.values()]:
            await producer.stop()
        if self._admin is not None:
            await self._admin.close()


def assignment_json(data):
    if not data:
        return []
    try:
        assignment = ConsumerProtocolMemberAssignment.decode(data)
    except (struct.error, ValueError):
        return None
    return [
        {"topic": topic, "partition": partition} for topic, partitions in assignment.assignment for partition in partitions
    ]


GREETING = {
    "client": "aiokafka",
    "version": aiokafka.__version__,
    "codecs": CODECS,
    "missingOperations": {
        "alterConfigs": "aiokafka has AlterConfigs only, no incremental one",
        "deleteGroup": "aiokafka has no DeleteGroups",
        "deleteGroupOffsets": "aiokafka has no OffsetDelete",
    },
    "missingFeatures": {
        "sends-generations-in-transactions": "aiokafka has TxnOffsetCommit version 0 alone, which has no generation",
        "cooperative-sticky": "aiokafka has eager assignors only",
        "offset-of-max-timestamp": "aiokafka has no ListOffsets with MAX_TIMESTAMP",
        "names-all-errors": "aiokafka does not know error 87 (INVALID_RECORD) and reports an unknown one",
        "look-without-creating": "the aiokafka consumer lets the broker create a topic it looks at",
        "heartbeats-while-groups-load": "aiokafka ends its member when a heartbeat is answered with error 14",
        "produce-without-creating": "the aiokafka producer always lets the broker create the topic",
    },
}


async def main():
    client = Client()
    loop = asyncio.get_running_loop()
    commands = asyncio.Queue()

    def read_input():
        for line in sys.stdin:
            loop.call_soon_threadsafe(commands.put_nowait, line)
        loop.call_soon_threadsafe(commands.put_nowait, None)

    async def run(command):
        try:
            operation = getattr(client, command["operation"])
            respond({"id": command["id"], "answer": await operation(command["request"])})
        except Exception as error:
            failure(command["id"], error, code_of(error))

    threading.Thread(target=read_input, daemon=True).start()
    respond(GREETING)
    running = set()
    while (line := await commands.get()) is not None:
        task = asyncio.create_task(run(json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.wait_for(client.close(), 4)


asyncio.run(main())
