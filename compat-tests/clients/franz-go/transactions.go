package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
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

// A transactional producer; with a session where it commits the offsets of a member of a group.
type transactional struct {
	client  *kgo.Client
	session *kgo.GroupTransactSession
}

type transactions struct {
	bootstrap string
	lock      sync.Mutex
	producers map[string]*transactional
}

func (t *transactions) addTo(operations map[string]operation) {
	operations["initTransactions"] = handle(t.init)
	operations["beginTransaction"] = handle(t.begin)
	operations["produceInTransaction"] = handle(t.produce)
	operations["sendOffsets"] = handle(t.sendOffsets)
	operations["endTransaction"] = handle(t.end)
	operations["closeProducer"] = handle(t.closeOne)
	operations["holdGeneration"] = handle(t.holdGeneration)
}

func (t *transactions) options(request initRequest) []kgo.Opt {
	return []kgo.Opt{
		seeds(t.bootstrap),
		impatience(),
		kgo.ClientID("compat-franz-go"),
		kgo.TransactionalID(request.TransactionalID),
		kgo.TransactionTimeout(time.Duration(request.TransactionTimeoutMs) * time.Millisecond),
		kgo.ProducerBatchCompression(codecs[request.Codec]),
		kgo.ProducerBatchMaxBytes(10_000_000),
		kgo.ProducerLinger(5 * time.Millisecond),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}
}

// session is the client's way to consume and produce in one transaction: a member and a producer in one.
func (t *transactions) session(request initRequest, group []kgo.Opt) (*kgo.GroupTransactSession, error) {
	session, err := kgo.NewGroupTransactSession(append(group, t.options(request)...)...)
	if err != nil {
		return nil, err
	}
	t.lock.Lock()
	defer t.lock.Unlock()
	t.producers[request.Producer] = &transactional{client: session.Client(), session: session}
	return session, nil
}

func (t *transactions) find(name string) (*transactional, error) {
	t.lock.Lock()
	defer t.lock.Unlock()
	found := t.producers[name]
	if found == nil {
		return nil, fmt.Errorf("no producer %s", name)
	}
	return found, nil
}

func (t *transactions) init(ctx context.Context, request initRequest) (any, error) {
	producer, err := t.find(request.Producer)
	if err != nil {
		client, failed := kgo.NewClient(t.options(request)...)
		if failed != nil {
			return nil, failed
		}
		producer = &transactional{client: client}
		t.lock.Lock()
		t.producers[request.Producer] = producer
		t.lock.Unlock()
	}
	// Otherwise the first record asks for the id.
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, _, err = producer.client.ProducerID(ctx)
	return empty{}, err
}

func (t *transactions) begin(_ context.Context, request producerRequest) (any, error) {
	producer, err := t.find(request.Producer)
	if err != nil {
		return nil, err
	}
	if producer.session != nil {
		return empty{}, producer.session.Begin()
	}
	return empty{}, producer.client.BeginTransaction()
}

type transactionalProduceRequest struct {
	Producer string           `json:"producer"`
	Topic    string           `json:"topic"`
	Records  []outgoingRecord `json:"records"`
}

func (t *transactions) produce(ctx context.Context, request transactionalProduceRequest) (any, error) {
	producer, err := t.find(request.Producer)
	if err != nil {
		return nil, err
	}
	records := make([]*kgo.Record, 0, len(request.Records))
	for _, outgoing := range request.Records {
		records = append(records, outgoing.record(request.Topic))
	}
	return empty{}, producer.client.ProduceSync(ctx, records...).FirstErr()
}

type sendOffsetsRequest struct {
	Producer string            `json:"producer"`
	Offsets  []committedOffset `json:"offsets"`
}

// sendOffsets sends nothing: the end of a session commits what has been polled. So that must be what is wanted.
func (t *transactions) sendOffsets(_ context.Context, request sendOffsetsRequest) (any, error) {
	producer, err := t.find(request.Producer)
	if err != nil {
		return nil, err
	}
	if producer.session == nil {
		return nil, errors.New("a producer of franz-go commits offsets as a part of a group session only")
	}
	polled := producer.client.UncommittedOffsets()
	for _, each := range request.Offsets {
		if at := polled[each.Topic][each.Partition].Offset; at != each.Offset {
			return nil, fmt.Errorf("the session would commit offset %d, not %d", at, each.Offset)
		}
	}
	return empty{}, nil
}

// holdGeneration has nothing to do: a session remembers the rebalance, and never sends offsets that it has lost.
func (t *transactions) holdGeneration(context.Context, memberRequest) (any, error) {
	return empty{}, nil
}

type endRequest struct {
	Producer string `json:"producer"`
	Commit   bool   `json:"commit"`
}

func (t *transactions) end(ctx context.Context, request endRequest) (any, error) {
	producer, err := t.find(request.Producer)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	how := kgo.TryAbort
	if request.Commit {
		how = kgo.TryCommit
	}
	if producer.session != nil {
		committed, err := producer.session.End(ctx, how)
		if err == nil && request.Commit && !committed {
			err = errors.New("the session has aborted, since its group has rebalanced")
		}
		return empty{}, err
	}
	if request.Commit {
		err = producer.client.Flush(ctx)
	} else {
		err = producer.client.AbortBufferedRecords(ctx)
	}
	if err != nil {
		return nil, err
	}
	return empty{}, producer.client.EndTransaction(ctx, how)
}

func (t *transactions) closeOne(_ context.Context, request producerRequest) (any, error) {
	producer, err := t.find(request.Producer)
	if err != nil {
		return nil, err
	}
	t.lock.Lock()
	delete(t.producers, request.Producer)
	t.lock.Unlock()
	// One that belongs to a member ends with it.
	if producer.session == nil {
		producer.client.Close()
	}
	return empty{}, nil
}
