"""Every mistake of a document at once, in words for the person who wrote it."""

from __future__ import annotations

import pytest

from tests.unit.config.project import ProjectFolder, source


def test_every_mistake_of_a_document_is_told_at_once(project: ProjectFolder) -> None:
    project.write(
        "sources/a.yaml",
        """
        apiVersion: finport.io/v2
        kind: Source
        metadata:
          name: Eq_x
          labels: {workflow: standard, demo: true}
        spec:
          discription: x
          source:
            protocol: htp
          overrides:
            store: {storage: sql}
            limits: {rate: 1/fortnight, request_timeout: 3s, maxItems: 0}
            quality: {minRows: "3", minScore: 101, maxNullShare: x}
          frequency: dayly
          enabled: no
          contract: {columns: [{name: a}, {name: b, type: date, nullable: 1}], mode: freze, key: x}
          timeZone: Europe
          fallbacks: 5
          provides: [A_b]
          incremental: {start: 2024}
          metadata: {}
        """,
    )
    assert project.mistakes() == [
        "sources/a.yaml:1:13: apiVersion: must be finport.io/v1, not 'finport.io/v2'",
        (
            "sources/a.yaml:4:9: metadata.name: a name has 1 to 63 of a-z, 0-9 and '-', and begins and ends with a "
            "letter or digit"
        ),
        "sources/a.yaml:5:38: metadata.labels.demo: must be text, and is true or false; put it in quotes",
        (
            "sources/a.yaml:6:1: spec.owner: missing key: The team that answers for it; becomes the owner of the DAG's "
            "tasks."
        ),
        "sources/a.yaml:7:3: spec.discription: unknown key; did you mean 'description'?",
        "sources/a.yaml:9:15: spec.source.protocol: unknown protocol 'htp'; did you mean 'http'?",
        (
            "sources/a.yaml:11:5: spec.overrides.store.connection: missing key: Airflow connection id of a PostgreSQL "
            "database."
        ),
        (
            "sources/a.yaml:12:20: spec.overrides.limits.rate: a rate is written like 100/minute; the periods are "
            "second, minute, hour and day"
        ),
        "sources/a.yaml:12:33: spec.overrides.limits.request_timeout: unknown key; did you mean 'requestTimeout'?",
        "sources/a.yaml:12:64: spec.overrides.limits.maxItems: must be greater than 0",
        (
            "sources/a.yaml:13:24: spec.overrides.quality.minRows: must be a whole number, and is text; write it "
            "without quotes"
        ),
        "sources/a.yaml:13:39: spec.overrides.quality.minScore: must be at most 100",
        "sources/a.yaml:13:58: spec.overrides.quality.maxNullShare: must be a number, and is text",
        (
            "sources/a.yaml:14:14: spec.frequency: must be one of hourly, daily, weekly, monthly, not 'dayly'; did you "
            "mean 'daily'?"
        ),
        "sources/a.yaml:15:12: spec.enabled: must be true or false, and is text; write false",
        "sources/a.yaml:16:24: spec.contract.columns[0].type: missing key: A logical type.",
        "sources/a.yaml:16:67: spec.contract.columns[1].nullable: must be true or false, and is a whole number",
        (
            "sources/a.yaml:16:78: spec.contract.mode: must be one of evolve, freeze, discardRow, discardValue, not "
            "'freze'; did you mean 'freeze'?"
        ),
        "sources/a.yaml:16:90: spec.contract.key: must be a list, and is text; put it in brackets: [...]",
        "sources/a.yaml:17:13: spec.timeZone: no such time zone; use a name such as Europe/Berlin or UTC",
        "sources/a.yaml:18:14: spec.fallbacks: must be a list, and is a whole number",
        (
            "sources/a.yaml:19:14: spec.provides[0]: a name has 1 to 63 of a-z, 0-9 and '-', and begins and ends with "
            "a letter or digit"
        ),
        (
            "sources/a.yaml:20:3: spec.incremental.field: missing key: The column whose value grows: a date, a time or "
            "a number."
        ),
        "sources/a.yaml:20:24: spec.incremental.start: must be text, and is a whole number; put it in quotes",
        (
            "sources/a.yaml:21:3: spec.metadata: unknown key; known: authentication, calendar, contract, convert, "
            "dataset, dependsOn, description, documentation, enabled, fallbacks, format, frequency and 10 more"
        ),
    ]


