import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.testcontainers.kafka.ConfluentKafkaContainer;
import org.testcontainers.kafka.KafkaContainer;
import org.testcontainers.utility.DockerImageName;

/** Starts the image with the Kafka modules of Testcontainers for Java, and passes one record through it. */
@SuppressWarnings("deprecation")
final class Containers {
    public static void main(String[] args) throws Exception {
        DockerImageName image = DockerImageName.parse(args[1]);
        switch (args[0]) {
            case "apache" -> {
                try (var kafka = new KafkaContainer(image.asCompatibleSubstituteFor("apache/kafka"))) {
                    kafka.start();
                    roundTrip(kafka.getBootstrapServers());
                }
            }
            case "confluent" -> {
                try (var kafka = new ConfluentKafkaContainer(image.asCompatibleSubstituteFor("confluentinc/cp-kafka"))) {
                    kafka.start();
                    roundTrip(kafka.getBootstrapServers());
                }
            }
            case "legacy" -> {
                try (var kafka = legacy(image)) {
                    kafka.start();
                    roundTrip(kafka.getBootstrapServers());
                }
            }
            case "legacy-kraft" -> {
                try (var kafka = legacy(image).withKraft()) {
                    kafka.start();
                    roundTrip(kafka.getBootstrapServers());
                }
            }
            default -> throw new IllegalArgumentException(args[0]);
        }
        System.exit(0);
    }

    /** The class that was there first, and that many tests still use. */
    private static org.testcontainers.containers.KafkaContainer legacy(DockerImageName image) {
        return new org.testcontainers.containers.KafkaContainer(image.asCompatibleSubstituteFor("confluentinc/cp-kafka"));
    }

    private static void roundTrip(String servers) throws Exception {
        try (var admin = Admin.create(Map.of("bootstrap.servers", (Object) servers))) {
            admin.createTopics(List.of(new NewTopic("orders", 1, (short) 1))).all().get();
        }
        var settings = new Properties();
        settings.put("bootstrap.servers", servers);
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>("orders", "from java")).get();
        }
        settings.put("group.id", "readers");
        settings.put("auto.offset.reset", "earliest");
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of("orders"));
            long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
            while (System.nanoTime() < deadline) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(500))) {
                    System.out.println("round trip through " + servers + ": " + record.value());
                    return;
                }
            }
        }
        throw new IllegalStateException("nothing was read within 20 s");
    }

    private Containers() {}
}
