package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

type administration struct {
	client *kgo.Client
	admin  *kadm.Client
}

func newAdministration(bootstrap string) *administration {
	client, err := kgo.NewClient(
		seeds(bootstrap),
		impatience(),
		kgo.ClientID("compat-franz-go"),
		kgo.RetryTimeout(10*time.Second),
	)
	if err != nil {
		panic(err)
	}
	return &administration{client: client, admin: kadm.NewClient(client)}
}

type topicRequest struct {
	Topic string `json:"topic"`
}

type nameRequest struct {
	Name string `json:"name"`
}

type groupRequest struct {
	Group string `json:"group"`
}

func (a *administration) addTo(operations map[string]operation) {
	operations["createTopic"] = handle(a.createTopic)
	operations["deleteTopic"] = handle(a.deleteTopic)
	operations["createPartitions"] = handle(a.createPartitions)
	operations["describeTopic"] = handle(a.describeTopic)
	operations["listTopics"] = handle(a.listTopics)
	operations["describeConfigs"] = handle(a.describeConfigs)
	operations["alterConfigs"] = handle(a.alterConfigs)
	operations["replaceConfigs"] = handle(a.replaceConfigs)
	operations["listOffsets"] = handle(a.listOffsets)
	operations["deleteRecords"] = handle(a.deleteRecords)
	operations["listGroups"] = handle(a.listGroups)
	operations["describeGroup"] = handle(a.describeGroup)
	operations["fetchOffsets"] = handle(a.fetchOffsets)
	operations["alterOffsets"] = handle(a.alterOffsets)
	operations["deleteGroup"] = handle(a.deleteGroup)
	operations["deleteGroupOffsets"] = handle(a.deleteGroupOffsets)
	operations["describeCluster"] = handle(a.describeCluster)
}

type newTopic struct {
	Name              string            `json:"name"`
	Partitions        int32             `json:"partitions"`
	ReplicationFactor int16             `json:"replicationFactor"`
	Configs           map[string]string `json:"configs"`
	ValidateOnly      bool              `json:"validateOnly"`
}

func pointers(configs map[string]string) map[string]*string {
	all := map[string]*string{}
	for name, value := range configs {
		all[name] = &value
	}
	return all
}

func (a *administration) createTopic(ctx context.Context, request newTopic) (any, error) {
	create := a.admin.CreateTopics
	if request.ValidateOnly {
		create = a.admin.ValidateCreateTopics
	}
	answer, err := create(ctx, request.Partitions, request.ReplicationFactor, pointers(request.Configs), request.Name)
	if err != nil {
		return nil, err
	}
	return empty{}, answer.Error()
}

func (a *administration) deleteTopic(ctx context.Context, request nameRequest) (any, error) {
	answer, err := a.admin.DeleteTopics(ctx, request.Name)
	if err != nil {
		return nil, err
	}
	return empty{}, answer.Error()
}

type createPartitionsRequest struct {
	Topic string `json:"topic"`
	Count int    `json:"count"`
}

func (a *administration) createPartitions(ctx context.Context, request createPartitionsRequest) (any, error) {
	answer, err := a.admin.UpdatePartitions(ctx, request.Count, request.Topic)
	if err != nil {
		return nil, err
	}
	return empty{}, answer.Error()
}

// describeTopic asks by itself: kadm may answer from what the client already knows.
func (a *administration) describeTopic(ctx context.Context, request topicRequest) (any, error) {
	ask := kmsg.NewPtrMetadataRequest()
	wanted := kmsg.NewMetadataRequestTopic()
	wanted.Topic = &request.Topic
	ask.Topics = append(ask.Topics, wanted)
	answer, err := ask.RequestWith(ctx, a.client)
	if err != nil {
		return nil, err
	}
	if len(answer.Topics) != 1 {
		return nil, fmt.Errorf("%d topics in the answer", len(answer.Topics))
	}
	topic := answer.Topics[0]
	if err := kerr.ErrorForCode(topic.ErrorCode); err != nil {
		return nil, err
	}
	partitions := make([]map[string]any, len(topic.Partitions))
	for _, each := range topic.Partitions {
		partitions[each.Partition] = map[string]any{
			"partition": each.Partition, "leader": each.Leader, "replicas": each.Replicas, "isr": each.ISR,
		}
	}
	return map[string]any{"name": request.Topic, "topicId": kadm.TopicID(topic.TopicID).String(), "partitions": partitions}, nil
}

