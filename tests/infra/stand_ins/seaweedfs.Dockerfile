# Stands in for chrislusf/seaweedfs: the same server's program, from its package on PyPI.
FROM backoffice-test/debian
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends wget && rm -rf /var/lib/apt/lists/*
COPY weed /usr/bin/weed
ENV PATH=/usr/local/bin:/usr/bin:/bin
WORKDIR /data
