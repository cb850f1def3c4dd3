#!/bin/sh
# Runs the system on a Docker Swarm. `stack.sh deploy` builds the images and deploys the system, or what has changed in it;
# `stack.sh rm` removes everything but the orders. On several machines, first push the images to a registry that all of them
# reach.
set -eu
cd "$(dirname "$0")"

# docker stack does not read .env. The environment overrides it, as with Compose.
while IFS='=' read -r name value; do
    case "$name" in '' | '#'*) continue ;; esac
    eval "[ -n \"\${$name:-}\" ] || export $name=\"\$value\""
done < .env

case "${1:-}" in
deploy)
    if docker compose version >/dev/null 2>&1; then docker compose build; else docker-compose build; fi
    files=
    for file in $(echo "$COMPOSE_FILE" | tr : ' '); do
        [ "$file" = docker-compose.override.yml ] || files="$files -c $file"
    done
    # shellcheck disable=SC2086 # a list of arguments
    docker stack deploy --detach --resolve-image never $files -c swarm.yml "$COMPOSE_PROJECT_NAME"
    ;;
rm) docker stack rm "$COMPOSE_PROJECT_NAME" ;;
*) echo "usage: $0 deploy|rm" >&2; exit 2 ;;
esac