func (a *administration) listTopics(ctx context.Context, _ empty) (any, error) {
	ask := kmsg.NewPtrMetadataRequest()
	// No list, as opposed to an empty one, is all topics.
	ask.Topics = nil
	answer, err := ask.RequestWith(ctx, a.client)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, each := range answer.Topics {
		names = append(names, *each.Topic)
	}
	return map[string]any{"names": names}, nil
}

type configsRequest struct {
	Type       string `json:"type"`
	Name       string `json:"name"`
	Operations []struct {
		Name  string  `json:"name"`
		Op    string  `json:"op"`
		Value *string `json:"value"`
	} `json:"operations"`
}

// describeConfigs asks by itself: kadm leaves out which entries are read-only.
func (a *administration) describeConfigs(ctx context.Context, request configsRequest) (any, error) {
	ask := kmsg.NewPtrDescribeConfigsRequest()
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, request.Name
	if request.Type == "broker" {
		resource.ResourceType = kmsg.ConfigResourceTypeBroker
	}
	ask.Resources = append(ask.Resources, resource)
	answer, err := ask.RequestWith(ctx, a.client)
	if err != nil {
		return nil, err
	}
	if len(answer.Resources) != 1 {
		return nil, fmt.Errorf("%d resources in the answer", len(answer.Resources))
	}
	found := answer.Resources[0]
	if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
		return nil, err
	}
	entries := []map[string]any{}
	for _, each := range found.Configs {
		entries = append(entries, map[string]any{
			"name": each.Name, "value": each.Value, "readOnly": each.ReadOnly, "sensitive": each.IsSensitive, "source": int8(each.Source),
		})
	}
	return map[string]any{"entries": entries}, nil
}

func (a *administration) alterConfigs(ctx context.Context, request configsRequest) (any, error) {
	kinds := map[string]kadm.IncrementalOp{
		"set": kadm.SetConfig, "delete": kadm.DeleteConfig, "append": kadm.AppendConfig, "subtract": kadm.SubtractConfig,
	}
	var changes []kadm.AlterConfig
	for _, each := range request.Operations {
		changes = append(changes, kadm.AlterConfig{Op: kinds[each.Op], Name: each.Name, Value: each.Value})
	}
	var answers kadm.AlterConfigsResponses
	var err error
	if request.Type == "topic" {
		answers, err = a.admin.AlterTopicConfigs(ctx, changes, request.Name)
	} else {
		var id int
		if id, err = strconv.Atoi(request.Name); err == nil {
			answers, err = a.admin.AlterBrokerConfigs(ctx, changes, int32(id))
		}
	}
	return firstAlterError(answers, err)
}

func firstAlterError(answers kadm.AlterConfigsResponses, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	for _, each := range answers {
		if each.Err != nil {
			return nil, each.Err
		}
	}
	return empty{}, nil
}

type replaceConfigsRequest struct {
	Topic   string            `json:"topic"`
	Configs map[string]string `json:"configs"`
}

func (a *administration) replaceConfigs(ctx context.Context, request replaceConfigsRequest) (any, error) {
	var state []kadm.AlterConfig
	for name, value := range pointers(request.Configs) {
		state = append(state, kadm.AlterConfig{Name: name, Value: value})
	}
	return firstAlterError(a.admin.AlterTopicConfigsState(ctx, state, request.Topic))
}

type listOffsetsRequest struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Spec      any    `json:"spec"`
}

// listOffsets asks by itself: kadm turns "no such offset" into the end offset.
func (a *administration) listOffsets(ctx context.Context, request listOffsetsRequest) (any, error) {
	ask := kmsg.NewPtrListOffsetsRequest()
	ask.ReplicaID = -1
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Topic = request.Topic
	partition := kmsg.NewListOffsetsRequestTopicPartition()
	partition.Partition = request.Partition
	switch spec := request.Spec.(type) {
	case float64:
		partition.Timestamp = int64(spec)
	case string:
		partition.Timestamp = map[string]int64{"latest": -1, "earliest": -2, "max-timestamp": -3}[spec]
	}
	topic.Partitions = append(topic.Partitions, partition)
	ask.Topics = append(ask.Topics, topic)
	answer, err := ask.RequestWith(ctx, a.client)
	if err != nil {
		return nil, err
	}
	if len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != 1 {
		return nil, errors.New("the answer is not about one partition")
	}
	found := answer.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
		return nil, err
	}
	return map[string]any{"offset": found.Offset, "timestamp": found.Timestamp}, nil
}