@pytest.mark.parametrize(
    ("spec", "mistake"),
    [
        ("frequency: [daily]", "10:14: spec.frequency: must be one of hourly, daily, weekly, monthly"),
        ("enabled: 'true'", "10:12: spec.enabled: must be true or false, and is text"),
        ("enabled: on", "10:12: spec.enabled: must be true or false, and is text; write true"),
        (
            "convert: {format: csv, delimiter: ab}",
            "10:37: spec.convert.delimiter: must be at most 1 long, in characters",
        ),
        ("convert: {format: cvs}", "10:21: spec.convert.format: unknown format 'cvs'; did you mean 'csv'?"),
        ("convert: {delimiter: a}", "10:3: spec.convert.format: missing key: it says which format"),
        ("convert: csv", "10:12: spec.convert: must be a mapping of keys to values, and is text"),
        (
            "overrides: {security: {minTls: 1.3}}",
            "10:34: spec.overrides.security.minTls: must be one of 1.2, 1.3; put it in quotes: '1.3'",
        ),
        (
            "overrides: {retry: {delay: 5}}",
            "10:30: spec.overrides.retry.delay: a duration is written like 90s, 5m, 2h, 1h30m or 30d",
        ),
        (
            "overrides: {retry: {delay: 99999999999999d}}",
            "10:30: spec.overrides.retry.delay: a duration of more than a million years",
        ),
        (
            "contract: {expectations: [{type: Expect}]}",
            "10:36: spec.contract.expectations[0].type: must match ^expect_[a-z_]+$",
        ),
        ("dependsOn:", "10:13: spec.dependsOn: must be a list, and is empty"),
        ("overrides:", "10:13: spec.overrides: must be a mapping of keys to values, and is empty"),
        ("provides: [true]", "10:14: spec.provides[0]: must be text, and is true or false; put it in quotes"),
        ("format: csv\nconvert: {format: csv}", ("6:1: spec: 'format' names a document and 'convert' says it in place; "
         "state one of them")),
        ("depends_on: []", "10:3: spec.depends_on: unknown key; did you mean 'dependsOn'?"),
        ("Frequency: daily", "10:3: spec.Frequency: unknown key; did you mean 'frequency'?"),
        ("frequency: daily\nfrequency: daily", "11:3: spec.frequency: the key stands twice; first on line 10"),
        ("timeZone: ${ZONE", "10:13: spec.timeZone: no such time zone; use a name such as Europe/Berlin or UTC"),
        (
            "calendar: ${1X}",
            "10:13: spec.calendar: a variable is written ${NAME} or ${NAME:-default}; '$${' is a plain '${'",
        ),
    ],
)  # fmt: skip
def test_a_mistake_says_where_it_is_and_how_it_is_put_right(project: ProjectFolder, spec: str, mistake: str) -> None:
    project.write("sources/a.yaml", source("a", spec))
    assert f"sources/a.yaml:{mistake}" in project.mistakes()


def test_a_union_inside_a_union_is_no_part_of_the_key(project: ProjectFolder) -> None:
    text = source("a").replace(
        "{protocol: file, path: /prices}", "{protocol: http, pagination: {style: page, frist: 2}}"
    )
    project.write("sources/a.yaml", text)
    assert project.mistakes() == [
        "sources/a.yaml:9:54: spec.source.pagination.frist: unknown key; did you mean 'first'?"
    ]


def test_a_misspelt_required_key_is_told_once(project: ProjectFolder) -> None:
    project.write("sources/a.yaml", source("a").replace("owner:", "ovner:"))
    assert project.mistakes() == ["sources/a.yaml:8:3: spec.ovner: unknown key; did you mean 'owner'?"]


