import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.utils.AppInfoParser;

/** The Java client as a driver: one JSON object per line in, one per line out. */
public final class Driver {
    static final ObjectMapper JSON = new ObjectMapper();

    /** One operation: gets the request, gives the answer. */
    interface Operation {
        JsonNode run(JsonNode request) throws Exception;
    }

    private final String bootstrap;
    private final PrintStream output;
    private final ProducerOperations producers;
    private final AdminOperations admin;
    private final Map<String, GroupMember> members = new ConcurrentHashMap<>();
    private final Map<String, Operation> operations = new ConcurrentHashMap<>();

    private Driver(String bootstrap, PrintStream output) {
        this.bootstrap = bootstrap;
        this.output = output;
        this.producers = new ProducerOperations(bootstrap);
        this.admin = new AdminOperations(bootstrap);
        operations.put("produce", producers::produce);
        operations.put("read", request -> Reader.read(bootstrap, request));
        operations.put("join", this::join);
        operations.put("news", request -> member(request).news());
        operations.put("commit", request -> member(request).commit(request));
        operations.put("leave", request -> member(request).leave());
        operations.put("tool", Tools::run);
        new TransactionOperations(bootstrap, this::member).addTo(operations);
        admin.addTo(operations);
    }

    public static void main(String[] args) throws IOException {
        PrintStream output = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        // Whatever a library or a tool prints must not end up between the answers.
        Tools.install();
        new Driver(args[0], output).serve();
    }

    private void serve() throws IOException {
        ObjectNode greeting = JSON.createObjectNode();
        greeting.put("client", "java").put("version", AppInfoParser.getVersion());
        ArrayNode codecs = greeting.putArray("codecs");
        for (String codec : new String[] {"none", "gzip", "snappy", "lz4", "zstd"}) codecs.add(codec);
        greeting.putObject("missingOperations").put("replaceConfigs", "the Java client of 4.x has no AlterConfigs");
        greeting.putObject("missingFeatures")
            .put("produce-without-creating", "the Java producer always lets the broker create the topic")
            .put("adds-partitions-by-request", "with transaction version 2 the Java client lets the first Produce add a partition");
        respond(greeting);
        ExecutorService workers = Executors.newCachedThreadPool();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            JsonNode command = JSON.readTree(line);
            workers.submit(() -> answer(command));
        }
        for (GroupMember member : members.values()) member.abandon();
        // Exit.exit is caught for the tools.
        Runtime.getRuntime().halt(0);
    }

    private void answer(JsonNode command) {
        ObjectNode response = JSON.createObjectNode().put("id", command.get("id").asInt());
        String name = command.get("operation").asText();
        try {
            Operation operation = operations.get(name);
            if (operation == null) throw new IllegalArgumentException("this driver has no operation " + name);
            response.set("answer", operation.run(command.get("request")));
        } catch (Throwable thrown) {
            Throwable cause = thrown instanceof ExecutionException && thrown.getCause() != null ? thrown.getCause() : thrown;
            ObjectNode error = response.putObject("error").put("message", cause.toString());
            error.set("code", code(cause));
        }
        respond(response);
    }

    /** Kafka's code of an exception the broker caused; null for the client's own. */
    private static JsonNode code(Throwable thrown) {
        for (Throwable each = thrown; each != null; each = each.getCause()) {
            if (!(each instanceof ApiException)) continue;
            Errors error = Errors.forException(each);
            // Exceptions without a code of their own, a timeout of the client among them, map to these two.
            if (error != Errors.UNKNOWN_SERVER_ERROR && error != Errors.REQUEST_TIMED_OUT) return JSON.getNodeFactory().numberNode(error.code());
        }
        return JSON.nullNode();
    }

    private synchronized void respond(JsonNode message) {
        output.println(message);
        output.flush();
    }

    private JsonNode join(JsonNode request) {
        members.put(request.get("member").asText(), new GroupMember(bootstrap, request));
        return JSON.createObjectNode();
    }

    private GroupMember member(JsonNode request) {
        GroupMember found = members.get(request.get("member").asText());
        if (found == null) throw new IllegalArgumentException("no member " + request.get("member"));
        return found;
    }

    /** Shorter than usual where scenarios are about brokers that do not answer. */
    static String requestTimeoutMs(int usualMs) {
        String wanted = System.getenv("ODRADEK_COMPAT_REQUEST_TIMEOUT_MS");
        return wanted == null ? Integer.toString(usualMs) : wanted;
    }

    static Properties consumerProperties(String bootstrap) {
        Properties properties = new Properties();
        properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        properties.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, "org.apache.kafka.common.serialization.ByteArrayDeserializer");
        properties.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, "org.apache.kafka.common.serialization.ByteArrayDeserializer");
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
        properties.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, "false");
        properties.put(ConsumerConfig.GROUP_PROTOCOL_CONFIG, "classic");
        properties.put(ConsumerConfig.METADATA_MAX_AGE_CONFIG, "5000");
        properties.put(ConsumerConfig.REQUEST_TIMEOUT_MS_CONFIG, requestTimeoutMs(30_000));
        return properties;
    }
}
