# The image of the Home Assistant app, and of everybody who runs it with Docker or Podman.
# script/image builds it with or without a Docker engine; what its size is made of is in docs/operations.md.

ARG BUILD_FROM=debian:trixie-slim

# --- what both stages stand on: Debian's own Python, so that the environment's links hold ---------

# hadolint ignore=DL3006
FROM ${BUILD_FROM} AS python

SHELL ["/bin/sh", "-eu", "-c"]

# ca-certificates: voices are fetched over TLS. Versions are Debian's, which moves for security only.
# The mounts here and below are optional: a machine that reaches Debian's mirror or its package index
# by settings or certificates of its own lends them for the step; they never become part of the image.
# hadolint ignore=DL3008
RUN --mount=type=secret,id=apt,target=/etc/apt/apt.conf.d/99machine \
  apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates python3 \
  && apt-get clean \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/* \
  && useradd --uid 10200 --home-dir /data --no-create-home --no-log-init \
    --shell /usr/sbin/nologin piper \
  && mkdir /data \
  && chown piper:piper /data

# --- build: the environment, from wheels only, compiled ----------------------------------------

FROM python AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore \
  ORT_DISABLE_TELEMETRY=1 PYTHONDONTWRITEBYTECODE=1

# hadolint ignore=DL3008
RUN --mount=type=secret,id=apt,target=/etc/apt/apt.conf.d/99machine \
  apt-get update \
  && apt-get install --yes --no-install-recommends binutils python3-venv \
  && rm -rf /var/lib/apt/lists/* \
  && python3 -m venv --without-pip /opt/wyoming-piper-hardened \
  && python3 -m venv /opt/pip

WORKDIR /source

# The dependencies alone, so that a change of our own code does not fetch them again.
COPY pyproject.toml constraints.txt ./
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
  --mount=type=secret,id=certificates,target=/etc/ssl/certs/ca-certificates.crt \
  /opt/pip/bin/python -c 'import pathlib, tomllib; \
project = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]; \
extras = project["optional-dependencies"]; \
print(*project["dependencies"], *extras["voice"], *extras["zeroconf"], sep="\n")' >dependencies.txt \
  && /opt/pip/bin/pip --python /opt/wyoming-piper-hardened/bin/python install --quiet --no-compile \
    --only-binary :all: --constraint constraints.txt --requirement dependencies.txt

COPY addon/trim addon/
RUN addon/trim /opt/wyoming-piper-hardened

COPY LICENSE LICENSING.md README.md ./
COPY wyoming_piper_hardened wyoming_piper_hardened
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
  --mount=type=secret,id=certificates,target=/etc/ssl/certs/ca-certificates.crt \
  /opt/pip/bin/pip --python /opt/wyoming-piper-hardened/bin/python install --quiet --no-compile \
    --no-deps .

# The program cannot write compiled modules where they belong, and without them every engine process
# would start seconds later on a small machine.
RUN /opt/wyoming-piper-hardened/bin/python -m compileall -q --invalidation-mode unchecked-hash -j 0 \
  /opt/wyoming-piper-hardened/lib

# --- the image: no compiler, no pip ----------------------------------------------------------------

FROM python

ARG BUILD_VERSION=0.1.0
ARG BUILD_ARCH=amd64

LABEL \
  io.hass.type="app" \
  io.hass.name="Piper Hardened" \
  io.hass.description="Text-to-speech with Piper voices that does not go silent" \
  io.hass.version="${BUILD_VERSION}" \
  io.hass.arch="${BUILD_ARCH}" \
  org.opencontainers.image.title="wyoming-piper-hardened" \
  org.opencontainers.image.description="Text-to-speech with Piper voices that does not go silent" \
  org.opencontainers.image.version="${BUILD_VERSION}" \
  org.opencontainers.image.licenses="Apache-2.0 AND GPL-3.0-or-later"

# Every engine sets the one about telemetry, too; here it also holds for a Python started by hand.
ENV PATH=/opt/wyoming-piper-hardened/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  LANG=C.UTF-8 \
  ORT_DISABLE_TELEMETRY=1 \
  PYTHONDONTWRITEBYTECODE=1 \
  WPH_DATA_DIR=/data

COPY --from=build /opt/wyoming-piper-hardened /opt/wyoming-piper-hardened

# Wyoming; the page and the API
EXPOSE 10200 8099

HEALTHCHECK --interval=60s --timeout=15s --start-period=60s --retries=3 \
  CMD ["wyoming-piper-hardened", "health"]

# The program starts as root, as Home Assistant wants it, makes /data its own, and goes on as the user
# piper. It runs as any other user just as well (--user), as long as that one may write to /data.
ENTRYPOINT ["wyoming-piper-hardened"]
CMD ["app"]
