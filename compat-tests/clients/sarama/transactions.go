package main

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

type initRequest struct {
	Producer             string `json:"producer"`
	TransactionalID      string `json:"transactionalId"`
	TransactionTimeoutMs int    `json:"transactionTimeoutMs"`
	Codec                string `json:"codec"`
}

type producerRequest struct {
	Producer string `json:"producer"`
}

type transactions struct {
	connector
	groups    *groupMembers
	lock      sync.Mutex
	producers map[string]sarama.SyncProducer
}

func (t *transactions) addTo(operations map[string]operation) {
	operations["initTransactions"] = handle(t.init)
	operations["beginTransaction"] = handle(t.begin)
	operations["produceInTransaction"] = handle(t.produce)
	operations["holdGeneration"] = handle(t.holdGeneration)
	operations["sendOffsets"] = handle(t.sendOffsets)
	operations["endTransaction"] = handle(t.end)
	operations["closeProducer"] = handle(t.closeOne)
}

func (t *transactions) init(request initRequest) (any, error) {
	config := t.producerConfig(request.Codec)
	config.Producer.Idempotent = true
	// It asks again even with an epoch that is too old.
	config.Producer.Retry.Max = 40
	config.Net.MaxOpenRequests = 1
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Transaction.ID = request.TransactionalID
	config.Producer.Transaction.Timeout = time.Duration(request.TransactionTimeoutMs) * time.Millisecond
	producer, err := sarama.NewSyncProducer(t.brokers, config)
	if err != nil {
		return nil, err
	}
	t.lock.Lock()
	defer t.lock.Unlock()
	t.producers[request.Producer] = producer
	return empty{}, nil
}

func (t *transactions) find(name string) (sarama.SyncProducer, error) {
	t.lock.Lock()
	defer t.lock.Unlock()
	found := t.producers[name]
	if found == nil {
		return nil, fmt.Errorf("no producer %s", name)
	}
	return found, nil
}

func (t *transactions) begin(request producerRequest) (any, error) {
	producer, err := t.find(request.Producer)
	if err != nil {
		return nil, err
	}
	return empty{}, producer.BeginTxn()
}

type transactionalProduceRequest struct {
	Producer string           `json:"producer"`
	Topic    string           `json:"topic"`
	Records  []outgoingRecord `json:"records"`
}

func (t *transactions) produce(request transactionalProduceRequest) (any, error) {
	producer, err := t.find(request.Producer)
	if err != nil {
		return nil, err
	}
	return empty{}, producer.SendMessages(outgoing(request.Topic, request.Records))
}

func (m *member) metadata() (*sarama.ConsumerGroupMetadata, error) {
	m.lock.Lock()
	defer m.lock.Unlock()
	if m.held != nil {
		return m.held, nil
	}
	if m.session == nil {
		return nil, errors.New("the group rebalances")
	}
	return sarama.NewConsumerGroupMetadataFromSession(m.session, m.name, nil), nil
}

func (t *transactions) holdGeneration(request memberRequest) (any, error) {
	m, err := t.groups.find(request.Member)
	if err != nil {
		return nil, err
	}
	held, err := m.metadata()
	m.lock.Lock()
	defer m.lock.Unlock()
	m.held = held
	return empty{}, err
}

type sendOffsetsRequest struct {
	Producer string            `json:"producer"`
	Member   string            `json:"member"`
	Offsets  []committedOffset `json:"offsets"`
}

// sendOffsets keeps the offsets: sarama sends them when the transaction is committed.
func (t *transactions) sendOffsets(request sendOffsetsRequest) (any, error) {
	producer, err := t.find(request.Producer)
	if err != nil {
		return nil, err
	}
	m, err := t.groups.find(request.Member)
	if err != nil {
		return nil, err
	}
	metadata, err := m.metadata()
	if err != nil {
		return nil, err
	}
	offsets := map[string][]*sarama.PartitionOffsetMetadata{}
	for _, each := range request.Offsets {
		offset := &sarama.PartitionOffsetMetadata{Partition: each.Partition, Offset: each.Offset, LeaderEpoch: -1}
		offsets[each.Topic] = append(offsets[each.Topic], offset)
	}
	return empty{}, producer.AddOffsetsToTxnWithGroupMetadata(offsets, metadata)
}

type endRequest struct {
	Producer string `json:"producer"`
	Commit   bool   `json:"commit"`
}

func (t *transactions) end(request endRequest) (any, error) {
	producer, err := t.find(request.Producer)
	if err != nil {
		return nil, err
	}
	if request.Commit {
		return empty{}, producer.CommitTxn()
	}
	return empty{}, producer.AbortTxn()
}

func (t *transactions) closeOne(request producerRequest) (any, error) {
	producer, err := t.find(request.Producer)
	if err != nil {
		return nil, err
	}
	t.lock.Lock()
	delete(t.producers, request.Producer)
	t.lock.Unlock()
	return empty{}, producer.Close()
}
