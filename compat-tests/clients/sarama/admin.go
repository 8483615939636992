package main

import (
	"fmt"
	"net"
	"strconv"
	"sync"

	"github.com/IBM/sarama"
)

type administration struct {
	connector
	lock   sync.Mutex
	client sarama.Client
	admin  sarama.ClusterAdmin
}

func (a *administration) connect() (sarama.Client, sarama.ClusterAdmin, error) {
	a.lock.Lock()
	defer a.lock.Unlock()
	if a.admin != nil {
		return a.client, a.admin, nil
	}
	config := a.config()
	config.Metadata.Retry.Max = 3
	client, err := sarama.NewClient(a.brokers, config)
	if err != nil {
		return nil, nil, err
	}
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return nil, nil, err
	}
	a.client, a.admin = client, admin
	return client, admin, nil
}

// administer makes an operation of a function that needs the admin client.
func administer[Request any](a *administration, run func(sarama.ClusterAdmin, Request) (any, error)) operation {
	return handle(func(request Request) (any, error) {
		_, admin, err := a.connect()
		if err != nil {
			return nil, err
		}
		return run(admin, request)
	})
}

func (a *administration) addTo(operations map[string]operation) {
	operations["createTopic"] = administer(a, createTopic)
	operations["deleteTopic"] = administer(a, func(admin sarama.ClusterAdmin, request nameRequest) (any, error) {
		return empty{}, admin.DeleteTopic(request.Name)
	})
	operations["createPartitions"] = administer(a, func(admin sarama.ClusterAdmin, request createPartitionsRequest) (any, error) {
		return empty{}, admin.CreatePartitions(request.Topic, request.Count, nil, false)
	})
	operations["describeTopic"] = administer(a, describeTopic)
	operations["listTopics"] = administer(a, listTopics)
	operations["describeConfigs"] = administer(a, describeConfigs)
	operations["alterConfigs"] = administer(a, alterConfigs)
	operations["replaceConfigs"] = administer(a, replaceConfigs)
	operations["listOffsets"] = administer(a, listOffsets)
	operations["deleteRecords"] = administer(a, deleteRecords)
	operations["listGroups"] = administer(a, listGroups)
	operations["describeGroup"] = administer(a, describeGroup)
	operations["fetchOffsets"] = administer(a, fetchOffsets)
	operations["alterOffsets"] = administer(a, alterOffsets)
	operations["deleteGroup"] = administer(a, func(admin sarama.ClusterAdmin, request groupRequest) (any, error) {
		return empty{}, admin.DeleteConsumerGroup(request.Group)
	})
	operations["deleteGroupOffsets"] = administer(a, deleteGroupOffsets)
	operations["describeCluster"] = handle(a.describeCluster)
}

type nameRequest struct {
	Name string `json:"name"`
}

type groupRequest struct {
	Group string `json:"group"`
}

type createPartitionsRequest struct {
	Topic string `json:"topic"`
	Count int32  `json:"count"`
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

func createTopic(admin sarama.ClusterAdmin, request newTopic) (any, error) {
	detail := &sarama.TopicDetail{
		NumPartitions: request.Partitions, ReplicationFactor: request.ReplicationFactor, ConfigEntries: pointers(request.Configs),
	}
	return empty{}, admin.CreateTopic(request.Name, detail, request.ValidateOnly)
}

type topicRequest struct {
	Topic string `json:"topic"`
}

func describeTopic(admin sarama.ClusterAdmin, request topicRequest) (any, error) {
	found, err := admin.DescribeTopics([]string{request.Topic})
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%d topics in the answer", len(found))
	}
	topic := found[0]
	if topic.Err != sarama.ErrNoError {
		return nil, topic.Err
	}
	partitions := make([]map[string]any, len(topic.Partitions))
	for _, each := range topic.Partitions {
		partitions[each.ID] = map[string]any{
			"partition": each.ID, "leader": each.Leader, "replicas": each.Replicas, "isr": each.Isr,
		}
	}
	return map[string]any{"name": topic.Name, "topicId": topic.Uuid.String(), "partitions": partitions}, nil
}

