#!/bin/sh
exec "${ODRADEK_IMAGE_ROOT:-}/etc/kafka/docker/run" "$@"
