package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type header struct {
	Name  string `json:"name"`
	Value []byte `json:"value"`
}

type outgoingRecord struct {
	Partition *int32   `json:"partition"`
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []header `json:"headers"`
	Timestamp *int64   `json:"timestamp"`
}

type produceRequest struct {
	Topic      string           `json:"topic"`
	Records    []outgoingRecord `json:"records"`
	Acks       int              `json:"acks"`
	Codec      string           `json:"codec"`
	Idempotent bool             `json:"idempotent"`
	AutoCreate bool             `json:"autoCreate"`
	TimeoutMs  int              `json:"timeoutMs"`
}

type place struct {
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"`
}

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

func (r outgoingRecord) record(topic string) *kgo.Record {
	record := &kgo.Record{Topic: topic, Key: r.Key, Value: r.Value}
	if r.Partition != nil {
		record.Partition = *r.Partition
	}
	if r.Timestamp != nil {
		record.Timestamp = time.UnixMilli(*r.Timestamp)
	}
	for _, each := range r.Headers {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: each.Name, Value: each.Value})
	}
	return record
}

// producers holds one client per combination of settings.
type producers struct {
	bootstrap string
	clients   sync.Map
	lock      sync.Mutex
}

func (p *producers) clientFor(request produceRequest, manual bool) (*kgo.Client, error) {
	key := fmt.Sprint(request.Acks, request.Codec, request.Idempotent, request.AutoCreate, request.TimeoutMs, manual)
	p.lock.Lock()
	defer p.lock.Unlock()
	if known, found := p.clients.Load(key); found {
		return known.(*kgo.Client), nil
	}
	acks := map[int]kgo.Acks{0: kgo.NoAck(), 1: kgo.LeaderAck(), -1: kgo.AllISRAcks()}
	options := []kgo.Opt{
		seeds(p.bootstrap),
		impatience(),
		kgo.ClientID("compat-franz-go"),
		kgo.RequiredAcks(acks[request.Acks]),
		kgo.ProducerBatchCompression(codecs[request.Codec]),
		kgo.ProducerBatchMaxBytes(10_000_000),
		kgo.ProducerLinger(5 * time.Millisecond),
	}
	if manual {
		options = append(options, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	}
	if !request.Idempotent {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	if request.AutoCreate {
		options = append(options, kgo.AllowAutoTopicCreation())
	}
	client, err := kgo.NewClient(options...)
	if err == nil {
		p.clients.Store(key, client)
	}
	return client, err
}

func (p *producers) produce(ctx context.Context, request produceRequest) (any, error) {
	manual := len(request.Records) > 0 && request.Records[0].Partition != nil
	client, err := p.clientFor(request, manual)
	if err != nil {
		return nil, err
	}
	records := make([]*kgo.Record, 0, len(request.Records))
	for _, outgoing := range request.Records {
		records = append(records, outgoing.record(request.Topic))
	}
	// Not kgo.RecordDeliveryTimeout, which counts from the timestamp of the record: ours may lie in the past.
	ctx, cancel := context.WithTimeout(ctx, time.Duration(request.TimeoutMs)*time.Millisecond)
	defer cancel()
	placed := make([]place, 0, len(records))
	results := client.ProduceSync(ctx, records...)
	if err := results.FirstErr(); err != nil {
		return nil, err
	}
	// The results come in the order in which the records were finished, the records were filled in place.
	for _, record := range records {
		placed = append(placed, place{Partition: record.Partition, Offset: record.Offset})
	}
	return map[string]any{"placed": placed}, nil
}

func (p *producers) close() {
	p.clients.Range(func(_, client any) bool {
		client.(*kgo.Client).Close()
		return true
	})
}
