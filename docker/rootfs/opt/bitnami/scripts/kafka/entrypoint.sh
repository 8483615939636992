#!/bin/sh
if [ $# -gt 0 ]; then exec "$@"; fi
exec "${ODRADEK_IMAGE_ROOT:-}/etc/kafka/docker/run"
