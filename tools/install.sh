#!/bin/sh
# Installs what `make run` or `make test` needs and this machine lacks. It uses apt on Debian and Ubuntu; elsewhere it says what
# to install. Nothing installed here starts a server: Apache comes without its service, Postgres without a cluster.
set -eu

has() { command -v "$1" >/dev/null 2>&1; }
found() { [ -e "$1" ]; }

has go || { echo "Go 1.26 or newer is needed: https://go.dev/dl/" >&2; exit 1; }

missing=''
need() { missing="$missing $*"; }

case "${1:-}" in
run | test) ;;
*) echo "usage: $0 run|test" >&2; exit 2 ;;
esac

PATH="$PATH:/usr/sbin:/sbin"
found /etc/ssl/certs/ca-certificates.crt || need ca-certificates
found /usr/lib/apache2/modules/mod_proxy_hcheck.so || need apache2-bin
has htcacheclean || need apache2-utils
set -- "$1" /usr/lib/postgresql/*/bin/initdb
found "$2" || need postgresql
if [ "$1" = test ]; then
    has gcc || need gcc
    found /usr/include/stdio.h || need libc6-dev
    has chromium || has google-chrome || need chromium
    has curl || need curl
    has jq || need jq
    has python3 || need python3
    has newsboat || need newsboat
    has r2e || need rss2email
    # A Docker engine is never installed, only what is missing beside one.
    ! has dockerd || has iptables || need iptables
    if timeout 120 docker version >/dev/null 2>&1; then
        has docker-compose || need docker-compose
    else
        echo "no Docker engine answers: the tests that need one are skipped" >&2
    fi
fi
[ -n "$missing" ] || exit 0

if ! has apt-get; then
    echo "Install the equivalents of these Debian packages, then try again:$missing" >&2
    exit 1
fi

as_root=''
if [ "$(id -u)" != 0 ]; then
    has sudo || { echo "As root, run: apt-get install$missing. Then try again." >&2; exit 1; }
    as_root=sudo
fi
install() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" >&2
}

echo "installing:$missing" >&2
$as_root apt-get -qq update >&2
case "$missing" in
*postgresql*)
    # The server's package creates and starts a cluster unless postgresql-common, installed first, is configured not to.
    install postgresql-common
    no_cluster=/etc/postgresql-common/createcluster.d/msatom.conf
    $as_root mkdir -p "${no_cluster%/*}"
    echo 'create_main_cluster = false' | $as_root tee "$no_cluster" >/dev/null
    trap '$as_root rm -f "$no_cluster"' EXIT
    ;;
esac
# shellcheck disable=SC2086 # a list of packages
install $missing
