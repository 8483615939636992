import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Kafka's command line tools in this process, one after the other: a JVM of its own for each would cost a second
 * every time. What a tool prints and the exit code it asks for become the answer.
 */
final class Tools {
    /** Thrown where a tool would end the process. */
    private static final class Ended extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Ended(int code) {
            super("exit code " + code, null, false, false);
        }
    }

    /** Stands in for a standard stream for as long as the process lives: some tools keep the stream they saw first. */
    private static final class Switch extends OutputStream {
        private OutputStream target;

        Switch(OutputStream target) {
            this.target = target;
        }

        @Override
        public synchronized void write(int octet) throws java.io.IOException {
            target.write(octet);
        }

        @Override
        public synchronized void write(byte[] bytes, int offset, int length) throws java.io.IOException {
            target.write(bytes, offset, length);
        }

        synchronized OutputStream replace(OutputStream replacement) {
            OutputStream before = target;
            target = replacement;
            return before;
        }
    }

    private static final Switch OUTPUT = new Switch(System.err);
    private static final Switch ERRORS = new Switch(System.err);
    private static Integer exitCode;

    private Tools() {}

    static void install() {
        System.setOut(new PrintStream(OUTPUT, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(ERRORS, true, StandardCharsets.UTF_8));
        Exit.Procedure end = (code, message) -> {
            // Only the first counts: a tool may catch what is thrown here, and end once more.
            if (exitCode == null) exitCode = code;
            throw new Ended(code);
        };
        Exit.setExitProcedure(end);
        Exit.setHaltProcedure(end);
        Exit.setShutdownHookAdder((name, runnable) -> {});
    }

    static synchronized JsonNode run(JsonNode request) throws Exception {
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        OutputStream outputBefore = OUTPUT.replace(output);
        OutputStream errorsBefore = ERRORS.replace(errors);
        System.setIn(new ByteArrayInputStream(request.get("input").asText().getBytes(StandardCharsets.UTF_8)));
        exitCode = null;
        try {
            List<String> arguments = new ArrayList<>();
            for (JsonNode argument : request.get("arguments")) arguments.add(argument.asText());
            Class.forName(request.get("tool").asText()).getMethod("main", String[].class)
                .invoke(null, (Object) arguments.toArray(new String[0]));
        } catch (InvocationTargetException thrown) {
            if (!(thrown.getCause() instanceof Ended)) {
                thrown.getCause().printStackTrace();
                if (exitCode == null) exitCode = 1;
            }
        } finally {
            System.out.flush();
            OUTPUT.replace(outputBefore);
            ERRORS.replace(errorsBefore);
        }
        ObjectNode answer = Driver.JSON.createObjectNode().put("code", exitCode == null ? 0 : exitCode);
        return answer.put("output", output.toString(StandardCharsets.UTF_8)).put("errors", errors.toString(StandardCharsets.UTF_8));
    }
}
