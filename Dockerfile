# docker build -t fastify-messenger . && docker run --rm -p 3000:3000 -e BEARER_TOKEN=a-secret-of-your-own fastify-messenger

FROM node:22.23.3-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY scripts scripts
COPY src src
COPY plugins plugins
COPY routes routes
COPY console console
COPY public public
RUN node scripts/build.mjs && npm prune --omit=dev

FROM node:22.23.3-bookworm-slim
LABEL org.opencontainers.image.title="fastify-messenger" \
      org.opencontainers.image.description="Push messages from a backend to browsers: one HTTP POST in, a WebSocket message out." \
      org.opencontainers.image.licenses="MIT"
WORKDIR /app
# All addresses: a loopback address of a container cannot be reached from outside. The service then demands a BEARER_TOKEN.
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
COPY --from=build /app/package.json /app/LICENSE* ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/public public
USER node
EXPOSE 3000
# Liveness, not readiness: a container whose Redis is away is not to be restarted.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/-/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/src/server.js"]
