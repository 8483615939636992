import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Writes what it reads, one record per line of topic, key and value, and answers each empty line with "written N" once all
 * so far are acknowledged. Idempotent, and patient enough for any broker to come back.
 */
final class Feeder {
    private Feeder() {}

    public static void main(String[] args) throws IOException {
        Properties properties = new Properties();
        properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        properties.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, 600_000);
        properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, 600_000);
        properties.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, 10_000);
        properties.put(ProducerConfig.LINGER_MS_CONFIG, 5);
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer())) {
            long count = 0;
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                if (line.isEmpty()) {
                    producer.flush();
                    System.out.println("written " + count);
                    continue;
                }
                String[] parts = line.split("\t", 3);
                producer.send(new ProducerRecord<>(parts[0], parts[1], parts[2]), (metadata, error) -> {
                    if (error == null) return;
                    System.err.println("not written: " + error);
                    System.err.flush();
                    Runtime.getRuntime().halt(1);
                });
                count++;
            }
        }
    }
}
