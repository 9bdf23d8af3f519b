# SPDX-License-Identifier: Apache-2.0
# The same steps as on a bare machine, on a pinned base:
#   docker build -t xnorflow . && docker run --rm -v "$PWD/out:/xnorflow/build" xnorflow
FROM python:3.11-slim-bookworm@sha256:b18992999dbe963a45a8a4da40ac2b1975be1a776d939d098c647482bcad5cba

RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ make tcl \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /xnorflow

# Set-up depends on these only, so that an edited source does not repeat it.
COPY Makefile requirements.lock pyproject.toml README.md ./
COPY tools/ tools/
COPY flows/__init__.py flows/
COPY brevitas_models/__init__.py brevitas_models/
RUN make setup PYTHON=/usr/local/bin/python3.11 && rm -rf /root/.cache/pip

COPY . .

ENTRYPOINT ["make"]
CMD ["build", "BOARD=Pynq-Z2"]