func (a *administration) deleteRecords(ctx context.Context, request committedOffset) (any, error) {
	offsets := kadm.Offsets{}
	offsets.AddOffset(request.Topic, request.Partition, request.Offset, -1)
	answer, err := a.admin.DeleteRecords(ctx, offsets)
	if err != nil {
		return nil, err
	}
	found := answer[request.Topic][request.Partition]
	return map[string]any{"lowWatermark": found.LowWatermark}, found.Err
}

func (a *administration) listGroups(ctx context.Context, _ empty) (any, error) {
	listed, err := a.admin.ListGroups(ctx)
	if err != nil {
		return nil, err
	}
	groups := []map[string]any{}
	for _, each := range listed.Sorted() {
		groups = append(groups, map[string]any{"group": each.Group, "state": each.State, "protocolType": each.ProtocolType})
	}
	return map[string]any{"groups": groups}, nil
}

func (a *administration) describeGroup(ctx context.Context, request groupRequest) (any, error) {
	answer, err := a.admin.DescribeGroups(ctx, request.Group)
	if err != nil {
		return nil, err
	}
	group := answer[request.Group]
	if group.Err != nil {
		return nil, group.Err
	}
	members := []map[string]any{}
	for _, each := range group.Members {
		assignment := []topicPartition{}
		if owned, ok := each.Assigned.AsConsumer(); ok {
			for _, topic := range owned.Topics {
				for _, partition := range topic.Partitions {
					assignment = append(assignment, topicPartition{Topic: topic.Topic, Partition: partition})
				}
			}
		}
		members = append(members, map[string]any{
			"memberId": each.MemberID, "clientId": each.ClientID, "host": each.ClientHost, "assignment": assignment,
		})
	}
	return map[string]any{
		"group": group.Group, "state": group.State, "protocolType": group.ProtocolType, "protocol": group.Protocol, "members": members,
	}, nil
}

type groupPartitionsRequest struct {
	Group      string           `json:"group"`
	Partitions []topicPartition `json:"partitions"`
}

func (a *administration) fetchOffsets(ctx context.Context, request groupPartitionsRequest) (any, error) {
	answer, err := a.admin.FetchOffsets(ctx, request.Group)
	if err != nil {
		return nil, err
	}
	offsets := []committedOffset{}
	for _, each := range request.Partitions {
		offset := committedOffset{Topic: each.Topic, Partition: each.Partition, Offset: -1}
		if found, ok := answer.Lookup(each.Topic, each.Partition); ok {
			if found.Err != nil {
				return nil, found.Err
			}
			offset.Offset, offset.Metadata = found.At, &found.Metadata
		}
		offsets = append(offsets, offset)
	}
	return map[string]any{"offsets": offsets}, nil
}

type alterOffsetsRequest struct {
	Group   string            `json:"group"`
	Offsets []committedOffset `json:"offsets"`
}

func (a *administration) alterOffsets(ctx context.Context, request alterOffsetsRequest) (any, error) {
	offsets := kadm.Offsets{}
	for _, each := range request.Offsets {
		offsets.AddOffset(each.Topic, each.Partition, each.Offset, -1)
	}
	return empty{}, a.admin.CommitAllOffsets(ctx, request.Group, offsets)
}

func (a *administration) deleteGroup(ctx context.Context, request groupRequest) (any, error) {
	_, err := a.admin.DeleteGroup(ctx, request.Group)
	return empty{}, err
}

func (a *administration) deleteGroupOffsets(ctx context.Context, request groupPartitionsRequest) (any, error) {
	set := kadm.TopicsSet{}
	for _, each := range request.Partitions {
		set.Add(each.Topic, each.Partition)
	}
	answer, err := a.admin.DeleteOffsets(ctx, request.Group, set)
	if err != nil {
		return nil, err
	}
	return empty{}, answer.Error()
}

func (a *administration) describeCluster(ctx context.Context, _ empty) (any, error) {
	metadata, err := a.admin.BrokerMetadata(ctx)
	if err != nil {
		return nil, err
	}
	brokers := []map[string]any{}
	for _, each := range metadata.Brokers {
		brokers = append(brokers, map[string]any{"id": each.NodeID, "host": each.Host, "port": each.Port})
	}
	return map[string]any{"clusterId": metadata.Cluster, "controllerId": metadata.Controller, "brokers": brokers}, nil
}
