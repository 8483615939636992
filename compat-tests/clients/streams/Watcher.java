import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Prints the records of topics as its last argument isolates them: topic, partition, offset, key, value. "follow" goes on
 * for ever; "once" ends where a reader of that isolation does, after telling where that and the end of the log are.
 */
final class Watcher {
    private Watcher() {}

    public static void main(String[] args) {
        boolean follows = args[1].equals("follow");
        List<String> topics = List.of(args[2].split(","));
        try (KafkaConsumer<String, String> consumer = consumer(args[0], args[3])) {
            List<TopicPartition> partitions = new ArrayList<>();
            for (String topic : topics) {
                for (PartitionInfo each : consumer.partitionsFor(topic)) partitions.add(new TopicPartition(topic, each.partition()));
            }
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = follows ? Map.of() : consumer.endOffsets(partitions);
            while (follows || ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                print(consumer.poll(Duration.ofMillis(200)));
            }
            if (!follows) printEnds(args[0], ends);
        }
        System.out.flush();
    }

    private static void print(ConsumerRecords<String, String> records) {
        StringBuilder lines = new StringBuilder();
        for (ConsumerRecord<String, String> each : records) {
            lines.append(each.topic()).append('\t').append(each.partition()).append('\t').append(each.offset());
            lines.append('\t').append(each.key()).append('\t').append(each.value()).append('\n');
        }
        System.out.print(lines);
        System.out.flush();
    }

    private static void printEnds(String bootstrap, Map<TopicPartition, Long> stable) {
        try (KafkaConsumer<String, String> consumer = consumer(bootstrap, "read_uncommitted")) {
            consumer.endOffsets(stable.keySet()).forEach((partition, end) -> {
                System.out.println("end\t" + partition + "\t" + stable.get(partition) + "\t" + end);
            });
        }
    }

    private static KafkaConsumer<String, String> consumer(String bootstrap, String isolation) {
        Properties properties = new Properties();
        properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, isolation);
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        return new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer());
    }
}
