import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/** Reads ranges of offsets without a group. */
final class Reader {
    private Reader() {}

    static JsonNode read(String bootstrap, JsonNode request) {
        Properties properties = Driver.consumerProperties(bootstrap);
        properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, request.get("isolation").asText());
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
        Map<TopicPartition, Long> until = new HashMap<>();
        for (JsonNode range : request.get("partitions")) {
            until.put(new TopicPartition(request.get("topic").asText(), range.get("partition").asInt()), range.get("until").asLong());
        }
        ObjectNode answer = Driver.JSON.createObjectNode();
        ArrayNode records = answer.putArray("records");
        long deadline = System.currentTimeMillis() + request.get("timeoutMs").asLong();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties)) {
            consumer.assign(until.keySet());
            for (JsonNode range : request.get("partitions")) {
                consumer.seek(new TopicPartition(request.get("topic").asText(), range.get("partition").asInt()), range.get("from").asLong());
            }
            while (until.entrySet().stream().anyMatch(each -> consumer.position(each.getKey()) < each.getValue())) {
                if (System.currentTimeMillis() > deadline) throw new IllegalStateException("read " + records.size() + " records, not all");
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    if (record.offset() < until.get(new TopicPartition(record.topic(), record.partition()))) records.add(Records.received(record));
                }
            }
        }
        return answer;
    }
}
