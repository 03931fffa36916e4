# One image with two roles: a node of a cluster (`windtunnel node ...`) and the harness (`windtunnel run ...`).
#
# It is built without a network: what it runs on comes from the build context, where `npm ci` has put it. The sources run as they
# are, with the packages that production needs: Node strips the types itself, and the compile cache that is made below takes away what
# stripping and compiling cost at a start. A bundle would be smaller by some 50 of 293 MB, but would need a bundler among our tools, and
# lose the files that are found by their paths (threads, protocols, scenarios).
ARG BASE_IMAGE=node:26-bookworm-slim

FROM ${BASE_IMAGE} AS build
LABEL windtunnel.image=build
WORKDIR /app
COPY package.json package-lock.json ./
COPY node_modules ./node_modules
COPY bin/prune.js ./bin/
RUN node bin/prune.js
COPY bin ./bin
COPY src ./src
COPY bench ./bench
COPY scenarios ./scenarios
RUN mkdir .compile-cache /data /results && chown 1000:1000 .compile-cache /data /results
# A short run under load, so that what nodes, links, readers and harness come to need is in the cache, and not only what they need to
# start: compiling it took so much of the first seconds that requests timed out. It may be too slow for its thresholds here (96, 99). As
# the user that the image is for, whose number is part of where Node looks for the cache.
USER 1000:1000
RUN export NODE_COMPILE_CACHE=/app/.compile-cache \
  && { node bin/windtunnel.js run steady --duration 6s --links on --results /tmp/warm-up >/tmp/warm-up.log 2>&1 || test $? -ge 96; } \
  && ls /tmp/warm-up/*/run.json

FROM ${BASE_IMAGE}
LABEL windtunnel.image=1
ENV NODE_ENV=production NODE_COMPILE_CACHE=/app/.compile-cache
WORKDIR /app
COPY --from=build /app /app
COPY --from=build --chown=1000:1000 /data /data
COPY --from=build --chown=1000:1000 /results /results
# By number, because a base image may lack the name. It owns its data and the results of runs, and nothing else.
USER 1000:1000
EXPOSE 7401 7404
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["node", "/app/bin/healthcheck.js"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/app/bin/windtunnel.js"]
CMD ["--help"]
