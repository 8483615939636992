import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.DeleteRecordsOptions;
import org.apache.kafka.clients.admin.DescribeClusterResult;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.config.ConfigResource;

/** Everything the Admin client is asked for. */
final class AdminOperations {
    private final String bootstrap;
    private Admin connected;

    AdminOperations(String bootstrap) {
        this.bootstrap = bootstrap;
    }

    void addTo(Map<String, Driver.Operation> operations) {
        operations.put("createTopic", this::createTopic);
        operations.put("deleteTopic", request -> done(admin().deleteTopics(List.of(text(request, "name"))).all()));
        operations.put("createPartitions", request -> done(admin().createPartitions(
            Map.of(text(request, "topic"), NewPartitions.increaseTo(request.get("count").asInt()))).all()));
        operations.put("describeTopic", this::describeTopic);
        operations.put("listTopics", request -> listTopics());
        operations.put("describeConfigs", this::describeConfigs);
        operations.put("alterConfigs", this::alterConfigs);
        operations.put("listOffsets", this::listOffsets);
        operations.put("deleteRecords", this::deleteRecords);
        operations.put("listGroups", request -> listGroups());
        operations.put("describeGroup", this::describeGroup);
        operations.put("fetchOffsets", this::fetchOffsets);
        operations.put("alterOffsets", this::alterOffsets);
        operations.put("deleteGroup", request -> done(admin().deleteConsumerGroups(List.of(text(request, "group"))).all()));
        operations.put("deleteGroupOffsets", this::deleteGroupOffsets);
        operations.put("describeCluster", request -> describeCluster());
    }

