#!/bin/sh
# Run once, as root, where the image is built: links, folders and their rights.
set -eu
root=${ODRADEK_IMAGE_ROOT:-}
image=/opt/odradek/image

mkdir -p "$root/usr/bin" "$root/opt/kafka/bin" "$root/opt/bitnami/kafka/bin"

link() {
  ln -sf "$root$1" "$root$2"
}

link "$image/odradek" /usr/bin/odradek
link "$image/cub" /usr/bin/cub
link /etc/kafka/docker/run /usr/bin/start-kafka.sh
for directory in /usr/bin /opt/kafka/bin /opt/bitnami/kafka/bin; do
  while read -r tool; do
    link "$image/kafka-tool" "$directory/$tool"
    link "$image/kafka-tool" "$directory/$tool.sh"
  done < "$root$image/kafka-tools.txt"
  for tool in kafka-server-start kafka-server-stop zookeeper-server-start; do
    link "$image/$tool" "$directory/$tool"
    link "$image/$tool" "$directory/$tool.sh"
  done
done
# Slim bases have not all that start scripts and health checks call.
for tool in nc hostname; do
  command -v "$tool" > /dev/null || link "$image/$tool" "/usr/bin/$tool"
done

cache=/opt/odradek/node_modules/.cache/odradek
for directory in /var/lib/kafka/data /kafka /bitnami/kafka/data /etc/kafka/secrets /mnt/shared/config "$cache"; do
  mkdir -p "$root$directory"
done
# Everything that a start script or a user of the container changes belongs to user 1000 and, as OpenShift's made-up
# users need it, to group 0.
for directory in /var/lib/kafka /kafka /bitnami /etc/kafka /etc/confluent /mnt/shared /opt/kafka /opt/bitnami "$cache"; do
  [ -n "$root" ] || chown -R 1000:0 "$directory"
  chmod -R g=u "$root$directory"
done
if [ -z "$root" ] && ! grep -q '^[^:]*:[^:]*:1000:' /etc/passwd; then
  echo 'appuser:x:1000:0::/opt/kafka:/bin/sh' >> /etc/passwd
fi
