# dotbias on SwiftShader, a software adapter that any x64 machine can run: it trains and serves. docs/docker.md says how to use it,
# and .ci/container runs the steps below without Docker.
FROM debian:trixie-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates nodejs npm && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN npm ci --ignore-scripts --no-audit --no-fund && npm run pack:all
RUN npm install --prefix /opt/dotbias --ignore-scripts --no-audit --no-fund /src/dist/packages/*.tgz @sparticuz/chromium@147.0.0
# The browser that SwiftShader comes with, and WebGPU for other systems.
RUN cd /opt/dotbias/node_modules && rm -r @sparticuz/chromium/bin/chromium.br webgpu/dist/darwin-* webgpu/dist/win32-* webgpu/dist/linux-arm64

FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates nodejs && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/dotbias /opt/dotbias
RUN ln -s /opt/dotbias/node_modules/.bin/dotbias /usr/local/bin/dotbias
RUN useradd --create-home --uid 10001 dotbias && install -d -o dotbias -g dotbias /models
USER dotbias
# Unpacks SwiftShader, so that the first run need not, and fails where there is no adapter.
RUN dotbias info
WORKDIR /models
VOLUME /models
EXPOSE 8080
HEALTHCHECK --start-period=20s CMD node -e "fetch('http://127.0.0.1:8080/health').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"
ENTRYPOINT ["dotbias"]
CMD ["serve", "--model", "model.safetensors", "--host", "0.0.0.0", "--port", "8080"]
