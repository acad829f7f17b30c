ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim-bookworm AS build
RUN python -m venv /opt/venv
COPY requirements.txt .
RUN /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

FROM python:${PYTHON_VERSION}-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 DATA_DIR=/data
RUN useradd --uid 10001 --no-create-home idv && install -d -m 700 -o idv -g idv /data
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY . .
# The demo's switch is for this step alone: it makes a key of its own, in a folder that is not kept.
RUN DEMO=1 DATA_DIR=/tmp/build python manage.py collectstatic --no-input && rm -rf /tmp/build
USER idv
VOLUME /data
EXPOSE 8000
HEALTHCHECK CMD ["python", "-c", "import os, urllib.request as it; host = os.environ['ALLOWED_HOSTS'].split(',')[0]; it.urlopen(it.Request('http://127.0.0.1:8000/healthz', headers={'Host': host}), timeout=3)"]
# Loaded before it forks, so that an unsafe configuration ends the container and not each worker.
CMD ["gunicorn", "idv_dashboard.wsgi", "--preload", "--bind=0.0.0.0:8000", "--worker-class=gthread", "--workers=2", "--threads=8", "--no-control-socket", "--worker-tmp-dir=/dev/shm"]
