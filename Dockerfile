# SPDX-License-Identifier: Apache-2.0
# backstopd in two stages: built by the same ./dev and package lists as everywhere else, run by an
# unprivileged user. Without keys and TLS it serves 127.0.0.1 only, which is the container's own; so
# either run it in the host's network,
#   docker run --network host -v backstop:/var/lib/backstop backstop
# or give it both (the health check then needs BACKSTOP_URL, too):
#   docker run -p 8480:8480 -v backstop:/var/lib/backstop -v /etc/backstop:/etc/backstop:ro \
#     -e BACKSTOPD_HTTP_LISTEN=0.0.0.0:8480 -e BACKSTOPD_ACCESS_KEYS=/etc/backstop/keys \
#     -e BACKSTOPD_TLS_CERTIFICATE=/etc/backstop/tls.pem -e BACKSTOPD_TLS_KEY=/etc/backstop/tls.key backstop
FROM debian:12-slim AS build
WORKDIR /source
COPY . .
RUN ./dev release /out

FROM debian:12-slim
COPY packages/run.txt /tmp/
RUN apt-get update -q \
    && sed '/^#/d' /tmp/run.txt | xargs apt-get install -q -y --no-install-recommends \
    && rm -rf /var/lib/apt/lists/* /tmp/run.txt \
    && useradd --system --create-home --home-dir /var/lib/backstop backstop
COPY --from=build /out /
USER backstop
VOLUME /var/lib/backstop
EXPOSE 8480
HEALTHCHECK --interval=5s --timeout=3s CMD ["backstopctl", "health", "--quiet"]
ENTRYPOINT ["backstopd", "--data", "/var/lib/backstop"]
