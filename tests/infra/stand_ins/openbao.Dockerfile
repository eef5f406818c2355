# Stands in for openbao/openbao: the same server's program, from its package on PyPI.
FROM backoffice-test/debian
COPY bao /usr/bin/bao
ENV PATH=/usr/local/bin:/usr/bin:/bin
