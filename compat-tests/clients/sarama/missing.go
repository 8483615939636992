package main

// What sarama lacks, or does in a way of its own.
var missingOperations = map[string]string{}

var missingFeatures = map[string]string{
	"offset-of-max-timestamp": "sarama has ListOffsets up to version 6, which has no MAX_TIMESTAMP",
}
