package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
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
	Acks       int16            `json:"acks"`
	Codec      string           `json:"codec"`
	Idempotent bool             `json:"idempotent"`
	AutoCreate bool             `json:"autoCreate"`
	TimeoutMs  int              `json:"timeoutMs"`
}

type place struct {
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"`
}

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
	"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

const (
	retryBackoff = 200 * time.Millisecond
	maxBytes     = 10_000_000
)

// producers holds one per combination of settings.
type producers struct {
	connector
	lock    sync.Mutex
	clients map[string]sarama.SyncProducer
}

func (c connector) producerConfig(codec string) *sarama.Config {
	config := c.config()
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Compression = codecs[codec]
	config.Producer.MaxMessageBytes = maxBytes
	config.Producer.Return.Successes = true
	config.Producer.Flush.Frequency = 5 * time.Millisecond
	config.Producer.Retry.Backoff = retryBackoff
	config.Producer.Retry.Max = 100
	return config
}

func (p *producers) clientFor(request produceRequest, manual bool) (sarama.SyncProducer, error) {
	key := fmt.Sprint(request.Acks, request.Codec, request.Idempotent, request.AutoCreate, request.TimeoutMs, manual)
	p.lock.Lock()
	defer p.lock.Unlock()
	if known := p.clients[key]; known != nil {
		return known, nil
	}
	config := p.producerConfig(request.Codec)
	config.Metadata.AllowAutoTopicCreation = request.AutoCreate
	config.Producer.RequiredAcks = sarama.RequiredAcks(request.Acks)
	config.Producer.Retry.Max = max(1, request.TimeoutMs/int(retryBackoff.Milliseconds()))
	config.Producer.Idempotent = request.Idempotent
	// More would let a retry overtake what was sent after it.
	config.Net.MaxOpenRequests = 1
	if manual {
		config.Producer.Partitioner = sarama.NewManualPartitioner
	}
	client, err := sarama.NewSyncProducer(p.brokers, config)
	if err == nil {
		p.clients[key] = client
	}
	return client, err
}

func encoder(data []byte) sarama.Encoder {
	if data == nil {
		return nil
	}
	return sarama.ByteEncoder(data)
}

func outgoing(topic string, records []outgoingRecord) []*sarama.ProducerMessage {
	messages := make([]*sarama.ProducerMessage, 0, len(records))
	for _, each := range records {
		message := &sarama.ProducerMessage{Topic: topic, Key: encoder(each.Key), Value: encoder(each.Value)}
		if each.Partition != nil {
			message.Partition = *each.Partition
		}
		if each.Timestamp != nil {
			message.Timestamp = time.UnixMilli(*each.Timestamp)
		}
		for _, one := range each.Headers {
			message.Headers = append(message.Headers, sarama.RecordHeader{Key: []byte(one.Name), Value: one.Value})
		}
		messages = append(messages, message)
	}
	return messages
}

func (p *producers) produce(request produceRequest) (any, error) {
	manual := len(request.Records) > 0 && request.Records[0].Partition != nil
	client, err := p.clientFor(request, manual)
	if err != nil {
		return nil, err
	}
	messages := outgoing(request.Topic, request.Records)
	if err := client.SendMessages(messages); err != nil {
		return nil, err
	}
	placed := make([]place, 0, len(messages))
	for _, message := range messages {
		offset := message.Offset
		if request.Acks == 0 {
			offset = -1
		}
		placed = append(placed, place{Partition: message.Partition, Offset: offset})
	}
	return map[string]any{"placed": placed}, nil
}