func listTopics(admin sarama.ClusterAdmin, _ empty) (any, error) {
	found, err := admin.ListTopics()
	if err != nil {
		return nil, err
	}
	names := []string{}
	for name := range found {
		names = append(names, name)
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

func (c configsRequest) kind() sarama.ConfigResourceType {
	if c.Type == "broker" {
		return sarama.BrokerResource
	}
	return sarama.TopicResource
}

func describeConfigs(admin sarama.ClusterAdmin, request configsRequest) (any, error) {
	found, err := admin.DescribeConfig(sarama.ConfigResource{Type: request.kind(), Name: request.Name})
	if err != nil {
		return nil, err
	}
	entries := []map[string]any{}
	for _, each := range found {
		entries = append(entries, map[string]any{
			"name": each.Name, "value": each.Value, "readOnly": each.ReadOnly, "sensitive": each.Sensitive, "source": int8(each.Source),
		})
	}
	return map[string]any{"entries": entries}, nil
}

func alterConfigs(admin sarama.ClusterAdmin, request configsRequest) (any, error) {
	kinds := map[string]sarama.IncrementalAlterConfigsOperation{
		"set": sarama.IncrementalAlterConfigsOperationSet, "delete": sarama.IncrementalAlterConfigsOperationDelete,
		"append": sarama.IncrementalAlterConfigsOperationAppend, "subtract": sarama.IncrementalAlterConfigsOperationSubtract,
	}
	changes := map[string]sarama.IncrementalAlterConfigsEntry{}
	for _, each := range request.Operations {
		changes[each.Name] = sarama.IncrementalAlterConfigsEntry{Operation: kinds[each.Op], Value: each.Value}
	}
	return empty{}, admin.IncrementalAlterConfig(request.kind(), request.Name, changes, false)
}

type replaceConfigsRequest struct {
	Topic   string            `json:"topic"`
	Configs map[string]string `json:"configs"`
}

func replaceConfigs(admin sarama.ClusterAdmin, request replaceConfigsRequest) (any, error) {
	return empty{}, admin.AlterConfig(sarama.TopicResource, request.Topic, pointers(request.Configs), false)
}

type listOffsetsRequest struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Spec      any    `json:"spec"`
}

func listOffsets(admin sarama.ClusterAdmin, request listOffsetsRequest) (any, error) {
	named := map[string]int64{"latest": -1, "earliest": -2, "max-timestamp": -3}
	var timestamp int64
	switch spec := request.Spec.(type) {
	case float64:
		timestamp = int64(spec)
	case string:
		timestamp = named[spec]
	}
	wanted := map[string]map[int32]int64{request.Topic: {request.Partition: timestamp}}
	answer, err := admin.ListOffsets(wanted, nil)
	if err != nil {
		return nil, err
	}
	found := answer[request.Topic][request.Partition]
	if found == nil {
		return nil, fmt.Errorf("the answer is not about partition %d", request.Partition)
	}
	if found.Err != nil && found.Err != sarama.ErrNoError {
		return nil, found.Err
	}
	return map[string]any{"offset": found.Offset, "timestamp": found.Timestamp}, nil
}

func deleteRecords(admin sarama.ClusterAdmin, request committedOffset) (any, error) {
	err := admin.DeleteRecords(request.Topic, map[int32]int64{request.Partition: request.Offset})
	return map[string]any{"lowWatermark": nil}, err
}

func listGroups(admin sarama.ClusterAdmin, _ empty) (any, error) {
	found, err := admin.ListConsumerGroups()
	if err != nil {
		return nil, err
	}
	groups := []map[string]any{}
	for name, protocolType := range found {
		groups = append(groups, map[string]any{"group": name, "state": nil, "protocolType": protocolType})
	}
	return map[string]any{"groups": groups}, nil
}

func describeGroup(admin sarama.ClusterAdmin, request groupRequest) (any, error) {
	found, err := admin.DescribeConsumerGroups([]string{request.Group})
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%d groups in the answer", len(found))
	}
	group := found[0]
	if group.Err != sarama.ErrNoError {
		return nil, group.Err
	}
	members := []map[string]any{}
	for id, each := range group.Members {
		owned := []topicPartition{}
		if assignment, err := each.GetMemberAssignment(); err == nil && assignment != nil {
			for topic, partitions := range assignment.Topics {
				for _, partition := range partitions {
					owned = append(owned, topicPartition{Topic: topic, Partition: partition})
				}
			}
		}
		members = append(members, map[string]any{
			"memberId": id, "clientId": each.ClientId, "host": each.ClientHost, "assignment": owned,
		})
	}
	return map[string]any{
		"group": group.GroupId, "state": group.State, "protocolType": group.ProtocolType, "protocol": group.Protocol, "members": members,
	}, nil
}

