#!/bin/bash
# Starts Apache and tells it by what names the instances of the services are reached.
#
# Compose names a container PROJECT_SERVICE_N (the old docker-compose) or PROJECT-SERVICE-N (v2), and Docker resolves these
# names. Which project and which of the two it is, the name of this very container tells. Where containers are not named
# so, each service is one member: its plain name.
set -eu

instances=9
port=8080

if [ "${1:-}" = healthcheck ]; then
    exec 3<>/dev/tcp/127.0.0.1/$port
    printf 'GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: healthcheck\r\nConnection: close\r\n\r\n' >&3
    read -r _ status _ <&3
    [ "$status" = 200 ]
    exit
fi

# "-s dns": /etc/hosts knows this container by its id only.
own_name=$(getent -s dns hosts "$(hostname -i)" | awk '{ sub(/\..*/, "", $2); print $2; exit }') || own_name=

defines=()
define() { defines+=(-C "Define $1 $2"); }

define PORT $port
define PUBLIC_URL "${PUBLIC_URL:-http://localhost:${PUBLIC_PORT:-8080}}"
define ROOT /msatom
define RUN /run/apache2
for service in order invoicing shipping; do
    if [[ $own_name =~ ^(.+[-_])apache([-_])[0-9]+$ ]]; then
        for ((n = 1; n <= instances; n++)); do
            define "${service}_$n" "${BASH_REMATCH[1]}$service${BASH_REMATCH[2]}$n:8080"
        done
    else
        define "${service}_1" "$service:8080"
    fi
done

exec apache2 -DFOREGROUND "${defines[@]}" -f /msatom/apache/httpd.conf
