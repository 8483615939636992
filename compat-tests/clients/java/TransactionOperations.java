import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;

/** Transactional producers by name. */
final class TransactionOperations {
    private final String bootstrap;
    private final Function<JsonNode, GroupMember> members;
    private final Map<String, KafkaProducer<byte[], byte[]>> producers = new ConcurrentHashMap<>();

    TransactionOperations(String bootstrap, Function<JsonNode, GroupMember> members) {
        this.bootstrap = bootstrap;
        this.members = members;
    }

    void addTo(Map<String, Driver.Operation> operations) {
        operations.put("initTransactions", this::init);
        operations.put("beginTransaction", this::begin);
        operations.put("produceInTransaction", this::produce);
        operations.put("holdGeneration", request -> members.apply(request).holdGeneration());
        operations.put("sendOffsets", this::sendOffsets);
        operations.put("endTransaction", this::end);
        operations.put("closeProducer", this::close);
    }

    private JsonNode init(JsonNode request) {
        Properties properties = new Properties();
        properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, "org.apache.kafka.common.serialization.ByteArraySerializer");
        properties.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, "org.apache.kafka.common.serialization.ByteArraySerializer");
        properties.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, request.get("transactionalId").asText());
        properties.put(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, request.get("transactionTimeoutMs").asText());
        properties.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, request.get("codec").asText());
        properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, "30000");
        properties.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, Driver.requestTimeoutMs(10_000));
        properties.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, "30000");
        KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(properties);
        producers.put(request.get("producer").asText(), producer);
        producer.initTransactions();
        return Driver.JSON.createObjectNode();
    }

    private KafkaProducer<byte[], byte[]> producer(JsonNode request) {
        KafkaProducer<byte[], byte[]> found = producers.get(request.get("producer").asText());
        if (found == null) throw new IllegalArgumentException("no producer " + request.get("producer"));
        return found;
    }

    private JsonNode begin(JsonNode request) {
        producer(request).beginTransaction();
        return Driver.JSON.createObjectNode();
    }

    private JsonNode produce(JsonNode request) throws Exception {
        KafkaProducer<byte[], byte[]> producer = producer(request);
        List<Future<RecordMetadata>> sends = new ArrayList<>();
        for (JsonNode record : request.get("records")) sends.add(producer.send(Records.outgoing(request.get("topic").asText(), record)));
        for (Future<RecordMetadata> send : sends) send.get();
        return Driver.JSON.createObjectNode();
    }

    private JsonNode sendOffsets(JsonNode request) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        for (JsonNode each : request.get("offsets")) {
            offsets.put(Records.partition(each), new OffsetAndMetadata(each.get("offset").asLong()));
        }
        producer(request).sendOffsetsToTransaction(offsets, members.apply(request).groupMetadata());
        return Driver.JSON.createObjectNode();
    }

    private JsonNode end(JsonNode request) {
        if (request.get("commit").asBoolean()) producer(request).commitTransaction();
        else producer(request).abortTransaction();
        return Driver.JSON.createObjectNode();
    }

    private JsonNode close(JsonNode request) {
        producer(request).close(Duration.ZERO);
        producers.remove(request.get("producer").asText());
        return Driver.JSON.createObjectNode();
    }
}
