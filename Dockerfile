# Odradek as an image: what is in it and how it behaves is told in docs/image.md.
# Any Node base from 22.18 on will do: docker build --build-arg NODE_IMAGE=node:24-alpine .
# Without a network or a registry: docker/packed.Dockerfile.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# Among them is a Node for development, of which no musl build exists; the base has its own.
RUN npm ci && rm -rf node_modules/node node_modules/.bin/node
COPY . .
RUN node docker/context.ts /context

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Odradek" \
  org.opencontainers.image.description="A Kafka broker in one Node.js process" \
  org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /context/odradek /opt/odradek
COPY --from=build /context/rootfs /
RUN sh /opt/odradek/image/install.sh
USER 1000:0
RUN sh /opt/odradek/image/warm-up.sh
WORKDIR /opt/kafka
VOLUME ["/var/lib/kafka/data", "/etc/kafka/secrets", "/mnt/shared/config"]
EXPOSE 9092
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=2s --timeout=3s --start-period=30s --start-interval=200ms --retries=3 \
  CMD ["/opt/odradek/image/healthcheck"]
# The base has one, a shell script, and shells drop variables such as KAFKA_LISTENER_NAME_X_SCRAM-SHA-512_….
ENTRYPOINT []
CMD ["/etc/kafka/docker/run"]