    private synchronized Admin admin() {
        if (connected == null) {
            Properties properties = new Properties();
            properties.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
            properties.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, "15000");
            properties.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, Driver.requestTimeoutMs(5_000));
            connected = Admin.create(properties);
        }
        return connected;
    }

    private static String text(JsonNode request, String name) {
        return request.get(name).asText();
    }

    private static JsonNode done(org.apache.kafka.common.KafkaFuture<?> future) throws Exception {
        future.get();
        return Driver.JSON.createObjectNode();
    }

    private JsonNode createTopic(JsonNode request) throws Exception {
        Map<String, String> configs = new HashMap<>();
        request.get("configs").properties().forEach(each -> configs.put(each.getKey(), each.getValue().asText()));
        short replicationFactor = (short) request.get("replicationFactor").asInt();
        NewTopic topic = new NewTopic(text(request, "name"), request.get("partitions").asInt(), replicationFactor).configs(configs);
        CreateTopicsOptions options = new CreateTopicsOptions().validateOnly(request.get("validateOnly").asBoolean());
        return done(admin().createTopics(List.of(topic), options).all());
    }

    private JsonNode describeTopic(JsonNode request) throws Exception {
        String name = text(request, "topic");
        TopicDescription description = admin().describeTopics(List.of(name)).allTopicNames().get().get(name);
        ObjectNode answer = Driver.JSON.createObjectNode().put("name", name).put("topicId", description.topicId().toString());
        ArrayNode partitions = answer.putArray("partitions");
        for (TopicPartitionInfo info : description.partitions()) {
            ObjectNode partition = partitions.addObject().put("partition", info.partition());
            partition.put("leader", info.leader() == null ? -1 : info.leader().id());
            ArrayNode replicas = partition.putArray("replicas");
            for (Node node : info.replicas()) replicas.add(node.id());
            ArrayNode isr = partition.putArray("isr");
            for (Node node : info.isr()) isr.add(node.id());
        }
        return answer;
    }

    private JsonNode listTopics() throws Exception {
        ObjectNode answer = Driver.JSON.createObjectNode();
        ArrayNode names = answer.putArray("names");
        for (String name : admin().listTopics(new ListTopicsOptions().listInternal(true)).names().get()) names.add(name);
        return answer;
    }

    private static ConfigResource resource(JsonNode request) {
        ConfigResource.Type type = text(request, "type").equals("topic") ? ConfigResource.Type.TOPIC : ConfigResource.Type.BROKER;
        return new ConfigResource(type, text(request, "name"));
    }

    private JsonNode describeConfigs(JsonNode request) throws Exception {
        ConfigResource resource = resource(request);
        ObjectNode answer = Driver.JSON.createObjectNode();
        ArrayNode entries = answer.putArray("entries");
        for (ConfigEntry entry : admin().describeConfigs(List.of(resource)).all().get().get(resource).entries()) {
            ObjectNode json = entries.addObject().put("name", entry.name()).put("value", entry.value());
            json.put("readOnly", entry.isReadOnly()).put("sensitive", entry.isSensitive());
            json.put("source", sourceNumber(entry.source()));
        }
        return answer;
    }

    private static int sourceNumber(ConfigEntry.ConfigSource source) {
        return switch (source) {
            case DYNAMIC_TOPIC_CONFIG -> 1;
            case DYNAMIC_BROKER_CONFIG -> 2;
            case DYNAMIC_DEFAULT_BROKER_CONFIG -> 3;
            case STATIC_BROKER_CONFIG -> 4;
            case DEFAULT_CONFIG -> 5;
            case DYNAMIC_BROKER_LOGGER_CONFIG -> 6;
            default -> 0;
        };
    }

    private JsonNode alterConfigs(JsonNode request) throws Exception {
        List<AlterConfigOp> operations = new ArrayList<>();
        for (JsonNode each : request.get("operations")) {
            String value = each.get("value").isNull() ? null : each.get("value").asText();
            AlterConfigOp.OpType type = AlterConfigOp.OpType.valueOf(each.get("op").asText().toUpperCase());
            operations.add(new AlterConfigOp(new ConfigEntry(each.get("name").asText(), value), type));
        }
        return done(admin().incrementalAlterConfigs(Map.of(resource(request), operations)).all());
    }

    private JsonNode listOffsets(JsonNode request) throws Exception {
        TopicPartition partition = Records.partition(request);
        JsonNode spec = request.get("spec");
        OffsetSpec wanted = spec.isNumber() ? OffsetSpec.forTimestamp(spec.asLong()) : switch (spec.asText()) {
            case "earliest" -> OffsetSpec.earliest();
            case "latest" -> OffsetSpec.latest();
            default -> OffsetSpec.maxTimestamp();
        };
        // An unknown partition is asked for again until this time has passed.
        ListOffsetsOptions options = new ListOffsetsOptions().timeoutMs(3_000);
        ListOffsetsResultInfo info = admin().listOffsets(Map.of(partition, wanted), options).all().get().get(partition);
        return Driver.JSON.createObjectNode().put("offset", info.offset()).put("timestamp", info.timestamp());
    }

    private JsonNode deleteRecords(JsonNode request) throws Exception {
        TopicPartition partition = Records.partition(request);
        RecordsToDelete before = RecordsToDelete.beforeOffset(request.get("offset").asLong());
        // As above.
        DeleteRecordsOptions options = new DeleteRecordsOptions().timeoutMs(3_000);
        long lowWatermark = admin().deleteRecords(Map.of(partition, before), options).lowWatermarks().get(partition).get().lowWatermark();
        return Driver.JSON.createObjectNode().put("lowWatermark", lowWatermark);
    }

    private JsonNode listGroups() throws Exception {
        ObjectNode answer = Driver.JSON.createObjectNode();
        ArrayNode groups = answer.putArray("groups");
        for (GroupListing listing : admin().listGroups().all().get()) {
            ObjectNode group = groups.addObject().put("group", listing.groupId()).put("protocolType", listing.protocol());
            group.put("state", listing.groupState().map(Object::toString).orElse(null));
        }
        return answer;
    }

    private JsonNode describeGroup(JsonNode request) throws Exception {
        String name = text(request, "group");
        ConsumerGroupDescription description = admin().describeConsumerGroups(List.of(name)).describedGroups().get(name).get();
        ObjectNode answer = Driver.JSON.createObjectNode().put("group", name).put("state", description.groupState().toString());
        // The Admin client describes groups of this protocol type only.
        answer.put("protocolType", "consumer").put("protocol", description.partitionAssignor());
        ArrayNode members = answer.putArray("members");
        for (MemberDescription member : description.members()) {
            ObjectNode json = members.addObject().put("memberId", member.consumerId()).put("clientId", member.clientId());
            json.put("host", member.host()).set("assignment", Records.json(member.assignment().topicPartitions()));
        }
        return answer;
    }

    private JsonNode fetchOffsets(JsonNode request) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> found =
            admin().listConsumerGroupOffsets(text(request, "group")).partitionsToOffsetAndMetadata().get();
        ObjectNode answer = Driver.JSON.createObjectNode();
        ArrayNode offsets = answer.putArray("offsets");
        for (TopicPartition partition : Records.partitions(request.get("partitions"))) {
            Optional<OffsetAndMetadata> committed = Optional.ofNullable(found.get(partition));
            ObjectNode offset = offsets.addObject().put("topic", partition.topic()).put("partition", partition.partition());
            offset.put("offset", committed.map(OffsetAndMetadata::offset).orElse(-1L));
            offset.put("metadata", committed.map(OffsetAndMetadata::metadata).orElse(null));
        }
        return answer;
    }

    private JsonNode alterOffsets(JsonNode request) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        for (JsonNode each : request.get("offsets")) offsets.put(Records.partition(each), new OffsetAndMetadata(each.get("offset").asLong()));
        return done(admin().alterConsumerGroupOffsets(text(request, "group"), offsets).all());
    }

    private JsonNode deleteGroupOffsets(JsonNode request) throws Exception {
        Set<TopicPartition> partitions = new HashSet<>(Records.partitions(request.get("partitions")));
        return done(admin().deleteConsumerGroupOffsets(text(request, "group"), partitions).all());
    }

    private JsonNode describeCluster() throws Exception {
        DescribeClusterResult result = admin().describeCluster();
        ObjectNode answer = Driver.JSON.createObjectNode().put("clusterId", result.clusterId().get());
        answer.put("controllerId", result.controller().get().id());
        ArrayNode brokers = answer.putArray("brokers");
        for (Node node : result.nodes().get()) brokers.addObject().put("id", node.id()).put("host", node.host()).put("port", node.port());
        return answer;
    }
}