def test_what_is_no_document_of_ours_is_told(project: ProjectFolder) -> None:
    project.write(
        "workflows/a.yaml",
        """
        just text
        ---
        - a list
        ---
        apiVersion: finport.io/v1
        kind: Wokflow
        metadata: {name: w}
        spec:
        ---
        metadata: {}
        """,
    )
    form = "a document is a mapping with the keys apiVersion, kind, metadata and spec"
    assert project.mistakes() == [
        f"workflows/a.yaml:1:1: {form}",
        f"workflows/a.yaml:3:1: {form}",
        "workflows/a.yaml:6:7: kind: unknown kind; did you mean 'Workflow'?",
        "workflows/a.yaml:8:6: spec: must be a mapping of keys to values, and is empty",
        "workflows/a.yaml:10:1: apiVersion: missing key: The version of the document format.",
        "workflows/a.yaml:10:1: kind: missing key",
        (
            "workflows/a.yaml:10:1: metadata.name: missing key: Unique among the documents of its kind; letters, "
            "digits and '-'."
        ),
        "workflows/a.yaml:10:1: spec: missing key",
    ]


def test_a_document_in_the_folder_of_another_kind_is_a_mistake(project: ProjectFolder) -> None:
    project.write("workflows/a.yaml", source("a"))
    assert project.mistakes() == [
        "workflows/a.yaml:2:7: kind: a Source lies below include/configs/sources/; move the document there"
    ]


def test_a_syntax_error_costs_one_document_of_its_file(project: ProjectFolder) -> None:
    project.write("sources/all.yaml", f"{source('a')}---\nkind: [\n---\n{source('b')}")
    assert [document.name for document in project.documents() if document.model] == ["a", "b"]
    assert project.mistakes() == [
        "sources/all.yaml:11:7: not YAML: no value where one is expected; check brackets and quotes"
    ]


def test_files_that_cannot_be_read_are_told(project: ProjectFolder) -> None:
    project.write("sources/latin.yaml", "a: 1\nb: é".encode("latin-1"))
    project.write("sources/large.yaml", b"a: 1\n" * (3 * 1024 * 1024))
    (project.folder / "include/configs/sources/gone.yaml").symlink_to("nowhere")
    assert project.mistakes() == [
        "sources/gone.yaml:1:1: cannot be read: No such file or directory",
        "sources/large.yaml:1:1: larger than 10 MiB; split the file",
        "sources/latin.yaml:2:4: not UTF-8 text; save the file as UTF-8",
    ]


def test_a_file_outside_the_five_folders_is_told(project: ProjectFolder) -> None:
    project.write("a.yaml", source("a"))
    project.write("source/a.yml", source("a"))
    folders = "authentication, formats, policies, sources, workflows"
    assert project.mistakes() == [
        f"a.yaml:1:1: documents lie in one of the folders {folders} of include/configs",
        f"source/a.yml:1:1: documents lie in one of the folders {folders} of include/configs",
    ]


def test_hidden_files_and_old_mounts_of_a_config_map_are_no_documents(project: ProjectFolder) -> None:
    project.write("sources/..2024_01_01/a.yaml", source("a"))
    project.write("sources/.a.yaml.swp.yaml", "[")
    project.write("sources/README.md", "[")
    (project.folder / "include/configs/sources/a.yaml").symlink_to("..2024_01_01/a.yaml")
    assert [document.path for document in project.documents()] == ["include/configs/sources/a.yaml"]


def test_folders_that_link_to_each_other_are_read_once(project: ProjectFolder) -> None:
    project.write("sources/vendor/a.YML", source("a"))
    (project.folder / "include/configs/sources/vendor/loop").symlink_to("..")
    assert [document.name for document in project.documents()] == ["a"]


def test_equal_content_is_parsed_once_a_process(project: ProjectFolder) -> None:
    project.write("sources/a.yaml", source("a"))
    (first,) = project.documents()
    (second,) = project.documents()
    assert first is second
    project.write("sources/a.yaml", source("a", "enabled: false"))
    (changed,) = project.documents()
    assert changed.spec["enabled"] is False
