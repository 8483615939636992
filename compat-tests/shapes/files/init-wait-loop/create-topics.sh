#!/bin/bash
set -euo pipefail

tries=0
while ! /opt/kafka/bin/kafka-broker-api-versions.sh --bootstrap-server "$BOOTSTRAP" > /dev/null 2>&1; do
  tries=$((tries + 1))
  if [ "$tries" -ge 30 ]; then
    echo "no broker at $BOOTSTRAP" >&2
    exit 1
  fi
  sleep 1
done

for topic in $TOPICS; do
  /opt/kafka/bin/kafka-topics.sh --bootstrap-server "$BOOTSTRAP" \
    --create --if-not-exists --topic "$topic" --partitions 6 --replication-factor 1
done
