FROM astrocrpublic.azurecr.io/runtime:3.3-7-python-3.12

# The image's own steps install packages.txt and requirements.txt when it is used as a base; the package itself comes
# after them: without its metadata Airflow knows neither the provider nor its connection types.
COPY --chown=astro:0 pyproject.toml README.md LICENSE /tmp/finport/
COPY --chown=astro:0 plugins/finport_ingestion /tmp/finport/plugins/finport_ingestion
RUN pip install --no-cache-dir --no-deps /tmp/finport && rm -rf /tmp/finport
