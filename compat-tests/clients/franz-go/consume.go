package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

type receivedRecord struct {
	Topic     string   `json:"topic"`
	Partition int32    `json:"partition"`
	Offset    int64    `json:"offset"`
	Timestamp int64    `json:"timestamp"`
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []header `json:"headers"`
}

type topicPartition struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
}

func received(record *kgo.Record) receivedRecord {
	headers := make([]header, 0, len(record.Headers))
	for _, each := range record.Headers {
		headers = append(headers, header{Name: each.Key, Value: each.Value})
	}
	return receivedRecord{
		Topic: record.Topic, Partition: record.Partition, Offset: record.Offset, Timestamp: record.Timestamp.UnixMilli(),
		Key: record.Key, Value: record.Value, Headers: headers,
	}
}

type readRequest struct {
	Topic      string `json:"topic"`
	Partitions []struct {
		Partition int32 `json:"partition"`
		From      int64 `json:"from"`
		Until     int64 `json:"until"`
	} `json:"partitions"`
	Isolation string `json:"isolation"`
	TimeoutMs int    `json:"timeoutMs"`
}

// read fetches ranges of offsets without a group.
func read(ctx context.Context, bootstrap string, request readRequest) (any, error) {
	starts := map[int32]kgo.Offset{}
	positions := map[int32]int64{}
	until := map[int32]int64{}
	for _, each := range request.Partitions {
		starts[each.Partition] = kgo.NewOffset().At(each.From)
		positions[each.Partition] = each.From
		until[each.Partition] = each.Until
	}
	isolation := kgo.ReadUncommitted()
	if request.Isolation == "read_committed" {
		isolation = kgo.ReadCommitted()
	}
	client, err := kgo.NewClient(
		seeds(bootstrap),
		impatience(),
		kgo.ClientID("compat-franz-go"),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{request.Topic: starts}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(isolation),
		kgo.FetchMaxWait(200*time.Millisecond),
	)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(request.TimeoutMs)*time.Millisecond)
	defer cancel()
	records := []receivedRecord{}
	for unfinished(positions, until) {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("read %d records, not all", len(records))
		}
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(record *kgo.Record) {
			positions[record.Partition] = record.Offset + 1
			if record.Offset < until[record.Partition] {
				records = append(records, received(record))
			}
		})
	}
	return map[string]any{"records": records}, nil
}

func unfinished(positions, until map[int32]int64) bool {
	for partition, end := range until {
		if positions[partition] < end {
			return true
		}
	}
	return false
}

type joinRequest struct {
	Member           string   `json:"member"`
	Group            string   `json:"group"`
	Topics           []string `json:"topics"`
	SessionTimeoutMs int      `json:"sessionTimeoutMs"`
	Reset            string   `json:"reset"`
	Assignor         string   `json:"assignor"`
	InstanceID       *string  `json:"instanceId"`
	// The producer in whose transactions the records are processed.
	ProcessedBy   *initRequest `json:"processedBy"`
	CommittedOnly bool         `json:"committedOnly"`
}

type ownershipEvent struct {
	Kind       string           `json:"kind"`
	Partitions []topicPartition `json:"partitions"`
	AtMs       int64            `json:"atMs"`
}

// A member consumes in the background and remembers what it saw.
type member struct {
	client     *kgo.Client
	cancel     context.CancelFunc
	done       chan struct{}
	lock       sync.Mutex
	records    []receivedRecord
	events     []ownershipEvent
	assignment map[topicPartition]bool
	failure    *string
}

type groupMembers struct {
	bootstrap string
	lock      sync.Mutex
	members   map[string]*member
	sessions  *transactions
}

func (g *groupMembers) join(_ context.Context, request joinRequest) (any, error) {
	joined := &member{done: make(chan struct{}), assignment: map[topicPartition]bool{}}
	reset := kgo.NewOffset().AtStart()
	if request.Reset == "latest" {
		reset = kgo.NewOffset().AtEnd()
	}
	balancer := kgo.RangeBalancer()
	if request.Assignor == "cooperative-sticky" {
		balancer = kgo.CooperativeStickyBalancer()
	}
	timeout := time.Duration(request.SessionTimeoutMs) * time.Millisecond
	note := func(kind string) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) { joined.note(kind, partitions) }
	}
	options := []kgo.Opt{
		seeds(g.bootstrap),
		impatience(),
		kgo.ClientID("compat-franz-go"),
		kgo.ConsumerGroup(request.Group),
		kgo.ConsumeTopics(request.Topics...),
		kgo.ConsumeResetOffset(reset),
		kgo.SessionTimeout(timeout),
		kgo.RebalanceTimeout(timeout),
		kgo.HeartbeatInterval(500 * time.Millisecond),
		kgo.Balancers(balancer),
		kgo.DisableAutoCommit(),
		kgo.FetchMaxWait(200 * time.Millisecond),
		kgo.OnPartitionsAssigned(note("assigned")),
		kgo.OnPartitionsRevoked(note("revoked")),
		kgo.OnPartitionsLost(note("revoked")),
	}
	if request.InstanceID != nil {
		options = append(options, kgo.InstanceID(*request.InstanceID))
	}
	if request.CommittedOnly {
		options = append(options, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.RequireStableFetchOffsets())
	}
	client, err := g.newClient(request, options)
	if err != nil {
		return nil, err
	}
	joined.client = client
	ctx, cancel := context.WithCancel(context.Background())
	joined.cancel = cancel
	go joined.run(ctx)
	g.lock.Lock()
	defer g.lock.Unlock()
	g.members[request.Member] = joined
	return empty{}, nil
}

