#!/bin/sh
# Compose with the files of all services, as make up uses it: docker/compose.sh logs bonus.
set -eu
cd "$(dirname "$0")"
. ./engine.sh

exec $compose "$@"
