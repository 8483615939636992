package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
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

func received(message *sarama.ConsumerMessage) receivedRecord {
	headers := make([]header, 0, len(message.Headers))
	for _, each := range message.Headers {
		headers = append(headers, header{Name: string(each.Key), Value: each.Value})
	}
	return receivedRecord{
		Topic: message.Topic, Partition: message.Partition, Offset: message.Offset, Timestamp: message.Timestamp.UnixMilli(),
		Key: message.Key, Value: message.Value, Headers: headers,
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

func (c connector) consumerConfig(committedOnly bool) *sarama.Config {
	config := c.config()
	config.Consumer.MaxWaitTime = 200 * time.Millisecond
	config.Consumer.Return.Errors = true
	if committedOnly {
		config.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	return config
}

// read fetches ranges of offsets without a group.
func read(connect connector, request readRequest) (any, error) {
	consumer, err := sarama.NewConsumer(connect.brokers, connect.consumerConfig(request.Isolation == "read_committed"))
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	records := []receivedRecord{}
	deadline := time.After(time.Duration(request.TimeoutMs) * time.Millisecond)
	for _, each := range request.Partitions {
		if each.From >= each.Until {
			continue
		}
		partition, err := consumer.ConsumePartition(request.Topic, each.Partition, each.From)
		if err != nil {
			return nil, err
		}
		for position := each.From; position < each.Until; {
			select {
			case message := <-partition.Messages():
				position = message.Offset + 1
				if message.Offset < each.Until {
					records = append(records, received(message))
				}
			case <-deadline:
				return nil, fmt.Errorf("read %d records, not all", len(records))
			}
		}
		partition.AsyncClose()
	}
	return map[string]any{"records": records}, nil
}

type joinRequest struct {
	Member           string   `json:"member"`
	Group            string   `json:"group"`
	Topics           []string `json:"topics"`
	SessionTimeoutMs int      `json:"sessionTimeoutMs"`
	Reset            string   `json:"reset"`
	Assignor         string   `json:"assignor"`
	InstanceID       *string  `json:"instanceId"`
	CommittedOnly    bool     `json:"committedOnly"`
}

type ownershipEvent struct {
	Kind       string           `json:"kind"`
	Partitions []topicPartition `json:"partitions"`
	AtMs       int64            `json:"atMs"`
}

// A member consumes in the background and remembers what it saw.
type member struct {
	group      sarama.ConsumerGroup
	name       string
	cancel     context.CancelFunc
	done       chan struct{}
	lock       sync.Mutex
	session    sarama.ConsumerGroupSession
	held       *sarama.ConsumerGroupMetadata
	records    []receivedRecord
	events     []ownershipEvent
	assignment map[topicPartition]bool
	failure    *string
}

type groupMembers struct {
	connector
	administration *administration
	lock           sync.Mutex
	members        map[string]*member
}

func (g *groupMembers) join(request joinRequest) (any, error) {
	config := g.consumerConfig(request.CommittedOnly)
	timeout := time.Duration(request.SessionTimeoutMs) * time.Millisecond
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	if request.Reset == "latest" {
		config.Consumer.Offsets.Initial = sarama.OffsetNewest
	}
	config.Consumer.Group.Session.Timeout = timeout
	config.Consumer.Group.Rebalance.Timeout = timeout
	config.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond
	strategy := sarama.NewBalanceStrategyRange()
	if request.Assignor == "cooperative-sticky" {
		strategy = sarama.NewBalanceStrategyCooperativeSticky()
	}
	config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategy}
	if request.InstanceID != nil {
		config.Consumer.Group.InstanceId = *request.InstanceID
	}
	group, err := sarama.NewConsumerGroup(g.brokers, request.Group, config)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	joined := &member{group: group, name: request.Group, cancel: cancel, done: make(chan struct{}), assignment: map[topicPartition]bool{}}
	go joined.watch()
	go joined.run(ctx, request.Topics)
	g.lock.Lock()
	defer g.lock.Unlock()
	g.members[request.Member] = joined
	return empty{}, nil
}

func (m *member) watch() {
	for err := range m.group.Errors() {
		sarama.Logger.Println(err)
	}
}

// run joins again and again: a session of sarama ends with every rebalance.
func (m *member) run(ctx context.Context, topics []string) {
	defer close(m.done)
	for ctx.Err() == nil {
		err := m.group.Consume(ctx, topics, m)
		if errors.Is(err, sarama.ErrClosedConsumerGroup) {
			return
		}
		if errors.Is(err, sarama.ErrFencedInstancedId) {
			text := err.Error()
			m.lock.Lock()
			m.failure = &text
			m.lock.Unlock()
			return
		}
		if err != nil {
			time.Sleep(200 * time.Millisecond)
		}
	}
}

func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.session = session
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.session = nil
	return nil
}

// note tells of one claim: with a cooperative strategy a session goes on while claims come and go.
func (m *member) note(kind string, each topicPartition) {
	m.lock.Lock()
	defer m.lock.Unlock()
	if kind == "assigned" {
		m.assignment[each] = true
	} else {
		delete(m.assignment, each)
	}
	event := ownershipEvent{Kind: kind, AtMs: time.Now().UnixMilli(), Partitions: []topicPartition{each}}
	m.events = append(m.events, event)
}

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	own := topicPartition{Topic: claim.Topic(), Partition: claim.Partition()}
	m.note("assigned", own)
	defer m.note("revoked", own)
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			m.lock.Lock()
			m.records = append(m.records, received(message))
			m.lock.Unlock()
		case <-session.Context().Done():
			return nil
		}
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

func (g *groupMembers) news(request memberRequest) (any, error) {
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

// commit looks at what the broker has afterwards: a session of sarama does not tell whether its commit went well.
func (g *groupMembers) commit(request commitRequest) (any, error) {
	m, err := g.find(request.Member)
	if err != nil {
		return nil, err
	}
	m.lock.Lock()
	session := m.session
	m.lock.Unlock()
	if session == nil {
		return nil, errors.New("the group rebalances")
	}
	wanted := map[string][]int32{}
	for _, each := range request.Offsets {
		metadata := ""
		if each.Metadata != nil {
			metadata = *each.Metadata
		}
		session.MarkOffset(each.Topic, each.Partition, each.Offset, metadata)
		wanted[each.Topic] = append(wanted[each.Topic], each.Partition)
	}
	session.Commit()
	_, admin, err := g.administration.connect()
	if err != nil {
		return nil, err
	}
	committed, err := admin.ListConsumerGroupOffsets(m.name, wanted)
	if err != nil {
		return nil, err
	}
	for _, each := range request.Offsets {
		if block := committed.GetBlock(each.Topic, each.Partition); block == nil || block.Offset != each.Offset {
			return nil, fmt.Errorf("offset %d of %s-%d was not committed", each.Offset, each.Topic, each.Partition)
		}
	}
	return empty{}, nil
}

func (g *groupMembers) leave(request memberRequest) (any, error) {
	m, err := g.find(request.Member)
	if err != nil {
		return nil, err
	}
	m.leave()
	return empty{}, nil
}

func (m *member) leave() {
	m.cancel()
	m.group.Close()
	<-m.done
}

func (g *groupMembers) close() {
	for _, m := range g.members {
		m.leave()
	}
}
