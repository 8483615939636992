import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** A member of a group: a thread polls, since a KafkaConsumer belongs to one thread, and takes commits in between. */
final class GroupMember implements ConsumerRebalanceListener {
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private volatile boolean leaving;
    private ArrayNode records = Driver.JSON.createArrayNode();
    private ArrayNode events = Driver.JSON.createArrayNode();
    private final List<TopicPartition> assignment = new ArrayList<>();
    private String failure;
    private volatile ConsumerGroupMetadata held;

    GroupMember(String bootstrap, JsonNode request) {
        Properties properties = Driver.consumerProperties(bootstrap);
        properties.put(ConsumerConfig.GROUP_ID_CONFIG, request.get("group").asText());
        properties.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, request.get("sessionTimeoutMs").asText());
        properties.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, "500");
        properties.put(ConsumerConfig.MAX_POLL_INTERVAL_MS_CONFIG, "30000");
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, request.get("reset").asText());
        boolean cooperative = request.get("assignor").asText().equals("cooperative-sticky");
        String assignor = cooperative ? "CooperativeStickyAssignor" : "RangeAssignor";
        properties.put(ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG, "org.apache.kafka.clients.consumer." + assignor);
        if (!request.get("instanceId").isNull()) properties.put(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, request.get("instanceId").asText());
        if (request.path("committedOnly").asBoolean()) properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        consumer = new KafkaConsumer<>(properties);
        List<String> topics = new ArrayList<>();
        for (JsonNode topic : request.get("topics")) topics.add(topic.asText());
        consumer.subscribe(topics, this);
        Thread thread = new Thread(this::run, "member-" + request.get("member").asText());
        thread.setDaemon(true);
        thread.start();
    }

    private void run() {
        try {
            while (!leaving) {
                for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) task.run();
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(50))) {
                    synchronized (this) {
                        records.add(Records.received(record));
                    }
                }
            }
            consumer.close();
            ended.complete(null);
        } catch (Throwable thrown) {
            synchronized (this) {
                failure = thrown.toString();
            }
            ended.completeExceptionally(thrown);
        }
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        record("assigned", partitions);
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        record("revoked", partitions);
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
        record("revoked", partitions);
    }

    private synchronized void record(String kind, Collection<TopicPartition> partitions) {
        if (kind.equals("assigned")) assignment.addAll(partitions);
        else assignment.removeAll(partitions);
        if (partitions.isEmpty()) return;
        events.addObject().put("kind", kind).put("atMs", System.currentTimeMillis()).set("partitions", Records.json(partitions));
    }

    synchronized JsonNode news() {
        ObjectNode news = Driver.JSON.createObjectNode();
        news.set("records", records);
        news.set("events", events);
        news.set("assignment", Records.json(assignment));
        news.put("failure", failure);
        records = Driver.JSON.createArrayNode();
        events = Driver.JSON.createArrayNode();
        return news;
    }

    JsonNode commit(JsonNode request) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        for (JsonNode each : request.get("offsets")) {
            String metadata = each.get("metadata").isNull() ? "" : each.get("metadata").asText();
            offsets.put(Records.partition(each), new OffsetAndMetadata(each.get("offset").asLong(), metadata));
        }
        CompletableFuture<Void> done = new CompletableFuture<>();
        tasks.add(() -> {
            try {
                consumer.commitSync(offsets, Duration.ofSeconds(10));
                done.complete(null);
            } catch (RuntimeException thrown) {
                done.completeExceptionally(thrown);
            }
        });
        done.get(30, TimeUnit.SECONDS);
        return Driver.JSON.createObjectNode();
    }

    /** From now on groupMetadata() gives what is true now. */
    JsonNode holdGeneration() throws Exception {
        held = groupMetadata();
        return Driver.JSON.createObjectNode();
    }

    ConsumerGroupMetadata groupMetadata() throws Exception {
        if (held != null) return held;
        CompletableFuture<ConsumerGroupMetadata> found = new CompletableFuture<>();
        tasks.add(() -> found.complete(consumer.groupMetadata()));
        return found.get(30, TimeUnit.SECONDS);
    }

    JsonNode leave() throws Exception {
        leaving = true;
        ended.get(30, TimeUnit.SECONDS);
        return Driver.JSON.createObjectNode();
    }

    /** The driver ends: leave if that is quick. */
    void abandon() {
        leaving = true;
        try {
            ended.get(2, TimeUnit.SECONDS);
        } catch (Exception tooSlow) {
            System.err.println("a member did not leave in time: " + tooSlow);
        }
    }
}
