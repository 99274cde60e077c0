import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.names import name_agreement, organization_agreement, own_names


@pytest.mark.parametrize(
    ("name", "local", "agreement"),
    [
        ("Ana Ruiz", "ana.ruiz", 1.0),
        ("Ana Ruiz", "ruiz_ana84", 1.0),
        ("Ana Ruiz", "aruiz", 1.0),
        ("Ana Ruiz", "ar", 0.5),
        ("John Adam Smith", "jasmith", 1.0),
        ("Alexander Berg", "alex.berg", 1.0),
        ("Jürgen Müller", "juergen.mueller", 1.0),
        ("Jürgen Müller", "jurgen.muller", 1.0),
        ("Łukasz Żak", "lukaszzak", 1.0),
        ("Søren Ærø", "soren.aero", 1.0),
        ("Zhang Wei", "zhangwei", 1.0),
        ("O'Brien Mary", "mary.obrien", 1.0),
        ("Li Na", "lina", 1.0),
        ("Ana Ruiz", "coolcat", 0.0),
        ("Ana Ruiz", "anacool", 3 / 7),
    ],
)
def test_agreement_of_name_and_local_part(name: str, local: str, agreement: float) -> None:
    assert name_agreement(name, local) == pytest.approx(agreement)


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("Иван Петров", "ivan.petrov"),
        ("王伟", "wangwei"),
        ("محمد", "mohamed"),
        ("Ana Ruiz", "用户"),
        ("Ana", "12345"),
        ("", "ana"),
        ("123", "ana"),
    ],
)
def test_what_cannot_be_compared_is_unknown(name: str, local: str) -> None:
    assert name_agreement(name, local) is None


@pytest.mark.parametrize(
    ("organization", "label", "agreement"),
    [
        ("Ruiz Ceramics", "ruizceramics", 1.0),
        ("Ruiz Ceramics Ltd.", "ruiz-ceramics", 1.0),
        ("International Business Machines", "ibm", 1.0),
        ("Ruiz Ceramics", "ruiz", 1.0),
        ("Ruiz Ceramics", "getruiz", 4 / 7),
        ("Bäckerei Groß GmbH", "baeckereigross", 1.0),
        ("Ruiz Ceramics", "bestpills", 0.0),
    ],
)
def test_agreement_of_organization_and_domain(organization: str, label: str, agreement: float) -> None:
    assert organization_agreement(organization, label) == pytest.approx(agreement)


@pytest.mark.parametrize(("organization", "label"), [("株式会社", "ruiz"), ("Ruiz", "123"), ("", "ruiz")])
def test_an_organization_that_cannot_be_compared_is_unknown(organization: str, label: str) -> None:
    assert organization_agreement(organization, label) is None


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None), max_size=64))
def test_any_two_texts_can_be_compared(left: str, right: str) -> None:
    for found in (name_agreement(left, right), organization_agreement(left, right)):
        assert found is None or 0 <= found <= 1


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("Jon Tester", {"jon", "tester"}),
        ("Test, Anna", {"anna", "test"}),
        ("Dr. Ana Müller-Junk", {"dr", "ana", "muller", "mueller", "junk"}),
        ("Test", set()),
        ("Test Test", set()),
        ("Fake Tester", set()),
        ("Иван", set()),
        ("", set()),
        (None, set()),
    ],
)
def test_words_of_a_name_are_its_bearers_unless_it_is_made_up(name: str | None, own: set[str]) -> None:
    assert own_names(name, {"test", "tester", "junk", "fake"}) == own
