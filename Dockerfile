# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
RUN python -m venv /opt/riskapi
COPY requirements.txt .
RUN /opt/riskapi/bin/pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

FROM python:3.13-slim
# LightGBM is linked against it.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /app riskapi \
    && install -d -o riskapi -g riskapi -m 0700 /data
COPY --from=build /opt/riskapi /opt/riskapi
WORKDIR /app
COPY signals signals
COPY model model
COPY riskapi riskapi
# Every process starts from what is compiled here: the user of the service may not write it.
RUN /opt/riskapi/bin/python -m compileall -q signals model riskapi
ENV PATH=/opt/riskapi/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RISKAPI_BIND=0.0.0.0:8000 \
    RISKAPI_DATA_DIR=/data
USER riskapi
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["python", "-m", "riskapi", "serve"]
