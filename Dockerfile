# syntax=docker/dockerfile:1
# Any Node base from 22.18 on will do: --build-arg NODE_IMAGE=node:24-alpine
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev --omit=peer

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Odradek" org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /opt/odradek
COPY --from=build /build/package.json ./
COPY --from=build /build/bin ./bin
COPY --from=build /build/dist ./dist
COPY --from=build /build/node_modules ./node_modules
RUN mkdir -p /var/lib/odradek node_modules/.cache && chown node:node /var/lib/odradek node_modules/.cache
USER node
# Leaves the compiled code behind, for a faster start.
RUN node bin/odradek.cjs --version
ENV KAFKA_LOG_DIRS=/var/lib/odradek
VOLUME /var/lib/odradek
EXPOSE 9092
# Options follow the image: docker run -p 9092:9092 odradek --set num.partitions=3
ENTRYPOINT ["node", "/opt/odradek/bin/odradek.cjs"]
