# The image from what npm packs: nothing is installed, so nothing is fetched but the base, if that is not there.
#   node docker/context.ts DIR && docker build --build-arg NODE_IMAGE=node:24-bookworm-slim DIR
# From FROM on this is the end of ../Dockerfile.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Odradek" \
  org.opencontainers.image.description="A Kafka broker in one Node.js process" \
  org.opencontainers.image.licenses="Apache-2.0"
COPY odradek /opt/odradek
COPY rootfs /
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
