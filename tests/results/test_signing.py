"""Signing: what was not written by a holder of the keys is never loaded."""

import json

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from perdure import flow, session, settings
from perdure._results import signing
from perdure._results.types import literal_from_json
from perdure.errors import ResultCorrupt, ResultUntrusted, SettingError
from perdure.results import get_result
from perdure.serializers import new_key

OLD, NEW = new_key("old"), new_key("new")
DOCUMENT = b'{"serializer": {"type": "json"}, "data": "[\\"signature\\", 1]"}'


def where() -> str:
    return "The result in reports/today"


def check(document: bytes, keys: str = NEW, place: str = "reports/today") -> bytes:
    with settings.temporary_settings(results_signing_keys=keys):
        ring = signing.ring()
        assert ring is not None
        return signing.checked(ring, document, place, where)


def sign(document: bytes = DOCUMENT, keys: str = NEW, place: str = "reports/today") -> bytes:
    with settings.temporary_settings(results_signing_keys=keys):
        ring = signing.ring()
        assert ring is not None
        return signing.signed(ring, document, place)


def test_a_signed_document_is_the_document_with_one_more_field() -> None:
    signed = sign()
    assert json.loads(signed).keys() - json.loads(DOCUMENT).keys() == {"signature"}
    assert check(signed) == DOCUMENT


def test_without_keys_there_is_nothing_to_sign_with() -> None:
    assert signing.ring() is None


def test_the_first_key_signs_and_all_verify() -> None:
    signed = sign(keys=OLD)
    assert check(signed, keys=f"{NEW},{OLD}") == DOCUMENT
    assert b'"new:' in sign(keys=f"{NEW},{OLD}")


def test_a_document_without_signature_is_refused() -> None:
    with pytest.raises(ResultUntrusted, match=r"reports/today is not signed, and PERDURE_RESULTS_SIGNING_KEYS is set"):
        check(DOCUMENT)


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(ResultUntrusted, match=r"signed with the key 'old'.*Add the key"):
        check(sign(keys=OLD))


def test_another_key_of_the_same_id_is_refused() -> None:
    with pytest.raises(ResultUntrusted, match="its signature is wrong"):
        check(sign(keys=new_key("new")))


def test_a_document_holds_for_its_own_place_only() -> None:
    with pytest.raises(ResultUntrusted, match="moved here from another place"):
        check(sign(place="reports/yesterday"))


def test_a_place_cannot_flow_over_into_the_document() -> None:
    with pytest.raises(ResultUntrusted):
        check(sign(b"{}}", place="a"), place="a{")


@given(st.data())
@hypothesis_settings(max_examples=60, deadline=None)
def test_no_document_that_was_altered_passes(data: st.DataObject) -> None:
    signed = bytearray(sign())
    position = data.draw(st.integers(0, len(signed) - 1))
    if data.draw(st.booleans()):
        signed[position] ^= data.draw(st.integers(1, 255))
    else:
        del signed[position : position + data.draw(st.integers(1, 50))]
    with pytest.raises(ResultUntrusted):
        check(bytes(signed))


def test_a_second_signature_after_the_first_does_not_help() -> None:
    forged = DOCUMENT[:-1] + b', "signature": "new:00", "signature": "new:00"}'
    with pytest.raises(ResultUntrusted):
        check(forged)


def test_the_ring_follows_the_settings() -> None:
    with settings.temporary_settings(results_signing_keys=NEW):
        first = signing.ring()
        assert first is signing.ring()
        with settings.temporary_settings(results_signing_keys=OLD):
            assert signing.ring() is not first
    assert signing.ring() is None


@pytest.mark.parametrize(
    "keys", ["hush", "a:hush!", f"a:{'aHVzaA=='}", f"{OLD},{OLD}", "a b:" + OLD[4:], ":" + OLD[4:]], ids=range(6)
)
def test_wrong_keys_are_refused_and_not_shown(keys: str) -> None:
    with pytest.raises(SettingError, match="PERDURE_RESULTS_SIGNING_KEYS") as caught:
        sign(keys=keys)
    assert "hush" not in str(caught.value)
    assert OLD[4:] not in str(caught.value)


def test_a_result_that_was_changed_in_the_storage_is_refused() -> None:
    with settings.temporary_settings(results_signing_keys=NEW):
        state = flow(persist_result=True)(lambda: {"total": 1})(return_state=True)
        session.close()
        assert get_result(state.run_id) == {"total": 1}
        session.close()
        (document,) = (path for path in settings.current().local_storage_path.rglob("*") if path.is_file())
        fields = json.loads(document.read_bytes())
        assert fields["signature"].startswith("new:")
        document.write_text(json.dumps({**fields, "type": "other"}))
        with pytest.raises(ResultUntrusted, match="signature is wrong"):
            get_result(state.run_id)


def test_a_result_from_before_the_keys_is_refused() -> None:
    state = flow(persist_result=True)(lambda: {"total": 1})(return_state=True)
    session.close()
    with settings.temporary_settings(results_signing_keys=NEW), pytest.raises(ResultUntrusted, match="is not signed"):
        get_result(state.run_id)


@pytest.mark.parametrize("text", ["[1]", '{"total": 1}', "1", "0", '"x"', '{"uuid": 1}', '{"uuid": "x"}', "{", ""])
def test_the_database_alone_holds_no_other_results_than_none_true_false_and_uuids(text: str) -> None:
    with pytest.raises(ResultCorrupt, match="is not a literal result's value"):
        literal_from_json(text)
    assert [literal_from_json(each).get() for each in ("null", "true", "false")] == [None, True, False]
