// Starts the image with the Kafka module of testcontainers-go, and passes one record through it.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/kafka"
	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	if err := run(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, image string) (err error) {
	container, err := kafka.Run(ctx, image, kafka.WithClusterID("4L6g3nShT-eMCtK--X86sw"))
	if container != nil {
		defer func() {
			// The module runs a shell that does not pass signals on: waiting for it is in vain.
			ended := testcontainers.TerminateContainer(container, testcontainers.StopTimeout(0))
			if err == nil {
				err = ended
			}
		}()
	}
	if err != nil {
		return err
	}
	brokers, err := container.Brokers(ctx)
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics("orders"), kgo.AllowAutoTopicCreation())
	if err != nil {
		return err
	}
	defer client.Close()
	record := &kgo.Record{Topic: "orders", Value: []byte("from go")}
	if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
		return err
	}
	fetches := client.PollFetches(ctx)
	if err := fetches.Err(); err != nil {
		return err
	}
	for _, got := range fetches.Records() {
		fmt.Printf("round trip through %s: %s\n", brokers[0], got.Value)
	}
	return nil
}
