import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/** Records and partitions to and from JSON. */
final class Records {
    private Records() {}

    static ProducerRecord<byte[], byte[]> outgoing(String topic, JsonNode record) throws IOException {
        List<Header> headers = new ArrayList<>();
        for (JsonNode header : record.get("headers")) {
            headers.add(new RecordHeader(header.get("name").asText(), bytes(header.get("value"))));
        }
        Integer partition = record.get("partition").isNull() ? null : record.get("partition").asInt();
        Long timestamp = record.get("timestamp").isNull() ? null : record.get("timestamp").asLong();
        return new ProducerRecord<>(topic, partition, timestamp, bytes(record.get("key")), bytes(record.get("value")), headers);
    }

    static ObjectNode received(ConsumerRecord<byte[], byte[]> record) {
        ObjectNode json = Driver.JSON.createObjectNode();
        json.put("topic", record.topic()).put("partition", record.partition());
        json.put("offset", record.offset()).put("timestamp", record.timestamp());
        json.put("key", record.key()).put("value", record.value());
        ArrayNode headers = json.putArray("headers");
        for (Header header : record.headers()) headers.addObject().put("name", header.key()).put("value", header.value());
        return json;
    }

    private static byte[] bytes(JsonNode base64) throws IOException {
        return base64.isNull() ? null : base64.binaryValue();
    }

    static TopicPartition partition(JsonNode json) {
        return new TopicPartition(json.get("topic").asText(), json.get("partition").asInt());
    }

    static List<TopicPartition> partitions(JsonNode array) {
        List<TopicPartition> partitions = new ArrayList<>();
        for (JsonNode each : array) partitions.add(partition(each));
        return partitions;
    }

    static ArrayNode json(Iterable<TopicPartition> partitions) {
        ArrayNode array = Driver.JSON.createArrayNode();
        for (TopicPartition each : partitions) array.addObject().put("topic", each.topic()).put("partition", each.partition());
        return array;
    }
}
