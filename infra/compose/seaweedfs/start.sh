#!/bin/sh
# Start the object store with a log that names no object: the same filter as in development (a test compares). BusyBox's sed,
# which the image has, does not know -u: then lines come in blocks. While upkeep/stop is in its data folder the store is away: the
# service `upkeep` writes its index anew (backoffice/stack/beside.py).
cd "${TMPDIR:-/tmp}" || exit 1
turn=${BACKOFFICE_STORE_DATA:-/data}/upkeep
unbuffered=-u
sed -u -e '' </dev/null 2>/dev/null || unbuffered=
ended=
weed=
trap 'ended=1; [ -z "$weed" ] || kill -TERM "$weed" 2>/dev/null' TERM INT HUP

while [ -z "$ended" ]; do
  if [ -e "$turn/stop" ]; then
    cmp -s "$turn/stop" "$turn/stopped" || { cp "$turn/stop" "$turn/heard" && mv "$turn/heard" "$turn/stopped"; }
    sleep 1
    continue
  fi
  rm -f "$turn/stopped" log.pipe && mkfifo -m 600 log.pipe || exit 1
  (
    trap '' TERM INT HUP
    exec sed $unbuffered -E \
    -e '/^[IWEF][0-9]{4} [0-9:.]+ (master|mini|raft_[a-z]+|volume|tls|s3|server|file_util|network)\.go:[0-9]+\]? /b' \
    -e '/^I[0-9]{4} /d' \
    -e 's/^([WEF][0-9]{4} [0-9:.]+ [a-zA-Z0-9_]+\.go:[0-9]+\]?) .*/\1 (message left out)/;t' \
    -e '/^ *(Starting|Shutting|Master|Volume|Filer|S3|Admin|panic:|fatal error:|goroutine )/!d' <log.pipe
  ) &
  "$@" >log.pipe 2>&1 &
  weed=$!
  (
    while [ ! -e "$turn/stop" ]; do sleep 1; done
    kill -TERM "$weed"
    sleep 20
    kill -KILL "$weed"
  ) 2>/dev/null &
  watch=$!
  # A signal ends the first wait, not the store.
  while wait "$weed"; code=$?; kill -0 "$weed" 2>/dev/null; do :; done
  kill "$watch" 2>/dev/null
  [ -e "$turn/stop" ] || exit "$code"
done
