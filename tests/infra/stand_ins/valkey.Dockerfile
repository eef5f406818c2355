# Stands in for valkey/valkey: Debian's Redis, from which Valkey comes, under Valkey's names.
FROM backoffice-test/debian
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/* \
 && ln -s /usr/bin/redis-server /usr/local/bin/valkey-server && ln -s /usr/bin/redis-cli /usr/local/bin/valkey-cli
ENV PATH=/usr/local/bin:/usr/bin:/bin
WORKDIR /data
