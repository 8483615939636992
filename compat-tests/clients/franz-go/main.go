// The franz-go client as a driver: one JSON object per line in, one per line out.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
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
type operation func(ctx context.Context, request json.RawMessage) (any, error)

// handle makes an operation of a function with a typed request.
func handle[Request any](run func(context.Context, Request) (any, error)) operation {
	return func(ctx context.Context, raw json.RawMessage) (any, error) {
		var request Request
		if err := json.Unmarshal(raw, &request); err != nil {
			return nil, err
		}
		return run(ctx, request)
	}
}

type driver struct {
	bootstrap string
	lock      sync.Mutex
	output    *bufio.Writer
}

func (d *driver) respond(message any) {
	line, err := json.Marshal(message)
	if err != nil {
		panic(err)
	}
	d.lock.Lock()
	defer d.lock.Unlock()
	d.output.Write(line)
	d.output.WriteByte('\n')
	d.output.Flush()
}

// codeOf gives Kafka's code of an error the broker caused.
func codeOf(err error) *int16 {
	var kafkaError *kerr.Error
	if errors.As(err, &kafkaError) {
		return &kafkaError.Code
	}
	return nil
}

func libraryVersion() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/twmb/franz-go" {
			return module.Version
		}
	}
	return "unknown"
}

func seeds(bootstrap string) kgo.Opt {
	return kgo.SeedBrokers(strings.Split(bootstrap, ",")...)
}

// impatience is the time beyond a request's own that the client waits for an answer: shorter than usual where scenarios
// are about brokers that do not answer.
func impatience() kgo.Opt {
	timeoutMs, err := strconv.Atoi(os.Getenv("ODRADEK_COMPAT_REQUEST_TIMEOUT_MS"))
	if err != nil {
		timeoutMs = 10_000
	}
	return kgo.RequestTimeoutOverhead(time.Duration(timeoutMs) * time.Millisecond)
}

func main() {
	d := &driver{bootstrap: os.Args[1], output: bufio.NewWriter(os.Stdout)}
	producing := &producers{bootstrap: d.bootstrap}
	administration := newAdministration(d.bootstrap)
	transacting := &transactions{bootstrap: d.bootstrap, producers: map[string]*transactional{}}
	groups := &groupMembers{bootstrap: d.bootstrap, members: map[string]*member{}, sessions: transacting}
	operations := map[string]operation{
		"produce": handle(producing.produce),
		"read":    handle(func(ctx context.Context, request readRequest) (any, error) { return read(ctx, d.bootstrap, request) }),
		"join":    handle(groups.join),
		"news":    handle(groups.news),
		"commit":  handle(groups.commit),
		"leave":   handle(groups.leave),
	}
	transacting.addTo(operations)
	administration.addTo(operations)
	d.respond(map[string]any{
		"client":            "franz-go",
		"version":           libraryVersion(),
		"codecs":            []string{"none", "gzip", "snappy", "lz4", "zstd"},
		"missingOperations": empty{},
		"missingFeatures": map[string]string{
			"adds-partitions-by-request": "with transaction version 2 franz-go lets the first Produce add a partition",
			"survives-recreated-topics":  "a producer of franz-go stays with the id of the deleted topic, and gives up",
		},
	})
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := input.ReadBytes('\n')
		if err != nil {
			break
		}
		go d.run(operations, line)
	}
	groups.close()
	producing.close()
}

func (d *driver) run(operations map[string]operation, line []byte) {
	var parsed command
	if err := json.Unmarshal(line, &parsed); err != nil {
		panic(err)
	}
	run, known := operations[parsed.Operation]
	if !known {
		message := fmt.Sprintf("this driver has no operation %s", parsed.Operation)
		d.respond(response{ID: parsed.ID, Error: &failure{Message: message}})
		return
	}
	answer, err := run(context.Background(), parsed.Request)
	if err != nil {
		d.respond(response{ID: parsed.ID, Error: &failure{Message: err.Error(), Code: codeOf(err)}})
		return
	}
	d.respond(response{ID: parsed.ID, Answer: answer})
}
