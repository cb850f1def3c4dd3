#!/bin/sh
# The system on a Docker Swarm: stack.sh deploy builds the images and deploys them, or what has changed; stack.sh rm removes it
# all but the orders. On several machines the images must be in a registry that all reach: docker push them first.
set -eu
cd "$(dirname "$0")"
. ./engine.sh

# What .env sets, unless the environment does: docker stack does not read it.
while IFS='=' read -r name value; do
    case "$name" in '' | '#'*) continue ;; esac
    eval "[ -n \"\${$name:-}\" ] || export $name=\"\$value\""
done < .env

case "${1:-}" in
deploy)
    ./base-images.sh
    $compose build
    docker stack deploy --detach --resolve-image never -c docker-compose.yml -c swarm.yml $(printf -- '-c %s ' $blocks) "$COMPOSE_PROJECT_NAME"
    ;;
rm) docker stack rm "$COMPOSE_PROJECT_NAME" ;;
*) fail "usage: $0 deploy|rm" ;;
esac
