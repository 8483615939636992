package main

// What sarama lacks, or does in a way of its own.
var missingOperations = map[string]string{}

var missingFeatures = map[string]string{
	"recovers-lost-sequences": "sarama fails what it was about to send, and goes on with a new epoch for what comes after",
	"offset-of-max-timestamp": "sarama has ListOffsets up to version 6, which has no MAX_TIMESTAMP",
}
