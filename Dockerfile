# The one image of our own services: Airflow, the library, the DAG bundle's Python. Programs come from the hashed lock alone;
# from Debian, by its archive's signature, comes what text recognition knows of the languages that we offer.
#
#   docker compose build              as docker-compose.yml says
#   docker build --build-arg BASE=…   on another base: any Debian with Python 3.11 to 3.13, its venv module, and CA certificates
ARG BASE=python:3.12-slim-bookworm@sha256:54c85f3c47607a77f32adec749d3c81d1348bf25833671f512b26a9b6d778cb3

FROM ${BASE} AS environment
WORKDIR /build
COPY requirements.txt infra/compose/production_lock.py ./
RUN python3 production_lock.py requirements.txt . \
 && python3 -m venv /opt/uv \
 && /opt/uv/bin/python -m pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes -r uv.txt \
 && python3 -m venv --without-pip /opt/backoffice \
 && /opt/uv/bin/uv pip sync --quiet --no-cache --require-hashes --compile-bytecode \
      --python /opt/backoffice/bin/python production.txt

FROM ${BASE}
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
      tesseract-ocr-deu tesseract-ocr-eng tesseract-ocr-fra tesseract-ocr-ita tesseract-ocr-slv > /dev/null \
 && rm -rf /var/lib/apt/lists/*
COPY --from=environment /opt/backoffice /opt/backoffice
ENV PATH=/opt/backoffice/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/srv/backoffice/plugins \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LANG=C.UTF-8 \
    TZ=UTC \
    HOME=/run/backoffice \
    USER=backoffice \
    AIRFLOW_HOME=/run/backoffice/airflow \
    AIRFLOW_CONFIG=/etc/backoffice/airflow.cfg \
    BACKOFFICE_ROOT=/srv/backoffice \
    BACKOFFICE_VAR=/var/lib/backoffice \
    BACKOFFICE_SECRETS=/run/secrets \
    GX_ANALYTICS_ENABLED=false \
    OPENBLAS_NUM_THREADS=1 \
    TESSDATA_PREFIX=/usr/share/tesseract-ocr/5/tessdata \
    MALLOC_ARENA_MAX=2
WORKDIR /srv/backoffice
COPY plugins plugins
COPY infra/compose/health.py /usr/local/lib/backoffice/health.py
# Airflow's options come from the same function as in development; what differs here is in stack/production.py.
RUN unset PYTHONDONTWRITEBYTECODE \
 && python -m compileall -q plugins \
 && mkdir -p /etc/backoffice dags sow expectations \
 && python -m backoffice.stack.production airflow.cfg > "$AIRFLOW_CONFIG" \
 && printf '#!/opt/backoffice/bin/python\nfrom backoffice.cli import main\n\nmain()\n' > /opt/backoffice/bin/backoffice \
 && chmod 0755 /opt/backoffice/bin/backoffice \
 && python -c "from pathlib import Path; import sysconfig; \
      Path(sysconfig.get_path('purelib'), 'backoffice.pth').write_text('/srv/backoffice/plugins\n')" \
 && install -d -m 0700 -o 10001 -g 10001 /var/lib/backoffice /var/log/backoffice
USER 10001:10001
CMD ["backoffice", "--help"]
