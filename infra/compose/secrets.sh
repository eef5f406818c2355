#!/bin/sh
# Make what is missing in ./secrets, with the image itself; nothing that exists is replaced but certificates near their end.
# Run as the user that the services shall run as; run by root, they run as 10001. `.env` remembers which.
set -eu
cd "$(dirname "$0")/../.."
umask 077
uid=$(id -u) gid=$(id -g)
if [ "$uid" = 0 ]; then uid=10001 gid=10001; fi
if ! grep -q '^BACKOFFICE_UID=' .env 2>/dev/null; then
  printf 'BACKOFFICE_UID=%s\nBACKOFFICE_GID=%s\n' "$uid" "$gid" >> .env
fi
if [ ! -d secrets ]; then
  mkdir secrets
  if [ "$(id -u)" = 0 ]; then chown "$uid:$gid" secrets; fi
fi
exec ${COMPOSE:-docker compose} run --rm --no-deps -T secrets
