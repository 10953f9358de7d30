# Builds the program, and puts nothing else into the image but what it needs to run: glibc, and the certificates of the
# public authorities. Runs as an ordinary user, with a root file system that may be read-only:
#
#   docker build -t alpacalert .
#   docker run --read-only --tmpfs /tmp -v alpacalert:/var/lib/alpacalert -v ./alpacalert.yaml:/etc/alpacalert/alpacalert.yaml:ro \
#     -p 8420:8420 alpacalert
#
# Outside of the container everybody can reach it: the configuration must say who may see what (`access`), or it does not start.

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --locked --release --package alpacalert-cli && cp target/release/alpacalert /alpacalert

FROM debian:bookworm-slim
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 8420 --no-create-home --shell /usr/sbin/nologin alpacalert \
    && install --directory --owner alpacalert --mode 0700 /var/lib/alpacalert
COPY --from=build /alpacalert /usr/bin/alpacalert
USER 8420
ENV STATE_DIRECTORY=/var/lib/alpacalert ALPACALERT_LOG_FORMAT=json
VOLUME /var/lib/alpacalert
EXPOSE 8420
# Alive means that the engine answers; whether every source was asked already is for readiness, at /readyz.
HEALTHCHECK --interval=30s --timeout=6s CMD ["/usr/bin/alpacalert", "status", "--url", "http://127.0.0.1:8420", "--live"]
ENTRYPOINT ["/usr/bin/alpacalert"]
CMD ["serve", "--config", "/etc/alpacalert", "--listen", "0.0.0.0:8420"]