func (g *groupMembers) newClient(request joinRequest, options []kgo.Opt) (*kgo.Client, error) {
	if request.ProcessedBy == nil {
		return kgo.NewClient(options...)
	}
	session, err := g.sessions.session(*request.ProcessedBy, options)
	if err != nil {
		return nil, err
	}
	return session.Client(), nil
}

func (m *member) run(ctx context.Context) {
	defer close(m.done)
	for ctx.Err() == nil {
		fetches := m.client.PollFetches(ctx)
		m.lock.Lock()
		fetches.EachRecord(func(record *kgo.Record) { m.records = append(m.records, received(record)) })
		m.lock.Unlock()
	}
}

func (m *member) note(kind string, partitions map[string][]int32) {
	m.lock.Lock()
	defer m.lock.Unlock()
	event := ownershipEvent{Kind: kind, AtMs: time.Now().UnixMilli(), Partitions: []topicPartition{}}
	for topic, numbers := range partitions {
		for _, partition := range numbers {
			each := topicPartition{Topic: topic, Partition: partition}
			event.Partitions = append(event.Partitions, each)
			if kind == "assigned" {
				m.assignment[each] = true
			} else {
				delete(m.assignment, each)
			}
		}
	}
	if len(event.Partitions) > 0 {
		m.events = append(m.events, event)
	}
}

func (g *groupMembers) find(name string) (*member, error) {
	g.lock.Lock()
	defer g.lock.Unlock()
	found := g.members[name]
	if found == nil {
		return nil, fmt.Errorf("no member %s", name)
	}
	return found, nil
}

type memberRequest struct {
	Member string `json:"member"`
}

func (g *groupMembers) news(_ context.Context, request memberRequest) (any, error) {
	m, err := g.find(request.Member)
	if err != nil {
		return nil, err
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	assignment := []topicPartition{}
	for each := range m.assignment {
		assignment = append(assignment, each)
	}
	news := map[string]any{
		"records": append([]receivedRecord{}, m.records...), "events": append([]ownershipEvent{}, m.events...),
		"assignment": assignment, "failure": m.failure,
	}
	m.records, m.events = nil, nil
	return news, nil
}

type committedOffset struct {
	Topic     string  `json:"topic"`
	Partition int32   `json:"partition"`
	Offset    int64   `json:"offset"`
	Metadata  *string `json:"metadata"`
}

type commitRequest struct {
	Member  string            `json:"member"`
	Offsets []committedOffset `json:"offsets"`
}

func (g *groupMembers) commit(ctx context.Context, request commitRequest) (any, error) {
	m, err := g.find(request.Member)
	if err != nil {
		return nil, err
	}
	offsets := map[string]map[int32]kgo.EpochOffset{}
	notes := map[topicPartition]*string{}
	for _, each := range request.Offsets {
		if offsets[each.Topic] == nil {
			offsets[each.Topic] = map[int32]kgo.EpochOffset{}
		}
		offsets[each.Topic][each.Partition] = kgo.EpochOffset{Epoch: -1, Offset: each.Offset}
		notes[topicPartition{each.Topic, each.Partition}] = each.Metadata
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	ctx = kgo.PreCommitFnContext(ctx, func(commit *kmsg.OffsetCommitRequest) error {
		for t := range commit.Topics {
			for p := range commit.Topics[t].Partitions {
				partition := &commit.Topics[t].Partitions[p]
				partition.Metadata = notes[topicPartition{commit.Topics[t].Topic, partition.Partition}]
			}
		}
		return nil
	})
	var failed error
	m.client.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, answer *kmsg.OffsetCommitResponse, err error) {
		failed = err
		if answer == nil {
			return
		}
		for _, topic := range answer.Topics {
			for _, partition := range topic.Partitions {
				if failed == nil {
					failed = kerr.ErrorForCode(partition.ErrorCode)
				}
			}
		}
	})
	return empty{}, failed
}

func (g *groupMembers) leave(_ context.Context, request memberRequest) (any, error) {
	m, err := g.find(request.Member)
	if err != nil {
		return nil, err
	}
	m.leave()
	return empty{}, nil
}

func (m *member) leave() {
	m.cancel()
	<-m.done
	m.client.Close()
}

func (g *groupMembers) close() {
	for _, m := range g.members {
		m.leave()
	}
}
