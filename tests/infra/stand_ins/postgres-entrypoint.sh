#!/bin/sh
# As the official image does it: an empty data folder is initialised, a server without network runs the scripts, then it serves.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA" && chmod 700 "$PGDATA"
  PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE") && export PGPASSWORD
  printf 'postgres:x:%s:%s::/tmp:/bin/sh\n' "$(id -u)" "$(id -g)" > /tmp/passwd
  printf 'postgres:x:%s:\n' "$(id -g)" > /tmp/group
  printf '%s' "$PGPASSWORD" > /tmp/password
  # shellcheck disable=SC2086
  LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_PASSWD=/tmp/passwd NSS_WRAPPER_GROUP=/tmp/group \
    initdb -D "$PGDATA" -U postgres --pwfile=/tmp/password ${POSTGRES_INITDB_ARGS:-} > /dev/null
  rm /tmp/password
  server=$1 && shift
  pg_ctl -D "$PGDATA" -w -s start -o "$* -c listen_addresses=''"
  for script in /docker-entrypoint-initdb.d/*.sh; do . "$script"; done
  pg_ctl -D "$PGDATA" -w -s -m fast stop
  set -- "$server" "$@"
  unset PGPASSWORD
fi
exec "$@" -c listen_addresses='*'