type groupPartitionsRequest struct {
	Group      string           `json:"group"`
	Partitions []topicPartition `json:"partitions"`
}

func fetchOffsets(admin sarama.ClusterAdmin, request groupPartitionsRequest) (any, error) {
	wanted := map[string][]int32{}
	for _, each := range request.Partitions {
		wanted[each.Topic] = append(wanted[each.Topic], each.Partition)
	}
	answer, err := admin.ListConsumerGroupOffsets(request.Group, wanted)
	if err != nil {
		return nil, err
	}
	if answer.Err != sarama.ErrNoError {
		return nil, answer.Err
	}
	offsets := []committedOffset{}
	for _, each := range request.Partitions {
		block := answer.GetBlock(each.Topic, each.Partition)
		if block == nil {
			return nil, fmt.Errorf("no answer for %s-%d", each.Topic, each.Partition)
		}
		if block.Err != sarama.ErrNoError {
			return nil, block.Err
		}
		offset := committedOffset{Topic: each.Topic, Partition: each.Partition, Offset: block.Offset, Metadata: &block.Metadata}
		offsets = append(offsets, offset)
	}
	return map[string]any{"offsets": offsets}, nil
}

type alterOffsetsRequest struct {
	Group   string            `json:"group"`
	Offsets []committedOffset `json:"offsets"`
}

func alterOffsets(admin sarama.ClusterAdmin, request alterOffsetsRequest) (any, error) {
	offsets := map[string]map[int32]sarama.OffsetAndMetadata{}
	for _, each := range request.Offsets {
		if offsets[each.Topic] == nil {
			offsets[each.Topic] = map[int32]sarama.OffsetAndMetadata{}
		}
		offsets[each.Topic][each.Partition] = sarama.OffsetAndMetadata{Offset: each.Offset, LeaderEpoch: -1}
	}
	answer, err := admin.AlterConsumerGroupOffsets(request.Group, offsets, nil)
	if err != nil {
		return nil, err
	}
	for _, partitions := range answer.Errors {
		for _, code := range partitions {
			if code != sarama.ErrNoError {
				return nil, code
			}
		}
	}
	return empty{}, nil
}

func deleteGroupOffsets(admin sarama.ClusterAdmin, request groupPartitionsRequest) (any, error) {
	for _, each := range request.Partitions {
		if err := admin.DeleteConsumerGroupOffset(request.Group, each.Topic, each.Partition); err != nil {
			return nil, err
		}
	}
	return empty{}, nil
}

// describeCluster asks by itself: DescribeCluster of sarama leaves out the id of the cluster.
func (a *administration) describeCluster(empty) (any, error) {
	client, _, err := a.connect()
	if err != nil {
		return nil, err
	}
	broker := client.LeastLoadedBroker()
	if err := broker.Open(client.Config()); err != nil && err != sarama.ErrAlreadyConnected {
		return nil, err
	}
	answer, err := broker.GetMetadata(sarama.NewMetadataRequest(client.Config().Version, []string{}))
	if err != nil {
		return nil, err
	}
	brokers := []map[string]any{}
	for _, each := range answer.Brokers {
		host, port, err := net.SplitHostPort(each.Addr())
		if err != nil {
			return nil, err
		}
		number, err := strconv.Atoi(port)
		if err != nil {
			return nil, err
		}
		brokers = append(brokers, map[string]any{"id": each.ID(), "host": host, "port": number})
	}
	return map[string]any{"clusterId": *answer.ClusterID, "controllerId": answer.ControllerID, "brokers": brokers}, nil
}
