import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.errors.InvalidMetadataException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;

/**
 * Prints what Kafka's own classes write: one JSON document with, per line of standard input "message version fill", the
 * bytes and the values that went into them, and the tables of error codes and header versions.
 *
 * Every field that exists in the version gets a value from a generator seeded by the line, so that the output is the
 * same at each run. Fills: "full" has no nulls, "sparse" has some nulls, empty arrays and defaults, "empty" all nulls
 * and empty arrays that there can be, "unknown" is full and adds tagged fields that nobody knows.
 */
public class Golden {
    private static final JsonMapper MAPPER =
        JsonMapper.builder().enable(JsonReadFeature.ALLOW_JAVA_COMMENTS).build();
    private static final String[][] PACKAGES = {
        {"common/message", "org.apache.kafka.common.message"},
        {"common/message", "org.apache.kafka.coordinator.group.generated"},
        {"common/message", "org.apache.kafka.coordinator.transaction.generated"},
        {"common/message", "org.apache.kafka.coordinator.share.generated"},
        {"common/metadata", "org.apache.kafka.common.metadata"},
    };

    private final JsonNode definition;
    private final short version;
    private final String fill;
    private final Random random;
    private final Map<String, JsonNode> structs = new HashMap<>();

    private Golden(JsonNode definition, short version, String fill) {
        this.definition = definition;
        this.version = version;
        this.fill = fill;
        this.random = new Random((definition.get("name").asText() + version + fill).hashCode());
        for (JsonNode struct : definition.path("commonStructs")) structs.put(struct.get("name").asText(), struct.get("fields"));
        collectStructs(definition.path("fields"));
        for (JsonNode struct : definition.path("commonStructs")) collectStructs(struct.path("fields"));
    }

    private void collectStructs(JsonNode fields) {
        for (JsonNode field : fields) {
            if (!field.has("fields")) continue;
            structs.put(field.get("type").asText().replace("[]", ""), field.get("fields"));
            collectStructs(field.get("fields"));
        }
    }

    public static void main(String[] args) throws Exception {
        ObjectNode output = MAPPER.createObjectNode();
        ArrayNode entries = output.putArray("entries");
        for (String line : new String(System.in.readAllBytes(), StandardCharsets.UTF_8).strip().split("\n")) {
            String[] words = line.split(" ");
            entries.add(entry(words[0], Short.parseShort(words[1]), words[2]));
        }
        errors(output.putObject("errors"));
        headers(output.putObject("headerVersions"));
        System.out.println(MAPPER.writeValueAsString(output));
    }

    private static ObjectNode entry(String name, short version, String fill) throws Exception {
        for (String[] place : PACKAGES) {
            String file = name.equals("ZkMigrationStateRecord") ? "ZkMigrationRecord" : name;
            InputStream text = Golden.class.getClassLoader().getResourceAsStream(place[0] + "/" + file + ".json");
            if (text == null) continue;
            JsonNode definition = MAPPER.readTree(text);
            String type = definition.get("type").asText();
            boolean suffixed = type.equals("request") || type.equals("response") || type.equals("header");
            String className = place[1] + "." + name + (suffixed ? "Data" : "");
            Class<?> messageClass;
            try {
                messageClass = Class.forName(className);
            } catch (ClassNotFoundException e) {
                continue;
            }
            Golden golden = new Golden(definition, version, fill);
            Message message = (Message) golden.filled(messageClass, definition.path("fields"));
            if (fill.equals("unknown")) golden.addUnknown(message);
            Method toJson = Class.forName(className + "JsonConverter").getMethod("write", messageClass, short.class);
            ObjectNode entry = MAPPER.createObjectNode();
            entry.put("message", name);
            entry.put("version", version);
            entry.put("fill", fill);
            ByteBuffer bytes = MessageUtil.toByteBufferAccessor(message, version).buffer();
            byte[] copy = new byte[bytes.remaining()];
            bytes.get(copy);
            entry.put("hex", HexFormat.of().formatHex(copy));
            entry.set("value", (JsonNode) toJson.invoke(null, message, version));
            return entry;
        }
        throw new IllegalArgumentException("no message " + name);
    }

    private void addUnknown(Message message) {
        message.unknownTaggedFields().add(new RawTaggedField(1000, new byte[] {1, 2, 3}));
        message.unknownTaggedFields().add(new RawTaggedField(70000, new byte[0]));
    }

    private Object filled(Class<?> target, JsonNode fields) throws Exception {
        Object object = target.getConstructor().newInstance();
        for (JsonNode field : fields) {
            String versions = field.has("versions") ? field.get("versions").asText() : field.get("taggedVersions").asText();
            if (!within(versions)) continue;
            boolean nullable = field.has("nullableVersions") && within(field.get("nullableVersions").asText());
            if (fill.equals("sparse") && (field.has("default") || field.has("taggedVersions")) && random.nextInt(3) == 0) continue;
            Method setter = setterOf(target, field.get("name").asText());
            boolean isNull = nullable && (fill.equals("empty") || fill.equals("sparse") && random.nextInt(2) == 0);
            Object value = isNull
                ? null
                : value(field.get("type").asText(), setter.getParameterTypes()[0], setter.getGenericParameterTypes()[0]);
            setter.invoke(object, value);
        }
        return object;
    }

