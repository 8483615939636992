import java.time.Duration;
import java.util.Arrays;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.StreamJoined;

/**
 * Two pipelines whose output says of each input record how often it was processed: the counts of a word are 1, 2, 3 … in
 * this order, and each order that was paid gives one receipt.
 */
final class Shop {
    private Shop() {}

    static Topology topology() {
        StreamsBuilder builder = new StreamsBuilder();
        countWords(builder);
        writeReceipts(builder);
        return builder.build();
    }

    /** A repartition topic, a store and its changelog. */
    private static void countWords(StreamsBuilder builder) {
        KStream<String, String> lines = builder.stream("lines");
        lines.flatMapValues(line -> Arrays.asList(line.split(" ")))
            .groupBy((line, word) -> word, Grouped.as("words"))
            .count(Named.as("count"), Materialized.as("counts-store"))
            .toStream()
            .mapValues(String::valueOf)
            .to("counts", Produced.with(Serdes.String(), Serdes.String()));
    }

    /** Orders and payments meet in windows far longer than a run, then the customer's name comes from a table. */
    private static void writeReceipts(StreamsBuilder builder) {
        KStream<String, String> customerOfOrder = builder.stream("orders");
        KStream<String, String> payments = builder.stream("payments");
        KTable<String, String> names = builder.table("customers", Materialized.as("customers-store"));
        customerOfOrder
            .join(
                payments,
                (order, customer, amount) -> customer + ":" + order + ":" + amount,
                JoinWindows.ofTimeDifferenceAndGrace(Duration.ofHours(6), Duration.ofHours(6)),
                StreamJoined.<String, String, String>as("paid").withStoreName("paid-store"))
            .selectKey((order, paid) -> paid.substring(0, paid.indexOf(':')))
            .repartition(Repartitioned.as("by-customer"))
            .join(names, (paid, name) -> name + ":" + paid.substring(paid.indexOf(':') + 1), Joined.as("receipt"))
            .to("receipts");
    }
}
