import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.RecordMetadata;

/** One producer per combination of acks, codec and idempotence. */
final class ProducerOperations {
    private final String bootstrap;
    private final Map<String, KafkaProducer<byte[], byte[]>> producers = new ConcurrentHashMap<>();

    ProducerOperations(String bootstrap) {
        this.bootstrap = bootstrap;
    }

    JsonNode produce(JsonNode request) throws Exception {
        KafkaProducer<byte[], byte[]> producer = producerFor(request);
        String topic = request.get("topic").asText();
        List<Future<RecordMetadata>> sends = new ArrayList<>();
        for (JsonNode record : request.get("records")) sends.add(producer.send(Records.outgoing(topic, record)));
        // Not flush(): it waits for what others send as well.
        ObjectNode answer = Driver.JSON.createObjectNode();
        ArrayNode placed = answer.putArray("placed");
        for (Future<RecordMetadata> send : sends) {
            RecordMetadata metadata = send.get();
            placed.addObject().put("partition", metadata.partition()).put("offset", metadata.hasOffset() ? metadata.offset() : -1);
        }
        return answer;
    }

    /** The Java client has no setting against the creation of topics by producers: it always asks for it. */
    private KafkaProducer<byte[], byte[]> producerFor(JsonNode request) {
        int timeoutMs = request.get("timeoutMs").asInt();
        String key = request.get("acks") + " " + request.get("codec") + " " + request.get("idempotent") + " " + timeoutMs;
        return producers.computeIfAbsent(key, unused -> {
            Properties properties = new Properties();
            properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
            properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, "org.apache.kafka.common.serialization.ByteArraySerializer");
            properties.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, "org.apache.kafka.common.serialization.ByteArraySerializer");
            properties.put(ProducerConfig.ACKS_CONFIG, request.get("acks").asText());
            properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, request.get("idempotent").asText());
            properties.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, request.get("codec").asText());
            // Without idempotence a retry would otherwise overtake what was sent before it.
            if (!request.get("idempotent").asBoolean()) properties.put(ProducerConfig.MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION, "1");
            properties.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, "10000000");
            properties.put(ProducerConfig.LINGER_MS_CONFIG, "5");
            properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, Integer.toString(timeoutMs));
            properties.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, Driver.requestTimeoutMs(Math.min(timeoutMs, 20_000) - 500));
            properties.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, Integer.toString(timeoutMs));
            return new KafkaProducer<>(properties);
        });
    }
}