    private boolean within(String versions) {
        if (versions.equals("none")) return false;
        if (versions.endsWith("+")) return version >= Short.parseShort(versions.substring(0, versions.length() - 1));
        String[] ends = versions.split("-");
        return version >= Short.parseShort(ends[0]) && version <= Short.parseShort(ends[ends.length - 1]);
    }

    private static Method setterOf(Class<?> target, String field) {
        String wanted = "set" + Character.toUpperCase(field.charAt(0)) + field.substring(1);
        for (Method method : target.getMethods()) if (method.getName().equals(wanted)) return method;
        throw new IllegalStateException(target + " has no " + wanted);
    }

    private Object value(String type, Class<?> raw, Type generic) throws Exception {
        if (type.startsWith("[]")) return array(type.substring(2), raw, generic);
        return switch (type) {
            case "bool" -> fill.equals("sparse") ? random.nextBoolean() : Boolean.TRUE;
            case "int8" -> (byte) integer(8);
            case "int16" -> (short) integer(16);
            case "uint16" -> (int) (integer(16) & 0xffff);
            case "int32" -> (int) integer(32);
            case "uint32" -> integer(32) & 0xffffffffL;
            case "int64" -> integer(64);
            case "float64" -> random.nextInt(1000) / 8.0;
            case "string" -> text();
            case "uuid" -> new Uuid(random.nextLong(), random.nextLong());
            case "bytes" -> raw == ByteBuffer.class ? (Object) ByteBuffer.wrap(bytes()) : bytes();
            case "records" -> records();
            default -> filled(raw, structs.get(type));
        };
    }

    private Object array(String element, Class<?> raw, Type generic) throws Exception {
        int length = switch (fill) {
            case "empty" -> 0;
            case "sparse" -> random.nextInt(2);
            default -> 1 + random.nextInt(3) / 2;
        };
        boolean list = raw == List.class;
        Type elementType = list
            ? ((ParameterizedType) generic).getActualTypeArguments()[0]
            : ((ParameterizedType) raw.getGenericSuperclass()).getActualTypeArguments()[0];
        @SuppressWarnings("unchecked")
        Collection<Object> values = list ? new ArrayList<>() : (Collection<Object>) raw.getConstructor().newInstance();
        for (int i = 0; i < length; i++) values.add(value(element, (Class<?>) elementType, elementType));
        return values;
    }

    /** Any width up to 53 bits, positive and negative, and the ends of the range. */
    private long integer(int bits) {
        if (random.nextInt(8) == 0) return random.nextBoolean() ? -1L >>> (65 - bits) : -1L << (bits - 1);
        long value = random.nextLong() >>> (64 - (1 + random.nextInt(Math.min(bits, 54) - 1)));
        return random.nextInt(3) == 0 ? -value : value;
    }

    private String text() {
        int kind = random.nextInt(20);
        if (kind == 0) return "";
        if (kind == 1) return "größe-€-\ud83d\ude00";
        if (kind == 2) return "long-".repeat(26);
        return "t" + random.nextInt(1000);
    }

    private byte[] bytes() {
        byte[] bytes = new byte[random.nextInt(12)];
        random.nextBytes(bytes);
        return bytes;
    }

    private MemoryRecords records() {
        if (!fill.equals("full") && !fill.equals("unknown")) return MemoryRecords.EMPTY;
        return MemoryRecords.withRecords(
            Compression.NONE,
            new SimpleRecord(1700000000000L + random.nextInt(1000), "key".getBytes(StandardCharsets.UTF_8), bytes()),
            new SimpleRecord(1700000000000L, null, bytes()));
    }

    private static void errors(ObjectNode output) {
        for (Errors error : Errors.values()) {
            String flags = error.exception() instanceof RetriableException ? "R" : "";
            if (error.exception() instanceof InvalidMetadataException) flags += "M";
            output.put(error.name(), error.code() + flags);
        }
    }

    /** Per API key: "request header version/response header version" for each version from the lowest on. */
    private static void headers(ObjectNode output) {
        for (ApiKeys key : ApiKeys.values()) {
            if (!key.hasValidVersion()) continue;
            StringBuilder versions = new StringBuilder();
            for (short v = key.oldestVersion(); v <= key.latestVersion(true); v++) {
                if (versions.length() > 0) versions.append(' ');
                versions.append(key.requestHeaderVersion(v)).append('/').append(key.responseHeaderVersion(v));
            }
            output.put(String.valueOf(key.id), versions.toString());
        }
    }
}
