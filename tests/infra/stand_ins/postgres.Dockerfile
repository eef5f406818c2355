# Stands in for the official image: Debian's PostgreSQL, and of the official entry point what docker-compose.yml relies on.
FROM backoffice-test/debian
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends postgresql libnss-wrapper \
 && rm -rf /var/lib/apt/lists/* /var/lib/postgresql/* \
 && ln -s /usr/lib/postgresql/*/bin /usr/local/pgsql \
 && mkdir -p /docker-entrypoint-initdb.d && chmod 1777 /var/lib/postgresql && chmod 3777 /var/run/postgresql
ENV PATH=/usr/local/pgsql:/usr/bin:/bin PGDATA=/var/lib/postgresql/data
COPY postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ENTRYPOINT ["sh", "/usr/local/bin/docker-entrypoint.sh"]
CMD ["postgres"]
