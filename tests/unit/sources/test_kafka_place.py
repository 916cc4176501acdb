"""Where a run over a topic begins, and where the topic stands after it."""

from __future__ import annotations

import json

import pytest

from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.records import POSITIONS
from finport_ingestion.engine.sources.kafka_topics.offsets import (
    BEGINS,
    Place,
    TopicNow,
    items,
    next_place,
    place_after,
)

NOW = TopicNow(topic_id="a", low={0: 0, 1: 10, 2: 0}, high={0: 7, 1: 10, 2: 3})


def test_a_place_is_remembered_as_the_same_text_and_read_back() -> None:
    mark = Place(topic_id="a", offsets={10: 5, 2: 7}).watermark()
    assert mark.type == POSITIONS
    assert mark == Place(topic_id="a", offsets={2: 7, 10: 5}).watermark()
    assert Place.of(mark) == Place(topic_id="a", offsets={2: 7, 10: 5})


def test_a_run_begins_where_the_last_one_ended_and_at_the_beginning_of_what_is_new() -> None:
    assert next_place(Place(topic_id="a", offsets={0: 4, 1: 10}), NOW, lost="fail", what="prices") == {
        0: 4,
        1: 10,
        2: 0,
    }


def test_a_partition_that_is_shorter_than_it_was_has_lost_messages() -> None:
    with pytest.raises(PermanentError, match="partition 0 was read up to offset 8, but ends at 7") as raised:
        next_place(Place(topic_id="a", offsets={0: 8, 1: 10, 2: 0}), NOW, lost="skip", what="prices")
    assert "finport reset" in str(raised.value)


def test_offsets_that_are_gone_are_skipped_only_where_the_document_says_so() -> None:
    place = Place(topic_id="a", offsets={0: 0, 1: 7, 2: 0})
    with pytest.raises(PermanentError, match="partition 1: offsets 7 to 9 were removed"):
        next_place(place, NOW, lost="fail", what="prices")
    assert next_place(place, NOW, lost="skip", what="prices")[1] == 10


def test_another_topic_of_the_same_name_is_not_continued() -> None:
    with pytest.raises(PermanentError, match="deleted and made anew"):
        next_place(Place(topic_id="b", offsets={0: 1}), NOW, lost="skip", what="prices")


def test_silent_partitions_are_part_of_the_place() -> None:
    listed = list(items("t", {0: 4, 1: 10, 2: 0}, NOW, most=2, always=False))
    assert [item.id for item in listed] == ["t/0/4-6", "t/0/6-7", "t/2/0-2", "t/2/2-3"]
    assert json.loads(listed[0].slice[BEGINS]) == {"0": 4, "1": 10, "2": 0}
    assert place_after(listed) == Place(topic_id="a", offsets={0: 7, 1: 10, 2: 3})
    # Only the first ones were taken: the rest is for the next run.
    assert place_after(listed[:3]) == Place(topic_id="a", offsets={0: 7, 1: 10, 2: 2})
    assert place_after([]) is None


def test_nothing_new_is_no_item_but_the_first_run_of_all_knows_where_it_stood() -> None:
    ends = dict(NOW.high)
    assert list(items("t", ends, NOW, most=2, always=False)) == []
    (marker,) = items("t", ends, NOW, most=2, always=True)
    assert marker.id == "t/0/7-7"
    assert place_after([marker]) == Place(topic_id="a", offsets=ends)
