#!/bin/sh
# Stops the system in Docker. The orders stay in their volume; "down.sh --volumes" removes them too.
set -eu
cd "$(dirname "$0")"
. ./engine.sh

exec $compose down --remove-orphans "$@"
