#!/bin/sh
# Run once, as the user of the image, where it is built: a broker and its tools leave their compiled code behind.
set -eu
root=${ODRADEK_IMAGE_ROOT:-}
work=$(mktemp -d)
export ODRADEK_READY_FILE="$work/ready"
"$root/opt/odradek/image/odradek" --port 0 --data "$work/data" > "$work/log" 2>&1 &
broker=$!
left=100
while [ ! -s "$ODRADEK_READY_FILE" ]; do
  left=$((left - 1))
  if [ "$left" -eq 0 ] || ! kill -0 "$broker" 2> /dev/null; then
    cat "$work/log" >&2
    exit 1
  fi
  sleep 0.1
done
read -r _ _ port < "$ODRADEK_READY_FILE"
"$root/opt/odradek/image/healthcheck"
PATH=$root/opt/kafka/bin:$PATH
kafka-topics --bootstrap-server "127.0.0.1:$port" --create --topic warm-up > /dev/null || echo "without the code of kafka-topics" >&2
kafka-topics --bootstrap-server "127.0.0.1:$port" --list > /dev/null || echo "without the code of kafka-topics" >&2
kafka-broker-api-versions --bootstrap-server "127.0.0.1:$port" > /dev/null || echo "without the code of kafka-broker-api-versions" >&2
kill -s TERM "$broker"
wait "$broker"
rm -rf "$work"

# Node keeps one folder for each user; these are the others that containers are often run as.
cd "$root/opt/odradek/node_modules/.cache/odradek"
for own in *-"$(id -u)"; do
  for user in 0 1001; do
    [ -e "${own%-*}-$user" ] || cp -R "$own" "${own%-*}-$user"
    chmod -R a+rX "${own%-*}-$user"
  done
done
