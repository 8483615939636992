// The sarama client as a driver: one JSON object per line in, one per line out.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

type command struct {
	ID        int             `json:"id"`
	Operation string          `json:"operation"`
	Request   json.RawMessage `json:"request"`
}

type failure struct {
	Message string `json:"message"`
	Code    *int16 `json:"code"`
}

type response struct {
	ID     int      `json:"id"`
	Answer any      `json:"answer,omitempty"`
	Error  *failure `json:"error,omitempty"`
}

type empty struct{}

// An operation gets the request as JSON and gives the answer.
type operation func(request json.RawMessage) (any, error)

// handle makes an operation of a function with a typed request.
func handle[Request any](run func(Request) (any, error)) operation {
	return func(raw json.RawMessage) (any, error) {
		var request Request
		if err := json.Unmarshal(raw, &request); err != nil {
			return nil, err
		}
		return run(request)
	}
}

// A connector makes clients that know the same brokers.
type connector struct {
	brokers []string
}

func (c connector) config() *sarama.Config {
	config := sarama.NewConfig()
	config.ClientID = "compat-sarama"
	config.Version = sarama.MaxVersion
	config.Metadata.AllowAutoTopicCreation = false
	config.Metadata.RefreshFrequency = 5 * time.Second
	config.Metadata.Retry.Max = 20
	if timeoutMs, err := strconv.Atoi(os.Getenv("ODRADEK_COMPAT_REQUEST_TIMEOUT_MS")); err == nil {
		config.Net.ReadTimeout = time.Duration(timeoutMs) * time.Millisecond
		config.Net.DialTimeout = config.Net.ReadTimeout
	}
	return config
}

type output struct {
	lock   sync.Mutex
	writer *bufio.Writer
}

func (o *output) respond(message any) {
	line, err := json.Marshal(message)
	if err != nil {
		panic(err)
	}
	o.lock.Lock()
	defer o.lock.Unlock()
	o.writer.Write(line)
	o.writer.WriteByte('\n')
	o.writer.Flush()
}

// codeOf gives Kafka's code of an error the broker caused.
func codeOf(err error) *int16 {
	var several sarama.ProducerErrors
	if errors.As(err, &several) && len(several) > 0 {
		return codeOf(several[0].Err)
	}
	var kafkaError sarama.KError
	if errors.As(err, &kafkaError) {
		code := int16(kafkaError)
		return &code
	}
	return nil
}

func libraryVersion() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/IBM/sarama" {
			return module.Version
		}
	}
	return "unknown"
}

func main() {
	out := &output{writer: bufio.NewWriter(os.Stdout)}
	connect := connector{brokers: strings.Split(os.Args[1], ",")}
	producing := &producers{connector: connect, clients: map[string]sarama.SyncProducer{}}
	administration := &administration{connector: connect}
	groups := &groupMembers{connector: connect, administration: administration, members: map[string]*member{}}
	transacting := &transactions{connector: connect, groups: groups, producers: map[string]sarama.SyncProducer{}}
	operations := map[string]operation{
		"produce": handle(producing.produce),
		"read":    handle(func(request readRequest) (any, error) { return read(connect, request) }),
		"join":    handle(groups.join),
		"news":    handle(groups.news),
		"commit":  handle(groups.commit),
		"leave":   handle(groups.leave),
	}
	transacting.addTo(operations)
	administration.addTo(operations)
	out.respond(map[string]any{
		"client":            "sarama",
		"version":           libraryVersion(),
		"codecs":            []string{"none", "gzip", "snappy", "lz4", "zstd"},
		"missingOperations": missingOperations,
		"missingFeatures":   missingFeatures,
	})
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := input.ReadBytes('\n')
		if err != nil {
			break
		}
		go run(out, operations, line)
	}
	groups.close()
}

func run(out *output, operations map[string]operation, line []byte) {
	var parsed command
	if err := json.Unmarshal(line, &parsed); err != nil {
		panic(err)
	}
	found, known := operations[parsed.Operation]
	if !known {
		message := fmt.Sprintf("this driver has no operation %s", parsed.Operation)
		out.respond(response{ID: parsed.ID, Error: &failure{Message: message}})
		return
	}
	answer, err := found(parsed.Request)
	if err != nil {
		out.respond(response{ID: parsed.ID, Error: &failure{Message: err.Error(), Code: codeOf(err)}})
		return
	}
	out.respond(response{ID: parsed.ID, Answer: answer})
}
