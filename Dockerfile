FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1
WORKDIR /app

COPY requirements.lock ./
RUN pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: -r requirements.lock

COPY service/ service/
COPY prompts/ prompts/
COPY faq/ faq/
RUN python -m compileall -q service

# /data holds the embedded Valkey of a container that runs without REDIS_URL (compose.yaml brings a server instead).
RUN install -d -o 10001 -g 10001 -m 700 /data
VOLUME /data
USER 10001:10001
ENV HENJI_HOST=0.0.0.0 HENJI_DATA_DIR=/data
EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["python", "-m", "service", "serve"]
