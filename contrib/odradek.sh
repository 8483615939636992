#!/bin/sh
# The command line, with the Node.js that came along.
exec /opt/odradek/node_modules/node/bin/node /opt/odradek/node_modules/odradek/bin/odradek.cjs "$@"
